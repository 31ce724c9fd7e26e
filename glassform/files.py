"""Files that are written whole or not at all, and what is printed."""

import io
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
