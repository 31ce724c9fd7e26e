"""What the fields still to come can do for a search at best: how much they gain, or how little they cost."""

import math
from bisect import insort
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from operator import itemgetter

from glassform.analysis.moves import Move
from glassform.analysis.together import Cells, Stage


class Rest:
    """The least that the moves of a number of fields come to: `far` for each distance, less `price` for each gain.

    From one stage to the next only the cells of open pairs count, so the least is found stage by stage from the last
    one on (dynamic programming). Fields without pairs come last; of these the least ones are simply summed.

    Parameters
    ----------
    most
        The largest number of fields to move.
    """

    def __init__(self, stages: Sequence[Stage], far: float, price: float, most: int) -> None:
        self.stages, self.far, self.price, self.most = stages, far, price, most
        self.paired = sum(bool(stage.joints) for stage in stages)
        self.lightest = [self.lightest_of(stage) for stage in stages]
        self.weights = [{cells: self.weight(move) for cells, move in each.items()} for each in self.lightest]
        self.single = [weight for each in self.weights[self.paired :] for weight in each.values()]
        self.sums_of_single = sums_from([*accumulate(sorted(self.single)[:most])], most)
        self.tables: dict[tuple[int, Cells], list[float]] = {}

    @cached_property
    def sums(self) -> list[list[float]]:
        """For each place of a field without pairs, the least sums from there on."""
        return sums_of_least(self.single, self.most)

    def weight(self, move: Move) -> float:
        """Return what a move comes to."""
        return self.far * move.distance - self.price * move.gain

    def lightest_of(self, stage: Stage) -> dict[Cells, Move]:
        """Return the least of a field's moves into each of its cells."""
        return {cells: min(moves, key=self.weight) for cells, moves in stage.corners.items()}

    def least(self, at: int, opened: Cells) -> list[float]:
        """Return the least for 0, 1, 2, ... fields moved from a stage on, by the cells that are open there.

        It is infinite for more fields than there are.
        """
        if at > self.paired:
            return self.sums[at - self.paired]
        if at == self.paired:
            return self.sums_of_single
        if (at, opened) not in self.tables:
            self.tables[at, opened] = self.least_through(self.stages[at], at, opened)
        return self.tables[at, opened]

    def least_through(self, stage: Stage, at: int, opened: Cells) -> list[float]:
        """Return the same, from what is known of the stages after it."""
        least = self.least(at + 1, stage.staying(opened))
        for cells, gain, leaves in stage.routes(opened):
            more = self.weights[at][cells] - self.price * gain
            least = [*map(min, least, [math.inf, *(more + each for each in self.least(at + 1, leaves))])]
        return least

    def moves(self, number: int) -> dict[int, Move]:
        """Return the moves of so many fields that come to the least, by place."""
        found: dict[int, Move] = {}
        opened: Cells = ()
        for at, stage in enumerate(self.stages[: self.paired]):
            best, chosen, after = self.least(at + 1, stage.staying(opened))[number], None, stage.staying(opened)
            for cells, gain, leaves in stage.routes(opened) if number else ():
                this = self.weights[at][cells] - self.price * gain + self.least(at + 1, leaves)[number - 1]
                if this < best:
                    best, chosen, after = this, cells, leaves
            if chosen is not None:
                found[stage.place] = self.lightest[at][chosen]
                number -= 1
            opened = after
        single = zip(self.single, self.stages[self.paired :], self.lightest[self.paired :], strict=True)
        for _, stage, moves in sorted(single, key=itemgetter(0))[:number]:
            (found[stage.place],) = moves.values()
        return found


def sums_of_least(numbers: Sequence[float], most: int) -> list[list[float]]:
    """Return, for each place, the sums of the 0, 1, 2, ... least numbers from there on; infinite beyond all."""
    table, least = [sums_from([], most)], list[float]()
    for number in reversed(numbers):
        insort(least, number)
        table.append(sums_from([*accumulate(least[:most])], most))
    return table[::-1]


def sums_from(sums: list[float], most: int) -> list[float]:
    """Return 0 and some sums, infinite from where there are none."""
    return [0.0, *sums] + [math.inf] * (most - len(sums))
