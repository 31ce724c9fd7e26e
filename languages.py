"""In which language an answer is written: as its address, the visitor's cookie or the Accept-Language header asks."""

import re

from flask import request
from werkzeug.exceptions import BadRequest
from werkzeug.http import dump_cookie

LANGUAGES = {"en": "English", "zh": "中文"}  # the first is the one everything is written in
DEFAULT = next(iter(LANGUAGES))
PARAMETER = COOKIE = "lang"
SECONDS_KEPT = 365 * 24 * 60 * 60

MENTIONED = re.compile(f"{PARAMETER}|%[67]")  # the parameter's name, or a letter of it escaped


def language() -> str:
    """Return the language of this request's answer.

    Raises
    ------
    BadRequest
        If the address names one that is not offered, or several.
    """
    environ = request.environ
    asked = asked_language()
    if asked:
        return asked
    kept = request.cookies.get(COOKIE) if "HTTP_COOKIE" in environ else None
    if kept in LANGUAGES:
        return kept
    if "HTTP_ACCEPT_LANGUAGE" in environ:
        return request.accept_languages.best_match(LANGUAGES, DEFAULT)
    return DEFAULT


def asked_language() -> str | None:
    """Return the language the address asks for."""
    # few addresses name one, and to look for it would decode the whole query
    asked = request.args.getlist(PARAMETER) if MENTIONED.search(request.environ["QUERY_STRING"]) else []
    if not asked:
        return None
    if len(asked) > 1 or asked[0] not in LANGUAGES:
        raise BadRequest(f"Languages offered by {PARAMETER}: {', '.join(LANGUAGES)}.")
    return asked[0]


def cookie(chosen: str) -> str:
    """Return the Set-Cookie header that keeps a language."""
    return dump_cookie(COOKIE, chosen, max_age=SECONDS_KEPT, samesite="Lax")
