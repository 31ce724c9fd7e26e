"""A resource: its methods return plain data, which is shown in the format asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import flask_restful
from flask import Response, request, stream_with_context
from flask_restful.utils import unpack
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from glassform.languages import DEFAULT, gettext, speak
from glassform.limits import LARGEST_BODY, LONGEST_MEDIA_TYPE
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.parsing import decode
from glassform.records.schema import Schema
from glassform.records.tracking import is_tracking
from glassform.web.asked import VERSION, Asked, choose_version, fitted
from glassform.web.asked import asked as this_request
from glassform.web.formats import FORMATS, Streamed, as_json, chosen_format, etag
from glassform.web.language import PARAMETER as LANGUAGE_PARAMETER
from glassform.web.language import chosen_language, cookie
from glassform.web.problems import VARY

READING = ("GET", "HEAD")
HOW_TO_ANSWER = {"format", LANGUAGE_PARAMETER, VERSION}  # parameters of every address that are no field
Answer = Any  # plain data, or a tuple of data, status and headers, as Flask-RESTful takes it


class Written(Response):
    """A response whose body is one text and whose headers are complete: neither is looked through once more."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as WSGI wants it."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()


class Empty(Response):
    """A response without a body, and so without a media type."""

    default_mimetype = None


class Light(Written):
    """A short answer for a program, given at once: it is not compressed, which would take longer."""


def represented(method: Callable[..., Answer]) -> Callable[..., Response]:
    """Turn what a resource's method returns into the response the client asked for.

    Flask-RESTful applies this to each method of a `Resource`. It hands on a ready `Response` as it is, which saves
    its own negotiation, about a fifth of a request's time.
    """

    def respond(*arguments: Any, suffix: str | None = None, **named: Any) -> Response:
        resource: Resource = method.__self__  # type: ignore[attr-defined]
        asked = read(resource, suffix)
        answer = method(*arguments, **named)  # asks the model; the resources of people also save
        return show(answer, asked, resource)

    return respond


def read(resource: "Resource", suffix: str | None) -> Asked:
    """Read how to answer a request: format, language, version; refuse what no resource reads.

    Raises
    ------
    BadRequest, NotAcceptable, NotFound, UnsupportedMediaType
        If it asks for an unknown format, language or version, or its body is compressed.
    InvalidQuery
        If it has a query that the resource does not read.
    """
    asked = this_request()
    environ = asked.environ
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
    if environ["REQUEST_METHOD"] not in READING:
        limit_body(resource.largest_body)
        refuse_long_media_type(environ.get("CONTENT_TYPE", ""))
    return asked


def limit_body(most: int) -> None:
    """Let no more of the request's body be read, from now on.

    A chunked body announces no length, and its stream simply ends at the limit: one more byte shows that.
    """
    request.max_content_length = most + (request.content_length is None)


def answer_rather_in(formats: tuple[str, ...]) -> None:
    """Choose the answer's format again, from the same in another order, once the body shows which goes first."""
    asked = this_request()
    asked.format = FORMATS[chosen_format(asked.environ, formats, (request.view_args or {}).get("suffix"))]


