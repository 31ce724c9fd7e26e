"""The same person in another group: what the model makes of that alone."""

from collections.abc import Iterable
from typing import Any

from representations import Answer, Resource
from resources.reading import read_record, scorecard


class Twins(Resource):
    """The twins of one person: the same answers but for one group field."""

    formats = ("json", "csv")

    def get(self) -> Answer:
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
