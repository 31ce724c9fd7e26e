"""The paper card as plain data, for pages and programs, with one record as a worked example."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from glassform.fitted.paper import POINTS_TO_DOUBLE, Line, Paper, PaperField
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.titles import cell_titles
from glassform.languages import gettext
from glassform.records.field import Field, Record
from glassform.records.schema import Schema

MANY, MOST_NAMED = 12, 24  # levels that the longest line of a field names, and any other line
CROSSED = (0.01, 0.02, 0.05, *(percent / 100 for percent in range(10, 91, 10)), 0.95, 0.98, 0.99)

PaperLine = TypedDict(
    "PaperLine",
    {
        "title": str,
        "points": int,
        "values": NotRequired[list[str]],
        "from": NotRequired[float | None],
        "below": NotRequired[float | None],
    },
)
PaperLine.__doc__ = """One line of a field: the categories in `values`, or the numbers from one on and below another.

A range without an end has null there. The value `?` is a number that is not known.
"""


class PaperFeature(TypedDict):
    """One field's lines; every value is in exactly one. `ticked` is the place of the record's."""

    feature: str
    title: str
    lines: list[PaperLine]
    ticked: int


class PaperSum(TypedDict):
    """A sum and its probability."""

    sum: int
    probability: float


class PaperScores(TypedDict):
    """How good probabilities are on the test rows."""

    roc_auc: float | None
    brier_score: float


class PaperMeasured(PaperScores):
    """The card's scores and, on the same rows, those of the full model and of a regression on straight lines."""

    full: PaperScores
    straight: PaperScores


class PaperAnswer(TypedDict):
    """The model as whole points, to be added up by hand; a fit of its own, without pairs.

    The log-odds of a record are the offset and, for each point of its sum, ln 2 / `points_to_double`. Fields that are
    `left_out` would change a sum too little. `sum` and `probability` are those of the record on the card; `full` is
    the probability that the full model gives it.
    """

    model: dict[str, str]
    points_to_double: int
    offset: float
    features: list[PaperFeature]
    left_out: list[str]
    most: int
    sums: list[PaperSum]
    measured: PaperMeasured
    record: Record
    sum: int
    probability: float
    full: float


def paper_answer(card: Scorecard, paper: Paper, dictionary: Schema, record: Record) -> PaperAnswer:
    """Return a model's paper card in the language of a schema, and a record on it."""
    total, on_card = paper.sum_of(record), {field.feature for field in paper.fields}
    return {
        "model": card.model,
        "points_to_double": POINTS_TO_DOUBLE,
        "offset": paper.offset,
        "features": [feature_of(each, dictionary.by_name[each.feature], record) for each in paper.fields],
        "left_out": [field.name for field in dictionary.used if field.name not in on_card],
        "most": paper.most,
        "sums": [{"sum": at, "probability": each} for at, each in enumerate(paper.probabilities)],
        "measured": paper.measured,
        "record": record,
        "sum": total,
        "probability": paper.probability(total),
        "full": card.probability(record),
    }


def feature_of(paper: PaperField, field: Field, record: Record) -> PaperFeature:
    """Return one field of the card."""
    titles, longest = cell_titles(field, paper.side), max(len(each.cells) for each in paper.lines)
    lines = [line_of(each, titles, len(each.cells) == longest) for each in paper.lines]
    ticked = paper.line_of(record[paper.feature])
    return {"feature": paper.feature, "title": field.title, "lines": lines, "ticked": ticked}


def line_of(line: Line, titles: Sequence[str], is_longest: bool) -> PaperLine:
    """Return one line; `titles` are those of all cells of its field."""
    found: PaperLine = {"title": title_of([titles[cell] for cell in line.cells], is_longest), "points": line.points}
    if line.levels:
        found["values"] = [*line.levels]
    for begin, end in line.ranges:
        found |= {"from": begin, "below": end}
    return found


def title_of(titles: Sequence[str], is_longest: bool) -> str:
    """Return the title of a line: what it holds or, where that is much, all that the other lines do not."""
    if len(titles) > MANY and is_longest:
        return gettext("all others")
    named = gettext("; ").join(titles[:MOST_NAMED])
    if len(titles) <= MOST_NAMED:
        return named
    return gettext("%(named)s and %(count)s more", named=named, count=len(titles) - MOST_NAMED)


def strip(sums: Sequence[PaperSum]) -> list[PaperSum]:
    """Return the lowest sum, the highest, and the first at which the probability reaches 1%, 2%, 5%, 10% and on."""
    probabilities = [each["probability"] for each in sums]
    crossed = {bisect_left(probabilities, level) for level in CROSSED}
    return [sums[total] for total in sorted({0, *(total for total in crossed if total < len(sums)), len(sums) - 1})]
