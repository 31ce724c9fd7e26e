"""Which of two classes is the positive one, and which spellings are one class."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from glassform.describing.columns import Undescribable
from glassform.records.field import NOT_KNOWN, PLAIN_DIGITS
from glassform.records.names import composed

SIDES = ("<", "≤"), (">", "≥")  # as in <=7 and >7


def folded(text: str) -> str:
    """Return a text as classes are compared: in Unicode's composed form, without capitals."""
    return composed(composed(text).casefold())


# Words of many languages: the positive one of two classes says yes, or stands beside one that says no, or is the
# later of both on a scale, or is what the other negates.
MEANINGS: dict[str, Any] = json.loads(folded((Path(__file__).parent / "meanings.json").read_text(encoding="utf-8")))
YES, NO, NEGATIONS = (frozenset(MEANINGS[each]) for each in ("yes", "no", "negations"))
SCALES: list[list[str]] = MEANINGS["scales"]


def one_spelling(values: pd.Series) -> tuple[pd.Series, str]:
    """Return outcomes with one spelling of each class, the commonest, and a sentence that names the others."""
    counts = values[values != NOT_KNOWN].value_counts()
    spellings: dict[str, str] = {}  # the commonest comes first
    kept = {text: spellings.setdefault(folded(text), text) for text in counts.index}
    others = [f"{text} ({counts[text]:,}) as {meant}" for text, meant in kept.items() if text != meant]
    if not others:
        return values, ""
    return values.replace(kept), f"Spellings of one class are read as one: {', '.join(others)}."


def positive_of(target: str, classes: Sequence[str], asked: str | None = None) -> tuple[str, str]:
    """Return the positive one of two classes, the commoner first, and why it is.

    Raises
    ------
    Undescribable
        If the class asked for is none of them.
    """
    if asked is not None:
        named = next((each for each in classes if folded(each) == folded(asked.strip())), None)
        if named is None:
            raise Undescribable(f"{asked} is no class of {target}; its classes are {', '.join(sorted(classes))}")
        return named, "as --positive says"
    later = by_meaning(*classes)
    return (later, "by its meaning") if later else (classes[-1], "the rarer one")


def by_meaning(one: str, other: str) -> str:
    """Return which of two classes is positive by what it says; nothing, if that is not clear."""
    plain = {each: folded(each).strip() for each in (one, other)}
    yes = [each for each, text in plain.items() if is_one(text) or text in YES]
    if len(yes) == 1:
        return yes[0]
    if all(PLAIN_DIGITS["number"].fullmatch(text) for text in plain.values()):
        return max(plain, key=lambda each: float(plain[each]))
    words = dict(zip(plain, without_shared(*plain.values()), strict=True))
    for scale in SCALES:
        if all(text in scale for text in words.values()):
            return max(words, key=lambda each: scale.index(words[each]))
    no = [each for each, text in words.items() if text in NO]
    if len(no) == 1:
        return next(each for each in plain if each != no[0])
    return negated_or_less(plain)


def is_one(text: str) -> bool:
    """Tell whether a text is the number 1, as 1 and 1.0 are."""
    return bool(PLAIN_DIGITS["number"].fullmatch(text)) and float(text) == 1


def without_shared(one: str, other: str) -> tuple[str, str]:
    """Return two texts without the words that both have: of "low risk" and "high risk", low and high."""
    words = [re.findall(r"\w+|[^\w\s]+", text.replace("_", " ")) for text in (one, other)]
    shared = set(words[0]) & set(words[1])
    left = [" ".join(word for word in each if word not in shared) for each in words]
    return (left[0], left[1]) if all(left) else (one, other)


def negated_or_less(plain: dict[str, str]) -> str:
    """Return the class whose negation the other one is, or the one above what the other is below."""
    for each, text in plain.items():
        others = next(its for other, its in plain.items() if other != each)
        if any(others == f"{prefix}{text}" for prefix in NEGATIONS):
            return each
        if text.startswith(SIDES[1]) and others.startswith(SIDES[0]):
            return each
    return ""
