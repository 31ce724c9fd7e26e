"""Rows of a CSV file."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import IO

from glassform.batches.batch import NO_ERRORS, InvalidBatch, Row, RowError, checked
from glassform.fitted.base import Fitted
from glassform.languages import gettext
from glassform.limits import LONGEST_LINE, LONGEST_VALUE, MOST_BATCH_ERRORS, MOST_TEXTS
from glassform.records.field import Value
from glassform.records.messages import FieldError, say
from glassform.records.schema import DELIMITERS, Schema
from glassform.refusals import Unreadable

UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")  # byte order marks


class Table:
    """Rows of a CSV file: comma, semicolon or tab between cells, in UTF-8 or UTF-16."""

    def __init__(self, file: IO[bytes], card: Fitted, schema: Schema) -> None:
        self.file, self.card, self.schema = file, card, schema
        file.seek(0)
        self.utf16 = file.read(2) in UTF16_MARKS
        self.delimiter, self.wrong = ",", 0  # rows so far
        with suppress(Unreadable):  # reading the rows will say so, with the place
            self.delimiter = max(DELIMITERS, key=next(self._lines(), "").count)
        self.columns = [column.strip() for column in next(self._rows(), [])]
        if not self.columns:
            raise Unreadable(gettext("it has no header"))
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
                raise Unreadable(gettext("a line has over %(most)s characters", most=LONGEST_LINE))
            if "\0" in line:
                raise Unreadable(gettext("it holds a NUL character"))
            yield line

    def _utf8(self) -> Iterator[str]:
        self.file.seek(0)
        self.file.seek(len(UTF8_MARK) if self.file.read(len(UTF8_MARK)) == UTF8_MARK else 0)
        while line := self.file.readline(LONGEST_LINE):
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise Unreadable(gettext("it is not %(encoding)s text", encoding="UTF-8")) from error

    def _utf16(self) -> Iterator[str]:
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, encoding="utf-16", newline="")
        try:
            while line := text.readline(LONGEST_LINE):
                yield line
        except UnicodeError as error:
            raise Unreadable(gettext("it is not %(encoding)s text", encoding="UTF-16")) from error
        finally:
            text.detach()  # or the file would be closed with it

    def _rows(self) -> Iterator[list[str]]:
        number = 0
        try:
            for cells in csv.reader(self._lines(), delimiter=self.delimiter, strict=True):
                yield cells
                number += 1
        except (csv.Error, Unreadable) as error:
            if "new-line character" in str(error):
                error = Unreadable(gettext("a carriage return stands within a line"))
            place = gettext("row %(number)s", number=number) if number else gettext("the header")
            raise Unreadable(f"{place}: {error}") from error

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
                if len(texts) < MOST_TEXTS and len(cells[place]) <= LONGEST_VALUE:
                    texts[cells[place]] = value, term
            yield row

    def _checked(self, number: int, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            message = say("ragged", count=len(cells), wanted=len(self.columns))
            return Row(number, cells, [], [], [FieldError("", None, message)])
        pairs = [(name, cells[place]) for name, place in zip(self.schema.by_name, self.places, strict=True)]
        read = partial(self.schema.read_fields, pairs, hints=self.wrong < MOST_BATCH_ERRORS)
        row = checked(self.card, number, cells, read)
        self.wrong += bool(row.errors)
        return row
