"""Many records at once: checked, scored, and given back as a table or as objects."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, NotRequired, Protocol

import pydantic
from typing_extensions import TypedDict

from glassform.files import harmless
from glassform.fitted.additive import Contribution, Reason
from glassform.fitted.base import Fitted
from glassform.languages import current, gettext, ngettext
from glassform.limits import MOST_BATCH_ERRORS, MOST_ROWS, MOST_ROWS_EXPLAINED
from glassform.records.field import Record, Value
from glassform.records.messages import FieldError, InvalidRecord, say
from glassform.records.parsing import is_array
from glassform.records.schema import BINARY, CLASSES, Schema
from glassform.refusals import Refusal, TooLarge

ROWS_AT_A_TIME = 500


class RowError(NamedTuple):
    """One error of a row; the first record is row 1, the header row 0."""

    row: int
    field: str
    value: str | None
    message: str


class InvalidBatch(Refusal):
    """Rows that failed validation, with the first errors and their count so far."""

    def __init__(self, errors: list[RowError], count: int) -> None:
        self.errors, self.count = errors, count
        self.fields = {"first": len(errors)} if count >= MOST_BATCH_ERRORS else {}
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
    """One row: the input (text cells or a JSON value), and its values and terms, or its errors."""

    number: int
    given: Any
    values: Sequence[Value]
    terms: Sequence[float]
    errors: Sequence[FieldError]


NO_ERRORS: tuple[FieldError, ...] = ()


class Source(Protocol):
    """A source of rows, which can be read more than once."""

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


def said_after(wrong: int) -> tuple[bool, bool]:
    """Tell, after so many invalid rows, whether to suggest what was meant, and whether to say only that one is."""
    return wrong < MOST_BATCH_ERRORS, wrong >= MOST_ROWS_EXPLAINED


def refuse_too_many(array: Any) -> None:
    """Refuse an array before its rows are looked at.

    Raises
    ------
    TooLarge
        If it has more rows than are read.
    """
    if is_array(array) and len(array) > MOST_ROWS:
        raise TooLarge(gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS:,}"))


PREVIEW, BINS = 50, 20  # rows of a result and bars of its histogram that a page shows


class ScoredRow(TypedDict):
    """A record's fields, the answer and, if wanted, its terms; or a row's number and errors."""

    __pydantic_config__ = pydantic.ConfigDict(extra="allow")  # type: ignore[misc]

    probability: NotRequired[float | None]
    log_odds: NotRequired[float]
    intercept: NotRequired[float]
    contributions: NotRequired[list[Contribution]]
    reasons: NotRequired[list[Reason]]
    warnings: NotRequired[list[str]]
    row: NotRequired[int]
    errors: NotRequired[list[FieldError]]


class RowReasons(Protocol):
    """The reasons of rows: as cells of some columns, or as a list."""

    @property
    def columns(self) -> list[str]:
        """The columns."""

    def cells(self, row: Row) -> list[str]:
        """Return the cells of these columns."""

    def listed(self, row: Row, schema: Schema) -> list[Reason]:
        """Return the reasons of a row."""


class Batch:
    """Scored rows of a source.

    Parameters
    ----------
    keep_going
        Whether rows with errors stay in the result or make the whole batch invalid.
    explain
        Whether to add every term.
    reasons
        The reasons to add, if any are wanted.
    """

    def __init__(
        self, card: Fitted, source: Source, keep_going: bool, explain: bool, reasons: RowReasons | None = None
    ) -> None:
        self.card, self.source, self.keep_going, self.explain = card, source, keep_going, explain
        self.reasons = reasons
        self.count = self.check()

    @property
    def added(self) -> list[str]:
        """The columns that scoring adds."""
        warned = ["warnings"] if self.card.warns else []
        reasons = self.reasons.columns if self.reasons else []
        return [*self.card.columns_added(self.explain), *reasons, *warned, *(["error"] if self.keep_going else [])]

    @property
    def taken(self) -> list[str]:
        """The columns sent that have the name of an added one; of records without columns, the fields that have."""
        if self.source.columns:
            return [name for name in self.source.columns if name in self.added]
        return [name for name in self.card.schema.by_name if self.reasons and name in self.reasons.columns]

    def answered(self) -> Iterator[tuple[Row, Any]]:
        """Return every row with its sums; without any, if it has errors."""
        rows = iter(self.source)
        while several := list(islice(rows, ROWS_AT_A_TIME)):
            sums = iter(self.card.all_sums([row for row in several if not row.errors]))
            for row in several:
                yield row, None if row.errors else next(sums)

    def check(self) -> int:
        """Read every row once and return how many there are.

        Raises
        ------
        InvalidBatch
            If there is none, if a column has the name of one that is added, or if a row has errors.
        TooLarge
            If there are more than a million.
        """
        taken = [RowError(0, name, None, say("taken")) for name in self.taken]
        errors, count, number = taken, len(taken), 0
        for row in self.source:
            number = row.number
            if number > MOST_ROWS:
                raise TooLarge(gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS:,}"))
            if row.errors and not self.keep_going:
                count += len(row.errors)
                errors += [RowError(number, each.field, each.value, each.message) for each in row.errors]
                if len(errors) >= MOST_BATCH_ERRORS:
                    break  # nobody reads on, and a hostile body must not cause long work
        if not number:
            errors, count = [*errors, RowError(0, "", None, say("no_rows"))], count + 1
        if errors:
            raise InvalidBatch(errors[:MOST_BATCH_ERRORS], count)
        return number

    @property
    def columns(self) -> list[str]:
        """The columns of the result as a table: those sent, or the fields of a record, and those added."""
        return [*(self.source.columns or self.card.schema.by_name), *self.added]

    def texts(self) -> Iterator[list[str]]:
        """Return the result as rows of a table under `columns`."""
        empty = [""] * len(self.card.schema.by_name)
        for row, sums in self.answered():
            if not self.source.columns:
                yield [*map(str, row.values or empty), *self._texts_added(row, sums)]
                continue
            sent = list(row.given)
            for place in range(len(sent)) if row.errors else self.source.others:
                sent[place] = harmless(sent[place])
            yield sent + self._texts_added(row, sums)

    def _texts_added(self, row: Row, sums: Any) -> list[str]:
        if row.errors:
            wrong = "; ".join(f"{each.field} {each.message}".strip() for each in row.errors)
            return [*[""] * (len(self.added) - 1), harmless(wrong)]
        cells = self.card.cells(row, sums, self.explain)
        warned = [harmless(" ".join(self.card.cautions(row.values)))] if self.card.warns else []
        reasons = self.reasons.cells(row) if self.reasons else ()
        return [*map(str, cells), *reasons, *warned, *([""] if self.keep_going else [])]

    def objects(self) -> Iterator[dict[str, Any]]:
        """Return the result as objects: the record and its answer, or the row's number and its errors."""
        names, members = list(self.card.schema.by_name), self.card.target.members
        main = self.card.target.columns[0]
        for row, sums in self.answered():
            if row.errors:
                yield {"row": row.number, main: None, "errors": [vars(each) for each in row.errors]}
                continue
            answer: dict[str, Any] = dict(zip(names, row.values))  # noqa: B905 - hot
            answer |= members(sums)
            if self.explain:
                answer |= self.card.arithmetic(row, sums)
            if self.reasons:
                answer["reasons"] = self.reasons.listed(row, self.card.schemas[current()])
            if self.card.warns:
                answer["warnings"] = self.card.cautions(row.values)
            yield answer

    def summary(self) -> dict[str, Any]:
        """Return the result's first rows and the distribution of its answers, for the page.

        Probabilities are counted in equal bins, classes one by one; for numbers the mean is enough. `outside` counts
        the rows with a value outside of what was seen.
        """
        first: list[dict[str, Any]] = []
        counts, total, scored, outside = Counter[Any](), 0.0, 0, 0
        score, task = self.card.target.columns[0], self.card.schema.task
        for number, answer in enumerate(self.objects(), start=1):
            if number <= PREVIEW:
                first.append({"row": number} | answer)
            if answer[score] is None:
                continue
            scored += 1
            outside += len(answer.get("warnings", ())) > len(self.card.schema.unused)
            total += answer[score] if task != CLASSES else 0.0
            counts[answer[score] if task == CLASSES else bin_of(answer[score]) if task == BINARY else None] += 1
        bins = [counts[label] for label in (self.card.schema.classes if task == CLASSES else range(BINS))]
        mean = total / scored if scored else None
        return {"first": first, "bins": bins, "scored": scored, "mean": mean, "outside": outside}


def bin_of(probability: float) -> int:
    """Return the bin of a probability, from 0 on; the last includes 1."""
    return min(int(probability * BINS), BINS - 1)
