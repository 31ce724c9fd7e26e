"""The smallest changes that lead to another probability."""

import re
from typing import Any

from flask import request
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound

from glassform.analysis.changes import smallest_changes
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Scorecard
from glassform.languages import gettext
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record, Value
from glassform.records.messages import FieldError, InvalidQuery, InvalidRecord, say, shown, unknown
from glassform.records.schema import Schema
from glassform.web.asked import fitted, schema
from glassform.web.openapi import in_query, record_in_query
from glassform.web.reading import read_record
from glassform.web.resource import Resource

TARGET = re.compile(r"0?\.[0-9]{1,15}")
DEFAULT_TARGET = "0.5"


class ChangesAnswer(TypedDict):
    """The smallest changes found, and what they lead to; `reached` tells whether that is the wanted probability.

    `exact` is false where the search stopped at its limit of combinations: as few fields may get there nearer.
    """

    target: float
    locked: list[str]
    record: Record
    probability: float
    reached: bool
    exact: bool
    changes: list[dict[str, Value]]
    changed_record: Record
    changed_probability: float
    model: dict[str, str]


class Changes(Resource):
    """The smallest changes to one record that bring it to a wanted probability."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record, the wanted probability and the fields that stay."""
        target = {"type": "string", "pattern": r"^0?\.[0-9]{0,14}[1-9]$", "default": DEFAULT_TARGET}
        locks = {"type": "array", "items": {"type": "string", "enum": [*schema.by_name]}}
        return [
            *record_in_query(schema),
            in_query("target", target, "The wanted probability, above 0 and below 1."),
            in_query("lock", locks, "Fields that stay as they are; an empty one means none does."),
        ]

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the number of combinations that a search looks at."""
        return {"most": MOST_COMBINATIONS}

    def get(self) -> ChangesAnswer:
        """Return the changes for the record in the query that lead to `target` and leave every `lock` as it is."""
        card = table_of_points(fitted())
        record, target, locked = read_changes_request(schema())
        found = smallest_changes(card, record, target, locked)
        return {
            "target": target,
            "locked": locked,
            "record": record,
            "probability": card.probability(record),
            "reached": found.reached,
            "exact": found.exact,
            "changes": [
                {"feature": name, "from": record[name], "to": found.values[name]}
                for name in record
                if name in found.values
            ],
            "changed_record": found.record,
            "changed_probability": found.probability,
            "model": card.model,
        }


def table_of_points(card: Fitted) -> Scorecard:
    """Return the model as a scorecard, in which changes can be searched.

    Raises
    ------
    NotFound
        If it is another kind of model.
    """
    if not isinstance(card, Scorecard):
        raise NotFound(gettext("Changes are looked for in a table of points of two classes; this model is none."))
    return card


def read_changes_request(schema: Schema) -> tuple[Record, float, list[str]]:
    """Read record, target and locks; without a `lock` the package's own apply, an empty one means none.

    Raises
    ------
    InvalidRecord
        With every error of all three, if the record has any.
    InvalidQuery
        With every error of target and locks, if only these have any.
    """
    errors: list[FieldError] = []
    record, invalid = {}, None
    try:
        record = read_record(options={"target", "lock"})
    except InvalidRecord as error:
        invalid = error
    targets = request.args.getlist("target") or [DEFAULT_TARGET]
    if len(targets) > 1:
        errors.append(FieldError("target", shown(targets[1]), say("repeated")))
    elif not TARGET.fullmatch(targets[0]) or not float(targets[0]):
        rule = say("target", value=shown(targets[0]) or "''", example=DEFAULT_TARGET)
        errors.append(FieldError("target", shown(targets[0]), rule))
    locks = [lock for lock in request.args.getlist("lock") if lock]
    for lock in locks:
        if lock not in schema.names:
            errors.append(unknown(lock, schema.names, len(errors), key="lock", field="lock", value=shown(lock)))
    given = locks if "lock" in request.args else [field.name for field in schema.fields if field.locked]
    locked = list(dict.fromkeys(schema.names[lock] for lock in given if lock in schema.names))
    if invalid:
        raise InvalidRecord([*invalid.errors, *errors], invalid.fields)
    if errors:
        raise InvalidQuery(
            errors, {"record": record, "target": targets[0], "locked": locked}, "answers/changes_form.html"
        )
    return record, float(targets[0]), locked
