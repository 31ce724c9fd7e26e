"""Files that are written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def mark_of(path: Path) -> tuple[int, ...]:
    """Return a mark that changes with the file."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return ()


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
