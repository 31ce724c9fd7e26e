"""A noun of the API: what its methods return is shown in the format that was asked for."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import flask_restful
from flask import Response, request, stream_with_context
from flask_restful.utils import unpack
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from glassform.languages import gettext
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.parsing import decode
from glassform.records.schema import Schema
from glassform.web.asked import VERSION, Asked, choose_version
from glassform.web.asked import asked as this_request
from glassform.web.formats import FORMATS, Format, Streamed, as_json, chosen_format, etag
from glassform.web.language import PARAMETER as LANGUAGE_PARAMETER
from glassform.web.language import chosen_language, cookie
from glassform.web.problems import VARY

READING = ("GET", "HEAD")
HOW_TO_ANSWER = {"format", LANGUAGE_PARAMETER, VERSION}  # parameters of every address, which belong to no record
Answer = Any  # plain data, or a tuple of data, status and headers, as Flask-RESTful takes it


def represented(method: Callable[..., Answer]) -> Callable[..., Response]:
    """Turn what a resource's method returns into the response the client asked for.

    Flask-RESTful applies this to each method of a `Resource`. It hands on a ready `Response` as it is, which saves
    its own negotiation, about a fifth of a request's time.
    """

    def respond(*arguments: Any, suffix: str | None = None, **named: Any) -> Response:
        resource: Resource = method.__self__  # type: ignore[attr-defined]
        asked = read(resource, suffix)
        answer = method(*arguments, **named)  # asks the model; resources of people save what is to be kept
        return show(answer, asked, resource)

    return respond


def read(resource: "Resource", suffix: str | None) -> Asked:
    """Read how a request is to be answered, and refuse what no resource reads.

    Raises
    ------
    BadRequest, NotAcceptable, NotFound, UnsupportedMediaType
        If it asks for a format, a language or a version that is not there, or its body is compressed.
    InvalidQuery
        If it has a query, and the resource reads none.
    """
    environ, asked = request.environ, this_request()
    query = environ["QUERY_STRING"]
    asked.format = FORMATS[chosen_format(environ, resource.offered(), suffix)]
    language = chosen_language(query)
    choose_version(query)
    if asked.format.name == "html":
        asked.headers = language_kept(language)
    if query and not resource.reads_query:
        refuse_query(query)
    if "HTTP_CONTENT_ENCODING" in environ:
        refuse_encoded(environ["HTTP_CONTENT_ENCODING"])
    return asked


def show(returned: Answer, asked: Asked, resource: "Resource") -> Response:
    """Make the response for what a method returned, in the format that was asked for."""
    answer, status, headers = unpack(returned)
    if isinstance(answer, Streamed):
        return stream(answer, asked.format, resource)
    if isinstance(answer, Response):
        return answer
    if asked.format.name == "html" and "Location" in headers:  # a page follows, and to reload it repeats nothing
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store", **headers})
    if status == HTTPStatus.NO_CONTENT:
        return Response(status=status, headers={"Cache-Control": "no-store"})
    body = as_json(answer)
    if request.environ["REQUEST_METHOD"] not in READING or status != HTTPStatus.OK:
        headers = {"Cache-Control": "no-store", "Vary": VARY, **asked.headers, **headers}
    else:
        tag = etag(body, asked.format.name)
        headers = {"Cache-Control": "no-cache", "ETag": f'"{tag}"', "Vary": VARY, **asked.headers, **headers}
        if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(tag):
            return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    body = asked.format.write(answer, body, resource)
    return Response(body, status, headers, content_type=asked.format.media_type)


def stream(answer: Streamed, format: Format, resource: "Resource") -> Response:
    """Make the response for rows that are made while they are sent."""
    headers = {"Cache-Control": "no-store", "Vary": VARY, **format.headers(resource)}
    parts = format.stream(answer, resource)
    body = parts if isinstance(parts, bytes) else stream_with_context(parts)
    return Response(body, HTTPStatus.OK, headers, content_type=format.media_type)


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
    return {"Set-Cookie": cookie(asked)} if asked else {}


class Resource(flask_restful.Resource):
    """A noun of the API: its methods return plain data, its `formats` say how that can be shown.

    Its page is the template with its name; if it offers CSV, `rows` gives the lines of the table; if it offers SQL
    or text, `written` gives that.
    """

    formats: tuple[str, ...] = ("json", "html")
    other_media_types: tuple[str, ...] = ()  # of responses it makes by hand
    tag = ""  # the heading it stands under in the API's description, if not its module's name
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
        """Its page, in the folder of templates that is named as its own."""
        folder = type(self).__module__.split(".")[-2]
        return f"{folder}/{type(self).__name__.lower()}.html"

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what its page shows beside an answer, by name: computed here, so that the page computes nothing."""
        return {}

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
        """Return an answer as the text of a format that the resource writes itself."""
        raise NotImplementedError


class Api(flask_restful.Api):
    """Flask-RESTful, but errors go to Flask's own handlers, so that one function shows them all."""

    def error_router(self, original_handler: Callable[[Exception], Response], error: Exception) -> Response:
        """Hand an error to Flask."""
        return original_handler(error)
