"""The messages of the Model Context Protocol: JSON-RPC 2.0, in several revisions of the protocol.

https://modelcontextprotocol.io/specification/2026-07-28/basic
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from glassform.records.messages import shown
from glassform.records.parsing import Pairs
from glassform.web.reading import is_whole

STATELESS = "2026-07-28"  # each request says what it is, as its headers do; there is no handshake
BATCHING = "2025-03-26"  # the only one with batches, and that of clients that name none
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", BATCHING)
REVISIONS = (STATELESS, *WITH_HANDSHAKE)

NOT_JSON, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
NO_RESOURCE = -32002  # until 2025-11-25; since then INVALID_PARAMS
OTHER_HEADERS, OTHER_REVISION = -32020, -32022
# Revisions with a handshake answer these by 200: the request was read, and their clients look for the error there.
READ = {NO_METHOD, INVALID_PARAMS, NO_RESOURCE}
STATUSES = {NO_METHOD: HTTPStatus.NOT_FOUND}  # of all others: 400

VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "HTTP_MCP_PROTOCOL_VERSION", "HTTP_MCP_METHOD", "HTTP_MCP_NAME"
OURS = "io.modelcontextprotocol/"  # what the protocol's own members of `_meta` begin with
VERSION, CAPABILITIES, SERVER = f"{OURS}protocolVersion", f"{OURS}clientCapabilities", f"{OURS}serverInfo"
NAMED = {"tools/call": "name", "resources/read": "uri"}  # methods whose header repeats a member
ENCODED = re.compile(r"=\?base64\?(.*)\?=")
LONGEST_ID = 256  # characters
LARGEST_ID = 2**53 - 1  # JavaScript does not tell larger whole numbers apart

Id = str | int | None


class ProtocolError(Exception):
    """A message that is not answered as asked: JSON-RPC's code, what is wrong, and what helps to mend it."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        self.code, self.data = code, data
        super().__init__(message)

    def status(self, revision: str) -> int:
        """Return the HTTP status that goes with it."""
        if revision in WITH_HANDSHAKE and self.code in READ:
            return HTTPStatus.OK
        return STATUSES.get(self.code, HTTPStatus.BAD_REQUEST)

    def reply(self, given_id: Id) -> dict[str, Any]:
        """Return the message to answer."""
        error = {"code": self.code, "message": str(self)} | ({"data": self.data} if self.data else {})
        return {"jsonrpc": "2.0", "id": given_id, "error": error}


@dataclass(frozen=True)
class Message:
    """A request, or a notification, which has no id and gets no answer."""

    method: str
    params: Mapping[str, Any]
    revision: str


def members_of(given: Any, title: str, code: int = INVALID_REQUEST) -> dict[str, Any]:
    """Return a JSON object as a dictionary.

    Raises
    ------
    ProtocolError
        If it is none, or repeats a name.
    """
    if not isinstance(given, Pairs):
        raise ProtocolError(code, f"{title} must be an object, and this is {shown(given)}")
    found = dict(given)
    if len(found) < len(given):
        names = [member for member, _ in given]
        repeated = next(member for member in names if names.count(member) > 1)
        raise ProtocolError(code, f"{title} has {shown(repeated)} more than once")
    return found


def id_of(members: Mapping[str, Any]) -> Id:
    """Return the id of a request; None, if it is a notification.

    Raises
    ------
    ProtocolError
        If it is neither text nor a whole number, or too long to be repeated.
    """
    if "id" not in members:
        return None
    given = members["id"]
    if isinstance(given, str) and len(given) <= LONGEST_ID and is_whole(given):
        return given
    if type(given) is int and abs(given) <= LARGEST_ID:
        return given
    raise ProtocolError(INVALID_REQUEST, f"id must be a short text or a whole number, and this is {shown(given)}")


def revision_of(members: Mapping[str, Any], environ: Mapping[str, Any]) -> str:
    """Return the revision that a message is in, whatever else is wrong with it."""
    header = environ.get(VERSION_HEADER)
    if header in WITH_HANDSHAKE:
        return str(header)
    try:
        meta = within(within(members, "params", "params"), "_meta", "params._meta")
    except ProtocolError:
        return STATELESS  # nothing tells that a handshake was held
    return BATCHING if header is None and VERSION not in meta else STATELESS


def read_message(members: Mapping[str, Any], environ: Mapping[str, Any], revision: str) -> Message:
    """Read a message of a revision.

    Raises
    ------
    ProtocolError
        If it is none, its headers say something else, or the revision is not one of ours.
    """
    method = members.get("method")
    if members.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'jsonrpc must be "2.0"')
    if not isinstance(method, str):
        raise ProtocolError(INVALID_REQUEST, "method must be text")
    params = within(members, "params", "params")
    meta = within(params, "_meta", "params._meta")
    if revision != STATELESS:
        return Message(method, params, revision)
    header = environ.get(VERSION_HEADER)
    if "id" in members:
        check_envelope(method, params, meta, environ)
    elif header not in (None, STATELESS):
        refuse_revision(header)
    return Message(method, params, STATELESS)


def within(members: Mapping[str, Any], name: str, title: str) -> dict[str, Any]:
    """Return the members of a member; none, if it is absent or null."""
    given = members.get(name)
    return {} if given is None else members_of(given, title, INVALID_PARAMS)


def check_envelope(
    method: str, params: Mapping[str, Any], meta: Mapping[str, Any], environ: Mapping[str, Any]
) -> None:
    """Check what a request of the stateless revision says of itself, and that its headers say the same.

    Raises
    ------
    ProtocolError
        If something is missing or differs, or the revision is not one of ours.
    """
    header = environ.get(VERSION_HEADER)
    if VERSION not in meta and header != STATELESS:
        refuse_revision(header)
    for name in (VERSION, CAPABILITIES):
        if name not in meta:
            raise ProtocolError(INVALID_PARAMS, f"params._meta must have {name}")
    members_of(meta[CAPABILITIES], f"params._meta {CAPABILITIES}", INVALID_PARAMS)
    if header != meta[VERSION]:
        raise ProtocolError(OTHER_HEADERS, f"the header MCP-Protocol-Version must be the same as {VERSION}")
    if environ.get(METHOD_HEADER) != method:
        raise ProtocolError(OTHER_HEADERS, "the header Mcp-Method must be the same as the method")
    if method in NAMED and decoded(environ.get(NAME_HEADER)) != params.get(NAMED[method]):
        raise ProtocolError(OTHER_HEADERS, f"the header Mcp-Name must be the same as params.{NAMED[method]}")
    if header != STATELESS:
        refuse_revision(header)


def refuse_revision(given: Any) -> None:
    """Refuse a revision that this server does not know.

    Raises
    ------
    ProtocolError
        With those that it knows.
    """
    known = {"supported": [*REVISIONS], "requested": shown(given)}
    raise ProtocolError(OTHER_REVISION, "this revision of the protocol is not supported", known)


def decoded(header: str | None) -> str | None:
    """Return the text of a header, which may be in Base64; None, if it cannot be read."""
    found = ENCODED.fullmatch(header or "")
    if not found:
        return header
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except ValueError:
        return None
