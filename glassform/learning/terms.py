"""The terms of many rows at once, as a fitted table of points has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from glassform.fitted.additive import Additive, Points
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.pairs import Pair, Side


def terms_of(card: Additive | ClassesScorecard, rows: pd.DataFrame) -> list[np.ndarray]:
    """Return the points of each row, by feature and then by pair; of several classes, a column for each.

    What was not in the training data, a category or a gap, adds 0 points, as the average does.
    """
    if isinstance(card, ClassesScorecard):
        by_class = [terms_in(table.points.values(), table.pairs, rows, card.used) for table in card.tables.values()]
        return [np.column_stack(each) for each in zip(*by_class, strict=True)]
    return terms_in(card.points.values(), card.pairs, rows, [*card.points])


def terms_in(points: Any, pairs: dict[str, Pair], rows: pd.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
    """Return the same of one table."""
    own = [heights(each, rows[name]) for name, each in zip(names, points, strict=True)]
    return own + [heights_of_two(pair, rows) for pair in pairs.values()]


def sums_of(card: Additive | ClassesScorecard, terms: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sum of each row, from the intercept on, in the order in which an explanation lists its terms."""
    start = card.intercepts if isinstance(card, ClassesScorecard) else card.intercept
    total: np.ndarray = np.zeros_like(terms[0]) + np.array(start)
    for term in terms:
        total = total + term
    return total


def heights(points: Points, column: pd.Series) -> np.ndarray:
    """Return the points of a column's values, each as `Points.at` gives it."""
    if isinstance(points.values[0], str):
        found: np.ndarray = column.map(points.by_value).to_numpy(dtype=float, na_value=0.0)
        return found
    xs, ys = map(np.array, points.knots)
    values = column.to_numpy(dtype=float)
    inside = np.clip(values, xs[0], xs[-1])
    right = np.clip(np.searchsorted(xs, inside, side="right"), 1, len(xs) - 1)
    share = (inside - xs[right - 1]) / (xs[right] - xs[right - 1])
    between = (1.0 - share) * ys[right - 1] + share * ys[right]
    return np.where(np.isnan(values), points.gap or 0.0, between)


def heights_of_two(pair: Pair, rows: pd.DataFrame) -> np.ndarray:
    """Return the points of two columns together."""
    first, second = (cells(side, rows[side.feature]) for side in pair.sides)
    table = np.array(pair.log_odds)
    return np.where((first < 0) | (second < 0), 0.0, table[first, second])


def cells(side: Side, column: pd.Series) -> np.ndarray:
    """Return the cell of each value; -1 of one that has none."""
    if side.levels:
        return column.map(side.by_level).to_numpy(dtype=float, na_value=-1).astype(int)
    values = column.to_numpy(dtype=float)
    gap = side.number - 1 if side.has_gaps else -1
    return np.where(np.isnan(values), gap, np.searchsorted(side.edges, values, side="right"))


def is_unseen(points: Points, column: pd.Series) -> np.ndarray:
    """Tell of each value whether the training data had no such category, or no gap."""
    if isinstance(points.values[0], str):
        known: np.ndarray = ~column.isin(points.by_value).to_numpy()
        return known
    gaps: np.ndarray = column.isna().to_numpy()
    return gaps & (points.gap is None)