def show(returned: Answer, asked: Asked, resource: "Resource") -> Response:
    """Make the response from what a method returned, in the format asked for."""
    answer, status, headers = unpack(returned)
    if isinstance(answer, Streamed):
        return stream(answer, asked, resource)
    if isinstance(answer, Response):
        return answer
    if asked.format.name == "html" and "Location" in headers:  # so that reloading the next page repeats nothing
        return Empty(status=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store", "Vary": VARY, **headers})
    if status == HTTPStatus.NO_CONTENT:
        return Empty(status=status, headers={"Cache-Control": "no-store", "Vary": VARY})
    body = as_json(answer)
    if asked.environ["REQUEST_METHOD"] not in READING or status != HTTPStatus.OK:
        headers = {"Cache-Control": "no-store", "Vary": VARY, **asked.headers, **headers}
    else:
        tag = etag(body, asked.format.name)
        headers = {"Cache-Control": "no-cache", "ETag": f'"{tag}"', "Vary": VARY, **asked.headers, **headers}
        if "HTTP_IF_NONE_MATCH" in asked.environ and request.if_none_match.contains_weak(tag):
            return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    body = asked.format.write(answer, body, resource)
    kind = Light if resource.lane == "light" and asked.format.name != "html" else Written
    return kind(body, status, headers, content_type=asked.format.media_type)


def stream(answer: Streamed, asked: Asked, resource: "Resource") -> Response:
    """Make the response for rows that are computed while they are sent."""
    headers = {"Cache-Control": "no-store", "Vary": VARY, **asked.format.headers(resource)}
    parts = asked.format.stream(answer, resource)
    body = parts if isinstance(parts, bytes) else stream_with_context(spoken(parts, asked.language))
    return Response(body, HTTPStatus.OK, headers, content_type=asked.format.media_type)


def spoken(parts: Iterator[bytes], language: str) -> Iterator[bytes]:
    """Return parts that are made in a language."""
    speak(language)
    try:
        yield from parts
    finally:
        speak(DEFAULT)


def refuse_query(query: str) -> None:
    """Refuse a query that nobody reads, but for what tracks links.

    Raises
    ------
    InvalidQuery
        With every unknown name.
    """
    names = [name for name, _ in decode(query) if name not in HOW_TO_ANSWER and not is_tracking(name)]
    if names:
        raise InvalidQuery([FieldError(shown(name), None, say("unknown", hint="")) for name in names], {})


def refuse_encoded(encoding: str) -> None:
    """Refuse a compressed body: its length says nothing about its real size.

    Raises
    ------
    UnsupportedMediaType
        If it is.
    """
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(gettext("Send the body as it is, without a Content-Encoding."))


def refuse_long_media_type(media_type: str) -> None:
    """Refuse a media type that is too long: what parses a form keeps a pattern for each boundary in it.

    Raises
    ------
    UnsupportedMediaType
        If it is.
    """
    if len(media_type) > LONGEST_MEDIA_TYPE:
        raise UnsupportedMediaType(
            gettext("The Content-Type has more than %(most)s characters.", most=LONGEST_MEDIA_TYPE)
        )


def language_kept(asked: str | None) -> dict[str, str]:
    """Return the cookie header that keeps the chosen language.

    Raises
    ------
    BadRequest
        If the host is empty, so that no link of the page could be built.
    """
    if not request.host:
        raise BadRequest(gettext("The Host header names no host."))
    return {"Set-Cookie": cookie(asked)} if asked else {}


class Resource(flask_restful.Resource):
    """A resource of the API: its methods return plain data, `formats` lists how that can be shown.

    Its page is the template of the same name. `rows` gives the lines of its CSV, `written` its SQL or text.
    """

    formats: tuple[str, ...] = ("json", "html")
    other_media_types: tuple[str, ...] = ()  # of responses made by hand
    templates: Mapping[str, str] = MappingProxyType({})  # its pages by kind of target, where they are not its own
    mended_on = ""  # the page that shows what is wrong with a body, and the form to send another
    tag = ""  # its heading in OpenAPI, if other than its module's name
    reads_query = False  # whether it reads a query
    is_open = False  # whether it answers without sign-in, though it has to do with accounts
    failures: frozenset[int] = frozenset()  # statuses that carry an answer, not a problem
    successes: Mapping[str, int] = MappingProxyType({})  # the status of success by method, where it is not 200
    problems: frozenset[int] = frozenset()  # statuses of further problems
    lane = "pages"  # the threads that answer it: pages, people or batches; light is answered at once, without any
    lanes: Mapping[str, str] = MappingProxyType({})  # the same by method, where it is another
    largest_body: int = LARGEST_BODY  # bytes that are read of a request, before anything is parsed
    method_decorators = [represented]  # noqa: RUF012 - Flask-RESTful's own way

    @classmethod
    def lane_of(cls, environ: Mapping[str, Any]) -> str:
        """Return the name of the lane of a request, before its body is looked at."""
        return cls.lanes.get(environ["REQUEST_METHOD"], cls.lane)

    @property
    def template(self) -> str:
        """The page for the kind of target, or else the one named like the resource, in the folder of its module."""
        folder = type(self).__module__.split(".")[-2]
        own = f"{folder}/{type(self).__name__.lower()}.html"
        return self.templates.get(fitted().schema.task, own) if self.templates else own

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what the page shows beside the answer; pages compute nothing themselves."""
        return {}

    def offered(self) -> tuple[str, ...]:
        """Return the formats on offer, the preferred one first."""
        return self.formats

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the parameters that a method reads from the query string, as OpenAPI describes them."""
        return []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the type or JSON Schema of a method's body, by media type."""
        return {}

    def columns(self, answer: Any) -> list[str] | None:
        """Return the header of the table where there may be no row to take it from."""
        return None

    def rows(self, answer: Any) -> Iterable[Mapping[str, Any]]:
        """Return an answer as the rows of a table, each with the same keys."""
        raise NotImplementedError

    def written(self, answer: Any) -> str:
        """Return an answer as the text of a format that the resource writes itself."""
        raise NotImplementedError
