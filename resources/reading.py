"""How every resource reads a request."""

from collections.abc import Set
from typing import cast

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from languages import PARAMETER, gettext, language
from schema import FieldError, InvalidRecord, Record, Schema, decode, parse_json, say, shown
from scorecard import Scorecard

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
OPTIONS = {"format", PARAMETER}  # query parameters that say how to answer and belong to no record


def scorecard() -> Scorecard:
    """Return the model being served."""
    return cast(Scorecard, current_app.extensions["scorecard"])


def schema() -> Schema:
    """Return what a record is, in the language of the answer."""
    return cast(Schema, current_app.extensions["schemas"][language()])


def read_record(options: Set[str] = frozenset()) -> Record:
    """Read the request's record: from the query of a GET, from the body of a POST.

    `options` are the query parameters that a resource reads itself.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    UnreadableJSON
        If the body claims to be JSON and is not.
    UnsupportedMediaType
        If the body is neither JSON nor a form.
    """
    if request.method != "POST":
        return schema().read_query(request.environ["QUERY_STRING"], OPTIONS | options)
    body = read_body(current_app.config["MAX_CONTENT_LENGTH"])
    refuse_misplaced()
    if request.mimetype == "application/json":
        return schema().read_json(parse_json(body))
    if request.mimetype in FORM_TYPES:
        files = ((name, gettext("a file")) for name in request.files)
        # a part of a multipart body may have no name at all
        return schema().read_fields(
            [(name or "", value) for name, value in [*request.form.items(multi=True), *files]]
        )
    raise UnsupportedMediaType(gettext("Send the record as application/json or as a form."))


def refuse_misplaced() -> None:
    """Refuse fields in the address of a POST.

    Raises
    ------
    InvalidRecord
        With every one of them.
    """
    misplaced = [FieldError(shown(name), shown(value), say("misplaced")) for name, value in given_fields()]
    if misplaced:
        raise InvalidRecord(misplaced, {})


def read_body(most: int) -> bytes:
    """Return the whole body.

    Raises
    ------
    RequestEntityTooLarge
        If it has more than `most` bytes, whether or not it said so.
    """
    # one that comes in chunks says no length, and at its own limit a stream just ends
    request.max_content_length = most if request.content_length is not None else most + 1
    body = request.get_data()
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


def given_fields() -> list[tuple[str, str]]:
    """Return the query's names and values as given, repeated ones too, without the options."""
    return [field for field in decode(request.environ["QUERY_STRING"]) if field[0] not in OPTIONS]
