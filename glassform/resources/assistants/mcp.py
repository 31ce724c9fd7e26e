"""The Model Context Protocol: an AI assistant asks a table's model by tools, and reads its card."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, NotRequired

from flask import Response, current_app, request
from pydantic import RootModel
from typing_extensions import TypedDict
from werkzeug.exceptions import Forbidden, UnsupportedMediaType

from glassform.languages import gettext
from glassform.limits import MOST_MESSAGE_BYTES, MOST_MESSAGES, MOST_ROWS_ASKED
from glassform.records.messages import shown
from glassform.records.parsing import UnreadableJSON, is_array, parse_json
from glassform.records.schema import Schema
from glassform.resources.assistants import documents, schemas, tools
from glassform.resources.assistants.messages import (
    BATCHING,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LARGEST_ID,
    LONGEST_ID,
    METHOD_HEADER,
    NAME_HEADER,
    NO_METHOD,
    NOT_JSON,
    REVISIONS,
    SERVER,
    STATELESS,
    VERSION_HEADER,
    WITH_HANDSHAKE,
    Message,
    ProtocolError,
    id_of,
    members_of,
    read_message,
    revision_of,
)
from glassform.web.addresses import is_trusted
from glassform.web.asked import fitted
from glassform.web.formats import as_json
from glassform.web.problems import PROBLEM, VARY
from glassform.web.reading import read_body
from glassform.web.resource import Empty, Light, Resource, Written

JSON = "application/json"
CAPABILITIES: dict[str, Any] = {"tools": {}, "resources": {}}
MILLISECONDS_KEPT = 60_000  # that a client may keep a list: another version may be promoted
KEPT = {"ttlMs": MILLISECONDS_KEPT, "cacheScope": "public"}
HEADERS = {"Cache-Control": "no-store", "Vary": VARY}
Reply = dict[str, Any]


class Failure(TypedDict):
    """JSON-RPC's code of an error, what is wrong, and what helps to mend it."""

    code: int
    message: str
    data: NotRequired[dict[str, Any]]


class MCPAnswer(TypedDict):
    """A JSON-RPC response: the result of a request, or its error."""

    jsonrpc: str
    id: int | str | None
    result: NotRequired[dict[str, Any]]
    error: NotRequired[Failure]


class MCPAnswers(RootModel[list[MCPAnswer]]):
    """The responses to a batch."""


