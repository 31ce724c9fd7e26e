"""The form, and real people to try in it."""

from collections.abc import Iterable
from typing import Any

from flask import url_for
from typing_extensions import TypedDict

from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import Predicted
from glassform.records.field import Record, Value
from glassform.records.schema import Schema
from glassform.resources.answers.take_home import kilobytes
from glassform.resources.layers import drawn_with
from glassform.web.asked import fitted, schema
from glassform.web.linked import page_as_linked_data
from glassform.web.openapi import record_in_query
from glassform.web.reading import filled_up, flat, given_fields
from glassform.web.resource import Resource

MOST_REAL = 4  # records that the first page offers to start from


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
        dictionary, record = schema(), filled_up(given_fields())
        return {
            "title": dictionary.own["question"],
            "description": dictionary.package["description"],
            "schema": dictionary.json_schema(),
            "defaults": record,
            "links": links(list(record)),
        }

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the answer for the record in the form, and a few real records with theirs."""
        card = fitted()
        return {
            "live": card.explain(answer["defaults"]),
            "real": [example | card.members(example["record"]) for example in card.examples[:MOST_REAL]],
            "take_home": kilobytes(card, schema()),
            "linked": page_as_linked_data(),
            **drawn_with(card, schema()),
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


class Example(Predicted):
    """A real person with the true outcome and the model's answer; a surprise is a bad miss."""

    record: Record
    outcome: Value
    surprise: bool
    url: str


class ExamplesAnswer(TypedDict):
    """Real people to try."""

    examples: list[Example]


class Examples(Resource):
    """Real records of the test split with their true outcomes."""

    tag = "examples"
    formats = ("json", "html", "csv")

    def get(self) -> ExamplesAnswer:
        """Return each example with its outcome, the model's answer and a link to the arithmetic."""
        card = fitted()
        return {
            "examples": [
                {
                    "record": example["record"],
                    "outcome": example["outcome"],
                    "surprise": example["surprise"],
                    **card.members(example["record"]),  # type: ignore[typeddict-item]
                    "url": url_for("probability", **example["record"]),
                }
                for example in card.examples
            ]
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per example: record, outcome, answer."""
        for example in answer["examples"]:
            said = {name: value for name, value in example.items() if name not in ("record", "url", "surprise")}
            yield {**example["record"], **flat(said)}
