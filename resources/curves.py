"""What if: the probability of one person as one field alone varies."""

from collections.abc import Iterable
from typing import Any

from representations import Answer, Resource
from resources.reading import read_record, scorecard


class Curves(Resource):
    """By field, the probability at each of its values, the rest of the record held fixed."""

    formats = ("json", "csv")

    def get(self) -> Answer:
        """Return the curve of every field for the record in the query."""
        record = read_record()
        curves = scorecard().what_if(record)
        return {
            "record": record,
            "curves": [
                {
                    "feature": name,
                    "points": [{"value": value, "probability": probability} for value, probability in curve],
                }
                for name, curve in curves.items()
            ],
            "model": scorecard().model,
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per field and value."""
        for curve in answer["curves"]:
            for point in curve["points"]:
                yield {"feature": curve["feature"], **point}
