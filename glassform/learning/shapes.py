"""How fields become the columns of a regression: a step a category, a line and a curve a number, cells a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import SplineTransformer

LINE, SMOOTH, FEW, MANY = "line", "smooth", "curve5", "curve10"
FAMILIES = (LINE, SMOOTH, FEW, MANY)  # from the simplest on
MOST_PLACES = {SMOOTH: 20, FEW: 5, MANY: 10}  # where a curve may turn
MOST_LEVELS = 256  # places of a number most of whose rows hold one value
PILED_UP, FEWEST_VALUES = 0.5, 10  # the share of the rows at that value, and how many values are no pile
FEWEST_ROWS = 5  # that a turn of a curve must rest on
MOST_CELLS = 8  # of a number in a pair
BENDS = (0.0, 1 / 3, 2 / 3, 1.0)  # quantiles of the rows between which a smooth curve is one cubic
Pairs = tuple[tuple[str, str], ...]


class Plan(NamedTuple):
    """The fields of a table, as far as their columns depend on them.

    `categories` holds the known ones of each field that has any; `gaps` names the numbers that can be missing.
    `straight` names the numbers that are lines whatever the family.
    """

    categories: dict[str, list[str]]
    numbers: tuple[str, ...]
    gaps: tuple[str, ...]
    straight: tuple[str, ...] = ()


@dataclass(frozen=True)
class Curve:
    """The columns of one number: its line, and a curve made of straight pieces between its places.

    `basis` holds the curve's columns at each place. Outside of what was seen the line goes on and the curve stays as
    it is at the end. A gap counts as the median.
    """

    median: float
    mean: float
    scale: float
    places: np.ndarray
    basis: np.ndarray

    def columns(self, values: np.ndarray) -> sparse.csr_array:
        """Return a row of columns for each value."""
        known = np.where(np.isnan(values), self.median, values)
        line = sparse.csr_array(((known - self.mean) / self.scale)[:, None])
        if not self.basis.size:
            return line
        curve = hats(known, self.places) @ sparse.csr_array(self.basis)
        return sparse.csr_array(sparse.hstack([line, curve]))


@dataclass(frozen=True)
class Cells:
    """The cells of one field in a pair: a level each of a category, a range each of a number.

    A number lies in the cell `bisect_right(edges, number)`; a gap, if there can be one, in the last cell.
    """

    name: str
    levels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    has_gaps: bool = False

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.levels) if self.levels else len(self.edges) + 1 + self.has_gaps

    def of(self, column: pd.Series) -> np.ndarray:
        """Return the cell of each value."""
        if self.levels:
            return codes(column, self.levels)
        values = column.to_numpy(dtype=float)
        inside = np.searchsorted(self.edges, values, side="right")
        return np.where(np.isnan(values), len(self.edges) + 1, inside)


class Shapes(TransformerMixin, BaseEstimator):
    """Turn fields into the columns of a regression.

    Parameters
    ----------
    plan
        The fields.
    family
        The curve of every number: none but its line, a smooth one, or one of straight pieces between 5 or 10 places.
        A number most of whose rows hold one value has a place at each of its values instead.
    pairs
        The pairs of fields that have cells of their own.
    pair_share
        How strongly cells are held back beside the other columns: their ridge is 1 / `pair_share` times as large.
    dense
        Whether the columns are a plain array, which a regression of numbers needs.
    """

    def __init__(
        self, plan: Plan, family: str = LINE, pairs: Pairs = (), pair_share: float = 1.0, dense: bool = False
    ) -> None:
        self.plan = plan
        self.family = family
        self.pairs = pairs
        self.pair_share = pair_share
        self.dense = dense

    def fit(self, X: pd.DataFrame, y: Any = None, sample_weight: np.ndarray | None = None) -> Self:
        """Learn where curves may turn and where the cells of pairs begin."""
        weights = np.ones(len(X)) if sample_weight is None else sample_weight
        plan = self.plan
        self.curves_ = {
            name: curve_of(X[name].to_numpy(dtype=float), weights, LINE if name in plan.straight else self.family)
            for name in plan.numbers
        }
        paired = dict.fromkeys(name for pair in self.pairs for name in pair)
        self.cells_ = {name: cells_of(plan, name, X[name], weights) for name in paired}
        self.used_ = {pair: np.unique(self.numbered(pair, X)) for pair in self.pairs}
        return self

    def numbered(self, pair: tuple[str, str], X: pd.DataFrame) -> np.ndarray:
        """Return the cell of each row in a pair, counted row by row of its table."""
        first, second = (self.cells_[name] for name in pair)
        numbers: np.ndarray = first.of(X[first.name]) * second.number + second.of(X[second.name])
        return numbers

    def transform(self, X: pd.DataFrame) -> Any:
        """Return the columns of each row."""
        plan = self.plan
        blocks = [one_hot(codes(X[name], known), len(known)) for name, known in plan.categories.items()]
        for name, curve in self.curves_.items():
            values = X[name].to_numpy(dtype=float)
            blocks.append(curve.columns(values))
            if name in plan.gaps:
                blocks.append(sparse.csr_array(np.isnan(values)[:, None].astype(float)))
        for pair, used in self.used_.items():
            numbers = self.numbered(pair, X)
            place = np.minimum(np.searchsorted(used, numbers), len(used) - 1)
            place = np.where(used[place] == numbers, place, -1)
            blocks.append(one_hot(place, len(used)) * self.pair_share**0.5)
        columns = sparse.hstack(blocks, format="csr")
        return columns.toarray() if self.dense else columns


def one_hot(places: np.ndarray, width: int) -> sparse.csr_array:
    """Return a row for each place, with a 1 there; none where it is negative."""
    known = places >= 0
    starts = np.concatenate([[0], np.cumsum(known)])
    return sparse.csr_array((np.ones(known.sum()), places[known], starts), shape=(len(places), width))


def codes(column: pd.Series, known: Sequence[str]) -> np.ndarray:
    """Return the place of each value among those known; -1 of any other."""
    found: np.ndarray = pd.Categorical(column, categories=pd.Index(known)).codes.astype(np.int64)
    return found


def hats(values: np.ndarray, places: np.ndarray) -> sparse.csr_array:
    """Return the share of each place in each value: of the two on either side, or of the end beyond which it lies."""
    inside = np.clip(values, places[0], places[-1])
    right = np.clip(np.searchsorted(places, inside, side="right"), 1, len(places) - 1)
    share = (inside - places[right - 1]) / (places[right] - places[right - 1])
    rows = np.arange(len(values))
    return sparse.csr_array(
        (np.concatenate([1.0 - share, share]), (np.tile(rows, 2), np.concatenate([right - 1, right]))),
        shape=(len(values), len(places)),
    )


def curve_of(values: np.ndarray, weights: np.ndarray, family: str) -> Curve:
    """Return the columns of a number, learned from its rows."""
    known = ~np.isnan(values)
    distinct, counts = counted(values[known], weights[known])
    total = counts.sum()
    if not len(distinct):
        return Curve(0.0, 0.0, 1.0, np.zeros(0), np.zeros((0, 0)))
    mean = float(distinct @ counts / total)
    scale = float(np.sqrt((distinct - mean) ** 2 @ counts / total)) or 1.0
    median = float(distinct[np.searchsorted(counts.cumsum(), total / 2)])
    places = turning_places(distinct, counts, family)
    return Curve(median, mean, scale, places, basis_of(distinct, counts, places, family))


def counted(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values in order, and how many rows have each."""
    distinct, which = np.unique(values, return_inverse=True)
    return distinct, np.bincount(which, weights, minlength=len(distinct))


