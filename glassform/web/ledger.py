"""The arithmetic of one answer as a page lists it: a line per field, the strongest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from glassform.records.field import Field, Record, Value
from glassform.records.schema import Schema
from glassform.web.charts import Bar, waterfall

MOST_LINES = 12  # fields that a page lists without being asked
STRONGEST = 8  # fields that it lists of more than these
MOST_CLASSES = 4  # classes whose sums a page lists side by side


@dataclass(frozen=True)
class Line:
    """One field of the ledger.

    `points` are log-odds or in the target's unit; of several classes, one number for each that is listed. `bar` draws
    them as a step of the sum. `place` counts the fields in the order of the form. A line that is `further` is shown
    when somebody asks for all fields.
    """

    field: Field
    value: Value
    points: Any
    place: int
    further: bool
    bar: Bar | None = None

    @property
    def text(self) -> str:
        """The value with its unit."""
        return valued(self.field, self.value)

    @property
    def row(self) -> str:
        """The id of its line on the scorecard; a number's is the field's section."""
        return row_of(self.field, self.value)


@dataclass(frozen=True)
class Ledger:
    """A sum: its start, its lines and its total, each with a bar; `zero` is where 0 stands, in percent."""

    lines: list[Line]
    start: Bar
    total: Bar
    zero: float


def valued(field: Field, value: Value) -> str:
    """Write a value with its unit."""
    title = field.title_of(value)
    return f"{title} {field.unit}" if field.unit and not isinstance(value, str) else title


def row_of(field: Field, value: Value) -> str:
    """Return the id of a value's line on the page of the scorecard."""
    return f"{field.name}.{field.values.index(value)}" if field.categories else f"{field.name}-title"


def weight(points: Any) -> float:
    """Return how much a term moves an answer: its size or, of several classes, how far apart it drives them."""
    if isinstance(points, Mapping):
        return float(max(points.values()) - min(points.values()))
    return abs(float(points))


def ledger_of(dictionary: Schema, intercept: float, contributions: Sequence[Mapping[str, Any]], term: str) -> Ledger:
    """Draw start + terms = total, the largest term first: each bar begins where the one before it ended."""
    lines = ordered_lines(dictionary, contributions, term)
    steps = waterfall(intercept, [line.points for line in lines])
    drawn = [replace(line, bar=bar) for line, bar in zip(lines, steps.terms, strict=True)]
    return Ledger(drawn, steps.start, steps.total, steps.zero)


def ordered_lines(dictionary: Schema, contributions: Sequence[Mapping[str, Any]], term: str) -> list[Line]:
    """Return a line per field, the one that weighs most first; equal ones in the order of the form."""
    most = STRONGEST if len(contributions) > MOST_LINES else MOST_LINES
    numbered = sorted(enumerate(contributions), key=lambda each: -weight(each[1][term]))
    return [
        Line(dictionary.by_name[each["feature"]], each["value"], each[term], place, rank >= most)
        for rank, (place, each) in enumerate(numbered)
    ]


def listed_classes(probabilities: Mapping[str, float]) -> list[str]:
    """Return the classes whose sums are listed: the most probable ones, in their own order."""
    likely = sorted(probabilities, key=lambda label: -probabilities[label])[:MOST_CLASSES]
    return [label for label in probabilities if label in likely]


def chips(dictionary: Schema, record: Record, lines: Sequence[Line]) -> list[tuple[Field, str, bool]]:
    """Return a record in one line: each field with its value, and whether it is shown only on request.

    Of many fields those are shown that weigh most, in the order of the form.
    """
    shown = {line.field.name for line in lines if not line.further} or {*[*dictionary.by_name][:MOST_LINES]}
    shown |= {field.name for field in dictionary.unused[: max(MOST_LINES - len(shown), 0)]}
    return [(field, valued(field, record[field.name]), field.name not in shown) for field in dictionary.fields]
