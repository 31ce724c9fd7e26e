"""How a resource is shown: JSON, HTML, CSV, and problem+json when something is wrong."""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from http import HTTPStatus
from itertools import chain, islice
from types import MappingProxyType
from typing import Any
from zlib import crc32

import flask_restful
import orjson
from flask import Response, render_template, request, stream_with_context
from flask_babel import lazy_gettext, ngettext
from flask_restful.utils import unpack
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import (
    BadHost,
    BadRequest,
    Conflict,
    Forbidden,
    HTTPException,
    NotAcceptable,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
)
from werkzeug.http import parse_accept_header

from glassform import languages
from glassform.batches.batch import InvalidBatch, TooManyRows, UnreadableBatch
from glassform.batches.tensors import UnreadableTensors
from glassform.fitted.base import UnreadableArtifact
from glassform.languages import gettext
from glassform.records.schema import (
    FieldError,
    InvalidQuery,
    InvalidRecord,
    Schema,
    UnreadableJSON,
    decode,
    say,
    shown,
)
from glassform.settings import HOME
from glassform.web.asked import VERSION, choose_version, fitted, served

# JSON comes first: who accepts anything, as curl does, gets JSON.
MEDIA_TYPES = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "sql": "application/sql",
    "text": "text/plain; version=0.0.4; charset=utf-8",  # as Prometheus has it
}
SUFFIXES = ("json", "html", "csv", "sql")  # formats that can be asked for at the end of an address
WRITTEN = ("sql", "text")  # formats a resource writes itself
PROBLEM = "application/problem+json"
# a media type's parameters, such as charset, which are not what a client chooses by; q is
PARAMETERS = re.compile(r';\s*(?!q\s*=)[\w!#$&^.+-]+\s*=\s*("[^"]*"|[^;,]*)', re.IGNORECASE)
VARY = "Accept, Accept-Language, Cookie"
READING = ("GET", "HEAD")
WHO = ("access_token_cookie", "form")  # the cookies that change what a page shows
HOW_TO_ANSWER = {"format", languages.PARAMETER, VERSION}  # parameters of every address, which belong to no record
PARTS_AT_A_TIME = 500
INFERENCE = "/v2"  # the addresses of the Open Inference Protocol

SECONDS_TO_RETRY = 5

log = logging.getLogger("glassform")

Answer = Any  # plain data, or a tuple of data, status and headers, as Flask-RESTful takes it


