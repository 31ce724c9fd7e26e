"""How good guesses were: Brier scores with their intervals, and calibration."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from typing_extensions import TypedDict

FEWEST = 5  # people behind any figure
BINS = 5  # of the calibration, each as wide as the others
NORMAL = 1.96  # deviations to either side that 95 of 100 lie within

Told = tuple[float, int]  # a probability somebody said, and how it turned out


class Score(TypedDict):
    """A Brier score (the mean squared error of probabilities), its 95% interval, and the number behind it."""

    score: float
    interval: tuple[float, float] | None
    count: int


class Bin(TypedDict):
    """Probabilities between two bounds: how many, their mean, and the share that came true."""

    low: float
    high: float
    count: int
    predicted: float
    actual: float


def brier(told: Sequence[Told]) -> Score:
    """Return the Brier score of some probabilities."""
    losses = [(probability - truth) ** 2 for probability, truth in told]
    count = len(losses)
    score = math.fsum(losses) / count
    if count < 2:
        return {"score": score, "interval": None, "count": count}
    deviation = math.sqrt(math.fsum((loss - score) ** 2 for loss in losses) / (count - 1))
    margin = NORMAL * deviation / math.sqrt(count)
    return {"score": score, "interval": (max(score - margin, 0.0), min(score + margin, 1.0)), "count": count}


def calibration(told: Sequence[Told], whose: Sequence[int] | None = None, fewest: int = FEWEST) -> list[Bin]:
    """Return, by range of probability, what was said and what came true.

    Ranges are left out in which too few said something; `whose` names who said each, if that matters.
    """
    edges = [place / BINS for place in range(1, BINS)]
    bins: list[list[Told]] = [[] for _ in range(BINS)]
    people: list[set[int]] = [set() for _ in range(BINS)]
    for each, who in zip(told, range(len(told)) if whose is None else whose, strict=True):
        place = bisect_left(edges, each[0])
        bins[place].append(each)
        people[place].add(who)
    return [
        {
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "count": len(held),
            "predicted": math.fsum(probability for probability, _ in held) / len(held),
            "actual": sum(truth for _, truth in held) / len(held),
        }
        for place, held in enumerate(bins)
        if len(people[place]) >= fewest
    ]
