"""How the fields of a table become the columns of a regression, and which fields have cells together."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from glassform.fitted.pairs import AND, Side
from glassform.learning.columns import Block, Curve, Levels, Ramps, Shape, Steps, codes, hats, one_hot, side_by_side
from glassform.records.field import NOT_KNOWN

LINE, SMOOTH, FEW, MANY = "line", "smooth", "curve5", "curve10"
FAMILIES = (LINE, SMOOTH, FEW, MANY)  # from the simplest on
MOST_PLACES = {SMOOTH: 20, FEW: 5, MANY: 10}  # where a curve may turn
MOST_LEVELS = 256  # places of a number most of whose rows hold one value
PILED_UP, FEWEST_VALUES = 0.5, 10  # the share of the rows at that value, and how many values are no pile
FEWEST_ROWS = 5  # that a turn of a curve must rest on
MOST_CELLS = 8  # of a number in a pair
DEGREE = 3  # of a smooth curve
BENDS = (0.0, 1 / 3, 2 / 3, 1.0)  # quantiles of the rows between which a smooth curve is one cubic
RISES, FALLS = "rises", "falls"
Pairs = tuple[tuple[str, str], ...]
Flat = dict[str, tuple[int, ...]]  # by field that rises or falls, the segments on which it does neither


class Rule(NamedTuple):
    """What a data package asks of the shape of one field."""

    trend: str = ""  # rises or falls
    straight: bool = False
    steps: tuple[float, ...] = ()  # the values at which a new level begins
    rows: int = 0  # that each level or turn must rest on

    @property
    def is_alone(self) -> bool:
        """Whether no pair may change the shape."""
        return self.straight or bool(self.trend) or self.rows > 0


NO_RULE = Rule()


class Plan(NamedTuple):
    """The fields of a table, as far as their columns depend on them.

    `categories` holds the known ones of each field that has any; `gaps` names the numbers that can be missing.
    """

    categories: dict[str, list[str]]
    numbers: tuple[str, ...]
    gaps: tuple[str, ...]
    rules: dict[str, Rule]


@dataclass(frozen=True)
class Cells(Side):
    """The cells of one field in a pair, which a column of rows can be sorted into."""

    def of(self, column: pd.Series) -> np.ndarray:
        """Return the cell of each value."""
        if self.levels:
            return codes(column, self.levels)
        values = column.to_numpy(dtype=float)
        inside = np.searchsorted(self.edges, values, side="right")
        return np.where(np.isnan(values), len(self.edges) + 1, inside)


def numbered(first: Cells, second: Cells, X: pd.DataFrame) -> np.ndarray:
    """Return the cell of each row in a pair, counted row by row of its table."""
    numbers: np.ndarray = first.of(X[first.feature]) * second.number + second.of(X[second.feature])
    return numbers


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
    flat
        The segments of fields that only rise or fall on which they do neither.
    dense
        Whether the columns are always a plain array, which a regression of numbers needs; few ones always are.
    """

    def __init__(
        self,
        plan: Plan,
        family: str = LINE,
        pairs: Pairs = (),
        pair_share: float = 1.0,
        flat: Flat | None = None,
        dense: bool = False,
    ) -> None:
        self.plan = plan
        self.family = family
        self.pairs = pairs
        self.pair_share = pair_share
        self.flat = flat
        self.dense = dense

    def fit(self, X: pd.DataFrame, y: Any = None, sample_weight: np.ndarray | None = None) -> Self:
        """Learn where curves may turn and where the cells of pairs begin."""
        weights = np.ones(len(X)) if sample_weight is None else sample_weight
        plan = self.plan
        self.shapes_ = {name: self.category(name, X[name], weights) for name in plan.categories} | {
            name: self.number(name, X[name].to_numpy(dtype=float), weights) for name in plan.numbers
        }
        paired = dict.fromkeys(name for pair in self.pairs for name in pair)
        self.cells_ = {name: cells_of(plan, name, X[name], weights) for name in paired}
        self.used_ = {pair: np.unique(self.numbered(pair, X)) for pair in self.pairs}
        return self

    def category(self, name: str, column: pd.Series, weights: np.ndarray) -> Shape:
        """Learn the columns of a category."""
        known, rule = self.plan.categories[name], self.plan.rules.get(name, NO_RULE)
        if not rule.trend:
            return Levels.of(known, column, weights, rule.rows)
        ordered = tuple(level for level in known if level != NOT_KNOWN)
        places = tuple(float(place) for place in range(len(ordered)))
        return Ramps(places, sign_of(rule), self.flat_of(name), ordered, NOT_KNOWN in known)

    def number(self, name: str, values: np.ndarray, weights: np.ndarray) -> Shape:
        """Learn the columns of a number."""
        rule, has_gaps = self.plan.rules.get(name, NO_RULE), name in self.plan.gaps
        distinct, counts = counted(values[~np.isnan(values)], weights[~np.isnan(values)])
        if rule.steps:
            return Steps(rule.steps, has_gaps)
        if rule.trend and len(distinct) > 1:
            family = MANY if self.family == LINE else self.family
            places = turning_places(distinct, counts, family, max(rule.rows, FEWEST_ROWS))
            places = places if len(places) else distinct[[0, -1]]
            return Ramps(tuple(map(float, places)), sign_of(rule), self.flat_of(name), has_gaps=has_gaps)
        family = LINE if rule.straight else self.family
        return curve_of(distinct, counts, family, max(rule.rows, FEWEST_ROWS), has_gaps)

    def flat_of(self, name: str) -> frozenset[int]:
        """Return the segments of a field that are flat."""
        return frozenset((self.flat or {}).get(name, ()))

    def is_like(self, other: "Shapes") -> bool:
        """Tell whether it has the same columns as another one, fitted on the same rows with other families."""
        own = [(shape.places, shape.basis) for shape in self.shapes_.values() if isinstance(shape, Curve)]
        its = [(shape.places, shape.basis) for shape in other.shapes_.values() if isinstance(shape, Curve)]
        return all(
            np.array_equal(a, b) for one, two in zip(own, its, strict=True) for a, b in zip(one, two, strict=True)
        )

    def numbered(self, pair: tuple[str, str], X: pd.DataFrame) -> np.ndarray:
        """Return the cell of each row in a pair, counted row by row of its table."""
        first, second = (self.cells_[name] for name in pair)
        return numbered(first, second, X)

    def transform(self, X: pd.DataFrame) -> Any:
        """Return the columns of each row."""
        return side_by_side([block for _, block in self.blocks(X)], self.dense)

    def blocks(self, X: pd.DataFrame) -> list[tuple[str, Block]]:
        """Return the columns of each field and each pair."""
        blocks = [(name, block) for name, shape in self.shapes_.items() for block in shape.blocks(X[name])]
        for pair, used in self.used_.items():
            numbers = self.numbered(pair, X)
            place = np.minimum(np.searchsorted(used, numbers), len(used) - 1)
            place = np.where(used[place] == numbers, place, -1)
            blocks.append((AND.join(pair), one_hot(place, len(used), self.pair_share**0.5)))
        return blocks


