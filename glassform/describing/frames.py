"""A data frame in memory, described and read as a file is; every column that can say something is used."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from glassform.describing.columns import (
    LARGEST,
    MOST_DIGITS,
    Column,
    Reading,
    Undescribable,
    categorical,
    infer,
    title_of,
)
from glassform.describing.package import narrowed, package_of
from glassform.records.field import NOT_KNOWN, Field
from glassform.records.names import identifier
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.records.values import meaning_of

TARGET = "target"
UNKNOWN_TEXTS = ("", NOT_KNOWN)  # which stand for a missing value; a program has its own signs for the others


def from_arrow(table: Any) -> Any:
    """Return a table of another library, such as polars or pyarrow, as a frame; anything else as it is.

    Raises
    ------
    TypeError
        If it is a single column.
    """
    if isinstance(table, pd.DataFrame | pd.Series) or not hasattr(table, "__arrow_c_stream__"):
        return table
    try:
        frame: pd.DataFrame = pd.DataFrame.from_arrow(table)  # type: ignore[attr-defined]  # newer than the stubs
    except ValueError as error:
        raise TypeError(f"a {type(table).__name__} is no data frame: {error}") from error
    return frame


def describe_frame(
    frame: pd.DataFrame,
    names: Sequence[str],
    name: str,
    target: Hashable,
    classes: Sequence[str],
    own: dict[str, Any],
) -> tuple[dict[str, Any], list[Column]]:
    """Return the data package of a frame, and what each of its columns holds.

    Parameters
    ----------
    names
        What the fields are called, one a column.
    name, target
        What the model and its target are called.
    classes
        The labels of the target, the positive one of two last; none if it is a number.
    own
        What is asked of the model under our key, such as its pairs.

    Raises
    ------
    Undescribable
        If no column can be used.
    """
    columns = [*narrowed([column_of(frame.iloc[:, place], each) for place, each in enumerate(names)])]
    used = [each for each in columns if not each.left_out]
    if not used:
        reasons = "; ".join(f"{frame.columns[place]}: {each.left_out}" for place, each in enumerate(columns))
        raise Undescribable(f"no column is left to learn from: {reasons}")
    outcome = Column(
        free_name(identifier(str(target)) or TARGET, names),
        "string" if classes else "number",
        {"enum": [*classes]} if classes else {"minimum": 0.0, "maximum": 0.0},
        0,
    )
    task = (BINARY if len(classes) == 2 else CLASSES) if classes else NUMBER
    positive = {"positive": classes[-1]} if task == BINARY else {}
    package = package_of(name, used, outcome, task, len(frame), own | positive)
    package["title"] = title_of(str(target)) or name
    titles = dict(zip(names, frame.columns, strict=True)) | {outcome.name: target}
    for field in package["resources"][0]["schema"]["fields"]:
        field["title"] = title_of(str(titles[field["name"]])) or field["name"]
    return package, columns


def field_names(columns: Iterable[Hashable]) -> list[str]:
    """Return a name for each column, as data packages have them; each another, whatever the columns are called."""
    names = list[str]()
    for column in columns:
        is_number = isinstance(column, int | np.integer)
        names.append(free_name(f"x{column}" if is_number else identifier(str(column)) or "x", names))
    return names


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name or, if it is taken, the first one with a number that is not."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def column_of(column: pd.Series, name: str) -> Column:
    """Return what a column holds; numbers stay numbers, however few they are, and categories categories.

    Plain text is read as that of a file: as numbers or dates, if all of it writes those, else as categories.
    """
    if not holds_numbers(column):
        texts = as_texts(column).rename(name)
        known = texts[texts != NOT_KNOWN]
        if isinstance(column.dtype, pd.CategoricalDtype) and known.nunique() > 1:
            return categorical(name, known, len(texts) - len(known))
        return infer(texts)
    numbers = to_numbers(column)
    known = numbers.dropna()
    if known.nunique() < 2:
        empty = Column(name, "number", {}, len(numbers) - len(known))
        return replace(empty, left_out="it is empty" if known.empty else "all its values are the same")
    if np.isinf(known).any() or known.abs().max() > LARGEST:
        raise Undescribable(f"{column.name} contains infinity or a number beyond {LARGEST:g}")
    whole = known.astype("int64") if (known % 1 == 0).all() and known.abs().max() < 10**MOST_DIGITS else known
    return Reading(whole).column(name, len(numbers) - len(known))


def holds_numbers(column: pd.Series) -> bool:
    """Tell whether a column holds numbers, and no booleans, texts or dates."""
    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    if column.dtype != object:
        return False
    known = column[column.notna()]
    return not known.empty and all(isinstance(each, Real) and not isinstance(each, bool | np.bool_) for each in known)


def to_numbers(column: pd.Series) -> pd.Series:
    """Return a column of numbers as floats, NaN where one is missing."""
    return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), dtype=float)


def as_texts(column: pd.Series) -> pd.Series:
    """Return a column as trimmed text, with one sign for all missing values."""
    texts = column.astype(object).map(lambda value: str(value).strip())
    return texts.mask(column.isna() | texts.isin(UNKNOWN_TEXTS), NOT_KNOWN).reset_index(drop=True).astype(object)


def read_frame(frame: pd.DataFrame, names: Sequence[str], schema: Schema) -> pd.DataFrame:
    """Return the fields of a frame, named as the schema names them: numbers as floats, categories as text.

    A category that the schema does not have stays as it is.

    Raises
    ------
    ValueError
        If a column of numbers holds something else, naming the column and the value.
    """
    places = {name: place for place, name in enumerate(names)}
    return pd.DataFrame({each.name: read_column(frame.iloc[:, places[each.column]], each) for each in schema.fields})


def read_column(column: pd.Series, field: Field) -> pd.Series:
    """Return a column as the field's values."""
    if not field.categories and holds_numbers(column):
        numbers = to_numbers(column)
        if np.isinf(numbers).any():
            raise ValueError(f"{column.name} contains infinity")
        return numbers
    texts = as_texts(column)
    meant = {text: meaning_of(field, text) for text in texts.unique()}
    if field.categories:
        return texts.map(meant).astype(object)
    for text, number in meant.items():
        if isinstance(number, str) and text != NOT_KNOWN:
            raise ValueError(f"{column.name}: {text!r} is not {field.kind}")
    return texts.map(lambda text: np.nan if text == NOT_KNOWN else meant[text]).astype(float)
