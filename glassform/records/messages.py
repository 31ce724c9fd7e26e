"""Error messages, and the errors of records and queries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from glassform.languages import gettext, lazy_gettext, ngettext
from glassform.limits import LONGEST_SHOWN, LONGEST_VALUE, MOST_ERRORS, MOST_LISTED
from glassform.records.parsing import Pairs
from glassform.refusals import Refusal

MESSAGES = {
    "choose": lazy_gettext("Choose {a_title}."),
    "enter": lazy_gettext("Enter {title}, {rule}."),
    "repeated": lazy_gettext("is given more than once"),
    "same_field": lazy_gettext("is meant by column {place} too; column {first} is it already"),
    "unknown": lazy_gettext("is not a field{hint}"),
    "type": lazy_gettext("{value} is not {kind}"),
    "digits": lazy_gettext("{value} is not {kind} in plain digits"),
    "quoted": lazy_gettext("{value} is text; JSON writes {kind} without quotes"),
    "range": lazy_gettext("{value} is not between {minimum} and {maximum}"),
    "greater_than_equal": lazy_gettext("{value} is less than {minimum}"),
    "less_than_equal": lazy_gettext("{value} is more than {maximum}"),
    "category": lazy_gettext("{value} is not a known {title}{hint}"),
    "long": lazy_gettext("is {length} characters long; at most {longest} are read"),
    "control": lazy_gettext("{value} holds a character that cannot be typed"),
    "object": lazy_gettext("a record is an object, and this is {value}"),
    "misplaced": lazy_gettext("send this in the request body, not in the URL"),
    "setting": lazy_gettext("{value} is not a number from 0 to {most} with at most two decimals"),
    "target": lazy_gettext("{value} is not a target above {low} and below {high}; write {example} or 0.5"),
    "lock": lazy_gettext("{value} is not a field{hint}"),
    "taken": lazy_gettext("the result adds a column of this name; rename yours"),
    "no_column": lazy_gettext("column missing"),
    "is_it": lazy_gettext("column missing; is it {column}?"),
    "unsaid": lazy_gettext("invalid; only the first {most} invalid rows say why"),
    "no_rows": lazy_gettext("there are no rows"),
    "lengths": lazy_gettext("the row has {count} values, and a record has {wanted} fields"),
    "ragged": lazy_gettext("the row has {count} values, and there are {wanted} columns"),
    "columns": lazy_gettext("the column has {count} values, and the first one has {wanted}"),
    "option": lazy_gettext("{value} is not one of {known}"),
    "row": lazy_gettext("a row is an array of {wanted} values, or an object, and this is {value}"),
    "encoding": lazy_gettext("holds a character that cannot be written"),
    "one_file": lazy_gettext("send exactly one file under this name; {count} came"),
    "alone": lazy_gettext("stands alone in its object, or not at all"),
    "array": lazy_gettext("{value} is not an array of rows"),
    "names": lazy_gettext("{value} is not an array of field names"),
    "absent": lazy_gettext("is missing"),
    "protocol": lazy_gettext("{value} is not as the protocol has it: {reason}"),
    "datatype": lazy_gettext("its datatype is {value}, and it has to be one of {known}"),
    "one_of_two": lazy_gettext("it needs one of {one} and {other}, not both"),
    "shape": lazy_gettext("its shape is {value}, but it must be one number per row"),
    "mixed": lazy_gettext("one tensor holds all fields only where all are numbers; these are not: {names}"),
    "width": lazy_gettext("its shape is {value}, and each row has {wanted} numbers, one per field"),
    "count": lazy_gettext("it has {count} elements, and its shape says {wanted}"),
    "bytes": lazy_gettext("its {count} bytes are no whole elements of {datatype}"),
    "lengths_differ": lazy_gettext("its shape is {value}, and not all tensors have the same"),
    "output": lazy_gettext("is not an output{hint}"),
    "text": lazy_gettext("{value} is not text"),
    "too_long": lazy_gettext("is {length} characters long; at most {longest} are saved"),
    "name": lazy_gettext("{value} is not a name of 3 to 60 letters of one script, digits and . _ - @"),
    "password": lazy_gettext("use {shortest} to {longest} characters, and not your name"),
    "taken_name": lazy_gettext("{value} is taken"),
    "wrong_password": lazy_gettext("the password is wrong"),
    "date": lazy_gettext("{value} is not a date such as {example}"),
    "page": lazy_gettext("{value} is not a whole number from 1 to {most}"),
    "used_key": lazy_gettext("was sent before with another request"),
    "too_many": lazy_gettext("there are {count}, and at most {most} are kept at once"),
    "self": lazy_gettext("you cannot do this to your own account"),
    "more": lazy_gettext("there are {count} further errors"),
}
SENTENCE_ENDS = (".", "。")


@dataclass(frozen=True)
class FieldError:
    """One error of one field: its name, the value given (None if absent), the message."""

    field: str
    value: str | None
    message: str


class InvalidRecord(Refusal):
    """An invalid record: the first errors, their total number, and the fields as given."""

    template = "answers/form.html"

    def __init__(self, errors: list[FieldError], fields: Mapping[str, Any]) -> None:
        self.errors, self.count = limited(errors), len(errors)
        self.fields = fields
        super().__init__("; ".join(f"{error.field}: {error.message.rstrip('.')}" for error in self.errors))

    @property
    def detail(self) -> str | None:
        """How many errors there are."""
        return ngettext(
            "The record has %(num)s error; nothing was computed.",
            "The record has %(num)s errors; nothing was computed.",
            self.count,
        )

    @property
    def is_unfilled(self) -> bool:
        """Whether no field was given at all."""
        return not self.fields and all(error.value is None for error in self.errors)

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The first errors."""
        return [{**vars(error)} for error in self.errors]


