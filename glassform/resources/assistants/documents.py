"""What an assistant can read of a table: its card and its scorecard, as their own addresses answer."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from flask import current_app, request

from glassform.fitted.base import Fitted
from glassform.records.messages import shown
from glassform.resources.assistants.messages import INVALID_PARAMS, NO_RESOURCE, STATELESS, ProtocolError
from glassform.web.asked import asked, asking, fitted

JSON, CSV = "application/json", "text/csv"
OWN = {"CONTENT_LENGTH", "CONTENT_TYPE", "wsgi.input", "werkzeug.request"}  # of the message alone


@dataclass(frozen=True)
class Document:
    """A document: where a browser finds it, its media type, and what it holds."""

    path: str
    media_type: str
    title: str
    description: str
    of_points: bool = False  # whether only a table of points has it


DOCUMENTS = {
    "card": Document(
        "/model.json", JSON, "Model card", "Purpose, data, limits, quality on test rows, and quality by group."
    ),
    "scorecard": Document(
        "/scorecard.json", JSON, "Scorecard", "The model itself: the points of every value of every field.", True
    ),
    "scorecard.csv": Document("/scorecard.csv", CSV, "Scorecard as CSV", "The same points, one to a line.", True),
}


def documents_of(card: Fitted) -> dict[str, Document]:
    """Return the documents of a table by URI."""
    return {
        f"glassform://{card.schema.name}/{name}": each
        for name, each in DOCUMENTS.items()
        if card.is_additive or not each.of_points
    }


def listed(card: Fitted) -> list[dict[str, Any]]:
    """Return the documents of a table as the protocol lists them."""
    return [
        {
            "uri": uri,
            "name": uri.rpartition("/")[2],
            "title": f"{each.title}: {card.schema.package['title']}",
            "description": each.description,
            "mimeType": each.media_type,
        }
        for uri, each in documents_of(card).items()
    ]


def read_document(uri: Any, revision: str) -> dict[str, Any]:
    """Return a document.

    Raises
    ------
    ProtocolError
        If there is none of that name.
    """
    if not isinstance(uri, str):
        raise ProtocolError(INVALID_PARAMS, "params.uri must be text")
    known = documents_of(fitted())
    if uri not in known:
        code = INVALID_PARAMS if revision == STATELESS else NO_RESOURCE
        raise ProtocolError(code, f"there is no resource {shown(uri)}", {"uri": shown(uri), "known": [*known]})
    return {"uri": uri, "mimeType": known[uri].media_type, "text": body_at(known[uri].path)}


def body_at(path: str) -> str:
    """Return what the application answers to a GET of one of its paths, about the same table and version."""
    kept = {name: value for name, value in request.environ.items() if name not in OWN and not is_header(name)}
    environ = kept | {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": ""}
    with asking(replace(asked(), environ=environ)), current_app.request_context(environ):
        response = current_app.full_dispatch_request()
        assert response.status_code == HTTPStatus.OK, path
        return response.get_data(as_text=True)


def is_header(name: str) -> bool:
    """Tell whether a member of an environment is a header of the message; the host is that of any request."""
    return name.startswith("HTTP_") and name != "HTTP_HOST"
