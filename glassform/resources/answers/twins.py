"""The same person in another group: what the model makes of that alone."""

from collections.abc import Iterable
from typing import Any

from glassform.fitted.scorecard import Twin
from glassform.fitted.target import Said
from glassform.records.field import Record
from glassform.records.schema import Schema
from glassform.web.asked import fitted
from glassform.web.openapi import record_in_query
from glassform.web.reading import flat, read_record
from glassform.web.resource import Resource


class TwinsAnswer(Said):
    """What the model says of one record, and of its twins."""

    record: Record
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
        """Return what the model says of every twin of the record in the query."""
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
