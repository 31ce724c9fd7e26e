"""Real people to try."""

from collections.abc import Iterable
from typing import Any

from flask import url_for
from typing_extensions import TypedDict

from representations import Resource
from schema import Record
from serving import scorecard


class Example(TypedDict):
    """A real person: what turned out true, and what the model gives; a surprise is one it gets very wrong."""

    record: Record
    outcome: str
    surprise: bool
    probability: float
    url: str


class ExamplesAnswer(TypedDict):
    """Real people to try."""

    examples: list[Example]


class Examples(Resource):
    """Real records of the test split, with what turned out true."""

    formats = ("json", "html", "csv")

    def get(self) -> ExamplesAnswer:
        """Return each example with its outcome, the probability the model gives, and the link to its arithmetic."""
        card = scorecard()
        return {
            "examples": [
                {
                    "record": example["record"],
                    "outcome": example["outcome"],
                    "surprise": example["surprise"],
                    "probability": card.probability(example["record"]),
                    "url": url_for("probability", **example["record"]),
                }
                for example in card.examples
            ]
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per example: the record, the outcome, the probability."""
        for example in answer["examples"]:
            yield {**example["record"], "outcome": example["outcome"], "probability": example["probability"]}
