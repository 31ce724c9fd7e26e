"""The smallest changes that bring a record to a wanted probability, found exactly."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from glassform.fitted.scorecard import TOLERANCE, Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import Record, Value


@dataclass(frozen=True)
class Move:
    """Some fields set to other values: the distance, and the gain in log-odds."""

    distance: float
    gain: float
    values: tuple[tuple[str, Value], ...]

    def __add__(self, other: "Move") -> "Move":
        """Return both moves at once."""
        return Move(self.distance + other.distance, self.gain + other.gain, self.values + other.values)


@dataclass(frozen=True)
class Changes:
    """The fields to change, the new record and probability, and whether the target is reached."""

    reached: bool
    values: Record
    record: Record
    probability: float


def smallest_changes(card: Scorecard, record: Record, target: float, locked: Iterable[str]) -> Changes:
    """Find the changes that bring a record's probability to a target: fewest fields first, then least distance.

    A field's distance is its share of the range (numbers and ordered categories) or 1 (other categories), as
    `Field.distance` says; distances add up. Locked fields stay; a field with a direction only goes that way. At
    equal distance the change that moves the probability further wins. Real-valued fields move to knots only.

    Parameters
    ----------
    target
        Between 0 and 1, exclusive. Above the record's probability it is to be reached or passed from below, under it
        from above.

    Returns
    -------
    The changes or, where none reach the target under these locks, the ones that come nearest.
    """
    missing = math.log(target / (1 - target)) - card.log_odds(record)
    sign, needed = (1.0 if missing > 0 else -1.0), max(abs(missing) - TOLERANCE, 0.0)
    moves = {
        field.name: moves_of(card, record, field.name, sign)
        for field in card.schema.fields
        if field.name not in {*locked}
    }
    moves = {name: frontier for name, frontier in moves.items() if frontier}
    for count in range(len(moves) + 1):
        found = [
            move
            for names in combinations(moves, count)
            if sum(moves[name][-1].gain for name in names) >= needed
            for move in cheapest([moves[name] for name in names], needed)
        ]
        if found:
            return changed(card, record, min(found, key=lambda move: (move.distance, -move.gain)), reached=True)
    everything = sum((frontier[-1] for frontier in moves.values()), Move(0.0, 0.0, ()))
    return changed(card, record, everything, reached=False)


def moves_of(card: Scorecard, record: Record, name: str, sign: float) -> list[Move]:
    """Return the moves of one field that gain more than every nearer one."""
    field, points, old = card.schema.by_name[name], card.points[name], record[name]
    return frontier(
        Move(field.distance(old, value), gain, ((name, value),))
        for value, log_odds in points.by_value.items()
        if (gain := sign * (log_odds - points.at(old))) > 0 and field.can_become(old, value)
    )


def frontier(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one, nearest first."""
    kept: list[Move] = []
    for move in sorted(moves, key=lambda move: (move.distance, -move.gain)):
        if not kept or move.gain > kept[-1].gain:
            kept.append(move)
    return kept


def cheapest(frontiers: list[list[Move]], needed: float) -> list[Move]:
    """Return the nearest combination, one move per frontier, that gains enough; empty if none does."""
    combined = [Move(0.0, 0.0, ())]
    for moves in frontiers:
        combined = frontier(one + other for one in combined for other in moves)
    return next(([move] for move in combined if move.gain >= needed), [])


def changed(card: Scorecard, record: Record, move: Move, reached: bool) -> Changes:
    """Return what a move leads to."""
    values = dict(move.values)
    new = record | values
    return Changes(reached, values, new, sigmoid(card.log_odds(new)))
