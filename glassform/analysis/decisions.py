"""What a threshold decides, for everybody and by group."""

from dataclasses import asdict
from typing import Any

from glassform.analysis.thresholds import STEPS, THRESHOLDS, Rate, cheapest, confusion, confusions, is_small
from glassform.fitted.base import Fitted
from glassform.records.field import Field


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
    """Return what a threshold does to the test people, what its errors cost, and which threshold would cost least."""
    costs = false_positive_cost, false_negative_cost
    here, best = confusion(measured, step_of(threshold)), cheapest(measured, *costs)
    return {
        "confusion": asdict(here),
        "rates": {name: rate.as_dict() for name, rate in here.rates.items()},
        "cost": here.cost(*costs),
        "cheapest": {"threshold": THRESHOLDS[best], "cost": confusion(measured, best).cost(*costs)},
    }


def compare_groups(field: Field, card: Fitted, threshold: float) -> dict[str, Any]:
    """Return counts and rates of every group of a field, and how far the groups are apart at most."""
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
    """Return how far the groups' highest and lowest rates are apart."""
    values = [group["rates"][name]["value"] for group in groups if group["rates"][name]["total"]]
    return max(values) - min(values) if values else None


def step_of(threshold: float) -> int:
    """Return which of the measured thresholds this one is."""
    return round(threshold * STEPS)
