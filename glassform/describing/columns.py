"""What a column holds: numbers, dates, categories, or nothing of use."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from glassform.describing.wording import not_known
from glassform.limits import LONGEST_VALUE
from glassform.records.field import NOT_KNOWN, OWN
from glassform.records.values import CODE, NUMBER, in_plain_digits, year_of

ADVICE = {  # on texts that all look like something else
    r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].*)?": "dates? write them as 2026-01-31",
    r"[-+(]?[$€£¥]? ?[-+]?[0-9.,][0-9.,' ]*([eE][-+]?[0-9]+)? ?[%$€£¥)]*|[-+]?inf": (
        "numbers with signs? write them in plain digits, such as 1234.5"
    ),
}
PLAIN, DECIMAL_COMMA = (".", ""), (",", "")  # signs of decimals and of thousands
SIGNS = (
    PLAIN,
    DECIMAL_COMMA,
    (".", ","),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "\u00a0"),
    (",", "\u00a0"),
    (".", "'"),
)
MOST_CATEGORIES = 60
RARE = 10  # rows, under which little can be learned of a category
WHOLE = r"-?[0-9]+"
CODES = "codes with leading zeros, kept as text"
FAR = 10_000  # times as far from the median as 95% of the values are
LARGEST = 1e100  # of numbers, whose squares can still be summed
MOST_DIGITS = 15  # of a whole number, beyond which it is no longer exact


class Undescribable(ValueError):
    """A table that nothing can be learned from here."""


@dataclass(frozen=True)
class Column:
    """What is inferred of a column: its Table Schema type and values; why it is left out, or what to look at.

    `constraints` holds its categories, or the smallest and the largest number that was seen.
    """

    name: str
    type: str
    constraints: dict[str, Any]
    missing: int
    left_out: str = ""
    note: str = ""
    is_year: bool = False
    signs: tuple[str, str] = PLAIN  # of decimals and of thousands

    @property
    def described(self) -> dict[str, Any]:
        """The column as a field of the data package."""
        titles = not_known(NOT_KNOWN) if NOT_KNOWN in self.constraints.get("enum", []) else {}
        is_number = "minimum" in self.constraints  # whose range in this sample is no rule for the next
        return {
            "name": self.name,
            "type": self.type,
            "title": title_of(self.name),
            "description": "",
            "constraints": {"required": True, **({} if is_number else self.constraints)},
            OWN: {
                "unit": "",
                **titles,
                **({"gaps": True} if self.missing else {}),
                **({"years": True} if self.is_year else {}),
                **({"decimal_sign": self.signs[0]} if self.signs[0] != "." else {}),
                **({"group_sign": self.signs[1]} if self.signs[1] else {}),
                **({"observed": self.constraints} if is_number else {}),
            },
        }

    @property
    def range(self) -> str:
        """Its values in a few words."""
        if "enum" in self.constraints:
            values = self.constraints["enum"]
            return ", ".join(values[:4]) + (f", ... ({len(values)})" if len(values) > 4 else "")
        return f"{self.constraints['minimum']} to {self.constraints['maximum']}" if self.constraints else ""


def title_of(column: str) -> str:
    """Return a column's header as a title; capitals within it may mean something, as in a unit."""
    words = column.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def infer(texts: pd.Series, decimal_comma: bool = False) -> Column:
    """Infer a column: whole numbers, numbers, dates (as years) or categories.

    `decimal_comma` tells whether a comma in a number is the sign of decimals in this file.
    """
    name, known = str(texts.name), texts[texts != NOT_KNOWN]
    missing, distinct = len(texts) - len(known), known.nunique()
    if distinct < 2:
        return Column(name, "string", {}, missing, "all its values are the same" if distinct else "it is empty")
    readings = readings_of(known, decimal_comma)
    if is_one_year(readings):
        return Column(name, "integer", {}, missing, f"all its dates are in the year {readings[0].numbers.iloc[0]}")
    if distinct > 2:  # and not a yes and a no, however they are written
        if len(readings) > 1:
            return Column(name, "number", {}, missing, ambiguous(known))
        if readings:
            return numeric(name, readings[0], missing)
        if known.str.fullmatch(WHOLE).all() and not has_codes(known):
            return Column(name, "integer", {}, missing, f"it has whole numbers of more than {MOST_DIGITS} digits")
    return categorical(name, known, missing)


def ambiguous(texts: pd.Series) -> str:
    """Say that a column's numbers can be read in two ways."""
    example = next(text for text in texts if "," in text or "." in text)
    thousands = example.replace(",", "").replace(".", "")
    return f"{example} can mean two numbers; write {thousands} or {example.replace(',', '.')}"


def numeric(name: str, reading: "Reading", missing: int) -> Column:
    """Infer what a column of numbers holds."""
    numbers, type_ = reading.numbers, reading.type
    rows, its_own = len(numbers) + missing, numbers.nunique() == len(numbers) + missing
    low, high = reading.bounds.values()
    if max(abs(low), abs(high)) > LARGEST:
        return Column(name, type_, {}, missing, f"it has numbers beyond {LARGEST:g}")
    if type_ == "integer" and its_own and high - low == rows - 1:
        return replace(reading.column(name, missing), left_out="it numbers the rows")
    notes = [
        "dates; only the year is used" if reading.is_year else "",
        "every row has its own value: an identifier?" if its_own and type_ == "integer" else "",
        f"missing in {missing / rows:.0%} of the rows" if missing > rows / 2 else "",
        outlier_in(numbers),
    ]
    return replace(reading.column(name, missing), note=joined(*notes))


