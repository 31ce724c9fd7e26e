"""The smallest changes that bring a record to a wanted probability: the very smallest, as far as a search may go."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from glassform.analysis.frequencies import Frequencies
from glassform.fitted.scorecard import TOLERANCE, Scorecard
from glassform.fitted.target import sigmoid
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record, Value

SHARE_OF_ALL = 0.75  # of the combinations: those to look at one by one, before only the most promising are looked at
SHARE_OF_TIES = 0.1  # of the combinations, to choose among those that are as near as the best
MOST_PRICED = 20  # moves of one field that the price of gain is chosen by
THIRDS = 20  # of the range of prices, cut off one after the other
SLACK = 1e-9  # sums in another order differ by less, and no bound may drop a solution for that
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


@dataclass(frozen=True)
class Changes:
    """The fields to change, their distance, the new record and probability, and whether the target is reached.

    `exact` is false where the search had to stop: as many fields may get there with less distance.
    """

    reached: bool
    exact: bool
    values: Record
    record: Record
    probability: float
    distance: float = 0.0


@dataclass(frozen=True)
class Question:
    """Which changes are looked for: the gain that is needed, and the moves of every field that may change."""

    card: Scorecard
    record: Record
    needed: float
    names: list[str]
    moves: list[list[Move]]

    @classmethod
    def of(cls, card: Scorecard, record: Record, target: float, locked: Iterable[str]) -> "Question":
        """Return the question of a record, a target between 0 and 1 and the fields that stay."""
        missing = math.log(target / (1 - target)) - card.log_odds(record)
        sign, needed = (1.0 if missing > 0 else -1.0), max(abs(missing) - TOLERANCE, 0.0)
        names = [name for name in card.used if name not in {*locked}]
        known = Frequencies.of(card)
        moves = [possible_moves(card, record, name, place, sign, known) for place, name in enumerate(names)]
        return cls(card, record, needed, names, moves)

    def search(self, without: Set[str] = frozenset()) -> "Search":
        """Return the search for the best moves, in which some fields stay as well."""
        named = zip(self.names, self.moves, strict=True)
        moves = [each for name, each in named if each and name not in without]
        return Search([frontier(each) for each in moves], self.needed, moves)

    def answer(self, search: "Search", exact: bool) -> Changes:
        """Return the best that a search found."""
        return self.changes(search.best, search.reaches, exact)

    def changes(self, whole: Move, reached: bool, exact: bool) -> Changes:
        """Return moves as changes of the record."""
        values = {self.names[place]: value for place, value in zip(whole.places, whole.values, strict=True)}
        new = self.record | values
        return Changes(reached, exact, values, new, sigmoid(self.card.log_odds(new)), whole.distance)


def smallest_changes(
    card: Scorecard, record: Record, target: float, locked: Iterable[str], most: int = MOST_COMBINATIONS
) -> Changes:
    """Find the changes that bring a record's probability to a target: fewest fields first, then least distance.

    A field's distance is its share of the range (numbers and ordered categories) or 1 (other categories), as
    `Field.distance` says; distances add up. Locked fields stay; a field with a direction only goes that way. At
    equal distance the values win that most training rows have and then, or where the model's file does not know, the
    smallest overshoot. Real-valued fields move to knots only.

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
    question = Question.of(card, record, target, locked)
    search = question.search()
    return question.answer(search, search.run(most))


def possible_moves(
    card: Scorecard, record: Record, name: str, place: int, sign: float, known: Frequencies
) -> list[Move]:
    """Return the moves of one field that gain anything."""
    field, points, old = card.schema.by_name[name], card.points[name], record[name]
    now = points.at(old)
    return [
        Move(field.distance(old, value), gain, (place,), (value,), known.rarity(name, value))
        for value, log_odds in points.by_value.items()
        if (gain := sign * (log_odds - now)) > 0 and field.can_become(old, value)
    ]


def moves_of(card: Scorecard, record: Record, name: str, place: int, sign: float) -> list[Move]:
    """Return the moves of one field that gain more than every nearer one."""
    return frontier(possible_moves(card, record, name, place, sign, Frequencies.of(card)))


def furthest(move: Move) -> tuple[float, float, tuple[int, ...]]:
    """Return what decides while the least distance is looked for: the smallest wins."""
    return move.distance, -move.gain, move.places


