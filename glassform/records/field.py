"""A field of a record, as the data package describes it."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import lazy_gettext

from glassform.languages import gettext

Value = str | int | float
Record = dict[str, Value]
NOT_KNOWN = "?"  # marks a missing number
OWN = "glassform"  # the key of our own properties in a data package
DEFAULT_WINDOW = 0.05  # of a number's range
PYTHON_TYPE: dict[str, type[int] | type[float]] = {"integer": int, "number": float}
PLAIN_DIGITS = {
    "integer": re.compile(r"-?[0-9]+"),
    "number": re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"),
}
MISSING = ("",)  # texts for a missing value, unless a Table Schema names others
DATE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ].*)?")
TRUE_AND_FALSE = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("1", "0"))
KINDS = {
    "integer": lazy_gettext("a whole number"),
    "number": lazy_gettext("a number"),
    "string": lazy_gettext("text"),
}


@dataclass(frozen=True)
class Field:
    """One feature as the data package describes it; `column` is its header in the table."""

    name: str
    column: str
    type: str
    title: str
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    categories: dict[str, str]
    aliases: tuple[str, ...]
    ordered: bool  # whether the order of its categories means something
    locked: bool  # whether the search for changes keeps it, unless asked otherwise
    direction: str  # "up" or "down" if it can change only that way, else ""
    window: float  # the largest distance of numbers that count as alike
    has_gaps: bool  # whether a number can be missing, written ?
    missing: frozenset[str]  # texts for a missing value, where one can be missing
    is_year: bool  # whether dates count as their years
    decimal_sign: str = "."  # of its numbers, as the table writes them
    group_sign: str = ""  # between their thousands

    @classmethod
    def from_descriptor(cls, descriptor: dict[str, Any], missing: Iterable[str] = MISSING) -> "Field":
        """Read a Table Schema field and the schema's `missingValues`; categories keep the order of its `enum`."""
        constraints, own = descriptor.get("constraints", {}), descriptor.get(OWN, {})
        minimum, maximum = constraints.get("minimum"), constraints.get("maximum")
        titles = own.get("titles", {})
        return cls(
            name=identifier(descriptor["name"]),
            column=descriptor["name"],
            type=descriptor["type"],
            title=descriptor.get("title", descriptor["name"]),
            description=descriptor.get("description", ""),
            unit=own.get("unit", ""),
            minimum=minimum,
            maximum=maximum,
            categories={value: titles.get(value, value) for value in constraints.get("enum", [])},
            aliases=tuple(own.get("aliases", [])),
            ordered=own.get("ordered", False),
            locked=own.get("locked", False),
            direction=own.get("direction", ""),
            window=own.get("window", DEFAULT_WINDOW * ((maximum or 0) - (minimum or 0))),
            has_gaps=own.get("gaps", False) and "enum" not in constraints,
            missing=frozenset(missing if own.get("gaps", False) or NOT_KNOWN in constraints.get("enum", []) else ()),
            is_year=own.get("years", False),
            decimal_sign=own.get("decimal_sign", "."),
            group_sign=own.get("group_sign", ""),
        )

    @property
    def kind(self) -> str:
        """What its values are, in words."""
        return str(KINDS.get(self.type, KINDS["string"]))

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        if self.categories:
            return gettext("one of %(count)s known values", count=len(self.categories))
        ends = {"minimum": self.minimum, "maximum": self.maximum}
        if self.has_gaps:
            return gettext(
                "%(kind)s from %(minimum)s to %(maximum)s, or ? if it is not known", kind=self.kind, **ends
            )
        return gettext("%(kind)s from %(minimum)s to %(maximum)s", kind=self.kind, **ends)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every way to write a category, its title included, with the category."""
        return {title: value for value, title in self.categories.items()} | {
            value: value for value in self.categories
        }

    @cached_property
    def composed(self) -> dict[str, str]:
        """Its categories by how they are written, with letters and their accents in one."""
        return {unicodedata.normalize("NFC", value.strip()): value for value in reversed(self.categories)}

    @cached_property
    def truths(self) -> dict[bool | str, str]:
        """What its yes and its no are written as, in small letters or as booleans, if it has just the two."""
        known = {value.casefold(): value for value in self.categories if value != NOT_KNOWN}
        for yes, no in TRUE_AND_FALSE:
            if {yes, no} == known.keys():
                words: dict[bool | str, str] = {True: known[yes], False: known[no]}
                return words | {"true": known[yes], "false": known[no]} | known
        return {}

    @cached_property
    def by_number(self) -> dict[float, str]:
        """Its categories that write numbers, by number; a code such as 007 is none."""
        found: dict[float, str] = {}
        for category in self.categories:
            with suppress(ValueError):
                number = json.loads(category)
                if isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < math.inf:
                    found.setdefault(number, category)
        return found

    @cached_property
    def values(self) -> list[Value]:
        """All its values in order; empty for real numbers."""
        if self.categories:
            return list(self.categories)
        if self.type != "integer":
            return []
        low, high = self.bounds
        return list(range(int(low), int(high) + 1))

    @property
    def bounds(self) -> tuple[float, float]:
        """Its minimum and its maximum.

        Raises
        ------
        ValueError
            If the data package leaves one of them open; a form and a table of points need both.
        """
        if self.minimum is None or self.maximum is None:
            raise ValueError(f"the data package gives {self.column} no minimum or no maximum")
        return self.minimum, self.maximum

    def title_of(self, value: Value) -> str:
        """Return a value as people read it: a category's title, a number as it is."""
        if self.has_gaps and value == NOT_KNOWN:
            return gettext("not known")
        return self.categories.get(str(value), str(value))

    def place(self, value: Value) -> float:
        """Return a value's position from 0, the first, to 1, the last."""
        if self.categories:
            return self.values.index(value) / max(len(self.values) - 1, 1)
        low, high = self.bounds
        return (float(value) - low) / (high - low or 1)

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one the field may have."""
        if self.categories:
            return value in self.categories
        if value == NOT_KNOWN:
            return self.has_gaps
        low, high = self.bounds
        return isinstance(value, int if self.type == "integer" else (int, float)) and low <= value <= high

    def distance(self, old: Value, new: Value) -> float:
        """Return the distance of two values: 0 to 1 for numbers and ordered categories, 1 for others."""
        if (self.categories and not self.ordered) or (self.has_gaps and NOT_KNOWN in (old, new)):
            return float(old != new)
        return abs(self.place(new) - self.place(old))

    def can_become(self, old: Value, new: Value) -> bool:
        """Tell whether the field's direction allows the change; a known value stays known."""
        if self.has_gaps and NOT_KNOWN in (old, new):
            return not self.direction and new != NOT_KNOWN
        return not self.direction or (self.place(new) > self.place(old)) == (self.direction == "up")


def identifier(column: str) -> str:
    """Return a column's header as a name for query strings, JSON and Python."""
    return re.sub(r"\W+", "_", column).strip("_").lower()
