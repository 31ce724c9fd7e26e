"""Two fields together, as the scorecard draws them: a few lines, one per level of a field, and a table to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from glassform.fitted.pairs import Pair
from glassform.fitted.titles import beside, pair_title, titles_together
from glassform.records.field import NOT_KNOWN, Field, Record
from glassform.records.schema import Schema
from glassform.web.charts import Scale

MOST_LINES = 5  # of one chart; of more levels those are drawn whose points lie furthest apart, and the one picked
NARROWEST = (
    0.4  # of the range of all pairs: no chart's scale is narrower, or it would blow up what is next to nothing
)

Matrix = Sequence[Sequence[float]]  # points, a row per level along the chart, a column per line


@dataclass(frozen=True)
class Dot:
    """A level's place on a line, in percent, and where the line to the rows before and after crosses their border."""

    at: float
    above: float | None
    below: float | None


@dataclass(frozen=True)
class Chart:
    """The points of one class, or of the only sum there is: in numbers, and as polylines or as rows of dots."""

    label: str
    points: Matrix
    polylines: Sequence[str]
    dots: Sequence[Sequence[Dot]]
    own: float


@dataclass(frozen=True)
class Together:
    """A pair of fields with what is picked of both.

    Levels of `along` are the rows of its tables and, if they are numbers, go from left to right in its charts; those
    of `across` are the columns and the lines. `is_turned` tells whether `along` is the pair's second field. `picked`
    is the row and the column of the record, `mark` where its number stands along the chart, in percent. `ends` are
    those of the numbers along the chart.
    """

    name: str
    title: str
    text: str
    along: Field
    across: Field
    rows: Sequence[str]
    columns: Sequence[str]
    colours: Sequence[int]
    scale: Scale
    charts: Sequence[Chart]
    is_turned: bool
    picked: tuple[int, int]
    ends: tuple[float, float] | None
    mark: float | None

    @property
    def most(self) -> int:
        """How many lines are drawn, whatever is picked."""
        return min(len(self.columns), MOST_LINES)

    @property
    def lines(self) -> list[tuple[int, int]]:
        """The number and the colour of each line, in order of colours."""
        return sorted(enumerate(self.colours), key=itemgetter(1))

    def cell(self, row: int, column: int) -> str:
        """Return the name of a cell: its row and its column in the pair."""
        return f"{column}.{row}" if self.is_turned else f"{row}.{column}"


def drawn_together(dictionary: Schema, record: Record, tables: Mapping[str, Mapping[str, Pair]]) -> list[Together]:
    """Draw every pair, the widest first; `tables` has the pairs of each class or, of one sum, those of ""."""
    names = [*next(iter(tables.values()))]
    by_class = [{label: pairs[name] for label, pairs in tables.items()} for name in names]
    scales = [Scale.over(chain(*(chain(*pair.log_odds) for pair in each.values()))) for each in by_class]
    widest = max((scale.high - scale.low for scale in scales), default=0.0)
    ordered = sorted(zip(by_class, scales, strict=True), key=lambda each: each[1].low - each[1].high)
    return [together(dictionary, record, each, widened(scale, NARROWEST * widest)) for each, scale in ordered]


def widened(scale: Scale, least: float) -> Scale:
    """Return a scale that is not narrower than the least width."""
    room = max(least - (scale.high - scale.low), 0.0) / 2
    return Scale(scale.low - room, scale.high + room)


