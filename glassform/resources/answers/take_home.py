"""The take-home file: the whole model in one page that opens from disk, with no network."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakKeyDictionary

from flask import current_app
from typing_extensions import TypedDict

from glassform.analysis.covariance import packed
from glassform.analysis.intervals import FEWEST_ROWS, presentable
from glassform.analysis.table_of_points import ScorecardAnswer, table
from glassform.analysis.thresholds import compare_groups
from glassform.analysis.verdict import goodness, unequal
from glassform.fitted.additive import Additive, NumberScorecard
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.scorecard import Scorecard
from glassform.languages import lazy_gettext
from glassform.records.schema import BINARY, Schema
from glassform.resources.layers import additive, arithmetic, drawn_with
from glassform.web.asked import fitted, schema
from glassform.web.bundling import bundled
from glassform.web.openapi import TEXT, in_query
from glassform.web.pages import page
from glassform.web.reading import Reader, one_of, read_options
from glassform.web.resource import Resource
from glassform.web.what_if import what_ifs

INTERVALS, YES = "intervals", "true"  # the option that adds what intervals are computed from
CLASS = "class"  # the option that adds the results of a class, where there are classes
RESULTS = "class_results"  # our extension that finds them by the code of a class
TEMPLATE = "answers/takehome.html"
SCRIPT, STYLES = "take-home.js", ("style.css", "take-home.css")
MOST_OPEN = 8  # charts that are not folded
MOST_ROWS = 700  # of a covariance that a file holds: to pack more would take longer than a second
THRESHOLD = 0.5  # at which groups are compared, as on the card
NO_FILE = lazy_gettext(
    "There is no take-home file of this model: it is no sum of one term per field, so only its pipeline can answer."
)
KILOBYTES: WeakKeyDictionary[Schema, int] = WeakKeyDictionary()  # one per model and language
NOT_PLAIN = re.compile(r"[^\w.-]+", re.ASCII)


class Score(TypedDict):
    """How well somebody guessed, or a model: the Brier score with its interval, if there are enough guesses."""

    title: str
    score: float
    interval: tuple[float, float] | None


class Guessed(TypedDict):
    """A group of guesses that are about as high: their mean, the actual share, how many they are."""

    predicted: float
    observed: float
    rows: int


class Calibration(TypedDict):
    """The groups of one who guessed, such as the class or the model."""

    title: str
    groups: list[Guessed]


class Results(TypedDict):
    """What a class has to show: in one sentence what was guessed, the scores, and who was calibrated."""

    summary: str
    scores: list[Score]
    calibration: list[Calibration]


# What `app.extensions["class_results"]` holds in class mode. It reads the code of a class, and raises ValueError with
# what is wrong with it, or NotFound if there is no such class.
ClassResults = Callable[[str], Results]


class TakeHome(Resource):
    """The model in one file that opens from disk: form, answer with its sum, charts, card."""

    formats = ("html",)
    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the option that adds intervals."""
        words = {"type": "string", "enum": [YES, "false"], "default": "false"}
        intervals = in_query(INTERVALS, words, "Whether the file computes the intervals of its answers, too.")
        code = in_query(CLASS, TEXT, "In class mode the code of a class, whose results the file holds, too.")
        return [intervals, *([code] if RESULTS in current_app.extensions else [])]

    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Return the file: a page with its script, its styles and the table of points inside."""
        card, dictionary = additive(fitted(), NO_FILE), schema()
        options = read_options({INTERVALS: one_of([YES, "false"]), **results_by_code()})
        answer = taken_home(card, options.get(INTERVALS) == YES, options.get(CLASS))
        name = NOT_PLAIN.sub("-", dictionary.name)
        return answer, HTTPStatus.OK, {"Content-Disposition": f'attachment; filename="{name}.html"'}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the script and styles, what the script computes with, and the parts of the page."""
        return parts(additive(fitted(), NO_FILE), schema(), answer)


def taken_home(card: Additive | ClassesScorecard, with_intervals: bool, results: Results | None) -> dict[str, Any]:
    """Return the answer for a typical record, how good the model is, and the results of a class, if there are any."""
    answer: dict[str, Any] = card.explain(card.typical)
    known = intervals_of(card, with_intervals)
    return {
        **answer,
        "interval": answer["interval"] if known else None,
        "evaluation": presentable(card.evaluation),
        "intervals": known is not None,
        "results": results,
    }


def parts(card: Additive | ClassesScorecard, dictionary: Schema, answer: Any) -> dict[str, Any]:
    """Return what the page shows beside an answer."""
    charts = what_ifs(card, dictionary, card.typical, card.curves(card.typical))
    return {
        "at_home": True,
        "file": bundled(SCRIPT, TEMPLATE, *STYLES),
        "intervals": intervals_of(card, answer["intervals"]),
        "results": answer["results"],
        "charts_open": charts[:MOST_OPEN],
        "charts_folded": charts[MOST_OPEN:],
        "goodness": goodness(dictionary.task, answer["evaluation"]),
        "unequal": unequal(dictionary, groups_of(card, dictionary)),
        "fewest_rows": FEWEST_ROWS,
        **arithmetic(card, dictionary, answer),
        **drawn_with(card, dictionary),
        "table": without_multipliers(table(card, dictionary)),
    }


def kilobytes(card: Fitted, dictionary: Schema) -> int | None:
    """Return how large the file without intervals is; None, if there is none."""
    if not isinstance(card, Additive | ClassesScorecard):
        return None
    if dictionary not in KILOBYTES:
        answer = taken_home(card, False, None)
        KILOBYTES[dictionary] = round(len(page(TEMPLATE, answer=answer, **parts(card, dictionary, answer))) / 1000)
    return KILOBYTES[dictionary]


def results_by_code() -> Mapping[str, Reader]:
    """Return how the results of a class are read by its code, where there are classes."""
    find: ClassResults | None = current_app.extensions.get(RESULTS)
    return {CLASS: find} if find else {}


def intervals_of(card: Fitted, wanted: bool) -> dict[str, Any] | None:
    """Return what intervals are computed from beside the table: of a number its margin, always; else the covariance.

    None if there is nothing, or it is not wanted or too large.
    """
    if isinstance(card, NumberScorecard):
        return {"margin": card.training["margin"]}
    if not wanted or not isinstance(card, Scorecard) or not 0 < len(card.rows) <= MOST_ROWS:
        return None
    return {**packed(card)}


def without_multipliers(listed: ScorecardAnswer) -> dict[str, Any]:
    """Return a table of points without what its script does not read."""
    features: list[Any] = listed["features"]
    brief = [{name: plain(each) if isinstance(each, list) else each for name, each in of.items()} for of in features]
    return {**listed, "features": brief}


def plain(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return points as they are added, without what they multiply the odds by."""
    return [{name: each for name, each in point.items() if name != "odds_multiplier"} for point in points]


def groups_of(card: Fitted, dictionary: Schema) -> dict[str, Any]:
    """Return how a model serves the groups of each field, as its card has it."""
    if dictionary.task == BINARY:
        return {field.name: compare_groups(field, card, THRESHOLD) for field in dictionary.groups}
    return cast(dict[str, Any], card.evaluation["groups"])
