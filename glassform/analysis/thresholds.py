"""What a threshold decides: right and wrong answers, their rates with intervals, their cost, by group too."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from typing_extensions import TypedDict

from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import NORMAL_97_5
from glassform.records.field import Field

STEPS = 100
THRESHOLDS = [step / STEPS for step in range(STEPS + 1)]
FEW = 100  # fewest people of either outcome for a group's rates to mean much


class RateAnswer(TypedDict):
    """A rate, its 95% interval (None without rows) and its counts."""

    value: float | None
    interval: list[float] | None
    count: int
    total: int


@dataclass(frozen=True)
class Rate:
    """A share of some people: `count` of `total`."""

    count: int
    total: int

    @cached_property
    def value(self) -> float | None:
        """The share, 0 to 1; None without rows."""
        return self.count / self.total if self.total else None

    @cached_property
    def interval(self) -> list[float] | None:
        """Its 95% interval by Wilson's score method (1927), which holds for small counts and shares near 0 or 1."""
        if not self.total:
            return None
        share, z2 = self.count / self.total, NORMAL_97_5**2 / self.total
        middle = (share + z2 / 2) / (1 + z2)
        margin = math.sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
        return [max(0.0, min(middle - margin, share)), min(1.0, max(middle + margin, share))]  # at the ends, exactly

    def as_dict(self) -> RateAnswer:
        """Return value, interval and counts."""
        return {"value": self.value, "interval": self.interval, "count": self.count, "total": self.total}


@dataclass(frozen=True)
class Confusion:
    """How many people a threshold puts on the right and the wrong side; positive is at or above it."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def rates(self) -> dict[str, Rate]:
        """The shares that are commonly reported, by name."""
        positives = self.true_positives + self.false_negatives
        negatives = self.false_positives + self.true_negatives
        selected = self.true_positives + self.false_positives
        rows = positives + negatives
        return {
            "selection_rate": Rate(selected, rows),
            "true_positive_rate": Rate(self.true_positives, positives),
            "false_positive_rate": Rate(self.false_positives, negatives),
            "precision": Rate(self.true_positives, selected),
            "accuracy": Rate(self.true_positives + self.true_negatives, rows),
        }

    def cost(self, false_positive: float, false_negative: float) -> float:
        """Return what the errors cost in all, given the cost of one of each kind."""
        return self.false_positives * false_positive + self.false_negatives * false_negative


def confusion(measured: dict[str, Any], step: int) -> Confusion:
    """Return the confusion matrix at a threshold of `step` hundredths.

    Parameters
    ----------
    measured
        One evaluation: `rows`, `positives` and, by threshold, the `true_positives` and `false_positives`.
    """
    hits, alarms = measured["true_positives"][step], measured["false_positives"][step]
    positives = measured["positives"]
    return Confusion(hits, alarms, positives - hits, measured["rows"] - positives - alarms)


def confusions(measured: dict[str, Any]) -> Iterator[Confusion]:
    """Return the confusion matrix at every threshold, 0 first."""
    return (confusion(measured, step) for step in range(STEPS + 1))


def cheapest(measured: dict[str, Any], false_positive: float, false_negative: float) -> int:
    """Return the step whose errors cost least; the lowest on a tie."""
    costs = [each.cost(false_positive, false_negative) for each in confusions(measured)]
    return costs.index(min(costs))


def histogram(measured: dict[str, Any], width: int = 5) -> list[dict[str, float]]:
    """Count people of either outcome by probability, in bins `width` hundredths wide; the last includes 1."""
    hits, alarms = measured["true_positives"], measured["false_positives"]
    bins = [(begin, begin + width) for begin in range(0, STEPS, width)]
    counts = [
        (hits[begin] - (hits[end] if end < STEPS else 0), alarms[begin] - (alarms[end] if end < STEPS else 0))
        for begin, end in bins
    ]
    return [
        {
            "from": THRESHOLDS[begin],
            "to": THRESHOLDS[end],
            "people": positives + negatives,
            "positives": positives,
            "negatives": negatives,
        }
        for (begin, end), (positives, negatives) in zip(bins, counts, strict=True)
    ]


def largest_group_gap(groups: dict[str, dict[str, Any]], step: int = STEPS // 2) -> float:
    """Return the largest gap between two groups of a field in true or false positive rate; small groups left out.

    The larger of the two is called the equalized odds difference (Hardt and others, 2016).
    """
    apart = [0.0]
    for measured in groups.values():
        rates = [confusion(each, step).rates for each in measured.values() if not is_small(each)]
        for name in ("true_positive_rate", "false_positive_rate"):
            found = [each[name].count / each[name].total for each in rates]
            apart.append(max(found, default=0.0) - min(found, default=0.0))
    return max(apart)


def is_small(measured: dict[str, Any]) -> bool:
    """Tell whether a group has so few people of one outcome that its rates say little."""
    positives, rows = measured["positives"], measured["rows"]
    return bool(min(positives, rows - positives) < FEW)


def by_threshold(
    measured: dict[str, Any], threshold: float, false_positive_cost: float, false_negative_cost: float
) -> list[dict[str, Any]]:
    """Return the confusion matrix, the rates and the cost of every threshold: the ROC and precision-recall curves."""
    return [
        {
            "threshold": at,
            **asdict(each),
            **{name: rate.value for name, rate in each.rates.items()},
            "cost": each.cost(false_positive_cost, false_negative_cost),
        }
        for at, each in zip(THRESHOLDS, confusions(measured), strict=True)
    ]


def decide(
    measured: dict[str, Any], threshold: float, false_positive_cost: float, false_negative_cost: float
) -> dict[str, Any]:
    """Return a threshold's confusion matrix, rates and cost, and the cheapest threshold."""
    costs = false_positive_cost, false_negative_cost
    here, best = confusion(measured, step_of(threshold)), cheapest(measured, *costs)
    return {
        "confusion": asdict(here),
        "rates": {name: rate.as_dict() for name, rate in here.rates.items()},
        "cost": here.cost(*costs),
        "cheapest": {"threshold": THRESHOLDS[best], "cost": confusion(measured, best).cost(*costs)},
    }


def compare_groups(field: Field, card: Fitted, threshold: float) -> dict[str, Any]:
    """Return counts and rates of every group of a field, and the largest gaps between them."""
    groups = [
        {
            "value": category,
            "title": field.title_of(category),
            "small": is_small(measured),
            "train": Rate(trained["positives"], trained["rows"]).as_dict(),
            "observed": Rate(measured["positives"], measured["rows"]).as_dict(),
            "predicted": measured["mean_probability"],
            **{name: measured[name] for name in ("roc_auc", "brier_score", "log_loss")},
            "rates": {name: rate.as_dict() for name, rate in confusion(measured, step_of(threshold)).rates.items()},
        }
        for category, measured in card.evaluation["groups"][field.name].items()
        for trained in [card.training["groups"][field.name].get(category, {"rows": 0, "positives": 0})]
    ]
    return {"groups": groups, "largest_difference": {name: apart(groups, name) for name in COMPARED}}


COMPARED = ("selection_rate", "true_positive_rate", "false_positive_rate")


def apart(groups: list[dict[str, Any]], name: str) -> float | None:
    """Return the gap between the highest and the lowest rate of the groups."""
    values = [group["rates"][name]["value"] for group in groups if group["rates"][name]["total"]]
    return max(values) - min(values) if values else None


def step_of(threshold: float) -> int:
    """Return the threshold's place among those measured."""
    return round(threshold * STEPS)