def represented(method: Callable[..., Answer]) -> Callable[..., Response]:
    """Turn what a resource's method returns into the response the client asked for.

    Flask-RESTful applies this to each method of a `Resource`. It hands a ready `Response` on as it is, which
    saves its own negotiation, about a fifth of a request's time.
    """

    def respond(*arguments: Any, suffix: str | None = None, **named: Any) -> Response:
        resource: Resource = method.__self__  # type: ignore[attr-defined]
        environ = request.environ
        form = chosen_format(environ, resource.offered(), suffix)
        asked = languages.chosen_language(environ["QUERY_STRING"])
        choose_version(environ["QUERY_STRING"])
        kept = language_kept(asked) if form == "html" else {}
        if environ["QUERY_STRING"] and not resource.reads_query:
            refuse_query(environ["QUERY_STRING"])
        if "HTTP_CONTENT_ENCODING" in environ:
            refuse_encoded(environ["HTTP_CONTENT_ENCODING"])
        answer, status, headers = unpack(method(*arguments, **named))
        if isinstance(answer, Streamed):
            return stream(answer, form, resource.template)
        if isinstance(answer, Response):
            return answer
        if form == "html" and "Location" in headers:  # a page follows, and to load it again repeats nothing
            return Response(status=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store", **headers})
        if status == HTTPStatus.NO_CONTENT:
            return Response(status=status, headers={"Cache-Control": "no-store"})
        body = as_json(answer)
        if environ["REQUEST_METHOD"] not in READING or status != HTTPStatus.OK:
            headers = {"Cache-Control": "no-store", "Vary": VARY, **kept, **headers}
        else:
            tag = etag(body, form)
            headers = {"Cache-Control": "no-cache", "ETag": f'"{tag}"', "Vary": VARY, **kept, **headers}
            if "HTTP_IF_NONE_MATCH" in environ and request.if_none_match.contains_weak(tag):
                return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if form == "html":
            body = page(resource.template, answer=answer)
        elif form == "csv":
            body = as_csv(resource.rows(answer), resource.columns(answer))
        elif form in WRITTEN:
            body = resource.written(answer).encode()
        return Response(body, status, headers, content_type=MEDIA_TYPES[form])

    return respond


def refuse_query(query: str) -> None:
    """Refuse a query where none is read.

    Raises
    ------
    InvalidQuery
        With every name that says nothing here.
    """
    names = [name for name, _ in decode(query) if name not in HOW_TO_ANSWER]
    if names:
        raise InvalidQuery([FieldError(shown(name), None, say("unknown", hint="")) for name in names], {})


def refuse_encoded(encoding: str) -> None:
    """Refuse a body that is compressed, for its length says nothing of what it would become.

    Raises
    ------
    UnsupportedMediaType
        If it is.
    """
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(gettext("Send the body as it is, without a Content-Encoding."))


def language_kept(asked: str | None) -> dict[str, str]:
    """Return the header that keeps the language a page was asked for in.

    Raises
    ------
    BadRequest
        If no page could be linked to, for its host has no name.
    """
    if not request.host:
        raise BadRequest(gettext("The Host header names no host."))
    return {"Set-Cookie": languages.cookie(asked)} if asked else {}


class Resource(flask_restful.Resource):
    """A noun of the API: its methods return plain data, its `formats` say how that can be shown.

    Its page is the template with its name; if it offers CSV, `rows` gives the lines of the table; if it offers one
    of `WRITTEN`, `written` gives the text.
    """

    formats: tuple[str, ...] = ("json", "html")
    other_media_types: tuple[str, ...] = ()  # of responses it makes by hand
    reads_query = False  # whether its address can have a query beyond format and language
    suffixed = True  # whether a format can be asked for at the end of its address
    is_open = False  # whether a resource that has to do with accounts can be asked by anybody
    failures: frozenset[int] = frozenset()  # statuses that are an answer of its own, not a problem
    successes: Mapping[str, int] = MappingProxyType({})  # by method, where that is not 200
    problems: frozenset[int] = frozenset()  # statuses of problems beside those that every resource has
    method_decorators = [represented]  # noqa: RUF012 - Flask-RESTful's own way
    init_every_request = False

    @property
    def template(self) -> str:
        """The file name of its page."""
        return f"{type(self).__name__.lower()}.html"

    def offered(self) -> tuple[str, ...]:
        """Return the formats this request can be answered in, the one liked best first."""
        return self.formats

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the parameters that a method reads from the query string, as OpenAPI describes them."""
        return []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the type or the JSON Schema of what is sent with a method, by media type; nothing, if nothing is."""
        return {}

    def columns(self, answer: Any) -> list[str] | None:
        """Return the header of its table, if there can be no row to take it from."""
        return None

    def rows(self, answer: Any) -> Iterable[Mapping[str, Any]]:
        """Return an answer as the rows of a table, each with the same keys."""
        raise NotImplementedError

    def written(self, answer: Any) -> str:
        """Return an answer as text in the one format of `WRITTEN` that it offers."""
        raise NotImplementedError


@dataclass(frozen=True)
class Streamed:
    """An answer too long to be held: rows of a table as texts and as objects, what a page shows of it, how many."""

    columns: list[str]
    texts: Callable[[], Iterable[list[str]]]
    objects: Callable[[], Iterable[dict[str, Any]]]
    summary: Callable[[], dict[str, Any]]
    count: int


class Api(flask_restful.Api):
    """Flask-RESTful, but errors go to Flask's own handlers, so that one function shows them all."""

    def error_router(self, original_handler: Callable[[Exception], Response], error: Exception) -> Response:
        """Hand an error to Flask."""
        return original_handler(error)


def chosen_format(environ: dict[str, Any], formats: tuple[str, ...], suffix: str | None) -> str:
    """Choose a format: by the URL's suffix, else by `?format=`, else by the Accept header.

    Raises
    ------
    BadRequest
        If `format` is given more than once.
    NotAcceptable
        If the format asked for is not offered here.
    """
    # few requests name a format, and to look for one would decode the whole query
    query = environ["QUERY_STRING"]
    mentioned = "format" in query or "%6" in query or "%7" in query  # plain, or a letter of it escaped
    asked = request.args.getlist("format") if mentioned else []
    if len(asked) > 1:
        raise BadRequest(gettext("format is given more than once."))
    wanted = suffix or (asked[0] if asked else negotiated(environ.get("HTTP_ACCEPT", ""), formats))
    if suffix and asked and asked[0] != suffix:
        raise NotAcceptable(gettext("The end of the address asks for another format than its query."))
    if wanted not in formats:
        raise NotAcceptable(gettext("Formats offered here: %(formats)s.", formats=", ".join(formats)))
    return wanted


@lru_cache(maxsize=1024)
def negotiated(accept: str, formats: tuple[str, ...]) -> str | None:
    """Return the offered format an Accept header likes best, the earlier one on a tie (RFC 9110, 12.5.1)."""
    offered = {MEDIA_TYPES[each].partition(";")[0]: each for each in formats}
    best = parse_accept_header(PARAMETERS.sub("", accept) or "*/*", MIMEAccept).best_match(offered)
    return offered[best] if best else None


def etag(body: bytes, form: str) -> str:
    """Return the entity tag of an answer shown in a format.

    The JSON holds record and model version, so its checksum tells answers apart in every format; pages also change
    with the language, the versions, who is signed in and the templates, which the salt stands for. Tags are only
    compared at one address, so 32 bits are plenty.
    """
    salt = SALTS[form]
    if form == "html":
        versions = [fitted().version, served().current.version]
        who = [languages.language(), *versions, *(request.cookies.get(name, "") for name in WHO)]
        salt = crc32(" ".join(who).encode(errors="replace"), salt)
    return f"{crc32(body, salt):08x}"


def release() -> int:
    """Return a checksum that changes whenever a page, a style or a script does."""
    folders = ("templates", "static", "glassform/translations")
    files = sorted(path for folder in folders for path in (HOME / folder).rglob("*.*"))
    return crc32(b"".join(path.read_bytes() for path in files))


def as_json(answer: Any) -> bytes:
    """Return an answer as one line of JSON."""
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def as_csv(rows: Iterable[Mapping[str, Any]], columns: list[str] | None = None) -> bytes:
    """Return rows as CSV (RFC 4180) under a header: the columns, or else the keys of the first row."""
    text, every = io.StringIO(), list(rows)
    writer = csv.DictWriter(text, columns or list(every[0]))
    writer.writeheader()
    writer.writerows(every)
    return text.getvalue().encode()


def stream(answer: Streamed, form: str, template: str) -> Response:
    """Make the response for rows that are made while they are sent."""
    headers = {"Cache-Control": "no-store", "Vary": VARY}
    if form == "html":
        body: Any = page(template, answer=answer)
    elif form == "csv":
        body = stream_with_context(csv_lines(answer))
        headers["Content-Disposition"] = f'attachment; filename="{template.removesuffix(".html")}.csv"'
    else:
        body = stream_with_context(json_array(answer) if form == "json" else json_lines(answer))
    return Response(body, HTTPStatus.OK, headers, content_type=MEDIA_TYPES[form])


def csv_lines(answer: Streamed) -> Iterator[bytes]:
    """Return a CSV file, the header first, some hundred lines at a time."""
    rows = chain([answer.columns], answer.texts())
    while several := list(islice(rows, PARTS_AT_A_TIME)):
        text = io.StringIO()
        csv.writer(text).writerows(several)
        yield text.getvalue().encode()


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


def page(template: str, **context: Any) -> bytes:
    """Render a page."""
    # what was typed may hold half a character, which UTF-8 cannot
    return render_template(template, **context).encode(errors="replace")


def show_lost_database(error: Exception) -> Response:
    """Show that what is remembered is out of reach: nothing was stored, and the rest goes on."""
    log.error("the database failed: %s", type(error).__name__, exc_info=error)
    detail = gettext("What is remembered is out of reach for now; nothing was stored. All else is still answered.")
    return problem(ServiceUnavailable(detail, retry_after=SECONDS_TO_RETRY), "problem.html", {})


def show_unservable(error: UnreadableArtifact) -> Response:
    """Show that a model cannot be asked here: its pipeline is damaged, or what that is made of is missing."""
    log.error("a model cannot be asked: %s", error)
    return problem(ServiceUnavailable(str(error)), "problem.html", {})


def show_problem(error: HTTPException) -> Response:
    """Show an error: as problem+json (RFC 9457) to programs, as a page to browsers."""
    return problem(error, "session.html" if isinstance(error, Unauthorized) else "problem.html", {})


def show_invalid_record(invalid: InvalidRecord) -> Response:
    """Show all errors of a record: to browsers as the form again, what was typed kept."""
    detail = ngettext(
        "The record has %(num)s error; nothing was computed.",
        "The record has %(num)s errors; nothing was computed.",
        invalid.count,
    )
    error = UnprocessableEntity(detail)
    return problem(error, "form.html", errors_of(invalid), values=invalid.fields)


def show_invalid_query(invalid: InvalidQuery) -> Response:
    """Show all errors of a query's settings."""
    error: HTTPException = UnprocessableEntity(gettext("The request asks for what cannot be; nothing was done."))
    if invalid.status == HTTPStatus.CONFLICT:
        error = Conflict(gettext("The request does not go with what is there already; nothing was done."))
    if invalid.status == HTTPStatus.UNAUTHORIZED:
        error = Unauthorized()
    if invalid.status == HTTPStatus.FORBIDDEN:
        error = Forbidden()
    return problem(error, invalid.template, errors_of(invalid), values=invalid.fields)


def show_invalid_batch(invalid: InvalidBatch) -> Response:
    """Show the errors of a batch, each with its row."""
    detail = ngettext(
        "The rows have %(num)s error; nothing was computed.",
        "The rows have %(num)s errors; nothing was computed.",
        invalid.count,
    )
    errors = [error._asdict() for error in invalid.errors]
    if invalid.count > len(errors):
        detail = gettext("The first %(count)s errors are listed, and no more were looked for.", count=len(errors))
    return problem(UnprocessableEntity(detail), "problem.html", {"errors": errors})


def show_unreadable_body(unreadable: UnreadableBatch | UnreadableTensors) -> Response:
    """Show where a body stops being rows or tensors."""
    return show_problem(BadRequest(gettext("The body cannot be read: %(reason)s.", reason=unreadable)))


def show_too_many_rows(many: TooManyRows) -> Response:
    """Show how many rows are read at most."""
    return show_problem(RequestEntityTooLarge(str(many)))


def errors_of(invalid: InvalidRecord) -> dict[str, Any]:
    """Return the errors as a problem carries them."""
    return {"errors": [asdict(each) for each in invalid.errors]}


def show_unreadable_json(unreadable: UnreadableJSON) -> Response:
    """Show where a body stops being JSON."""
    return show_problem(BadRequest(gettext("The body is not JSON: %(reason)s.", reason=unreadable)))


def problem(error: HTTPException, template: str, more: dict[str, Any], **context: Any) -> Response:
    """Make the response for an error; `more` joins the problem's own members, `context` goes to the page."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    answer = {
        "type": "about:blank",
        "title": str(TITLES[status]) if status in TITLES else HTTPStatus(status).phrase,
        "status": status,
        "detail": str(DETAILS[status]) if is_unsaid(error) and status in DETAILS else error.description,
    }
    answer |= more
    if request.path.startswith(INFERENCE):
        answer["error"] = in_one_line(answer)  # where clients of the protocol look for it
    # an HTTPException knows headers of its own, such as Allow or Retry-After
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    headers |= {"Cache-Control": "no-store", "Vary": VARY}
    if wants_page():
        return Response(page(template, answer=answer, **context), status, headers, content_type=MEDIA_TYPES["html"])
    return Response(as_json(answer), status, headers, content_type=PROBLEM)


def in_one_line(problem: dict[str, Any]) -> str:
    """Return a problem's detail and first error as one sentence."""
    first = next(iter(problem.get("errors", [])), None)
    return f"{problem['detail']} {first['field']} {first['message']}" if first else str(problem["detail"])


def is_unsaid(error: HTTPException) -> bool:
    """Tell whether an error says no more than its status does."""
    return error.description == type(error).description


# The statuses this application answers with, as RFC 9110 names them.
TITLES = {
    400: lazy_gettext("Bad Request"),
    404: lazy_gettext("Not Found"),
    405: lazy_gettext("Method Not Allowed"),
    406: lazy_gettext("Not Acceptable"),
    413: lazy_gettext("Request Entity Too Large"),
    415: lazy_gettext("Unsupported Media Type"),
    422: lazy_gettext("Unprocessable Entity"),
    401: lazy_gettext("Unauthorized"),
    403: lazy_gettext("Forbidden"),
    409: lazy_gettext("Conflict"),
    429: lazy_gettext("Too Many Requests"),
    503: lazy_gettext("Service Unavailable"),
    500: lazy_gettext("Internal Server Error"),
}
DETAILS = {
    401: lazy_gettext("Nobody is signed in, or not with this name and password."),
    403: lazy_gettext("This is not for whoever asks."),
    429: lazy_gettext("There were too many requests; try again later."),
    400: lazy_gettext("The request cannot be read."),
    404: lazy_gettext("There is nothing at this address."),
    405: lazy_gettext("This address does not answer to that method."),
    413: lazy_gettext("The body is larger than is read here."),
    500: lazy_gettext("The server failed, and the failure was logged. It is not your fault."),
}


def wants_page() -> bool:
    """Tell whether an error is to be shown as a page; a request that cannot be negotiated gets JSON."""
    if isinstance(request.routing_exception, BadHost) or not request.host:
        return False  # without a host no link of the page could be built
    suffix = (request.view_args or {}).get("suffix")
    try:
        return chosen_format(request.environ, ("json", "html"), suffix) == "html"
    except HTTPException:
        return False


SALTS = {form: crc32(form.encode(), release()) for form in MEDIA_TYPES}
