"""How people read what a table of points holds: knots, the cells of a pair, two values together."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from glassform.fitted.pairs import Pair, Side
from glassform.languages import gettext
from glassform.records.field import NOT_KNOWN, Field
from glassform.records.schema import Schema

NEAR = 1e-9  # of a value: two knots that are no further apart are the two sides of a jump
TINY = 1e-300  # beside 0, where every other number is far away by its size


def tidy(number: float) -> str:
    """Write a number in six significant digits, and a large one in all of them."""
    if abs(number) < 10**15 and number == int(number):
        return str(int(number))
    text = f"{number:.6g}"
    return str(number) if "e" in text else text


def titles_of(values: Sequence[Any]) -> list[str]:
    """Write the knots of a curve in six digits, and in full where two would look the same.

    Of two that stand side by side, where the curve jumps, the first is the end of what is below the second.
    """
    texts = [*map(tidy, values)]
    texts = [str(value) if texts.count(text) > 1 else text for value, text in zip(values, texts, strict=True)]
    below = [*(is_jump(*both) for both in pairwise(values)), False]
    edges = [tidy(value) for value in values[1:]]
    for place in (place for place, is_below in enumerate(below) if is_below):
        texts[place] = gettext("below %(value)s", value=edges[place])
        texts[place + 1] = edges[place] if not below[place + 1] else texts[place + 1]
    return texts


def is_jump(left: Any, right: Any) -> bool:
    """Tell whether two values are the two sides of a jump: numbers with next to nothing between them."""
    if isinstance(left, str) or isinstance(right, str):
        return False
    return left < right and math.isclose(left, right, rel_tol=NEAR, abs_tol=TINY)


def in_sentence(title: str) -> str:
    """Return a field's title as it stands within a sentence; one that begins with two capitals is an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def both(first: str, second: str) -> str:
    """Write two values, or two fields, that say something together."""
    return gettext("%(first)s and %(second)s", first=first, second=second)


def pair_title(schema: Schema, features: Sequence[str]) -> str:
    """Return the title of a pair of fields."""
    first, second = (schema.by_name[name].title for name in features)
    return both(first, in_sentence(second))


def cell_titles(field: Field, side: Side) -> list[str]:
    """Return the title of every cell of a field in a pair: a category, a range of numbers, or a gap."""
    if side.levels:
        return [field.title_of(level) for level in side.levels]
    texts = titles_of(side.edges)
    ends = zip(side.ranges, [None, *texts], [*texts, None], strict=True)
    ranges = [range_title(field, *limits, low, high) for limits, low, high in ends]
    return [*ranges, *([field.title_of(NOT_KNOWN)] if side.has_gaps else [])]


def range_title(field: Field, begin: float | None, end: float | None, low: str | None, high: str | None) -> str:
    """Return the title of a range of numbers, from its begin on and below its end; `low` and `high` write these."""
    if field.type == "integer":
        # what whole numbers it holds is easier to read than where it ends
        first, last = (None if begin is None else math.ceil(begin)), (None if end is None else math.ceil(end) - 1)
        if first is None or last is None or first <= last:
            return whole_range(first, last)
    if low is None:
        return gettext("below %(value)s", value=high) if high is not None else gettext("all")
    if high is None:
        return gettext("%(low)s and more", low=low)
    return gettext("%(low)s to below %(high)s", low=low, high=high)


def whole_range(first: int | None, last: int | None) -> str:
    """Return the title of a range of whole numbers, both ends included."""
    if first is None:
        return gettext("up to %(high)s", high=last) if last is not None else gettext("all")
    if last is None:
        return gettext("%(low)s and more", low=first)
    return str(first) if first == last else gettext("%(low)s to %(high)s", low=first, high=last)


def titles_together(schema: Schema, pair: Pair) -> list[list[str]]:
    """Return the titles of the cells of both fields of a pair."""
    return [cell_titles(schema.by_name[side.feature], side) for side in pair.sides]


def cells_as_data(schema: Schema, pair: Pair) -> list[list[dict[str, Any]]]:
    """Return the cells of both fields of a pair, each with its title and the value or the range that it holds."""
    found = []
    for side, titles in zip(pair.sides, titles_together(schema, pair), strict=True):
        held: list[dict[str, Any]] = [{"value": level} for level in side.levels]
        if not side.levels:
            held = [{"from": begin, "below": end} for begin, end in side.ranges]
            held += [{"value": NOT_KNOWN}] * side.has_gaps
        found.append([{"title": title} | each for title, each in zip(titles, held, strict=True)])
    return found
