"""Many records at once: read row by row from CSV, a JSON array or JSON lines, checked, and looked up."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice, repeat
from typing import IO, Any, NamedTuple, NotRequired, Protocol

import orjson
import pydantic
from typing_extensions import TypedDict

from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Contribution
from glassform.languages import gettext
from glassform.records.schema import (
    BINARY,
    CLASSES,
    DELIMITERS,
    LONGEST_VALUE,
    FieldError,
    InvalidRecord,
    Pairs,
    Record,
    Schema,
    UnreadableJSON,
    Value,
    parse_json,
    say,
    shown,
)

MOST_ROWS = 1_000_000
MOST_BYTES = 256 * 1024 * 1024
MOST_ARRAY_BYTES = 8 * 1024 * 1024  # of a JSON array, which has to be read whole
LONGEST_LINE = 64 * 1024  # characters or bytes
MOST_ERRORS = 100  # reported of one batch
MOST_REMEMBERED = 10_000  # texts of one column
FORMULA, NUMBER = ("=", "+", "-", "@", "\t", "\r"), re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")
ROWS_AT_A_TIME = 500
PREVIEW, BINS = 50, 20  # rows of a result and bars of its histogram that a page shows
UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")  # byte order marks


class RowError(NamedTuple):
    """One thing wrong with a field of a row; the first record is row 1, the header row 0."""

    row: int
    field: str
    value: str | None
    message: str


class InvalidBatch(ValueError):
    """Rows that are no records; it holds the first errors, and how many were found until the reading stopped."""

    def __init__(self, errors: list[RowError], count: int) -> None:
        self.errors, self.count = errors, count
        super().__init__(f"{count} errors")


class UnreadableBatch(ValueError):
    """A body that cannot be told apart into rows."""


class TooManyRows(ValueError):
    """A body with more rows than are read."""


class ScoredRow(TypedDict):
    """A record's fields, the answer and, if wanted, the terms of its sum; or a row's number and errors."""

    __pydantic_config__ = pydantic.ConfigDict(extra="allow")  # type: ignore[misc]

    probability: NotRequired[float | None]
    log_odds: NotRequired[float]
    intercept: NotRequired[float]
    contributions: NotRequired[list[Contribution]]
    row: NotRequired[int]
    errors: NotRequired[list[FieldError]]


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


class Batch:
    """Scored rows of a source.

    Parameters
    ----------
    keep_going
        Whether a row with errors is kept, with them, or makes the whole batch invalid.
    explain
        Whether every term is wanted beside the probability.
    """

    def __init__(self, card: Fitted, source: Source, keep_going: bool, explain: bool) -> None:
        self.card, self.source, self.keep_going, self.explain = card, source, keep_going, explain
        self.count = self.check()

    @property
    def added(self) -> list[str]:
        """The columns that scoring adds."""
        return [*self.card.columns_added(self.explain), *(["error"] if self.keep_going else [])]

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
        TooManyRows
            If there are more than a million.
        """
        taken = [RowError(0, name, None, say("taken")) for name in self.source.columns if name in self.added]
        errors, count, number = taken, len(taken), 0
        for row in self.source:
            number = row.number
            if number > MOST_ROWS:
                raise TooManyRows(gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS:,}"))
            if row.errors and not self.keep_going:
                count += len(row.errors)
                errors += [RowError(number, each.field, each.value, each.message) for each in row.errors]
                if len(errors) >= MOST_ERRORS:
                    break  # nobody reads on, and a hostile body must not buy long work
        if not number:
            errors, count = [*errors, RowError(0, "", None, say("no_rows"))], count + 1
        if errors:
            raise InvalidBatch(errors[:MOST_ERRORS], count)
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
        return [*map(str, cells), *([""] if self.keep_going else [])]

    def objects(self) -> Iterator[dict[str, Any]]:
        """Return the result as objects: the record and its answer, or the row's number and its errors."""
        names, members = list(self.card.schema.by_name), self.card.target.members
        main = self.card.target.columns[0]
        for row, sums in self.answered():
            if row.errors:
                yield {"row": row.number, main: None, "errors": [asdict(each) for each in row.errors]}
                continue
            answer: dict[str, Any] = dict(zip(names, row.values))  # noqa: B905 - hot
            answer |= members(sums)
            if self.explain:
                answer |= self.card.arithmetic(row, sums)
            yield answer

    def summary(self) -> dict[str, Any]:
        """Return what a page shows of the result: its first rows, and how the answers are spread.

        Probabilities are counted in equal bins from 0 to 1, classes each, and of numbers the first rows tell enough.
        """
        first: list[dict[str, Any]] = []
        counts, total, scored = Counter[Any](), 0.0, 0
        score, task = self.card.target.columns[0], self.card.schema.task
        for number, answer in enumerate(self.objects(), start=1):
            if number <= PREVIEW:
                first.append({"row": number} | answer)
            if answer[score] is None:
                continue
            scored += 1
            total += answer[score] if task != CLASSES else 0.0
            counts[answer[score] if task == CLASSES else bin_of(answer[score]) if task == BINARY else None] += 1
        bins = [counts[label] for label in (self.card.schema.classes if task == CLASSES else range(BINS))]
        return {"first": first, "bins": bins, "scored": scored, "mean": total / scored if scored else None}


