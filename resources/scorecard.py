"""The model itself: every point of every feature."""

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import url_for
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from openapi import TEXT, Exact, in_query
from representations import Resource
from resources.reading import one_of, read_options
from schema import JSON_SCHEMA, Schema, Value
from scorecard import DIALECTS
from scorecard import Scorecard as Model
from serving import schema, scorecard


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
    """The whole model.

    The log-odds of a record are the intercept and the points of each of its values, summed; the probability of the
    positive outcome is 1 / (1 + e^-log_odds). Between the values of an interpolated feature the points run in
    straight lines.
    """

    model: dict[str, str]
    intercept: float
    features: list[ScorecardFeature]


class Scorecard(Resource):
    """The table of points that is the model."""

    formats = ("json", "html", "csv", "sql")
    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return whose SQL is wanted."""
        return [
            in_query("dialect", TEXT | {"enum": [*DIALECTS], "default": DIALECTS[0]}, "Whose SQL it is written in.")
        ]

    def get(self) -> tuple[ScorecardAnswer, int, dict[str, str]]:
        """Return the intercept and, by feature, the points of every value; as SQL, one SELECT that adds them up."""
        read_dialect()
        described = url_for("scorecardschema")
        return table(scorecard(), schema()), HTTPStatus.OK, {"Link": f'<{described}>; rel="describedby"'}

    def written(self, answer: Any) -> str:
        """Return the model as one SELECT."""
        # what writes SQL is large, and few ask for it
        from sql import statement

        return statement(scorecard(), read_dialect())

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the intercept's row, then a row per point."""
        yield row("intercept", "", answer["intercept"])
        for feature in answer["features"]:
            for point in feature["points"]:
                yield row(feature["feature"], point["value"], point["log_odds"])


class ScorecardSchema(Resource):
    """What the scorecard's JSON looks like."""

    formats = ("json",)

    def get(self) -> dict[str, Any]:
        """Return the JSON Schema of the scorecard."""
        described = TypeAdapter(ScorecardAnswer).json_schema(mode="serialization", schema_generator=Exact)
        return {"$schema": JSON_SCHEMA, "$id": url_for("scorecardschema", _external=True), **described}


def read_dialect() -> str:
    """Read whose SQL is wanted.

    Raises
    ------
    InvalidQuery
        If nobody here writes it.
    """
    dialect: str = read_options({"dialect": one_of(DIALECTS)}).get("dialect", DIALECTS[0])
    return dialect


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
