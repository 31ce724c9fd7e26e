"""How people read what a table of points holds: knots, the cells of a pair, two values together."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from glassform.fitted.pairs import Pair, Side
from glassform.languages import gettext
from glassform.records.field import NOT_KNOWN, Field, Value
from glassform.records.schema import Schema

NEIGHBOURS = 4  # of the smallest steps of a floating-point number: no two sides of a jump are further apart


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


def titles_in_full(field: Field, values: Sequence[Value]) -> list[str]:
    """Write values in order, numbers in all their digits; the first of two knots at a jump as what is below it."""
    titles = [*map(field.title_of, values)]
    for place, (left, right) in enumerate(pairwise(values)):
        if is_jump(left, right):
            titles[place] = gettext("below %(value)s", value=field.title_of(right))
    return titles


def is_jump(left: Any, right: Any) -> bool:
    """Tell whether two values are the two sides of a jump: numbers with next to nothing between them."""
    if isinstance(left, str) or isinstance(right, str):
        return False
    return bool(0 < right - left <= NEIGHBOURS * math.ulp(left))


def in_sentence(title: str) -> str:
    """Return a field's title as it stands within a sentence; one that begins with two capitals is an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def both(first: str, second: str) -> str:
    """Write two values, or two fields, that say something together."""
    return gettext("%(first)s and %(second)s", first=first, second=second)


def vague_values(schema: Schema) -> dict[str, list[str]]:
    """Return, by field, the values that say little without the field's name.

    These are gaps, titles of one or two letters, numbers, and titles that another field has too, such as yes and no.
    """
    titles = Counter(title for field in schema.fields for title in {*field.categories.values()})
    found = {}
    for field in schema.fields:
        values = [value for value, title in field.categories.items() if is_vague(title) or titles[title] > 1]
        if field.has_gaps or NOT_KNOWN in field.categories:
            values = [*(value for value in values if value != NOT_KNOWN), NOT_KNOWN]
        if values:
            found[field.name] = values
    return found


def is_vague(title: str) -> bool:
    """Tell whether a title is too short to speak for itself, or no word at all; Chinese words have two signs."""
    letters = [letter for letter in title if letter.isalpha()]
    return len(letters) < (3 if title.isascii() else 2)


def beside(schema: Schema, features: Sequence[str], values: Sequence[Value]) -> str:
    """Write the two values of a pair, each with its unit, and with its field's name where it says little alone."""
    vague = vague_values(schema)
    texts: list[str] = []
    for name, value in zip(features, values, strict=True):
        field = schema.by_name[name]
        text = with_unit(field, value)
        if value in vague.get(name, ()) or not (isinstance(value, str) or field.unit):
            title = in_sentence(field.title) if texts else field.title
            text = gettext("%(field)s %(value)s", field=title, value=text)
        texts.append(text)
    return both(*texts)


def with_unit(field: Field, value: Value) -> str:
    """Write a value, a number with its unit."""
    title = field.title_of(value)
    return f"{title} {field.unit}" if field.unit and not isinstance(value, str) else title


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


def names_of(side: Side) -> list[str]:
    """Return the name of every cell of a field in files: a value, or a range as [29, 40), from 29 on and below 40."""
    if side.levels:
        return [*side.levels]
    texts = ["-inf", *(f"{edge:.15g}" for edge in side.edges), "inf"]
    ranges = [f"[{begin}, {end})" for begin, end in pairwise(texts)]
    ranges[0] = "(" + ranges[0][1:]
    return [*ranges, *([NOT_KNOWN] if side.has_gaps else [])]


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
