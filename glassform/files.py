"""Files that are written whole or not at all."""

import os
from contextlib import suppress
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
