"""One reading of a value: what was written, as text, in JSON, in a tensor or in an engine, and what it means."""

import math
import re
import struct
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from glassform.files import harmless, without_apostrophe
from glassform.limits import LONGEST_VALUE
from glassform.records.field import LATEST, NOT_KNOWN, PYTHON_TYPE, Field
from glassform.records.names import composed

DAY = LATEST + 1  # milliseconds
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
GAPS = ("<NA>", "NaT")  # as pandas and NumPy write those that are no NaN; neither need be there
CODE = re.compile(r"[-+]?0[0-9]")  # begins a number that is a name, such as 007
YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})([T ].*)?")
YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})([T ].*)?")


class NoNumber(ValueError):
    """A text that is no number in digits."""


def meaning_of(field: Field, value: Any) -> Any:
    """Return what a value means to a field; what means nothing comes back as it is.

    Engines have types of their own, such as decimals and dates; those count as they are written.
    """
    if not isinstance(value, str | int | float | None):
        value = str(value)
    if field.missing and is_gap(field, value):
        return NOT_KNOWN
    if field.categories:
        return category_of(field, value)
    with suppress(NoNumber):
        return number_of(field, value)
    return value


def plain(value: Any) -> Any:
    """Return a value of Python as JSON has it: NumPy's as the number or text in it, gaps as none, others as text."""
    found = value.item() if hasattr(value, "item") else value
    if found is None or isinstance(found, str | int | float | list | dict):
        return found
    return None if str(found) in GAPS else str(found)


def number_of(field: Field, value: Any) -> Any:
    """Return what a value of a field of numbers means: a number, if it is one or a text that writes one.

    Anything else comes back as it is, for the schema to refuse.

    Raises
    ------
    NoNumber
        If it is a text that writes no number.
    """
    if isinstance(value, str):
        return at_bound(field, from_text(field, value.strip()))
    return at_bound(field, whole(field, value))


def from_text(field: Field, text: str) -> int | float:
    """Read a number, or the year of a date.

    Raises
    ------
    NoNumber
        If the text is neither.
    """
    if field.is_year and (year := year_of(text)):
        return year
    digits = in_plain_digits(text, field.decimal_sign, field.group_sign)
    if len(text) > LONGEST_VALUE or not NUMBER.fullmatch(digits):
        raise NoNumber(text)
    if field.type == "integer":
        with suppress(ValueError):  # exact, even where a float is not
            return int(year_of_moment(int(digits))) if field.is_year else int(digits)
    number = whole(field, float(digits))
    if not math.isfinite(number) or (field.type == "integer" and isinstance(number, float)):
        raise NoNumber(text)
    return number  # type: ignore[no-any-return]


def number_in(text: str) -> float:
    """Read a number that is no value of a field.

    Raises
    ------
    NoNumber
        If the text writes none.
    """
    digits = text.strip()
    if len(text) > LONGEST_VALUE or not NUMBER.fullmatch(digits):
        raise NoNumber(text)
    return float(digits)


def in_plain_digits(text: str, decimal: str = ".", group: str = "") -> str:
    """Return a number in plain digits that was written with other signs for decimals or thousands."""
    if group and re.fullmatch(
        rf"[-+]?[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})+({re.escape(decimal)}[0-9]*)?", text
    ):
        text = text.replace(group, "")
    return text.replace(decimal, ".") if decimal != "." and text.count(decimal) == 1 and "." not in text else text


def in_cell(field: Field, text: str, decimal_comma: bool) -> str:
    """Return a cell of a file in which a comma may be the sign of decimals."""
    if not decimal_comma or field.categories or "," not in text or field.group_sign == ",":
        return text
    return in_plain_digits(text.strip(), ",", field.group_sign)


def whole(field: Field, value: Any) -> Any:
    """Return a number whose fraction is zero as the whole number that it is, where the field holds such."""
    if field.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def at_bound(field: Field, value: Any) -> Any:
    """Return the field's bound, if a number is the 32-bit float that is nearest to it."""
    for bound in (field.minimum, field.maximum):
        if isinstance(value, float) and bound is not None and value != bound and value == nearest_float(bound):
            return PYTHON_TYPE[field.type](bound)
    return value


def nearest_float(number: float) -> float:
    """Return the 32-bit float that is nearest to a number."""
    try:
        (nearest,) = struct.unpack("<f", struct.pack("<f", number))
    except OverflowError:
        return math.copysign(math.inf, number)
    return float(nearest)


def year_of(text: str) -> int | None:
    """Return the year of a date, whichever of day and month comes first; None, if the text is no date."""
    if date := YEAR_FIRST.fullmatch(text):
        year, month, day = int(date[1]), int(date[3]), int(date[4])
        return year if 1 <= month <= 12 and 1 <= day <= 31 else None
    if date := YEAR_LAST.fullmatch(text):
        one, other = sorted((int(date[1]), int(date[3])))
        return int(date[4]) if 1 <= one <= 12 and other <= 31 else None
    return None


def year_of_moment(value: Any) -> Any:
    """Return the year of a moment as data frames write it in JSON, in milliseconds since 1970 began.

    Years, and dates such as 20260131, are smaller than those of any day but the first, and come back as they are.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return value
    if value and not (abs(value) >= DAY and float(value).is_integer()):
        return value
    try:
        return (datetime(1970, 1, 1) + timedelta(milliseconds=value)).year
    except OverflowError:
        return value


def is_gap(field: Field, value: Any) -> bool:
    """Tell whether a value says that it is not known: nothing, NaN, or one of the table's signs for it."""
    if isinstance(value, str):
        text = without_apostrophe(value.strip())
        return text in field.missing or text == NOT_KNOWN
    return value is None or value != value


def category_of(field: Field, value: Any) -> Any:
    """Return the category that a value means, and any other value as it is, for the schema to refuse."""
    if isinstance(value, bool):
        return field.truths.get(value, value)
    if isinstance(value, int | float):
        return field.by_number.get(value, value)
    if not isinstance(value, str) or value in field.categories:
        return value
    text = composed(value.strip()) if len(value) <= 2 * LONGEST_VALUE else value
    for same in (text, without_apostrophe(text), harmless(text)):  # as our own CSV files have it, and as it was
        if same in field.by_text:
            return field.by_text[same]
    if text.casefold() in field.truths:
        return field.truths[text.casefold()]
    if field.by_number and NUMBER.fullmatch(text) and not CODE.match(text):
        return field.by_number.get(float(text), value)
    return value
