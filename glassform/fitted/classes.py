"""The scorecard of a target with several classes: a table of points for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from functools import cached_property, partial
from typing import Any

from glassform.fitted.additive import Points, points_of, summed, without_doubles
from glassform.fitted.base import Fitted, Row
from glassform.fitted.pairs import Pair, Remembered, pairs_of
from glassform.fitted.target import Sums
from glassform.records.field import Record, Value


@dataclass(frozen=True)
class OneTable:
    """The table of points of one class."""

    intercept: float
    points: dict[str, Points]
    pairs: dict[str, Pair] = member(default_factory=dict)


@dataclass(frozen=True)
class ClassesScorecard(Fitted):
    """An additive model of several classes: a table of points for each, and the highest sum wins.

    A class's probability is e to its sum, divided by the total of that over all classes (softmax).
    """

    tables: dict[str, OneTable]

    kind = "classes"

    @cached_property
    def intercepts(self) -> tuple[float, ...]:
        """The intercept of every class."""
        return tuple(table.intercept for table in self.tables.values())

    @cached_property
    def points(self) -> dict[str, list[Points]]:
        """By feature, the points for every class."""
        return {name: [table.points[name] for table in self.tables.values()] for name in self.used}

    @cached_property
    def lookups(self) -> list[Mapping[Value, Any]]:
        """By feature, the points of every value that can be looked up, for every class."""
        return [
            {} if several[0].linear else {value: self.at(name, value) for value in several[0].levels}
            for name, several in self.points.items()
        ]

    @cached_property
    def pairs(self) -> dict[str, list[Pair]]:
        """By pair of features, the points for every class."""
        first = next(iter(self.tables.values()))
        return {name: [table.pairs[name] for table in self.tables.values()] for name in first.pairs}

    @cached_property
    def pair_lookups(self) -> list[tuple[str, str, Mapping[tuple[Value, Value], tuple[float, ...]]]]:
        """By pair, its two features and the points of every two values, for every class."""
        return [(*several[0].features, Remembered(partial(self.both, name))) for name, several in self.pairs.items()]

    def both(self, name: str, first: Value, second: Value) -> tuple[float, ...]:
        """Return the points of two values of a pair for every class."""
        return tuple(pair.at(first, second) for pair in self.pairs[name])

    def at(self, name: str, value: Value) -> tuple[float, ...]:
        """Return the points of a feature's value for every class."""
        return tuple(points.at(value) for points in self.points[name])

    def terms_of(self, record: Record) -> list[tuple[float, ...]]:
        """Return the points of every feature and pair of a record, for every class."""
        own = [self.at(name, record[name]) for name in self.points]
        return own + [lookup[record[first], record[second]] for first, second, lookup in self.pair_lookups]

    def added(self, terms: Sequence[Sequence[float]]) -> list[float]:
        """Return the sum of every class, from its intercept on."""
        return [summed(*each) for each in zip(self.intercepts, zip(*terms, strict=True), strict=True)]

    def all_sums(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the sums of each of many records."""
        return [self.added(row.terms) for row in rows]

    def grid(self, name: str) -> Sequence[Value]:
        """Return all values whose points any of the tables holds."""
        if not self.points[name][0].linear:
            return self.points[name][0].values
        every = sorted({value for points in self.points[name] for value in points.values})
        return without_doubles(every, partial(self.at, name))

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: class, probabilities and, if wanted, every term."""
        terms = (*self.points, *self.pairs)
        names = ("intercept", *(f"points_{name}" for name in terms)) if explain else ()
        return [*self.target.columns, *(f"{name}_{label}" for label in self.tables for name in names)]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        terms = zip(self.intercepts, *row.terms, strict=True) if explain else ()
        return [*self.target.cells(sums), *(term for of_class in terms for term in of_class)]

    def by_class(self, numbers: Sequence[float]) -> dict[str, float]:
        """Return one number per class with the class's name."""
        return dict(zip(self.tables, numbers, strict=True))

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the sums with every term, for every class."""
        named = dict(zip(self.schema.by_name, row.values, strict=True))
        said: list[dict[str, Any]] = [{"feature": name, "value": named[name]} for name in self.points]
        said += [pair.named(*(named[each] for each in pair.features)) for pair, *_ in self.pairs.values()]
        terms = zip(said, row.terms, strict=True)
        return {
            "sums": self.by_class(sums),
            "intercept": self.by_class(self.intercepts),
            "contributions": [each | {"points": self.by_class(term)} for each, term in terms],
        }

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        tables = {
            label: OneTable(given["intercept"], points_of(given["points"]), pairs_of(given.get("pairs", {})))
            for label, given in content["tables"].items()
        }
        return content | {"tables": tables}
