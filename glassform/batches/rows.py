"""Rows of a batch: their values and terms, or what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from flask_babel import ngettext

from glassform.fitted.base import Fitted
from glassform.languages import gettext
from glassform.limits import MOST_ROWS
from glassform.records.field import Record, Value
from glassform.records.messages import FieldError, InvalidRecord
from glassform.records.parsing import is_array
from glassform.refusals import Refusal, TooLarge

ROWS_AT_A_TIME = 500


class RowError(NamedTuple):
    """One thing wrong with a field of a row; the first record is row 1, the header row 0."""

    row: int
    field: str
    value: str | None
    message: str


class InvalidBatch(Refusal):
    """Rows that are no records; it holds the first errors, and how many were found until the reading stopped."""

    def __init__(self, errors: list[RowError], count: int) -> None:
        self.errors, self.count = errors, count
        super().__init__(f"{count} errors")

    @property
    def detail(self) -> str:
        """How many errors there are, as far as is known."""
        if self.count > len(self.errors):
            return gettext(
                "The first %(count)s errors are listed, and no more were looked for.", count=len(self.errors)
            )
        return ngettext(
            "The rows have %(num)s error; nothing was computed.",
            "The rows have %(num)s errors; nothing was computed.",
            self.count,
        )

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The first errors, each with its row."""
        return [error._asdict() for error in self.errors]


@dataclass(slots=True)
class Row:
    """One row: what was sent (texts under a header, or a JSON value), and its values and terms or its errors."""

    number: int
    given: Any
    values: Sequence[Value]
    terms: Sequence[float]
    errors: Sequence[FieldError]


NO_ERRORS: tuple[FieldError, ...] = ()


class Source(Protocol):
    """Where rows come from; they can be read more than once."""

    columns: list[str]
    others: list[int]  # places of the columns that belong to no field

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too."""


def checked(card: Fitted, number: int, given: Any, read: Callable[[], Record]) -> Row:
    """Return a row with its terms, or with every error of the record."""
    try:
        record = read()
    except InvalidRecord as invalid:
        return Row(number, given, [], [], invalid.errors)
    return Row(number, given, [*record.values()], card.terms_of(record), NO_ERRORS)


def refuse_too_many(array: Any) -> None:
    """Refuse an array before its rows are looked at.

    Raises
    ------
    TooLarge
        If it has more rows than are read.
    """
    if is_array(array) and len(array) > MOST_ROWS:
        raise TooLarge(gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS:,}"))
