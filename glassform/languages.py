"""The languages there are, and texts in the language of the answer."""

import re
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}  # as HTML names them (BCP 47)
UNSPACED = frozenset({"zh"})  # those without a blank between two sentences
DEFAULT = "en"  # the one everything is first written in
SAME = {"eng": "en", "zho": "zh", "chi": "zh", "cmn": "zh"}  # further codes of these (ISO 639)
CATALOGS = Path(__file__).with_name("translations")
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


@cache
def translations(language: str) -> NullTranslations:
    """Return the translations into a language, which are read when it is first spoken."""
    return NullTranslations() if language == DEFAULT else translation("messages", CATALOGS, [language])


def gettext(text: str, **values: Any) -> str:
    """Return a text in the current language, its values filled in."""
    language = current()
    said = text if language == DEFAULT else translations(language).gettext(text)
    return said % values if values else said


def ngettext(singular: str, plural: str, num: int, **values: Any) -> str:
    """Return a text about a number of things in the current language, its values filled in."""
    return translations(current()).ngettext(singular, plural, num) % {"num": num, **values}


class Lazy:
    """A text that is put into the language of the answer when it is written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        """Return the text in the current language."""
        return gettext(self.text)


lazy_gettext = Lazy  # the name by which texts are gathered to be translated
