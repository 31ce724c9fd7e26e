"""The scorecard of a binary target: score, explain, intervals."""

import math
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NotRequired

from typing_extensions import TypedDict

from glassform.fitted.additive import Additive, Contribution, Terms
from glassform.fitted.base import Row
from glassform.fitted.neighbours import Support
from glassform.fitted.target import Predicted, Sums, sigmoid, sigmoids
from glassform.records.field import Record, Value

TOLERANCE = 1e-9  # log-odds by which the table may differ from the pipeline on a real row
NORMAL_97_5 = 1.959963984540054  # quantile of the standard normal distribution, for 95% intervals


class Twin(Predicted):
    """A record with one group field changed: its answer and the difference."""

    feature: str
    value: Value
    difference: NotRequired[float]


class Explanation(TypedDict):
    """A probability and its arithmetic: intercept + contributions, left to right, = log_odds.

    `interval` is the probability's 95% confidence interval; `support` counts similar training rows; `model` is its
    name and version.
    """

    probability: float
    log_odds: float
    intercept: float
    contributions: list[Contribution]
    record: Record
    interval: tuple[float, float] | None
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


@dataclass(frozen=True)
class Scorecard(Additive):
    """An additive model of a target of two classes; its points are log-odds.

    `covariance` is the lower triangle of the covariance matrix of [intercept, points of the first feature, of the
    second, ...]. It is empty if there are too many points to keep it.
    """

    covariance: list[list[float]]

    kind = "scorecard"
    term = "log_odds"

    @cached_property
    def rows(self) -> dict[str, dict[Value, tuple[int, "array[float]"]]]:
        """By feature and value: the number and the content of its row of `covariance`; row 0 is the intercept's."""
        # arrays, because adjacent numbers are read faster than a list of objects
        numbered = enumerate((array("d", row) for row in self.covariance[1:]), start=1)
        return {name: {value: next(numbered) for value in points.places} for name, points in self.points.items()}

    @cached_property
    def terms(self) -> dict[str, "Terms"]:
        """The contribution of every value, by feature."""
        return {name: Terms(name, points) for name, points in self.points.items()}

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the probability and, if wanted, every term."""
        return [*self.target.columns, *(["log_odds", *self.term_columns] if explain else [])]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        return [sigmoid(sums), sums, self.intercept, *row.terms] if explain else [sigmoid(sums)]

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the log-odds with every term."""
        return {"log_odds": sums, "intercept": self.intercept, "contributions": self.contributions(row)}

    @cached_property
    def interpolates(self) -> bool:
        """Whether any feature is real-valued."""
        return any(points.linear for points in self.points.values())

    def sums(self, record: Record) -> float:
        """Return the log-odds of a record: a look-up per field and a sum, left to right."""
        total = self.intercept
        for name, terms in self.terms.items():
            total += terms[record[name]]["log_odds"]
        return total

    def log_odds(self, record: Record) -> float:
        """Return the log-odds of a record."""
        return self.sums(record)

    def probability(self, record: Record) -> float:
        """Return the probability of the positive class, 0 to 1."""
        return sigmoid(self.log_odds(record))

    def explain(self, record: Record) -> Explanation:
        """Return the probability of a record with every term of its log-odds."""
        log_odds = self.intercept
        contributions = [terms[record[name]] for name, terms in self.terms.items()]
        for term in contributions:
            log_odds += term["log_odds"]
        support = self.support(record)
        return {
            "probability": sigmoid(log_odds),
            "log_odds": log_odds,
            "intercept": self.intercept,
            "contributions": contributions,
            "record": record,
            "interval": self.interval_of(record, log_odds) if self.covariance else None,
            "support": support,
            "warnings": self.warnings(record, support),
            "model": self.model,
        }

    def interval_of(self, record: Record, log_odds: float) -> tuple[float, float]:
        """Return the bounds of the probability's 95% confidence interval."""
        margin = NORMAL_97_5 * math.sqrt(self.variance(record))
        return sigmoid(log_odds - margin), sigmoid(log_odds + margin)

    def curve(self, name: str, record: Record, log_odds: float) -> list[tuple[Value, float]]:
        """Return the probability at each value (or knot) of one feature; `log_odds` are the record's own."""
        points = self.points[name]
        rest = log_odds - self.terms[name][record[name]]["log_odds"]
        values = points.listed
        return list(zip(values, sigmoids([rest + points.by_value[value] for value in values]), strict=True))

    def what_if(self, record: Record) -> dict[str, list[tuple[Value, float]]]:
        """Return, by feature, the probability at each of its values (or knots), the rest of the record held fixed."""
        log_odds = self.log_odds(record)
        return {name: self.curve(name, record, log_odds) for name in self.points}

    def twins(self, record: Record) -> list[Twin]:
        """Return the record's twins: the same but for one group field."""
        log_odds = self.log_odds(record)
        probability = sigmoid(log_odds)
        return [
            {"feature": field.name, "value": value, "probability": other, "difference": other - probability}
            for field in self.schema.groups
            for value, other in self.curve(field.name, record, log_odds)
            if value != record[field.name]
        ]

    def variance(self, record: Record) -> float:
        """Return the variance of a record's log-odds: the covariances of all pairs of its terms, summed."""
        if self.interpolates:
            return self._interpolated_variance(record)
        own, pairs, earlier = self.covariance[0][0], 0.0, [0]
        for name, rows in self.rows.items():
            try:
                row, covariances = rows[record[name]]
            except KeyError:  # a number outside of what was seen
                return self._interpolated_variance(record)
            for column in earlier:
                pairs += covariances[column]
            own += covariances[row]
            earlier.append(row)
        return own + 2.0 * pairs

    def _interpolated_variance(self, record: Record) -> float:
        terms = [(0, 1.0)]
        for name, rows in self.rows.items():
            first = next(iter(rows.values()))[0]
            terms += [(first + position, share) for position, share in self.points[name].shares(record[name])]
        return sum(a * b * self.covariance[max(i, j)][min(i, j)] for i, a in terms for j, b in terms)
