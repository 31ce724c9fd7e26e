"""How every resource reads a request."""

from collections.abc import Iterator
from typing import cast

from flask import current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from schema import MESSAGES, FieldError, InvalidRecord, Record, limited, parse_json, shown
from scorecard import Scorecard

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
OPTIONS = {"format"}  # query parameters that say how to answer and belong to no record


def scorecard() -> Scorecard:
    """Return the model being served."""
    return cast(Scorecard, current_app.extensions["scorecard"])


def read_record() -> Record:
    """Read the request's record: from the query of a GET, from the body of a POST.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    UnreadableJSON
        If the body claims to be JSON and is not.
    UnsupportedMediaType
        If the body is neither JSON nor a form.
    """
    schema = scorecard().schema
    if request.method != "POST":
        return schema.read_fields(given_fields())
    misplaced = [FieldError(shown(name), shown(value), MESSAGES["misplaced"]) for name, value in given_fields()]
    if misplaced:
        raise InvalidRecord(limited(misplaced), {})
    if request.mimetype == "application/json":
        return schema.read_json(parse_json(request.get_data()))
    if request.mimetype in FORM_TYPES:
        files = ((name, "a file") for name in request.files)
        return schema.read_fields([*request.form.items(multi=True), *files])
    raise UnsupportedMediaType("Send the record as application/json or as a form.")


def given_fields() -> Iterator[tuple[str, str]]:
    """Yield the query's names and values as given, repeated ones too, without the options."""
    return ((name, value) for name, value in request.args.items(multi=True) if name not in OPTIONS)
