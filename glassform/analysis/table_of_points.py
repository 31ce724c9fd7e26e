"""A scorecard as plain data, for pages, their script and programs."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NotRequired
from weakref import WeakKeyDictionary

from typing_extensions import TypedDict

from glassform.fitted.additive import Additive
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.scorecard import Scorecard as Model
from glassform.fitted.titles import cells_as_data, is_jump, pair_title, titles_in_full, titles_of
from glassform.records.field import NOT_KNOWN, Field, Value
from glassform.records.schema import Schema

MOST_STEPS = 10  # values of a number on paper


class ScorecardPoint(TypedDict):
    """One value's points: log-odds, in the target's unit, or per class."""

    value: Value
    title: str
    log_odds: NotRequired[float]
    odds_multiplier: NotRequired[float]
    points: NotRequired[float | dict[str, float]]


class ScorecardFeature(TypedDict):
    """One field's points; between the values of an interpolated one they run in straight lines.

    `before` and `after` are knots outside of what was seen, of numbers without a rule. From the first or last value
    on, the points run through them in straight lines; beyond the outermost knot they stay.
    """

    feature: str
    title: str
    unit: str
    interpolated: bool
    points: list[ScorecardPoint]
    before: NotRequired[list[ScorecardPoint]]
    after: NotRequired[list[ScorecardPoint]]


Level = TypedDict(
    "Level",
    {
        "title": str,
        "value": NotRequired[Value],
        "from": NotRequired[float | None],
        "below": NotRequired[float | None],
    },
)
Level.__doc__ = """One level of a field in a pair: a value, or the numbers from one on and below another.

A range without an end has null there. The value `?` is a number that is not known.
"""


class ScorecardPair(TypedDict):
    """The points of two fields together, on top of those of each: a row per level of the first field.

    `levels` holds those of the first field, then those of the second. The average over the training rows of each row
    and each column is 0.
    """

    feature: str
    features: list[str]
    title: str
    levels: list[list[Level]]
    log_odds: NotRequired[list[list[float]]]
    points: NotRequired[list[list[float]] | list[list[dict[str, float]]]]


class ScorecardAnswer(TypedDict):
    """The whole model.

    The log-odds of a record are the intercept, the points of each of its values, and those of each pair of values,
    summed in this order; the probability of the positive outcome is 1 / (1 + e^-log_odds). A predicted number is that
    sum. With several classes, each has its own table of points, and the probabilities come from all their log-odds.
    Between the values of an interpolated feature, and outside of what was seen, the points run in straight lines.
    """

    model: dict[str, str]
    intercept: float | dict[str, float]
    features: list[ScorecardFeature]
    pairs: list[ScorecardPair]


# One per model and language: the table never changes and has hundreds of rows.
LISTED: WeakKeyDictionary[Schema, ScorecardAnswer] = WeakKeyDictionary()


def table(card: Additive | ClassesScorecard, dictionary: Schema) -> ScorecardAnswer:
    """Return a scorecard as plain data; the pages' script computes with it."""
    if dictionary not in LISTED:
        LISTED[dictionary] = listed(card, dictionary)
    return LISTED[dictionary]


def listed(card: Additive | ClassesScorecard, dictionary: Schema) -> ScorecardAnswer:
    """Return a scorecard as plain data."""
    features: list[Any] = [
        {
            "feature": field.name,
            "title": field.title,
            "unit": field.unit,
            "interpolated": not field.values,
            "points": points_at(card, field, (*card.grid(field.name), *([NOT_KNOWN] if field.has_gaps else []))),
            **{side: points_at(card, field, knots) for side, knots in outer(card, field.name).items() if knots},
        }
        for field in dictionary.used
    ]
    intercept = card.intercept if isinstance(card, Additive) else card.by_class(card.intercepts)
    pairs: list[Any] = [pair_listed(card, dictionary, name) for name in card.pairs]
    return {"model": card.model, "intercept": intercept, "features": features, "pairs": pairs}


