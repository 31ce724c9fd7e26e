"""The API's documentation: OpenAPI for programs, a page for people."""

from collections.abc import Iterator
from typing import Any

from flask import current_app, request

from glassform.fitted.base import Fitted
from glassform.records.field import Record
from glassform.records.messages import InvalidRecord
from glassform.records.schema import BINARY, CLASSES, NUMBER
from glassform.web.asked import asked, fitted, schema, served
from glassform.web.openapi import describe
from glassform.web.reading import given_fields
from glassform.web.resource import HOW_TO_ANSWER, Resource

PRINTED = {BINARY: "probability", CLASSES: "label", NUMBER: "prediction"}  # the member that the code prints


class OpenAPI(Resource):
    """The API as OpenAPI 3.1 describes it."""

    formats: tuple[str, ...] = ("json",)

    def get(self) -> dict[str, Any]:
        """Return the description of every address, method, parameter, body and answer."""
        return document()


class Docs(OpenAPI):
    """The API page: code to copy, filled with the record of the query, every address, a form to try it."""

    formats = ("json", "html")

    @property
    def reads_query(self) -> bool:  # type: ignore[override]
        """Whether it reads this query: its page reads any, the description for programs none."""
        return bool(asked().format.name == "html")

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the record of the query or, if that is none, a typical one, with its terms for a spreadsheet."""
        card, record = fitted(), given_record()
        shown, operations = record or card.typical, list(operations_of(answer["paths"]))
        return {
            "record": shown,
            "is_given": record is not None,
            "is_refused": record is None and bool(given_fields()),
            "explained": terms(card, shown),
            "printed": PRINTED[card.schema.task],
            "operations": operations,
            "count": len(operations),
        }


def given_record() -> Record | None:
    """Return the record of the query, if it is whole and valid."""
    try:
        return schema().read_query(request.environ["QUERY_STRING"], HOW_TO_ANSWER)
    except InvalidRecord:
        return None


def terms(card: Fitted, record: Record) -> Any:
    """Return the answer for a record if one sum makes it; None for others."""
    return card.explain(record) if card.is_additive and card.schema.task != CLASSES else None


def operations_of(paths: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield method, address and summary of every operation; addresses that end in a format are none of their own."""
    for path, operations in paths.items():
        if "{suffix}" not in path:
            for method, operation in operations.items():
                yield method.upper(), path, operation["summary"]


def document() -> dict[str, Any]:
    """Return the OpenAPI document, made once per set of versions."""
    card = fitted()
    known = {"name": [card.schema.name], "version": [*served().manifest.versions]}
    name, of = served().name, (card.version, *known["version"])
    documents: dict[str, Any] = current_app.extensions.setdefault("openapi", {})
    if documents.get(name, (None,))[0] != of:
        rules, views = current_app.url_map.iter_rules(), current_app.view_functions
        documents[name] = of, describe(rules, views, card.schema, known)
    document: dict[str, Any] = documents[name][1]
    return document | {"servers": [{"url": request.script_root or "/"}]}
