"""Training and test rows: read from CSV files or counted in an engine, and checked."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glassform.records.field import NOT_KNOWN, PLAIN_DIGITS, PYTHON_TYPE, Field, Record, Value
from glassform.records.schema import NUMBER, Schema

NUMPY_TYPE = {"integer": "int64", "number": "float64"}
WHOLE = re.compile(r"-?[0-9]+(\.[0-9]+)?")  # engines may write a whole number as 39.0


@dataclass(frozen=True)
class Split:
    """Rows of a table: `X`, one column per feature, and `y`: a number, or a class's place (1 is the positive class).

    Each row stands for `weights` rows with the same features and outcome.
    """

    X: pd.DataFrame
    y: np.ndarray
    weights: np.ndarray
    hashes: np.ndarray | None  # one per row, over all columns: equal for exact copies
    sha256: str

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.weights.sum())


def read(schema: Schema, resource: str, folder: Path) -> Split:
    """Read one CSV of the data package; columns get the schema's field names.

    Raises
    ------
    ValueError
        If a column is missing or a value breaks the schema, naming the column, the row and the value.
    """
    path = folder / next(each["path"] for each in schema.package["resources"] if each["name"] == resource)
    types = {
        field.column: "str" if field.has_gaps else NUMPY_TYPE.get(field.type, "str")
        for field in (*schema.fields, schema.target)
    }
    # no text becomes a gap by itself: "?" and "NA" may be categories
    table = pd.read_csv(path, dtype=types, keep_default_na=False)
    X, y = checked(table, schema)
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return Split(X, y, np.ones(len(y)), hashes, hashlib.sha256(path.read_bytes()).hexdigest())


def count(schema: Schema, sources: Sequence[str], engine: str, master: str) -> Split:
    """Count in an engine how often each combination of features and outcome occurs; the table may have any size.

    Raises
    ------
    ValueError
        If the table is unreadable or does not match its description.
    """
    # only large tables need an engine, and it may not be installed
    from glassform.engines.scoring import connect

    columns = [field.column for field in (*schema.fields, schema.target)]
    with closing(connect(engine, master)) as connection:
        source = connection.open(sources)
        given = {schema.names.get(column, column): column for column in source.columns}
        found = [given.get(field.name, field.column) for field in (*schema.fields, schema.target)]
        table = pd.DataFrame(connection.count(source, found), columns=[*columns, "rows"])
    for field in schema.fields:
        if not field.categories and not field.has_gaps:
            table[field.column] = as_numbers(table[field.column], field)
    # sorted, so that every engine gives the same model for the same table
    table = table.sort_values(columns, ignore_index=True)
    X, y = checked(table, schema, counted=True)
    X = X.astype({field.name: NUMPY_TYPE[field.type] for field in schema.fields if not field.categories})
    sha256 = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    return Split(X, y, table["rows"].to_numpy(dtype=np.float64), None, sha256)


def checked(table: pd.DataFrame, schema: Schema, counted: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Check a table against its schema; return its features, named as the schema names them, and its outcomes.

    Raises
    ------
    ValueError
        If a column is missing or a value breaks the schema.
    """
    with_gaps = [field for field in schema.fields if field.missing and field.column in table]
    table = table.assign(**{field.column: marked(table[field.column], field) for field in with_gaps})
    for field in (*schema.fields, schema.target):
        check(table, field, counted)
    table = table.assign(**{f.column: as_numbers(table[f.column], f) for f in schema.fields if f.has_gaps})
    X = table[[field.column for field in schema.fields]].set_axis(list(schema.by_name), axis=1)
    outcome = table[schema.target.column]
    if schema.task == NUMBER:
        return X, outcome.to_numpy(dtype=np.float64)
    return X, outcome.map({label: place for place, label in enumerate(schema.classes)}).to_numpy(dtype=np.int64)


def marked(column: pd.Series, field: Field) -> pd.Series:
    """Return a column with "?" in place of each missing value."""
    column = column.astype(object)
    return column.where(column.notna() & ~column.isin(field.missing), NOT_KNOWN)


def check(table: pd.DataFrame, field: Field, counted: bool) -> None:
    """Check one column against its field; counted rows have no row number to report.

    Raises
    ------
    ValueError
        If it is missing or holds an unknown value.
    """
    if field.column not in table:
        raise ValueError(f"the table has no column {field.column}")
    column = table[field.column]
    if field.categories:
        known = column.isin(list(field.categories))
    elif field.has_gaps:
        known = as_numbers(column, field).between(*field.bounds) | (column == NOT_KNOWN)
    else:
        known = column.between(*field.bounds)
    if not known.all():
        row = int((~known).to_numpy().argmax())
        where = f"in {table['rows'][row]:,} rows" if counted else f"row {row + 1}"
        raise ValueError(f"{where}: {column.iloc[row]!r} is not a known {field.column}")


def as_numbers(column: pd.Series, field: Field) -> pd.Series:
    """Return a column as numbers, NaN where a value is not a number in plain digits."""
    digits = PLAIN_DIGITS["number"] if field.type == "number" else WHOLE
    plain = column.astype(str).str.fullmatch(digits.pattern)
    numbers: pd.Series = pd.to_numeric(column.where(plain, other=np.nan), errors="coerce").astype("float64")
    return numbers


def as_records(schema: Schema, X: pd.DataFrame) -> list[Record]:
    """Return rows as records, with Python's numbers and "?" for gaps."""
    rows: list[Any] = X.to_dict("records")
    return [{field.name: value_of(field, row[field.name]) for field in schema.fields} for row in rows]


def value_of(field: Field, value: Any) -> Value:
    """Return a value of a table as a record holds it."""
    if field.has_gaps:
        return NOT_KNOWN if np.isnan(value) else PYTHON_TYPE[field.type](value)
    return plain(value)


def plain(value: Any) -> Value:
    """Return a NumPy scalar as the Python number or text it holds."""
    result: Value = value.item() if isinstance(value, np.generic) else value
    return result
