"""The same person in another group: what the model makes of that alone."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from openapi import record_in_query
from representations import Resource
from resources.reading import read_record
from schema import Record, Schema
from scorecard import Twin
from serving import scorecard


class TwinsAnswer(TypedDict):
    """One record's probability, and its twins'."""

    record: Record
    probability: float
    twins: list[Twin]
    model: dict[str, str]


class Twins(Resource):
    """The twins of one person: the same answers but for one group field."""

    reads_query = True

    formats = ("json", "csv")

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record."""
        return record_in_query(schema)

    def get(self) -> TwinsAnswer:
        """Return the probability of every twin of the record in the query, and the difference."""
        card, record = scorecard(), read_record()
        return {
            "record": record,
            "probability": card.probability(record),
            "twins": card.twins(record),
            "model": card.model,
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per twin."""
        rows: list[dict[str, Any]] = answer["twins"]
        return rows
