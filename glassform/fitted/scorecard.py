"""The fitted model as a table of points: tabulate, score, explain, save and load."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NotRequired

from typing_extensions import TypedDict

from glassform.fitted.base import Fitted, Row
from glassform.fitted.neighbours import Support
from glassform.fitted.target import Said, Sums, sigmoid
from glassform.records.schema import NOT_KNOWN, NUMBER, Field, Record, Schema, Value

if TYPE_CHECKING:  # a serving process never loads these
    from pandas import DataFrame
    from sklearn.pipeline import Pipeline

DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "mysql", "sqlite")  # of SQL it can be written in
TOLERANCE = 1e-9  # log-odds by which the table may differ from the pipeline on a real row
STRAIGHT = 1e-11  # log-odds by which a curve may leave a straight line and still be one
PROBES = (0.27, 0.5, 0.81)  # where a segment is asked whether it is straight; uneven, so that no kink hides
MOST_KNOTS = 5_000  # a curve that needs more is not made of straight lines
NORMAL_97_5 = 1.959963984540054  # quantile of the standard normal distribution, for 95% intervals

Ask = Callable[["DataFrame"], list[float]]  # what a pipeline gives each row
Curves = Callable[[Mapping[str, Sequence[Any]]], dict[str, list[float]]]  # and at values of each feature varied alone


class NotAdditive(ValueError):
    """The pipeline is no sum of one term per feature, so no table of points equals it."""


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


class Twin(Said):
    """A person with one answer of a group field changed: what the model says then, and how much more that is."""

    feature: str
    value: Value
    difference: NotRequired[float]


class Explanation(TypedDict):
    """A probability and its arithmetic: intercept + contributions, left to right, = log_odds.

    `interval` holds the bounds of the probability's 95% confidence interval; `support` tells how many training people
    were like this one, if there is a telling number; `model` is its name and version.
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
class Additive(Fitted):
    """A model that is one table of points: an intercept and every feature's points.

    The points are centred: each feature's average over the training rows is 0, so the intercept is the average sum.
    """

    intercept: float
    points: dict[str, Points]

    term: ClassVar[str]  # what answers call the points of a feature

    @property
    def term_columns(self) -> list[str]:
        """The columns of the terms in a table: the intercept's and every feature's."""
        return ["intercept", *(f"{self.term}_{name}" for name in self.points)]

    @cached_property
    def lookups(self) -> list[Mapping[Value, float]]:
        """By feature, the points of every value that can be looked up."""
        return [points.by_value for points in self.points.values()]

    def terms_of(self, record: Record) -> list[float]:
        """Return the points of every feature of a record."""
        return [points.at(record[name]) for name, points in self.points.items()]

    def sums(self, record: Record) -> float:
        """Return the intercept and one look-up per feature, summed in order."""
        total = self.intercept
        for name, points in self.points.items():
            total += points.at(record[name])
        return total

    def all_sums(self, rows: Sequence[Row]) -> list[float]:
        """Return the sum of each of many records."""
        return [summed(self.intercept, row.terms) for row in rows]

    def contributions(self, row: Row) -> list[dict[str, Any]]:
        """Return every feature's value and term."""
        terms = zip(self.points, row.values, row.terms, strict=True)
        return [{"feature": name, "value": value, self.term: term} for name, value, term in terms]

    def grid(self, name: str) -> Sequence[Value]:
        """Return the values whose points the table holds."""
        return self.points[name].values

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        return content | {"points": points_of(content["points"])}


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


