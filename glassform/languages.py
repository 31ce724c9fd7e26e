"""The languages there are, and texts in the language of the answer."""

import re
from contextvars import ContextVar
from typing import Any

import flask_babel

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}  # as HTML names them (BCP 47)
UNSPACED = frozenset({"zh"})  # those without a blank between two sentences
DEFAULT = "en"  # the one everything is first written in
SAME = {"eng": "en", "zho": "zh", "chi": "zh", "cmn": "zh"}  # further codes of these (ISO 639)
SUBTAG = re.compile("[-_.@]")  # begins a script, a region, or what a locale adds

_spoken = ContextVar("language", default=DEFAULT)


def current() -> str:
    """Return the language to write in: the answer's or, outside of a request, the default."""
    return _spoken.get()


def speak(language: str) -> None:
    """Write in a language from now on, in this thread or task."""
    _spoken.set(language)


def language_named(tag: str) -> str | None:
    """Return the language that a tag means, in any capitals, with any script and region: `zh-Hant-TW`, `zh_CN`."""
    first = SUBTAG.split(tag.strip(), maxsplit=1)[0].lower()
    named = SAME.get(first, first)
    return named if named in LANGUAGES else None


def gettext(text: str, **values: Any) -> str:
    """Return a text in the current language, its values filled in."""
    # Flask-Babel takes 40 microseconds a request to find out that there is nothing to translate
    if current() == DEFAULT:
        return text % values if values else text
    return str(flask_babel.gettext(text, **values))
