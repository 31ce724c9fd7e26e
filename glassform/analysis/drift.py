"""Drift: the population stability index between training data and requests, with a verdict."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from glassform.fitted.base import Fitted
from glassform.records.field import NOT_KNOWN, Record, Value

MODERATE, LARGE = 0.1, 0.25  # the customary limits (Siddiqi, Credit Risk Scorecards, 2006)
HALF = 0.5  # added to every bin, so that an empty one has a logarithm
NORMAL_95 = 1.6448536269514722  # quantile of the standard normal distribution
STEADY, MOVED, SHIFTED, UNSURE = "steady", "moved", "shifted", "unsure"


@dataclass(frozen=True)
class Bin:
    """A bin of values: its count in the training data and in the requests.

    For numbers it reaches from `low` to the next bin's; else `low` is its one value. Numbers outside of what was seen
    have bins of their own, before and after all others, which begin at the smallest of them.
    """

    low: Value
    trained: float
    asked: float


@dataclass(frozen=True)
class Drift:
    """One field or the score: its bins and their drift."""

    bins: Sequence[Bin]

    @property
    def trained(self) -> float:
        """The number of training rows."""
        return sum(each.trained for each in self.bins)

    @property
    def asked(self) -> float:
        """The number of requests."""
        return sum(each.asked for each in self.bins)

    def shares(self, each: Bin) -> tuple[float, float]:
        """Return a bin's share of the training data and of the requests; never quite 0."""
        room = HALF * len(self.bins)
        return (each.trained + HALF) / (self.trained + room), (each.asked + HALF) / (self.asked + room)

    def term(self, each: Bin) -> float:
        """Return what a bin adds to the index."""
        trained, asked = self.shares(each)
        return (asked - trained) * math.log(asked / trained)

    @property
    def psi(self) -> float:
        """The population stability index: 0 if all shares are the same, and never below."""
        return sum(map(self.term, self.bins))

    @property
    def noise(self) -> float:
        """The index's 95% quantile for as many rows drawn from the training data.

        With k bins it is distributed about as chi-squared with k - 1 degrees of freedom, times 1/asked + 1/trained
        (Yurdakul and Naranjo, 2020); that quantile is approximated as by Wilson and Hilferty (1931).
        """
        freedom = len(self.bins) - 1
        if not freedom or not self.asked:
            return math.inf
        cubed = 1 - 2 / (9 * freedom) + NORMAL_95 * math.sqrt(2 / (9 * freedom))
        return freedom * cubed**3 * (1 / self.asked + 1 / self.trained)

    @property
    def verdict(self) -> str:
        """The verdict: steady, moved or shifted; unsure with too few requests."""
        if self.psi <= self.noise:
            return UNSURE if self.noise > LARGE or self.psi >= MODERATE else STEADY
        return STEADY if self.psi < MODERATE else MOVED if self.psi < LARGE else SHIFTED

    @property
    def foremost(self) -> Bin:
        """The bin that adds most to the index."""
        return max(self.bins, key=self.term)


def drift_of(learned: dict[str, Any], values: Iterable[Value], seen: tuple[float, float] | None = None) -> Drift:
    """Compare values with the training distribution in the artifact; `seen` is the range outside of which is none."""
    counts = Counter(values)
    if "bounds" not in learned:
        return Drift([Bin(value, count, counts[value]) for value, count in learned["counts"]])
    bounds, asked, gaps = learned["bounds"], Counter[int](), counts.pop(NOT_KNOWN, 0)
    low, high = seen or (-math.inf, math.inf)
    below, above = ({value: counts.pop(value) for value in side} for side in outside(counts, low, high))
    for value, count in counts.items():
        asked[max(0, bisect_right(bounds, value) - 1)] += count
    pairs = zip(bounds, learned["counts"], strict=True)
    bins = [Bin(low, count, asked[place]) for place, (low, count) in enumerate(pairs)]
    first, last = ([Bin(min(side), 0.0, sum(side.values()))] if side else [] for side in (below, above))
    return Drift([*first, *bins, *last, *([Bin(NOT_KNOWN, learned["gaps"], gaps)] if "gaps" in learned else [])])


def outside(values: Iterable[Any], low: float, high: float) -> tuple[list[Any], list[Any]]:
    """Return the numbers below a range, and those above it."""
    every = [*values]
    return [value for value in every if value < low], [value for value in every if value > high]


def drifts(card: Fitted, records: Sequence[Record]) -> dict[str | None, Drift]:
    """Return the drift of the score, under None, and of every field by name."""
    learned = card.training["distribution"]
    found: dict[str | None, Drift] = {None: drift_of(learned["score"], map(card.score, records))}
    for name, each in learned["fields"].items():
        found[name] = drift_of(each, (record[name] for record in records), card.schema.by_name[name].observed)
    return found
