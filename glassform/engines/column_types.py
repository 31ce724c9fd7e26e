"""The types of a Parquet file's columns, kept where DuckDB alone would write others."""

import base64
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from glassform.engines.dialects import DUCKDB

ARROW, PANDAS = b"ARROW:schema", b"pandas"  # keys of a file's metadata: what Parquet has no word for, and the index
# types that a file holds as others, and that its metadata restores, with those others
HELD_AS = [
    (pa.types.is_large_string, pa.types.is_string),
    (pa.types.is_large_binary, pa.types.is_binary),
    (pa.types.is_duration, pa.types.is_int64),
    (lambda type_: pa.types.is_dictionary(type_) and pa.types.is_string(type_.value_type), pa.types.is_string),
]


def given_types(path: Path) -> pa.Schema | None:
    """Return the columns of a Parquet file as Arrow reads them; nothing, if it cannot."""
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return None


def in_given_units(query: str, given: pa.Schema) -> str:
    """Return a query whose times keep their milliseconds, which DuckDB reads as microseconds."""
    names = [exp.to_identifier(each.name, quoted=True) for each in given if each.type == pa.timestamp("ms")]
    written = [name.sql(dialect=DUCKDB.name) for name in names]
    casts = ", ".join(f"CAST({name} AS TIMESTAMP_MS) AS {name}" for name in written)
    return f"SELECT * REPLACE ({casts}) FROM ({query})" if casts else query


def metadata(session: duckdb.DuckDBPyConnection, query: str, given: pa.Schema, path: Path) -> dict[bytes, bytes]:
    """Return the metadata that a query's result needs to be read with the types given.

    `path` is that of the result, written here without rows to see what DuckDB makes of it.
    """
    literal = exp.convert(str(path)).sql(dialect=DUCKDB.name)
    session.execute(f"COPY (SELECT * FROM ({query}) LIMIT 0) TO {literal} (FORMAT parquet)")
    held = pq.read_schema(path)
    before = {each.name: each.type for each in given}
    types = [restored(before.get(each.name, each.type), each.type) for each in held]
    index = {PANDAS: given.metadata[PANDAS]} if PANDAS in (given.metadata or {}) else {}
    if types == held.types and not index:
        return {}
    fields = [field.with_type(type_) for field, type_ in zip(held, types, strict=True)]
    wanted = pa.schema(fields, metadata=index or None)
    return index | {ARROW: base64.b64encode(wanted.serialize().to_pybytes())}


def restored(given: pa.DataType, held: pa.DataType) -> pa.DataType:
    """Return the type to read a column with that had one type and is held as another."""
    if pa.types.is_timestamp(given) and pa.types.is_timestamp(held) and given.tz and held.tz:
        return pa.timestamp(held.unit, given.tz)
    return given if any(was(given) and now(held) for was, now in HELD_AS) else held


def options(found: dict[bytes, bytes]) -> Sequence[str]:
    """Return metadata as an option of DuckDB's COPY."""
    pairs = [[exp.convert(part.decode()).sql(dialect=DUCKDB.name) for part in pair] for pair in found.items()]
    return [f"KV_METADATA {{{', '.join(': '.join(pair) for pair in pairs)}}}"] if pairs else []
