"""How pydantic checks a value against its field, and what to say when it fails."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal

import pydantic
from pydantic_core import PydanticCustomError

from glassform.limits import LONGEST_VALUE
from glassform.records.field import DATE, NOT_KNOWN, PLAIN_DIGITS, PYTHON_TYPE, Field
from glassform.records.messages import did_you_mean, say, shown


def annotation(field: Field, strict: bool) -> Any:
    """Return the type pydantic validates a field with; lax reads numbers from text, strict does not."""
    known = category_type(field, strict) if field.categories else number_type(field, strict)
    if not field.missing:
        return known
    gap = [{"const": NOT_KNOWN}] if field.has_gaps else []
    described = {"anyOf": [pydantic.TypeAdapter(known).json_schema(), *gap, {"type": "null"}]}
    return Annotated[known, pydantic.WrapValidator(partial(or_gap, field)), pydantic.WithJsonSchema(described)]


def category_type(field: Field, strict: bool) -> Any:
    """Return the type of a field with categories; strict takes JSON's numbers and booleans for categories, too."""
    known: Any = Literal[tuple(field.categories)]
    by_value = json_categories(field)
    if not strict or not by_value:
        return known
    described = {"enum": [*field.categories, *(value for _, value in by_value)]}
    return Annotated[
        known, pydantic.BeforeValidator(partial(category_of, by_value)), pydantic.WithJsonSchema(described)
    ]


def json_categories(field: Field) -> dict[tuple[bool, float], str]:
    """Return the categories JSON can write as numbers or booleans, by whether it is a boolean and by its value."""
    found: dict[tuple[bool, float], str] = {}
    for category in field.categories:
        with suppress(ValueError):
            value = json.loads(category.lower())
            if isinstance(value, int | float) and math.isfinite(value):
                found.setdefault((isinstance(value, bool), value), category)
    return found


def category_of(by_value: dict[tuple[bool, float], str], value: Any) -> Any:
    """Return the category of a JSON number or boolean, and any other value as it is."""
    return by_value.get((isinstance(value, bool), value), value) if isinstance(value, int | float) else value


def number_type(field: Field, strict: bool) -> Any:
    """Return the type of a field of numbers; strict reads no text but, for a year, dates."""
    limits: dict[str, Any] = {"ge": field.minimum, "le": field.maximum}
    if field.type == "number":
        limits["allow_inf_nan"] = False
    how = pydantic.Strict() if strict else pydantic.BeforeValidator(partial(from_text, field))
    plain: Any = Annotated[PYTHON_TYPE[field.type], pydantic.Field(**limits), how]
    if not (strict and field.is_year):
        return plain
    date = {"type": "string", "pattern": f"^{DATE.pattern}$"}
    described = pydantic.WithJsonSchema({"anyOf": [pydantic.TypeAdapter(plain).json_schema(), date]})
    return Annotated[plain, pydantic.BeforeValidator(year_of), described]


def or_gap(field: Field, value: Any, known: Callable[[Any], Any]) -> Any:
    """Return the sign of a missing value if the value is missing, else what pydantic makes of it.

    JSON writes a missing value as null, a binary tensor as NaN.
    """
    if value is None or value != value or (isinstance(value, str) and value.strip() in field.missing):
        value = NOT_KNOWN
    return value if field.has_gaps and value == NOT_KNOWN else known(value)


def from_text(field: Field, text: str) -> int | float:
    """Read a number in plain decimal digits, or the year of a date; pydantic reports what this raises."""
    if field.is_year and isinstance(year := year_of(text), int):
        return year
    if not PLAIN_DIGITS[field.type].fullmatch(text):
        raise PydanticCustomError("digits", "not in plain digits")
    return PYTHON_TYPE[field.type](text)


def year_of(value: Any) -> Any:
    """Return the year of a text that is a date, and any other value as it is."""
    date = DATE.fullmatch(value) if isinstance(value, str) else None
    return int(date[1]) if date else value


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
