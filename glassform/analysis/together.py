"""What two fields gain together in a search for changes, and the order of the fields in which few of them matter."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from glassform.analysis.moves import Move, corners, frontier
from glassform.fitted.pairs import Pair, Side
from glassform.records.field import Record, Value

Cells = tuple[int, ...]  # of a field in each of its pairs, or of the first fields of the pairs that are open
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Joint:
    """What two fields gain together, beyond what each of them gains alone: 0 where either stays as it is.

    `places` are those of the two fields, `stays` the cells they are in, `gains` has a row for each cell of the first.
    """

    places: tuple[int, int]
    sides: tuple[Side, Side]
    stays: tuple[int, int]
    gains: list[list[float]]

    @classmethod
    def of(cls, pair: Pair, record: Record, sign: float, places: tuple[int, int]) -> "Joint":
        """Return that of a pair of a model; `sign` is -1 where the log-odds are to fall."""
        rows, (first, second) = pair.log_odds, pair.features
        i, j = pair.first.cell(record[first]), pair.second.cell(record[second])
        gains = [[sign * (row[k] - row[j] - rows[i][k] + rows[i][j]) for k in range(len(row))] for row in rows]
        return cls(places, pair.sides, (i, j), gains)

    def cell(self, place: int, value: Value) -> int:
        """Return the cell of a value of one of the two fields."""
        return self.sides[self.places.index(place)].cell(value)

    def stay(self, place: int) -> int:
        """Return the cell in which one of the two fields is."""
        return self.stays[self.places.index(place)]

    def seen_from(self, place: int) -> Sequence[Sequence[float]]:
        """Return the gains with a row for each cell of one of the two fields."""
        return self.gains if place == self.places[0] else [*zip(*self.gains, strict=True)]

    def between(self, moved: Mapping[int, Move]) -> float:
        """Return the gain of one move each of several fields, by place; 0, if one of the two stays."""
        first, second = self.places
        if first not in moved or second not in moved:
            return 0.0
        one, other = moved[first].values[0], moved[second].values[0]
        return self.gains[self.sides[0].cell(one)][self.sides[1].cell(other)]


class Route(NamedTuple):
    """A way through a stage: the cells its field moves into, what these gain with others, and the cells left open."""

    cells: Cells
    gain: float
    leaves: Cells


class Stage:
    """One field on the way of a search.

    A pair is open between the stages of its two fields. What can be gained from a stage on depends on the cells of
    the open pairs and on nothing else, so only combinations that agree in these are compared.

    Parameters
    ----------
    joints
        The pairs that the field is in.
    before
        The pairs that are open as the search comes to it.
    """

    def __init__(self, place: int, moves: list[Move], joints: Sequence[Joint], before: Sequence[Joint]) -> None:
        self.place, self.joints, self.before = place, joints, before
        self.wider: dict[Cells, list[Move]] = {} if joints else {(): moves}
        for move in moves if joints else ():
            self.wider.setdefault(tuple(each.cell(place, move.values[0]) for each in joints), []).append(move)
        self.groups = {cells: frontier(each) for cells, each in self.wider.items()}
        self.corners = {cells: corners(each) for cells, each in self.groups.items()}
        self.moves = [move for each in self.groups.values() for move in each]
        self.stays = tuple(each.stay(place) for each in joints)
        self.after = [each for each in before if each not in joints] + [each for each in joints if each not in before]
        self.closing = [
            (before.index(each), number, each.seen_from(place))
            for number, each in enumerate(joints)
            if each in before
        ]
        self.kept = [at for at, each in enumerate(before) if each not in joints]
        self.opening = [number for number, each in enumerate(joints) if each not in before]
        self.known: dict[tuple[str, Cells], Any] = {}

    def through(self, opened: Cells, cells: Cells) -> Route:
        """Return the way through it in which its field has some cells."""
        gain = 0.0
        for at, number, gains in self.closing:
            gain += gains[cells[number]][opened[at]]
        return Route(cells, gain, (*[opened[at] for at in self.kept], *[cells[number] for number in self.opening]))

    def staying(self, opened: Cells) -> Cells:
        """Return the cells left open where the field stays."""
        return self.remembered("staying", opened, lambda: self.through(opened, self.stays).leaves)

    def routes(self, opened: Cells) -> list[Route]:
        """Return the ways through it in which the field moves."""
        return self.remembered("routes", opened, lambda: [self.through(opened, cells) for cells in self.groups])

    def branches(self, opened: Cells) -> dict[Cells, list[Move]]:
        """Return the moves worth looking at, with all that they gain, by the cells they leave open."""
        return self.remembered("branches", opened, lambda: self.worth(by_leaves(self.routes(opened), self.groups)))

    def last(self, opened: Cells) -> list[Move]:
        """Return the moves worth looking at where no field after it moves."""
        return self.remembered(
            "last", opened, lambda: self.worth({(): merged([*self.branches(opened).values()])})[()]
        )

    def ties(self, opened: Cells) -> dict[Cells, list[Move]]:
        """Return all moves, with all that they gain, by the cells they leave open."""
        return self.remembered("ties", opened, lambda: by_leaves(self.routes(opened), self.wider))

    def worth(self, found: dict[Cells, list[Move]]) -> dict[Cells, list[Move]]:
        """Return the moves that gain more than every nearer one that leaves the same cells open."""
        return {leaves: frontier(moves) for leaves, moves in found.items()} if self.joints else found

    def remembered(self, what: str, opened: Cells, find: Callable[[], Found]) -> Found:
        """Return what is found, each time the same."""
        if (what, opened) not in self.known:
            self.known[what, opened] = find()
        found: Found = self.known[what, opened]
        return found


def by_leaves(routes: Iterable[Route], groups: Mapping[Cells, list[Move]]) -> dict[Cells, list[Move]]:
    """Return the moves of several routes, with all that they gain, by the cells they leave open."""
    found: dict[Cells, list[list[Move]]] = {}
    for cells, gain, leaves in routes:
        moves = groups[cells]
        found.setdefault(leaves, []).append(
            [move._replace(gain=move.gain + gain) for move in moves] if gain else moves
        )
    return {leaves: merged(several) for leaves, several in found.items()}


def merged(several: Sequence[list[Move]]) -> list[Move]:
    """Return several lists of moves as one."""
    return several[0] if len(several) == 1 else [*chain.from_iterable(several)]


def stages_of(fields: Iterable[list[Move]], joints: Sequence[Joint], most: int) -> tuple[list[Stage], bool]:
    """Return the stages of a search, fields in pairs first, and whether they hold every field.

    Where the tables of a search would take more than `most` steps, fields in pairs are left out, the most tied first.
    """
    by_place = {moves[0].places[0]: moves for moves in fields}
    way, whole = way_through(by_place, joints), True
    while way.size > most:
        whole = False
        out = max(way.places, key=lambda place: (sum(place in each.places for each in joints), -place))
        del by_place[out]
        joints = [each for each in joints if out not in each.places]
        way = way_through(by_place, joints)
    stages, opened = [], list[Joint]()
    for place in [*way.places, *(place for place in by_place if place not in way.places)]:
        own = [each for each in joints if place in each.places]
        stages.append(Stage(place, by_place[place], own, opened))
        opened = stages[-1].after
    return stages, whole


class Way(NamedTuple):
    """The order in which a search goes through the fields in pairs, and how many steps its tables take at most."""

    places: list[int]
    size: int


def way_through(fields: Mapping[int, Sequence[Move]], joints: Sequence[Joint]) -> Way:
    """Return an order of the fields in pairs that keeps few cells open: the field that leaves fewest comes next.

    Parameters
    ----------
    fields
        The moves of each field, by place.
    """
    many = {
        place: 1 + len({tuple(each.cell(place, move.values[0]) for each in own) for move in fields[place]})
        for place in fields
        if (own := [each for each in joints if place in each.places])
    }

    def left_open(done: set[int]) -> int:
        """Count the cells that are open after some fields."""
        half = {
            place for each in joints for place in each.places if place in done and not done.issuperset(each.places)
        }
        return math.prod(many[place] for place in half)

    order, size = list[int](), 0
    while len(order) < len(many):
        done = {*order}
        best = min(many.keys() - done, key=lambda place: (left_open(done | {place}), many[place], place))
        size += left_open(done) * many[best]
        order.append(best)
    return Way(order, size)
