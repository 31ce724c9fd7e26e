"""The arithmetic of one answer as a page lists it: a line per field and pair of fields, the strongest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from glassform.fitted.pairs import AND
from glassform.fitted.titles import beside, pair_title, with_unit
from glassform.records.field import Field, Record, Value
from glassform.records.schema import Schema
from glassform.web.charts import Bar, Scale, waterfall

MOST_LINES = 12  # terms, or fields, that a page lists without being asked
MOST_WITH_PAIRS = 10  # terms, where some are those of two fields: their lines are longer
STRONGEST = 8  # terms that it lists of more than these
ON_A_WALL = 8  # terms that fit on a wall
MOST_CLASSES = 4  # classes whose sums a page lists side by side


@dataclass(frozen=True)
class Line:
    """One term of the ledger: that of a field, or of two fields together.

    `name` is the term's in the answer, `title` the field's or both fields', `text` the value or both, with its unit.
    `points` are log-odds or in the target's unit; of several classes, one number for each that is listed. `bar` draws
    them as a step of the sum. `row` is the id of its place on the scorecard. `place` counts the terms in the order of
    the form. A line that is `further` is shown when somebody asks for all.
    """

    name: str
    title: str
    text: str
    row: str
    points: Any
    place: int
    further: bool
    bar: Bar | None = None

    @property
    def is_pair(self) -> bool:
        """Whether it is that of two fields together."""
        return AND in self.name


@dataclass(frozen=True)
class Rest:
    """What the lines add up to that are shown only on request: their number, their points, and the last step."""

    count: int
    points: Any
    bar: Bar | None = None


@dataclass(frozen=True)
class Ledger:
    """A sum: its start, its lines and its total, each with a bar; `zero` is where 0 stands, in percent."""

    lines: list[Line]
    start: Bar
    total: Bar
    zero: float
    rest: Rest | None


def row_of(field: Field, value: Value) -> str:
    """Return the id of a value's line on the page of the scorecard; a number's is the field's section."""
    has_line = field.categories and value in field.categories
    return f"{field.name}.{field.values.index(value)}" if has_line else f"{field.name}-title"


def named(dictionary: Schema, term: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return the name and the title of a term, its value or both in words, and its place on the scorecard."""
    name, value = term["feature"], term["value"]
    if "features" not in term:
        field = dictionary.by_name[name]
        return name, field.title, with_unit(field, value), row_of(field, value)
    features = term["features"]
    return name, pair_title(dictionary, features), beside(dictionary, features, value), f"{name}-title"


def weight(points: Any) -> float:
    """Return how much a term moves an answer: its size or, of several classes, how far apart it drives them."""
    if isinstance(points, Mapping):
        return float(max(points.values()) - min(points.values()))
    return abs(float(points))


def ledger_of(intercept: float, lines: Sequence[Line]) -> Ledger:
    """Draw start + terms = total, the largest term first: each bar begins where the one before it ended."""
    steps = waterfall(intercept, [line.points for line in lines])
    drawn = [replace(line, bar=bar) for line, bar in zip(lines, steps.terms, strict=True)]
    rest = rest_of(lines)
    if rest:
        sums = [*accumulate((line.points for line in lines), initial=intercept)]
        rest = replace(rest, bar=Scale.over(sums).bar(sums[-1 - rest.count], sums[-1]))
    return Ledger(drawn, steps.start, steps.total, steps.zero, rest)


def ordered_lines(
    dictionary: Schema, contributions: Sequence[Mapping[str, Any]], term: str, most: int = MOST_LINES
) -> list[Line]:
    """Return a line per field and pair, the one that weighs most first; equal ones in the order of the form."""
    most = min(most, MOST_WITH_PAIRS) if any("features" in each for each in contributions) else most
    shown = STRONGEST if len(contributions) > most else most
    numbered = sorted(enumerate(contributions), key=lambda each: -weight(each[1][term]))
    return [
        Line(*named(dictionary, each), each[term], place, rank >= shown)
        for rank, (place, each) in enumerate(numbered)
    ]


def rest_of(lines: Sequence[Line]) -> Rest | None:
    """Add up the lines that are shown only on request, if there are any."""
    further = [line.points for line in lines if line.further]
    if not further:
        return None
    if isinstance(further[0], Mapping):
        return Rest(len(further), {label: sum(each[label] for each in further) for label in further[0]})
    return Rest(len(further), sum(further))


def listed_classes(probabilities: Mapping[str, float]) -> list[str]:
    """Return the classes whose sums are listed: the most probable ones, in their own order."""
    likely = sorted(probabilities, key=lambda label: -probabilities[label])[:MOST_CLASSES]
    return [label for label in probabilities if label in likely]


def chips(dictionary: Schema, record: Record, lines: Sequence[Line]) -> list[tuple[Field, str, bool]]:
    """Return a record in one line: each field with its value, and whether it is shown only on request.

    Of many fields those are shown that weigh most by themselves, in the order of the form.
    """
    fields = dictionary.fields
    if len(fields) <= MOST_LINES or not lines:
        shown = {field.name for field in fields[:MOST_LINES]}
    else:
        shown = {line.name for line in lines if not line.further}
        shown |= {field.name for field in dictionary.unused[: max(MOST_LINES - len(shown), 0)]}
    return [(field, with_unit(field, record[field.name]), field.name not in shown) for field in fields]
