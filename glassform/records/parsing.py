"""JSON and query strings read without losing a repeated name."""

import json
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask_babel import lazy_gettext

from glassform.languages import gettext
from glassform.refusals import Unreadable


class UnreadableJSON(Unreadable):
    """Text that is not JSON."""

    sentence = lazy_gettext("The body is not JSON: %(reason)s.")


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in the order sent, repeated names kept."""


def decode(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string, or of a part of one, in order and with all repetitions."""
    if not query.isascii():
        query = query.encode("latin-1", "replace").decode("utf-8", "replace")  # bytes, as WSGI hands them on
    return parse_qsl(query, keep_blank_values=True)


def parse_json(body: bytes) -> Any:
    """Parse JSON without losing repeated names: objects come as `Pairs`.

    Raises
    ------
    UnreadableJSON
        If the body is not JSON, with the place.
    """
    try:
        return json.loads(body, object_pairs_hook=Pairs)
    except json.JSONDecodeError as error:
        place = gettext("line %(line)s, column %(column)s", line=error.lineno, column=error.colno)
        raise UnreadableJSON(f"{error.msg} ({place})") from error
    except RecursionError as error:
        raise UnreadableJSON(gettext("it is nested too deeply")) from error
    except UnicodeDecodeError as error:
        raise UnreadableJSON(gettext("byte %(number)s is not UTF-8 text", number=error.start + 1)) from error
    except ValueError as error:
        raise UnreadableJSON(gettext("a number in it has too many digits")) from error


def is_array(given: Any) -> bool:
    """Tell whether parsed JSON is an array; an object that was read with care is a list, too, of pairs."""
    return isinstance(given, list) and not isinstance(given, Pairs)


def as_pairs(given: Any) -> Any:
    """Return a JSON object as the pairs the schema reads; anything else as it is."""
    return Pairs(given.items()) if isinstance(given, dict) else given


def parse(body: bytes) -> Any:
    """Parse JSON, fast if nothing in it needs care; objects come as dictionaries, or as `Pairs` if any did.

    Raises
    ------
    UnreadableJSON
        If it is not JSON, with the place.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse_json(body)  # which says where, and knows NaN
    return value if is_plain(body, value) else parse_json(body)


def is_plain(body: bytes, value: Any) -> bool:
    """Tell whether dictionaries hold all that a JSON text says: flat objects, no name twice.

    Without backslashes every text has two quotes, so a name that was given twice leaves quotes over.
    """
    rows = value if isinstance(value, list) else [value]
    if b"\\" in body or not all(type(row) is dict for row in rows):
        return False
    texts = sum([len(row) + [*map(type, row.values())].count(str) for row in rows])
    return body.count(b'"') == 2 * texts
