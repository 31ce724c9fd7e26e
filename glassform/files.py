"""Files that are written whole or not at all; tables that no spreadsheet runs; what is printed."""

import csv
import io
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# What programs may drop at the start of a cell, and the signs that make the rest a formula, also in wide and small.
BLANK = "\x00-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
SIGNS = r"=+\-@＝＋－＠﹦﹢﹣﹫"  # noqa: RUF001 - meant so
FORMULA = f"[\t\r\n]|[{BLANK}]*[{SIGNS}]"
SIGNED_NUMBER = r" *[-+]?[0-9.,]+([eE][-+]?[0-9]+)? *"
APOSTROPHE = "'"  # before a cell, it says that the cell is text
_formula, _signed_number = re.compile(FORMULA), re.compile(SIGNED_NUMBER)


def mark_of(path: Path) -> tuple[int, ...]:
    """Return a mark that changes with the file."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return ()


def reason_of(error: Exception) -> str:
    """Return what an error says, without the paths of this machine."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{error.name} is not installed" if isinstance(error, ImportError) else str(error)


def reason_and_file(error: Exception) -> str:
    """Return what an error says to the user of a command: with the file that it is about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def settle(path: Path) -> None:
    """Flush a file to disk before anything refers to it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def written_whole(path: Path, keep_existing: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes the file only if the block succeeds, and is removed otherwise.

    `keep_existing` leaves a file that another process wrote first.
    """
    # a name of its own, so that two processes never write into the same file
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        yield unfinished
        settle(unfinished)
        if keep_existing:
            with suppress(FileExistsError):
                path.hardlink_to(unfinished)
        else:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: before what looks like one it puts an apostrophe."""
    if _formula.match(text) and not _signed_number.fullmatch(text):
        return APOSTROPHE + text
    return text


def without_apostrophe(cell: str) -> str:
    """Return a cell as it was before `harmless`."""
    if not cell.startswith(APOSTROPHE):
        return cell
    return cell[1:] if harmless(cell[1:]) != cell[1:] else cell


def csv_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows, the header among them, as CSV (RFC 4180) in which every cell is harmless."""
    several = list(rows)
    written = _as_they_are(several)
    # most rows hold no such cell, and to see that at once is fast: a batch has a million of them
    beginnings = b"," + written.translate(_BEGINNINGS)
    if b",=" not in beginnings and not (
        (b",-" in beginnings and _NO_NUMBER.search(beginnings)) or (b'"' in written and _LINE_BREAK.search(written))
    ):
        return written
    return _as_they_are(
        [harmless(cell) if isinstance(cell, str) and cell[:1] not in _PLAIN else cell for cell in row]
        for row in several
    )


def _as_they_are(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(errors="replace")


_PLAIN = {"", *(chr(byte) for byte in range(33, 127))} - {*"=+-@"}  # what begins no formula
# What begins or ends a cell becomes a comma, the sign of a number "-", and what else may begin a formula "=".
_BEGINNINGS = bytes(
    ord("," if byte in b',"\r\n' else "-" if byte in b"+-" else chr(byte) if chr(byte) in _PLAIN else "=")
    for byte in range(256)
)
_NO_NUMBER = re.compile(rb",-(?![0-9.]+(e-?[0-9]+)?,)")
_LINE_BREAK = re.compile(rb'(^|[,\n])"[\r\n]')  # at the beginning of a cell


def print_any_text() -> None:
    """Let everything be printed: what the console has no letter for is printed as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_exactly(text: str) -> None:
    """Print a text that programs read: as UTF-8, if the console's own encoding cannot write it."""
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()
    else:
        print(text, end="", flush=True)
