"""Turn what two fields say together into a table whose rows and columns say nothing of one field alone."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pandas import DataFrame

from glassform.fitted.pairs import Pair, Side
from glassform.learning.shapes import Cells, numbered, shapes_of

Ask = Callable[[DataFrame], list[float]]  # returns a pipeline's output for each row


@dataclass(frozen=True)
class Interaction:
    """Two fields whose cells say something together.

    `rows` holds how many training rows are in each cell of both. `base` is the record that the pipeline is asked
    about, with these two fields varied; `first` and `second` hold a value of each cell.
    """

    cells: tuple[Cells, Cells]
    base: DataFrame
    first: Sequence[Any]
    second: Sequence[Any]
    rows: np.ndarray

    @classmethod
    def of(cls, cells: tuple[Cells, Cells], X: DataFrame, weights: np.ndarray) -> "Interaction":
        """Return that of two fields, with the training rows counted."""
        one, other = cells
        rows = np.bincount(numbered(one, other, X), weights, minlength=one.number * other.number)
        return cls(cells, X.iloc[[0]], values_of(one, X), values_of(other, X), rows.reshape(one.number, other.number))

    @property
    def names(self) -> tuple[str, str]:
        """The two fields."""
        return self.cells[0].feature, self.cells[1].feature

    def at_cells(self, of_rows: Callable[[DataFrame], np.ndarray]) -> np.ndarray:
        """Return what the fields say together in each cell: what is not said by changing one of them at a time.

        `of_rows` returns a number or several for each row.
        """
        one, other = self.names
        own_first, own_second = self.base[one].iloc[0], self.base[other].iloc[0]
        firsts, seconds = [*self.first, own_first], [*self.second, own_second]
        grid = self.base.iloc[[0] * (len(firsts) * len(seconds))].copy()
        grid[one] = np.repeat(np.array(firsts, dtype=object), len(seconds))
        grid[other] = seconds * len(firsts)
        found = of_rows(grid.astype(self.base.dtypes))
        table = found.reshape(len(firsts), len(seconds), *found.shape[1:])
        together: np.ndarray = table[:-1, :-1] - table[:-1, -1:] - table[-1:, :-1] + table[-1:, -1:]
        return together

    @cached_property
    def alone(self) -> np.ndarray:
        """The matrix that takes a table to what its rows and columns say alone, by least squares over the rows.

        A row or a column that no training row is in gets what leaves nothing of it.
        """
        first, second = self.rows.shape
        design = np.hstack([np.kron(np.eye(first), np.ones((second, 1))), np.tile(np.eye(second), (first, 1))])
        weighted = design * self.rows.reshape(-1, 1)
        alone = np.linalg.pinv(weighted.T @ design, hermitian=True) @ weighted.T
        by_first, by_second = self.rows.sum(axis=1), self.rows.sum(axis=0)
        for place in np.flatnonzero(by_first == 0):
            cells = slice(place * second, (place + 1) * second)
            alone[place] = -(by_second / by_second.sum()) @ alone[first:]
            alone[place, cells] += by_second / by_second.sum()
        for place in np.flatnonzero(by_second == 0):
            alone[first + place] = -(by_first / by_first.sum()) @ alone[:first]
            alone[first + place, place::second] += by_first / by_first.sum()
        found: np.ndarray = alone
        return found

    def split(self, together: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Split a table into what both say together and no field says alone, and what each says alone."""
        first, second = self.rows.shape
        sides = self.alone @ together.reshape(first * second, *together.shape[2:])
        ones, others = sides[:first], sides[first:]
        return together - ones[:, None] - others[None, :], ones, others

    def purified(self, ask: Ask) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the same of a pipeline."""
        return self.split(self.at_cells(lambda rows: np.array(ask(rows))))

    def pair(self, points: np.ndarray) -> Pair:
        """Return the points of both as a model holds them."""
        first, second = (Side(each.feature, each.levels, each.edges, each.has_gaps) for each in self.cells)
        return Pair(first, second, tuple(tuple(row) for row in points.tolist()))

    def terms(self, X: DataFrame, points: np.ndarray) -> list[float]:
        """Return the points of each row."""
        first, second = (each.of(X[each.feature]) for each in self.cells)
        found: list[float] = points[first, second].tolist()
        return found


def interactions_of(pipeline: Any, X: DataFrame, weights: np.ndarray) -> list[Interaction]:
    """Return the pairs of a fitted pipeline; those that are not made of shapes have none."""
    shapes = shapes_of(pipeline)
    if shapes is None:
        return []
    return [Interaction.of((shapes.cells_[one], shapes.cells_[other]), X, weights) for one, other in shapes.pairs]


def values_of(cells: Cells, X: DataFrame) -> list[Any]:
    """Return a value of each cell."""
    if cells.levels:
        return [*cells.levels]
    lowest = X[cells.feature].min()
    return [lowest, *cells.edges, *([math.nan] if cells.has_gaps else [])]


def alone_by_field(
    interactions: Sequence[Interaction], found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> Mapping[str, list[tuple[Cells, np.ndarray]]]:
    """Return, by field, what the cells of its pairs say alone, which belongs to the field's own points."""
    by_field: dict[str, list[tuple[Cells, np.ndarray]]] = {}
    for interaction, (_, ones, others) in zip(interactions, found, strict=True):
        for cells, alone in zip(interaction.cells, (ones, others), strict=True):
            by_field.setdefault(cells.feature, []).append((cells, alone))
    return by_field
