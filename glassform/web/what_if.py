"""What if one value were another: by field, the answer at each of its values, as pages draw and list it."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any

from glassform.fitted.base import Fitted
from glassform.fitted.target import sigmoid, softmax
from glassform.fitted.titles import tidy, titles_of
from glassform.records.field import Field, Record, Value
from glassform.records.schema import CLASSES, NUMBER, Schema
from glassform.web.charts import WHOLE, Bar, Scale, decimals, figures, percents, polyline

FEW = 5  # training rows; a tenth of the range with fewer says little
NARROWEST = 0.02  # of the common scale: no chart is narrower, or it would blow up what is next to nothing
BETWEEN = 8  # steps from one knot of a probability's curve to the next: only its log-odds run in straight lines
MOST_STEPS = 400  # of one curve
SLIVER = 0.02  # of the width: a stretch that is narrower is not worth a word
STRAIGHT = 1e-9  # of a curve's rise; one that is nearer than that to a line is straight

Numbers = Sequence[float]  # of one answer: a probability, a number, or the probability of every class
Curve = Sequence[tuple[Value, Numbers]]


@dataclass(frozen=True)
class WhatIfRow:
    """One value of a field: its title, the answer in words (one per class), and where that stands in percent."""

    value: Value
    title: str
    texts: list[str]
    place: float
    chosen: bool

    @property
    def text(self) -> str:
        """The answer in words, where it is one number."""
        return self.texts[0]


@dataclass(frozen=True)
class WhatIf:
    """What the answer would be at each value of one field.

    `lines` are the polylines of a number, one per class; `ends` those of their scale; `mark` and `own`
    where the record stands, in percent, `mark` None if its value is not known. `few` are the parts of the width
    with few training rows, and `stretches` the same in words.
    """

    field: Field
    rows: list[WhatIfRow]
    spread: float
    lines: Sequence[str] = ()
    ends: tuple[str, str] = ("", "")
    mark: float | None = None
    own: float = 0.0
    is_straight: bool = False
    few: Sequence[Bar] = ()
    stretches: Sequence[str] = ()


def what_ifs(
    card: Fitted,
    schema: Schema,
    record: Record,
    curves: Mapping[str, Sequence[tuple[Value, Mapping[str, Any]]]],
    one_scale: bool = False,
) -> list[WhatIf]:
    """Return what the answer would be at each value of every field, that which moves it most first.

    Each number has a scale of its own or, with `one_scale`, the one of all: 0 to 100% for probabilities.

    Parameters
    ----------
    curves
        As `Fitted.curves` returns them.
    """
    told = {name: [(value, numbers_of(schema.task, said)) for value, said in curve] for name, curve in curves.items()}
    own = numbers_of(schema.task, card.members(record))
    every = [number for curve in told.values() for _, numbers in curve for number in numbers]
    common = Scale.of([*own, *every]) if schema.task == NUMBER else WHOLE
    drawing = Drawing(card, record, own, common, one_scale)
    found = [drawing.of(schema.by_name[name], curve) for name, curve in told.items()]
    return sorted(found, key=attrgetter("spread"), reverse=True)


def numbers_of(task: str, said: Mapping[str, Any]) -> Numbers:
    """Return an answer as numbers: one, or the probability of every class."""
    if task == CLASSES:
        return [*said["probabilities"].values()]
    return [said["prediction" if task == NUMBER else "probability"]]


@dataclass(frozen=True)
class Drawing:
    """How the curves of one record are drawn."""

    card: Fitted
    record: Record
    own: Numbers
    common: Scale
    one_scale: bool

    def of(self, field: Field, curve: Curve) -> WhatIf:
        """Draw the curve of a field."""
        series = [[*each] for each in zip(*(numbers for _, numbers in curve), strict=True)]
        rows, spread = self.rows(field, curve), max(max(each) - min(each) for each in series)
        if field.categories:
            ranked = sorted(rows, key=attrgetter("place"), reverse=True) if len(series) == 1 else rows
            return WhatIf(field, ranked, spread)
        values = [float(value) for value, _ in curve]
        chosen, across = self.record[field.name], Scale(values[0], values[-1])
        scale = self.common if self.one_scale else own_scale([*self.own, *chain(*series)], self.common)
        is_linear, task = self.card.is_additive and not field.values, self.card.schema.task
        few = stretches_with_few_rows(learned(self.card, field.name), across)
        return WhatIf(
            field,
            rows,
            spread,
            lines=lines(values, series, scale, task if is_linear else NUMBER),
            ends=self.ends(scale),
            # a number outside of what was seen is marked at the end
            mark=None if isinstance(chosen, str) else across.at(min(max(chosen, across.low), across.high)),
            own=scale.at(self.own[0]),
            is_straight=self.card.is_additive and is_straight(values, series, task),
            few=[across.bar(*ends) for ends in few],
            stretches=[f"{tidy(low)} \N{EN DASH} {tidy(high)}" for low, high in few],
        )

    def ends(self, scale: Scale) -> tuple[str, str]:
        """Write the ends of a scale, in few digits: there is little room."""
        if self.card.schema.task == NUMBER:
            low, high = self.written([scale.low, scale.high])
            return low, high
        low, high = (f"{round(100 * end, 3 if end >= 0.01 else 2):.3g}%" for end in (scale.low, scale.high))
        return low, high

    def rows(self, field: Field, curve: Curve) -> list[WhatIfRow]:
        """Return the rows of a field's table."""
        chosen = self.record[field.name]
        titles = (
            [field.title_of(value) for value, _ in curve]
            if field.categories
            else titles_of([value for value, _ in curve])
        )
        return [
            WhatIfRow(value, title, self.written(numbers), self.common.at(numbers[0]), value == chosen)
            for title, (value, numbers) in zip(titles, curve, strict=True)
        ]

    def written(self, numbers: Numbers) -> list[str]:
        """Write answers."""
        if self.card.schema.task == NUMBER:
            return figures(numbers, decimals(self.card.training["deviation"]))
        return percents(numbers)


