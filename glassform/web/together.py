"""Two fields together, as the scorecard draws them: a few lines, one per level of a field, and a table to read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from glassform.fitted.pairs import Pair, Side
from glassform.fitted.titles import both, pair_title, titles_together
from glassform.records.field import NOT_KNOWN, Field, Record
from glassform.records.schema import Schema
from glassform.web.charts import Scale
from glassform.web.ledger import valued

MOST_LINES = 8  # of one chart; of more levels those are drawn whose points lie furthest apart

Matrix = Sequence[Sequence[float]]  # points, a row per level along the chart, a column per line


@dataclass(frozen=True)
class Dot:
    """A level's place on a line, in percent, and where the line to the rows before and after crosses their border."""

    line: int
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
    drawn: Sequence[int]
    charts: Sequence[Chart]
    is_turned: bool
    picked: tuple[int, int]
    ends: tuple[float, float] | None
    mark: float | None

    @property
    def lines(self) -> list[str]:
        """The titles of the lines that are drawn."""
        return [self.columns[place] for place in self.drawn]

    def cell(self, row: int, column: int) -> str:
        """Return the name of a cell: its row and its column in the pair."""
        return f"{column}.{row}" if self.is_turned else f"{row}.{column}"


def scale_of(pairs: Iterable[Mapping[str, Pair]]) -> Scale:
    """Return the scale of all charts of pairs; `pairs` has those of each class."""
    return Scale.over(
        points for several in pairs for pair in several.values() for row in pair.log_odds for points in row
    )


def together(dictionary: Schema, record: Record, by_class: Mapping[str, Pair], scale: Scale) -> Together:
    """Draw a pair.

    Parameters
    ----------
    by_class
        The pair's points for each class; for a table of one sum, for "".
    """
    first = next(iter(by_class.values()))
    turned = is_turned(first)
    titles = [
        [*map(partial(with_unit, dictionary.by_name[side.feature], side), each)]
        for side, each in zip(first.sides, titles_together(dictionary, first), strict=True)
    ]
    places = [side.cell(record[side.feature]) for side in first.sides]
    fields = [dictionary.by_name[name] for name in first.features]
    text = both(*(valued(field, record[field.name]) for field in fields))
    along, across = fields[::-1] if turned else fields
    rows, columns = titles[::-1] if turned else titles
    row, column = places[::-1] if turned else places
    matrices = {label: oriented(pair, turned) for label, pair in by_class.items()}
    drawn = furthest_apart([*matrices.values()])
    side = first.sides[turned]
    ends = None if side.levels else ends_of(along)
    charts = [
        Chart(
            label,
            points,
            polylines(points, drawn, side.ranges, ends, scale) if ends else (),
            () if ends else dots(points, drawn, scale),
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
        drawn,
        charts,
        turned,
        (row, column),
        ends,
        mark(record[along.name], ends),
    )


def with_unit(field: Field, side: Side, title: str) -> str:
    """Return the title of a level, that of a range with its unit."""
    is_range = not side.levels and title != field.title_of(NOT_KNOWN)
    return f"{title} {field.unit}" if field.unit and is_range else title


def is_turned(pair: Pair) -> bool:
    """Tell whether the second field goes along the chart: a number before a category, else that of more levels."""
    first, second = pair.sides
    if bool(first.levels) != bool(second.levels):
        return bool(first.levels)
    return second.number > first.number


def oriented(pair: Pair, turned: bool) -> Matrix:
    """Return the points of a pair with a row for each level along its chart."""
    return [*zip(*pair.log_odds, strict=True)] if turned else pair.log_odds


def furthest_apart(matrices: Sequence[Matrix]) -> list[int]:
    """Return the columns that are drawn, in order: all or, of many, those whose points lie furthest apart."""
    columns = range(len(matrices[0][0]))
    reach = [
        max(max(row[each] for row in points) - min(row[each] for row in points) for points in matrices)
        for each in columns
    ]
    return sorted(sorted(columns, key=lambda each: -reach[each])[:MOST_LINES])


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
    points: Matrix,
    drawn: Sequence[int],
    ranges: Sequence[tuple[float | None, float | None]],
    ends: tuple[float, float],
    scale: Scale,
) -> list[str]:
    """Return a polyline of steps for each column that is drawn; a gap has no place on it."""
    low, high = ends
    across = Scale(low, high)
    found = []
    for column in drawn:
        corners = []
        for row, (begin, end) in enumerate(ranges):
            left, right = (low if begin is None else max(begin, low)), (high if end is None else min(end, high))
            if left <= right:
                height = round(100 - scale.at(points[row][column]), 3)
                corners += [f"{x},{height}" for x in across.places([left, right])]
        found.append(" ".join(corners))
    return found


def dots(points: Matrix, drawn: Sequence[int], scale: Scale) -> list[list[Dot]]:
    """Return a row of dots for each row, one on each line."""
    lines = [scale.places(row[column] for row in points) for column in drawn]
    found: list[list[Dot]] = [[] for _ in points]
    for line, places in enumerate(lines):
        borders = [None, *(round((one + other) / 2, 3) for one, other in pairwise(places)), None]
        for row, (at, above, below) in enumerate(zip(places, borders, borders[1:], strict=False)):
            found[row].append(Dot(line, at, above, below))
    return found
