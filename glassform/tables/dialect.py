"""How a delimited file is written: what comes before its header, its delimiter, and its header."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from glassform.languages import gettext
from glassform.refusals import Unreadable

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = ",;\t|"  # between the cells of a row, the likeliest first
ANNOUNCED = re.compile(rf'"?sep=([{DELIMITERS}])"?\s*', re.IGNORECASE)  # Excel's own first line
SAMPLE = 50  # rows that the delimiter is tried on


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes
    ----------
    before
        The lines before the header: blank ones, and the one that announces the delimiter.
    blank
        How many of them are blank.
    """

    delimiter: str
    before: int
    blank: int

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma can be the sign of decimals, since it separates nothing."""
        return self.delimiter in ";\t"


def is_blank(cells: Iterable[str]) -> bool:
    """Tell whether no cell of a row is filled."""
    return not any(map(str.strip, cells))


def rows_of(lines: Iterable[str], delimiter: str) -> "Reader":
    """Return a reader of the cells of lines; spaces around a quoted cell do not count."""
    spaced = rf'((?:^|{re.escape(delimiter)}) *"(?:[^"]|"")*") +(?={re.escape(delimiter)}|[\r\n]|$)'
    after_quote = re.compile(spaced)
    lines = (after_quote.sub(r"\1", line) if '" ' in line else line for line in lines)
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def dialect_of(lines: Iterable[str]) -> Dialect:
    """Find out how a file is written from its first lines.

    Raises
    ------
    Unreadable
        If there is no header, or a comment before it.
    """
    first = sample(lines)
    announced = ANNOUNCED.fullmatch(first[0]) if first else None
    blank = 0
    start = 1 if announced else 0
    while start < len(first) and not first[start].strip(f' \r\n"{DELIMITERS}'):
        start, blank = start + 1, blank + 1
    if start == len(first) and start <= SAMPLE:
        raise Unreadable(gettext("it has no header"))
    delimiter = announced[1] if announced else likeliest(first[start:])
    refuse_comment(first[start:], delimiter, start + 1)
    return Dialect(delimiter, start, blank)


def sample(lines: Iterable[str]) -> list[str]:
    """Return the first lines, as far as they can be read; reading the rows says what is wrong below the header.

    Raises
    ------
    Unreadable
        If not even the first can be.
    """
    found: list[str] = []
    try:
        found.extend(islice(lines, SAMPLE + 1))
    except Unreadable:
        if not found:
            raise
    return found


def likeliest(lines: Sequence[str]) -> str:
    """Return the delimiter under which most rows have as many cells as the header, and those have most."""

    def fit(delimiter: str) -> tuple[int, int]:
        header, *rows = widths(lines, delimiter) or [0]
        return (sum(0 <= width - header <= 1 for width in rows), header) if header > 1 else (-1, 0)

    return max(DELIMITERS, key=fit)


def widths(lines: Sequence[str], delimiter: str) -> list[int]:
    """Return how many cells the first rows have, as far as they can be read."""
    found = []
    try:
        for cells in rows_of(lines, delimiter):
            if not is_blank(cells):
                found.append(len(cells))
    except csv.Error:
        pass  # the sample may end within a cell
    return found


def refuse_comment(lines: Sequence[str], delimiter: str, number: int) -> None:
    """Refuse a comment before the header; a header may begin with # as well, but has as many cells as its rows.

    Raises
    ------
    Unreadable
        If the first line is one.
    """
    if not lines or not lines[0].lstrip(' "').startswith(("#", "//")):
        return
    header, *rows = [*widths(lines, delimiter), 0][:2]
    more = any(line.lstrip().startswith(("#", "//")) for line in lines[1:2])
    if more or (rows and header != rows[0]):
        raise Unreadable(gettext("line %(number)s is a comment; delete all lines before the header", number=number))
