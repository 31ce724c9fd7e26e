"""The names of columns: compared, and made fit for query strings, JSON and Python."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# Marks, such as the vowel signs of Hindi and Thai, belong to their letters; those that choose a picture do not.
PICTURE_CHOICE = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
FIRST_PICTURE = "\u2190"  # arrows, signs, emoji; the symbols before them, such as °, separate words

# Names with another meaning in addresses and forms, which no field can have.
IN_ADDRESSES = {"format", "lang", "model", "target", "lock", "method", "csrf_token", "endpoint", "suffix"}
# And in pages and answers: a table that has them cannot be sent back with what is added to it.
IN_ANSWERS = {
    "main",
    "error",
    "row",
    "value",
    "label",
    "points",
    "prediction",
    "probability",
    "log_odds",
    "intercept",
    "warnings",
}


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), in which names are compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def identifier(column: str) -> str:
    """Return a column's header as a name for query strings, JSON and Python.

    Letters of any script are kept with their marks. An emoji is spelled by its number, as u1f642; if a header has
    signs alone, such as %, all of them are.
    """
    return words_of(column) or "_".join(spelled(sign) for sign in column if not sign.isspace())


def names_taken(classes: Iterable[str]) -> set[str]:
    """Return the names that no column of an added table keeps, where the target has these classes."""
    return IN_ADDRESSES | IN_ANSWERS | {identifier(f"probability {label}") for label in classes}


def words_of(text: str) -> str:
    """Return the letters, digits and emoji of a text with _ between words; nothing, if it has signs alone."""
    words = "".join(map(part_of_name, PICTURE_CHOICE.sub("", composed(text)).lower()))
    return composed(re.sub("_+", "_", words).strip("_"))


def plain_words(text: str) -> str:
    """Return a text's words in small letters a to z and digits, with _ between words: Größe as grosse."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    without_marks = "".join(each for each in letters if not unicodedata.combining(each))
    return re.sub("[^a-z0-9]+", "_", without_marks).strip("_")


def part_of_name(character: str) -> str:
    """Return what a character becomes in a name: itself, its number between _, nothing or _."""
    if character.isalnum():
        return character
    category = unicodedata.category(character)
    if category.startswith("M"):
        return character
    if category in ("So", "Sk") and character >= FIRST_PICTURE:
        return f"_{spelled(character)}_"
    return "" if category == "Cf" else "_"  # those that only join letters or turn their direction


def spelled(character: str) -> str:
    """Return a character by its number."""
    return f"u{ord(character):x}"


class Names(dict[str, str]):
    """The fields by every header, alias and name that means them; letters with marks may be composed or not."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__((composed(name), field) for name, field in pairs)

    def __missing__(self, name: str) -> str:
        """Return the field of a name that is written in another form."""
        if name != composed(name):
            return self[composed(name)]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether a name means a field."""
        return super().__contains__(composed(str(name)))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field that a name means."""
        return super().get(composed(name), default)
