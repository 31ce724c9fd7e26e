"""The languages there are, and texts in the language of the answer."""

from contextvars import ContextVar
from typing import Any

import flask_babel

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}  # as HTML names them (BCP 47)
DEFAULT = "en"  # the one everything is first written in

_spoken = ContextVar("language", default=DEFAULT)


def current() -> str:
    """Return the language to write in: the answer's or, outside of a request, the default."""
    return _spoken.get()


def speak(language: str) -> None:
    """Write in a language from now on, in this thread or task."""
    _spoken.set(language)


def gettext(text: str, **values: Any) -> str:
    """Return a text in the current language, its values filled in."""
    # Flask-Babel takes 40 microseconds a request to find out that there is nothing to translate
    if current() == DEFAULT:
        return text % values if values else text
    return str(flask_babel.gettext(text, **values))