def together(dictionary: Schema, record: Record, by_class: Mapping[str, Pair], scale: Scale) -> Together:
    """Draw a pair.

    Parameters
    ----------
    by_class
        The pair's points for each class; for a table of one sum, for "".
    """
    first = next(iter(by_class.values()))
    turned = is_turned(first)
    titles = titles_together(dictionary, first)
    places = [side.cell(record[side.feature]) for side in first.sides]
    fields = [dictionary.by_name[name] for name in first.features]
    text = beside(dictionary, first.features, [record[name] for name in first.features])
    along, across = fields[::-1] if turned else fields
    rows, columns = titles[::-1] if turned else titles
    columns = [range_with_unit(across, title) for title in columns]
    row, column = places[::-1] if turned else places
    matrices = {label: oriented(pair, turned) for label, pair in by_class.items()}
    colours = coloured([*matrices.values()])
    side = first.sides[turned]
    ends = None if side.levels else ends_of(along)
    charts = [
        Chart(
            label,
            points,
            polylines(points, side.ranges, ends, scale) if ends else (),
            () if ends else dots(points, scale),
            scale.at(points[row][column]),
        )
        for label, points in matrices.items()
    ]
    return Together(
        first.name,
        pair_title(dictionary, first.features),
        text,
        along,
        across,
        rows,
        columns,
        colours,
        scale,
        charts,
        turned,
        (row, column),
        ends,
        mark(record[along.name], ends),
    )


def range_with_unit(field: Field, title: str) -> str:
    """Return the title of a level, that of a range with its unit."""
    is_range = not field.categories and title != field.title_of(NOT_KNOWN)
    return f"{title} {field.unit}" if field.unit and is_range else title


def is_turned(pair: Pair) -> bool:
    """Tell whether the second field goes along the chart: a number before a category, else that of more levels."""
    first, second = pair.sides
    if bool(first.levels) != bool(second.levels):
        return bool(first.levels)
    return second.number > first.number


def oriented(pair: Pair, turned: bool) -> Matrix:
    """Return the points of a pair with a row for each level along its chart."""
    return transposed(pair.log_odds) if turned else pair.log_odds


def coloured(matrices: Sequence[Matrix]) -> list[int]:
    """Return the colour of each column: 0 to 4, in order, for those that vary most, and 5 for the others."""
    columns = range(len(matrices[0][0]))
    widths = [max(map(width, (column[each] for column in map(transposed, matrices)))) for each in columns]
    shown = sorted(sorted(columns, key=lambda each: -widths[each])[:MOST_LINES])
    return [shown.index(each) if each in shown else MOST_LINES for each in columns]


def width(points: Sequence[float]) -> float:
    """Return how far apart points lie."""
    return max(points) - min(points)


def transposed(points: Matrix) -> Matrix:
    """Return the columns of points as rows."""
    return [*zip(*points, strict=True)]


def ends_of(field: Field) -> tuple[float, float]:
    """Return the ends of a number's chart."""
    low, high = field.bounds
    return float(low), float(high)


def mark(value: Any, ends: tuple[float, float] | None) -> float | None:
    """Return where a number stands along its chart, one outside at its end; nothing, if it is not known."""
    if ends is None or isinstance(value, str):
        return None
    return Scale(*ends).at(min(max(value, ends[0]), ends[1]))


def polylines(
    points: Matrix, ranges: Sequence[tuple[float | None, float | None]], ends: tuple[float, float], scale: Scale
) -> list[str]:
    """Return a polyline of steps for each column; a gap has no place on it."""
    low, high = ends
    across = Scale(low, high)
    limits = [(low if begin is None else begin, high if end is None else end) for begin, end in ranges]
    held = [(row, max(begin, low), min(end, high)) for row, (begin, end) in enumerate(limits)]
    places = [(row, across.places([begin, end])) for row, begin, end in held if begin <= end]
    return [
        " ".join(f"{x},{round(100 - scale.at(column[row]), 3)}" for row, xs in places for x in xs)
        for column in transposed(points)
    ]


def dots(points: Matrix, scale: Scale) -> list[list[Dot]]:
    """Return a row of dots for each row, one on each line."""
    lines = []
    for column in transposed(points):
        places = scale.places(column)
        borders = [None, *(round((one + other) / 2, 3) for one, other in pairwise(places)), None]
        lines.append([Dot(*each) for each in zip(places, borders, borders[1:], strict=False)])
    return [[*row] for row in zip(*lines, strict=True)]
