"""What a column holds: numbers, dates, categories, or nothing of use."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from glassform.limits import LONGEST_VALUE
from glassform.records.field import DATE, NOT_KNOWN, OWN, PLAIN_DIGITS

ADVICE = {  # on texts that all look like something else
    r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].*)?": "dates? write them as 2026-01-31",
    r"[-+(]?[$€£¥]? ?[-+]?[0-9.,][0-9.,' ]*([eE][-+]?[0-9]+)? ?[%$€£¥)]*|[-+]?inf": (
        "numbers with signs? write them in plain digits, such as 1234.5"
    ),
}
MOST_CATEGORIES = 60
RARE = 10  # rows, under which little can be learned of a category
MOST_DIGITS = 15  # of a whole number, beyond which it is no longer exact


class Undescribable(ValueError):
    """A table that nothing can be learned from here."""


@dataclass(frozen=True)
class Column:
    """What is inferred of a column: its Table Schema type and constraints; why it is left out, or what to look at."""

    name: str
    type: str
    constraints: dict[str, Any]
    missing: int
    left_out: str = ""
    note: str = ""
    is_year: bool = False

    @property
    def described(self) -> dict[str, Any]:
        """The column as a field of the data package."""
        titles = {NOT_KNOWN: "Not known"} if NOT_KNOWN in self.constraints.get("enum", []) else {}
        return {
            "name": self.name,
            "type": self.type,
            "title": title_of(self.name),
            "description": "",
            "constraints": {"required": True, **self.constraints},
            OWN: {
                "unit": "",
                **({"titles": titles} if titles else {}),
                **({"gaps": True} if self.missing else {}),
                **({"years": True} if self.is_year else {}),
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


def infer(texts: pd.Series) -> Column:
    """Infer a column: whole numbers, numbers, dates (as years) or categories."""
    name, known = str(texts.name), texts[texts != NOT_KNOWN]
    missing, distinct = len(texts) - len(known), known.nunique()
    if distinct < 2:
        return Column(name, "string", {}, missing, "all its values are the same" if distinct else "it is empty")
    plain = years(known)
    if plain.nunique() < 2:
        return Column(name, "integer", {}, missing, f"all its dates are in the year {plain.iloc[0]}")
    if distinct > 2:  # and not a yes and a no, however they are written
        for type_, numbers in numbers_of(plain).items():
            its_own = plain.nunique() == len(texts)
            return numeric(name, type_, numbers, missing, its_own=its_own, is_year=plain is not known)
        if known.str.fullmatch(PLAIN_DIGITS["integer"]).all():
            return Column(name, "integer", {}, missing, f"it has whole numbers of more than {MOST_DIGITS} digits")
    return categorical(name, known, missing)


def numeric(name: str, type_: str, numbers: pd.Series, missing: int, its_own: bool, is_year: bool) -> Column:
    """Infer what a column of numbers holds.

    `numbers` are those that are not missing; `its_own` tells whether every row has another one.
    """
    rows, low, high = len(numbers) + missing, numbers.min(), numbers.max()
    constraints = {"minimum": low.item(), "maximum": high.item()}
    if type_ == "integer" and its_own and high - low == rows - 1:
        return Column(name, type_, constraints, missing, "it numbers the rows")
    notes = [
        "dates; only the year is used" if is_year else "",
        "every row has its own value: an identifier?" if its_own and type_ == "integer" else "",
        f"missing in {missing / rows:.0%} of the rows" if missing > rows / 2 else "",
    ]
    return Column(name, type_, constraints, missing, note=joined(*notes), is_year=is_year)


def categorical(name: str, known: pd.Series, missing: int) -> Column:
    """Infer what a column of texts holds; `known` are those that are not missing."""
    counts = known.value_counts()
    categories, distinct = sorted(counts.index, key=natural), len(counts)
    advice = next((advice for look, advice in ADVICE.items() if distinct > 2 and known.str.fullmatch(look).all()), "")
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


def numbers_of(texts: pd.Series) -> dict[str, pd.Series]:
    """Return texts as the numbers they are, by Table Schema type; nothing, if they are none."""
    if texts.str.fullmatch(PLAIN_DIGITS["integer"]).all():
        return {"integer": texts.astype(int)} if texts.str.lstrip("-").str.len().max() <= MOST_DIGITS else {}
    if texts.str.fullmatch(PLAIN_DIGITS["number"]).all():
        return {"number": texts.astype(float)}
    return {}


def years(texts: pd.Series) -> pd.Series:
    """Return dates as their years, and texts that are not all of them dates as they are."""
    return texts.str[:4] if texts.str.fullmatch(DATE).all() else texts


def natural(text: str) -> tuple[bool, float, str]:
    """Return what categories are sorted by: those that are numbers by size, before all others."""
    is_number = bool(PLAIN_DIGITS["number"].fullmatch(text))
    return not is_number, float(text) if is_number else 0.0, text
