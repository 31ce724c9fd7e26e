"""The fitted model as a table of points: tabulate, score, explain, save and load."""

import json
import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from languages import gettext
from schema import Field, Record, Schema, Value
from support import THIN, Crowd, Support, unpack

if TYPE_CHECKING:  # a serving process never loads these
    from pandas import DataFrame
    from sklearn.pipeline import Pipeline

DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake", "mysql", "sqlite")  # of SQL it can be written in
FORMAT = 5  # of scorecard.json; raised when old files can no longer be read
FILE = "scorecard.json"
TOLERANCE = 1e-9  # log-odds by which the table may differ from the pipeline on a real row
STRAIGHT = 1e-11  # log-odds by which a curve may leave a straight line and still be one
PROBES = (0.27, 0.5, 0.81)  # where a segment is asked whether it is straight; uneven, so that no kink hides
MOST_KNOTS = 5_000  # a curve that needs more is not made of straight lines
NORMAL_97_5 = 1.959963984540054  # quantile of the standard normal distribution, for 95% intervals

Curve = Callable[[Sequence[Any]], list[float]]  # one feature's log-odds at given values, the others held fixed


class NotAdditive(ValueError):
    """The pipeline is no sum of one term per feature, so no table of points equals it."""


class UnreadableArtifact(ValueError):
    """A scorecard file that is damaged or of another format."""


@dataclass(frozen=True)
class Points:
    """The points of one feature, in log-odds, at each of its values in order.

    Between the values of a real-valued feature, its knots, the points run in straight lines.
    """

    values: tuple[Any, ...]
    log_odds: tuple[float, ...]
    linear: bool = False

    @cached_property
    def by_value(self) -> dict[Value, float]:
        """The points of each value."""
        return dict(zip(self.values, self.log_odds, strict=True))

    @cached_property
    def position(self) -> dict[Value, int]:
        """Where each value stands."""
        return {value: position for position, value in enumerate(self.values)}

    def at(self, value: Value) -> float:
        """Return the points of a value.

        Raises
        ------
        KeyError
            If the feature has no such value.
        """
        if not self.linear:
            return self.by_value[value]
        return sum(share * self.log_odds[position] for position, share in self.shares(value))

    def shares(self, value: Any) -> list[tuple[int, float]]:
        """Return the positions that make up a value's points, each with its share; shares sum to 1."""
        if not self.linear:
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
        super().__init__((value, self[value]) for value in points.values)

    def __missing__(self, value: Value) -> Contribution:
        """Return the contribution of a value between the knots."""
        return {"feature": self.name, "value": value, "log_odds": self.points.at(value)}


class Twin(TypedDict):
    """A person with one answer of a group field changed: the probability, and how much more it is."""

    feature: str
    value: Value
    probability: float
    difference: float


class Explanation(TypedDict):
    """A probability and its arithmetic: intercept + contributions, left to right, = log_odds.

    `interval` holds the bounds of the probability's 95% confidence interval; `support` tells how many training people
    were like this one; `model` is its name and version.
    """

    probability: float
    log_odds: float
    intercept: float
    contributions: list[Contribution]
    record: Record
    interval: tuple[float, float]
    support: Support
    warnings: list[str]
    model: dict[str, str]