def preferred(move: Move) -> tuple[float, float, float, tuple[int, ...]]:
    """Return what decides between moves that reach the target: the smallest wins."""
    return round(move.distance, NEAR), round(move.rarity, NEAR), move.gain, move.places


def frontier(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one, nearest first."""
    kept: list[Move] = []
    for move in sorted(moves, key=furthest):
        if not kept or move.gain > kept[-1].gain:
            kept.append(move)
    return kept


def undominated(moves: Iterable[Move]) -> list[Move]:
    """Keep the moves that gain more than every nearer one and than every one that is as near and no rarer.

    Where nobody knows how rare they are, all those as near are kept: the smallest sum that is enough is wanted.
    """
    kept: list[Move] = []
    here, nearer, top = -1.0, -math.inf, -math.inf  # a distance, and the largest gains before it and up to it
    best = -math.inf  # gain of those as near and no rarer
    for move in sorted(moves, key=lambda each: (round(each.distance, NEAR), each.rarity, -each.gain, each.places)):
        if round(move.distance, NEAR) != here:
            here, nearer, best = round(move.distance, NEAR), top, -math.inf
        if move.gain > nearer and (move.gain > best or not move.rarity):
            kept.append(move)
        best, top = max(best, move.gain), max(top, move.gain)
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
    wider
        For each field, all its moves, to choose from among the combinations that are as near as the best.

    Attributes
    ----------
    reaches
        Whether the furthest moves together gain enough; if not, they are the best.
    looked_at
        How many combinations were looked at so far.
    """

    def __init__(
        self, fields: Sequence[list[Move]], needed: float, wider: Sequence[list[Move]] | None = None
    ) -> None:
        self.fields, self.needed, self.looked_at = fields, needed, 0
        self.wider = wider or fields
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
        ties = int(most * SHARE_OF_TIES)
        exact = self.go_through(int((most - ties) * SHARE_OF_ALL))
        if not exact:
            self.go_through(most - ties, max(1, (most - ties - self.looked_at) // sum(map(len, self.fields))))
            exact = self.best.distance <= self.least_distance(NOTHING, 0) + SLACK
        self.settle_ties(self.looked_at + ties)
        return exact

    def settle_ties(self, most: int) -> None:
        """Choose, among the combinations that are as near as the best, the one that is preferred.

        If there are too many to look at, each field's value is chosen on its own, the others held fixed.
        """
        self.most, self.stopped = most, False
        kept: list[list[Move]] = [[NOTHING], *([] for _ in range(self.count))]  # by the number of fields moved
        for place, moves in enumerate(self.wider):
            for number in range(self.count, 0, -1):
                added = [new for one in kept[number - 1] for new in self.as_near(one, moves, place + 1)]
                kept[number] = undominated(kept[number] + added) if added else kept[number]
            kept = [[one for one in several if self.may_be_as_near(one, place + 1)] for several in kept]
        whole = [one for one in kept[-1] if one.gain >= self.needed]
        self.start = min(whole, key=preferred) if whole and not self.stopped else self.improved(self.best)
        self.found = self.start

    def as_near(self, one: Move, moves: Sequence[Move], place: int) -> list[Move]:
        """Return a combination with each move of a field that may end as near as the best."""
        if not self.may_look_at(len(moves)):
            return []
        return [new for move in moves if self.may_be_as_near(new := one.and_also(move), place)]

    def may_be_as_near(self, one: Move, place: int) -> bool:
        """Tell whether a combination can end as near as the best."""
        return self.least_distance(one, place) <= self.best.distance + SLACK

    def improved(self, whole: Move) -> Move:
        """Return a combination in which each field's value is the preferred one, the other fields held fixed."""
        chosen = {place: at for at, place in enumerate(whole.places)}
        parts = {moves[0].places[0]: moves for moves in self.wider if moves[0].places[0] in chosen}
        moved = {
            place: next(move for move in moves if move.values[0] == whole.values[chosen[place]])
            for place, moves in parts.items()
        }
        spare = whole.gain - self.needed
        for place, moves in parts.items():
            old = moved[place]
            others = [
                move for move in moves if move.distance <= old.distance + SLACK and old.gain - move.gain <= spare
            ]
            moved[place] = min([*others, old], key=preferred)
            spare -= old.gain - moved[place].gain
        new = NOTHING
        for place in whole.places:
            new = new.and_also(moved[place])
        return new if new.gain >= self.needed else whole

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
            self.found = min(self.found or whole, whole, key=furthest)

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
