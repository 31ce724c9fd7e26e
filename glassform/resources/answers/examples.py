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
