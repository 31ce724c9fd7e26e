"""How a value is checked against its field."""

from typing import Any

from glassform.limits import LONGEST_VALUE
from glassform.records.field import PLAIN_DIGITS, Field
from glassform.records.messages import did_you_mean, say, shown


def message_for(field: Field, value: Any, error_type: str, hints: bool) -> str:
    """Say what is wrong with a field's value; `error_type` is pydantic's."""
    return say(
        message_key(field, value, error_type),
        value=shown(value),
        kind=field.kind,
        rule=field.rule,
        title=field.title.lower(),
        minimum=field.minimum,
        maximum=field.maximum,
        length=len(value) if isinstance(value, str) else 0,
        longest=LONGEST_VALUE,
        hint=did_you_mean(value, field.spellings) if hints and isinstance(value, str) else "",
    )


def message_key(field: Field, value: Any, error_type: str) -> str:
    """Choose the message that says best what is wrong."""
    text = value if isinstance(value, str) else None
    if text is not None and len(text) > LONGEST_VALUE:
        return "long"
    if error_type in ("greater_than_equal", "less_than_equal"):
        return "range" if None not in (field.minimum, field.maximum) else error_type
    if text is None:
        return "type"
    if not text.strip():
        return "empty"
    if not text.isprintable():
        return "control"
    if field.categories:
        return "category"
    return "digits" if error_type == "digits" or not PLAIN_DIGITS[field.type].fullmatch(text) else "quoted"
