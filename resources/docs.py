"""The API described: for programs as OpenAPI, for people as a page."""

from typing import Any

from flask import current_app

from openapi import describe
from representations import Resource
from serving import scorecard, served


class OpenAPI(Resource):
    """The API as OpenAPI 3.1 describes it."""

    formats: tuple[str, ...] = ("json",)
    suffixed = False

    def get(self) -> dict[str, Any]:
        """Return the description of every address, method, parameter, body and answer."""
        return document()


class Docs(OpenAPI):
    """How programs use this: every address, some code, and a form to try it with."""

    formats = ("json", "html")


def document() -> dict[str, Any]:
    """Return the OpenAPI document, which is made when it is first asked for with these versions."""
    card = scorecard()
    known = {"name": [card.schema.name], "version": [*served().manifest.versions]}
    of = card.version, *known["version"]
    made: tuple[Any, dict[str, Any]] = current_app.extensions.get("openapi", (None, {}))
    if made[0] != of:
        rules, views = current_app.url_map.iter_rules(), current_app.view_functions
        made = current_app.extensions["openapi"] = of, describe(rules, views, card.schema, known)
    return made[1]
