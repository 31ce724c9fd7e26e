"""A model that is one table of points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from glassform.fitted.base import Fitted, Row
from glassform.fitted.points import Points, points_of, summed
from glassform.fitted.target import Sums
from glassform.records.field import Record, Value


@dataclass(frozen=True)
class Additive(Fitted):
    """A model that is one table of points: an intercept and every feature's points.

    The points are centred: each feature's average over the training rows is 0, so the intercept is the average sum.
    """

    intercept: float
    points: dict[str, Points]

    term: ClassVar[str]  # what answers call the points of a feature

    @property
    def term_columns(self) -> list[str]:
        """The columns of the terms in a table: the intercept's and every feature's."""
        return ["intercept", *(f"{self.term}_{name}" for name in self.points)]

    @cached_property
    def lookups(self) -> list[Mapping[Value, float]]:
        """By feature, the points of every value that can be looked up."""
        return [points.by_value for points in self.points.values()]

    def terms_of(self, record: Record) -> list[float]:
        """Return the points of every feature of a record."""
        return [points.at(record[name]) for name, points in self.points.items()]

    def sums(self, record: Record) -> float:
        """Return the intercept and one look-up per feature, summed in order."""
        total = self.intercept
        for name, points in self.points.items():
            total += points.at(record[name])
        return total

    def all_sums(self, rows: Sequence[Row]) -> list[float]:
        """Return the sum of each of many records."""
        return [summed(self.intercept, row.terms) for row in rows]

    def contributions(self, row: Row) -> list[dict[str, Any]]:
        """Return every feature's value and term."""
        terms = zip(self.points, row.values, row.terms, strict=True)
        return [{"feature": name, "value": value, self.term: term} for name, value, term in terms]

    def grid(self, name: str) -> Sequence[Value]:
        """Return the values whose points the table holds."""
        return self.points[name].values

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        return content | {"points": points_of(content["points"])}


@dataclass(frozen=True)
class NumberScorecard(Additive):
    """An additive model of a number; its points are in the number's unit."""

    kind = "number"
    term = "points"

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the number and, if wanted, every term."""
        return [*self.target.columns, *(self.term_columns if explain else [])]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        return [sums, self.intercept, *row.terms] if explain else [sums]

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the intercept and every term."""
        return {"intercept": self.intercept, "contributions": self.contributions(row)}
