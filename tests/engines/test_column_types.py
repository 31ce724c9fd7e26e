"""A Parquet file comes back with the types it was given."""

import datetime as dt
import decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glassform.engines.on_duckdb import DuckDB, connect

DAY, MOMENT = dt.date(2020, 2, 29), dt.datetime(2020, 2, 29, 12, 30)
COLUMNS = {
    "small": pa.array([1, None], pa.int8()),
    "unsigned": pa.array([1, 2], pa.uint16()),
    "single": pa.array([1.5, 2.5], pa.float32()),
    "money": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)),
    "day": pa.array([DAY, None], pa.date32()),
    "milliseconds": pa.array([MOMENT, None], pa.timestamp("ms")),
    "microseconds": pa.array([MOMENT, None], pa.timestamp("us")),
    "nanoseconds": pa.array([MOMENT, None], pa.timestamp("ns")),
    'in "Berlin"': pa.array([MOMENT, None], pa.timestamp("us", "Europe/Berlin")),
    "lasts": pa.array([5, None], pa.duration("us")),
    "yes": pa.array([True, None]),
    "bytes": pa.array([b"a", None]),
    "large": pa.array(["a", None], pa.large_string()),
    "category": pa.array(["a", None]).dictionary_encode(),
    "list": pa.array([[1], None], pa.list_(pa.int32())),
    "object": pa.array([{"x": 1}, None], pa.struct([("x", pa.int16())])),
}


@pytest.fixture(scope="module")
def engine() -> DuckDB:
    return connect()


def copied(engine: DuckDB, source: Path) -> Path:
    """A copy that the engine wrote of a file, with a further column."""
    copy = source.with_name("copy.parquet")
    table = engine.source_of_parquet([source]).table
    engine.write(f"SELECT {table}.*, 0.5::DOUBLE AS probability FROM {table}", copy, "parquet", like=source)
    return copy


def test_every_type_is_kept(engine, tmp_path):
    given = pa.table(COLUMNS)
    pq.write_table(given, tmp_path / "given.parquet")
    found = pq.read_table(copied(engine, tmp_path / "given.parquet"))
    assert found.schema.field("probability").type == pa.float64()
    assert {name: found.schema.field(name).type for name in COLUMNS} == {
        name: given.schema.field(name).type for name in COLUMNS
    }
    assert found.drop_columns("probability").to_pylist() == given.to_pylist()


def test_a_data_frame_keeps_its_index_and_its_own_types(engine, tmp_path):
    given = pd.DataFrame(
        {"count": pd.array([1, None], dtype="Int64"), "kind": pd.Categorical(["a", "b"], ordered=True)},
        index=pd.Index(["first", "second"], name="who"),
    )
    given.to_parquet(tmp_path / "given.parquet")
    found = pd.read_parquet(copied(engine, tmp_path / "given.parquet"))
    assert found.pop("probability").tolist() == [0.5, 0.5]
    pd.testing.assert_frame_equal(found, given)
