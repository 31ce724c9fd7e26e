"""The simple door: what the tutorials' own calls send, and what they expect back."""

from typing import Any

from flask import request
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

import batch
from batch import Arrays, Batch, Row, as_pairs, is_array, parse, refuse_too_many, summed
from languages import gettext
from openapi import RECORD, part_of_record
from representations import Resource
from resources.reading import read_body, refuse_misplaced
from schema import FieldError, InvalidRecord, Pairs, Schema, say, shown
from scorecard import Scorecard, sigmoid
from serving import schema, scorecard

# curl calls whatever it sends a form, unless told otherwise, and some clients call it nothing
READ = ("application/json", "application/x-www-form-urlencoded", "")


class PredictAnswer(TypedDict):
    """The class, its name and the probability of class 1: of one record, or lists of them."""

    prediction: int | list[int]
    label: str | list[str]
    probability: float | list[float]
    model: dict[str, str]


class Predict(Resource):
    """Predictions in the tutorials' form: class 1 is the outcome asked about, where its probability is above 1/2."""

    reads_query = True

    formats = ("json",)

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return a record, or rows of values or records."""
        fields = [part_of_record(field) for field in schema.fields]
        row = {"type": "array", "prefixItems": fields, "items": False, "minItems": len(fields)}
        rows = {"type": "array", "minItems": 1, "items": {"anyOf": [row, RECORD]}}
        data = {"type": "object", "properties": {"data": rows}, "required": ["data"], "additionalProperties": False}
        return {READ[0]: {"anyOf": [data, RECORD]}}

    def post(self) -> PredictAnswer:
        """Return the predictions of `{"data": [[...], ...]}`, or of one record."""
        card, dictionary = scorecard(), schema()
        refuse_misplaced()
        if request.mimetype not in READ:
            raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=READ[0]))
        given = as_pairs(parse(read_body(batch.MOST_ARRAY_BYTES)))
        names = [name for name, _ in given] if isinstance(given, Pairs) else []
        if "data" not in names:
            record = dictionary.read_json(given)
            single = predictions(card, [*Arrays([record], card, dictionary)])
            return answer({name: values[0] for name, values in single.items()}, card)
        if len(names) > 1:
            wrong = "repeated" if set(names) == {"data"} else "alone"
            raise InvalidRecord([FieldError("data", None, say(wrong))], {})
        rows = given[0][1]
        refuse_too_many(rows)
        if not is_array(rows):
            raise InvalidRecord([FieldError("data", shown(rows), say("array", value=shown(rows)))], {})
        scored = Batch(card, Arrays(rows, card, dictionary), keep_going=False, explain=False)
        return answer(predictions(card, [*scored.source]), card)


def answer(found: dict[str, Any], card: Scorecard) -> PredictAnswer:
    """Return predictions with the model they are of."""
    return {
        "prediction": found["prediction"],
        "label": found["label"],
        "probability": found["probability"],
        "model": card.model,
    }


def predictions(card: Scorecard, rows: list[Row]) -> dict[str, list[Any]]:
    """Return the class, its name and the probability of class 1, of each row."""
    log_odds = [summed(card.intercept, row.terms) for row in rows]
    classes = [int(each > 0) for each in log_odds]  # as scikit-learn decides
    return {
        "prediction": classes,
        "label": [card.schema.classes[each] for each in classes],
        "probability": [*map(sigmoid, log_odds)],
    }
