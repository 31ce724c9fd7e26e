"""Which field a name in a file, a query or an object means."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from glassform.files import without_apostrophe
from glassform.records.messages import FieldError, nearest, say, shown
from glassform.records.names import Names, identifier


class Named(Protocol):
    """What knows the names of its fields."""

    names: Names  # every spelling of a field's name, with the name
    alike: dict[str, str]  # what the spellings look like, with the names


def look_of(name: str) -> str:
    """Return what a name looks like: its letters and digits alone, in small letters."""
    return identifier(name).replace("_", "").casefold()


def looks(names: dict[str, str]) -> dict[str, str]:
    """Return what names look like, those left out that look like several fields."""
    meant: dict[str, set[str]] = {}
    for spelling, name in names.items():
        meant.setdefault(look_of(spelling), set()).add(name)
    return {look: found.pop() for look, found in meant.items() if look and len(found) == 1}


def fields_of(columns: Sequence[str], schema: Named) -> list[str]:
    """Return the field that each column means; nothing for a column of no field.

    A column that has a field's very name wins over those that only look like it.
    """
    exact = [schema.names.get(column) or schema.names.get(without_apostrophe(column), "") for column in columns]
    return [
        name or (alike if (alike := schema.alike.get(look_of(column), "")) not in exact else "")
        for name, column in zip(exact, columns, strict=True)
    ]


def header_errors(columns: Sequence[str], fields: Sequence[str], wanted: Iterable[str]) -> list[FieldError]:
    """Return what is wrong with a header: a field that two columns mean, or none does."""
    errors = [
        FieldError(name, shown(column), say("same_field", place=place + 1, first=fields.index(name) + 1))
        for place, (name, column) in enumerate(zip(fields, columns, strict=True))
        if name and name in fields[:place]
    ]
    others = {column: column for column, name in zip(columns, fields, strict=True) if column and not name}
    return errors + [FieldError(name, None, no_column(name, others)) for name in wanted if name not in fields]


def no_column(name: str, others: dict[str, str]) -> str:
    """Say that a field has no column, and which one of the others may be meant."""
    meant = nearest(name, others)
    return say("no_column") if meant is None else say("is_it", column=shown(meant))
