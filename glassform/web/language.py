"""The language of an answer: chosen by address, cookie or Accept-Language."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import BadRequest
from werkzeug.http import dump_cookie, parse_accept_header
from werkzeug.wrappers import Request

from glassform.languages import DEFAULT, LANGUAGES, gettext, language_named
from glassform.limits import LONGEST_ACCEPT
from glassform.records.parsing import may_name

PARAMETER = COOKIE = "lang"
SECONDS_KEPT = 365 * 24 * 60 * 60


def language_of(environ: dict[str, Any]) -> str:
    """Return the language to answer a request in."""
    asks = may_name(environ["QUERY_STRING"], PARAMETER)
    if not asks and "HTTP_COOKIE" not in environ and "HTTP_ACCEPT_LANGUAGE" not in environ:
        return DEFAULT
    asked = Request(environ)
    chosen = [asked.args.get(PARAMETER, "") if asks else "", asked.cookies.get(COOKIE, "")]
    accepted = parse_accept_header(read_of(environ.get("HTTP_ACCEPT_LANGUAGE", "")), LanguageAccept)
    liked = [tag for tag, quality in accepted if quality]
    return next(filter(None, map(language_named, [*chosen, *liked])), DEFAULT)


def read_of(accepted: str) -> str:
    """Return as much of a list of what is accepted as is read, whole items: a long one costs half a second."""
    return accepted if len(accepted) <= LONGEST_ACCEPT else accepted[:LONGEST_ACCEPT].rpartition(",")[0]


def chosen_language(query: str) -> str | None:
    """Return the language a query string asks for, if any.

    Raises
    ------
    BadRequest
        If it asks for one that is not offered, or for several.
    """
    asked = request.args.getlist(PARAMETER) if may_name(query, PARAMETER) else []
    named = language_named(asked[0]) if asked else None
    if len(asked) > 1 or (asked and not named):
        raise BadRequest(gettext("%(name)s is one of %(languages)s.", name=PARAMETER, languages=", ".join(LANGUAGES)))
    return named


def cookie(chosen: str) -> str:
    """Return the Set-Cookie header that keeps a language."""
    return dump_cookie(COOKIE, chosen, max_age=SECONDS_KEPT, samesite="Lax")


def address(wanted: str) -> str:
    """Return the address of this page in another language."""
    given = request.args.items(multi=True) if request.method in ("GET", "HEAD") else []
    rest = [(name, value) for name, value in given if name != PARAMETER]
    # a posted record is in no address, so the other language starts at the form
    path = quote(request.script_root + (request.path if request.method in ("GET", "HEAD") else "/"))
    return f"{path}?{urlencode([*rest, (PARAMETER, wanted)])}"