def bin_of(probability: float) -> int:
    """Return the bin of a probability, from 0 on; the last includes 1."""
    return min(int(probability * BINS), BINS - 1)


class Table:
    """Rows of a CSV file: comma, semicolon or tab between cells, in UTF-8 or UTF-16."""

    def __init__(self, file: IO[bytes], card: Fitted, schema: Schema) -> None:
        self.file, self.card, self.schema = file, card, schema
        file.seek(0)
        self.utf16 = file.read(2) in UTF16_MARKS
        self.delimiter, self.wrong = ",", 0  # rows so far
        with suppress(UnreadableBatch):  # of which the rows tell, with the place
            self.delimiter = max(DELIMITERS, key=next(self._lines(), "").count)
        self.columns = [column.strip() for column in next(self._rows(), [])]
        if not self.columns:
            raise UnreadableBatch(gettext("it has no header"))
        names = [schema.names.get(column, "") for column in self.columns]
        errors = [
            RowError(0, name, column, say("repeated"))
            for place, (name, column) in enumerate(zip(names, self.columns, strict=True))
            if name and name in names[:place]
        ]
        errors += [RowError(0, name, None, say("no_column")) for name in schema.by_name if name not in names]
        if errors:
            raise InvalidBatch(errors, len(errors))
        self.places = [names.index(name) for name in schema.by_name]
        self.others = [place for place, name in enumerate(names) if not name]

    def _lines(self) -> Iterator[str]:
        for line in self._utf16() if self.utf16 else self._utf8():
            if len(line) == LONGEST_LINE:
                raise UnreadableBatch(gettext("a line has over %(most)s characters", most=LONGEST_LINE))
            if "\0" in line:
                raise UnreadableBatch(gettext("it holds a NUL character"))
            yield line

    def _utf8(self) -> Iterator[str]:
        self.file.seek(0)
        self.file.seek(len(UTF8_MARK) if self.file.read(len(UTF8_MARK)) == UTF8_MARK else 0)
        while line := self.file.readline(LONGEST_LINE):
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise UnreadableBatch(gettext("it is not %(encoding)s text", encoding="UTF-8")) from error

    def _utf16(self) -> Iterator[str]:
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, encoding="utf-16", newline="")
        try:
            while line := text.readline(LONGEST_LINE):
                yield line
        except UnicodeError as error:
            raise UnreadableBatch(gettext("it is not %(encoding)s text", encoding="UTF-16")) from error
        finally:
            text.detach()  # or the file would be closed with it

    def _rows(self) -> Iterator[list[str]]:
        number = 0
        try:
            for cells in csv.reader(self._lines(), delimiter=self.delimiter, strict=True):
                yield cells
                number += 1
        except (csv.Error, UnreadableBatch) as error:
            if "new-line character" in str(error):
                error = UnreadableBatch(gettext("a carriage return stands within a line"))
            place = gettext("row %(number)s", number=number) if number else gettext("the header")
            raise UnreadableBatch(f"{place}: {error}") from error

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too; blank lines are none."""
        width, places, self.wrong = len(self.columns), self.places, 0
        known: list[dict[str, tuple[Value, float]]] = [{} for _ in places]
        for number, cells in enumerate(filter(None, islice(self._rows(), 1, None)), start=1):
            try:
                found = [texts[cells[place]] for texts, place in zip(known, places)]  # noqa: B905 - hot
            except (KeyError, IndexError):
                found = []
            if found and len(cells) == width:
                yield Row(number, cells, [value for value, _ in found], [term for _, term in found], NO_ERRORS)
                continue
            row = self._checked(number, cells)
            for texts, place, value, term in zip(known, places, row.values, row.terms, strict=not row.errors):
                if len(texts) < MOST_REMEMBERED and len(cells[place]) <= LONGEST_VALUE:
                    texts[cells[place]] = value, term
            yield row

    def _checked(self, number: int, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            message = say("ragged", count=len(cells), wanted=len(self.columns))
            return Row(number, cells, [], [], [FieldError("", None, message)])
        pairs = [(name, cells[place]) for name, place in zip(self.schema.by_name, self.places, strict=True)]
        read = partial(self.schema.read_fields, pairs, hints=self.wrong < MOST_ERRORS)
        row = checked(self.card, number, cells, read)
        self.wrong += bool(row.errors)
        return row


class Objects:
    """Rows that are JSON objects, all in memory."""

    columns: list[str] = []  # noqa: RUF012 - objects have no columns
    others: list[int] = []  # noqa: RUF012

    def __init__(self, given: Iterable[Any], card: Fitted, schema: Schema) -> None:
        self.given, self.card, self.schema = given, card, schema
        self.kept: list[Row] | None = None
        self.wrong = 0  # rows so far
        self.names = list(schema.by_name)
        self.numbers = [place for place, field in enumerate(schema.fields) if not field.categories]
        self.known = card.lookups

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too; what was read to the end is kept."""
        if self.kept is not None:
            yield from self.kept
            return
        rows = []
        for row in self.read(self.given):
            rows.append(row)
            yield row
        self.kept = rows

    def read(self, objects: Iterable[Any]) -> Iterator[Row]:
        """Return a row for each object."""
        self.wrong, numbered = 0, enumerate(objects, start=1)
        while several := list(islice(numbered, ROWS_AT_A_TIME)):
            # field by field in tight loops; what is not plainly right goes the full way, one by one
            yield from self._plain(several) or (self._checked(number, given) for number, given in several)

    def _plain(self, several: list[tuple[int, Any]]) -> list[Row]:
        numbers, rows = zip(*several, strict=True)
        try:
            columns = [[given[name] for given in rows] for name in self.names]
            terms = [[points[value] for value in each] for points, each in zip(self.known, columns, strict=True)]
        except (KeyError, TypeError):
            return []
        # True is 1 and 39.0 is 39 to a dictionary, but not to the schema
        if set(map(len, rows)) != {len(columns)} or any(set(map(type, columns[at])) != {int} for at in self.numbers):
            return []
        return [*map(Row, numbers, rows, zip(*columns, strict=True), zip(*terms, strict=True), repeat(NO_ERRORS))]

    def _checked(self, number: int, given: Any) -> Row:
        read = partial(self.schema.read_json, as_pairs(given), hints=self.wrong < MOST_ERRORS)
        row = checked(self.card, number, given, read)
        self.wrong += bool(row.errors)
        return row


