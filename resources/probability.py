"""The probability of a record, with the arithmetic behind it."""

from collections.abc import Iterable
from typing import Any

from representations import Answer, Resource
from resources.reading import read_record, scorecard


class Probability(Resource):
    """The probability the model gives for one record."""

    formats = ("json", "html", "csv")

    def get(self) -> Answer:
        """Return the probability of the record in the query, and every term of its log-odds."""
        return scorecard().explain(read_record())

    def post(self) -> Answer:
        """Return the same for the record in the body."""
        return self.get()

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return one row: the record, then its probability."""
        return [{**answer["record"], "probability": answer["probability"], "log_odds": answer["log_odds"]}]
