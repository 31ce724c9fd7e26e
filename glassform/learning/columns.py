"""The columns that one field becomes: steps, a line with a curve, ramps; each learned from the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

SMALL = 2_000_000  # numbers in all, up to which plain columns are faster than those without their zeros


class Block(NamedTuple):
    """Some columns: for each row, the places of what is not 0 and the numbers there."""

    places: np.ndarray
    numbers: np.ndarray
    width: int


def column_of(numbers: np.ndarray) -> Block:
    """Return one column."""
    return Block(np.zeros((len(numbers), 1), dtype=int), numbers[:, None].astype(float), 1)


def one_hot(places: np.ndarray, width: int, size: float = 1.0) -> Block:
    """Return columns with one number a row, at a place; none where that is negative."""
    return Block(np.maximum(places, 0)[:, None], np.where(places >= 0, size, 0.0)[:, None], width)


def plain(numbers: np.ndarray) -> Block:
    """Return columns that are hardly ever 0."""
    return Block(np.broadcast_to(np.arange(numbers.shape[1]), numbers.shape), numbers, numbers.shape[1])


def times(block: Block, basis: np.ndarray) -> Block:
    """Return columns times a matrix."""
    return plain((block.numbers[:, :, None] * basis[block.places]).sum(axis=1))


def side_by_side(blocks: Sequence[Block], dense: bool) -> Any:
    """Return all columns: as a plain array, or without the zeros of a large one."""
    starts = np.cumsum([0, *(block.width for block in blocks)])
    places = np.hstack([block.places + start for block, start in zip(blocks, starts, strict=False)])
    numbers = np.hstack([block.numbers for block in blocks])
    rows, width = len(places), int(starts[-1])
    if dense or rows * width <= SMALL:
        columns = np.zeros((rows, width))
        np.put_along_axis(columns, places, numbers, axis=1)
        return columns
    ends = np.arange(rows + 1) * places.shape[1]
    return sparse.csr_array((numbers.ravel(), places.ravel(), ends), shape=(rows, width))


def codes(column: pd.Series, known: Sequence[str]) -> np.ndarray:
    """Return the place of each value among those known; -1 of any other."""
    found: np.ndarray = pd.Index(known).get_indexer(pd.Index(column))
    return found


def hats(values: np.ndarray, places: np.ndarray) -> Block:
    """Return the share of each place in each value: of the two on either side, or of the end beyond which it lies."""
    inside = np.clip(values, places[0], places[-1])
    right = np.clip(np.searchsorted(places, inside, side="right"), 1, len(places) - 1)
    share = (inside - places[right - 1]) / (places[right] - places[right - 1])
    return Block(np.column_stack([right - 1, right]), np.column_stack([1.0 - share, share]), len(places))


@dataclass(frozen=True)
class Levels:
    """The columns of a category: one a level, or one for both of two.

    `places` holds the column of each level; levels of few rows may share one. Of two levels the column has a standard
    deviation of 1, by its `size`.
    """

    known: tuple[str, ...]
    places: tuple[int, ...]
    size: float = 1.0

    @classmethod
    def of(cls, known: Sequence[str], column: pd.Series, weights: np.ndarray, fewest: int = 0) -> "Levels":
        """Learn them: levels of fewer rows than `fewest` become one, with the next rarest until it has as many."""
        found = codes(column, known)
        rows = np.bincount(found[found >= 0], weights[found >= 0], minlength=len(known))
        rare = rows < fewest
        for place in np.argsort(rows, kind="stable"):
            if not rare.any() or rows[rare].sum() >= fewest:
                break
            rare[place] = True
        order = np.cumsum(~rare) - 1
        places = tuple(int(place) for place in np.where(rare, order[-1] + 1, order))
        share = rows[-1] / rows.sum()
        size = 1.0 / (share * (1.0 - share)) ** 0.5 if len(known) == 2 and 0.0 < share < 1.0 else 1.0
        return cls(tuple(known), places, float(size))

    @property
    def turns(self) -> list[float]:
        """Nowhere: a category is no curve."""
        return []

    def blocks(self, column: pd.Series) -> list[Block]:
        """Return the columns of each value."""
        found = codes(column, self.known)
        if len(self.known) == 2:
            return [column_of((found == 1) * self.size)]
        places = np.where(found >= 0, np.array(self.places)[found], -1)
        return [one_hot(places, max(self.places) + 1)]


@dataclass(frozen=True)
class Curve:
    """The columns of a number: its line, and a curve made of straight pieces between its places.

    `basis` holds the curve's columns at each place. Beyond its ends a curve stays as it is, and its line goes on, but
    for no more than the curve is long: no row shows the slope of the line alone. Without a curve, a line goes on for
    ever. A gap counts as the median, and has a column of its own where there can be one.
    """

    median: float
    mean: float
    scale: float
    places: np.ndarray
    basis: np.ndarray
    has_gaps: bool

    @property
    def turns(self) -> list[float]:
        """Where it may turn."""
        return [*map(float, self.places), *(self.ends_of_line if len(self.places) else ())]

    @property
    def ends_of_line(self) -> tuple[float, float]:
        """Up to where the line of a curve goes on."""
        first, last = float(self.places[0]), float(self.places[-1])
        return first - (last - first), last + (last - first)

    def blocks(self, column: pd.Series) -> list[Block]:
        """Return the columns of each value."""
        values = column.to_numpy(dtype=float)
        gaps = [column_of(np.isnan(values))] if self.has_gaps else []
        known = np.where(np.isnan(values), self.median, values)
        going = np.clip(known, *self.ends_of_line) if self.basis.size else known
        line = column_of((going - self.mean) / self.scale)
        if not self.basis.size:
            return [line, *gaps]
        curve = hats(known, self.places)
        return [line, curve if is_one_a_place(self.basis) else times(curve, self.basis), *gaps]


def is_one_a_place(basis: np.ndarray) -> bool:
    """Tell whether each place of a curve has a column of its own."""
    return basis.shape[0] == basis.shape[1] and bool((basis == np.eye(len(basis))).all())


@dataclass(frozen=True)
class Steps:
    """The columns of a number that is the same between the values at which it steps; a gap has its own."""

    edges: tuple[float, ...]
    has_gaps: bool

    @property
    def turns(self) -> list[float]:
        """Both sides of each step."""
        return [x for edge in self.edges for x in (float(np.nextafter(edge, -np.inf)), edge)]

    def blocks(self, column: pd.Series) -> list[Block]:
        """Return the columns of each value."""
        values = column.to_numpy(dtype=float)
        cells = np.searchsorted(self.edges, values, side="right")
        number = len(self.edges) + 1
        return [one_hot(np.where(np.isnan(values), number, cells), number + self.has_gaps)]


@dataclass(frozen=True)
class Ramps:
    """The columns of a field that only rises or only falls: a ramp from each place to the next, none going back.

    `ordered` holds the levels of a category in order, and then the places are their numbers. What is not known is in
    no order and has a column of its own. A segment that is `flat` has no ramp.
    """

    places: tuple[float, ...]
    sign: float
    flat: frozenset[int] = frozenset()
    ordered: tuple[str, ...] = ()
    has_gaps: bool = False

    @property
    def turns(self) -> list[float]:
        """Where it may turn."""
        return [] if self.ordered else [*self.places]

    @property
    def segments(self) -> list[int]:
        """The segments that have a ramp."""
        return [place for place in range(len(self.places) - 1) if place not in self.flat]

    def blocks(self, column: pd.Series) -> list[Block]:
        """Return the columns of each value."""
        if self.ordered:
            found = codes(column, self.ordered).astype(float)
            values = np.where(found < 0, np.nan, found)
        else:
            values = column.to_numpy(dtype=float)
        known = np.where(np.isnan(values), self.places[0], values)[:, None]
        left, right = np.array(self.places[:-1]), np.array(self.places[1:])
        ramps = self.sign * np.clip((known - left) / (right - left), 0.0, 1.0)
        gaps = [column_of(np.isnan(values))] if self.has_gaps else []
        return [plain(ramps[:, self.segments]), *gaps]


Shape = Levels | Curve | Steps | Ramps
