"""The simple endpoint: the bodies of common tutorials, and the answers they expect."""

from typing import Any, NotRequired

from flask import request
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from glassform.batches.batch import Batch, Row, refuse_too_many
from glassform.batches.json_rows import Arrays
from glassform.fitted.base import Fitted
from glassform.fitted.target import sigmoid, softmax
from glassform.languages import gettext
from glassform.limits import MOST_ARRAY_BYTES
from glassform.records.messages import FieldError, InvalidRecord, say, shown
from glassform.records.parsing import Pairs, as_pairs, is_array, parse
from glassform.records.schema import BINARY, NUMBER, Schema
from glassform.web.asked import fitted, schema
from glassform.web.openapi import RECORD, part_of_record
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
    model: dict[str, str]


class Predict(Resource):
    """Predictions as tutorials expect them: of two classes, class 1 is the positive one."""

    reads_query = True

    formats = ("json",)

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        fields = [part_of_record(field) for field in schema.fields]
        row = {"type": "array", "prefixItems": fields, "items": False, "minItems": len(fields)}
        rows = {"type": "array", "minItems": 1, "items": {"anyOf": [row, RECORD]}}
        data = {"type": "object", "properties": {"data": rows}, "required": ["data"], "additionalProperties": False}
        return {READ[0]: {"anyOf": [data, RECORD]}}

    def post(self) -> PredictAnswer:
        """Return the predictions of `{"data": [[...], ...]}`, or of one record."""
        card, dictionary = fitted(), schema()
        refuse_misplaced()
        if request.mimetype not in READ:
            raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=READ[0]))
        given = as_pairs(parse(read_body(MOST_ARRAY_BYTES)))
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


def answer(found: dict[str, Any], card: Fitted) -> PredictAnswer:
    """Return predictions with their model."""
    return {**found, "model": card.model}  # type: ignore[typeddict-item]


def predictions(card: Fitted, rows: list[Row]) -> dict[str, list[Any]]:
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
