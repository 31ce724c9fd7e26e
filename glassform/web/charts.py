"""How numbers are drawn and written on a page: positions in percent of a drawing, and signs, and percentages."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

PADDING = 0.03  # of a drawing's width, free on either side


@dataclass(frozen=True)
class Bar:
    """A bar of a drawing, in percent of its width; `rises` tells whether its value is above 0."""

    left: float
    width: float
    rises: bool


@dataclass(frozen=True)
class Scale:
    """A stretch of numbers laid over the width (or height) of a drawing."""

    low: float
    high: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Scale":
        """Return a scale that holds all the numbers, with a little room at either end."""
        every = [*numbers]
        room = PADDING * (max(every) - min(every) or 1.0)
        return cls(min(every) - room, max(every) + room)

    @classmethod
    def over(cls, numbers: Iterable[float]) -> "Scale":
        """Return a scale that holds all the numbers, and 0, with a little room at either end."""
        return cls.of([0.0, *numbers])

    def at(self, number: float) -> float:
        """Return where a number stands, in percent."""
        return round(100 * (number - self.low) / (self.high - self.low), 3)

    def bar(self, begin: float, end: float) -> Bar:
        """Return the bar between two numbers."""
        left, right = sorted((self.at(begin), self.at(end)))
        return Bar(left, round(right - left, 3), end >= begin)


WHOLE = Scale(0.0, 1.0)  # from impossible to certain
FROM_CHANCE = Scale(0.5, 1.0)  # of ROC AUC, from what a coin reaches to perfect


@dataclass(frozen=True)
class Waterfall:
    """A sum drawn as steps: a bar for the start, one per term, one for the total; `zero` is where 0 stands."""

    start: Bar
    terms: list[Bar]
    total: Bar
    zero: float


def waterfall(start: float, terms: Sequence[float]) -> Waterfall:
    """Draw start + terms = total: each term's bar begins where the one before it ended."""
    sums = list(accumulate(terms, initial=start))
    scale = Scale.over(sums)
    return Waterfall(
        scale.bar(0, start), [scale.bar(*step) for step in pairwise(sums)], scale.bar(0, sums[-1]), scale.at(0)
    )


@dataclass(frozen=True)
class Plot:
    """A drawing with axes for numbers from 0 to 1 both ways, in the units of its SVG."""

    width: int = 400
    height: int = 320
    left: int = 58
    right: int = 22
    top: int = 12
    bottom: int = 52

    def x(self, share: float) -> float:
        """Return how far to the right a number stands."""
        return round(self.left + share * (self.width - self.left - self.right), 2)

    def y(self, share: float) -> float:
        """Return how far down a number stands."""
        return round(self.top + (1 - share) * (self.height - self.top - self.bottom), 2)

    def line(self, xs: Iterable[float | None], ys: Iterable[float | None], top: float = 1.0) -> str:
        """Return the points of a polyline, `top` being the highest y; it skips what is unknown."""
        pairs = zip(xs, ys, strict=True)
        return " ".join(f"{self.x(x)},{self.y(y / top)}" for x, y in pairs if x is not None and y is not None)


PLOT = Plot()


def polyline(xs: Sequence[float], ys: Sequence[float], scale: Scale) -> str:
    """Return the points of an SVG polyline over a drawing of 100 by 100: x from end to end, y upwards on a scale."""
    across = Scale(min(xs), max(xs))
    return " ".join(f"{across.at(x)},{round(100 - scale.at(y), 3)}" for x, y in zip(xs, ys, strict=True))


def signed(number: float, digits: int = 4) -> str:
    """Write a number with its sign, a real minus."""
    return f"{number:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def decimals(spread: float) -> int:
    """Return how many decimals tell numbers apart that are spread so widely: three digits of the spread."""
    return max(0, 2 - math.floor(math.log10(spread))) if spread > 0 else 2


def figure(number: float, digits: int) -> str:
    """Write a number with its thousands apart and a real minus."""
    return f"{number:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def telling(number: float) -> str:
    """Write a number in any unit with four decimals, two if it is large, and three digits if it is tiny."""
    size = abs(number)
    return figure(number, 2 if size >= 10 else 4 if size >= 0.01 or not size else decimals(size))


def shares(curve: Sequence[tuple[Any, dict[str, Any]]], labels: Iterable[str]) -> list[list[float]]:
    """Return the probability of every class along a curve."""
    return [[members["probabilities"][label] for _, members in curve] for label in labels]


def points(several: Sequence[dict[str, Any]], labels: Iterable[str]) -> list[list[float]]:
    """Return the points that values have for every class."""
    return [[each["points"][label] for each in several] for label in labels]


def enough(probability: float) -> int:
    """Return the number of people, a power of ten from 100 on, of whom at least one is on either side."""
    rarer = min(probability, 1 - probability)
    return next(many for many in (100, 1_000, 10_000, 100_000, 1_000_000) if many * rarer >= 1 or many == 1_000_000)


def plain(number: float) -> str:
    """Write a number as a person would type it: all its digits, no exponent."""
    return f"{number:.15f}".rstrip("0").rstrip(".")


def hundredths(share: float) -> str:
    """Write a share, or a difference of shares, in percentage points."""
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")


def thousands(number: float) -> str:
    """Write a number with its thousands apart, and with decimals only if it has any."""
    return f"{number:,.2f}".removesuffix(".00")


def percent(probability: float) -> str:
    """Write a probability as a percentage: one decimal, two where it is nearly 0 or 1, none at these."""
    if probability in (0, 1):
        return f"{100 * probability:.0f}%"
    digits = 1 if 0.01 <= probability <= 0.99 else 2
    return f"{100 * probability:.{digits}f}%"