def lines(xs: Sequence[float], series: Sequence[Numbers], scale: Scale, task: str) -> list[str]:
    """Return the polylines of a number's curves; those of probabilities bend between knots."""
    if task != NUMBER and len(xs) * BETWEEN <= MOST_STEPS:
        with suppress(ValueError):
            places = [x + (right - x) * step / BETWEEN for x, right in pairwise(xs) for step in range(BETWEEN)]
            sums = [*zip(*(between_knots(ys) for ys in raw(series, task)), strict=True)]
            shares = [[sigmoid(*each)] if len(series) == 1 else softmax([0.0, *each]) for each in sums]
            return [polyline([*places, xs[-1]], each, scale) for each in zip(*shares, strict=True)]
    return [polyline(xs, each, scale) for each in series]


def between_knots(ys: Sequence[float]) -> list[float]:
    """Return the heights of knots with those on the straight lines between them."""
    steps = [y + (right - y) * step / BETWEEN for y, right in pairwise(ys) for step in range(BETWEEN)]
    return [*steps, ys[-1]]


def own_scale(numbers: Sequence[float], common: Scale) -> Scale:
    """Return the scale of one curve: its own range, not too narrow; probabilities stay within 0 to 1."""
    scale = Scale.of(numbers)
    lack = NARROWEST * (common.high - common.low) - (scale.high - scale.low)
    room = max(lack, 0.0) / 2
    low, high = scale.low - room, scale.high + room
    return Scale(max(low, 0.0), min(high, 1.0)) if common is WHOLE else Scale(low, high)


def learned(card: Fitted, name: str) -> Mapping[str, Any]:
    """Return how the training rows are distributed over a field; nothing, if the model's file does not say."""
    found: Mapping[str, Any] = card.training.get("distribution", {}).get("fields", {}).get(name, {})
    return found


def stretches_with_few_rows(distribution: Mapping[str, Any], drawn: Scale) -> list[tuple[float, float]]:
    """Return the stretches of a number's range that hold few training rows, in order."""
    found: list[tuple[float, float]] = []
    for low, high, count in bins_of(distribution, drawn):
        low, high = max(low, drawn.low), min(high, drawn.high)
        if low < high and count < FEW:
            begin = found.pop()[0] if found and found[-1][1] == low else low
            found.append((begin, high))
    return [(low, high) for low, high in found if high - low > SLIVER * (drawn.high - drawn.low)]


def bins_of(distribution: Mapping[str, Any], drawn: Scale) -> list[tuple[float, float, float]]:
    """Return the bins of a number's training rows, each with the rows that a tenth of what is drawn would hold there.

    Where the file of an older model has only bins of about as many rows each, those are taken.
    """
    if even := distribution.get("evenly"):
        width = (even["high"] - even["low"]) / len(even["counts"])
        edges = [even["low"] + place * width for place in range(len(even["counts"]))] + [even["high"]]
        inside = zip(edges[:-1], edges[1:], even["counts"], strict=True)
        return [(drawn.low, even["low"], 0.0), *inside, (even["high"], drawn.high, 0.0)]
    edges = [*distribution.get("bounds", ()), drawn.high]
    tenth = (drawn.high - drawn.low) / 10
    return [
        (low, high, count * tenth / (high - low))
        for (low, high), count in zip(pairwise(edges), distribution.get("counts", ()), strict=True)
        if low < high
    ]


def is_straight(values: Sequence[float], series: Sequence[Numbers], task: str) -> bool:
    """Tell whether the points behind a curve run in one straight line."""
    if len(values) <= 2:
        return True
    try:
        heights = raw(series, task)
    except ValueError:  # the logarithm of 0
        return False
    return all(is_line(values, ys) for ys in heights)


def raw(series: Sequence[Numbers], task: str) -> list[list[float]]:
    """Return the sums behind curves, but for a constant: numbers as they are, probabilities as log-odds.

    Raises
    ------
    ValueError
        If a probability is 0 or 1.
    """
    if task == NUMBER:
        return [[*each] for each in series]
    if len(series) == 1:
        return [[math.log(share) - math.log(1 - share) for share in series[0]]]
    first, *others = ([math.log(share) for share in each] for each in series)
    return [[y - y0 for y, y0 in zip(each, first, strict=True)] for each in others]


def is_line(xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Tell whether points lie on the line through the first and the last."""
    slope = (ys[-1] - ys[0]) / (xs[-1] - xs[0])
    allowed = STRAIGHT * max(1.0, *map(abs, ys))
    return all(abs(ys[0] + slope * (x - xs[0]) - y) <= allowed for x, y in zip(xs, ys, strict=True))
