"""In which language an answer is written: as its address, the visitor's cookie or the Accept-Language header asks."""

from typing import Any
from urllib.parse import quote, urlencode

import flask_babel
from babel import negotiate_locale
from flask import has_request_context, request
from werkzeug.exceptions import BadRequest
from werkzeug.http import dump_cookie

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}  # as HTML names them (BCP 47)
DEFAULT = "en"  # the one everything is first written in
PARAMETER = COOKIE = "lang"
SECONDS_KEPT = 365 * 24 * 60 * 60


def language() -> str:
    """Return the language of this request's answer."""
    environ = request.environ
    asked = asked_languages(environ["QUERY_STRING"])
    if asked and asked[0] in LANGUAGES:
        return asked[0]
    kept = request.cookies.get(COOKIE) if "HTTP_COOKIE" in environ else None
    if kept in LANGUAGES:
        return str(kept)
    if "HTTP_ACCEPT_LANGUAGE" in environ:
        liked = [tag for tag, quality in request.accept_languages if quality]
        return negotiate_locale(liked, LANGUAGES, sep="-") or DEFAULT
    return DEFAULT


def current() -> str:
    """Return the language to write in; outside of a request, the first."""
    return language() if has_request_context() else DEFAULT


def asked_languages(query: str) -> list[str]:
    """Return the languages a query string asks for: none, or one, or by mistake more."""
    # few hold the name, plain or with a letter escaped, and to look for it would decode the whole query
    return request.args.getlist(PARAMETER) if PARAMETER in query or "%6" in query else []


def chosen_language(query: str) -> str | None:
    """Return the language a query string asks for, if any.

    Raises
    ------
    BadRequest
        If it asks for one that is not offered, or for several.
    """
    asked = asked_languages(query)
    if len(asked) > 1 or (asked and asked[0] not in LANGUAGES):
        raise BadRequest(gettext("%(name)s is one of %(languages)s.", name=PARAMETER, languages=", ".join(LANGUAGES)))
    return asked[0] if asked else None


def gettext(text: str, **values: Any) -> str:
    """Return a text, with its values in place, in the language of the answer; outside of a request, in the first."""
    # Flask-Babel takes 40 microseconds a request to find out that there is nothing to translate
    if current() == DEFAULT:
        return text % values if values else text
    return str(flask_babel.gettext(text, **values))


def cookie(chosen: str) -> str:
    """Return the Set-Cookie header that keeps a language."""
    return dump_cookie(COOKIE, chosen, max_age=SECONDS_KEPT, samesite="Lax")


def address(wanted: str) -> str:
    """Return the address of this page in another language."""
    given = request.args.items(multi=True) if request.method in ("GET", "HEAD") else []
    rest = [(name, value) for name, value in given if name != PARAMETER]
    # what was posted is in no address, so its page begins anew
    path = quote(request.script_root + (request.path if request.method in ("GET", "HEAD") else "/"))
    return f"{path}?{urlencode([*rest, (PARAMETER, wanted)])}"
