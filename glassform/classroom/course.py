"""Where a class stands in its lesson, and how its teacher moves it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from glassform.classroom.lessons import ASKING, CASE, SCORES, Step

MOST_UNDONE = 50  # moves that can be taken back


@dataclass(frozen=True)
class Standing:
    """The step a class is at, the steps whose answer was revealed, whether the board is blank, and the way here."""

    step: str
    revealed: tuple[str, ...] = ()
    blank: bool = False
    trail: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())

    def written(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what was written."""
        kept = json.loads(text)
        trail = tuple((step, tuple(revealed)) for step, revealed in kept["trail"])
        return cls(kept["step"], tuple(kept["revealed"]), kept["blank"], trail)

    @property
    def is_revealed(self) -> bool:
        """Whether the answer of this step was revealed."""
        return self.step in self.revealed


Action = Callable[[Standing, Sequence[Step]], Standing]


def place_of(standing: Standing, steps: Sequence[Step]) -> int:
    """Return which of the steps a class is at; the first, if its step is gone."""
    return next((place for place, step in enumerate(steps) if step.id == standing.step), 0)


def moved(standing: Standing, step: str, revealed: tuple[str, ...]) -> Standing:
    """Return a standing one move later."""
    here = (standing.step, standing.revealed)
    return Standing(step, tuple(dict.fromkeys(revealed)), False, (*standing.trail, here)[-MOST_UNDONE:])


def go_on(standing: Standing, steps: Sequence[Step]) -> Standing:
    """Go to the next step; scores reveal all that was asked before."""
    place = min(place_of(standing, steps) + 1, len(steps) - 1)
    step = steps[place]
    asked: tuple[str, ...] = ()
    if step.kind in (SCORES, CASE):
        asked = tuple(each.id for each in steps[:place] if each.kind in ASKING)
    return moved(standing, step.id, (*standing.revealed, *asked)) if step.id != standing.step else standing


def go_back(standing: Standing, steps: Sequence[Step]) -> Standing:
    """Go to the step before; what was revealed stays so."""
    step = steps[max(place_of(standing, steps) - 1, 0)]
    return moved(standing, step.id, standing.revealed) if step.id != standing.step else standing


def reveal(standing: Standing, steps: Sequence[Step]) -> Standing:
    """Show the answer of this step, if it has one, and take no more guesses."""
    if standing.is_revealed or not steps[place_of(standing, steps)].asks:
        return replace(standing, blank=False)
    return moved(standing, standing.step, (*standing.revealed, standing.step))


def undo(standing: Standing, steps: Sequence[Step]) -> Standing:
    """Take back the last move, an early Reveal too."""
    if not standing.trail:
        return replace(standing, blank=False)
    *trail, (step, revealed) = standing.trail
    return Standing(step, revealed, False, tuple(trail))


def blank(standing: Standing, steps: Sequence[Step]) -> Standing:
    """Blank the board, or show it again."""
    return replace(standing, blank=not standing.blank)


ACTIONS: dict[str, Action] = {"next": go_on, "back": go_back, "reveal": reveal, "undo": undo, "blank": blank}
