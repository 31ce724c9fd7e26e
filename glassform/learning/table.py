"""Training and test rows: read from CSV files or counted in an engine, and checked."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glassform.programs import extra
from glassform.records.datapackage import MOST_WHOLE
from glassform.records.field import NOT_KNOWN, PYTHON_TYPE, Field, Record, Value
from glassform.records.headers import fields_of
from glassform.records.observed import widened
from glassform.records.schema import NUMBER, Schema
from glassform.records.values import meaning_of, plain
from glassform.tables.opening import open_file

NUMPY_TYPE = {"integer": "int64", "number": "float64"}
OUTCOME, ROWS = "the outcome", "the rows"  # columns that no field can be named like


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
    about = next(each for each in schema.package["resources"] if each["name"] == resource)
    path = folder / about["path"]
    with open_file(path, about.get("encoding")) as opened:
        # no text becomes a gap by itself: "?" and "NA" may be categories
        table = pd.DataFrame(list(opened.checked_rows()), columns=opened.columns, dtype=object)
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
    X, y = checked(table, schema)
    return Split(X, y, np.ones(len(y)), hashes, hashlib.sha256(path.read_bytes()).hexdigest())


def count(schema: Schema, sources: Sequence[str], engine: str, master: str, encoding: str | None = None) -> Split:
    """Count in an engine how often each combination of features and outcome occurs; the table may have any size.

    Raises
    ------
    ValueError
        If the table is unreadable or does not match its description.
    """
    try:
        # only large tables need an engine, and it may not be installed
        from glassform.engines.scoring import connect
    except ImportError as error:
        raise ValueError(f"to count rows in an engine, install {extra('engines')}") from error

    columns = [field.column for field in (*schema.fields, schema.target)]
    with closing(connect(engine, master)) as connection:

        def counted(source: Any) -> list[tuple[Any, ...]]:
            fields = fields_of(source.named, schema)
            given = {name: column for name, column in zip(fields, source.columns, strict=True) if name}
            found = [given.get(field.name, field.column) for field in (*schema.fields, schema.target)]
            return list(connection.count(source, found))

        table = pd.DataFrame(connection.ask(sources, encoding, counted), columns=[*columns, "rows"])
    X, y = checked(table, schema, counted=True)
    # engines write one value in several ways, such as 39 and 39.0; sorted, so that all give the same model
    names = [*X.columns, OUTCOME]
    counted_once = (
        X.assign(**{OUTCOME: pd.Series(y), ROWS: table["rows"]}).groupby(names, dropna=False, as_index=False).sum()
    )
    X, y, weights = counted_once[list(X.columns)], counted_once[OUTCOME].to_numpy(), counted_once[ROWS].to_numpy()
    sha256 = hashlib.sha256(counted_once.to_csv(index=False).encode()).hexdigest()
    return Split(X, y, weights.astype(np.float64), None, sha256)


def checked(table: pd.DataFrame, schema: Schema, counted: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Check a table against its schema; return its features, named as the schema names them, and its outcomes.

    Raises
    ------
    ValueError
        If a column is missing or a value breaks the schema.
    """
    for field in (*schema.fields, schema.target):
        if field.column not in table:
            raise ValueError(f"the table has no column {field.column}")
    table = table.copy()
    for field in (*schema.fields, schema.target):
        table[field.column] = read_column(table[field.column], field)
        check(table, field, counted)
    for field in schema.fields:
        if not field.categories:
            table[field.column] = as_numbers(table[field.column], field)
    X = table[[field.column for field in schema.fields]].set_axis(list(schema.by_name), axis=1)
    outcome = table[schema.target.column]
    if schema.task == NUMBER:
        return X, outcome.to_numpy(dtype=np.float64)
    return X, outcome.map({label: place for place, label in enumerate(schema.classes)}).to_numpy(dtype=np.int64)


def with_seen(schema: Schema, *splits: Split) -> Schema:
    """Return the schema with ranges that hold all rows: a sample that has grown may reach further than it did.

    Raises
    ------
    ValueError
        If a whole number has too many values then, each of which would have points.
    """
    numbers = [field for field in schema.fields if field.observed]
    seen = {}
    for field in numbers:
        columns = [split.X[field.name] for split in splits]
        low, high = min(each.min() for each in columns), max(each.max() for each in columns)
        if any(map(field.is_outside, (low, high))):
            seen[field.column] = PYTHON_TYPE[field.type](low), PYTHON_TYPE[field.type](high)
    if not seen:
        return schema
    wider = Schema(widened(schema.package, seen))
    for field in wider.fields:
        if field.column in seen and len(field.values) > MOST_WHOLE:
            low, high = field.bounds
            raise ValueError(
                f"{field.column} now goes from {low} to {high}, and an integer has at most {MOST_WHOLE:,} values; "
                "make it a number in the data package, or mend the row"
            )
    return wider


def read_column(column: pd.Series, field: Field) -> pd.Series:
    """Return a column as the field's values; what is none stays as it was written, to be refused."""
    meant: pd.Series = column.map({value: meaning_of(field, value) for value in column.unique()}).astype(object)
    return meant


def check(table: pd.DataFrame, field: Field, counted: bool) -> None:
    """Check one column against its field; counted rows have no row number to report.

    Raises
    ------
    ValueError
        If it holds an unknown value.
    """
    column = table[field.column]
    known = column.isin([value for value in column.unique() if field.holds(value)])
    if not known.all():
        row = int((~known).to_numpy().argmax())
        where = f"in {table['rows'][row]:,} rows" if counted else f"row {row + 1}"
        raise ValueError(f"{where}: {column.iloc[row]!r} is not a known {field.column}")


def as_numbers(column: pd.Series, field: Field) -> pd.Series:
    """Return a column as numbers, NaN where a value is not known."""
    if field.has_gaps:
        return column.where(column != NOT_KNOWN, np.nan).astype("float64")
    numbers: pd.Series = column.astype(np.dtype(NUMPY_TYPE[field.type]))
    return numbers


def as_records(schema: Schema, X: pd.DataFrame) -> list[Record]:
    """Return rows as records, with Python's numbers and "?" for gaps."""
    rows: list[Any] = X.to_dict("records")
    return [{field.name: value_of(field, row[field.name]) for field in schema.fields} for row in rows]


def value_of(field: Field, value: Any) -> Value:
    """Return a value of a table as a record holds it."""
    if field.has_gaps:
        return NOT_KNOWN if np.isnan(value) else PYTHON_TYPE[field.type](value)
    held: Value = plain(value)
    return held
