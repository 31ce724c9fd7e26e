"""How pydantic checks a value against its field, and what to say when it fails."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import pydantic
from pydantic_core import PydanticCustomError

from glassform.languages import gettext
from glassform.limits import LONGEST_VALUE
from glassform.records.field import NOT_KNOWN, PYTHON_TYPE, Field
from glassform.records.messages import did_you_mean, say, shown
from glassform.records.values import (
    DAY,
    NUMBER,
    YEAR_FIRST,
    YEAR_LAST,
    NoNumber,
    category_of,
    is_gap,
    number_of,
    year_of,
    year_of_moment,
)

AN = re.compile("(?!eu|one|uni|us[eu])[aeiou]")  # what begins with a vowel, to the ear


def annotation(field: Field, strict: bool) -> Any:
    """Return the type pydantic validates a field with; lax reads numbers from text, strict does not."""
    known = category_type(field, strict) if field.categories else number_type(field, strict)
    if not field.missing:
        return known
    described = with_gap(field, pydantic.TypeAdapter(known).json_schema(), ["null"] if strict else [])
    return Annotated[known, pydantic.WrapValidator(partial(or_gap, field)), pydantic.WithJsonSchema(described)]


def with_gap(field: Field, described: dict[str, Any], nothing: list[str]) -> dict[str, Any]:
    """Return the JSON Schema of a value that may not be known, which null says, too, where there is one."""
    if field.categories:
        return {"enum": [*described["enum"], None]} if nothing else described
    return {"anyOf": [described, {"const": NOT_KNOWN}, *({"type": type_} for type_ in nothing)]}


def category_type(field: Field, strict: bool) -> Any:
    """Return the type of a field with categories; strict takes JSON's numbers and booleans for categories, too."""
    known: Any = Literal[tuple(field.categories)]
    described: dict[str, Any] = {"enum": [*field.categories, *(json_categories(field) if strict else ())]}
    if len(described["enum"]) == len(field.categories):
        described["type"] = "string"
    return Annotated[known, pydantic.BeforeValidator(partial(category_of, field)), pydantic.WithJsonSchema(described)]


def json_categories(field: Field) -> list[bool | float]:
    """Return the numbers and booleans by which JSON can write a field's categories."""
    return [*field.by_number, *(value for value in (True, False) if value in field.truths)]


def number_type(field: Field, strict: bool) -> Any:
    """Return the type of a field of numbers; strict reads no text but, for a year, dates."""
    lowest, highest = field.limits
    limits: dict[str, Any] = {"ge": lowest, "le": highest}
    if field.type == "number":
        limits["allow_inf_nan"] = False
    read = pydantic.BeforeValidator(partial(from_json if strict else from_text, field))
    plain: Any = Annotated[PYTHON_TYPE[field.type], pydantic.Field(**limits), pydantic.Strict(), read]
    if None in (field.minimum, field.maximum):  # what can be computed with is no rule to announce
        rules = {"minimum": field.minimum, "maximum": field.maximum}
        said = {"type": field.type} | {name: end for name, end in rules.items() if end is not None}
        plain = Annotated[plain, pydantic.WithJsonSchema(said)]
    if not (strict and field.is_year):
        return plain
    date = {"type": "string", "pattern": f"^({YEAR_FIRST.pattern}|{YEAR_LAST.pattern})$".replace(r"\2", "[-/.]")}
    moment = {"type": "integer", "anyOf": [{"minimum": DAY}, {"maximum": -DAY}, {"const": 0}]}
    described = {"anyOf": [pydantic.TypeAdapter(plain).json_schema(), date, moment]}
    return Annotated[plain, pydantic.WithJsonSchema(described)]


def from_text(field: Field, value: Any) -> Any:
    """Return the number in a text, and a number as JSON has it; pydantic reports what this raises."""
    if not isinstance(value, str):
        return from_json(field, value)
    try:
        return number_of(field, value)
    except NoNumber as error:
        raise PydanticCustomError("digits", "not in plain digits") from error


def from_json(field: Field, value: Any) -> Any:
    """Return a JSON number as the field holds it, and the year of a date; other texts stay, to be refused."""
    if isinstance(value, str):
        return (year_of(value.strip()) if field.is_year else None) or value
    return number_of(field, year_of_moment(value) if field.is_year else value)


def or_gap(field: Field, value: Any, known: Callable[[Any], Any]) -> Any:
    """Return the sign of a missing value if the value is missing, else what pydantic makes of it.

    JSON writes a missing value as null, a binary tensor as NaN.
    """
    return NOT_KNOWN if is_gap(field, value) else known(value)


def message_for(field: Field, value: Any, error_type: str, hints: bool) -> str:
    """Say what is wrong with a field's value; `error_type` is pydantic's."""
    key = message_key(field, value, error_type)
    if key == "empty":
        return needed(field)
    return say(
        key,
        value=shown(value),
        kind=field.kind,
        title=within(field.title),
        minimum=field.limits[0],
        maximum=field.limits[1],
        length=len(value) if isinstance(value, str) else 0,
        longest=LONGEST_VALUE,
        hint=did_you_mean(value, field.spellings) if hints and isinstance(value, str) else "",
    )


def needed(field: Field) -> str:
    """Say what to give for a field that has no value."""
    title = within(field.title)
    if not field.categories:
        return say("enter", title=title, rule=field.rule)
    named = gettext("an %(title)s", title=title) if AN.match(title) else gettext("a %(title)s", title=title)
    return say("choose", a_title=named)


def within(title: str) -> str:
    """Return a title as it stands within a sentence; capitals after the first letter mean something, as in BMI."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


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
    return "digits" if error_type == "digits" or not NUMBER.fullmatch(text.strip()) else "quoted"
