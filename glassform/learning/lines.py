"""The lines of a paper card: cells of every field, merged where they say nearly the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from glassform.learning.recipe import Profiles
from glassform.learning.shapes import NO_RULE, Cells, Rule, sign_of
from glassform.records.field import NOT_KNOWN

BY_CHANCE = 2.0  # of chi squared, where one line less is as likely (AIC): two that differ by less become one
BACKWARDS = -1.0  # in its place, of two lines that a rule of shape has the other way round
STEPS, CLOSE = 30, 1e-4  # of Newton's method, and where it ends
HALVINGS = 20  # of one of its steps, if it goes too far
LARGEST = 500.0  # log-odds
SMALLEST = 1e-12  # variance


@dataclass(frozen=True)
class Grouped:
    """The cells of a field and the line that each belongs to; lines are numbered from 0 on."""

    cells: Cells
    lines: np.ndarray
    rule: Rule = NO_RULE
    is_ordered: bool = True

    @property
    def count(self) -> int:
        """How many lines there are."""
        return int(self.lines.max()) + 1

    @property
    def gap(self) -> int | None:
        """The cell of a gap, which is in no order; None if there can be none."""
        if self.cells.levels:
            return self.cells.levels.index(NOT_KNOWN) if NOT_KNOWN in self.cells.levels else None
        return self.cells.number - 1 if self.cells.has_gaps else None

    @property
    def in_order(self) -> list[int]:
        """The lines in the order of their values, without one that only a gap has."""
        inside = self.lines if self.gap is None else np.delete(self.lines, self.gap)
        return [*dict.fromkeys(inside.tolist())]

    def of(self, column: pd.Series) -> np.ndarray:
        """Return the line of each value."""
        found: np.ndarray = self.lines[self.cells.of(column)]
        return found

    def candidates(self) -> Iterator[tuple[int, int, float]]:
        """Yield every two lines that may become one; 1 if the second must not have fewer points, -1 if not more."""
        if not self.is_ordered:
            yield from ((first, second, 0.0) for first, second in combinations(range(self.count), 2))
            return
        sign = sign_of(self.rule) if self.rule.trend else 0.0
        ordered = self.in_order
        yield from ((first, second, sign) for first, second in pairwise(ordered))
        if self.gap is not None and self.lines[self.gap] not in ordered:
            yield from ((each, int(self.lines[self.gap]), 0.0) for each in ordered)

    def joined(self, first: int, second: int) -> "Grouped":
        """Return the same with two lines as one."""
        lines = np.where(self.lines == second, first, self.lines)
        return replace(self, lines=lines - (lines > second))

    def keeps(self, points: np.ndarray) -> bool:
        """Tell whether the points of the lines rise or fall as the rule says."""
        return all(sign * (points[second] - points[first]) >= 0 for first, second, sign in self.candidates())

    def in_trend(self, points: np.ndarray) -> np.ndarray:
        """Return the points of the lines, none of which goes back against the rule."""
        if self.keeps(points):
            return points
        found, ordered, sign = points.copy(), self.in_order, int(sign_of(self.rule))
        found[ordered] = sign * np.maximum.accumulate(sign * points[ordered])
        return found


@dataclass
class Fit:
    """The log-odds of the lines of all fields, one after the other, the offset last, and their covariance."""

    log_odds: np.ndarray
    covariance: np.ndarray

    def chi_squared(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return how much more than by chance pairs of lines differ (Wald's test)."""
        variances = np.diag(self.covariance)
        spread = variances[first] + variances[second] - 2.0 * self.covariance[first, second]
        found: np.ndarray = (self.log_odds[first] - self.log_odds[second]) ** 2 / np.maximum(spread, SMALLEST)
        return found

    def joined(self, first: int, second: int) -> "Fit":
        """Return the fit in which two lines are one, to second order."""
        against = self.covariance[first] - self.covariance[second]
        variance = max(against[first] - against[second], SMALLEST)
        log_odds = self.log_odds - against * ((self.log_odds[first] - self.log_odds[second]) / variance)
        covariance = self.covariance - np.outer(against, against) / variance
        rest = np.arange(len(log_odds)) != second
        return Fit(log_odds[rest], covariance[rest][:, rest])


