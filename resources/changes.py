"""What would have to change for the model to give another probability."""

import re

from flask import request

from changes import smallest_changes
from representations import Answer, Resource
from resources.reading import read_record, schema, scorecard
from schema import MOST_ERRORS, FieldError, InvalidRecord, Record, Schema, did_you_mean, say, shown

TARGET = re.compile(r"0?\.[0-9]{1,15}")
DEFAULT_TARGET = "0.5"


class Changes(Resource):
    """The smallest changes to one record that bring it to a wanted probability."""

    def get(self) -> Answer:
        """Return the changes for the record in the query that lead to `target` and leave every `lock` as it is."""
        card = scorecard()
        record, target, locked = read_wish(schema())
        found = smallest_changes(card, record, target, locked)
        return {
            "target": target,
            "locked": locked,
            "record": record,
            "probability": card.probability(record),
            "reached": found.reached,
            "changes": [
                {"feature": name, "from": record[name], "to": found.values[name]}
                for name in record
                if name in found.values
            ],
            "changed_record": found.record,
            "changed_probability": found.probability,
            "model": card.model,
        }


def read_wish(schema: Schema) -> tuple[Record, float, list[str]]:
    """Read record, target and locks; without any `lock` the package's own apply, an empty one means none.

    Raises
    ------
    InvalidRecord
        With every error of all three.
    """
    errors, record = [], {}
    try:
        record = read_record(options={"target", "lock"})
    except InvalidRecord as invalid:
        errors, record = list(invalid.errors), dict(invalid.fields)
    targets = request.args.getlist("target") or [DEFAULT_TARGET]
    if len(targets) > 1:
        errors.append(FieldError("target", shown(targets[1]), say("repeated")))
    elif not TARGET.fullmatch(targets[0]) or not float(targets[0]):
        rule = say("target", value=shown(targets[0]) or "''", example=DEFAULT_TARGET)
        errors.append(FieldError("target", shown(targets[0]), rule))
    locks = [lock for lock in request.args.getlist("lock") if lock]
    for lock in locks:
        if lock not in schema.names:
            hint = did_you_mean(lock, schema.names) if len(errors) < MOST_ERRORS else ""
            errors.append(FieldError("lock", shown(lock), say("lock", value=shown(lock), hint=hint)))
    if errors:
        raise InvalidRecord(errors, record)
    given = locks if "lock" in request.args else [field.name for field in schema.fields if field.locked]
    return record, float(targets[0]), list(dict.fromkeys(schema.names[lock] for lock in given))
