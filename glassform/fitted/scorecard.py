"""The scorecard of a binary target: score, explain, intervals."""

import math
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from functools import cached_property, partial
from itertools import chain, count, pairwise
from typing import Any, NotRequired

from typing_extensions import TypedDict

from glassform.fitted.additive import Additive, Contribution, ReasonsAnswer, Terms
from glassform.fitted.base import Row
from glassform.fitted.neighbours import Support
from glassform.fitted.pairs import Pair, Remembered
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

    `interval` is what chance in the training rows leaves open, if the model has the right shape: in trials it held
    the truth 76 to 93 times of 100. `support` counts similar training rows; `model` is its name and version.
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
    reasons: NotRequired[ReasonsAnswer]


@dataclass(frozen=True)
class Scorecard(Additive):
    """An additive model of a target of two classes; its points are log-odds.

    `covariance` is the lower triangle, row after row, of the covariance matrix of [intercept, points of the first
    feature, of the second, ..., cells of the first pair, ...]. It is empty if there are too many points to keep it.
    `paper` is its paper card, as `paper.Paper` writes it; older files have none.
    """

    covariance: Sequence[float]
    paper: dict[str, Any] | None = member(default=None, kw_only=True)

    kind = "scorecard"
    term = "log_odds"

    @cached_property
    def rows(self) -> list["array[float]"]:
        """The rows of `covariance`; row 0 is the intercept's."""
        number = math.isqrt(2 * len(self.covariance))
        # arrays, because adjacent numbers are read faster than a list of objects
        starts = [row * (row + 1) // 2 for row in range(number + 1)]
        return [array("d", self.covariance[start:end]) for start, end in pairwise(starts)]

    @cached_property
    def places(self) -> dict[str, dict[Value, int]]:
        """By feature and value, the number of its row of `covariance`."""
        numbers = count(1)
        return {name: {value: next(numbers) for value in points.places} for name, points in self.points.items()}

    @cached_property
    def pair_places(self) -> list[tuple[str, str, Mapping[tuple[Value, Value], int]]]:
        """By pair, its features and the number of the row of `covariance` of every two values."""
        found: list[tuple[str, str, Mapping[tuple[Value, Value], int]]] = []
        start = 1 + sum(map(len, self.places.values()))
        for pair in self.pairs.values():
            found.append((*pair.features, Remembered(partial(pair.place_from, start))))
            start += pair.size
        return found

    @cached_property
    def terms(self) -> dict[str, "Terms"]:
        """The contribution of every value, by feature."""
        return {name: Terms(name, points) for name, points in self.points.items()}

    @cached_property
    def pair_terms(self) -> list[tuple[str, str, Mapping[tuple[Value, Value], Contribution]]]:
        """By pair, its features and the contribution of every two values."""
        return [(*pair.features, Remembered(partial(contribution_of, pair))) for pair in self.pairs.values()]

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
        contributions += [terms[record[first], record[second]] for first, second, terms in self.pair_terms]
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
        values = self.points[name].listed
        return list(zip(values, sigmoids(self.sums_along(name, record, log_odds, values)), strict=True))

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
            for field in self.schema.used_groups
            for value, other in self.curve(field.name, record, log_odds)
            if value != record[field.name]
        ]

    def variance(self, record: Record) -> float:
        """Return the variance of a record's log-odds: the covariances of all pairs of its terms, summed."""
        if self.interpolates:
            return self._interpolated_variance(record)
        triangle, earlier, pairs = self.rows, [0], 0.0
        own = triangle[0][0]
        try:
            numbers = [places[record[name]] for name, places in self.places.items()]
        except KeyError:  # a number outside of what was seen
            return self._interpolated_variance(record)
        numbers += [places[record[first], record[second]] for first, second, places in self.pair_places]
        for row in numbers:
            covariances = triangle[row]
            for column in earlier:
                pairs += covariances[column]
            own += covariances[row]
            earlier.append(row)
        return own + 2.0 * pairs

    def _interpolated_variance(self, record: Record) -> float:
        terms = [(0, 1.0)]
        for name, places in self.places.items():
            first = next(iter(places.values()))
            terms += [(first + position, share) for position, share in self.points[name].shares(record[name])]
        terms += [(places[record[first], record[second]], 1.0) for first, second, places in self.pair_places]
        return sum(a * b * self.rows[max(i, j)][min(i, j)] for i, a in terms for j, b in terms)

    def written(self) -> dict[str, Any]:
        """Return what its file holds; the covariance as text, eight bytes a number."""
        return super().written() | {"covariance": b64encode(in_file(array("d", self.covariance)).tobytes()).decode()}

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class; older files hold the covariance as lists."""
        given = content["covariance"]
        if isinstance(given, str):
            covariance = array("d")
            covariance.frombytes(b64decode(given))
            covariance = in_file(covariance)
        else:
            covariance = array("d", chain.from_iterable(given))
        return super().decoded(content) | {"covariance": covariance}


def contribution_of(pair: Pair, first: Value, second: Value) -> Contribution:
    """Return what two values add together."""
    log_odds = pair.at(first, second)
    return {"feature": pair.name, "features": [*pair.features], "value": [first, second], "log_odds": log_odds}


def in_file(numbers: "array[float]") -> "array[float]":
    """Return numbers with their bytes as files have them, the least one first, or back from it."""
    if sys.byteorder == "little":
        return numbers
    turned = numbers[:]
    turned.byteswap()
    return turned
