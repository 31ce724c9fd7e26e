"""What a file is, by how it begins, and the table in it."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from flask_babel import lazy_gettext

from glassform.languages import gettext
from glassform.limits import MOST_BYTES
from glassform.refusals import TooLarge, Unreadable
from glassform.tables.columnar import ARROW, PARQUET, STREAM, Columnar
from glassform.tables.delimited import Delimited

Table = Delimited | Columnar
GZIP = b"\x1f\x8b"
AT_A_TIME, IN_MEMORY = 64 * 1024, 1024 * 1024  # bytes
FOREIGN = {  # how other files begin, and what they are
    b"PK\x03\x04": lazy_gettext("a ZIP archive or an Excel workbook"),
    b"\xd0\xcf\x11\xe0": lazy_gettext("an old Excel workbook"),
    b"BZh": lazy_gettext("compressed by bzip2"),
    b"\xfd7zXZ": lazy_gettext("compressed by xz"),
    b"\x28\xb5\x2f\xfd": lazy_gettext("compressed by Zstandard"),
    b"%PDF": lazy_gettext("a PDF document"),
}
BINARY = (GZIP, PARQUET, ARROW, STREAM, *FOREIGN)  # how files begin that are no text, and are told apart


def open_table(file: IO[bytes], encoding: str | None = None, most: int = MOST_BYTES) -> Table:
    """Return the table in a file: delimited text, Parquet or Arrow, compressed by gzip or not.

    Parameters
    ----------
    encoding
        The encoding that the client or the command line states.
    most
        How many bytes it may have once it is unpacked.

    Raises
    ------
    Unreadable
        If it is no table.
    TooLarge
        If it unpacks to more bytes.
    NotInstalled
        If nothing here reads such files.
    """
    file.seek(0)
    start = file.read(8)
    if start.startswith(GZIP):
        file = unpacked(file, most)
        start = file.read(8)
    for beginning, what in FOREIGN.items():
        if start.startswith(beginning):
            raise Unreadable(gettext("it is %(what)s; send the table in it as CSV", what=str(what)))
    if start.startswith((PARQUET, ARROW, STREAM)):
        return Columnar(file)
    return Delimited(file, encoding)


@contextmanager
def open_file(path: Path, encoding: str | None = None) -> Iterator[Table]:
    """Give the table in a file on disk, however long; see `open_table`."""
    with path.open("rb") as file, closing(open_table(file, encoding, sys.maxsize)) as table:
        yield table


def unpacked(file: IO[bytes], most: int) -> IO[bytes]:
    """Return what a gzip file holds, in memory if it is short and on disk if not.

    Raises
    ------
    Unreadable
        If it is broken.
    TooLarge
        If it holds more bytes than are read.
    """
    file.seek(0)
    whole = cast(IO[bytes], SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - lives as long as the table
    try:
        with gzip.open(file) as content:
            while block := content.read(AT_A_TIME):
                if whole.tell() + len(block) > most:
                    raise TooLarge(gettext("It has more than %(most)s bytes once it is unpacked.", most=f"{most:,}"))
                whole.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(gettext("it is no whole gzip file")) from error
    whole.seek(0)
    return whole
