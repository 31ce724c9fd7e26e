"""A field of a record, as the data package describes it."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as member
from functools import cached_property
from typing import Any

from glassform.languages import gettext, lazy_gettext
from glassform.records.names import composed, identifier

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
MOST = {
    "integer": 2**63 - 1,
    "number": sys.float_info.max,
}  # what a value may be on either side of 0, if no rule says less
LATEST = 24 * 60 * 60 * 1000 - 1  # year; a larger number is a moment, in milliseconds
FAR = 10  # ranges of the values seen, beyond which a curve stays where it is
MISSING = ("",)  # texts for a missing value, unless a Table Schema names others
DATE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ].*)?")
TRUE_AND_FALSE = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("1", "0"))
KINDS = {
    "integer": lazy_gettext("a whole number"),
    "number": lazy_gettext("a number"),
    "string": lazy_gettext("text"),
}
FROM, TO = lazy_gettext("{kind} from {minimum} up"), lazy_gettext("{kind} up to {maximum}")  # with only one end


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
    observed: tuple[float, float] | None = None  # the smallest and the largest number that was seen; no rule
    reasons: Mapping[str, Any] = member(default_factory=dict)  # its code and sentences, where it is one

    @classmethod
    def from_descriptor(cls, descriptor: dict[str, Any], missing: Iterable[str] = MISSING) -> "Field":
        """Read a Table Schema field and the schema's `missingValues`; categories keep the order of its `enum`."""
        constraints, own = descriptor.get("constraints", {}), descriptor.get(OWN, {})
        minimum, maximum = constraints.get("minimum"), constraints.get("maximum")
        titles, observed = own.get("titles", {}), own.get("observed")
        seen = (observed["minimum"], observed["maximum"]) if observed else None
        low, high = (
            rule if rule is not None else end for rule, end in zip((minimum, maximum), seen or (0, 0), strict=True)
        )
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
            window=own.get("window", DEFAULT_WINDOW * (high - low)),
            has_gaps=own.get("gaps", False) and "enum" not in constraints,
            missing=frozenset(missing if own.get("gaps", False) or NOT_KNOWN in constraints.get("enum", []) else ()),
            is_year=own.get("years", False),
            decimal_sign=own.get("decimal_sign", "."),
            group_sign=own.get("group_sign", ""),
            observed=seen,
            reasons=own.get("reasons", {}),
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
        if None in ends.values():
            text = FROM if self.minimum is not None else TO if self.maximum is not None else "{kind}"
            number = str(text).format(kind=self.kind, **ends)
            return gettext("%(number)s, or ? if it is not known", number=number) if self.has_gaps else number
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
    def by_text(self) -> dict[str, str]:
        """Its categories by how they are written, with letters and their accents in one."""
        return {composed(value.strip()): value for value in reversed(self.categories)}

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
        """The range that drawings and tables show: its minimum and maximum or, without such a rule, what was seen.

        Raises
        ------
        ValueError
            If the data package leaves an end open; a form and a table of points need both.
        """
        seen = self.observed or (None, None)
        low, high = (
            end if rule is None else rule for rule, end in zip((self.minimum, self.maximum), seen, strict=True)
        )
        if low is None or high is None:
            raise ValueError(f"the data package gives {self.column} no minimum or no maximum")
        return low, high

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest number it may be: by rule or, without one, any that can be computed with."""
        most = LATEST if self.is_year else MOST.get(self.type, 0)
        return -most if self.minimum is None else self.minimum, most if self.maximum is None else self.maximum

    @cached_property
    def reach(self) -> tuple[float, float]:
        """How far its curve goes: to a rule's end or, without one, ten ranges past what was seen."""
        (low, high), (lowest, highest) = self.bounds, self.limits
        far = FAR * (high - low)
        return (
            max(low - far, lowest) if self.minimum is None else low,
            min(high + far, highest) if self.maximum is None else high,
        )

    def within_reach(self, value: Value) -> Value:
        """Return a number, or the end of the curve if it lies beyond; anything else as it is."""
        if isinstance(value, str):
            return value
        low, high = self.reach
        return min(max(value, low), high)

    def is_outside(self, value: Value) -> bool:
        """Tell whether a number is smaller or larger than any that was seen."""
        if self.observed is None or isinstance(value, str):
            return False
        low, high = self.observed
        return not low <= value <= high

    def title_of(self, value: Value) -> str:
        """Return a value as people read it: a category's title, a number without a decimal that is 0."""
        if self.has_gaps and value == NOT_KNOWN:
            return gettext("not known")
        text = str(value)
        return self.categories.get(text, text.removesuffix(".0") if isinstance(value, float) else text)

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
        low, high = self.limits
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
