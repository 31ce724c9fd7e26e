"""Which pairs of fields say more together than apart, told from what is left of the outcomes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassform.learning.shapes import Pairs

HELD_BACK = 33.0  # rows that say nothing, in each cell
PARTS = 4  # of the rows: steps are learned on three and tried on the fourth
MOST_PAIRS = 5
LEAST_Z = 1.0  # standard errors that one pair must gain
SHUFFLES = 19  # none of which may gain as much together: one in twenty, by chance
SEED = 0
Cells = Mapping[tuple[str, str], np.ndarray]  # by pair, the cell of each row


@dataclass(frozen=True)
class Rows:
    """What is left of the outcomes.

    `residuals` and `curvatures` are the first and second derivative of each row's log-likelihood by its sum, a column
    a class; `part` is the part of the rows that each is in.
    """

    residuals: np.ndarray
    curvatures: np.ndarray
    weights: np.ndarray
    part: np.ndarray

    def shuffled(self, order: np.ndarray) -> "Rows":
        """Return the same left over by other rows, so that no cell says anything but by chance."""
        return Rows(self.residuals[order], self.curvatures[order], self.weights[order], self.part[order])


@dataclass(frozen=True)
class Screened:
    """The pairs that were tried: how many, and of the best what they gain a row and by how many standard errors.

    `together` is the standard errors of what all of these gain; `by_chance` the most that they did when what is left
    of the outcomes was shuffled.
    """

    tried: int
    best: list[dict[str, Any]]
    together: float
    by_chance: float

    @property
    def used(self) -> Pairs:
        """The best ones, if together they gain more than by chance."""
        return tuple(each["pair"] for each in self.best) if self.together > self.by_chance else ()

    def told(self) -> dict[str, Any]:
        """Return it as a model's file holds it."""
        return {"tried": self.tried, "best": self.best, "together": self.together, "by_chance": self.by_chance}


def screened(cells: Cells, rows: Rows) -> Screened:
    """Try pairs of fields on rows that the steps of their cells were not learned on."""
    if are_counts(rows.weights):
        # rows that were counted together are shuffled one by one, as chance would do
        each = np.repeat(np.arange(len(rows.weights)), rows.weights.astype(np.int64))
        cells = {pair: cell[each] for pair, cell in cells.items()}
        rows = Rows(rows.residuals[each], rows.curvatures[each], np.ones(len(each)), rows.part[each])
    best, together = best_of(cells, rows)
    chance = np.random.default_rng(SEED)
    by_chance = 0.0
    for _ in range(SHUFFLES if best else 0):
        order = chance.permutation(len(rows.weights))
        by_chance = max(by_chance, best_of(cells, rows.shuffled(order))[1])
        if by_chance >= together:
            break
    return Screened(len(cells), best, together, by_chance)


def are_counts(weights: np.ndarray) -> bool:
    """Tell whether weights count rows; others, of a survey for instance, may be any numbers."""
    return bool((weights % 1 == 0).all())


def best_of(cells: Cells, rows: Rows) -> tuple[list[dict[str, Any]], float]:
    """Return the pairs that gain most, and by how many standard errors all of them do."""
    found = list[tuple[dict[str, Any], np.ndarray]]()
    for pair, cell in cells.items():
        gain = gains_of(cell, rows)
        mean, z = mean_and_z(gain, rows.weights)
        if z > LEAST_Z:
            found.append(({"pair": pair, "gain": mean, "z": z}, gain))
    found = sorted(found, key=lambda each: -each[0]["gain"])[:MOST_PAIRS]
    if not found:
        return [], 0.0
    _, together = mean_and_z(np.sum([gain for _, gain in found], axis=0), rows.weights)
    return [told for told, _ in found], together


def gains_of(cell: np.ndarray, rows: Rows) -> np.ndarray:
    """Return what each row's log-likelihood gains by a step in its cell that the other parts teach."""
    gain = np.zeros(len(cell))
    for g, h in zip(rows.residuals.T, rows.curvatures.T, strict=True):
        slopes, bends = (by_part(cell, rows.part, each * rows.weights) for each in (g, h))
        # what the other parts say
        others, behind = slopes.sum(axis=0) - slopes, bends.sum(axis=0) - bends
        step = (others / (behind + HELD_BACK))[rows.part, cell]
        gain += step * g - h * step**2 / 2
    return gain


def by_part(cell: np.ndarray, part: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Return the sum of amounts in each cell, by part."""
    width = int(cell.max()) + 1
    return np.bincount(part * width + cell, amounts, minlength=PARTS * width).reshape(PARTS, width)


def mean_and_z(gain: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the mean gain, and how many of its standard errors it is."""
    total = weights.sum()
    mean = float(gain @ weights / total)
    variance = float((gain - mean) ** 2 @ weights / total)
    return mean, mean / math.sqrt(variance / total) if variance > 0.0 else 0.0
