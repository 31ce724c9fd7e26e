"""What if: one field varied alone, or the same record in another group."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from glassform.fitted.scorecard import Twin
from glassform.fitted.target import Predicted
from glassform.records.field import Record, Value
from glassform.web.asked import fitted
from glassform.web.reading import RecordResource, flat, read_record


class Point(Predicted):
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


class Curves(RecordResource):
    """By field, the answer at each of its values, the rest of the record held fixed."""

    formats = ("json", "csv")

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


class TwinsAnswer(Predicted):
    """The answers for a record and its twins."""

    record: Record
    twins: list[Twin]
    model: dict[str, str]


class Twins(RecordResource):
    """The twins of one person: the same answers but for one group field."""

    tag = "twins"
    formats = ("json", "csv")

    def get(self) -> TwinsAnswer:
        """Return the answer for every twin of the record in the query."""
        card, record = fitted(), read_record()
        return {
            "record": record,
            **card.members(record),  # type: ignore[typeddict-item]
            "twins": card.twins(record),
            "model": card.model,
        }

    def columns(self, answer: Any) -> list[str]:
        """Return the header; a table without group fields has no twins to take it from."""
        said = {name: value for name, value in answer.items() if name not in ("record", "twins", "model")}
        return ["feature", "value", *flat(said), *(["difference"] if len(said) == 1 else [])]

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per twin."""
        return [flat(twin) for twin in answer["twins"]]
