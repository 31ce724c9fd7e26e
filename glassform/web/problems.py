"""Errors: problem+json (RFC 9457) for programs, a page for people."""

import errno
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import BadHost, HTTPException, SecurityError, ServiceUnavailable

from glassform.languages import gettext, lazy_gettext
from glassform.limits import LONGEST_LINE, MOST_READ_PAST, SECONDS_TO_RETRY
from glassform.records.messages import InvalidRecord, told
from glassform.refusals import InsufficientStorage, Refusal
from glassform.web.asked import fitted
from glassform.web.formats import FORMATS, as_json, chosen_format
from glassform.web.pages import page

PROBLEM = "application/problem+json"
VARY = "Accept, Accept-Encoding, Accept-Language, Cookie"
INFERENCE = "/v2"  # the addresses of the Open Inference Protocol
FULL = {errno.ENOSPC, errno.EDQUOT}

# Every status we answer with: its name in RFC 9110, and its default detail.
STATUSES: dict[int, tuple[Any, Any]] = {
    400: (lazy_gettext("Bad Request"), lazy_gettext("The request cannot be read.")),
    401: (
        lazy_gettext("Unauthorized"),
        lazy_gettext("Please sign in, or check name and password."),
    ),
    403: (lazy_gettext("Forbidden"), lazy_gettext("You may not see or do this.")),
    404: (lazy_gettext("Not Found"), lazy_gettext("There is nothing at this address.")),
    405: (lazy_gettext("Method Not Allowed"), lazy_gettext("This address does not support that method.")),
    406: (lazy_gettext("Not Acceptable"), None),
    408: (lazy_gettext("Request Timeout"), lazy_gettext("The body came too slowly.")),
    409: (lazy_gettext("Conflict"), None),
    413: (lazy_gettext("Request Entity Too Large"), lazy_gettext("The request is larger than the server accepts.")),
    415: (lazy_gettext("Unsupported Media Type"), None),
    422: (lazy_gettext("Unprocessable Entity"), None),
    429: (lazy_gettext("Too Many Requests"), lazy_gettext("There were too many requests; try again later.")),
    500: (
        lazy_gettext("Internal Server Error"),
        lazy_gettext("The server failed, and the failure was logged. It is not your fault."),
    ),
    503: (
        lazy_gettext("Service Unavailable"),
        lazy_gettext("The server has too much to do; try again in a few seconds."),
    ),
    507: (
        lazy_gettext("Insufficient Storage"),
        lazy_gettext("There is no room on the disk for this now; nothing was computed or saved."),
    ),
}
# The same for people: what a page of theirs is headed.
HEADINGS: dict[int, Any] = {
    400: lazy_gettext("The request cannot be read"),
    401: lazy_gettext("Please sign in"),
    403: lazy_gettext("You may not see or do this"),
    404: lazy_gettext("Page not found"),
    405: lazy_gettext("This does not work here"),
    406: lazy_gettext("Choose another format"),
    408: lazy_gettext("The request took too long"),
    409: lazy_gettext("This conflicts with existing data"),
    413: lazy_gettext("The request is too large"),
    415: lazy_gettext("This kind of data cannot be read here"),
    422: lazy_gettext("Please correct your input"),
    429: lazy_gettext("Too many requests"),
    500: lazy_gettext("The server failed"),
    503: lazy_gettext("Please try again in a moment"),
    507: lazy_gettext("The server's disk is full"),
}
OF_A_BODY = {400, 408, 413, 415, 422, 503, 507}  # statuses that sending another body, or the same again, may mend
TEMPLATES = {401: "people/session.html"}  # the page to mend an error on, if it is another than the request's own

log = logging.getLogger("glassform")


def prepare(app: Flask) -> None:
    """Register one handler per kind of error."""
    app.register_error_handler(Refusal, show_refusal)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(OSError, show_full_disk)
    app.register_error_handler(sqlite3.Error, show_lost_database)


def show_refusal(refusal: Refusal) -> Response:
    """Show a refusal; the page keeps what was typed."""
    is_unfilled = isinstance(refusal, InvalidRecord) and refusal.is_unfilled
    if is_unfilled and request.method in ("GET", "HEAD") and wants_page():
        return show_form(refusal.template)
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("a model cannot be asked: %s", refusal)
    answer = problem(refusal.status, refusal.detail)
    if refusal.listed is not None:
        answer["errors"] = refusal.listed
    headers = {"Retry-After": str(SECONDS_TO_RETRY)} if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return respond(answer, headers, refusal.template, refusal.fields)