@dataclass(frozen=True)
class Scorecard(Additive):
    """An additive model of a target of two classes; its points are log-odds.

    `covariance` is the lower triangle of the covariance matrix of [intercept, points of the first feature, of the
    second, ...]: what the sample left uncertain; empty, if there are too many points for it to be kept.
    """

    covariance: list[list[float]]

    kind = "scorecard"
    term = "log_odds"

    @cached_property
    def rows(self) -> dict[str, dict[Value, tuple[int, "array[float]"]]]:
        """By feature and value: the number and the content of its row of `covariance`; row 0 is the intercept's."""
        # arrays, for numbers side by side are read faster than a list of numbers anywhere
        numbered = enumerate((array("d", row) for row in self.covariance[1:]), start=1)
        return {name: {value: next(numbered) for value in points.levels} for name, points in self.points.items()}

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
            "warnings": self.warnings(support),
            "model": self.model,
        }

    def interval_of(self, record: Record, log_odds: float) -> tuple[float, float]:
        """Return the bounds of the probability's 95% confidence interval."""
        margin = NORMAL_97_5 * math.sqrt(self.variance(record))
        return sigmoid(log_odds - margin), sigmoid(log_odds + margin)

    def what_if(self, record: Record) -> dict[str, list[tuple[Value, float]]]:
        """Return, by feature, the probability at each of its values (or knots), the rest of the record held fixed."""
        log_odds = self.log_odds(record)
        return {
            name: [
                (value, sigmoid(log_odds - points.at(record[name]) + other))
                for value, other in zip(points.values, points.log_odds, strict=True)
            ]
            for name, points in self.points.items()
        }

    def twins(self, record: Record) -> list[Twin]:
        """Return the person's twins: the same but for one of the package's group fields."""
        probability, curves = self.probability(record), self.what_if(record)
        return [
            {"feature": field.name, "value": value, "probability": other, "difference": other - probability}
            for field in self.schema.groups
            for value, other in curves[field.name]
            if value != record[field.name]
        ]

    def variance(self, record: Record) -> float:
        """Return the variance of a record's log-odds: the covariances of all pairs of its terms, summed."""
        if self.interpolates:
            return self._interpolated_variance(record)
        own, pairs, earlier = self.covariance[0][0], 0.0, [0]
        for name, rows in self.rows.items():
            row, covariances = rows[record[name]]
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


def tabulate(
    pipeline: "Pipeline",
    schema: Schema,
    X: "DataFrame",
    weights: Sequence[float] | None = None,
    output: int | None = None,
) -> tuple[float, dict[str, Points]]:
    """Ask a fitted additive pipeline for its points, knowing nothing of its inside.

    One record is held fixed and one feature varied over its values; the differences in what the pipeline gives are
    the feature's points, shifted so that their average over the rows of `X` is 0.

    Parameters
    ----------
    pipeline
        Fitted, with `decision_function` giving log-odds, or a regressor.
    X
        The training rows, one column per field, named as the schema names them.
    weights
        How many rows each of `X` stands for; 1, unless it is given.
    output
        Which of several classes' sums is wanted.

    Returns
    -------
    The intercept and, by feature, the points.

    Raises
    ------
    NotAdditive
        If the pipeline gives no log-odds, a real-valued feature's curve is not made of straight lines, or the
        table differs from the pipeline by more than 1e-9 on any row of `X`.
    """
    ask = partial(decide, pipeline, schema, output)
    base = X.iloc[[0]]
    intercept = ask(base)[0]
    weights = [1.0] * len(X) if weights is None else weights
    total = math.fsum(weights)
    whole = {field.name: field.values for field in schema.fields if field.values}
    asked = ask_curves(ask, base, whole)
    curves = {name: (values, asked[name]) for name, values in whole.items()}
    curves |= all_knots(partial(ask_curves, ask, base), [field for field in schema.fields if not field.values])
    gaps = ask_curves(ask, base, {field.name: [math.nan] for field in schema.fields if field.has_gaps})
    points, terms = {}, []
    for field in schema.fields:
        values, given = curves[field.name]
        raised = Points(tuple(values), tuple(given), not field.values, *gaps.get(field.name, ()))
        heights, (own,) = raised.heights(X[field.name].tolist()), raised.heights(base[field.name].tolist())
        # only differences count: of the average over all rows from this row's own height
        average = own + math.fsum((y - own) * weight for y, weight in zip(heights, weights, strict=True)) / total
        intercept += average - own
        gap = None if raised.gap is None else raised.gap - average
        points[field.name] = Points(raised.values, tuple(y - average for y in given), raised.linear, gap)
        terms.append([y - average for y in heights])
    prove(ask(X), intercept, terms)
    return intercept, points


def decide(pipeline: "Pipeline", schema: Schema, output: int | None, X: "DataFrame") -> list[float]:
    """Return what a pipeline gives every row: log-odds, a number, or the sum of one of its classes.

    Raises
    ------
    NotAdditive
        If it gives none of these.
    """
    if schema.task == NUMBER:
        found: list[float] = pipeline.predict(X).tolist()
        return found
    if not hasattr(pipeline, "decision_function"):
        raise NotAdditive("the pipeline has no decision_function, so it gives no log-odds")
    sums = pipeline.decision_function(X)
    return (sums if output is None else sums[:, output]).tolist()  # type: ignore[no-any-return]


