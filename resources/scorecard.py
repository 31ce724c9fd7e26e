"""The model itself: every point of every feature."""

import math
from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from representations import Resource
from resources.reading import schema, scorecard
from schema import Schema, Value
from scorecard import Scorecard as Model


class ScorecardPoint(TypedDict):
    """One value's points."""

    value: Value
    title: str
    log_odds: float
    odds_multiplier: float


class ScorecardFeature(TypedDict):
    """One field's points; between the values of an interpolated one they run in straight lines."""

    feature: str
    title: str
    unit: str
    interpolated: bool
    points: list[ScorecardPoint]


class ScorecardAnswer(TypedDict):
    """The whole model."""

    model: dict[str, str]
    intercept: float
    features: list[ScorecardFeature]


class Scorecard(Resource):
    """The table of points that is the model."""

    formats = ("json", "html", "csv")

    def get(self) -> ScorecardAnswer:
        """Return the intercept and, by feature, the points of every value."""
        return table(scorecard(), schema())

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the intercept's row, then a row per point."""
        yield row("intercept", "", answer["intercept"])
        for feature in answer["features"]:
            for point in feature["points"]:
                yield row(feature["feature"], point["value"], point["log_odds"])


def table(card: Model, dictionary: Schema) -> ScorecardAnswer:
    """Return a scorecard as plain data; the pages' script computes with it."""
    return {
        "model": card.model,
        "intercept": card.intercept,
        "features": [
            {
                "feature": field.name,
                "title": field.title,
                "unit": field.unit,
                "interpolated": card.points[field.name].linear,
                "points": [
                    {
                        "value": value,
                        "title": field.title_of(value),
                        "log_odds": log_odds,
                        "odds_multiplier": math.exp(log_odds),
                    }
                    for value, log_odds in card.points[field.name].by_value.items()
                ],
            }
            for field in dictionary.fields
        ],
    }


def row(feature: str, value: Any, log_odds: float) -> dict[str, Any]:
    """Return one row of the table."""
    return {"feature": feature, "value": value, "log_odds": log_odds, "odds_multiplier": math.exp(log_odds)}
