"""The form, filled with a person to begin with."""

from typing import Any

from flask import url_for
from typing_extensions import TypedDict

from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record
from glassform.records.schema import Schema
from glassform.web.asked import fitted, schema
from glassform.web.openapi import record_in_query
from glassform.web.reading import given_fields
from glassform.web.resource import Resource


class FormAnswer(TypedDict):
    """The JSON Schema of a record, a typical person, and links."""

    title: str
    description: str
    schema: dict[str, Any]
    defaults: Record
    links: dict[str, str]


class Form(Resource):
    """The form, filled with a typical person or with the fields of the query."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields that fill the form."""
        return record_in_query(schema, required=False)

    def get(self) -> FormAnswer:
        """Return the JSON Schema of a record, the form's defaults, and links."""
        dictionary, given = schema(), list(given_fields())
        named = {dictionary.names.get(name) for name, _ in given}
        rest = ((name, str(value)) for name, value in fitted().typical.items() if name not in named)
        record = dictionary.read_fields([*given, *rest])
        return {
            "title": dictionary.own["question"],
            "description": dictionary.package["description"],
            "schema": dictionary.json_schema(),
            "defaults": record,
            "links": links(list(record)),
        }


def links(fields: list[str]) -> dict[str, str]:
    """Return links; the probability's is a URI template (RFC 6570)."""
    found = {
        "self": url_for("form"),
        "probability": f"{url_for('probability')}{{?{','.join(fields)}}}",
        "twins": f"{url_for('twins')}{{?{','.join(fields)}}}",
        "curves": f"{url_for('curves')}{{?{','.join(fields)}}}",
        "examples": url_for("examples"),
        "model": url_for("card"),
    }
    if fitted().is_additive:
        found["scorecard"] = url_for("scorecard")
    if isinstance(fitted(), Scorecard):
        found["changes"] = f"{url_for('changes')}{{?{','.join(fields)},target,lock*}}"
    return found