class InvalidQuery(InvalidRecord):
    """A request that cannot be met.

    Parameters
    ----------
    template
        The page to mend it on, if there is one.
    status
        409 if it conflicts with what is there; 401 or 403 if the client may not ask.
    """

    def __init__(
        self,
        errors: list[FieldError],
        fields: Mapping[str, Any],
        template: str = "problem.html",
        status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> None:
        super().__init__(errors, fields)
        self.template, self.status = template, status

    @property
    def is_unfilled(self) -> bool:
        """Never: it is about more than the fields of a record."""
        return False

    @property
    def detail(self) -> str | None:
        """The reason, by status."""
        return str(DETAILS[self.status]) if self.status in DETAILS else None


DETAILS: dict[int, Any] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: lazy_gettext("The request is not valid; nothing was changed."),
    HTTPStatus.CONFLICT: lazy_gettext("The request conflicts with existing data; nothing was changed."),
}


def limited(errors: list[FieldError]) -> list[FieldError]:
    """Return the first errors, and one that counts the rest."""
    more = len(errors) - MOST_ERRORS
    return [*errors[:MOST_ERRORS], FieldError("", None, say("more", count=more))] if more > 0 else errors


def say(key: str, **values: Any) -> str:
    """Return a message in the language of the answer."""
    return str(MESSAGES[key]).format(**values)


def told(field: str, message: str) -> str:
    """Return an error as text: a message that is a sentence needs no field before it."""
    return message if message.endswith(SENTENCE_ENDS) else f"{field} {message}".strip()


def did_you_mean(word: str, spellings: Mapping[str, str]) -> str:
    """Return the end of a message: the nearest known word, or a list of all."""
    near = nearest(word, spellings)
    if near:
        return gettext("; did you mean %(nearest)s?", nearest=near)
    known = list(dict.fromkeys(spellings.values()))
    return str(gettext("; known are %(known)s", known=", ".join(known))) if len(known) <= MOST_LISTED else ""


def nearest(word: str, spellings: Mapping[str, str]) -> str | None:
    """Return what the spelling most like a word stands for; None, if none is like it."""
    folded = {spelling.casefold(): meant for spelling, meant in spellings.items()}
    near = get_close_matches(word[:LONGEST_VALUE].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def unknown(
    name: str,
    known: Mapping[str, str],
    errors_before: int,
    key: str = "unknown",
    field: str | None = None,
    value: str | None = None,
) -> FieldError:
    """Return the error of an unknown name, with a hint at what it may mean.

    Parameters
    ----------
    known
        Every spelling, and the name it stands for.
    errors_before
        How many errors were found before; past `MOST_ERRORS` hints are left out, because finding them takes time.
    field, value
        What the error says it is about, if that is not the name itself.
    """
    hint = did_you_mean(name, known) if errors_before < MOST_ERRORS else ""
    return FieldError(shown(name) if field is None else field, value, say(key, value=shown(name), hint=hint))


def shown(value: Any) -> str:
    """Return a value fit to repeat in an answer: short, one line, printable."""
    if isinstance(value, list):
        return gettext("an object") if isinstance(value, Pairs) else gettext("a list")
    if not isinstance(value, str):
        return json.dumps(value)[:LONGEST_SHOWN]
    short = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    safe = short if short.isprintable() else short.encode("unicode_escape").decode("ascii")
    return safe if safe == safe.strip() else f"'{safe}'"
