"""The API's documentation: OpenAPI for programs, a page for people."""

from typing import Any

from flask import current_app, request

from glassform.web.asked import fitted, served
from glassform.web.openapi import describe
from glassform.web.resource import Resource


class OpenAPI(Resource):
    """The API as OpenAPI 3.1 describes it."""

    formats: tuple[str, ...] = ("json",)
    suffixed = False

    def get(self) -> dict[str, Any]:
        """Return the description of every address, method, parameter, body and answer."""
        return document()


class Docs(OpenAPI):
    """The API page: every address, code to copy, a form to try it."""

    formats = ("json", "html")


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