def points_at(card: Additive | ClassesScorecard, field: Field, values: Sequence[Value]) -> list[dict[str, Any]]:
    """Return some values of a feature with their points."""
    titles = titles_in_full(field, values)
    return [
        {"value": each, "title": title, **points_of(card, field.name, each)}
        for each, title in zip(values, titles, strict=True)
    ]


def pair_listed(card: Additive | ClassesScorecard, dictionary: Schema, name: str) -> dict[str, Any]:
    """Return a pair of features with its levels and points."""
    if isinstance(card, ClassesScorecard):
        first, *others = card.pairs[name]
        rows = zip(*(pair.log_odds for pair in (first, *others)), strict=True)
        points: Any = [[card.by_class(of_cell) for of_cell in zip(*row, strict=True)] for row in rows]
    else:
        first = card.pairs[name]
        points = [[*row] for row in first.log_odds]
    return {
        "feature": name,
        "features": [*first.features],
        "title": pair_title(dictionary, first.features),
        "levels": cells_as_data(dictionary, first),
        "log_odds" if isinstance(card, Model) else "points": points,
    }


def outer(card: Additive | ClassesScorecard, name: str) -> dict[str, list[float]]:
    """Return the values of a feature's knots outside of what was seen, before and after it."""
    tables = card.points[name] if isinstance(card, ClassesScorecard) else [card.points[name]]
    return {
        "before": sorted({x for points in tables for x, _ in points.before}),
        "after": sorted({x for points in tables for x, _ in points.after}),
    }


def points_of(card: Additive | ClassesScorecard, name: str, value: Value) -> dict[str, Any]:
    """Return the points of a feature's value."""
    if isinstance(card, ClassesScorecard):
        return points_named(card.by_class(card.at(name, value)), False)
    return points_named(card.points[name].at(value), isinstance(card, Model))


def points_named(points: Any, are_log_odds: bool) -> dict[str, Any]:
    """Return points under the name of their unit."""
    return {"log_odds": points, "odds_multiplier": math.exp(points)} if are_log_odds else {"points": points}


def every_point(feature: ScorecardFeature) -> list[ScorecardPoint]:
    """Return the points of a feature in order, a gap's last; numbers are titled in few digits."""
    numbers = [each for each in feature["points"] if not isinstance(each["value"], str)]
    others = [each for each in feature["points"] if isinstance(each["value"], str)]
    held = [*feature.get("before", []), *numbers, *feature.get("after", [])]
    titles = titles_of([each["value"] for each in held])
    for place, (each, title) in enumerate(zip(held, titles, strict=True)):
        held[place] = {**each, "title": title}
    return [*held, *others]


def spread(feature: ScorecardFeature) -> float:
    """Return how far apart a feature's values drive an answer: one or, where there are several, any class."""
    points = [point.get("log_odds", point.get("points")) for point in feature["points"]]
    series = [[*each.values()] if isinstance(each, Mapping) else [each] for each in points]
    return float(max(max(each) - min(each) for each in zip(*series, strict=True)))


def at_steps(feature: ScorecardFeature, most: int = MOST_STEPS) -> list[ScorecardPoint]:
    """Return some of a number's points, from end to end, and its gap's: what a sheet of paper has room for."""
    several = [each for each in every_point(feature) if not isinstance(each["value"], str)]
    # of the two sides of a jump the second has a plain number as its title
    jumps = [is_jump(left["value"], right["value"]) for left, right in pairwise(several)]
    numbers = [each for each, is_left in zip(several, [*jumps, False], strict=True) if not is_left]
    count = min(most, len(numbers))
    places = {round(step * (len(numbers) - 1) / max(count - 1, 1)) for step in range(count)}
    others = [each for each in feature["points"] if isinstance(each["value"], str)]
    return [*(numbers[place] for place in sorted(places)), *others]
