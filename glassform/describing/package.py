"""A data package inferred from a table."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

import pandas as pd

from glassform.describing.columns import MOST_CATEGORIES, Column, Undescribable, infer, natural, numbers_of
from glassform.records.field import NOT_KNOWN, OWN, identifier
from glassform.records.schema import BINARY, CLASSES, NUMBER

MOST_CLASSES = 20  # of a target
FEWEST_OF_A_CLASS = 5  # rows, as many as the parts of the cross-validation
DEFAULTS = {BINARY: "logistic", CLASSES: "logistic", NUMBER: "linear"}  # estimators
# Names with another meaning in addresses, pages or answers.
TAKEN = {
    "format",
    "lang",
    "model",
    "target",
    "lock",
    "method",
    "csrf_token",
    "endpoint",
    "suffix",
    "main",
    "error",
    "row",
    "value",
    "label",
    "points",
    "prediction",
    "probability",
    "log_odds",
    "intercept",
    "warnings",
}
WIDE, MOST_WHOLE_VALUES = 300, 1_500  # most values of one whole number, and of all, that get their own points
YES = ("1", "true", "yes", "y", "t")  # names of a positive class


def describe(
    table: pd.DataFrame, target: str, name: str, estimator: str | None = None, decimal_comma: bool = False
) -> tuple[dict[str, Any], list[Column]]:
    """Return a data package for a table, without file details, and its inferred columns.

    Rows without a target are left out.

    Raises
    ------
    Undescribable
        If the target is missing or useless, or no other column can be used.
    """
    if target not in table:
        raise Undescribable(f"there is no column {target}; there are {', '.join(table.columns)}")
    names = Counter(map(identifier, map(str, table.columns)))
    if repeated := [name for name, count in names.items() if count > 1 or not name]:
        raise Undescribable(f"several columns would be called {repeated[0] or 'nothing'}; rename them")
    known = table[table[target] != NOT_KNOWN]
    target_column, task, own = outcome_of(known[target], estimator, decimal_comma)
    taken = TAKEN | {identifier(f"probability {label}") for label in target_column.constraints.get("enum", [])}
    columns = [
        leaking(infer(known[column], decimal_comma), known[column], known[target], taken)
        for column in known
        if column != target
    ]
    columns = [*narrowed(columns)]
    used = [column for column in columns if not column.left_out]
    if not used:
        raise Undescribable(
            "no column is left to learn from: " + "; ".join(f"{c.name}: {c.left_out}" for c in columns)
        )
    package = {
        "profile": "data-package",
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "description": f"A table of {len(known):,} rows, described by what was found in it.",
        "sources": [],
        "licenses": [],
        OWN: {
            "note": f"The model learned from most of {len(known):,} rows of a table that nobody has described yet.",
            "target": target,
            **own,
            "features": [column.name for column in used],
            "estimator": estimator or DEFAULTS[task],
            "train": name,
            "test": f"{name}_test",
        },
        "resources": [{"name": name, "schema": {"fields": [each.described for each in (*used, target_column)]}}],
    }
    return package, [*columns, replace(target_column, note="the target", missing=len(table) - len(known))]


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
    values: pd.Series, estimator: str | None, decimal_comma: bool = False
) -> tuple[Column, str, dict[str, Any]]:
    """Return an inferred target: its column, its kind, and the package's words for it.

    Raises
    ------
    Undescribable
        If all its values are the same, or it has too many classes.
    """
    target, counts = str(values.name), values.value_counts()
    if len(counts) < 2:
        raise Undescribable(f"all values of the target {target} are the same")
    # few distinct numbers may be classes or numbers: the estimator decides
    if len(counts) > MOST_CLASSES or estimator == "linear":
        inferred = infer(values, decimal_comma)
        if inferred.constraints.keys() >= {"minimum"}:
            words = {"question": f"What is {target}?", "outcome": target}
            return replace(inferred, left_out="", note=""), NUMBER, words
    if len(counts) > MOST_CLASSES:
        raise Undescribable(
            f"the target {target} has {len(counts):,} different texts; at most {MOST_CLASSES} classes are possible"
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        raise Undescribable(
            f"the target {target} is {counts.index[-1]} in {counts.min()} rows; each class needs {FEWEST_OF_A_CLASS}"
            + ("; if it is a number, say --estimator linear" if numbers_of(values, decimal_comma) is not None else "")
        )
    classes = Column(target, "string", {"enum": sorted(counts.index, key=natural)}, 0)
    if len(counts) > 2:
        return classes, CLASSES, {"question": f"Which {target}?", "outcome": target}
    positive = next((value for value in counts.index if value.lower() in YES), counts.index[-1])
    words = {"question": f"Is {target} {positive}?", "positive": positive, "outcome": f"has {target} = {positive}"}
    return classes, BINARY, words


def leaking(column: Column, texts: pd.Series, target: pd.Series, taken: Set[str]) -> Column:
    """Leave a column out if its name is reserved, or if it determines the target, as a copy does."""
    if identifier(column.name) in taken and not column.left_out:
        reason = "its name means something else in addresses and answers; rename it"
        return Column(column.name, column.type, column.constraints, column.missing, reason)
    several = texts.nunique() <= min(MOST_CATEGORIES, len(texts) / 5) and not column.left_out
    if several and (target.groupby(texts.to_numpy()).nunique() == 1).all():
        reason = "each of its values goes with one outcome: a copy of the target?"
        return Column(column.name, column.type, column.constraints, column.missing, reason)
    return column
