"""Formats: how one is chosen and how each writes an answer; entity tags."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import orjson
from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable
from werkzeug.http import parse_accept_header

from glassform.files import csv_of
from glassform.languages import current, gettext
from glassform.records.parsing import may_name
from glassform.settings import CODE, HOME
from glassform.web.asked import fitted, served
from glassform.web.language import read_of
from glassform.web.pages import page

# parameters of a media type, such as charset; a client chooses by q alone
PARAMETERS = re.compile(r';\s*(?!q\s*=)[\w!#$&^.+-]+\s*=\s*("[^"]*"|[^;,]*)', re.IGNORECASE)
WHO = ("access_token_cookie", "form")  # the cookies that change what a page shows
PARTS_AT_A_TIME = 500
LONGEST_KEPT, MOST_KEPT = 256, 512  # characters of an Accept header whose format is kept, and how many are: 128 KB


@dataclass(frozen=True)
class Streamed:
    """An answer too long for memory: its rows as text and as objects, a summary for the page, their number."""

    columns: list[str]
    texts: Callable[[], Iterable[list[str]]]
    objects: Callable[[], Iterable[dict[str, Any]]]
    summary: Callable[[], dict[str, Any]]
    count: int


class Shown(Protocol):
    """What a format needs to know of the resource whose answer it writes."""

    @property
    def template(self) -> str:
        """The file name of its page."""

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what its page shows beside an answer."""

    def columns(self, answer: Any) -> list[str] | None:
        """Return the header of the table where there may be no row to take it from."""

    def rows(self, answer: Any) -> Iterable[Mapping[str, Any]]:
        """Return an answer as the rows of a table."""

    def written(self, answer: Any) -> str:
        """Return an answer as text."""


class Format:
    """A way to write answers: JSON, which clients get that accept anything, as curl does."""

    name = "json"
    media_type = "application/json"
    also: tuple[str, ...] = ()  # further names of the media type, which clients ask for
    is_suffix = True  # whether it can be asked for at the end of an address

    def write(self, answer: Any, body: bytes, resource: Shown) -> bytes:
        """Return an answer of a resource; `body` is the same as JSON."""
        return body

    def stream(self, answer: Streamed, resource: Shown) -> bytes | Iterator[bytes]:
        """Return a long answer in parts."""
        return json_array(answer)

    def headers(self, resource: Shown) -> dict[str, str]:
        """Return the headers that go with a long answer."""
        return {}


class LinkedData(Format):
    """JSON-LD: JSON whose names are those of a standard."""

    name = "jsonld"
    media_type = "application/ld+json"
    is_suffix = False


class Page(Format):
    """HTML, for people."""

    name = "html"
    media_type = "text/html; charset=utf-8"

    def write(self, answer: Any, body: bytes, resource: Shown) -> bytes:
        """Return the resource's page."""
        return page(resource.template, answer=answer, **resource.shown_with(answer))

    def stream(self, answer: Streamed, resource: Shown) -> bytes | Iterator[bytes]:
        """Return a page with the first rows."""
        return page(resource.template, answer=answer)


class CSV(Format):
    """A table (RFC 4180)."""

    name = "csv"
    media_type = "text/csv; charset=utf-8"
    also = ("application/csv", "text/x-csv")

    def write(self, answer: Any, body: bytes, resource: Shown) -> bytes:
        """Return the answer's rows."""
        return as_csv(resource.rows(answer), resource.columns(answer))

    def stream(self, answer: Streamed, resource: Shown) -> bytes | Iterator[bytes]:
        """Return a long table in parts."""
        return csv_lines(answer)

    def headers(self, resource: Shown) -> dict[str, str]:
        """Return the name to save the file under."""
        name = Path(resource.template).stem
        return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


class Spreadsheet(CSV):
    """A table that starts with a byte order mark, without which Excel takes UTF-8 for another encoding."""

    name = "excel"
    is_suffix = False

    def write(self, answer: Any, body: bytes, resource: Shown) -> bytes:
        """Return the answer's rows."""
        return BOM_UTF8 + super().write(answer, body, resource)

    def stream(self, answer: Streamed, resource: Shown) -> bytes | Iterator[bytes]:
        """Return a long table in parts."""
        return chain([BOM_UTF8], csv_lines(answer))


class Lines(Format):
    """JSON, an object a line."""

    name = "jsonl"
    media_type = "application/x-ndjson"
    also = ("application/jsonl", "application/ndjson", "application/jsonlines", "application/x-jsonlines")
    is_suffix = False

    def stream(self, answer: Streamed, resource: Shown) -> bytes | Iterator[bytes]:
        """Return a long answer in parts."""
        return json_lines(answer)


class SQL(Format):
    """Text that a resource writes itself."""

    name = "sql"
    media_type = "application/sql"

    def write(self, answer: Any, body: bytes, resource: Shown) -> bytes:
        """Return what the resource wrote."""
        return resource.written(answer).encode()


class Markdown(SQL):
    """Markdown, which people read and the Hugging Face Hub shows."""

    name = "md"
    media_type = "text/markdown; charset=utf-8"
    also = ("text/x-markdown",)


