"""Scratch files: what a request does not hold in memory, on a disk that is never filled."""

import shutil
import tempfile
import threading
from tempfile import SpooledTemporaryFile
from typing import IO, cast

IN_MEMORY = 64 * 1024  # bytes; longer ones go to disk
LEFT_FREE = 64 * 1024 * 1024  # bytes of the disk that scratch files leave to others
BETWEEN_LOOKS = 1024 * 1024  # bytes written between looks at the disk


class DiskFull(OSError):
    """There is no room for more scratch files."""


class Scratch:
    """A file that one thread writes while another reads it; gone when it is closed."""

    def __init__(self) -> None:
        self.file = cast(IO[bytes], SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        self.length, self.unseen = 0, BETWEEN_LOOKS
        self.lock = threading.Lock()

    def write(self, part: bytes) -> None:
        """Add bytes to the end.

        Raises
        ------
        DiskFull
            If they do not fit.
        """
        self.unseen += len(part)
        if self.length + len(part) > IN_MEMORY and self.unseen >= BETWEEN_LOOKS:
            self.unseen = 0
            if shutil.disk_usage(tempfile.gettempdir()).free < LEFT_FREE + BETWEEN_LOOKS:
                raise DiskFull
        try:
            with self.lock:
                self.file.seek(self.length)
                self.file.write(part)
                self.length += len(part)
        except OSError as error:
            raise DiskFull from error

    def read(self, begin: int, most: int) -> bytes:
        """Return up to `most` bytes from a place on."""
        with self.lock:
            self.file.seek(begin)
            return self.file.read(most)

    def close(self) -> None:
        """Remove the file."""
        with self.lock:
            self.file.close()
