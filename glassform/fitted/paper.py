"""The paper card: a model of two classes as whole points, to be added up by hand."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

from glassform.fitted.pairs import Side
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import NOT_KNOWN, Record, Value

POINTS_TO_DOUBLE = 5  # points that double the odds
UNIT = math.log(2.0) / POINTS_TO_DOUBLE  # log-odds of one point


class Line(NamedTuple):
    """One line of a field: its points and the cells that it holds.

    `levels` are categories, or a gap; `ranges` where numbers begin and end, None without an end.
    """

    points: int
    cells: tuple[int, ...]
    levels: tuple[str, ...]
    ranges: tuple[tuple[float | None, float | None], ...]


@dataclass(frozen=True)
class PaperField:
    """One field of the card: the line of each of its cells, and the points of each line."""

    side: Side
    places: tuple[int, ...]
    points: tuple[int, ...]

    @property
    def feature(self) -> str:
        """Its name."""
        return self.side.feature

    def line_of(self, value: Value) -> int:
        """Return the line that holds a value.

        Raises
        ------
        KeyError
            If the field has no such value.
        """
        return self.places[self.side.cell(value)]

    @cached_property
    def lines(self) -> list[Line]:
        """Its lines in order."""
        return [self.line(number) for number in range(len(self.points))]

    def line(self, number: int) -> Line:
        """Return one of its lines."""
        side = self.side
        cells = tuple(cell for cell, line in enumerate(self.places) if line == number)
        levels = side.levels or (*("" for _ in side.ranges), *([NOT_KNOWN] if side.has_gaps else []))
        held = tuple(levels[cell] for cell in cells if levels[cell])
        ranges = () if side.levels else tuple(side.ranges[cell] for cell in cells if cell < len(side.ranges))
        return Line(self.points[number], cells, held, ranges)


@dataclass(frozen=True)
class Paper:
    """The card: the log-odds at sum 0, and every field that has more than one line.

    `measured` holds its scores on the test rows and, by name, those of other models on the same rows.
    """

    offset: float
    fields: tuple[PaperField, ...]
    measured: Any

    @property
    def most(self) -> int:
        """The highest sum."""
        return sum(max(field.points) for field in self.fields)

    def sum_of(self, record: Record) -> int:
        """Return the sum of a record's points."""
        return sum(field.points[field.line_of(record[field.feature])] for field in self.fields)

    def probability(self, total: int) -> float:
        """Return the probability of the positive class at a sum."""
        return sigmoid(self.offset + UNIT * total)

    @cached_property
    def probabilities(self) -> Sequence[float]:
        """The probability at every sum from 0 on."""
        return [self.probability(total) for total in range(self.most + 1)]

    def written(self) -> dict[str, Any]:
        """Return what a model's file holds of it: lists, as they come back from there."""
        held: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return held

    @classmethod
    def read(cls, written: dict[str, Any]) -> Self:
        """Return what `written` wrote."""
        fields = (
            PaperField(
                Side(
                    each["side"]["feature"],
                    tuple(each["side"]["levels"]),
                    tuple(each["side"]["edges"]),
                    each["side"]["has_gaps"],
                ),
                tuple(each["places"]),
                tuple(each["points"]),
            )
            for each in written["fields"]
        )
        return cls(written["offset"], tuple(fields), written["measured"])


def paper_of(card: Scorecard) -> Paper | None:
    """Return the paper card of a model; None if it was trained before there was one."""
    return Paper.read(card.paper) if card.paper else None
