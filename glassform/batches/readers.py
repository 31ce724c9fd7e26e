"""What reads the rows of a body, by its media type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from glassform.batches.batch import Source
from glassform.batches.csv_rows import Table
from glassform.batches.json_rows import Lines, Objects, parse_array
from glassform.fitted.base import Fitted
from glassform.limits import MOST_ARRAY_BYTES, MOST_BYTES
from glassform.records.schema import Schema


@dataclass(frozen=True)
class Reader:
    """How one kind of body is read.

    Attributes
    ----------
    format
        The format of answers that goes with it.
    read
        Makes rows of a file.
    most_bytes
        How long the body may be.
    whole
        Whether it has to be in memory as a whole.
    described
        Its JSON Schema, given that of a record.
    """

    media_type: str
    format: str
    read: Callable[[IO[bytes], Fitted, Schema], Source]
    most_bytes: int = MOST_BYTES
    whole: bool = False
    described: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: {"type": "string"}


def read_array(file: IO[bytes], card: Fitted, schema: Schema) -> Source:
    """Return the rows of a JSON array."""
    return Objects(parse_array(file.read()), card, schema)


def array_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an array of records."""
    return {"type": "array", "minItems": 1, "items": record}


CSV = Reader("text/csv", "csv", Table)
JSON = Reader("application/json", "json", read_array, MOST_ARRAY_BYTES, whole=True, described=array_of)
LINES = Reader("application/x-ndjson", "jsonl", Lines)
READERS = {each.media_type: each for each in (CSV, JSON, LINES)}