@dataclass(frozen=True)
class Scorecard:
    """An additive model of a binary target: an intercept and every feature's points, in log-odds.

    The points are centred: each feature's average over the training rows is 0, so the intercept is the average
    log-odds. `covariance` is the lower triangle of the covariance matrix of [intercept, points of the first
    feature, of the second, ...]: what the sample left uncertain. `people` are the training rows as `support.pack`
    writes them. `version` is a hash of data and recipe.
    """

    version: str
    package: dict[str, Any]
    intercept: float
    points: dict[str, Points]
    covariance: list[list[float]]
    typical: Record
    examples: list[dict[str, Any]]
    people: dict[str, Any]
    evaluation: dict[str, Any]
    training: dict[str, Any]

    @cached_property
    def schema(self) -> Schema:
        """The record of the table it was fitted on."""
        return Schema(self.package)

    @cached_property
    def model(self) -> dict[str, str]:
        """Name and version, as every answer carries them."""
        return {"name": self.schema.name, "version": self.version}

    @cached_property
    def crowd(self) -> Crowd:
        """The people it learned from."""
        return unpack(self.schema, self.people)

    @cached_property
    def rows(self) -> dict[str, dict[Value, tuple[int, "array[float]"]]]:
        """By feature and value: the number and the content of its row of `covariance`; row 0 is the intercept's."""
        # arrays, for numbers side by side are read faster than a list of numbers anywhere
        numbered = enumerate((array("d", row) for row in self.covariance[1:]), start=1)
        return {name: {value: next(numbered) for value in points.values} for name, points in self.points.items()}

    @cached_property
    def terms(self) -> dict[str, "Terms"]:
        """The contribution of every value, by feature."""
        return {name: Terms(name, points) for name, points in self.points.items()}

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the probability and, if wanted, every term."""
        terms = ["log_odds", "intercept", *(f"log_odds_{name}" for name in self.points)]
        return ["probability", *(terms if explain else [])]

    @cached_property
    def interpolates(self) -> bool:
        """Whether any feature is real-valued."""
        return any(points.linear for points in self.points.values())

    def log_odds(self, record: Record) -> float:
        """Return the log-odds of a record: the intercept and one look-up per feature, summed in order."""
        total = self.intercept
        for name, points in self.points.items():
            total += points.at(record[name])
        return total

    def probability(self, record: Record) -> float:
        """Return the probability of the positive class, 0 to 1."""
        return sigmoid(self.log_odds(record))

    def explain(self, record: Record) -> Explanation:
        """Return the probability of a record with every term of its log-odds."""
        log_odds = self.intercept
        contributions = [terms[record[name]] for name, terms in self.terms.items()]
        for term in contributions:
            log_odds += term["log_odds"]
        margin = NORMAL_97_5 * math.sqrt(self.variance(record))
        support = self.crowd.support(record)
        return {
            "probability": sigmoid(log_odds),
            "log_odds": log_odds,
            "intercept": self.intercept,
            "contributions": contributions,
            "record": record,
            "interval": (sigmoid(log_odds - margin), sigmoid(log_odds + margin)),
            "support": support,
            "warnings": [] if support["count"] >= THIN else [self.warning(support["count"])],
            "model": self.model,
        }

    def warning(self, count: int) -> str:
        """Say that hardly any of the training people were like a record."""
        rows = self.training["rows"]
        if not count:
            return gettext(
                "Of the %(rows)s people the model learned from, none resembled this one.", rows=f"{rows:,}"
            )
        return gettext(
            "Of the %(rows)s people the model learned from, only %(count)s resembled this one.",
            count=count,
            rows=f"{rows:,}",
        )

    def what_if(self, record: Record) -> dict[str, list[tuple[Value, float]]]:
        """Return, by feature, the probability at each of its values (or knots), the rest of the record held fixed."""
        log_odds = self.log_odds(record)
        return {
            name: [
                (value, sigmoid(log_odds - points.at(record[name]) + other))
                for value, other in points.by_value.items()
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

    def save(self, folder: Path) -> None:
        """Write `scorecard.json` into a folder, whole or not at all."""
        content = {"format": FORMAT, **asdict(self)}
        unfinished = folder / f"{FILE}.unfinished"
        unfinished.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        unfinished.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Scorecard":
        """Read what `save` wrote; every number comes back the same.

        Raises
        ------
        FileNotFoundError
            If the folder holds no scorecard.
        UnreadableArtifact
            If the file is damaged or of another format.
        """
        return cls.parse((folder / FILE).read_bytes())

    @classmethod
    def parse(cls, text: bytes) -> "Scorecard":
        """Read the content of a file that `save` wrote.

        Raises
        ------
        UnreadableArtifact
            If it is damaged or of another format.
        """
        try:
            content = json.loads(text)
            written = content.pop("format")
            points = {
                name: Points(tuple(given["values"]), tuple(given["log_odds"]), given["linear"])
                for name, given in content.pop("points").items()
            }
            card = cls(points=points, **content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableArtifact(f"{FILE} is damaged: {error}") from error
        if written != FORMAT:
            raise UnreadableArtifact(f"{FILE} has format {written}, and this program reads format {FORMAT}")
        return card


def sigmoid(log_odds: float) -> float:
    """Return the probability that belongs to log-odds, without overflow at either end."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def tabulate(
    pipeline: "Pipeline", schema: Schema, X: "DataFrame", weights: Sequence[float] | None = None
) -> tuple[float, dict[str, Points]]:
    """Ask a fitted additive pipeline for its points, knowing nothing of its inside.

    One record is held fixed and one feature varied over its values; the differences in log-odds are the
    feature's points, shifted so that their average over the rows of `X` is 0.

    Parameters
    ----------
    pipeline
        Fitted, with `decision_function` giving log-odds.
    X
        The training rows, one column per field, named as the schema names them.
    weights
        How many rows each of `X` stands for; 1, unless it is given.

    Returns
    -------
    The intercept and, by feature, the points.

    Raises
    ------
    NotAdditive
        If the pipeline gives no log-odds, a real-valued feature's curve is not made of straight lines, or the
        table differs from the pipeline by more than 1e-9 on any row of `X`.
    """
    if not hasattr(pipeline, "decision_function"):
        raise NotAdditive("the pipeline has no decision_function, so it gives no log-odds")
    base = X.iloc[[0]]
    base_log_odds = intercept = float(pipeline.decision_function(base)[0])
    weights = [1.0] * len(X) if weights is None else weights
    points = {}
    for each in schema.fields:
        curve = curve_of(pipeline, base, each.name)
        values = each.values
        log_odds = curve(values) if values else []
        if not values:
            values, log_odds = knots(curve, each)
        heights = zip(curve(X[each.name].tolist()), weights, strict=True)
        average = math.fsum(height * weight for height, weight in heights) / math.fsum(weights)
        intercept += average - base_log_odds
        points[each.name] = Points(tuple(values), tuple(y - average for y in log_odds), linear=not each.values)
    prove(pipeline, intercept, points, X)
    return intercept, points


