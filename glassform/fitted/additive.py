"""A model that is one table of points, and the points of one feature."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from functools import cached_property
from typing import Any, ClassVar, NotRequired

from typing_extensions import TypedDict

from glassform.fitted.base import Fitted, Row
from glassform.fitted.pairs import MOST_KEPT, Heights, HeightsOfTwo, Pair, Remembered, pairs_of
from glassform.fitted.target import Sums
from glassform.records.field import NOT_KNOWN, Record, Value

NEAR = 1e-9  # of a value: knots of one bend are no further apart
SAME = 1e-7  # points that differ by less are printed alike


@dataclass(frozen=True)
class Points:
    """The points of one feature at each of its values in order: log-odds, or in the target's unit.

    Between the knots of a real-valued feature the points run in straight lines. `gap` holds the points of a missing
    number, if one can be missing. `before` and `after` are knots outside of the values, each a value and its points:
    there the points run in straight lines from the first or last value on, and beyond the outermost knot they stay.
    """

    values: tuple[Any, ...]
    log_odds: tuple[float, ...]
    linear: bool = False
    gap: float | None = None
    before: tuple[tuple[float, float], ...] = ()
    after: tuple[tuple[float, float], ...] = ()

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
    def listed(self) -> Sequence[Any]:
        """The values as pages list them: none twice."""
        if not self.linear:
            return self.values
        return without_doubles(self.values, lambda value: (self.by_value[value],))

    @property
    def places(self) -> tuple[Any, ...]:
        """The levels, then the values of the outer knots."""
        return (*self.levels, *(x for x, _ in (*self.before, *self.after)))

    @cached_property
    def position(self) -> dict[Value, int]:
        """Where each of the places stands."""
        return {value: position for position, value in enumerate(self.places)}

    @cached_property
    def knots(self) -> tuple[list[float], list[float]]:
        """All values of a number in order, outer knots included, and their points."""
        inside = zip(self.values, self.log_odds, strict=True)
        xs, ys = zip(*self.before, *inside, *self.after, strict=True)
        return [*xs], [*ys]

    def at(self, value: Value) -> float:
        """Return the points of a value.

        Raises
        ------
        KeyError
            If the feature has no such value.
        """
        if isinstance(value, str) or value in self.by_value:
            return self.by_value[value]
        xs, ys = self.knots
        return sum(share * ys[knot] for knot, share in shares_between(xs, value))

    def heights(self, values: Iterable[Any]) -> list[float]:
        """Return the points of many values that were seen; NaN is a gap."""
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
        """Return the places that make up a value's points, each with its share; shares sum to 1."""
        if isinstance(value, str) or value in self.position:
            return [(self.position[value], 1.0)]
        xs, _ = self.knots
        return [(self.position[xs[knot]], share) for knot, share in shares_between(xs, value)]


def without_doubles(values: Sequence[Value], at: Callable[[Value], Sequence[float]]) -> list[Value]:
    """Leave out knots that print like the one before and have its points: older files hold one bend as several.

    The first and the last value stay; so do both sides of a jump.
    """
    kept = [*values[:1]]
    for value in values[1:]:
        if not are_one(kept[-1], value, at):
            kept.append(value)
        elif value == values[-1] and len(kept) > 1:
            kept[-1] = value
    return kept


def are_one(one: Value, other: Value, at: Callable[[Value], Sequence[float]]) -> bool:
    """Tell whether two knots are one bend: they print alike, and so do their points."""
    if isinstance(one, str) or isinstance(other, str) or not math.isclose(one, other, rel_tol=NEAR):
        return False
    same = all(math.isclose(*pair, rel_tol=SAME, abs_tol=SAME) for pair in zip(at(one), at(other), strict=True))
    return same and f"{one:.6g}" == f"{other:.6g}"


def shares_between(xs: Sequence[float], value: float) -> list[tuple[int, float]]:
    """Return the knots on either side of a value, each with its share; the end, if it lies beyond."""
    if value <= xs[0] or value >= xs[-1]:
        return [(0 if value <= xs[0] else len(xs) - 1, 1.0)]
    right = bisect_right(xs, value)
    share = (value - xs[right - 1]) / (xs[right] - xs[right - 1])
    return [(right - 1, 1.0 - share), (right, share)]


class Contribution(TypedDict):
    """What the value of one feature adds to the log-odds, or what those of two add together."""

    feature: str
    features: NotRequired[list[str]]
    value: Value | list[Value]
    log_odds: float


REASON, HOW_MANY_PROTECTED = "reason_{number}", "protected_reasons"  # what columns of reasons are called


def columns_of_reasons(count: int) -> list[str]:
    """Return the columns that reasons add to a table: a code each, and how many of these are of protected fields."""
    return [*(REASON.format(number=number) for number in range(1, count + 1)), HOW_MANY_PROTECTED]


class Reason(TypedDict):
    """A field, or two together, that moves the answer away from the reference.

    `difference` is in log-odds or in the number's unit. `protected` tells whether the data package lists the field,
    or one of the two, among its groups.
    """

    feature: str
    features: NotRequired[list[str]]
    value: Value | list[Value]
    code: str
    sentence: str
    difference: float
    protected: bool


class Reference(TypedDict):
    """What reasons are counted against: the answer of the reference and, of two classes, its log-odds.

    It is empty against the best of a model with pairs, which is more than any one record may have at once.
    """

    probability: NotRequired[float]
    log_odds: NotRequired[float]
    prediction: NotRequired[float]