def is_piled_up(counts: np.ndarray) -> bool:
    """Tell whether most rows of a number hold one value, so that no smooth curve fits it."""
    return len(counts) > FEWEST_VALUES and bool(counts.max() > PILED_UP * counts.sum())


def turning_places(distinct: np.ndarray, counts: np.ndarray, family: str) -> np.ndarray:
    """Return where a curve may turn, both ends included; nothing for a line.

    Each value that is frequent enough is one, and so are even quantiles of the other rows.
    """
    if family == LINE or len(distinct) < 3:
        return np.zeros(0)
    most = MOST_LEVELS if is_piled_up(counts) else MOST_PLACES[family]
    if len(distinct) <= most:
        return supported(distinct, distinct, counts)
    frequent = counts >= counts.sum() / most
    others, rest = distinct[~frequent], counts[~frequent]
    at = np.searchsorted(rest.cumsum(), np.linspace(0.0, 1.0, most - int(frequent.sum())) * rest.sum())
    quantiles = others[np.minimum(at, len(others) - 1)]
    return supported(np.unique([*distinct[frequent], *quantiles, *distinct[[0, -1]]]), distinct, counts)


def supported(places: np.ndarray, distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Leave out places until each rests on five rows at least: a row between two counts for both, by its nearness."""
    while len(places) > 2:
        rows = counts @ hats(distinct, places)
        weakest = int(rows.argmin())
        if rows[weakest] >= FEWEST_ROWS:
            return places
        places = np.delete(places, min(max(weakest, 1), len(places) - 2))
    return np.zeros(0)


def basis_of(distinct: np.ndarray, counts: np.ndarray, places: np.ndarray, family: str) -> np.ndarray:
    """Return the columns of a curve at its places: cubic splines if it is smooth, else one a place."""
    if not len(places):
        return np.zeros((0, 0))
    if family != SMOOTH or is_piled_up(counts):
        return np.eye(len(places))
    at = np.searchsorted(counts.cumsum(), np.array(BENDS) * counts.sum())
    bends = np.unique(distinct[np.minimum(at, len(distinct) - 1)])
    bends = np.unique([distinct[0], *bends, distinct[-1]])
    splines = SplineTransformer(knots=bends[:, None], degree=3, include_bias=False)
    found: np.ndarray = splines.fit(places[:, None]).transform(places[:, None])
    return found


def cells_of(plan: Plan, name: str, column: pd.Series, weights: np.ndarray) -> Cells:
    """Return the cells of a field, learned from its rows."""
    if name in plan.categories:
        return Cells(name, levels=tuple(plan.categories[name]))
    values = column.to_numpy(dtype=float)
    known = ~np.isnan(values)
    return Cells(name, edges=edges_of(*counted(values[known], weights[known])), has_gaps=name in plan.gaps)


def edges_of(distinct: np.ndarray, counts: np.ndarray) -> tuple[float, ...]:
    """Return where the cells of a number begin, but for the first: about as many rows in each, at most eight."""
    target = max(counts.sum() / MOST_CELLS, FEWEST_ROWS)
    starts, rows = list[int](), [0.0]
    for place, count in enumerate(counts):
        if rows[-1] >= FEWEST_ROWS and rows[-1] + count / 2 > target:
            starts.append(place)
            rows.append(0.0)
        rows[-1] += count
    while len(rows) > 1 and (len(rows) > MOST_CELLS or min(rows) < FEWEST_ROWS):
        weakest = rows.index(min(rows))
        into = (
            weakest - 1
            if weakest and (weakest == len(rows) - 1 or rows[weakest - 1] < rows[weakest + 1])
            else weakest
        )
        rows[into : into + 2] = [rows[into] + rows[into + 1]]
        del starts[into]
    return tuple(float(distinct[place]) for place in starts)
