"""The smallest changes that bring a record to a wanted probability: the very smallest, as far as a search may go."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from glassform.fitted.scorecard import TOLERANCE, Scorecard
from glassform.fitted.target import sigmoid
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record, Value

SHARE_OF_ALL = 0.75  # of the combinations: those to look at one by one, before only the most promising are looked at
MOST_PRICED = 20  # moves of one field that the price of gain is chosen by
THIRDS = 20  # of the range of prices, cut off one after the other
SLACK = 1e-9  # sums in another order differ by less, and no bound may drop a solution for that


class Move(NamedTuple):
    """Some fields set to other values: the distance, the gain in log-odds, and the places of these fields."""

    distance: float
    gain: float
    places: tuple[int, ...]
    values: tuple[Value, ...]

    def and_also(self, other: "Move") -> "Move":
        """Return both moves at once."""
        return Move(
            self.distance + other.distance,
            self.gain + other.gain,
            self.places + other.places,
            self.values + other.values,
        )


NOTHING = Move(0.0, 0.0, (), ())


@dataclass(frozen=True)
class Changes:
    """The fields to change, the new record and probability, and whether the target is reached.

    `exact` is false where the search had to stop: as many fields may get there with less distance.
    """

    reached: bool
    exact: bool
    values: Record
    record: Record
    probability: float


def smallest_changes(
    card: Scorecard, record: Record, target: float, locked: Iterable[str], most: int = MOST_COMBINATIONS
) -> Changes:
    """Find the changes that bring a record's probability to a target: fewest fields first, then least distance.

    A field's distance is its share of the range (numbers and ordered categories) or 1 (other categories), as
    `Field.distance` says; distances add up. Locked fields stay; a field with a direction only goes that way. At
    equal distance the change that moves the probability further wins. Real-valued fields move to knots only.

    Parameters
    ----------
    target
        Between 0 and 1, exclusive. Above the record's probability it is to be reached or passed from below, under it
        from above.
    most
        How many combinations are looked at. The number of fields is the least even if these are not enough.

    Returns
    -------
    The changes or, where none reach the target under these locks, the ones that come nearest.
    """
    missing = math.log(target / (1 - target)) - card.log_odds(record)
    sign, needed = (1.0 if missing > 0 else -1.0), max(abs(missing) - TOLERANCE, 0.0)
    names = [field.name for field in card.schema.fields if field.name not in {*locked}]
    moves = [moves_of(card, record, name, place, sign) for place, name in enumerate(names)]
    search = Search([each for each in moves if each], needed)
    exact = search.run(most)
    values = {names[place]: value for place, value in zip(search.best.places, search.best.values, strict=True)}
    new = record | values
    return Changes(search.reaches, exact, values, new, sigmoid(card.log_odds(new)))


def moves_of(card: Scorecard, record: Record, name: str, place: int, sign: float) -> list[Move]:
    """Return the moves of one field that gain more than every nearer one."""
    field, points, old = card.schema.by_name[name], card.points[name], record[name]
    now = points.at(old)
    return frontier(
        Move(field.distance(old, value), gain, (place,), (value,))
        for value, log_odds in points.by_value.items()
        if (gain := sign * (log_odds - now)) > 0 and field.can_become(old, value)
    )


def preferred(move: Move) -> tuple[float, float, tuple[int, ...]]:
    """Return what decides between moves that reach the target: the smallest wins."""
    return move.distance, -move.gain, move.places


def frontier(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one, nearest first."""
    kept: list[Move] = []
    for move in sorted(moves, key=preferred):
        if not kept or move.gain > kept[-1].gain:
            kept.append(move)
    return kept


