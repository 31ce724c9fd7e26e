"""Moves of a record's fields to other values, and which of several moves are worth keeping."""

import math
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from glassform.records.field import Value

NEAR = 9  # decimals of distances that count as equal


class Move(NamedTuple):
    """Some fields set to other values: the distance, the gain in log-odds, and the places of these fields.

    `rarity` is the negative logarithm of the values' share of the training rows, summed; 0 where nobody knows.
    """

    distance: float
    gain: float
    places: tuple[int, ...]
    values: tuple[Value, ...]
    rarity: float = 0.0

    def and_also(self, other: "Move") -> "Move":
        """Return both moves at once."""
        return Move(
            self.distance + other.distance,
            self.gain + other.gain,
            self.places + other.places,
            self.values + other.values,
            self.rarity + other.rarity,
        )


NOTHING = Move(0.0, 0.0, (), ())


def furthest(move: Move) -> tuple[float, float, tuple[int, ...]]:
    """Return what decides while the least distance is looked for: the smallest wins."""
    return move.distance, -move.gain, move.places


def preferred(move: Move) -> tuple[float, float, float, list[int]]:
    """Return what decides between moves that reach the target: the smallest wins."""
    return round(move.distance, NEAR), round(move.rarity, NEAR), move.gain, sorted(move.places)


def frontier(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one, nearest first."""
    kept: list[Move] = []
    for move in sorted(moves, key=furthest):
        if not kept or move.gain > kept[-1].gain:
            kept.append(move)
    return kept


def corners(moves: Iterable[Move]) -> list[Move]:
    """Keep, of a frontier, the moves that cost least at some price of gain: those on its lower convex hull."""
    kept: list[Move] = []
    for move in moves:
        while len(kept) > 1 and not turns(kept[-2], kept[-1], move):
            kept.pop()
        kept.append(move)
    return kept


def turns(one: Move, middle: Move, last: Move) -> bool:
    """Tell whether gain becomes dearer at the middle one of three moves."""
    before = (middle.distance - one.distance) * (last.gain - middle.gain)
    return before < (last.distance - middle.distance) * (middle.gain - one.gain)


def undominated(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one and than every one that is as near and less rare.

    Those as near and as rare are all kept: the smallest sum that is enough is wanted.
    """
    kept: list[Move] = []
    here, nearer, top = -1.0, -math.inf, -math.inf  # a distance, and the largest gains before it and up to it
    rare, commoner, best = -1.0, -math.inf, -math.inf  # a rarity, and the same for those as near
    for (distance, rarity, gain, _), move in sorted(((preferred(move), move) for move in moves), key=itemgetter(0)):
        if distance != here:
            here, nearer, rare, best = distance, top, -1.0, -math.inf
        if rarity != rare:
            rare, commoner = rarity, best
        if gain > nearer and gain > commoner:
            kept.append(move)
        best, top = max(best, gain), max(top, gain)
    return kept
