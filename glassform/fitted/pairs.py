"""The points of two fields together: a table with a cell for each of their levels or ranges."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

from glassform.records.field import NOT_KNOWN, Record, Value

AND = ":"  # between the names of two fields; no field has it in its name
MOST_KEPT = 10_000  # values, or pairs of values, whose points are remembered, of one field or pair
MOST_FIRST, MOST_BESIDE = 1_000, 100  # values of the first field of a pair, and of the second beside each

Term = TypeVar("Term")


@dataclass(frozen=True)
class Side:
    """The cells of one field in a pair: a level each of a category, a range each of a number.

    A number lies in the cell `bisect_right(edges, number)`. A gap, if there can be one, has the last cell.
    """

    feature: str
    levels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    has_gaps: bool = False

    @property
    def number(self) -> int:
        """How many cells there are."""
        return len(self.levels) if self.levels else len(self.edges) + 1 + self.has_gaps

    @cached_property
    def by_level(self) -> dict[Value, int]:
        """The cell of each level, and of a gap."""
        last = (NOT_KNOWN,) if self.has_gaps and not self.levels else ()
        numbered: dict[Value, int] = {level: cell for cell, level in enumerate(self.levels)}
        return numbered | dict.fromkeys(last, self.number - 1)

    def cell(self, value: Any) -> int:
        """Return the cell of a value.

        Raises
        ------
        KeyError
            If the field has no such value.
        """
        return self.by_level[value] if isinstance(value, str) else bisect_right(self.edges, value)

    @property
    def ranges(self) -> list[tuple[float | None, float | None]]:
        """From where on each range of a number goes, and below what; None where it has no end."""
        return list(zip((None, *self.edges), (*self.edges, None), strict=True))


@dataclass(frozen=True)
class Pair:
    """The points of two fields together, beside those of each alone, by the cell of the first and of the second.

    The average over the training rows of each row and each column is 0, so a field's own points keep their meaning.
    """

    first: Side
    second: Side
    log_odds: tuple[tuple[float, ...], ...]

    @property
    def features(self) -> tuple[str, str]:
        """The two fields."""
        return self.first.feature, self.second.feature

    @property
    def sides(self) -> tuple[Side, Side]:
        """The cells of both fields."""
        return self.first, self.second

    @property
    def size(self) -> int:
        """How many cells it has."""
        return self.first.number * self.second.number

    @property
    def name(self) -> str:
        """What answers call it."""
        return AND.join(self.features)

    def place(self, first: Value, second: Value) -> int:
        """Return the number of a cell, counted row by row."""
        return self.first.cell(first) * self.second.number + self.second.cell(second)

    def place_from(self, start: int, first: Value, second: Value) -> int:
        """Return the number of a cell, the first one being `start`."""
        return start + self.place(first, second)

    def at(self, first: Value, second: Value) -> float:
        """Return the points of two values.

        Raises
        ------
        KeyError
            If a field has no such value.
        """
        return self.log_odds[self.first.cell(first)][self.second.cell(second)]

    def of(self, record: Record) -> float:
        """Return the points of a record."""
        first, second = self.features
        return self.at(record[first], record[second])

    def named(self, first: Value, second: Value) -> dict[str, Any]:
        """Return how an answer names the two values."""
        return {"feature": self.name, "features": [*self.features], "value": [first, second]}


class Remembered(dict[tuple[Value, Value], Term]):
    """Terms of two values, each found once; of very many, the first are remembered."""

    def __init__(self, find: Callable[[Value, Value], Term]) -> None:
        self.find = find
        super().__init__()

    def __missing__(self, values: tuple[Value, Value]) -> Term:
        """Find a term that is not remembered."""
        term: Term = self.find(*values)
        if len(self) < MOST_KEPT:
            self[values] = term
        return term


class Heights(dict[Value, float]):
    """The points of one feature by value, each found once; of very many, the first are remembered."""

    def __init__(self, find: Callable[[Any], float], most: int = MOST_KEPT) -> None:
        self.find, self.most = find, most
        super().__init__()

    def __missing__(self, value: Value) -> float:
        """Find the points of a value that is not remembered."""
        found = self.find(value)
        if len(self) < self.most:
            self[value] = found
        return found


class HeightsOfTwo(dict[Value, Heights]):
    """The points of a pair by the value of the first feature and that of the second."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        super().__init__()

    def __missing__(self, value: Value) -> Heights:
        """Make the points beside one value of the first feature."""
        found = Heights(partial(self.pair.at, value), MOST_BESIDE)
        if len(self) < MOST_FIRST:
            self[value] = found
        return found


def pairs_of(written: Mapping[str, Any]) -> dict[str, Pair]:
    """Return pairs as a file holds them; older files hold none."""
    return {
        name: Pair(side_of(given["first"]), side_of(given["second"]), tuple(tuple(row) for row in given["log_odds"]))
        for name, given in written.items()
    }


def side_of(given: Mapping[str, Any]) -> Side:
    """Return the cells of one field as a file holds them."""
    return Side(given["feature"], tuple(given["levels"]), tuple(given["edges"]), given["has_gaps"])
