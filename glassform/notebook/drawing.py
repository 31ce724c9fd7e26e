"""Answers and models as HTML for notebooks: the ledger and the scorecard of the pages, as tables and inline SVG."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from glassform.analysis.table_of_points import every_point, spread, table
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.titles import with_unit
from glassform.languages import gettext
from glassform.records.schema import NUMBER
from glassform.settings import HOME
from glassform.web import charts
from glassform.web.ledger import Line, ledger_of, listed_classes, ordered_lines
from glassform.web.together import drawn_together

DECIMALS = 2  # of log-odds
STYLES = Path(__file__).with_name("drawing.css")


class Answer(dict[str, Any]):
    """An answer with its arithmetic: a dictionary that notebooks draw as the ledger of its page."""

    def __init__(self, fitted: Fitted, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        self.fitted = fitted

    def _repr_html_(self) -> str:
        """Draw its ledger."""
        return answer_drawn(self.fitted, self)


def answer_drawn(card: Fitted, answer: Mapping[str, Any]) -> str:
    """Draw an answer: the figure, and the sum line by line."""
    shown: dict[str, Any] = {"answer": answer}
    if isinstance(card, ClassesScorecard):
        shown |= {"lines": all_lines(card, answer, "points"), "labels": listed_classes(answer["probabilities"])}
    elif isinstance(card, Additive):
        drawn = ledger_of(answer["intercept"], all_lines(card, answer, card.term))
        shown |= {"drawn": drawn, "term": card.term}
    return filled("notebook/answer.html", card, shown)


def all_lines(card: Fitted, answer: Mapping[str, Any], term: str) -> list[Line]:
    """Return the lines of a sum, the strongest first; a notebook has no script to ask for further ones."""
    return [replace(line, further=False) for line in ordered_lines(card.schema, answer["contributions"], term)]


def scorecard_drawn(card: Fitted) -> str:
    """Draw a model: every field's points, the widest first, and those of pairs."""
    shown: dict[str, Any] = {"features": None}
    if isinstance(card, Additive | ClassesScorecard):
        listed = table(card, card.schema)
        tables = {"": card} if isinstance(card, Additive) else card.tables
        shown = {
            "table": listed,
            "features": sorted(listed["features"], key=spread, reverse=True),
            "pairs": drawn_together(card.schema, card.typical, {label: each.pairs for label, each in tables.items()}),
        }
    if isinstance(card, Additive):
        shown["scale"] = charts.Scale.over(height for each in card.points.values() for height in each.log_odds)
    return filled("notebook/scorecard.html", card, shown)


def filled(template: str, card: Fitted, shown: Mapping[str, Any]) -> str:
    """Return a template filled in, with its styles."""
    digits = charts.decimals(card.training["deviation"]) if card.schema.task == NUMBER else DECIMALS
    text = pages().get_template(template).render(card=card, schema=card.schema, digits=digits, **shown)
    return f"<style>{STYLES.read_text(encoding='utf-8')}</style>\n{text}"


@cache
def pages() -> Environment:
    """Return the templates of the pages, as far as they need no server."""
    found = Environment(
        loader=FileSystemLoader(HOME / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    ours = {"_": said, "charts": charts, "with_unit": with_unit, "every_point": every_point}
    found.globals.update(ours, at_home=True, in_notebook=True)
    return found


@pass_context
def said(context: Context, text: str, /, **values: Any) -> Markup:
    """Translate a text, and fill in its values and the words for a row."""
    return Markup(gettext(text)) % {**context["schema"].words, **values}
