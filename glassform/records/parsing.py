"""JSON and query strings, parsed without losing repeated names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import orjson

from glassform.languages import gettext, lazy_gettext
from glassform.limits import MOST_PARSED
from glassform.refusals import TooLarge, Unreadable


class UnreadableJSON(Unreadable):
    """Text that is not JSON."""

    sentence = lazy_gettext("The body is not JSON: %(reason)s.")


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in order, repeated names included."""


def decode(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string, or a part of one, in order, repetitions included."""
    if not query.isascii():
        query = query.encode("latin-1", "replace").decode("utf-8", "replace")  # bytes as WSGI passes them
    return parse_qsl(query, keep_blank_values=True)


def may_name(query: str, parameter: str) -> bool:
    """Tell whether a query string may hold a parameter, plainly or with a letter escaped.

    Few do, and to look for one by parsing would decode the whole query.
    """
    return parameter in query or "%6" in query or "%7" in query


def parse_json(body: bytes) -> Any:
    """Parse JSON without losing repeated names: objects come as `Pairs`.

    Raises
    ------
    UnreadableJSON
        If the body is not JSON, with the place.
    """
    refuse_too_much(body)
    with refusing_other_text():
        return json.loads(body, object_pairs_hook=Pairs)


def refuse_too_much(body: bytes) -> None:
    """Refuse JSON that would fill the memory once it is parsed.

    Raises
    ------
    TooLarge
        If it has too many values for one body.
    """
    # a byte stands for 201 bytes at most, and to count is work for each of a million lines
    if 201 * len(body) > MOST_PARSED and memory_for(body) > MOST_PARSED:
        raise TooLarge(gettext("The JSON has more values than are read at once; send fewer, JSON lines or CSV."))


def memory_for(body: bytes) -> int:
    """Return about how many bytes of memory a JSON text needs once it is parsed; a small object needs 200."""
    return 200 * body.count(b"{") + 100 * body.count(b"[") + 16 * (body.count(b",") + body.count(b":")) + len(body)


@contextmanager
def refusing_other_text() -> Iterator[None]:
    """Say what is wrong with text that is not JSON.

    Raises
    ------
    UnreadableJSON
        Instead of what the library raises.
    """
    try:
        yield
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
    """Tell whether parsed JSON is an array; `Pairs` are lists too, but stand for objects."""
    return isinstance(given, list) and not isinstance(given, Pairs)


def as_pairs(given: Any) -> Any:
    """Return a JSON object as the pairs the schema reads; anything else as it is."""
    return Pairs(given.items()) if isinstance(given, dict) else given


def parse(body: bytes) -> Any:
    """Parse JSON, fast where possible; objects come as dictionaries, or as `Pairs` if names may repeat.

    Raises
    ------
    UnreadableJSON
        If it is not JSON, with the place.
    """
    refuse_too_much(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse_json(body)  # slower, but gives the place and accepts NaN
    return value if is_plain(body, value) else parse_json(body)


def is_plain(body: bytes, value: Any) -> bool:
    """Tell whether dictionaries lose nothing of a JSON text: flat objects, no repeated name.

    Without backslashes every text has two quotes, so a repeated name leaves surplus quotes.
    """
    rows = value if isinstance(value, list) else [value]
    if b"\\" in body or not all(type(row) is dict for row in rows):
        return False
    texts = sum([len(row) + [*map(type, row.values())].count(str) for row in rows])
    return body.count(b'"') == 2 * texts
