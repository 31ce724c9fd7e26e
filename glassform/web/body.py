"""The body and the query of a request, read with their limits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from glassform.languages import gettext
from glassform.limits import MOST_ERRORS
from glassform.records.messages import FieldError, InvalidQuery, did_you_mean, say, shown
from glassform.records.parsing import decode
from glassform.web.resource import HOW_TO_ANSWER

Reader = Callable[[str], Any]  # of an option's text; it raises ValueError with what is wrong


def read_options(readers: Mapping[str, Reader], given: Iterable[tuple[str, str]] | None = None) -> dict[str, Any]:
    """Read named options from the query, or from what is given; those that are not there are left out.

    Raises
    ------
    InvalidQuery
        With every error of every name.
    """
    known, found = {name: name for name in readers}, dict[str, Any]()
    errors: list[FieldError] = []
    for name, text in given_fields() if given is None else given:
        if name not in readers:
            hint = did_you_mean(name or "", known) if len(errors) < MOST_ERRORS else ""
            errors.append(FieldError(shown(name or ""), shown(text), say("unknown", hint=hint)))
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
    """Return a reader of one of some words."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(say("option", value=shown(text) or "''", known=", ".join(known)))
        return text

    return read


def can_be_kept(text: str) -> bool:
    """Tell whether a text can be stored: no half characters, and no NUL, which databases refuse."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


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
    refuse_broken_off(len(body))
    return body


def refuse_broken_off(length: int) -> None:
    """Refuse a body that ended early: what is left of it may look whole and mean something else.

    Raises
    ------
    BadRequest
        If it is shorter than it said.
    """
    if request.content_length is not None and length < request.content_length:
        raise BadRequest(
            gettext("The body ended after %(length)s bytes of %(said)s.", length=length, said=request.content_length)
        )


def given_fields() -> list[tuple[str, str]]:
    """Return the query's names and values as given, repeated ones too, without the options."""
    return [field for field in decode(request.environ["QUERY_STRING"]) if field[0] not in HOW_TO_ANSWER]