class MCP(Resource):
    """The Model Context Protocol, for AI assistants."""

    formats = ("json",)
    other_media_types = (PROBLEM,)  # of requests that are refused before their message is read
    lane = "pages"
    largest_body = MOST_MESSAGE_BYTES
    failures = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
    problems = frozenset({HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the schema of a JSON-RPC request."""
        ids = [
            {"type": "string", "maxLength": LONGEST_ID},
            {"type": "integer", "minimum": -LARGEST_ID, "maximum": LARGEST_ID},
        ]
        some = {"type": ["object", "null"]}
        params = some | {"properties": {"_meta": some}}
        members = {"jsonrpc": {"const": "2.0"}, "id": {"anyOf": ids}, "method": {"type": "string"}, "params": params}
        return {JSON: schemas.object_of(members, ["jsonrpc", "method"], is_open=True)}

    @classmethod
    def lane_of(cls, environ: Mapping[str, Any]) -> str:
        """Return the lane of the tool that the headers name; a message that names another is refused."""
        if environ.get(VERSION_HEADER) == STATELESS and environ.get(METHOD_HEADER) == "tools/call":
            tool = tools.TOOLS.get(environ.get(NAME_HEADER, ""))
            return tool.lane if tool else cls.lane
        return cls.lane

    def post(self) -> Annotated[Response, MCPAnswer | MCPAnswers]:
        """Answer a message of an assistant: list the tools, call one, read the card."""
        refuse_other_origins()
        if request.mimetype != JSON:
            raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=JSON))
        try:
            given = parse_json(read_body(self.largest_body))
        except UnreadableJSON as error:
            reply, status = refused(NOT_JSON, error.detail)
        else:
            reply, status = answer_several(given) if is_array(given) else answer(given)
        if reply is None:
            return Empty(status=status, headers=HEADERS)
        kind = Light if self.lane_of(request.environ) == "light" else Written
        return kind(as_json(reply), status, HEADERS, content_type=JSON)


def refuse_other_origins() -> None:
    """Refuse the scripts of other pages, also of one whose name was made to lead here (DNS rebinding).

    Raises
    ------
    Forbidden
        If the request comes from one.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return
    allowed = current_app.extensions["settings"].cors_origins
    is_own = origin == request.host_url.rstrip("/") and is_trusted(request.host)
    if not is_own and origin not in allowed and "*" not in allowed:
        raise Forbidden(gettext("Pages of %(origin)s may not ask this server.", origin=shown(origin)))


def refused(code: int, wrong: str) -> tuple[Any, int]:
    """Return the reply to a body that is no message, and its status."""
    error = ProtocolError(code, wrong)
    return error.reply(None), error.status(STATELESS)


def answer_several(given: list[Any]) -> tuple[Any, int]:
    """Return the replies to a batch of messages; None, if all are notifications."""
    revision = request.environ.get(VERSION_HEADER, BATCHING)
    if revision != BATCHING or not 0 < len(given) <= MOST_MESSAGES:
        wrong = f"send one message; only {BATCHING} has batches, of up to {MOST_MESSAGES} messages"
        return refused(INVALID_REQUEST, wrong)
    if sum(map(tools.rows_of, given)) > MOST_ROWS_ASKED:
        return refused(INVALID_REQUEST, f"the calls of one batch have up to {MOST_ROWS_ASKED:,} records together")
    replies = [(reply, status) for reply, status in map(answer, given) if reply is not None]
    if not replies:
        return None, HTTPStatus.ACCEPTED
    return [reply for reply, _ in replies], min(status for _, status in replies)


def answer(given: Any) -> tuple[Reply | None, int]:
    """Return the reply to a message, and its status; None, if it is a notification."""
    given_id, revision = None, STATELESS
    try:
        members = members_of(given, "the message")
        given_id = id_of(members)
        if is_response(members):
            return None, HTTPStatus.ACCEPTED
        revision = revision_of(members, request.environ)
        message = read_message(members, request.environ, revision)
        if given_id is None:
            return None, HTTPStatus.ACCEPTED
        return {"jsonrpc": "2.0", "id": given_id, "result": result_of(message)}, HTTPStatus.OK
    except ProtocolError as error:
        return error.reply(given_id), error.status(revision)


def is_response(members: Mapping[str, Any]) -> bool:
    """Tell whether a message is the response to a request, though this server sends none; older clients may."""
    has_result = "result" in members or "error" in members
    return has_result and "method" not in members and request.environ.get(VERSION_HEADER) != STATELESS


def result_of(message: Message) -> Reply:
    """Return the result of a request.

    Raises
    ------
    ProtocolError
        If there is no such method in its revision, or its params are wrong.
    """
    is_stateless = message.revision == STATELESS
    method = (OF_STATELESS if is_stateless else OF_HANDSHAKE).get(message.method)
    if method is None:
        raise ProtocolError(NO_METHOD, f"there is no method {shown(message.method)} in {message.revision}")
    result = method(message)
    if not is_stateless:
        return result
    kept = {} if message.method == "tools/call" else KEPT
    return {"resultType": "complete", **result, **kept, "_meta": {SERVER: server_info()}}


def server_info() -> dict[str, str]:
    """Return what serves: each table is a server of its own, and its version that of its model."""
    card = fitted()
    name = f"glassform-{card.schema.name}"
    return {"name": name, "title": f"Glassform: {card.schema.package['title']}", "version": card.version}


def instructions() -> str:
    """Return how to use the tools, and what they are good for."""
    card = fitted()
    known = ", ".join(tools.tools_of(card))
    return (
        f"This server asks one model about records of one table, with these tools: {known}. A record has every "
        "field: if the user has not said one, ask for it, and do not guess. Report the model's answer as the model's "
        "and not as a fact. Pass on its warnings and these limits; the card has more. " + schemas.limits(card)
    )


def initialize(message: Message) -> Reply:
    """Return the revision to speak, and what there is."""
    wanted = message.params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise ProtocolError(INVALID_PARAMS, "params.protocolVersion must be text")
    return {
        "protocolVersion": wanted if wanted in WITH_HANDSHAKE else WITH_HANDSHAKE[0],
        "capabilities": CAPABILITIES,
        "serverInfo": server_info(),
        "instructions": instructions(),
    }


def discover(message: Message) -> Reply:
    """Return the revisions that are known, and what there is."""
    return {
        "supportedVersions": [*REVISIONS],
        "capabilities": CAPABILITIES,
        "instructions": instructions(),
    }


def listing(name: str, of: Callable[[], list[Any]]) -> Callable[[Message], Reply]:
    """Return the method that lists all of something; it has one page."""

    def answer_list(message: Message) -> Reply:
        if message.params.get("cursor") is not None:
            raise ProtocolError(INVALID_PARAMS, "params.cursor: there is only one page, so leave it out")
        return {name: of()}

    return answer_list


SHARED: dict[str, Callable[[Message], Reply]] = {
    "tools/list": listing("tools", lambda: tools.listed(fitted())),
    "tools/call": lambda message: tools.call(message.params.get("name"), message.params.get("arguments")),
    "resources/list": listing("resources", lambda: documents.listed(fitted())),
    "resources/templates/list": listing("resourceTemplates", list),
    "resources/read": lambda message: {
        "contents": [documents.read_document(message.params.get("uri"), message.revision)]
    },
}
OF_STATELESS = {**SHARED, "server/discover": discover}
OF_HANDSHAKE = {**SHARED, "initialize": initialize, "ping": lambda message: {}}