def shapes_of(pipeline: Pipeline) -> Shapes | None:
    """Return the shapes of a pipeline; None, if it is made of something else."""
    first = pipeline.steps[0][1] if pipeline.steps else None
    return first if isinstance(first, Shapes) else None


def sign_of(rule: Rule) -> float:
    """Return 1 of what rises and -1 of what falls."""
    return -1.0 if rule.trend == FALLS else 1.0


def curve_of(distinct: np.ndarray, counts: np.ndarray, family: str, fewest: int, has_gaps: bool) -> Curve:
    """Return the columns of a number, learned from its values and how many rows have each."""
    total = counts.sum()
    if not len(distinct):
        return Curve(0.0, 0.0, 1.0, np.zeros(0), np.zeros((0, 0)), has_gaps)
    mean = float(distinct @ counts / total)
    scale = float(np.sqrt((distinct - mean) ** 2 @ counts / total)) or 1.0
    median = float(distinct[np.searchsorted(counts.cumsum(), total / 2)])
    places = turning_places(distinct, counts, family, fewest)
    return Curve(median, mean, scale, places, basis_of(distinct, counts, places, family), has_gaps)


def counted(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values in order, and how many rows have each."""
    distinct, which = np.unique(values, return_inverse=True)
    return distinct, np.bincount(which, weights, minlength=len(distinct))


def is_piled_up(counts: np.ndarray) -> bool:
    """Tell whether most rows of a number hold one value, so that no smooth curve fits it."""
    return len(counts) > FEWEST_VALUES and bool(counts.max() > PILED_UP * counts.sum())


def turning_places(distinct: np.ndarray, counts: np.ndarray, family: str, fewest: int) -> np.ndarray:
    """Return where a curve may turn, both its ends included; nothing for a line.

    These are all values or, of many, each that is frequent enough, and even quantiles of the other rows. A few rows
    far away from the others lie beyond the ends of the curve.
    """
    distinct, counts = drawn_in(distinct, counts, fewest)
    if family == LINE or len(distinct) < 3:
        return np.zeros(0)
    most = MOST_LEVELS if is_piled_up(counts) else MOST_PLACES[family]
    if len(distinct) <= most:
        return supported(distinct, distinct, counts, fewest)
    frequent = counts >= counts.sum() / most
    others, rest = distinct[~frequent], counts[~frequent]
    at = np.searchsorted(rest.cumsum(), np.linspace(0.0, 1.0, most - int(frequent.sum())) * rest.sum())
    quantiles = others[np.minimum(at, len(others) - 1)]
    chosen = np.unique([*distinct[frequent], *quantiles, *distinct[[0, -1]]])
    return supported(chosen, distinct, counts, fewest)


def drawn_in(distinct: np.ndarray, counts: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values with so many rows at either end: those beyond count as the end."""
    if counts.sum() < 2 * fewest:
        return distinct[:1], counts[:1]
    low = distinct[np.searchsorted(counts.cumsum(), fewest)]
    high = distinct[::-1][np.searchsorted(counts[::-1].cumsum(), fewest)]
    return counted(np.clip(distinct, low, max(low, high)), counts)


def supported(places: np.ndarray, distinct: np.ndarray, counts: np.ndarray, fewest: int) -> np.ndarray:
    """Leave out places until each rests on enough rows: one between two places counts for both, by its nearness."""
    while len(places) > 2:
        shares = hats(distinct, places)
        rows = np.bincount(shares.places.ravel(), (shares.numbers * counts[:, None]).ravel())
        weakest = int(rows.argmin())
        if rows[weakest] >= fewest:
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
    bends = np.clip(distinct[np.minimum(at, len(distinct) - 1)], places[0], places[-1])
    bends = np.unique([places[0], *bends, places[-1]])
    first, last = bends[1] - bends[0], bends[-1] - bends[-2]
    before, after = bends[0] - first * np.arange(DEGREE, 0, -1), bends[-1] + last * np.arange(1, DEGREE + 1)
    splines = BSpline.design_matrix(places, np.concatenate([before, bends, after]), DEGREE).toarray()
    found: np.ndarray = splines[:, :-1]  # the last one is what the others leave
    return found


def cells_of(plan: Plan, name: str, column: pd.Series, weights: np.ndarray) -> Cells:
    """Return the cells of a field, learned from its rows or, if a rule says where it steps, from that."""
    if name in plan.categories:
        return Cells(name, levels=tuple(plan.categories[name]))
    rule, has_gaps = plan.rules.get(name, NO_RULE), name in plan.gaps
    if rule.steps:
        return Cells(name, edges=rule.steps, has_gaps=has_gaps)
    values = column.to_numpy(dtype=float)
    known = ~np.isnan(values)
    return Cells(name, edges=edges_of(*counted(values[known], weights[known])), has_gaps=has_gaps)


def edges_of(distinct: np.ndarray, counts: np.ndarray, fewest: int = FEWEST_ROWS) -> tuple[float, ...]:
    """Return where the cells of a number begin, but for the first: about as many rows in each, at most eight."""
    target = max(counts.sum() / MOST_CELLS, fewest)
    starts, rows = list[int](), [0.0]
    for place, count in enumerate(counts):
        if rows[-1] >= fewest and rows[-1] + count / 2 > target:
            starts.append(place)
            rows.append(0.0)
        rows[-1] += count
    while len(rows) > 1 and (len(rows) > MOST_CELLS or min(rows) < fewest):
        weakest = rows.index(min(rows))
        is_last = weakest == len(rows) - 1
        into = weakest - 1 if weakest and (is_last or rows[weakest - 1] < rows[weakest + 1]) else weakest
        rows[into : into + 2] = [rows[into] + rows[into + 1]]
        del starts[into]
    return tuple(float(distinct[place]) for place in starts)
