"""How a request is read: body, query, record, members."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from glassform.languages import gettext
from glassform.records.field import Record
from glassform.records.messages import FieldError, InvalidQuery, InvalidRecord, say, shown, unknown
from glassform.records.parsing import Pairs, decode, parse_json
from glassform.records.schema import Schema
from glassform.web.asked import fitted, schema
from glassform.web.forms import FORM_FIELD, FORM_TYPES
from glassform.web.openapi import record_in_query
from glassform.web.resource import HOW_TO_ANSWER, Resource, limit_body

Reader = Callable[[str], Any]  # of an option's text; it raises ValueError with what is wrong


def read_options(readers: Mapping[str, Reader], given: Iterable[tuple[str, str]] | None = None) -> dict[str, Any]:
    """Read named options from the query or from `given`; absent ones are left out.

    Raises
    ------
    InvalidQuery
        With every error of every name.
    """
    known, found = {name: name for name in readers}, dict[str, Any]()
    errors: list[FieldError] = []
    for name, text in given_fields() if given is None else given:
        if name not in readers:
            errors.append(unknown(name or "", known, len(errors), value=shown(text)))
        elif name in found:
            errors.append(FieldError(name, shown(text), say("repeated")))
        else:
            try:
                found[name] = readers[name](text)
            except ValueError as error:
                found[name] = None
                errors.append(FieldError(name, shown(text), str(error)))
    if errors:
        raise InvalidQuery(errors, {})
    return found


def one_of(known: Sequence[str]) -> Reader:
    """Return a reader that accepts only the known words."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(say("option", value=shown(text) or "''", known=", ".join(known)))
        return text

    return read


def not_one_of(name: str, text: str, known: Sequence[str]) -> FieldError:
    """Return the error of a member that is none of the known words."""
    return FieldError(name, shown(text), say("option", value=shown(text) or "''", known=", ".join(known)))


def can_be_kept(text: str) -> bool:
    """Tell whether a database can store a text: no lone surrogates, no NUL."""
    return "\0" not in text and is_whole(text)


def is_whole(text: str) -> bool:
    """Tell whether a text has no half of a character, which can be neither kept nor sent."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def read_body(most: int) -> bytes:
    """Return the whole body.

    Raises
    ------
    RequestEntityTooLarge
        If it has more than `most` bytes, announced or not.
    """
    limit_body(most)
    body = request.get_data()
    if len(body) > most:
        raise RequestEntityTooLarge
    refuse_broken_off(len(body))
    return body


def refuse_broken_off(length: int) -> None:
    """Refuse a body that ended early: the rest may look whole and mean something else.

    Raises
    ------
    BadRequest
        If it is shorter than announced.
    """
    if request.content_length is not None and length < request.content_length:
        raise BadRequest(
            gettext("The body ended after %(length)s bytes of %(said)s.", length=length, said=request.content_length)
        )


def given_fields() -> list[tuple[str, str]]:
    """Return the query's names and values in order, without those that say how to answer or track links."""
    given, dictionary = decode(request.environ["QUERY_STRING"]), schema()
    return [field for field in given if field[0] not in HOW_TO_ANSWER and not dictionary.passes_over(field[0])]


def filled_up(given: Sequence[tuple[str, str]]) -> Record:
    """Return the record of some fields, all others as of a typical one.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    """
    dictionary = schema()
    named = {dictionary.names.get(name) for name, _ in given}
    rest = ((name, str(value)) for name, value in fitted().typical.items() if name not in named)
    return dictionary.read_fields([*given, *rest])


OF_FORMS = {FORM_FIELD, "method"}  # members of our forms that are no field
Members = dict[str, Any]


def read_record(options: Set[str] = frozenset()) -> Record:
    """Read the request's record: from the query of a GET, from the body of a POST.

    `options` are the query parameters that a resource reads itself.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    UnreadableJSON
        If the body is not the JSON it claims to be.
    UnsupportedMediaType
        If the body is neither JSON nor a form.
    """
    if request.method != "POST":
        return schema().read_query(request.environ["QUERY_STRING"], HOW_TO_ANSWER | options)
    body = read_body(current_app.config["MAX_CONTENT_LENGTH"])
    refuse_misplaced(options)
    if request.mimetype == "application/json":
        return schema().read_json(parse_json(body))
    if request.mimetype in FORM_TYPES:
        files = ((name, gettext("a file")) for name in request.files)
        # a part of a multipart body may have no name at all
        posted = [*request.form.items(multi=True), *files]
        return schema().read_fields([(name or "", value) for name, value in posted if name not in options])
    raise UnsupportedMediaType(gettext("Send the record as application/json or as a form."))


def read_members(
    required: Sequence[str],
    optional: Sequence[str] = (),
    template: str = "problem.html",
    numbers: Set[str] = frozenset(),
) -> Members:
    """Read the members of a JSON object or a form as text; null counts as absent.

    Members in `numbers` may also be JSON numbers; they come back as text.

    Raises
    ------
    InvalidQuery
        With every error of every member; browsers get the page `template`.
    UnreadableJSON
        If the body is not the JSON it claims to be.
    UnsupportedMediaType
        If the body is neither JSON nor a form.
    """
    body = read_body(current_app.config["MAX_CONTENT_LENGTH"])
    if request.mimetype in FORM_TYPES:
        given = Pairs(pair for pair in request.form.items(multi=True) if pair[0] not in OF_FORMS)
    elif request.mimetype == "application/json":
        given = parse_json(body)
    else:
        kinds = ", ".join(["application/json", *FORM_TYPES])
        raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=kinds))
    if not isinstance(given, Pairs):
        raise InvalidQuery([FieldError("", shown(given), say("object", value=shown(given)))], {}, template)
    known, found = {name: name for name in (*required, *optional)}, Members()
    errors: list[FieldError] = []
    for name, value in given:
        if name not in known:
            errors.append(unknown(name or "", known, len(errors)))
        elif name in found:
            errors.append(FieldError(name, None, say("repeated")))
        elif name in numbers and type(value) in (int, float):
            found[name] = str(value)
        elif value is not None and not isinstance(value, str):
            errors.append(FieldError(name, shown(value), say("text", value=shown(value))))
        elif value and not can_be_kept(value):
            errors.append(FieldError(name, shown(value), say("encoding")))
        else:
            found[name] = value
    errors += [FieldError(name, None, say("absent")) for name in required if not found.get(name)]
    if errors:
        raise InvalidQuery(errors, found, template)
    return found


def refuse_misplaced(options: Set[str] = frozenset()) -> None:
    """Refuse fields in the address of a POST; `options` are no fields.

    Raises
    ------
    InvalidRecord
        With every one of them.
    """
    given = [(name, value) for name, value in given_fields() if name not in options]
    misplaced = [FieldError(shown(name), shown(value), say("misplaced")) for name, value in given]
    if misplaced:
        raise InvalidRecord(misplaced, {})


def flat(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer's members as cells of a row; members by class get a column each."""
    return {
        (f"{column.removesuffix('ies')}y_{label}" if label else column): each
        for column, value in members.items()
        for label, each in (value.items() if isinstance(value, dict) else [("", value)])
    }


class RecordResource(Resource):
    """A resource that reads a record from its query."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record."""
        return record_in_query(schema)
