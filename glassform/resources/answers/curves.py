"""What if: one field varied alone, or the same record in another group."""

from collections.abc import Iterable
from typing import Any

from flask import request
from typing_extensions import TypedDict

from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Twin
from glassform.fitted.target import Predicted
from glassform.languages import gettext
from glassform.records.field import Record, Value
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.resources.layers import in_points
from glassform.web.asked import fitted, schema
from glassform.web.charts import decimals, figure, in_sentence, percent, signed
from glassform.web.openapi import in_query
from glassform.web.reading import RecordResource, flat, not_one_of, read_record
from glassform.web.what_if import what_ifs

SCALE = "scale"  # the option of the page, where no field has this name
OWN, ONE = "own", "one"


class Point(Predicted):
    """One value of a field, and the answer with it: a probability, a number, or those of all classes."""

    value: Value


class Curve(TypedDict):
    """One field's values, in order."""

    feature: str
    points: list[Point]


class CurvesAnswer(TypedDict):
    """The curves of one record, a field each."""

    record: Record
    curves: list[Curve]
    model: dict[str, str]


class Curves(RecordResource):
    """By field, the answer at each of its values, the rest of the record held fixed."""

    formats = ("json", "html", "csv")

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record, and the scale of the page's charts."""
        record = super().parameters(method, schema)
        if SCALE in schema.names:
            return record
        scale = {"type": "string", "enum": [OWN, ONE], "default": OWN}
        return [*record, in_query(SCALE, scale, "The scale of the page's charts: each its own, or one for all.")]

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the charts, those that move the answer most first."""
        card, dictionary, record = fitted(), schema(), answer["record"]
        curves = {each["feature"]: [(point["value"], point) for point in each["points"]] for each in answer["curves"]}
        scale = read_scale(dictionary)
        return {
            "what_ifs": what_ifs(card, dictionary, record, curves, scale == ONE),
            "now": in_words(card, dictionary, card.members(record)),
            "scale": scale,
            "switch": SCALE not in dictionary.names,
        }

    def get(self) -> CurvesAnswer:
        """Return the curve of every field for the record in the query."""
        read_scale(schema())
        record = read_record(options={SCALE} - schema().names.keys())
        curves = fitted().curves(record)
        return {
            "record": record,
            "curves": [
                {
                    "feature": name,
                    "points": [{"value": value, **members} for value, members in curve],  # type: ignore[typeddict-item]
                }
                for name, curve in curves.items()
            ],
            "model": fitted().model,
        }

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per field and value."""
        for curve in answer["curves"]:
            for point in curve["points"]:
                yield {"feature": curve["feature"], **flat(point)}


def read_scale(dictionary: Schema) -> str:
    """Read the scale of the page's charts.

    Raises
    ------
    InvalidQuery
        If it is none of the known ones, or given twice.
    """
    given = [] if SCALE in dictionary.names else request.args.getlist(SCALE)
    if len(given) > 1:
        raise InvalidQuery([FieldError(SCALE, shown(given[1]), say("repeated"))], {})
    if given and given[0] not in (OWN, ONE):
        raise InvalidQuery([not_one_of(SCALE, given[0], (OWN, ONE))], {})
    return given[0] if given else OWN


def in_words(card: Fitted, dictionary: Schema, said: Any) -> str:
    """Write the first members of an answer: a percentage, a number with its unit, or a class with its probability."""
    if dictionary.task == NUMBER:
        number, unit = figure(said["prediction"], decimals(card.training["deviation"])), dictionary.target.unit
        return f"{number} {unit}" if unit else number
    if dictionary.task == CLASSES:
        title = dictionary.target.title_of(said["label"])
        return gettext("%(label)s, %(share)s", label=title, share=percent(said["probability"]))
    return percent(said["probability"])


class TwinsAnswer(Predicted):
    """The answers for a record and its twins."""

    record: Record
    twins: list[Twin]
    model: dict[str, str]


class Twins(RecordResource):
    """The twins of one person: the same answers but for one group field."""

    tag = "twins"
    formats = ("json", "html", "csv")

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the twins in words, those that differ most first."""
        card, dictionary = fitted(), schema()
        return {
            "now": in_words(card, dictionary, answer),
            "names": [in_sentence(field.title) for field in dictionary.used_groups],
            "twins": [in_words_beside(card, dictionary, answer, twin) for twin in far_first(answer)],
        }

    def get(self) -> TwinsAnswer:
        """Return the answer for every twin of the record in the query."""
        card, record = fitted(), read_record()
        return {
            "record": record,
            **card.members(record),  # type: ignore[typeddict-item]
            "twins": card.twins(record),
            "model": card.model,
        }

    def columns(self, answer: Any) -> list[str]:
        """Return the header; a table without group fields has no twins to take it from."""
        said = {name: value for name, value in answer.items() if name not in ("record", "twins", "model")}
        return ["feature", "value", *flat(said), *(["difference"] if len(said) == 1 else [])]

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per twin."""
        return [flat(twin) for twin in answer["twins"]]


def difference_of(answer: TwinsAnswer, twin: Twin) -> float:
    """Return how far a twin's answer is from the record's own: with classes, half of all that their shares move."""
    if "difference" in twin:
        return twin["difference"]
    own = answer["probabilities"]
    return sum(abs(share - own[label]) for label, share in twin["probabilities"].items()) / 2


def far_first(answer: TwinsAnswer) -> list[Twin]:
    """Return the twins, those that differ most first."""
    return sorted(answer["twins"], key=lambda twin: abs(difference_of(answer, twin)), reverse=True)


def in_words_beside(card: Fitted, dictionary: Schema, answer: TwinsAnswer, twin: Twin) -> dict[str, Any]:
    """Write a twin: the field and value, the answer, how far that is from the record's own, and where both stand."""
    field = dictionary.by_name[twin["feature"]]
    far = difference_of(answer, twin)
    written = {
        "field": in_sentence(field.title),
        "value": field.title_of(twin["value"]),
        "answer": in_words(card, dictionary, twin),
        "difference": difference_in_words(card, dictionary, far),
    }
    return written | ({"share": twin["probability"]} if dictionary.task == BINARY else {})


def difference_in_words(card: Fitted, dictionary: Schema, far: float) -> str:
    """Write a difference in percentage points or, of numbers, in the target's unit."""
    if dictionary.task == NUMBER:
        digits, unit = decimals(card.training["deviation"]), dictionary.target.unit
        return " ".join(filter(None, (signed(far, digits), unit)))
    return in_points(far, is_moved=dictionary.task == CLASSES)
