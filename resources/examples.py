"""Real people to try."""

from collections.abc import Iterable
from typing import Any

from flask import url_for

from representations import Answer, Resource
from resources.reading import scorecard


class Examples(Resource):
    """Real records of the test split, with what turned out true."""

    formats = ("json", "html", "csv")

    def get(self) -> Answer:
        """Return each example with its outcome, the probability the model gives, and the link to its arithmetic."""
        card = scorecard()
        return {
            "examples": [
                {
                    **example,
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