def curve_of(pipeline: "Pipeline", base: "DataFrame", name: str) -> Curve:
    """Return the pipeline's log-odds as a function of one feature, the others as in `base` (one row)."""

    def curve(values: Sequence[Value]) -> list[float]:
        log_odds: list[float] = pipeline.decision_function(vary(base, name, values)).tolist()
        return log_odds

    return curve


def vary(base: "DataFrame", name: str, values: Sequence[Value]) -> "DataFrame":
    """Return one row, repeated once per value, with a feature set to each value in turn."""
    return base.iloc[[0] * len(values)].assign(**{name: list(values)})


def prove(pipeline: "Pipeline", intercept: float, points: dict[str, Points], X: "DataFrame") -> None:
    """Compare the table with the pipeline on every row of `X`.

    Raises
    ------
    NotAdditive
        With the worst row, if the two differ by more than 1e-9.
    """
    terms = [[points[name].at(value) for value in X[name].tolist()] for name in points]
    sums = [intercept + sum(row) for row in zip(*terms, strict=True)]
    gaps = [abs(a - b) for a, b in zip(sums, pipeline.decision_function(X).tolist(), strict=True)]
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    if not gaps[worst] <= TOLERANCE:
        raise NotAdditive(
            f"the model is not a sum of one term per feature: on row {worst + 1} the table differs "
            f"from the pipeline by {gaps[worst]:.3g} in log-odds, and {TOLERANCE:g} is allowed"
        )


def knots(curve: Curve, field: Field) -> tuple[list[Value], list[float]]:
    """Find where a curve made of straight lines bends or jumps, between the field's minimum and maximum.

    Every segment that is not straight is halved, down to neighbouring floating-point numbers, so a jump
    becomes two knots side by side; knots the others imply are then dropped.

    Raises
    ------
    NotAdditive
        If more than 5,000 knots would be needed: the curve bends everywhere.
    """
    low, high = map(float, field.bounds)
    found = dict(zip((low, high), curve([low, high]), strict=True))
    segments = [(low, high)]
    while segments:
        probes = [left + share * (right - left) for left, right in segments for share in PROBES]
        found |= dict(zip(probes, curve(probes), strict=True))
        if len(found) > MOST_KNOTS * len(PROBES):
            raise NotAdditive(f"the curve of {field.column} is not made of straight lines")
        segments = [half for segment in segments if not straight(segment, found) for half in halves(*segment)]
    return pruned(sorted(found.items()))


def straight(segment: tuple[float, float], found: dict[float, float]) -> bool:
    """Tell whether the curve keeps to the straight line between a segment's ends, as far as it was probed."""
    left, right = segment
    middle = left + 0.5 * (right - left)
    if middle in segment:
        return True
    probes = (left + share * (right - left) for share in PROBES)
    return all(abs(found[x] - between(x, left, found[left], right, found[right])) <= STRAIGHT for x in probes)


def halves(left: float, right: float) -> list[tuple[float, float]]:
    """Cut a segment in two at its middle probe."""
    middle = left + 0.5 * (right - left)
    return [(left, middle), (middle, right)]


def pruned(found: Iterable[tuple[float, float]]) -> tuple[list[Value], list[float]]:
    """Drop every knot that lies on the straight line between its neighbours."""
    first, *rest = found
    kept = [first]
    for (x, y), following in pairwise(rest):
        if abs(y - between(x, *kept[-1], *following)) > STRAIGHT:
            kept.append((x, y))
    kept.append(rest[-1])
    return [x for x, _ in kept], [y for _, y in kept]


def between(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Return the height at x of the straight line through two points."""
    return y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
