"""Siblings: the same recipe without some fields. They read the whole record and use the rest of it."""

from collections.abc import Iterable
from typing import Any

from glassform.records.field import OWN
from glassform.records.messages import did_you_mean
from glassform.records.names import Names, identifier

WITHOUT = "without"  # under our key in the package of a sibling: the fields that it does not use


def narrowed(package: dict[str, Any]) -> dict[str, Any]:
    """Return a sibling's data package as if it had no other fields than those it uses."""
    own = dict(package[OWN])
    unused = {*own.pop(WITHOUT, [])}
    own |= {name: [each for each in own.get(name, []) if each not in unused] for name in ("features", "groups")}
    spelled = {*map(identifier, unused)}
    if "shape" in own:
        own["shape"] = {column: rule for column, rule in own["shape"].items() if identifier(column) not in spelled}
    if "pairs" in own:
        own["pairs"] = {
            how: several and [pair for pair in several if spelled.isdisjoint(map(identifier, pair))]
            for how, several in own["pairs"].items()
        }
    return package | {OWN: own}


def sibling_package(package: dict[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """Return the data package of a sibling: it holds the fields that are not used, in the order of the features."""
    unused = {*columns}
    features = package[OWN]["features"]
    return package | {OWN: package[OWN] | {WITHOUT: [each for each in features if each in unused]}}


def columns_named(given: Iterable[str], names: Names, columns: dict[str, str]) -> list[str]:
    """Return the columns that some names mean; `columns` holds the column of each field.

    Raises
    ------
    ValueError
        If a name is no field, or no field would be left.
    """
    found = dict[str, None]()
    for name in given:
        field = names.get(name)
        if field is None:
            raise ValueError(f"--without: {name!r} is no field{did_you_mean(name, names)}")
        found[columns[field]] = None
    if not found:
        raise ValueError("--without: no field is named")
    if len(found) == len(columns):
        raise ValueError("--without: no field would be left to learn from")
    return [*found]
