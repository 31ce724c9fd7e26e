"""Ranges that were only seen: older descriptions state them as rules."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from glassform.records.field import OWN, PYTHON_TYPE

# What `--add` writes of every table, until somebody describes it. Older ones stated what they saw as constraints.
INFERRED = {
    "description": re.compile(
        r"A table (of [0-9,]+ rows, described by what was found in it|with [0-9,]+ rows\. The model predicts .*)\."
    ),
    "note": re.compile(
        r"The model (.* [0-9,]+ rows of a table that nobody has described yet"
        r"|was trained on four in five of the [0-9,]+ rows of this table .*)\."
    ),
}
ENDS = ("minimum", "maximum")


def with_observed(package: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a data package in which no constraint is just what an older `--add` saw in its sample.

    Such a constraint equals the smallest or the largest number in the package's own files, which lie in `folder`. One
    that differs was changed on purpose and stays, as do all in a package that somebody wrote or described.
    """
    if not is_inferred(package):
        return package
    first, *others = package["resources"]
    fields = first["schema"]["fields"]
    old = [field for field in fields if is_old(field)]
    if not old:
        return package
    seen = ranges([folder / each["path"] for each in (first, *others)], [field["name"] for field in old])
    new = {field["name"]: as_seen(field, seen.get(field["name"])) for field in old}
    schema = first["schema"] | {"fields": [new.get(field["name"], field) for field in fields]}
    return package | {"resources": [first | {"schema": schema}, *others]}


def is_inferred(package: dict[str, Any]) -> bool:
    """Tell whether a package still has a sentence that `--add` wrote."""
    words = {"description": package.get("description", ""), "note": package[OWN].get("note", "")}
    return any(INFERRED[name].fullmatch(text) for name, text in words.items())


def is_old(field: dict[str, Any]) -> bool:
    """Tell whether a field is a number with constraints and nothing about what was seen."""
    return field["type"] in PYTHON_TYPE and "observed" not in field.get(OWN, {}) and bool(stated(field))


def stated(field: dict[str, Any]) -> dict[str, float]:
    """Return the ends of a field's range that its constraints state."""
    constraints = field.get("constraints", {})
    return {end: constraints[end] for end in ENDS if constraints.get(end) is not None}


def as_seen(field: dict[str, Any], seen: tuple[float, float] | None) -> dict[str, Any]:
    """Return a field with what was seen under our own key, and only the rest as constraints.

    Without files, its constraints are taken for what was seen.
    """
    ends = stated(field)
    as_type = PYTHON_TYPE[field["type"]]
    found = {end: as_type(number) for end, number in zip(ENDS, seen, strict=True)} if seen else ends
    same = {end: value for end, value in ends.items() if value == found[end]} if len(found) == len(ENDS) else {}
    if not same:
        return field
    constraints = {name: value for name, value in field["constraints"].items() if name not in same}
    return field | {"constraints": constraints, OWN: field.get(OWN, {}) | {"observed": found | same}}


def widened(package: dict[str, Any], seen: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return a data package whose observed ranges hold what was seen since, by column."""
    first, *others = package["resources"]
    fields = [wider(field, seen.get(field["name"])) for field in first["schema"]["fields"]]
    return package | {"resources": [first | {"schema": first["schema"] | {"fields": fields}}, *others]}


def wider(field: dict[str, Any], seen: tuple[float, float] | None) -> dict[str, Any]:
    """Return a field whose observed range, if it has one, holds what was seen."""
    old = field.get(OWN, {}).get("observed")
    if old is None or seen is None:
        return field
    new = {"minimum": min(old["minimum"], seen[0]), "maximum": max(old["maximum"], seen[1])}
    return field | {OWN: field[OWN] | {"observed": new}}


def ranges(paths: Sequence[Path], columns: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest number of columns in some CSV files; nothing, if there are none."""
    found: dict[str, tuple[float, float]] = {}
    for path in paths:
        if path.exists():
            for name, number in numbers(path, columns):
                low, high = found.get(name, (number, number))
                found[name] = min(low, number), max(high, number)
    return found


def numbers(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Return every number of some columns of a CSV file as `--add` writes it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        places = [(name, header.index(name)) for name in columns if name in header]
        for row in rows:
            for name, place in places:
                with suppress(ValueError, IndexError):  # a missing value is no number
                    yield name, float(row[place])
