"""A delimited text file, read alike at every door."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import IO

from glassform.languages import gettext, lazy_gettext, ngettext
from glassform.refusals import Unreadable
from glassform.tables.dialect import dialect_of, is_blank, rows_of
from glassform.tables.text import NotText, encoding_of, lines_of

REASONS = {  # of Python's reader, by how its message begins
    "unexpected end": lazy_gettext("a quotation mark is never closed"),
    "field larger": lazy_gettext("a quotation mark is never closed"),
    "'": lazy_gettext("text follows a closing quotation mark"),
}
BLANK, TRAILING = "blank", "trailing"  # what is counted on the way


class Ragged(Unreadable):
    """A row that has not as many cells as the header."""


class Delimited:
    """The columns and rows of a delimited file; the rows can be read more than once.

    Attributes
    ----------
    columns
        The header's names, trimmed; a column may have none.
    decimal_comma
        Whether a comma in a number is the sign of decimals.
    counted
        What was noticed in the rows that were read, by kind.
    """

    def __init__(self, file: IO[bytes], encoding: str | None = None) -> None:
        self.file, self.encoding = file, encoding_of(file, encoding)
        self.counted: Counter[str] = Counter()
        try:
            self.dialect = dialect_of(lines_of(file, self.encoding))
        except NotText as error:
            raise NotText(gettext("the header: %(reason)s", reason=error)) from error
        self.decimal_comma = self.dialect.decimal_comma
        self._ended = self.dialect.before  # the line that the last row ended on
        first = islice(self._read(), 2)
        self.columns = [column.strip() for column in next(first, [])]
        self.trailing_header = bool(self.columns) and not self.columns[-1]
        if self.trailing_header:
            row = next(first, [""])
            # the header ends in a delimiter, unless its rows have something under the name that is not there
            if len(row) < len(self.columns) or not row[-1].strip():
                self.columns.pop()
        if not any(self.columns):
            raise Unreadable(gettext("it has no header"))

    @property
    def noticed(self) -> list[str]:
        """What was skipped or ignored, in sentences."""
        ahead, found = self.dialect.blank, self.counted
        sentences = [
            (ahead, gettext("Blank lines before the header: %(count)s, skipped.", count=f"{ahead:,}")),
            (found[BLANK], gettext("Rows with no cell filled: %(count)s, skipped.", count=f"{found[BLANK]:,}")),
            (
                found[TRAILING],
                gettext("Rows that end in a delimiter: %(count)s, it is ignored.", count=f"{found[TRAILING]:,}"),
            ),
        ]
        return [sentence for count, sentence in sentences if count]

    def rows(self) -> Iterator[list[str]]:
        """Read the rows below the header; rows with no cell filled are skipped.

        A row may have another number of cells than the header: `complaint` says so of the row just read.

        Raises
        ------
        Unreadable
            At what cannot be read, with its line.
        """
        width, too_many = len(self.columns), ""
        self.counted.clear()
        for cells in islice(self._read(), 1, None):
            if len(cells) == width and cells[0].strip():
                yield cells
                continue
            if is_blank(cells):
                self.counted[BLANK] += 1
                continue
            if len(cells) == width + 1:
                if cells[-1].strip():
                    too_many = too_many or self.complaint(cells)
                else:
                    cells.pop()
                    self.counted[TRAILING] += not self.trailing_header
                if too_many and (self.counted[TRAILING] or self.trailing_header):
                    raise Ragged(too_many)  # which of its columns the others are under, nobody can tell
            yield cells

    def checked_rows(self) -> Iterator[list[str]]:
        """Read the rows, and refuse the first that has not as many cells as the header.

        Raises
        ------
        Ragged
            At that row, with its line.
        """
        width = len(self.columns)
        for cells in self.rows():
            if len(cells) != width:
                raise Ragged(self.complaint(cells))
            yield cells

    def complaint(self, cells: list[str]) -> str:
        """Say how many cells the row just read has, and what may be the reason."""
        told: str = ngettext(
            "line %(line)s has %(num)s cell, and the header has %(wanted)s",
            "line %(line)s has %(num)s cells, and the header has %(wanted)s",
            len(cells),
            line=self._ended + 1,
            wanted=len(self.columns),
        )
        if len(cells) == len(self.columns) + 1:
            told += "; " + gettext("if the first column holds row names, give it a name")
        return told

    def _read(self) -> Iterator[list[str]]:
        """Read the header and all rows."""
        lines = lines_of(self.file, self.encoding)
        before = self._ended = self.dialect.before
        for _ in range(before):
            next(lines)
        reader = rows_of(lines, self.dialect.delimiter)
        try:
            for cells in reader:
                yield cells
                self._ended = before + reader.line_num
        except NotText as error:
            place = before + reader.line_num + 1
            raise NotText(gettext("line %(line)s: %(reason)s", line=place, reason=error)) from error
        except csv.Error as error:
            reason = next((text for start, text in REASONS.items() if str(error).startswith(start)), str(error))
            place = self._ended + 1
            raise Unreadable(gettext("line %(line)s: %(reason)s", line=place, reason=str(reason))) from error
