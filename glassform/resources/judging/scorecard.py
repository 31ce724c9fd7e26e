"""The model itself: every point of every feature."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import url_for
from pydantic import TypeAdapter
from werkzeug.exceptions import NotFound

from glassform.analysis.paper import PaperAnswer, paper_answer
from glassform.analysis.table_of_points import (
    ScorecardAnswer,
    ScorecardPair,
    at_steps,
    every_point,
    points_named,
    spread,
    table,
)
from glassform.engines.dialects import DIALECTS, DUCKDB
from glassform.fitted.additive import Additive
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.paper import POINTS_TO_DOUBLE
from glassform.fitted.scorecard import Scorecard as Model
from glassform.fitted.titles import names_of
from glassform.languages import gettext
from glassform.records.field import Record
from glassform.records.messages import nearest
from glassform.records.schema import CLASSES, JSON_SCHEMA, Schema
from glassform.resources.layers import additive, drawn_with, on_paper, sheet_with
from glassform.web.addresses import whole_address
from glassform.web.asked import asked, fitted, schema
from glassform.web.openapi import TEXT, Exact, in_query, record_in_query
from glassform.web.reading import filled_up, flat, given_fields, one_of, read_options
from glassform.web.resource import Resource
from glassform.web.together import drawn_together

DIALECT, POINTS = "dialect", "points"  # the query parameters
SQL = "sql"
OPTIONS = {DIALECT: one_of([*DIALECTS]), POINTS: one_of([str(POINTS_TO_DOUBLE)])}
ON_PAPER = ("json", "html", "csv")


class Scorecard(Resource):
    """The table of points that is the model; asked for whole points, its paper card."""

    formats = ("json", "html", "csv", SQL)
    reads_query = True
    templates = MappingProxyType({CLASSES: "judging/scorecard_classes.html"})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the SQL dialect, whole points, and the fields of the record that the page picks first."""
        dialect = in_query(DIALECT, TEXT | {"enum": [*DIALECTS], "default": DUCKDB.name}, "The SQL dialect.")
        points = in_query(
            POINTS, {"type": "integer", "enum": [POINTS_TO_DOUBLE]}, "Whole points: so many double the odds."
        )
        from glassform.resources.reasons import reasons_in_query

        options = [each for each in (dialect, points) if each["name"] not in schema.names]
        return [*options, *reasons_in_query(schema), *record_in_query(schema, required=False)]

    @property
    def template(self) -> str:
        """The page of the paper card, or the one for the kind of target."""
        return "judging/paper.html" if is_on_paper() else super().template

    def offered(self) -> tuple[str, ...]:
        """Return the formats on offer; a paper card is not written as SQL."""
        return ON_PAPER if is_on_paper() else self.formats

    def get(self) -> tuple[ScorecardAnswer | PaperAnswer, int, dict[str, str]]:
        """Return the intercept and, by feature, the points of every value; as SQL, one SELECT that adds them up."""
        options, record = read_how(), read_picked()
        if POINTS in options:
            card, paper = on_paper(fitted())
            return paper_answer(card, paper, schema(), record), HTTPStatus.OK, {}
        described = url_for("scorecardschema")
        return table(additive(fitted()), schema()), HTTPStatus.OK, {"Link": f'<{described}>; rel="describedby"'}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the features, the widest first, the record that is picked, and its answer; or a card's strip."""
        if is_on_paper():
            return shown_on_paper(answer)
        card, record = additive(fitted()), read_picked()
        tables = {"": card} if isinstance(card, Additive) else card.tables
        pairs = {label: table.pairs for label, table in tables.items()}
        return {
            "features": sorted(answer["features"], key=spread, reverse=True),
            "pairs": drawn_together(schema(), record, pairs),
            "live": card.explain(record),
            "every_point": every_point,
            "at_steps": at_steps,
            "has_paper": isinstance(card, Model) and card.paper and POINTS not in schema().names,
            **drawn_with(card, schema()),
        }

    def written(self, answer: Any) -> str:
        """Return the model as one SELECT."""
        # the SQL writer is large, and few ask for it
        from glassform.engines.reasons import statement_with_reasons
        from glassform.engines.sql import statement
        from glassform.resources.reasons import read_reasons

        card = fitted()
        if not isinstance(card, Additive):
            raise NotFound(gettext("Several classes are not written as SQL."))
        dialect = DIALECTS[read_how().get(DIALECT, DUCKDB.name)]
        reasons = read_reasons(given_fields())
        return statement_with_reasons(card, dialect, reasons) if reasons else statement(card, dialect)

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the intercept's row, a row per point, outer knots in order, and a row per cell of each pair."""
        if is_on_paper():
            yield from rows_on_paper(answer)
            return
        are_log_odds = isinstance(fitted(), Model)
        first = points_named(answer["intercept"], are_log_odds)
        yield {"feature": "intercept", "value": "", **flat(first)}
        for feature in answer["features"]:
            for point in every_point(feature):
                numbers = {name: each for name, each in point.items() if name not in ("value", "title")}
                yield {"feature": feature["feature"], "value": point["value"], **flat(numbers)}
        for pair in answer["pairs"]:
            for value, points in cells_of(additive(fitted()), pair):
                yield {"feature": pair["feature"], "value": value, **flat(points_named(points, are_log_odds))}


