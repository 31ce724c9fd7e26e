"""What a description says to readers, in each language: the question, the note, the nouns."""

import json
from pathlib import Path
from typing import Any

from glassform.languages import DEFAULT

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
SIBILANTS = ("s", "x", "z", "ch", "sh")


def worded(task: str, noun: str, **values: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a package's words in the default language: those of the package itself, and those under our key.

    The latter hold the same in all other languages, as translations.

    Parameters
    ----------
    task
        The kind of target.
    noun
        The word for a row and, after a slash, for several; empty for the usual one.
    values
        What the sentences are about: `rows`, `columns`, `target`, and the `positive` of two classes.
    """
    every = {language: in_language(words, task, noun, values) for language, words in WORDS.items()}
    public, own = every.pop(DEFAULT)
    translations = {language: {**each, **its_own} for language, (each, its_own) in every.items()}
    return public, own | ({"noun": nouns(noun)} if noun else {}) | {"translations": translations}


def in_language(
    words: dict[str, Any], task: str, noun: str, values: dict[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a package's words in a language; `noun` is one of the default language."""
    one, several = words["columns"]
    columns = (one if values["columns"] == 1 else several).format(count=values["columns"])
    filled = values | {"rows": f"{values['rows']:,}", "columns": columns, "noun": noun.partition("/")[0]}
    public = {"description": words["description"].format(**filled)}
    questions = words["question_with_noun" if noun else "question"]
    own = {
        "question": questions[task].format(**filled),
        "note": words["note"].format(**filled),
        "outcome": words["outcome"][task].format(**filled),
    }
    return public, own | ({"noun": words["noun"]} if noun and "noun" in words else {})


def nouns(noun: str) -> dict[str, str]:
    """Return the words for one row and for several: those given, as in `mouse/mice`, or the regular plural."""
    one, _, many = (part.strip() for part in noun.partition("/"))
    if not many and one.endswith("y") and one[-2:-1] not in tuple("aeiou"):
        many = f"{one[:-1]}ies"
    return {"one": one, "many": many or (f"{one}es" if one.endswith(SIBILANTS) else f"{one}s")}


def not_known(category: str) -> dict[str, Any]:
    """Return the titles of the category that stands for a missing value, in each language."""
    titles = {language: {"titles": {category: words["not_known"]}} for language, words in WORDS.items()}
    return titles.pop(DEFAULT) | {"translations": titles}
