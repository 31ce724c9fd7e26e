"""What several pages show: why an answer, how sure, the same record in another group; the paper card."""

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from glassform.analysis.paper import PaperAnswer, strip
from glassform.analysis.table_of_points import table
from glassform.analysis.thresholds import Rate
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.paper import Paper, paper_of
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.fitted.titles import vague_values
from glassform.languages import gettext, lazy_gettext
from glassform.records.field import Record, Value
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.web.charts import decimals, figure, hundredths, percent, signed
from glassform.web.ledger import MOST_LINES, ledger_of, listed_classes, ordered_lines, rest_of
from glassform.web.what_if import WhatIfRow, what_ifs

OPEN = 2  # charts that are open at first
MOST_ROWS = 5  # values of such a chart


def drawn_with(card: Fitted, dictionary: Schema) -> dict[str, Any]:
    """Return what the figure of any answer is drawn with, and the table for the page's script, if there is one."""
    training = card.training
    shown: dict[str, Any] = {
        "table": table(card, dictionary) if isinstance(card, Additive | ClassesScorecard) else None,
        "vague": vague_values(dictionary),
    }
    if dictionary.task == BINARY:
        return shown | {"everyone": Rate(training["positives"], training["rows"])}
    return shown | ({"digits": decimals(training["deviation"])} if dictionary.task == NUMBER else {})


def alike(card: Fitted, answer: Mapping[str, Any]) -> dict[str, Rate | None]:
    """Return the share of positives among the training rows like the record, of two classes."""
    support = answer["support"]
    if card.schema.task != BINARY or not support:
        return {"alike": None}
    return {"alike": Rate(round((support["share"] or 0) * support["count"]), support["count"])}


def arithmetic(card: Fitted, dictionary: Schema, answer: Mapping[str, Any], most: int = MOST_LINES) -> dict[str, Any]:
    """Return the lines of the ledger, and how they are drawn; nothing, if the model is no sum."""
    if isinstance(card, ClassesScorecard):
        lines = ordered_lines(dictionary, answer["contributions"], "points", most)
        return {"lines": lines, "rest": rest_of(lines), "labels": listed_classes(answer["probabilities"])}
    if not isinstance(card, Additive):
        return {"lines": [], "ledger_drawn": None}
    lines = ordered_lines(dictionary, answer["contributions"], card.term, most)
    drawn = ledger_of(answer["intercept"], lines)
    return {"lines": drawn.lines, "ledger_drawn": drawn, "start_alone": sigmoid(answer["intercept"])}


def what_if(card: Fitted, dictionary: Schema, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts of the fields that move the answer most, and the range of each of the others."""
    record = answer["record"]
    curves = card.curves(record)
    drawn = what_ifs(card, dictionary, record, curves)
    return {
        "in_brief_drawn": [(each, chosen_rows(each.rows)) for each in drawn[:OPEN]],
        "folded": [(each.field, range_of(card, answer, curves[each.field.name])) for each in drawn[OPEN:]],
    }


def chosen_rows(rows: Sequence[WhatIfRow]) -> list[WhatIfRow]:
    """Choose some of many values: the first two, the middle, the last, and the record's own."""
    if len(rows) <= MOST_ROWS:
        return [*rows]
    last = len(rows) - 1
    own = next((place for place, row in enumerate(rows) if row.chosen), last - 1)
    places = {0, 1, (last + 1) // 2, last, own}
    return [rows[place] for place in sorted(places | ({last - 1} if len(places) < MOST_ROWS else set()))]


def range_of(card: Fitted, answer: Mapping[str, Any], curve: Sequence[tuple[Value, Mapping[str, Any]]]) -> str:
    """Write between what the answer lies along a curve; of several classes, the probability of the one answered."""
    if card.schema.task == NUMBER:
        digits = decimals(card.training["deviation"])
        numbers = [said["prediction"] for _, said in curve]
        return f"{figure(min(numbers), digits)} \N{EN DASH} {figure(max(numbers), digits)}"
    label = answer.get("label")
    shares = [said["probabilities"][label] if label else said["probability"] for _, said in curve]
    return f"{percent(min(shares))} \N{EN DASH} {percent(max(shares))}"


def strongest_twin(card: Fitted, dictionary: Schema, record: Record) -> dict[str, Any]:
    """Return the twin whose answer is furthest away, and that answer with its difference in words."""
    twins = card.twins(record) if dictionary.groups else []
    if not twins:
        return {"strongest_twin": None}
    if dictionary.task == CLASSES:
        own = card.members(record)["label"]
        other = next((twin for twin in twins if twin["label"] != own), twins[0])
        said = f"{dictionary.target.title_of(other['label'])}, {percent(other['probability'])}"
        return {"strongest_twin": other, "twin_text": said}
    strongest = max(twins, key=lambda twin: abs(twin["difference"]))
    if dictionary.task == NUMBER:
        digits = decimals(card.training["deviation"])
        said = f"{figure(strongest['prediction'], digits)} ({signed(strongest['difference'], digits)})"
    else:
        said = f"{percent(strongest['probability'])} ({in_points(strongest['difference'])})"
    return {"strongest_twin": strongest, "twin_text": said}


def in_points(difference: float, is_moved: bool = False) -> str:
    """Write a difference of probabilities in percentage points, or how much of them moves between classes."""
    points = hundredths(abs(difference))
    if points == hundredths(0.0):
        return gettext("no difference")
    if is_moved:
        return gettext("%(points)s percentage points moved", points=points)
    if difference > 0:
        return gettext("%(points)s percentage points higher", points=points)
    return gettext("%(points)s percentage points lower", points=points)


def on_paper(card: Fitted) -> tuple[Scorecard, Paper]:
    """Return the model and its paper card.

    Raises
    ------
    NotFound
        If it has none.
    """
    table = additive(card)
    if not isinstance(table, Scorecard):
        raise NotFound(gettext("Only a model of two classes has a paper card."))
    paper = paper_of(table)
    if paper is None:
        raise NotFound(gettext("This version was trained before there were paper cards. Train it again to get one."))
    return table, paper


NO_TABLE = lazy_gettext(
    "This model is no sum of one term per field, so no table of points equals it: its pipeline answers."
)


def additive(card: Fitted, otherwise: Any = NO_TABLE) -> Additive | ClassesScorecard:
    """Return the model, if it is a table of points.

    Raises
    ------
    NotFound
        If it is none; `otherwise` says so.
    """
    if not isinstance(card, Additive | ClassesScorecard):
        raise NotFound(str(otherwise))
    return card


def sheet_with(answer: PaperAnswer, dictionary: Schema) -> dict[str, Any]:
    """Return what the sheet of a paper card shows beside the answer: some of its sums, and the units."""
    return {"strip": strip(answer["sums"]), "units": {field.name: field.unit for field in dictionary.fields}}
