"""What if: the answer about one person as one field alone varies."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from glassform.fitted.target import Said
from glassform.records.field import Record, Value
from glassform.records.schema import Schema
from glassform.web.asked import fitted
from glassform.web.openapi import record_in_query
from glassform.web.reading import flat, read_record
from glassform.web.resource import Resource


class Point(Said):
    """One value of a field, and the answer with it: a probability, a number, or those of all classes."""

    value: Value


class Curve(TypedDict):
    """One field's values, in order."""

    feature: str
    points: list[Point]


class CurvesAnswer(TypedDict):
    """The curves of one record, a field each."""

    record: Record
    curves: list[Curve]
    model: dict[str, str]


class Curves(Resource):
    """By field, the answer at each of its values, the rest of the record held fixed."""

    reads_query = True

    formats = ("json", "csv")

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record."""
        return record_in_query(schema)

    def get(self) -> CurvesAnswer:
        """Return the curve of every field for the record in the query."""
        record = read_record()
        curves = fitted().curves(record)
        return {
            "record": record,
            "curves": [
                {
                    "feature": name,
                    "points": [{"value": value, **members} for value, members in curve],  # type: ignore[typeddict-item]
                }
                for name, curve in curves.items()
            ],
            "model": fitted().model,
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per field and value."""
        for curve in answer["curves"]:
            for point in curve["points"]:
                yield {"feature": curve["feature"], **flat(point)}
