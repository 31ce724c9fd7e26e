"""The lines of a text file, in the encoding that it has."""

import codecs
import encodings
import io
import pkgutil
import re
import zlib
from collections.abc import Iterator
from encodings import normalize_encoding
from encodings.aliases import aliases
from gzip import BadGzipFile
from typing import IO

from glassform.languages import gettext
from glassform.limits import LONGEST_LINE
from glassform.refusals import Unreadable

# Byte order marks, and what they stand for.
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
OF_NO_FILES = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}  # encodings
ESCAPED = re.compile("[\udc80-\udcff]")  # what stands for a wrong byte
BROKEN = (BadGzipFile, EOFError, zlib.error)  # what is raised of a file that is compressed by gzip, or seems so
KNOWN = {*aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__))}  # names of encodings
AT_A_TIME = 64 * 1024  # bytes


class NotText(Unreadable):
    """A file that is no text in its encoding; pages say why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.fields = {"reason": reason}


def encoding_of(file: IO[bytes], stated: str | None = None) -> str:
    """Return the encoding of a file: by its byte order mark, else the one that was stated, else UTF-8.

    Raises
    ------
    NotText
        If the stated one is not known.
    """
    file.seek(0)
    start = file.read(3)
    marked = next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), "")
    if marked or not stated:
        return marked or "utf-8"
    known = charset_named(stated)
    if known is None:
        raise NotText(gettext("%(name)s is not an encoding that is known here", name=stated[:40]))
    return known


def charset_named(name: str) -> str | None:
    """Return Python's name of an encoding of text; None, if there is none of that name."""
    # Python keeps every spelling that it was asked for, also in vain; so it is asked for its own names alone
    plain = normalize_encoding(name).lower()
    plain = plain if plain in KNOWN else plain.replace(".", "_")
    if plain not in KNOWN:
        return None
    try:
        known = codecs.lookup(aliases.get(plain, plain)).name
        io.TextIOWrapper(io.BytesIO(), known)  # there are codecs of other things than text
    except (LookupError, ValueError):
        return None
    return None if known in OF_NO_FILES else known


def lines_of(file: IO[bytes], encoding: str) -> Iterator[str]:
    """Read a file line by line from its start; LF, CRLF and CR end a line.

    Raises
    ------
    NotText
        At the first byte that is no text, at a NUL, or at a line that is too long.
    """
    file.seek(0)
    # a wrong byte is put off until its line is read; UTF-16 cannot do that
    errors = "strict" if encoding.startswith("utf-16") else "surrogateescape"
    text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise NotText(gettext("a line has over %(most)s characters", most=LONGEST_LINE))
            if "\0" in line:
                raise NotText(gettext("it holds a NUL character"))
            if not line.isascii() and ESCAPED.search(line):
                raise UnicodeError
            yield line
    except BROKEN as error:
        raise NotText(gettext("it is no whole gzip file")) from error
    except UnicodeError as error:
        raise NotText(complaint(encoding, file)) from error
    finally:
        if not file.closed:
            text.detach()  # or the file would be closed with it


def wrong_byte(file: IO[bytes], encoding: str) -> int:
    """Return the place, from 1 on, of the first byte that is no text."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    while block := file.read(AT_A_TIME):
        done += len(block)
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return done - len(error.object) + error.start + 1
        except UnicodeError:
            return done - len(block) + 1
    return done


def complaint(encoding: str, file: IO[bytes]) -> str:
    """Say that a file is no text in its encoding, and what to do."""
    try:
        byte = wrong_byte(file, encoding)
    except BROKEN:
        return gettext("it is no whole gzip file")
    name = encoding.upper().removesuffix("-SIG").replace("_", "-")
    return gettext(
        "byte %(byte)s is not %(encoding)s text; save the file as UTF-8, or say its encoding",
        byte=f"{byte:,}",
        encoding=name,
    )
