"""A data package inferred from a table."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

import pandas as pd

from glassform.describing.columns import (
    LARGEST,
    Column,
    Reading,
    Undescribable,
    infer,
    is_one_year,
    joined,
    natural,
    outlier_in,
    readings_of,
)
from glassform.describing.leakage import COPY, TELLS, is_copy, tells
from glassform.describing.positive import positive_of
from glassform.describing.wording import worded
from glassform.records.field import NOT_KNOWN, OWN
from glassform.records.names import identifier, names_taken
from glassform.records.schema import BINARY, CLASSES, NUMBER

MOST_CLASSES = 20  # of a target
FEWEST_OF_A_CLASS = 5  # rows, as many as the parts of the cross-validation
DEFAULTS = {BINARY: "logistic", CLASSES: "logistic", NUMBER: "linear"}  # estimators
WIDE, MOST_WHOLE_VALUES = 300, 1_500  # most values of one whole number, and of all, that get their own points


def describe(
    table: pd.DataFrame,
    target: str,
    name: str,
    estimator: str | None = None,
    positive: str | None = None,
    decimal_comma: bool = False,
    noun: str = "",
) -> tuple[dict[str, Any], list[Column]]:
    """Return a data package for a table, without file details, and its inferred columns.

    Rows without a target are left out. `positive` is the class to call so; by default the one that means it.
    `noun` is the word for a row, and after a slash for several, as in `mouse/mice`.

    Raises
    ------
    Undescribable
        If the target is missing or useless, or no other column can be used.
    """
    if target not in table:
        raise Undescribable(f"there is no column {target}; there are {', '.join(table.columns)}")
    refuse_repeated(table.columns)
    known = table[table[target] != NOT_KNOWN]
    target_column, task, own = outcome_of(known[target], estimator, positive, decimal_comma)
    taken = names_taken(target_column.constraints.get("enum", []))
    columns = [
        leaking(infer(known[column], decimal_comma), known[column], known[target], taken, task)
        for column in known
        if column != target
    ]
    columns = [*narrowed(columns)]
    used = [column for column in columns if not column.left_out]
    if not used:
        raise Undescribable(
            "no column is left to learn from: " + "; ".join(f"{c.name}: {c.left_out}" for c in columns)
        )
    package = package_of(name, used, target_column, task, len(known), own, estimator, noun)
    note = joined("the target", target_column.note)
    return package, [*columns, replace(target_column, note=note, missing=len(table) - len(known))]


def package_of(
    name: str,
    used: Sequence[Column],
    target: Column,
    task: str,
    rows: int,
    own: dict[str, Any],
    estimator: str | None = None,
    noun: str = "",
) -> dict[str, Any]:
    """Return the data package of some columns and their target, without file details.

    `own` holds what the kind of target needs under our key; `noun` is the word for a row.
    """
    about = {"rows": rows, "columns": len(used), "target": target.name.replace("_", " ").strip()}
    public, words = worded(task, noun, **about, positive=own.get("positive", ""))
    return {
        "profile": "data-package",
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        **public,
        "sources": [],
        "licenses": [],
        OWN: {
            **words,
            "target": target.name,
            **own,
            "features": [column.name for column in used],
            "estimator": estimator or DEFAULTS[task],
            "train": name,
            "test": f"{name}_test",
        },
        "resources": [{"name": name, "schema": {"fields": [each.described for each in (*used, target)]}}],
    }


def refuse_repeated(columns: Iterable[str]) -> None:
    """Refuse columns whose names would become one.

    Raises
    ------
    Undescribable
        If there are any.
    """
    called: dict[str, str] = {}
    for column in map(str, columns):
        name = identifier(column)
        if name in called:
            raise Undescribable(f"{called[name]!r} and {column!r} would be called {name}; rename one of them")
        called[name] = column


def narrowed(columns: Sequence[Column]) -> Iterator[Column]:
    """Treat whole numbers over a wide range as real ones, so that not every value gets its own points."""
    values = {
        each.name: each.constraints["maximum"] - each.constraints["minimum"]
        for each in columns
        if each.type == "integer" and not each.left_out
    }
    widest = WIDE if sum(value for value in values.values() if value <= WIDE) <= MOST_WHOLE_VALUES else 0
    for each in columns:
        wide = values.get(each.name, 0) > widest and values.get(each.name, 0) > 1
        yield replace(each, type="number") if wide else each


def outcome_of(
    values: pd.Series, estimator: str | None, positive: str | None = None, decimal_comma: bool = False
) -> tuple[Column, str, dict[str, Any]]:
    """Return an inferred target: its column, its kind, and the package's words for it.

    Raises
    ------
    Undescribable
        If nothing can be learned of it, or `positive` is none of its two classes.
    """
    target, counts = str(values.name), values.value_counts()
    readings = readings_of(values, decimal_comma)
    if len(counts) < 2:
        raise Undescribable(f"all values of the target {target} are {'the same' if len(counts) else 'missing'}")
    if is_one_year(readings):
        year = readings[0].numbers.iloc[0]
        raise Undescribable(f"all dates of the target {target} are in the year {year}; only years are used")
    # few distinct numbers may be classes or numbers: the estimator decides
    is_number = len(readings) == 1
    if is_number and (len(counts) > MOST_CLASSES or estimator == "linear"):
        return number_to_predict(target, readings[0], positive)
    if len(counts) > MOST_CLASSES:
        raise Undescribable(
            f"the target {target} has {len(counts):,} different texts; at most {MOST_CLASSES} classes are possible"
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        raise Undescribable(
            f"the target {target} is {counts.index[-1]} in {counts.min()} rows; each class needs {FEWEST_OF_A_CLASS}"
            + ("; if it is a number, say --estimator linear" if is_number else "")
        )
    classes = Column(target, "string", {"enum": sorted(counts.index, key=natural)}, 0)
    if len(counts) > 2:
        refuse_positive(positive, f"{target} has the classes {', '.join(classes.constraints['enum'])}")
        return classes, CLASSES, {}
    chosen, reason = positive_of(target, list(counts.index), positive)
    other = next(each for each in counts.index if each != chosen)
    note = f"{chosen} is the positive class, {reason}" + ("" if positive else f" (or say --positive {other!r})")
    return replace(classes, note=note), BINARY, {"positive": chosen}


def number_to_predict(target: str, reading: Reading, positive: str | None) -> tuple[Column, str, dict[str, Any]]:
    """Return what a target that is a number needs: its column, its kind, and the package's words for it.

    Raises
    ------
    Undescribable
        If its numbers are all the same, or too large.
    """
    low, high = reading.bounds.values()
    refuse_positive(positive, f"{target} is a number")
    if low == high:
        raise Undescribable(f"all values of the target {target} are the same")
    if max(abs(low), abs(high)) > LARGEST:
        raise Undescribable(f"the target {target} has numbers beyond {LARGEST:g}")
    return replace(reading.column(target), note=outlier_in(reading.numbers)), NUMBER, {}


def refuse_positive(positive: str | None, what_it_is: str) -> None:
    """Refuse a positive class where there is none.

    Raises
    ------
    Undescribable
        If one is given.
    """
    if positive is not None:
        raise Undescribable(f"--positive {positive} is for a target of two classes; {what_it_is}")


def leaking(column: Column, texts: pd.Series, target: pd.Series, taken: Set[str], task: str) -> Column:
    """Leave a column out if its name is reserved or it is a copy of the target; point out one that may be."""
    if column.left_out:
        return column
    if identifier(column.name) in taken:
        return replace(column, left_out="its name means something else in addresses and answers; rename it", note="")
    if is_copy(texts, target):
        return replace(column, left_out=COPY, note="")
    return replace(column, note=joined(column.note, TELLS)) if tells(texts, target, task) else column
