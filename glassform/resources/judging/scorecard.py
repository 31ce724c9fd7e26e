"""The model itself: every point of every feature."""

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NotRequired

from flask import url_for
from pydantic import TypeAdapter
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound

from glassform.fitted.base import Fitted
from glassform.fitted.kinds import ClassesScorecard
from glassform.fitted.scorecard import DIALECTS, Additive
from glassform.fitted.scorecard import Scorecard as Model
from glassform.languages import gettext
from glassform.records.schema import CLASSES, JSON_SCHEMA, NOT_KNOWN, Schema, Value
from glassform.web.asked import fitted, schema
from glassform.web.openapi import TEXT, Exact, in_query
from glassform.web.reading import flat, one_of, read_options
from glassform.web.resource import Resource


class ScorecardPoint(TypedDict):
    """One value's points: log-odds; or, where that is not foretold, in the number's unit, or of every class."""

    value: Value
    title: str
    log_odds: NotRequired[float]
    odds_multiplier: NotRequired[float]
    points: NotRequired[float | dict[str, float]]


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
    positive outcome is 1 / (1 + e^-log_odds). Where a number is foretold, it is that sum; where one of several
    classes, each has a sum of its own, and its probability is e to that, divided by the total over all classes.
    Between the values of an interpolated feature the points run in straight lines.
    """

    model: dict[str, str]
    intercept: float | dict[str, float]
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

    @property
    def template(self) -> str:
        """The page for what is foretold."""
        return "classestable.html" if fitted().schema.task == CLASSES else super().template

    def get(self) -> tuple[ScorecardAnswer, int, dict[str, str]]:
        """Return the intercept and, by feature, the points of every value; as SQL, one SELECT that adds them up."""
        read_dialect()
        described = url_for("scorecardschema")
        return table(additive(fitted()), schema()), HTTPStatus.OK, {"Link": f'<{described}>; rel="describedby"'}

    def written(self, answer: Any) -> str:
        """Return the model as one SELECT."""
        # what writes SQL is large, and few ask for it
        from glassform.engines.sql import statement

        card = fitted()
        if not isinstance(card, Additive):
            raise NotFound(gettext("Several classes are not written as SQL."))
        return statement(card, read_dialect())

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the intercept's row, then a row per point."""
        first = points_named(answer["intercept"], isinstance(fitted(), Model))
        yield {"feature": "intercept", "value": "", **flat(first)}
        for feature in answer["features"]:
            for point in feature["points"]:
                numbers = {name: each for name, each in point.items() if name not in ("value", "title")}
                yield {"feature": feature["feature"], "value": point["value"], **flat(numbers)}


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


def additive(card: Fitted) -> Additive | ClassesScorecard:
    """Return a model that is a table of points.

    Raises
    ------
    NotFound
        If it is none.
    """
    if not isinstance(card, Additive | ClassesScorecard):
        raise NotFound(
            gettext(
                "This model is no sum of one term per field, so no table of points equals it: its pipeline answers."
            )
        )
    return card


def table(card: Additive | ClassesScorecard, dictionary: Schema) -> ScorecardAnswer:
    """Return a scorecard as plain data; the pages' script computes with it."""
    features: list[Any] = [
        {
            "feature": field.name,
            "title": field.title,
            "unit": field.unit,
            "interpolated": not field.values,
            "points": [
                {"value": value, "title": field.title_of(value), **points_of(card, field.name, value)}
                for value in (*card.grid(field.name), *([NOT_KNOWN] if field.has_gaps else []))
            ],
        }
        for field in dictionary.fields
    ]
    intercept = card.intercept if isinstance(card, Additive) else card.by_class(card.intercepts)
    return {"model": card.model, "intercept": intercept, "features": features}


def points_of(card: Additive | ClassesScorecard, name: str, value: Value) -> dict[str, Any]:
    """Return the points of a feature's value."""
    if isinstance(card, ClassesScorecard):
        return points_named(card.by_class(card.at(name, value)), False)
    return points_named(card.points[name].by_value[value], isinstance(card, Model))


def points_named(points: Any, are_log_odds: bool) -> dict[str, Any]:
    """Return points by what they are."""
    return {"log_odds": points, "odds_multiplier": math.exp(points)} if are_log_odds else {"points": points}
