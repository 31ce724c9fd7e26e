"""The points of one feature."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from typing_extensions import TypedDict

from glassform.records.field import NOT_KNOWN, Value


@dataclass(frozen=True)
class Points:
    """The points of one feature at each of its values in order: log-odds, or in the unit of a number foretold.

    Between the values of a real-valued feature, its knots, the points run in straight lines. A number that is not
    known has points of its own, if one can be missing: its `gap`.
    """

    values: tuple[Any, ...]
    log_odds: tuple[float, ...]
    linear: bool = False
    gap: float | None = None

    @property
    def levels(self) -> tuple[Any, ...]:
        """The values and, if there is one, the sign of a gap."""
        return self.values if self.gap is None else (*self.values, NOT_KNOWN)

    @cached_property
    def by_value(self) -> dict[Value, float]:
        """The points of each value."""
        gap = () if self.gap is None else (self.gap,)
        return dict(zip(self.levels, (*self.log_odds, *gap), strict=True))

    @cached_property
    def position(self) -> dict[Value, int]:
        """Where each value stands."""
        return {value: position for position, value in enumerate(self.levels)}

    def at(self, value: Value) -> float:
        """Return the points of a value.

        Raises
        ------
        KeyError
            If the feature has no such value.
        """
        if not self.linear or (value == NOT_KNOWN and self.gap is not None):
            return self.by_value[value]
        return sum(share * self.log_odds[position] for position, share in self.shares(value))

    def heights(self, values: Iterable[Any]) -> list[float]:
        """Return the points of many values; NaN is a gap."""
        gap = math.nan if self.gap is None else self.gap
        if not self.linear:
            return [self.by_value.get(value, gap) for value in values]
        xs, ys, last = self.values, self.log_odds, len(self.values) - 1
        found = []
        for x in values:
            if x != x:
                found.append(gap)
                continue
            right = min(max(bisect_right(xs, x), 1), last)
            share = (x - xs[right - 1]) / (xs[right] - xs[right - 1])
            found.append((1.0 - share) * ys[right - 1] + share * ys[right])
        return found

    def shares(self, value: Any) -> list[tuple[int, float]]:
        """Return the positions that make up a value's points, each with its share; shares sum to 1."""
        if not self.linear or (value == NOT_KNOWN and self.gap is not None):
            return [(self.position[value], 1.0)]
        right = min(max(bisect_right(self.values, value), 1), len(self.values) - 1)
        left = right - 1
        share = (value - self.values[left]) / (self.values[right] - self.values[left])
        return [(left, 1.0 - share), (right, share)]


class Contribution(TypedDict):
    """What one feature's value adds to the log-odds."""

    feature: str
    value: Value
    log_odds: float


class Terms(dict[Value, Contribution]):
    """The contributions of one feature, by value: made once, and shared by all answers that hold them."""

    def __init__(self, name: str, points: Points) -> None:
        self.name, self.points = name, points
        super().__init__((value, self[value]) for value in points.levels)

    def __missing__(self, value: Value) -> Contribution:
        """Return the contribution of a value between the knots."""
        return {"feature": self.name, "value": value, "log_odds": self.points.at(value)}


def points_of(written: dict[str, Any]) -> dict[str, Points]:
    """Return every feature's points, as a file holds them."""
    return {
        name: Points(tuple(given["values"]), tuple(given["log_odds"]), given["linear"], given["gap"])
        for name, given in written.items()
    }


def summed(intercept: float, terms: Sequence[float]) -> float:
    """Return the sum, left to right as for a single record; `sum` would round otherwise from Python 3.12 on."""
    for term in terms:
        intercept += term
    return intercept
