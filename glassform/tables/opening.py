"""What a file is, by how it begins, and the table in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import IO, cast

from glassform.languages import gettext, lazy_gettext
from glassform.limits import MOST_BYTES
from glassform.refusals import TooLarge, Unreadable
from glassform.tables.columnar import ARROW, PARQUET, STREAM, Columnar
from glassform.tables.delimited import Delimited
from glassform.tables.text import BROKEN

Table = Delimited | Columnar
GZIP = b"\x1f\x8b"
AT_A_TIME = 64 * 1024  # bytes
FOREIGN = {  # how other files begin, and what they are
    b"PK\x03\x04": lazy_gettext("a ZIP archive or an Excel workbook"),
    b"\xd0\xcf\x11\xe0": lazy_gettext("an old Excel workbook"),
    b"BZh": lazy_gettext("compressed by bzip2"),
    b"\xfd7zXZ": lazy_gettext("compressed by xz"),
    b"\x28\xb5\x2f\xfd": lazy_gettext("compressed by Zstandard"),
    b"%PDF": lazy_gettext("a PDF document"),
}
A_PICTURE = lazy_gettext("a picture")
NO_TABLES = {  # how files begin in which no table can be
    b"\x89PNG": A_PICTURE,
    b"\xff\xd8\xff": A_PICTURE,
    b"GIF8": A_PICTURE,
    b"II*\0": A_PICTURE,
    b"MM\0*": A_PICTURE,
    b"RIFF": lazy_gettext("a picture, a sound or a film"),
    b"OggS": lazy_gettext("a sound or a film"),
    b"\x7fELF": lazy_gettext("a program"),
    b"SQLite f": lazy_gettext("a database"),
}
BINARY = (GZIP, PARQUET, ARROW, STREAM, *FOREIGN, *NO_TABLES)  # how files begin that are no text, and are told apart


class Foreign(Unreadable):
    """A file of another kind; pages say what it looks like."""

    def __init__(self, reason: str, looks_like: str = "") -> None:
        super().__init__(reason)
        self.fields = {"looks_like": looks_like} if looks_like else {"reason": reason}


def refuse_foreign(start: bytes) -> None:
    """Refuse a file that begins as one of another kind.

    Raises
    ------
    Foreign
        If it does.
    """
    for beginning, what in FOREIGN.items():
        if start.startswith(beginning):
            raise Foreign(gettext("it is %(what)s; send the table in it as CSV", what=str(what)))
    for beginning, what in NO_TABLES.items():
        if start.startswith(beginning):
            reason = gettext("it is no CSV text file (it looks like %(what)s); save it as CSV, UTF-8", what=str(what))
            raise Foreign(reason, str(what))


def open_table(file: IO[bytes], encoding: str | None = None) -> Table:
    """Return the table in a file: delimited text, Parquet or Arrow.

    `encoding` is what the client or the command line states.

    Raises
    ------
    Unreadable
        If it is no table.
    NotInstalled
        If nothing here reads such files.
    """
    file.seek(0)
    try:
        start = file.read(8)
    except BROKEN as error:
        raise Unreadable(gettext("it is no whole gzip file")) from error
    refuse_foreign(start)
    if start.startswith((PARQUET, ARROW, STREAM)):
        return Columnar(file)
    return Delimited(file, encoding)


@contextmanager
def open_file(path: Path, encoding: str | None = None) -> Iterator[Table]:
    """Give the table in a file on disk, however long, compressed by gzip or not; see `open_table`."""
    with path.open("rb") as file, opened_whole(file) as content:
        yield open_table(content, encoding)


def opened_whole(file: IO[bytes]) -> IO[bytes]:
    """Return a file as it is or, if it is compressed by gzip, as what it holds."""
    return cast(IO[bytes], GzipFile(fileobj=file, mode="rb")) if is_packed(file) else file


def is_packed(file: IO[bytes]) -> bool:
    """Tell whether a file is compressed by gzip."""
    file.seek(0)
    start = file.read(len(GZIP))
    file.seek(0)
    return start == GZIP


def unpack(file: IO[bytes], new: IO[bytes], most: int = MOST_BYTES) -> None:
    """Write what a gzip file holds to another.

    Raises
    ------
    Unreadable
        If it is broken.
    TooLarge
        If it holds more bytes than are read.
    """
    try:
        with GzipFile(fileobj=file, mode="rb") as content:
            while block := content.read(AT_A_TIME):
                if new.tell() + len(block) > most:
                    raise TooLarge(gettext("It has more than %(most)s bytes once it is unpacked.", most=f"{most:,}"))
                new.write(block)
    except BROKEN as error:
        raise Unreadable(gettext("it is no whole gzip file")) from error
