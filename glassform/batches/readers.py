"""What reads the rows of a body, by its media type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from glassform.batches.batch import Source
from glassform.batches.csv_rows import TableRows
from glassform.batches.json_rows import Lines, Objects, parse_array
from glassform.fitted.base import Fitted
from glassform.limits import MOST_ARRAY_BYTES, MOST_BYTES
from glassform.records.schema import Schema
from glassform.tables.opening import open_table


@dataclass(frozen=True)
class Reader:
    """How one kind of body is read.

    Attributes
    ----------
    format
        The format of answers that goes with it.
    read
        Makes rows of a file, given the encoding that its sender states.
    most_bytes
        How long the body may be.
    whole
        Whether it has to be in memory as a whole.
    described
        Its JSON Schema, given that of a record.
    """

    media_type: str
    format: str
    read: Callable[[IO[bytes], Fitted, Schema, str | None], Source]
    most_bytes: int = MOST_BYTES
    whole: bool = False
    described: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: {"type": "string"}


def read_table(file: IO[bytes], card: Fitted, schema: Schema, encoding: str | None = None) -> Source:
    """Return the rows of a table: delimited text, Parquet or Arrow."""
    return TableRows(open_table(file, encoding), card, schema)


def read_lines(file: IO[bytes], card: Fitted, schema: Schema, encoding: str | None = None) -> Source:
    """Return the rows of JSON lines, which are always UTF-8."""
    return Lines(file, card, schema)


def read_array(file: IO[bytes], card: Fitted, schema: Schema, encoding: str | None = None) -> Source:
    """Return the rows of a JSON array, which is always UTF-8."""
    return Objects(parse_array(file.read()), card, schema)


def array_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an array of records."""
    return {"type": "array", "minItems": 1, "items": record}


CSV = Reader("text/csv", "csv", read_table)
JSON = Reader("application/json", "json", read_array, MOST_ARRAY_BYTES, whole=True, described=array_of)
LINES = Reader("application/x-ndjson", "jsonl", read_lines)
# What a table may come as, too; what it is, is seen by how it begins.
TABLES = (
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.file",
    "application/vnd.apache.arrow.stream",
    "application/gzip",
)
READERS = {each.media_type: each for each in (CSV, JSON, LINES)}
