"""The simple endpoint: the bodies of common tutorials and of model servers, and the answers they expect."""

from typing import Any, NotRequired

from flask import request
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from glassform.batches.batch import Batch, Row
from glassform.batches.json_rows import Arrays
from glassform.batches.predict_bodies import OUTPUTS, PREDICTIONS, SHAPES, UnknownShape
from glassform.batches.predict_bodies import read_body as rows_in
from glassform.fitted.base import Fitted
from glassform.fitted.target import sigmoid, softmax
from glassform.languages import gettext
from glassform.limits import MOST_ARRAY_BYTES
from glassform.records.field import Record
from glassform.records.messages import InvalidRecord
from glassform.records.parsing import Pairs
from glassform.records.schema import BINARY, NUMBER, Schema
from glassform.web.asked import fitted, schema
from glassform.web.openapi import RECORD_IN_JSON, part_of_record, record_among_others
from glassform.web.reading import read_body, refuse_misplaced
from glassform.web.resource import Resource

# curl calls every body a form unless told otherwise, and some clients send no type
READ = ("application/json", "application/x-www-form-urlencoded", "")


class PredictAnswer(TypedDict):
    """Predictions for one record or a list of them.

    `prediction` is the number of the class, from 0 on, `label` its name, `probability` that of class 1 of two; for a
    target that is a number, `prediction` is the predicted number.
    """

    prediction: float | list[float]
    label: NotRequired[str | list[str]]
    probability: NotRequired[float | list[float]]
    probabilities: NotRequired[list[float] | list[list[float]]]
    warnings: NotRequired[list[str] | list[list[str]]]
    model: dict[str, str]


class PredictedRowsAnswer(TypedDict):
    """Predictions for `instances` or a data frame: the numbers of the classes, or numbers."""

    predictions: list[float]


class PredictedOutputsAnswer(TypedDict):
    """Predictions for `inputs`: the numbers of the classes, or numbers."""

    outputs: list[float]


class Predict(Resource):
    """Predictions as tutorials expect them: of two classes, class 1 is the positive one."""

    reads_query = True

    lane = "batches"
    largest_body = MOST_ARRAY_BYTES
    formats = ("json",)

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        fields = [part_of_record(field) for field in schema.fields]
        row = {"type": "array", "prefixItems": fields, "items": False, "minItems": len(fields)}
        among_others = record_among_others(schema)
        rows = {"type": "array", "minItems": 1, "items": {"anyOf": [row, among_others]}}
        columns = {"columns": {"const": [*schema.by_name]}, "data": rows | {"items": row}}
        held = dict.fromkeys(SHAPES, rows) | {
            "dataframe_records": rows | {"items": among_others},
            "dataframe_split": {"type": "object", "properties": columns, "required": ["data"]},
        }
        return {READ[0]: {"anyOf": [RECORD_IN_JSON, rows, *(alone(name, each) for name, each in held.items())]}}

    def post(self) -> PredictAnswer | PredictedRowsAnswer | PredictedOutputsAnswer:
        """Return the predictions of one record, of `[[...], ...]`, or of rows as model servers read them."""
        card, dictionary = fitted(), schema()
        refuse_misplaced()
        if request.mimetype not in READ:
            raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=READ[0]))
        given = rows_in(read_body(self.largest_body), dictionary)
        if isinstance(given, Pairs):
            single = predictions(card, [*Arrays([read_single(given, dictionary)], card, dictionary)])
            return answer({name: values[0] for name, values in single.items()}, card)
        scored = Batch(card, Arrays(given.given, card, dictionary), keep_going=False, explain=False)
        found = predictions(card, [*scored.source])
        if given.answer == PREDICTIONS:
            return {"predictions": found["prediction"]}
        return {"outputs": found["prediction"]} if given.answer == OUTPUTS else answer(found, card)


def alone(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object with one member."""
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def read_single(given: Pairs, schema: Schema) -> Record:
    """Return the record of an object.

    Raises
    ------
    UnknownShape
        If none of its members is a field.
    InvalidRecord
        With every error of every field, if one is.
    """
    try:
        return schema.read_json(given)
    except InvalidRecord as invalid:
        if any(name in schema.names for name, _ in given):
            raise
        raise UnknownShape(invalid.errors, invalid.fields) from invalid


def answer(found: dict[str, Any], card: Fitted) -> PredictAnswer:
    """Return predictions with their model."""
    return {**found, "model": card.model}  # type: ignore[typeddict-item]


def predictions(card: Fitted, rows: list[Row]) -> dict[str, list[Any]]:
    """Return the predictions of all rows, by member of the answer, with warnings if any row has some."""
    warned = [card.cautions(row.values) for row in rows] if card.warns else []
    return outcomes(card, rows) | ({"warnings": warned} if any(warned) else {})


def outcomes(card: Fitted, rows: list[Row]) -> dict[str, list[Any]]:
    """Return the predictions of all rows, by member of the answer."""
    sums, classes = card.all_sums(rows), card.schema.classes
    if card.schema.task == NUMBER:
        return {"prediction": [*sums]}
    # as scikit-learn decides: above 0, or the highest
    chosen = [int(each > 0) if card.schema.task == BINARY else each.index(max(each)) for each in sums]
    found: dict[str, list[Any]] = {"prediction": chosen, "label": [classes[each] for each in chosen]}
    if card.schema.task == BINARY:
        return found | {"probability": [*map(sigmoid, sums)]}
    return found | {"probabilities": [*map(softmax, sums)]}
