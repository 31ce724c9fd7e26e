"""How pages draw and write numbers: positions in percent, signs, percentages."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any

from glassform.fitted.titles import in_sentence as in_sentence
from glassform.fitted.titles import tidy as tidy

PADDING = 0.03  # of a drawing's width, left free on either side


@dataclass(frozen=True)
class Bar:
    """A bar of a drawing, in percent of its width; `rises` tells whether its value is above 0."""

    left: float
    width: float
    rises: bool


@dataclass(frozen=True)
class Scale:
    """A range of numbers across the width (or height) of a drawing."""

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
        """Return a number's position in percent."""
        return self.places([number])[0]

    def places(self, numbers: Iterable[float]) -> list[float]:
        """Return the positions of several numbers in percent, in one call: a page has hundreds."""
        low, width = self.low, self.high - self.low
        return [round(100 * (number - low) / width, 3) for number in numbers]

    def bar(self, begin: float, end: float) -> Bar:
        """Return the bar between two numbers."""
        left, right = sorted(self.places((begin, end)))
        return Bar(left, round(right - left, 3), end >= begin)


WHOLE = Scale(0.0, 1.0)  # from impossible to certain
FROM_CHANCE = Scale(0.5, 1.0)  # of ROC AUC: 0.5 is a coin's


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
    bars = [scale.bar(begin, end) for begin, end in ((0.0, start), *pairwise(sums), (0.0, sums[-1]))]
    return Waterfall(bars[0], bars[1:-1], bars[-1], scale.at(0))


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
        """Return a number's x position."""
        return round(self.left + share * (self.width - self.left - self.right), 2)

    def y(self, share: float) -> float:
        """Return a number's y position."""
        return round(self.top + (1 - share) * (self.height - self.top - self.bottom), 2)

    def line(self, xs: Iterable[float | None], ys: Iterable[float | None], top: float = 1.0) -> str:
        """Return the points of a polyline, skipping unknown values; `top` is the highest y."""
        pairs = zip(xs, ys, strict=True)
        return " ".join(f"{self.x(x)},{self.y(y / top)}" for x, y in pairs if x is not None and y is not None)


PLOT = Plot()


def polyline(xs: Sequence[float], ys: Sequence[float], scale: Scale) -> str:
    """Return the points of an SVG polyline over a drawing of 100 by 100: x from end to end, y upwards on a scale."""
    across, up = Scale(min(xs), max(xs)).places(xs), scale.places(ys)
    return " ".join([f"{x},{round(100 - y, 3)}" for x, y in zip(across, up, strict=True)])


FURTHEST = 6  # log-odds on either side of 0 that the curve of a probability shows
S_CURVE = " ".join(f"{60 + 9 * x},{round(56 - 52 / (1 + math.exp(-x)), 2)}" for x in range(-FURTHEST, FURTHEST + 1))


def on_s_curve(log_odds: float) -> float:
    """Return where log-odds stand on the curve of a probability, 120 wide; those further out at its end."""
    return round(60 + 9 * min(max(log_odds, -FURTHEST), FURTHEST), 2)


def signed(number: float, digits: int = 4) -> str:
    """Write a number with its sign, its thousands apart and a true minus."""
    return f"{number:+,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def decimals(spread: float) -> int:
    """Return the decimals to write numbers with: three significant digits of their spread."""
    return max(0, 2 - math.floor(math.log10(spread))) if spread > 0 else 2


def figure(number: float, digits: int) -> str:
    """Write a number with its thousands apart and a real minus."""
    return figures([number], digits)[0]


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


MOST_LIKELY = 5  # classes that an answer lists


def likely(probabilities: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the most probable classes, the likeliest first."""
    return sorted(probabilities.items(), key=itemgetter(1), reverse=True)[:MOST_LIKELY]


def held(place: float) -> float:
    """Return a place on a drawing, or the end that it lies beyond."""
    return min(max(place, 0.0), 100.0)


def enough(probability: float) -> int:
    """Return a round number of people, from 100 up, with at least one expected on either side."""
    rarer = min(probability, 1 - probability)
    return next(many for many in (100, 1_000, 10_000, 100_000, 1_000_000) if many * rarer >= 1 or many == 1_000_000)


def plain(number: float) -> str:
    """Write a number as a person would type it: all its digits, no exponent."""
    return f"{number:.15f}".rstrip("0").rstrip(".")


def bound(number: float) -> str:
    """Write the end of a range with six digits, and without an exponent while that stays short."""
    text = f"{number:.6g}"
    return plain(float(text)) if "e" in text and 1e-9 <= abs(number) < 1e15 else text


def hundredths(share: float) -> str:
    """Write a share, or a difference of shares, in percentage points."""
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")


def thousands(number: float) -> str:
    """Write a number with its thousands apart, and with decimals only if it has any."""
    return f"{number:,.2f}".removesuffix(".00")


def percent(probability: float) -> str:
    """Write a probability as a percentage: one decimal, two where it is nearly 0 or 1, none at these."""
    return percents([probability])[0]


def percents(probabilities: Iterable[float]) -> list[str]:
    """Write several probabilities as percentages, in one call."""
    written = []
    for share in probabilities:
        digits = 1 if 0.01 <= share <= 0.99 else 2 if 0 < share < 1 else 0
        written.append(f"{100 * share:.{digits}f}%")
    return written


def figures(numbers: Iterable[float], digits: int) -> list[str]:
    """Write several numbers with their thousands apart and a real minus, in one call."""
    return [f"{number:,.{digits}f}".replace("-", "\N{MINUS SIGN}") for number in numbers]


def as_typed(probability: float) -> str:
    """Write a probability as a person would type it: as a percentage, with all its digits."""
    return f"{Decimal(repr(probability)).scaleb(2).normalize():f}%"


def is_just_below(number: float) -> bool:
    """Tell whether a number is the last one before a rounder one, as it is before a jump."""
    return float(f"{number:.12g}") == math.nextafter(number, math.inf)