def show_form(template: str) -> Response:
    """Show the form, typical values in it: a browser that follows a link without any field has made no mistake."""
    body = page(template, answer={"defaults": fitted().typical})
    headers = {"Cache-Control": "no-store", "Vary": VARY}
    return Response(body, HTTPStatus.OK, headers, content_type=FORMATS["html"].media_type)


def show_http_error(error: HTTPException) -> Response:
    """Show an HTTP error with its own headers, such as Allow or Retry-After."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        read_past()
    if isinstance(error, SecurityError):
        error.description = gettext("This server does not answer for that host.")
    is_unsaid = error.description == type(error).description
    said = STATUSES.get(status, (None, None))[1]
    answer = problem(status, error.description if said is None or not is_unsaid else None)
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return respond(answer, headers, TEMPLATES.get(status, Refusal.template))


def read_past() -> None:
    """Read some of a body that is too large: a client still sending would see its connection reset, and no answer."""
    if "wsgi.input_terminated" in request.environ:  # or a server may wait for more than was sent
        with suppress(HTTPException):  # our own server has done so, and says again what is wrong
            length = 0
            while length < MOST_READ_PAST and (part := request.environ["wsgi.input"].read(LONGEST_LINE)):
                length += len(part)


def show_lost_database(error: Exception) -> Response:
    """Say that the database is unavailable."""
    return show_http_error(lost_database(error))


def lost_database(error: Exception) -> ServiceUnavailable:
    """Log that a database failed, and return what to say: nothing was saved, and everything else still works."""
    log.error("the database failed: %s", type(error).__name__, exc_info=error)
    detail = gettext("The database cannot be reached, so nothing was saved. Everything else works.")
    return ServiceUnavailable(detail, retry_after=SECONDS_TO_RETRY)


def show_full_disk(error: OSError) -> Response:
    """Say that the disk is full; any other failure is one of ours.

    Raises
    ------
    OSError
        If the disk is not full.
    """
    if error.errno not in FULL:
        raise error
    log.error("the disk is full")
    return show_http_error(InsufficientStorage())


def problem(status: int, detail: str | None) -> dict[str, Any]:
    """Return a problem's members; without a detail, say what the status means."""
    title, said = STATUSES.get(status, (HTTPStatus(status).phrase, ""))
    return {
        "type": "about:blank",
        "title": str(title),
        "status": status,
        "detail": str(said) if detail is None else detail,
    }


def respond(
    answer: dict[str, Any], headers: Mapping[str, str], template: str, values: Mapping[str, Any] | None = None
) -> Response:
    """Make the response; a page gets `values`, the input to show again."""
    if request.path.startswith(INFERENCE):
        answer["error"] = in_one_line(answer)  # where clients of the protocol look for it
    headers = {**headers, "Cache-Control": "no-store", "Vary": VARY}
    if wants_page():
        template = (answer["status"] in OF_A_BODY and page_to_mend()) or template
        given = {} if values is None else {"values": values}
        shown = answer | {"title": str(HEADINGS.get(answer["status"], answer["title"]))}
        body, media_type = page(template, answer=shown, **given), FORMATS["html"].media_type
    else:
        body, media_type = as_json(answer), PROBLEM
    return Response(body, answer["status"], headers, content_type=media_type)


def page_to_mend() -> str:
    """Return the page with the form that a body came from, if its resource has one."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(getattr(view, "view_class", None), "mended_on", "") if request.method == "POST" else ""


def in_one_line(problem: dict[str, Any]) -> str:
    """Return a problem's detail and first error as one sentence."""
    first = next(iter(problem.get("errors", [])), None)
    return f"{problem['detail']} {told(first['field'], first['message'])}" if first else str(problem["detail"])


def wants_page() -> bool:
    """Tell whether to show an error as a page; JSON where negotiation fails."""
    if isinstance(request.routing_exception, BadHost | SecurityError) or not request.host:
        return False  # without a host no link of the page could be built
    suffix = (request.view_args or {}).get("suffix")
    try:
        return chosen_format(request.environ, ("json", "html"), suffix) == "html"
    except HTTPException:
        return False