class Exposition(SQL):
    """The text format of Prometheus."""

    name = "text"
    media_type = "text/plain; version=0.0.4; charset=utf-8"
    is_suffix = False


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (Format(), LinkedData(), Page(), CSV(), Spreadsheet(), Lines(), SQL(), Markdown(), Exposition())
}
SUFFIXES = tuple(name for name, each in FORMATS.items() if each.is_suffix)


def chosen_format(environ: dict[str, Any], formats: tuple[str, ...], suffix: str | None) -> str:
    """Choose a format: by the URL's suffix, else by `?format=`, else by the Accept header.

    CSV for a browser is CSV for a spreadsheet; programs get that only if they ask for it by name.

    Raises
    ------
    BadRequest
        If `format` is given more than once.
    NotAcceptable
        If the format asked for is not offered here.
    """
    asked = request.args.getlist("format") if may_name(environ["QUERY_STRING"], "format") else []
    if len(asked) > 1:
        raise BadRequest(gettext("format is given more than once."))
    wanted = suffix or (asked[0] if asked else negotiated(environ.get("HTTP_ACCEPT", ""), formats))
    if suffix and asked and asked[0] != suffix:
        raise NotAcceptable(gettext("The end of the address asks for another format than its query."))
    if wanted not in offered_by_name(formats):
        raise NotAcceptable(gettext("Formats offered here: %(formats)s.", formats=", ".join(formats)))
    # a link or a form of a page: a browser asks for HTML, and a person opens what comes
    if wanted == CSV.name and "text/html" in environ.get("HTTP_ACCEPT", ""):
        return Spreadsheet.name
    return wanted


def offered_by_name(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Return the formats that can be asked for by name: where there is CSV, the one for spreadsheets too."""
    return (*formats, Spreadsheet.name) if CSV.name in formats else formats


def negotiated(accept: str, formats: tuple[str, ...]) -> str | None:
    """Return the offered format an Accept header likes best; headers as browsers send them are kept."""
    return kept_negotiated(accept, formats) if len(accept) <= LONGEST_KEPT else liked_best(accept, formats)


def liked_best(accept: str, formats: tuple[str, ...]) -> str | None:
    """Return the offered format an Accept header likes best, the earlier one on a tie (RFC 9110, 12.5.1)."""
    offered = {FORMATS[each].media_type.partition(";")[0]: each for each in formats}
    offered |= {name: each for each in formats for name in FORMATS[each].also}
    best = parse_accept_header(PARAMETERS.sub("", read_of(accept)) or "*/*", MIMEAccept).best_match(offered)
    return offered[best] if best else None


kept_negotiated = lru_cache(maxsize=MOST_KEPT)(liked_best)


def etag(body: bytes, form: str) -> str:
    """Return the entity tag of an answer shown in a format.

    The JSON holds the record and the model's version, so its checksum serves every format. Pages also depend on
    language, versions, user and templates, which the salt stands for. Tags are only compared at one address, so 32
    bits are plenty.
    """
    salt = SALTS[form]
    if form == Page.name:
        salt = crc32(salt.to_bytes(4), release())
        versions = [fitted().version, served().current.version]
        who = [current(), *versions, *(request.cookies.get(name, "") for name in WHO)]
        salt = crc32(" ".join(who).encode(errors="replace"), salt)
    return f"{crc32(body, salt):08x}"


@cache
def release() -> int:
    """Return a checksum that changes whenever a page, a style or a script does."""
    folders = (HOME / "templates", HOME / "static", CODE / "translations")
    files = sorted(path for folder in folders for path in folder.rglob("*.*"))
    return crc32(b"".join(path.read_bytes() for path in files))


def as_json(answer: Any) -> bytes:
    """Return an answer as one line of JSON."""
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def as_csv(rows: Iterable[Mapping[str, Any]], columns: list[str] | None = None) -> bytes:
    """Return rows as CSV under a header: the columns, or else the keys of the first row."""
    every = list(rows)
    header = columns or list(every[0])
    return csv_of([header, *([each.get(name, "") for name in header] for each in every)])


def csv_lines(answer: Streamed) -> Iterator[bytes]:
    """Return a CSV file, the header first, some hundred lines at a time."""
    rows = chain([answer.columns], answer.texts())
    while several := list(islice(rows, PARTS_AT_A_TIME)):
        yield csv_of(several)


def json_array(answer: Streamed) -> Iterator[bytes]:
    """Return a JSON array, some hundred objects at a time."""
    objects, between = iter(answer.objects()), b"["
    while several := list(islice(objects, PARTS_AT_A_TIME)):
        yield between + orjson.dumps(several)[1:-1]
        between = b",\n"
    yield b"]\n"


def json_lines(answer: Streamed) -> Iterator[bytes]:
    """Return an object a line, some hundred at a time."""
    lines = (orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in answer.objects())
    while several := b"".join(islice(lines, PARTS_AT_A_TIME)):
        yield several


SALTS = {form: crc32(form.encode()) for form in FORMATS}