def outlier_in(numbers: pd.Series) -> str:
    """Say which number lies far from all others; nothing, if none does."""
    distances = (numbers.astype(float) - float(numbers.median())).abs()
    usual, farthest = float(distances.quantile(0.95)), float(distances.max())
    if not 0 < usual * FAR < farthest:
        return ""
    return f"{numbers[distances == farthest].iloc[0]:g} lies far from all others: an error?"


def has_codes(texts: pd.Series) -> bool:
    """Tell whether a column of whole numbers has codes among them, such as 00501."""
    return bool(texts.str.match(CODE).any())


def categorical(name: str, known: pd.Series, missing: int) -> Column:
    """Infer what a column of texts holds; `known` are those that are not missing."""
    counts = known.value_counts()
    categories, distinct = sorted(counts.index, key=natural), len(counts)
    advice = next((advice for look, advice in ADVICE.items() if distinct > 2 and known.str.fullmatch(look).all()), "")
    if known.str.fullmatch(WHOLE).all() and has_codes(known):
        advice = CODES
    if distinct > MOST_CATEGORIES:
        kind = "every row has its own value" if distinct == len(known) else f"it has {distinct:,} different texts"
        return Column(name, "string", {}, missing, joined(kind, advice))
    if max(map(len, categories)) > LONGEST_VALUE:
        return Column(name, "string", {}, missing, f"it has texts of more than {LONGEST_VALUE} characters")
    rare = [value for value in categories if counts[value] < RARE]
    note = f"{', '.join(rare[:3])}: fewer than {RARE} rows" if rare else ""
    enum = categories + [NOT_KNOWN] * bool(missing)
    return Column(name, "string", {"enum": enum}, missing, note=joined(note, advice))


def joined(*notes: str) -> str:
    """Return those of some notes that say something."""
    return "; ".join(filter(None, notes))


@dataclass(frozen=True)
class Reading:
    """Texts as numbers: as which ones, by which signs of decimals and thousands, and whether they were dates."""

    numbers: pd.Series
    signs: tuple[str, str] = PLAIN
    is_year: bool = False

    @property
    def type(self) -> str:
        """Their Table Schema type."""
        return "integer" if pd.api.types.is_integer_dtype(self.numbers) else "number"

    @property
    def bounds(self) -> dict[str, Any]:
        """The smallest and the largest."""
        return {"minimum": self.numbers.min().item(), "maximum": self.numbers.max().item()}

    def column(self, name: str, missing: int = 0) -> Column:
        """Return the column that holds them."""
        return Column(name, self.type, self.bounds, missing, is_year=self.is_year, signs=self.signs)


def readings_of(texts: pd.Series, decimal_comma: bool = False) -> list[Reading]:
    """Return how texts can be read as numbers, dates as their years; not at all, if they are none.

    What can be read as plain digits is; and where a comma is the sign of decimals, it is that.
    """
    if (dated := years(texts)) is not None:
        return [Reading(dated, is_year=True)]
    if has_codes(texts):
        return []
    found: list[Reading] = []
    for signs in SIGNS:
        plain = texts.map(lambda text, signs=signs: in_plain_digits(text, *signs))
        if plain.str.fullmatch(NUMBER).all() and (numbers := as_numbers(plain)) is not None:
            if signs == PLAIN or (decimal_comma and signs == DECIMAL_COMMA):
                return [Reading(numbers, signs)]
            if not any(numbers.equals(each.numbers) for each in found):
                found.append(Reading(numbers, signs))
    return found


def is_one_year(readings: Sequence[Reading]) -> bool:
    """Tell whether texts are dates, all of one year."""
    return any(each.is_year and each.numbers.nunique() < 2 for each in readings)


def as_numbers(plain: pd.Series) -> pd.Series | None:
    """Return plain digits as numbers, whole ones if all are; None, if they are too long to be exact or finite."""
    numbers = plain.astype(float)
    if not np.isfinite(numbers).all():
        return None
    if (numbers % 1 == 0).all() and numbers.abs().max() < 10**MOST_DIGITS:
        return numbers.astype("int64")
    return None if plain.str.fullmatch(WHOLE).all() else numbers


def years(texts: pd.Series) -> pd.Series | None:
    """Return dates as their years; None, if not all texts are dates."""
    if not texts.str.fullmatch(r"[0-9]{1,4}[-/.].*").all():
        return None
    found = texts.map(year_of)
    return found.astype(int) if found.notna().all() else None


def natural(text: str) -> tuple[bool, float, str]:
    """Return what categories are sorted by: those that are numbers by size, before all others."""
    is_number = bool(NUMBER.fullmatch(text))
    return not is_number, float(text) if is_number else 0.0, text
