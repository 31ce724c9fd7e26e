"""Files that are written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def mark_of(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file does."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return ()


def settle(path: Path) -> None:
    """See that a file is on the disk, before anything names it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