def ask_curves(ask: Ask, base: "DataFrame", wanted: Mapping[str, Sequence[Any]]) -> dict[str, list[float]]:
    """Return what a pipeline gives at values of several features, each varied alone, all asked for at once."""
    places, count = {}, 0
    for name, values in wanted.items():
        places[name] = slice(count, count + len(values))
        count += len(values)
    columns = {}
    for name in map(str, base):
        column = [base[name].iloc[0]] * count
        column[places.get(name, slice(0))] = wanted.get(name, ())
        columns[name] = column
    found = ask(type(base)(columns).astype(base.dtypes)) if count else []
    return {name: found[place] for name, place in places.items()}


def vary(base: "DataFrame", name: str, values: Sequence[Value]) -> "DataFrame":
    """Return one row, repeated once per value, with a feature set to each value in turn."""
    varied = base.iloc[[0] * len(values)].copy()
    varied[name] = list(values)
    return varied


def prove(given: Sequence[float], intercept: float, terms: Sequence[Sequence[float]]) -> None:
    """Compare the table with the pipeline on every row.

    Parameters
    ----------
    given
        What the pipeline gives each row.
    terms
        By feature, every row's points.

    Raises
    ------
    NotAdditive
        With the worst row, if the two differ by more than 1e-9.
    """
    gaps = [abs(intercept + sum(row) - theirs) for row, theirs in zip(zip(*terms, strict=True), given, strict=True)]
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    if not gaps[worst] <= TOLERANCE * max(1.0, abs(given[worst])):
        raise NotAdditive(
            f"the model is not a sum of one term per feature: on row {worst + 1} the table differs "
            f"from the pipeline by {gaps[worst]:.3g} in log-odds, and {TOLERANCE:g} is allowed"
        )


def all_knots(curves: Curves, fields: Sequence[Field]) -> dict[str, tuple[list[Value], list[float]]]:
    """Find where curves made of straight lines bend or jump, between their fields' minimum and maximum.

    Every segment that is not straight is halved, down to neighbouring floating-point numbers, so a jump
    becomes two knots side by side; knots the others imply are then dropped.

    Raises
    ------
    NotAdditive
        If more than 5,000 knots would be needed: a curve bends everywhere.
    """
    ends = {field.name: [float(end) for end in field.bounds] for field in fields}
    found = {name: dict(zip(ends[name], ys, strict=True)) for name, ys in curves(ends).items()}
    segments = {name: [(low, high)] for name, (low, high) in ends.items()}
    while segments:
        probes = {
            name: [left + share * (right - left) for left, right in several for share in PROBES]
            for name, several in segments.items()
        }
        for name, ys in curves(probes).items():
            found[name] |= zip(probes[name], ys, strict=True)
            if len(found[name]) > MOST_KNOTS * len(PROBES):
                raise NotAdditive(f"the curve of {name} is not made of straight lines")
        bent = {
            name: [half for each in several if not straight(each, found[name]) for half in halves(*each)]
            for name, several in segments.items()
        }
        segments = {name: several for name, several in bent.items() if several}
    return {name: pruned(sorted(curve.items())) for name, curve in found.items()}


def straight(segment: tuple[float, float], found: dict[float, float]) -> bool:
    """Tell whether the curve keeps to the straight line between a segment's ends, as far as it was probed."""
    left, right = segment
    middle = left + 0.5 * (right - left)
    if middle in segment:
        return True
    probes = (left + share * (right - left) for share in PROBES)
    allowed = STRAIGHT * max(1.0, abs(found[left]))
    return all(abs(found[x] - between(x, left, found[left], right, found[right])) <= allowed for x in probes)


def halves(left: float, right: float) -> list[tuple[float, float]]:
    """Cut a segment in two at its middle probe."""
    middle = left + 0.5 * (right - left)
    return [(left, middle), (middle, right)]


def pruned(found: Iterable[tuple[float, float]]) -> tuple[list[Value], list[float]]:
    """Drop every knot that lies on the straight line between its neighbours."""
    first, *rest = found
    kept = [first]
    for (x, y), following in pairwise(rest):
        if abs(y - between(x, *kept[-1], *following)) > STRAIGHT * max(1.0, abs(y)):
            kept.append((x, y))
    kept.append(rest[-1])
    return [x for x, _ in kept], [y for _, y in kept]


def between(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Return the height at x of the straight line through two points."""
    return y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