class Arrays(Objects):
    """Rows that are JSON arrays, their values in the order of the fields; objects are taken too."""

    def __init__(self, given: Iterable[Any], card: Fitted, schema: Schema) -> None:
        names, count = list(schema.by_name), len(schema.by_name)
        rows = (dict(zip(names, row, strict=True)) if is_array(row) and len(row) == count else row for row in given)
        super().__init__(rows, card, schema)

    def _checked(self, number: int, given: Any) -> Row:
        if isinstance(given, dict | Pairs):
            return super()._checked(number, given)
        message = say("row", value=shown(given), wanted=len(self.names))
        if is_array(given):
            message = say("lengths", count=len(given), wanted=len(self.names))
        return Row(number, given, [], [], [FieldError("", None, message)])


class Lines(Objects):
    """Rows that are JSON objects, one on every line of a file."""

    def __init__(self, file: IO[bytes], card: Fitted, schema: Schema) -> None:
        super().__init__((), card, schema)
        self.file = file

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too."""
        return self.read(self._parsed())

    def _parsed(self) -> Iterator[Any]:
        self.file.seek(0)
        number = 0
        while line := self.file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                reason = gettext("a line has over %(most)s characters", most=LONGEST_LINE)
                raise UnreadableBatch(f"{gettext('row %(number)s', number=number)}: {reason}")
            try:
                yield parse(line)
            except UnreadableJSON as error:
                raise UnreadableBatch(f"{gettext('row %(number)s', number=number)}: {error}") from error


def parse_array(body: bytes) -> Any:
    """Parse a JSON array of records.

    Raises
    ------
    UnreadableJSON
        If it is not JSON.
    UnreadableBatch
        If it is no array.
    TooManyRows
        If it has more rows than are read.
    """
    array = parse(body)
    refuse_too_many(array)
    if not is_array(array):
        raise UnreadableBatch(gettext("it is no array of records"))
    return array


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
    TooManyRows
        If it has more rows than are read.
    """
    if is_array(array) and len(array) > MOST_ROWS:
        raise TooManyRows(gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS:,}"))


def is_array(given: Any) -> bool:
    """Tell whether parsed JSON is an array; an object that was read with care is a list, too, of pairs."""
    return isinstance(given, list) and not isinstance(given, Pairs)


def as_pairs(given: Any) -> Any:
    """Return a JSON object as the pairs the schema reads; anything else as it is."""
    return Pairs(given.items()) if isinstance(given, dict) else given


def parse(body: bytes) -> Any:
    """Parse JSON, fast if nothing in it needs care; objects come as dictionaries, or as `Pairs` if any did.

    Raises
    ------
    UnreadableJSON
        If it is not JSON, with the place.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse_json(body)  # which says where, and knows NaN
    return value if is_plain(body, value) else parse_json(body)


def is_plain(body: bytes, value: Any) -> bool:
    """Tell whether dictionaries hold all that a JSON text says: flat objects, no name twice.

    Without backslashes every text has two quotes, so a name that was given twice leaves quotes over.
    """
    rows = value if isinstance(value, list) else [value]
    if b"\\" in body or not all(type(row) is dict for row in rows):
        return False
    texts = sum([len(row) + [*map(type, row.values())].count(str) for row in rows])
    return body.count(b'"') == 2 * texts


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
