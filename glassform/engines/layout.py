"""How the files of a table are laid out: found once, by our own reader, and given to the engine.

An engine reads plain files itself. What is not plain, or what it fails at, our reader writes anew for it; and if that
is no table, it says what is wrong, with the line.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from glassform.engines.files import UnreadableSource
from glassform.refusals import Refusal
from glassform.tables.delimited import Delimited
from glassform.tables.dialect import rows_of
from glassform.tables.opening import open_file, open_table, opened_whole
from glassform.tables.text import BROKEN

BLOCK, OVERLAP = 1024 * 1024, 1024  # bytes looked at at once
MARKED = "utf-8-sig"
PLAIN_ENCODINGS = ("utf-8", MARKED)


@dataclass(frozen=True)
class Layout:
    """How the files of one table are laid out.

    Attributes
    ----------
    columns
        The names in their header; a column may have none, or that of another.
    names
        The names that an engine can tell apart.
    decimal_comma
        Whether a comma in a number is the sign of decimals.
    plain
        Whether every engine reads the files alike, as far as the header tells.
    marked
        Whether a byte order mark comes first.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    delimiter: str
    decimal_comma: bool
    plain: bool
    marked: bool = False


def layout_of(paths: Sequence[Path], encoding: str | None = None) -> Layout:
    """Find out how files are laid out; all must have the same columns.

    Raises
    ------
    UnreadableSource
        If they have not, or one cannot be read.
    """
    first: Layout | None = None
    for path in paths:
        with path.open("rb") as packed, opened_whole(packed) as file:
            found = layout_in(file, path, encoding)
        first = first or found
        if found.columns != first.columns:
            raise UnreadableSource(f"{path} has other columns than {paths[0]}")
        if replace(found, decimal_comma=first.decimal_comma) != first:
            first = replace(first, plain=False)
    assert first is not None  # there is a path at least
    return first


def layout_in(file: IO[bytes], path: Path, encoding: str | None) -> Layout:
    """Find out how one file is laid out.

    Raises
    ------
    UnreadableSource
        If it is no table.
    """
    try:
        table = open_table(file, encoding)
        if not isinstance(table, Delimited):
            return Layout(
                tuple(table.columns), tuple(told_apart(table.columns)), ",", decimal_comma=False, plain=False
            )
        names = told_apart(table.columns)
        plain = (
            table.encoding in PLAIN_ENCODINGS
            and not table.dialect.before
            and not table.trailing_header
            and names == table.columns
        )
        marked = table.encoding == MARKED
        return Layout(tuple(table.columns), tuple(names), table.dialect.delimiter, table.decimal_comma, plain, marked)
    except (Refusal, OSError, *BROKEN) as error:
        raise UnreadableSource(f"{path} cannot be read: {error}") from error


def told_apart(columns: Sequence[str]) -> list[str]:
    """Return names that differ even where capitals do not count, for columns that may have none."""
    taken = {column.lower() for column in columns if column}
    found: list[str] = []
    for place, column in enumerate(columns, start=1):
        name = column
        if not column or column.lower() in map(str.lower, columns[: place - 1]):
            name = next(new for new in names_like(column or "column", place) if new.lower() not in taken)
            taken.add(name.lower())
        found.append(name)
    return found


def names_like(name: str, place: int) -> Iterator[str]:
    """Return ever other names for a column, by its place."""
    while True:
        name = f"{name}_{place}"
        yield name


def is_plain(file: IO[bytes], delimiter: str, width: int) -> bool:
    """Tell whether engines find as many cells in a row as our reader: they overlook several empty ones too many."""
    mark = delimiter.encode()
    doubled = (mark + mark + b"\n", mark + mark + b"\r\n")
    if not any(ending in block for block in blocks(file) for ending in doubled[: 1 + (b"\r" in block)]):
        return True
    file.seek(0)
    try:
        lines = (line.decode() for line in file if line.endswith(doubled))
        return all(width <= len(cells) <= width + 1 for cells in rows_of(lines, delimiter))
    except (UnicodeDecodeError, csv.Error):
        return False


def all_plain(paths: Sequence[Path], layout: Layout) -> bool:
    """Tell whether engines find as many cells in all rows of some files as our reader."""
    for path in paths:
        with path.open("rb") as packed, opened_whole(packed) as file:
            if not is_plain(file, layout.delimiter, len(layout.columns)):
                return False
    return True


def has_hollow_rows(paths: Sequence[Path], delimiter: str) -> bool:
    """Tell whether a file may have rows with no cell filled, which engines do not skip, or a NUL."""
    mark = delimiter.encode()
    begins = (b"\n" + mark, b"\n ", b'\n"', b"\n\t")
    hollow = re.compile(rb'\n[\s"' + re.escape(mark) + rb"]*\r?(\n|$)")
    for path in paths:
        with path.open("rb") as packed, opened_whole(packed) as file:
            for block in blocks(file):
                if b"\0" in block or (any(sign in block for sign in begins) and hollow.search(block)):
                    return True
    return False


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Read a file in blocks that overlap, so that no line end is missed."""
    file.seek(0)
    last = b"\n"
    while block := file.read(BLOCK):
        yield last + block
        last = block[-OVERLAP:]


def written_anew(path: Path, encoding: str | None, new: Path, names: Sequence[str]) -> Path:
    """Write what our reader finds in a file as plain CSV, under names that an engine can tell apart; return where.

    Raises
    ------
    UnreadableSource
        If the file can be no table, with the line.
    """
    try:
        with new.open("w", encoding="utf-8", newline="") as file, open_file(path, encoding) as table:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(table.checked_rows())
    except (Refusal, OSError, *BROKEN) as error:
        raise UnreadableSource(f"{path} cannot be read: {error}") from error
    return new
