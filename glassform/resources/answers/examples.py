"""Real people to try."""

from collections.abc import Iterable
from typing import Any

from flask import url_for
from typing_extensions import TypedDict

from glassform.fitted.target import Said
from glassform.records.field import Record, Value
from glassform.web.asked import fitted
from glassform.web.reading import flat
from glassform.web.resource import Resource


class Example(Said):
    """A real person: what turned out true, and what the model says; a surprise is one it gets very wrong."""

    record: Record
    outcome: Value
    surprise: bool
    url: str


class ExamplesAnswer(TypedDict):
    """Real people to try."""

    examples: list[Example]


class Examples(Resource):
    """Real records of the test split, with what turned out true."""

    formats = ("json", "html", "csv")

    def get(self) -> ExamplesAnswer:
        """Return each example with its outcome, what the model says, and the link to its arithmetic."""
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
        """Return a row per example: the record, the outcome, what the model says."""
        for example in answer["examples"]:
            said = {name: value for name, value in example.items() if name not in ("record", "url", "surprise")}
            yield {**example["record"], **flat(said)}