class Search:
    """A search for the nearest combination of moves, one or none of each field, that gains enough.

    The number of fields is known beforehand: as many as the largest gains need. The search goes through the fields in
    order and keeps, for each number of fields moved so far, the combinations that gain more than every nearer one.
    Two bounds drop those that cannot end well: what the fields to come gain at most, and what they cost at least. For
    the second, gain has a price in distance (a Lagrangian relaxation).

    Parameters
    ----------
    fields
        For each field, its moves that gain more than every nearer one.
    needed
        The gain in log-odds, not below 0.

    Attributes
    ----------
    reaches
        Whether the furthest moves together gain enough; if not, they are the best.
    looked_at
        How many combinations were looked at so far.
    """

    def __init__(self, fields: Sequence[list[Move]], needed: float) -> None:
        self.fields, self.needed, self.looked_at = fields, needed, 0
        by_gain = sorted(fields, key=lambda moves: -moves[-1].gain)
        totals = [0.0, *accumulate(moves[-1].gain for moves in by_gain)]
        self.reaches = totals[-1] >= needed
        self.count = next((count for count, total in enumerate(totals) if total >= needed), len(fields))
        self.start = lowered(by_gain[: self.count], needed)
        self.found: Move | None = None

    @property
    def best(self) -> Move:
        """The best combination known so far."""
        return min((self.found or self.start, self.start), key=lambda whole: whole.distance)

    def run(self, most: int) -> bool:
        """Look for the best combination; return whether `most` were enough to know that none is nearer."""
        if not self.reaches or not self.count:
            return True
        self.price = best_price(self.fields, self.count, self.needed)
        self.gains = sums_of_least([-moves[-1].gain for moves in self.fields], self.count)  # the largest, negated
        self.costs = sums_of_least([cost(moves, self.price) for moves in self.fields], self.count)
        if self.go_through(int(most * SHARE_OF_ALL)):
            return True
        self.go_through(most, width=max(1, (most - self.looked_at) // sum(map(len, self.fields))))
        return self.best.distance <= self.least_distance(NOTHING, 0) + SLACK

    def go_through(self, most: int, width: int = 0) -> bool:
        """Look at all combinations, or at the `width` most promising; return whether `most` were enough."""
        self.most, self.stopped = most, False
        kept: list[list[Move]] = [[NOTHING], *([] for _ in range(self.count - 1))]  # by the number of fields moved
        for place, moves in enumerate(self.fields):
            kept = self.promising(kept, place, width)
            for one in kept[-1]:
                self.complete(one, moves)
            for number in range(self.count - 1, 0, -1):
                added = [new for one in kept[number - 1] for new in self.continued(one, place)]
                kept[number] = frontier([*kept[number], *added]) if added else kept[number]
            if self.stopped:
                return False
        return True

    def may_look_at(self, several: int) -> bool:
        """Count combinations, or stop if there are too many."""
        self.stopped = self.stopped or self.looked_at + several > self.most
        self.looked_at += 0 if self.stopped else several
        return not self.stopped

    def least_distance(self, one: Move, place: int) -> float:
        """Return a distance below which a combination cannot end, whatever the fields from a place on do."""
        rest = self.count - len(one.places)
        if one.gain - self.gains[place][rest] < self.needed - SLACK:
            return math.inf
        return one.distance + self.costs[place][rest] + self.price * (self.needed - one.gain)

    def promising(self, kept: list[list[Move]], place: int, width: int) -> list[list[Move]]:
        """Return the combinations that can still become the best; if wanted, only the `width` most promising."""
        bounds = [[self.least_distance(one, place) for one in several] for several in kept]
        limit = self.best.distance + SLACK
        every = sorted(bound for several in bounds for bound in several if bound <= limit)
        limit = every[width - 1] if width and len(every) > width else limit
        return [
            [one for one, bound in zip(several, its, strict=True) if bound <= limit]
            for several, its in zip(kept, bounds, strict=True)
        ]

    def complete(self, one: Move, moves: list[Move]) -> None:
        """Look at the nearest last move with which a combination gains enough."""
        if not self.may_look_at(1):
            return
        last = bisect_left(moves, True, key=lambda move: one.gain + move.gain >= self.needed)
        if last < len(moves):
            whole = one.and_also(moves[last])
            self.found = min(self.found or whole, whole, key=preferred)

    def continued(self, one: Move, place: int) -> list[Move]:
        """Return a combination with each move of a field that can end well; none, if the search must stop."""
        moves, rest = self.fields[place], self.count - len(one.places) - 1
        least_gain = self.needed - SLACK - one.gain + self.gains[place + 1][rest]
        first = bisect_left(moves, least_gain, key=lambda move: move.gain)
        if not self.may_look_at(len(moves) - first):
            return []
        spent = one.distance + self.costs[place + 1][rest] + self.price * (self.needed - one.gain)
        most = self.best.distance + SLACK - spent
        return [one.and_also(move) for move in moves[first:] if move.distance - self.price * move.gain <= most]


def lowered(chosen: Iterable[list[Move]], needed: float) -> Move:
    """Return the furthest moves of some fields, each made as near as the others allow, those far away first."""
    moved = {moves[-1].places: moves[-1] for moves in chosen}
    spare = sum(move.gain for move in moved.values()) - needed
    for moves in sorted(chosen, key=lambda moves: -moves[-1].distance):
        nearest = bisect_left(moves, moves[-1].gain - spare, key=lambda move: move.gain)
        if nearest < len(moves):
            moved[moves[-1].places] = moves[nearest]
            spare -= moves[-1].gain - moves[nearest].gain
    whole = NOTHING
    for places in sorted(moved):
        whole = whole.and_also(moved[places])
    return whole


def cost(moves: Iterable[Move], price: float) -> float:
    """Return the least distance of a field's moves, at a price for what they gain."""
    return min(move.distance - price * move.gain for move in moves)


def best_price(fields: Iterable[list[Move]], count: int, needed: float) -> float:
    """Return the price of gain under which the distance that is needed at least is about the largest.

    That bound is concave in the price, so its top is found by thirds.
    """
    some = [[*moves[:: len(moves) // MOST_PRICED + 1], moves[-1]] for moves in fields]
    low, high = 0.0, max(move.distance / move.gain for moves in some for move in moves)

    def bound(price: float) -> float:
        return sum(sorted(cost(moves, price) for moves in some)[:count]) + price * needed

    for _ in range(THIRDS):
        third = (high - low) / 3
        if bound(low + third) < bound(high - third):
            low += third
        else:
            high -= third
    return low


def sums_of_least(numbers: Sequence[float], most: int) -> list[list[float]]:
    """Return, for each place, the sums of the 0, 1, 2, ... least numbers from there on; infinite beyond all."""
    table, least = [[0.0] + [math.inf] * most], list[float]()
    for number in reversed(numbers):
        insort(least, number)
        sums = [0.0, *accumulate(least[:most])]
        table.append(sums + [math.inf] * (most + 1 - len(sums)))
    return table[::-1]
