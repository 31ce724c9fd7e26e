"""The smallest changes that bring a record to a wanted probability: the very smallest, as far as a search may go."""

import math
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from glassform.analysis.frequencies import Frequencies
from glassform.analysis.moves import NOTHING, Move, frontier
from glassform.analysis.search import Search
from glassform.analysis.together import Joint
from glassform.fitted.scorecard import TOLERANCE, Scorecard
from glassform.fitted.target import sigmoid
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record, Value

__all__ = ["NOTHING", "Changes", "Move", "Question", "Search", "moves_of", "smallest_changes"]


@dataclass(frozen=True)
class Changes:
    """The fields to change, their distance, the new record and probability, and whether the target is reached.

    `exact` is false where the search had to stop: as many fields may get there with less distance or, if very many
    are tied in pairs, fewer.
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
    joints: list[Joint]

    @classmethod
    def of(cls, card: Scorecard, record: Record, target: float, locked: Iterable[str]) -> "Question":
        """Return the question of a record, a target between 0 and 1 and the fields that stay."""
        missing = math.log(target / (1 - target)) - card.log_odds(record)
        sign, needed = (1.0 if missing > 0 else -1.0), max(abs(missing) - TOLERANCE, 0.0)
        names = [name for name in card.used if name not in {*locked}]
        known = Frequencies.of(card)
        moves = [possible_moves(card, record, name, place, sign, known) for place, name in enumerate(names)]
        places = {name: place for place, name in enumerate(names)}
        joints = [
            Joint.of(pair, record, sign, (places[first], places[second]))
            for pair in card.pairs.values()
            if {first := pair.features[0], second := pair.features[1]} <= {*names}
        ]
        return cls(card, record, needed, names, moves, joints)

    def search(self, without: Set[str] = frozenset(), most_steps: int = MOST_COMBINATIONS) -> Search:
        """Return the search for the best moves, in which some fields stay as well."""
        free = {place for place, moves in enumerate(self.moves) if moves and self.names[place] not in without}
        joints = [each for each in self.joints if free.issuperset(each.places)]
        paired = {place for each in joints for place in each.places}
        moves = [self.moves[place] if place in paired else gaining(self.moves[place]) for place in sorted(free)]
        return Search([each for each in moves if each], self.needed, joints, most_steps)

    def answer(self, search: Search, exact: bool) -> Changes:
        """Return the best that a search found."""
        return self.changes(search.best, search.reaches, exact)

    def changes(self, whole: Move, reached: bool, exact: bool) -> Changes:
        """Return moves as changes of the record."""
        values = {self.names[place]: value for place, value in sorted(zip(whole.places, whole.values, strict=True))}
        new = self.record | values
        return Changes(reached, exact, values, new, sigmoid(self.card.log_odds(new)), whole.distance)


def smallest_changes(
    card: Scorecard, record: Record, target: float, locked: Iterable[str], most: int = MOST_COMBINATIONS
) -> Changes:
    """Find the changes that bring a record's probability to a target: fewest fields first, then least distance.

    A field's distance is its share of the range (numbers and ordered categories) or 1 (other categories), as
    `Field.distance` says; distances add up. Locked fields stay; a field with a direction only goes that way. At
    equal distance the values win that most training rows have and then, or where the model's file does not know, the
    smallest overshoot. Real-valued fields move to knots, and to either side of an edge of a pair's cells, only.

    Parameters
    ----------
    target
        Between 0 and 1, exclusive. Above the record's probability it is to be reached or passed from below, under it
        from above.
    most
        How many combinations are looked at. The number of fields is the least even if these are not enough, unless so
        many fields are tied in pairs that some of them must stay.

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
    """Return the moves of one field with what each gains if nothing else moves, be it less than nothing."""
    field, old = card.schema.by_name[name], record[name]
    gain = gain_along(card, record, name, sign)
    return [
        Move(field.distance(old, value), gain(value), (place,), (value,), known.rarity(name, value))
        for value in places_to_go(card, name)
        if value != old and field.can_become(old, value)
    ]


def gain_along(card: Scorecard, record: Record, name: str, sign: float) -> Callable[[Value], float]:
    """Return what a value of one field gains, the rest of the record held fixed."""
    points, own = card.points[name], card.points[name].at(record[name])
    pairs = [pair for pair in card.pairs.values() if name in pair.features]
    now = sum(pair.of(record) for pair in pairs)

    def gain(value: Value) -> float:
        together = sum(pair.of(record | {name: value}) for pair in pairs) - now if pairs else 0.0
        return sign * (points.at(value) - own + together)

    return gain


def places_to_go(card: Scorecard, name: str) -> Sequence[Value]:
    """Return the values that one field may move to: all of them or, of a real number, where something may change.

    These are the knots of its own curve, and both sides of the edges of its cells in pairs.
    """
    points = card.points[name]
    sides = [side for pair in card.pairs.values() for side in pair.sides if side.feature == name]
    if not points.linear or not sides:
        return [*points.by_value]
    low, high = points.values[0], points.values[-1]
    edges = [x for side in sides for edge in side.edges for x in (math.nextafter(edge, -math.inf), edge)]
    return [*dict.fromkeys((*points.by_value, *(x for x in edges if low < x < high)))]


def moves_of(card: Scorecard, record: Record, name: str, place: int, sign: float) -> list[Move]:
    """Return the moves of one field that gain more than every nearer one, the rest of the record held fixed."""
    return frontier(gaining(possible_moves(card, record, name, place, sign, Frequencies.of(card))))


def gaining(moves: Iterable[Move]) -> list[Move]:
    """Return the moves that gain anything."""
    return [move for move in moves if move.gain > 0]
