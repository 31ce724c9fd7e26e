"""The search for the nearest combination of moves that gains enough: exact, as far as it may go."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from glassform.analysis.bounds import Rest
from glassform.analysis.moves import NOTHING, Move, frontier, furthest, preferred, undominated
from glassform.analysis.together import Cells, Joint, stages_of
from glassform.limits import MOST_COMBINATIONS

SHARE_OF_ALL = 0.75  # of the combinations: those to look at one by one, before only the most promising are looked at
SHARE_OF_TIES = 0.1  # of the combinations, to choose among those that are as near as the best
MOST_PRICES = 12  # of gain, tried to raise the bound of the distance
SLACK = 1e-9  # sums in another order differ by less, and no bound may drop a solution for that

Kept = list[dict[Cells, list[Move]]]  # combinations, by the number of fields moved and the cells of open pairs


class Search:
    """A search for the nearest combination of moves, one or none of each field, that gains enough.

    The number of fields is known beforehand: the least whose largest gains are enough. The search goes through the
    fields in order and keeps, for each number of fields moved so far and the cells that pairs with fields to come
    depend on, the combinations that gain more than every nearer one. Two bounds drop those that cannot end well: what
    the fields to come gain at most, and what they cost at least. For the second, gain has a price in distance (a
    Lagrangian relaxation).

    Parameters
    ----------
    fields
        For each field, its moves, with what each gains if nothing else moves.
    needed
        The gain in log-odds, not below 0.
    joints
        What pairs of these fields gain beyond that.
    most_steps
        How many steps the tables of the bounds may take. If fields in pairs need more, some of them stay.

    Attributes
    ----------
    reaches
        Whether the largest gains together are enough; if not, they are the best.
    looked_at
        How many combinations were looked at so far.
    """

    def __init__(
        self,
        fields: Sequence[list[Move]],
        needed: float,
        joints: Sequence[Joint] = (),
        most_steps: int = MOST_COMBINATIONS,
    ) -> None:
        is_one_enough = any(move.gain >= needed for moves in fields for move in moves)
        self.joints = () if is_one_enough else joints  # where one field moves, no two gain together
        self.needed, self.looked_at = needed, 0
        self.stages, self.is_whole = stages_of(fields, self.joints, most_steps)
        self.wider = {moves[0].places[0]: moves for moves in fields}
        self.nearest_first = {stage.place: stage.moves for stage in self.stages}
        most_gained = Rest(self.stages, 0.0, 1.0, len(self.stages))
        totals = [-total for total in most_gained.least(0, ())]
        self.reaches = max(totals) >= needed
        enough = needed if self.reaches else max(totals) - SLACK
        self.count = next(count for count, total in enumerate(totals) if total >= enough)
        self.widest = most_gained.moves(self.count)
        self.start = self.lowered(self.widest)
        self.found: Move | None = None

    @property
    def best(self) -> Move:
        """The best combination known so far."""
        return min((self.found or self.start, self.start), key=lambda whole: whole.distance)

    def run(self, most: int) -> bool:
        """Look for the best combination; return whether `most` were enough to know that none is nearer."""
        if not self.reaches or not self.count:
            return self.reaches or self.is_whole
        self.gains = Rest(self.stages, 0.0, 1.0, self.count)  # negated, so the least is the largest
        self.costs = self.best_priced()
        ties = int(most * SHARE_OF_TIES)
        exact = self.go_through(int((most - ties) * SHARE_OF_ALL))
        if not exact:
            number = sum(len(stage.moves) for stage in self.stages)
            self.go_through(most - ties, max(1, (most - ties - self.looked_at) // number))
            exact = self.best.distance <= self.least_distance(NOTHING, 0) + SLACK
        self.settle_ties(self.looked_at + ties)
        return exact and self.is_whole

    # The first combination that is enough, and the price of gain.

    def whole(self, moved: Mapping[int, Move]) -> Move:
        """Return one move each of several fields as one, with all that they gain."""
        whole = NOTHING
        for place in sorted(moved):
            whole = whole.and_also(moved[place])
        return whole._replace(gain=whole.gain + sum(each.between(moved) for each in self.joints))

    def lowered(self, moved: Mapping[int, Move]) -> Move:
        """Return moves, each made as near as the others allow, those far away first."""
        order = sorted(moved, key=lambda place: (-moved[place].distance, place))
        return self.bettered(moved, order, self.nearest_first, furthest)

    def bettered(
        self,
        moved: Mapping[int, Move],
        order: Iterable[int],
        choice: Mapping[int, list[Move]],
        rule: Callable[[Move], Any],
    ) -> Move:
        """Return moves, the best taken for one field after the other while the others hold, as far as that is enough.

        No move becomes a further one.
        """
        chosen = dict(moved)
        spare = self.whole(chosen).gain - self.needed
        for place in order:
            old, own = chosen[place], [each for each in self.joints if place in each.places]

            def gain(move: Move, place: int = place, own: list[Joint] = own) -> float:
                return move.gain + sum(each.between(chosen | {place: move}) for each in own)

            now = gain(old)
            enough = [
                move for move in choice[place] if move.distance <= old.distance + SLACK and now - gain(move) <= spare
            ]
            chosen[place] = min([*enough, old], key=rule)
            spare -= now - gain(chosen[place])
        new = self.whole(chosen)
        return new if new.gain >= self.needed else self.whole(moved)

    def best_priced(self) -> Rest:
        """Return what the fields to come cost at least, at a price of gain under which that is about the largest.

        The bound is concave in the price. Each price gives moves, whose own bound is a line in the price; the next
        price is where the best line of moves that gain enough crosses that of moves that do not.
        """
        costs = Rest(self.stages, 1.0, 0.0, self.count)
        low, high = self.whole(costs.moves(self.count)), self.whole(self.widest)
        for _ in range(MOST_PRICES if self.count > 1 else 0):
            if low.gain >= self.needed or high.gain - low.gain < SLACK:
                break
            price = max(high.distance - low.distance, 0.0) / (high.gain - low.gain)
            costs = Rest(self.stages, 1.0, price, self.count)
            new = self.whole(costs.moves(self.count))
            if new.distance - price * new.gain >= high.distance - price * high.gain - SLACK:
                break
            if new.gain >= self.needed:
                high = new
            else:
                low = new
        return costs

    # The way through all fields.

    def go_through(self, most: int, width: int = 0) -> bool:
        """Look at all combinations, or at the `width` most promising; return whether `most` were enough."""
        self.most, self.stopped = most, False
        kept: Kept = [{(): [NOTHING]}, *({} for _ in range(self.count - 1))]
        for at, stage in enumerate(self.stages):
            kept = self.promising(kept, at, width)
            for opened, several in kept[-1].items():
                for one in several:
                    self.complete(one, stage.last(opened))
            kept = self.next_kept(kept, at)
            if self.stopped:
                return False
        return True

    def next_kept(self, kept: Kept, at: int) -> Kept:
        """Return the combinations after a stage, in which its field moved or stayed."""
        stage = self.stages[at]
        after: Kept = [{} for _ in kept]
        for number, by_cells in enumerate(kept):
            for opened, several in by_cells.items():
                put(after[number], stage.staying(opened), several)
        for number, by_cells in enumerate(kept[:-1]):
            for opened, several in by_cells.items():
                for leaves, moves in stage.branches(opened).items():
                    new = [whole for one in several for whole in self.continued(one, moves, at, leaves)]
                    put(after[number + 1], leaves, new)
        return [{leaves: frontier(several) for leaves, several in by_cells.items()} for by_cells in after]

    def may_look_at(self, several: int) -> bool:
        """Count combinations, or stop if there are too many."""
        self.stopped = self.stopped or self.looked_at + several > self.most
        self.looked_at += 0 if self.stopped else several
        return not self.stopped

    def least_distance(self, one: Move, at: int, opened: Cells = ()) -> float:
        """Return a distance below which a combination cannot end, whatever the fields from a stage on do."""
        rest = self.count - len(one.places)
        if one.gain - self.gains.least(at, opened)[rest] < self.needed - SLACK:
            return math.inf
        return one.distance + self.costs.least(at, opened)[rest] + self.costs.price * (self.needed - one.gain)

    def promising(self, kept: Kept, at: int, width: int) -> Kept:
        """Return the combinations that can still become the best; if wanted, only the `width` most promising."""
        bounded = [
            {
                opened: [(self.least_distance(one, at, opened), one) for one in several]
                for opened, several in each.items()
            }
            for each in kept
        ]
        limit = self.best.distance + SLACK
        every = sorted(
            bound for each in bounded for several in each.values() for bound, _ in several if bound <= limit
        )
        limit = every[width - 1] if width and len(every) > width else limit
        return [
            {opened: [one for bound, one in several if bound <= limit] for opened, several in each.items()}
            for each in bounded
        ]

    def complete(self, one: Move, moves: list[Move]) -> None:
        """Look at the nearest last move with which a combination gains enough."""
        if not self.may_look_at(1):
            return
        last = bisect_left(moves, True, key=lambda move: one.gain + move.gain >= self.needed)
        if last < len(moves):
            whole = one.and_also(moves[last])
            self.found = min(self.found or whole, whole, key=furthest)

    def continued(self, one: Move, moves: list[Move], at: int, leaves: Cells) -> list[Move]:
        """Return a combination with each move of a stage that can end well; none, if the search must stop."""
        rest = self.count - len(one.places) - 1
        least_gain = self.needed - SLACK - one.gain + self.gains.least(at + 1, leaves)[rest]
        first = bisect_left(moves, least_gain, key=lambda move: move.gain)
        if not self.may_look_at(len(moves) - first):
            return []
        price = self.costs.price
        spent = one.distance + self.costs.least(at + 1, leaves)[rest] + price * (self.needed - one.gain)
        most = self.best.distance + SLACK - spent
        return [one.and_also(move) for move in moves[first:] if move.distance - price * move.gain <= most]

    # The choice among those as near.

    def settle_ties(self, most: int) -> None:
        """Choose, among the combinations that are as near as the best, the one that is preferred.

        If there are too many to look at, each field's value is chosen on its own, the others held fixed.
        """
        self.most, self.stopped = most, False
        kept: Kept = [{(): [NOTHING]}, *({} for _ in range(self.count))]
        for at, stage in enumerate(self.stages):
            after: Kept = [{} for _ in kept]
            for number, by_cells in enumerate(kept):
                for opened, several in by_cells.items():
                    put(after[number], stage.staying(opened), several)
                    for leaves, moves in stage.ties(opened).items() if number < self.count else ():
                        new = [whole for one in several for whole in self.as_near(one, moves, at + 1, leaves)]
                        put(after[number + 1], leaves, new)
            kept = [
                {
                    opened: undominated(one for one in several if self.may_be_as_near(one, at + 1, opened))
                    for opened, several in by_cells.items()
                }
                for by_cells in after
            ]
        whole = [one for several in kept[-1].values() for one in several if one.gain >= self.needed]
        self.start = min(whole, key=preferred) if whole and not self.stopped else self.improved(self.best)
        self.found = self.start

    def as_near(self, one: Move, moves: Sequence[Move], at: int, opened: Cells) -> list[Move]:
        """Return a combination with each move of a field that may end as near as the best."""
        if not self.may_look_at(len(moves)):
            return []
        return [new for move in moves if self.may_be_as_near(new := one.and_also(move), at, opened)]

    def may_be_as_near(self, one: Move, at: int, opened: Cells) -> bool:
        """Tell whether a combination can end as near as the best."""
        return self.least_distance(one, at, opened) <= self.best.distance + SLACK

    def improved(self, whole: Move) -> Move:
        """Return a combination in which each field's value is the preferred one, the other fields held fixed."""
        values = dict(zip(whole.places, whole.values, strict=True))
        moved = {
            place: next(move for move in self.wider[place] if move.values == (value,))
            for place, value in values.items()
        }
        return self.bettered(moved, sorted(moved), self.wider, preferred)


def put(by_cells: dict[Cells, list[Move]], cells: Cells, several: list[Move]) -> None:
    """Add combinations to those that leave the same cells open."""
    if several:
        by_cells[cells] = [*by_cells[cells], *several] if cells in by_cells else several
