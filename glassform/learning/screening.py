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
LEAST_Z = 1.0  # of one pair; of all together the square root of twice the logarithm of how many were tried


@dataclass(frozen=True)
class Screened:
    """The pairs that were tried: how many, and of the best what they gain a row and by how many standard errors."""

    tried: int
    best: list[dict[str, Any]]
    together: float
    needed: float

    @property
    def used(self) -> Pairs:
        """The best ones, if together they gain more than chance does."""
        if self.together <= self.needed:
            return ()
        return tuple((first, second) for each in self.best for first, second in [each["pair"]])

    def told(self) -> dict[str, Any]:
        """Return it as a model's file holds it."""
        return {"tried": self.tried, "best": self.best, "together": self.together, "needed": self.needed}


def screened(
    numbers: Mapping[tuple[str, str], np.ndarray],
    residuals: np.ndarray,
    curvatures: np.ndarray,
    weights: np.ndarray,
    part: np.ndarray,
) -> Screened:
    """Try pairs of fields on rows that the steps of their cells were not learned on.

    Parameters
    ----------
    numbers
        By pair, the cell of each row.
    residuals, curvatures
        The first and second derivative of each row's log-likelihood by its sum, a column a class.
    part
        Which part of the rows each is in.
    """
    found = list[dict[str, Any]]()
    gains: dict[tuple[str, str], np.ndarray] = {}
    for pair, cell in numbers.items():
        gain = gains_of(cell, residuals, curvatures, weights, part)
        mean, z = mean_and_z(gain, weights)
        if z > LEAST_Z:
            gains[pair] = gain
            found.append({"pair": pair, "gain": mean, "z": z})
    best = sorted(found, key=lambda each: -each["gain"])[:MOST_PAIRS]
    needed = math.sqrt(2.0 * math.log(max(len(numbers), 1)))
    if not best:
        return Screened(len(numbers), [], 0.0, needed)
    _, together = mean_and_z(np.sum([gains[each["pair"]] for each in best], axis=0), weights)
    return Screened(len(numbers), best, together, needed)


def gains_of(
    cell: np.ndarray, residuals: np.ndarray, curvatures: np.ndarray, weights: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """Return what each row's log-likelihood gains by a step in its cell that the other parts teach."""
    gain = np.zeros(len(cell))
    for g, h in zip(residuals.T, curvatures.T, strict=True):
        slopes, bends = (by_part(cell, part, each * weights) for each in (g, h))
        # what the other parts say
        others, behind = slopes.sum(axis=0) - slopes, bends.sum(axis=0) - bends
        step = (others / (behind + HELD_BACK))[part, cell]
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