def shown_on_paper(answer: PaperAnswer) -> dict[str, Any]:
    """Return what the page of a paper card shows beside the answer."""
    fields = schema().by_name
    return {
        **sheet_with(answer, schema()),
        "left_out": [fields[name].title for name in answer["left_out"]],
        "given": any(not is_option(name) for name, _ in given_fields()),
    }


def rows_on_paper(answer: PaperAnswer) -> Iterator[dict[str, Any]]:
    """Return the offset's row, and a row per line of the card."""
    yield {"feature": "offset", "line": "", "from": None, "below": None, "points": answer["offset"]}
    for feature in answer["features"]:
        for line in feature["lines"]:
            ends = {"from": line.get("from"), "below": line.get("below")}
            yield {"feature": feature["feature"], "line": line["title"], **ends, "points": line["points"]}


def cells_of(card: Additive | ClassesScorecard, pair: ScorecardPair) -> Iterator[tuple[str, Any]]:
    """Return the names of both levels of every cell of a pair, and its points."""
    known = card.pairs[pair["feature"]]
    first, second = map(names_of, (known[0] if isinstance(known, list) else known).sides)
    rows: Sequence[Any] = pair["log_odds"] if "log_odds" in pair else pair["points"]
    for name, row in zip(first, rows, strict=True):
        for other, points in zip(second, row, strict=True):
            yield f"{name}, {other}", points


class ScorecardSchema(Resource):
    """What the scorecard's JSON looks like."""

    formats = ("json",)

    def get(self) -> dict[str, Any]:
        """Return the JSON Schema of the scorecard."""
        described = TypeAdapter(ScorecardAnswer).json_schema(mode="serialization", schema_generator=Exact)
        return {"$schema": JSON_SCHEMA, "$id": whole_address("scorecardschema"), **described}


def read_how() -> dict[str, str]:
    """Read the SQL dialect and the points that double the odds, if they are given.

    Raises
    ------
    InvalidQuery
        If one is unknown, or its name is misspelt.
    """
    given = [field for field in given_here() if is_option(field[0])]
    return read_options({name: read for name, read in OPTIONS.items() if name not in schema().names}, given)


def read_picked() -> Record:
    """Read the values that the page picks first: those in the query, the others as of a typical record.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    """
    return filled_up([field for field in given_here() if not is_option(field[0])])


def given_here() -> list[tuple[str, str]]:
    """Return the parameters that are options of the scorecard or fields of the record."""
    if asked().format.name != SQL:  # which alone has the reasons of every row
        return given_fields()
    from glassform.resources.reasons import read_reasons, without_options

    given = given_fields()
    return without_options(given) if read_reasons(given) else given


def is_option(name: str) -> bool:
    """Tell whether a query parameter is an option, misspelt or not, and no field."""
    return name not in schema().names and nearest(name, {each: each for each in OPTIONS}) is not None


def is_on_paper() -> bool:
    """Tell whether the request asks for the paper card; in a table with a field of that name it cannot."""
    return POINTS not in schema().names and any(name == POINTS for name, _ in given_fields())
