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
    refuse_too_long()
    misplaced = [FieldError(shown(name), shown(value), say("misplaced")) for name, value in given_fields()]
    if misplaced:
        raise InvalidRecord(misplaced, {})
    if request.mimetype == "application/json":
        return schema().read_json(parse_json(request.get_data()))
    if request.mimetype in FORM_TYPES:
        files = ((name, gettext("a file")) for name in request.files)
        # a part of a multipart body may have no name at all
        return schema().read_fields(
            [(name or "", value) for name, value in [*request.form.items(multi=True), *files]]
        )
    raise UnsupportedMediaType(gettext("Send the record as application/json or as a form."))


def refuse_too_long() -> None:
    """Refuse a body that is sent in chunks and turns out too long; one that says its length is refused already.

    Raises
    ------
    RequestEntityTooLarge
        If it is longer than the application reads.
    """
    if request.content_length is None:
        most = current_app.config["MAX_CONTENT_LENGTH"]
        request.max_content_length = most + 1  # at its own limit a stream just ends
        if len(request.get_data()) > most:
            raise RequestEntityTooLarge


def given_fields() -> list[tuple[str, str]]:
    """Return the query's names and values as given, repeated ones too, without the options."""
    return [field for field in decode(request.environ["QUERY_STRING"]) if field[0] not in OPTIONS]
