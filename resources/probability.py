"""The probability of a record, with the arithmetic behind it."""

from collections.abc import Iterable
from typing import Any

from auth import FORM_TYPES
from openapi import RECORD, record_in_query
from representations import Resource
from resources.reading import read_record
from schema import Schema
from scorecard import Explanation
from serving import scorecard


class Probability(Resource):
    """The probability the model gives for one record."""

    reads_query = True

    formats = ("json", "html", "csv")

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record of a GET."""
        return record_in_query(schema) if method == "get" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the record, in every way it can be posted."""
        return dict.fromkeys(["application/json", *FORM_TYPES], RECORD)

    def get(self) -> Explanation:
        """Return the probability of the record in the query, and every term of its log-odds."""
        return scorecard().explain(read_record())

    def post(self) -> Explanation:
        """Return the same for the record in the body."""
        return self.get()

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return one row: the record, then its probability."""
        return [{**answer["record"], "probability": answer["probability"], "log_odds": answer["log_odds"]}]
