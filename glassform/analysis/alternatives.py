"""Three ways to a wanted probability, each with other fields: the smallest changes, and what else leads there."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from glassform.analysis.changes import Changes, Question
from glassform.analysis.moves import Move, preferred
from glassform.analysis.search import Search
from glassform.fitted.scorecard import Scorecard
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record

MOST_WAYS = 3
SHARE_OF_BEST = 0.6  # of the combinations, for the best way; the others share what is left
MOST_LEFT_OUT = 6  # fields of one way, each of which is left out in turn to find another
MOST_SEARCHES = 6  # for one way
MOST_STEPS = 20_000  # of the tables of each of these searches

Left = frozenset[str]  # the names of fields that a search leaves out


def ways_to(
    card: Scorecard, record: Record, target: float, locked: Iterable[str], most: int = MOST_COMBINATIONS
) -> list[Changes]:
    """Find up to three changes that bring a record's probability to a target, the smallest first.

    The first is that of `smallest_changes`. Each further one has the fewest fields, then the least distance, of those
    that do without at least one field of every earlier one: no way holds all the fields of another. If one field is
    in all ways and does it alone, the others set it to other values. The searches look at `most` combinations in all.

    Returns
    -------
    One that comes nearest, where none reaches the target, and one without changes, where none is needed.
    """
    question = Question.of(card, record, target, locked)
    search = question.search()
    found = [question.answer(search, search.run(int(most * SHARE_OF_BEST)))]
    if not search.reaches or not search.count:
        return found
    left = most - search.looked_at
    while len(found) < MOST_WAYS and (another := another_way(question, found, left // (MOST_WAYS - len(found)))):
        way, looked_at = another
        found.append(way)
        left -= looked_at
    if len(found) == 1 and len(found[0].values) == 1:
        found += other_values(question, search.best)
    return found[:MOST_WAYS]


def another_way(question: Question, found: Sequence[Changes], most: int) -> tuple[Changes, int] | None:
    """Find the smallest changes that do without a field of each way found, and how many combinations that took."""
    left_out, is_every = to_leave_out(found)
    searches = [search for each in left_out if (search := question.search(each, MOST_STEPS)).reaches]
    if not searches:
        return None
    fewest = min(search.count for search in searches)
    these = sorted((each for each in searches if each.count == fewest), key=lambda each: each.start.distance)
    looked_into = these[:MOST_SEARCHES]
    are_exact = [search.run(most // len(looked_into)) for search in looked_into]
    exact = all(are_exact) and is_every and len(these) == len(looked_into)
    best: Search = min(looked_into, key=lambda search: preferred(search.best))
    return question.answer(best, exact), sum(search.looked_at for search in looked_into)


def to_leave_out(found: Sequence[Changes]) -> tuple[list[Left], bool]:
    """Return the smallest sets with a field of each way found, and whether these are all."""
    names = [[*way.values] for way in found]
    several = {frozenset(chosen) for chosen in product(*(each[:MOST_LEFT_OUT] for each in names))}
    smallest = [one for one in several if not any(other < one for other in several)]
    return sorted(smallest, key=sorted), all(len(each) <= MOST_LEFT_OUT for each in names)


def other_values(question: Question, best: Move) -> Iterator[Changes]:
    """Return the other values of the one field that does it alone; of a number, only one on either side."""
    (moves,) = (each for each in question.moves if each and each[0].places == best.places)
    name = question.names[best.places[0]]
    old, is_number = question.record[name], not question.card.schema.by_name[name].categories
    sides = {side_of(best.values[0], old)}
    for move in sorted(moves, key=preferred):
        side = side_of(move.values[0], old)
        if move.gain < question.needed or move.values == best.values or (is_number and side in sides):
            continue
        sides.add(side)
        yield question.changes(move, reached=True, exact=True)


def side_of(new: object, old: object) -> object:
    """Return whether a number rises; of what is not known, only that."""
    if isinstance(new, str) or isinstance(old, str):
        return new
    return new > old  # type: ignore[operator]