class ReasonsAnswer(TypedDict):
    """The fields that move the answer most away from a reference, the strongest first.

    Equal ones keep the order of the fields. `count` is how many were asked for; fewer are listed where fewer go that
    way. `against` names the reference: average, threshold or best. `direction` is down for what lowers the answer, up
    for what raises it. `warnings` name protected fields.
    """

    count: int
    against: str
    threshold: NotRequired[float]
    direction: str
    reference: Reference
    listed: list[Reason]
    warnings: list[str]


class Terms(dict[Value, Contribution]):
    """The contributions of one feature by value, made once and shared by all answers."""

    def __init__(self, name: str, points: Points) -> None:
        self.name, self.points = name, points
        super().__init__((value, self[value]) for value in points.levels)

    def __missing__(self, value: Value) -> Contribution:
        """Return the contribution of a value between the knots; the first of many are remembered."""
        found: Contribution = {"feature": self.name, "value": value, "log_odds": self.points.at(value)}
        if len(self) < MOST_KEPT:
            self[value] = found
        return found


def points_of(written: dict[str, Any]) -> dict[str, Points]:
    """Return every feature's points, as a file holds them."""
    return {
        name: Points(
            tuple(given["values"]),
            tuple(given["log_odds"]),
            given["linear"],
            given["gap"],
            *(tuple((x, y) for x, y in given.get(side, ())) for side in ("before", "after")),
        )
        for name, given in written.items()
    }


def summed(intercept: float, terms: Sequence[float]) -> float:
    """Return the sum, left to right: `sum` rounds differently from Python 3.12 on."""
    for term in terms:
        intercept += term
    return intercept


@dataclass(frozen=True)
class Additive(Fitted):
    """A model that is one table of points: an intercept, every feature's points and those of some pairs of features.

    The points are centred: each feature's average over the training rows is 0, and so is that of each row and column
    of a pair. So the intercept is the average sum.
    """

    intercept: float
    points: dict[str, Points]
    pairs: dict[str, Pair] = member(default_factory=dict, kw_only=True)

    term: ClassVar[str]  # what answers call the points of a feature

    @property
    def term_columns(self) -> list[str]:
        """The columns of the terms in a table: the intercept's, every feature's and every pair's."""
        return ["intercept", *(f"{self.term}_{name}" for name in (*self.points, *self.pairs))]

    @cached_property
    def lookups(self) -> list[Mapping[Value, float]]:
        """By feature, the points of every value that can be looked up."""
        return [points.by_value for points in self.points.values()]

    @cached_property
    def pair_lookups(self) -> list[tuple[str, str, Mapping[tuple[Value, Value], float]]]:
        """By pair, its two features and the points of every two values."""
        return [(*pair.features, Remembered(pair.at)) for pair in self.pairs.values()]

    def terms_of(self, record: Record) -> list[float]:
        """Return the points of every feature and pair of a record."""
        own = [points.at(record[name]) for name, points in self.points.items()]
        return own + [lookup[record[first], record[second]] for first, second, lookup in self.pair_lookups]

    def sums(self, record: Record) -> float:
        """Return the intercept and one look-up per feature and pair, summed in order."""
        total = self.intercept
        for name, heights in self.heights:
            total += heights[record[name]]
        for first, second, both in self.heights_of_two:
            total += both[record[first]][record[second]]
        return total

    @cached_property
    def heights(self) -> list[tuple[str, Heights]]:
        """By feature, the points of every value."""
        return [(name, Heights(points.at)) for name, points in self.points.items()]

    @cached_property
    def heights_of_two(self) -> list[tuple[str, str, HeightsOfTwo]]:
        """By pair, its two features and the points of every two values."""
        return [(*pair.features, HeightsOfTwo(pair)) for pair in self.pairs.values()]

    def sums_along(self, name: str, record: Record, own: float, values: Sequence[Value]) -> list[float]:
        """Return the sum at each value of one feature, the rest of a record held fixed; `own` is the record's."""
        points, old = self.points[name], record[name]
        several = [pair for pair in self.pairs.values() if name in pair.features]
        rest = own - points.at(old) - sum(pair.of(record) for pair in several)
        sums = [rest + points.by_value[value] for value in values]
        for pair in several:
            sums = [total + pair.of(record | {name: value}) for total, value in zip(sums, values, strict=True)]
        return sums

    def all_sums(self, rows: Sequence[Row]) -> list[float]:
        """Return the sum of each of many records."""
        return [summed(self.intercept, row.terms) for row in rows]

    def contributions(self, row: Row) -> list[dict[str, Any]]:
        """Return every feature's value and term, then those of every pair."""
        named = dict(zip(self.schema.by_name, row.values, strict=True))
        said: list[dict[str, Any]] = [{"feature": name, "value": named[name]} for name in self.points]
        said += [pair.named(*(named[each] for each in pair.features)) for pair in self.pairs.values()]
        return [each | {self.term: term} for each, term in zip(said, row.terms, strict=True)]

    def grid(self, name: str) -> Sequence[Value]:
        """Return the values whose points the table holds."""
        return self.points[name].listed

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        return content | {"points": points_of(content["points"]), "pairs": pairs_of(content.get("pairs", {}))}


@dataclass(frozen=True)
class NumberScorecard(Additive):
    """An additive model of a number; its points are in the number's unit."""

    kind = "number"
    term = "points"

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the number and, if wanted, every term."""
        return [*self.target.columns, *(self.term_columns if explain else [])]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        return [sums, self.intercept, *row.terms] if explain else [sums]

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the intercept and every term."""
        return {"intercept": self.intercept, "contributions": self.contributions(row)}
