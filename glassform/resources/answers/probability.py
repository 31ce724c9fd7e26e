"""The answer for one record, with its arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NotRequired

from typing_extensions import TypedDict

from glassform.analysis.table_of_points import table
from glassform.analysis.thresholds import Rate
from glassform.fitted.base import Fitted
from glassform.fitted.neighbours import Support
from glassform.fitted.scorecard import Explanation, Scorecard
from glassform.records.field import Record, Value
from glassform.records.schema import CLASSES, NUMBER, Schema
from glassform.web.asked import fitted, schema
from glassform.web.charts import WHOLE, Scale, decimals, draw_curves, figures, percents
from glassform.web.forms import FORM_TYPES
from glassform.web.openapi import RECORD, RECORD_IN_JSON, record_in_query
from glassform.web.reading import flat, read_record
from glassform.web.resource import Resource

SAID = (
    "label",
    "probability",
    "probabilities",
    "prediction",
    "log_odds",
)  # columns of its CSV


class ClassesExplanation(TypedDict):
    """The most probable of several classes, and the arithmetic.

    A class's sum is its intercept plus the points of all contributions, left to right; its probability is e to that
    sum, divided by the total over all classes. Models that are not additive have no contributions.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    sums: NotRequired[dict[str, float]]
    intercept: NotRequired[dict[str, float]]
    contributions: list[dict[str, Any]] | None
    record: Record
    interval: None
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


class NumberExplanation(TypedDict):
    """The predicted number and its arithmetic: intercept + points of all contributions, left to right, = prediction.

    95 of 100 outcomes lie within `interval`. Models that are not additive have no contributions.
    """

    prediction: float
    intercept: NotRequired[float]
    contributions: list[dict[str, Any]] | None
    record: Record
    interval: tuple[float, float]
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


class Unexplained(TypedDict):
    """A probability from a pipeline, without arithmetic."""

    probability: float
    contributions: None
    record: Record
    interval: None
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


class Probability(Resource):
    """The answer for one record: a probability, a number, or one of several classes."""

    reads_query = True
    lane = "light"

    formats = ("json", "html", "csv")
    templates = MappingProxyType({NUMBER: "answers/number.html", CLASSES: "answers/classes.html"})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record of a GET."""
        return record_in_query(schema) if method == "get" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        return {"application/json": RECORD_IN_JSON, **dict.fromkeys(FORM_TYPES, RECORD)}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the curves, the twins, the counts, and the table for the page's script."""
        card, dictionary, record = fitted(), schema(), answer["record"]
        shown: dict[str, Any] = {"twin_answers": card.twins(record) if dictionary.groups else []}
        if dictionary.task == CLASSES:
            return shown | {"what_if": card.curves(record)}
        curves = card.what_if(record)
        if dictionary.task == NUMBER:
            scale, write = (
                Scale.of(numbers_of(curves, answer["prediction"])),
                partial(figures, digits=digits_of(card)),
            )
            return shown | drawn(dictionary, answer, curves, scale, write)
        shown |= counted(card.training, answer["support"])
        shown["table"] = table(card, dictionary) if isinstance(card, Scorecard) else None
        return shown | drawn(dictionary, answer, curves, WHOLE, percents)

    def get(self) -> Explanation | NumberExplanation | ClassesExplanation | Unexplained:
        """Return the answer for the record in the query, with every term."""
        answer: Explanation = fitted().explain(read_record())
        return answer

    def post(self) -> Explanation | NumberExplanation | ClassesExplanation | Unexplained:
        """Return the same for the record in the body."""
        return self.get()

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return one row: the record, then the answer."""
        return [{**answer["record"], **flat({name: answer[name] for name in SAID if name in answer})}]


def counted(training: dict[str, Any], support: Support | None) -> dict[str, Rate | None]:
    """Return the share of positives among all training rows, and among those like the record."""
    alike = Rate(round((support["share"] or 0) * support["count"]), support["count"]) if support else None
    return {"everyone": Rate(training["positives"], training["rows"]), "alike": alike}


def drawn(
    dictionary: Schema,
    answer: dict[str, Any],
    curves: dict[str, list[tuple[Value, float]]],
    scale: Scale,
    write: Callable[[Sequence[float]], list[str]],
) -> dict[str, Any]:
    """Return the drawn curves, the ends of their scale and the answer's place on it."""
    low, high = write([scale.low, scale.high])
    own = answer["prediction"] if dictionary.task == NUMBER else answer["probability"]
    return {
        "drawn": draw_curves(dictionary, answer["record"], curves, scale, write),
        "own": scale.at(own),
        "low_end": low,
        "high_end": high,
    }


def numbers_of(curves: dict[str, list[tuple[Value, float]]], own: float) -> list[float]:
    """Return the answer and all numbers of the curves."""
    return [own, *(number for curve in curves.values() for _, number in curve)]


def digits_of(card: Fitted) -> int:
    """Return how many decimals a number of the target is written with."""
    return decimals(card.training["deviation"])
