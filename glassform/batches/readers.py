"""What reads the rows of a body, by its media type."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from glassform.batches.batch import Source
from glassform.batches.csv_rows import TableRows
from glassform.batches.json_array import parse_array
from glassform.batches.json_rows import Lines, Objects
from glassform.fitted.base import Fitted
from glassform.limits import MOST_ARRAY_BYTES, MOST_BYTES
from glassform.records.schema import Schema
from glassform.tables.dialect import DELIMITERS
from glassform.tables.opening import BINARY, open_table


@dataclass(frozen=True)
class Reader:
    """How one kind of body is read.

    Attributes
    ----------
    format
        The format of answers that goes with it.
    read
        Makes rows of a file, given the encoding that its sender states, if any.
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


def read_array(file: IO[bytes], card: Fitted, schema: Schema, encoding: str | None = None) -> Source:
    """Return the rows of a JSON array, which is always UTF-8."""
    return Objects(parse_array(file.read()), card, schema)


def read_lines(file: IO[bytes], card: Fitted, schema: Schema, encoding: str | None = None) -> Source:
    """Return the rows of JSON lines, which are always UTF-8."""
    return Lines(file, card, schema)


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
FORM = "application/x-www-form-urlencoded"  # how curl names a body, unless told otherwise
# media types that programs give to anything, so the body itself says what it is
UNTOLD = ("", "text/plain", "application/octet-stream", "application/vnd.ms-excel", FORM)
# further names of what is read
NAMED = {
    **dict.fromkeys(("application/csv", "application/x-csv", "text/x-csv", "text/comma-separated-values"), CSV),
    "text/tab-separated-values": CSV,
    **dict.fromkeys(("application/jsonl", "application/x-jsonl", "text/jsonl", "application/ndjson"), LINES),
    **dict.fromkeys(("application/jsonlines", "application/x-jsonlines", "application/json-lines"), LINES),
    **dict.fromkeys(("text/json", "text/x-json", "application/x-json"), JSON),
    **dict.fromkeys(TABLES, CSV),
    **READERS,
}
LINE_END = re.compile(b"[\r\n]")
FIRST_SIGN = re.compile(f"[={DELIMITERS}]".encode())  # of a form "=", of a table a delimiter


def reader_of(media_type: str, begin: bytes) -> Reader | None:
    """Return the reader of a body by its media type or, where that says nothing, by how it begins."""
    if media_type not in UNTOLD:
        return NAMED.get(media_type)
    text = begin.removeprefix(BOM_UTF8).lstrip()
    if text[:1] in (b"[", b"{"):
        return JSON if text[:1] == b"[" else LINES
    if begin.startswith(BINARY):
        return CSV
    is_text = begin.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" not in begin
    return CSV if text and is_text and not (media_type == FORM and is_one_line(text)) else None


def is_one_line(begin: bytes) -> bool:
    """Tell whether no line ends in the beginning of a body."""
    return not LINE_END.search(begin)


def lost_its_lines(media_type: str, begin: bytes) -> bool:
    """Tell whether a body is a table that came in one line, as curl sends a file with --data."""
    sign = FIRST_SIGN.search(begin)
    return media_type == FORM and is_one_line(begin) and sign is not None and sign[0] != b"="
