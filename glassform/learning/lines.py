"""The lines of a paper card: cells of every field, merged where they say nearly the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from glassform.learning.recipe import Profiles, regression
from glassform.learning.shapes import NO_RULE, Cells, Rule, sign_of
from glassform.learning.tabulate import covariance_at
from glassform.records.field import NOT_KNOWN
from glassform.records.schema import BINARY

BY_CHANCE = 2.0  # of chi squared, where one line less is as likely (AIC): two that differ by less become one
BACKWARDS = -1.0  # in its place, of two lines that a rule of shape has the other way round
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
    """Fit the log-odds of all lines, held back by a ridge."""
    number = sum(each.count for each in grouped)
    ends = np.arange(len(places) + 1) * places.shape[1]
    lines = csr_array((np.ones(places.size), places.ravel(), ends), shape=(len(places), number))
    model = regression(BINARY, 1.0 / ridge).fit(lines, rows.y, sample_weight=rows.weights)
    design = csr_array(hstack([np.ones((len(places), 1)), lines]))
    covariance = covariance_at(design, model.predict_proba(lines)[:, 1], rows.weights, ridge)
    return Fit(np.append(model.coef_[0], model.intercept_), np.roll(covariance, -1, axis=(0, 1)))
