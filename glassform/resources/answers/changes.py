"""The smallest changes that lead to another probability."""

import re
from decimal import Decimal
from typing import Any

from flask import request
from werkzeug.exceptions import NotFound

from glassform.analysis.ways import ChangesAnswer, changes_answer
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Scorecard
from glassform.languages import gettext
from glassform.limits import MOST_COMBINATIONS
from glassform.records.field import Record
from glassform.records.messages import FieldError, InvalidQuery, InvalidRecord, say, shown, unknown
from glassform.records.schema import Schema
from glassform.web.asked import fitted, schema
from glassform.web.openapi import in_query, record_in_query
from glassform.web.reading import read_record
from glassform.web.resource import Resource

# As people write it: 50%, 50 %, 50, 0.5, 0,5 or .5
TARGET = re.compile(r"([0-9]{1,15}(?:[.,][0-9]{0,17})?|[.,][0-9]{1,17})\s?(%?)")
AS_WRITTEN = r"^(0?\.[0-9]{0,14}[1-9]|[1-9][0-9]?(\.[0-9]{1,3})?%?)$"  # the plainest of these
DEFAULT_TARGET = "50%"


class Changes(Resource):
    """The smallest changes to one record that bring it to a target probability."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record, the target probability and the fields that stay."""
        target = {"type": "string", "pattern": AS_WRITTEN, "default": DEFAULT_TARGET}
        locks = {"type": "array", "items": {"type": "string", "enum": [*schema.by_name]}}
        below = "The target probability. Below 1 it is a probability, such as 0.5; else a percentage: 50 or 50%."
        return [
            *record_in_query(schema),
            in_query("target", target, below),
            in_query("lock", locks, "Fields that stay as they are; an empty one means none does."),
        ]

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the number of combinations that a search looks at."""
        return {"most": MOST_COMBINATIONS}

    def get(self) -> ChangesAnswer:
        """Return the changes for the record in the query that lead to `target` and leave every `lock` as it is."""
        card = table_of_points(fitted())
        record, target, locked = read_changes_request(schema())
        return changes_answer(card, record, target, locked)


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
    target = probability_in(targets[0])
    if target is None:
        rule = say("target", value=shown(targets[0]) or "''", low="0%", high="100%", example="50%")
        errors.append(FieldError("target", shown(targets[0]), rule))
    locks = [lock for lock in request.args.getlist("lock") if lock]
    for lock in locks:
        if lock not in schema.names:
            errors.append(unknown(lock, schema.names, len(errors), key="lock", field="lock", value=shown(lock)))
    given = locks if "lock" in request.args else schema.locked
    locked = list(dict.fromkeys(schema.names[lock] for lock in given if lock in schema.names))
    if invalid:
        raise InvalidRecord([*invalid.errors, *errors], invalid.fields)
    if target is None or errors:
        raise InvalidQuery(
            errors, {"record": record, "target": targets[0], "locked": locked}, "answers/changes_form.html"
        )
    return record, target, locked


def probability_in(text: str) -> float | None:
    """Read a probability as people write it; None, if it is none above 0 and below 1.

    Below 1 it is a probability, such as 0.5, from 1 on a percentage, such as 50. A percent sign makes it one anyway:
    0.5% is half a per cent. A comma may be the sign of decimals.
    """
    found = TARGET.fullmatch(text.strip())
    if not found:
        return None
    number = Decimal(found[1].replace(",", "."))
    share = float(number.scaleb(-2) if found[2] or number >= 1 else number)
    return share if 0 < share < 1 else None