def merged(grouped: Sequence[Grouped], fit: Fit, most: int) -> list[Grouped]:
    """Make two lines one, the most alike first, until all differ by more than chance and there are few enough."""
    grouped = list(grouped)
    while pairs := [*candidates_of(grouped)]:
        first, second, sign, place = (np.array(column) for column in zip(*pairs, strict=True))
        chi_squared = fit.chi_squared(first, second)
        chi_squared[sign * (fit.log_odds[second] - fit.log_odds[first]) < 0] = BACKWARDS
        best = int(chi_squared.argmin())
        if chi_squared[best] > BY_CHANCE and sum(each.count for each in grouped if each.count > 1) <= most:
            break
        fit = fit.joined(first[best], second[best])
        start = sum(each.count for each in grouped[: place[best]])
        grouped[place[best]] = grouped[place[best]].joined(int(first[best] - start), int(second[best] - start))
    return [each for each in grouped if each.count > 1]


def candidates_of(grouped: Sequence[Grouped]) -> Iterator[tuple[int, int, float, int]]:
    """Yield every two lines that may become one, by their places among all, with the place of their field."""
    start = 0
    for place, each in enumerate(grouped):
        yield from ((start + first, start + second, sign, place) for first, second, sign in each.candidates())
        start += each.count


def places_of(grouped: Sequence[Grouped], X: pd.DataFrame) -> np.ndarray:
    """Return where each row's line of each field stands among those of all fields; a row each."""
    places, start = np.zeros((len(X), len(grouped)), dtype=np.int64), 0
    for column, each in enumerate(grouped):
        places[:, column] = each.of(X[each.cells.feature]) + start
        start += each.count
    return places


def fitted(grouped: Sequence[Grouped], places: np.ndarray, rows: Profiles, ridge: float) -> Fit:
    """Fit the log-odds of all lines by Newton's method, held back by a ridge."""
    number = sum(each.count for each in grouped)
    held = np.append(np.full(number, ridge), 0.0)
    log_odds, curvature = np.zeros(number + 1), np.diag(held)
    least = loss(log_odds, places, rows, held)
    for _ in range(STEPS):
        slope, curvature = derivatives(log_odds, places, rows, held)
        step = np.linalg.solve(curvature, slope)
        for _ in range(HALVINGS):
            found = loss(log_odds - step, places, rows, held)
            if found <= least:
                break
            step /= 2
        log_odds, least = log_odds - step, found
        if np.abs(step).max() < CLOSE:
            break
    return Fit(log_odds, np.linalg.inv(curvature))


def loss(log_odds: np.ndarray, places: np.ndarray, rows: Profiles, held: np.ndarray) -> float:
    """Return the log loss of all rows, with the ridge."""
    return log_loss(log_odds[places].sum(axis=1) + log_odds[-1], rows) + float(held @ log_odds**2) / 2


def log_loss(sums: np.ndarray, rows: Profiles) -> float:
    """Return the log loss of all rows."""
    # the logarithm of 1 + e^sum, without overflow
    above = np.maximum(sums, 0.0) + np.log1p(np.exp(-np.abs(sums)))
    return float(rows.weights @ (above - rows.y * sums))


def derivatives(
    log_odds: np.ndarray, places: np.ndarray, rows: Profiles, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope and the curvature of the loss."""
    sums = np.clip(log_odds[places].sum(axis=1) + log_odds[-1], -LARGEST, LARGEST)
    probability = 1.0 / (1.0 + np.exp(-sums))
    above = rows.weights * (probability - rows.y)
    curved = rows.weights * probability * (1.0 - probability)
    every = np.column_stack([places, np.full(len(places), len(log_odds) - 1)])
    ends = np.arange(len(every) + 1) * every.shape[1]
    columns = csr_array((np.ones(every.size), every.ravel(), ends), shape=(len(every), len(log_odds)))
    weighed = csr_array((np.repeat(curved, every.shape[1]), every.ravel(), ends), shape=columns.shape)
    return columns.T @ above + held * log_odds, (columns.T @ weighed).toarray() + np.diag(held)
