"""Scratch files: what a request does not hold in memory, on a disk that is never filled."""

import shutil
import tempfile
import threading
from tempfile import SpooledTemporaryFile

IN_MEMORY = 1024 * 1024  # bytes of one file that may be in memory
ALL_IN_MEMORY = 4 * 1024 * 1024  # bytes of all files together; what is more goes to disk
LEFT_FREE = 64 * 1024 * 1024  # bytes of the disk that scratch files leave to others
BETWEEN_LOOKS = 1024 * 1024  # bytes written between looks at the disk


class DiskFull(OSError):
    """There is no room for more scratch files."""


class Room:
    """How much memory the scratch files of this process take together, and whether the disk has room for more."""

    def __init__(self) -> None:
        self.taken, self.unseen, self.lock = 0, BETWEEN_LOOKS, threading.Lock()

    def take(self, length: int) -> bool:
        """Take some more, unless that were too much."""
        with self.lock:
            granted = self.taken + length <= ALL_IN_MEMORY
            self.taken += length if granted else 0
            return granted

    def give_back(self, length: int) -> None:
        """Give back what was taken."""
        with self.lock:
            self.taken -= length

    def look_at_the_disk(self, more: int) -> None:
        """Look whether there is room on the disk, whenever all files have grown by some.

        Raises
        ------
        DiskFull
            If there is none.
        """
        with self.lock:
            self.unseen += more
            if self.unseen < BETWEEN_LOOKS:
                return
            if shutil.disk_usage(tempfile.gettempdir()).free < LEFT_FREE + BETWEEN_LOOKS:
                raise DiskFull
            self.unseen = 0


ROOM = Room()


class Scratch:
    """A file that one thread writes while another reads it; gone when it is closed."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile()  # noqa: SIM115
        self.length, self.in_memory = 0, 0
        self.lock, self.is_on_disk = threading.Lock(), False

    def write(self, part: bytes) -> None:
        """Add bytes to the end.

        Raises
        ------
        DiskFull
            If they do not fit.
        """
        if not self.stays_in_memory(len(part)):
            ROOM.look_at_the_disk(len(part))
        try:
            with self.lock:
                if self.is_on_disk:
                    self.file.rollover()
                self.file.seek(self.length)
                self.file.write(part)
                self.length += len(part)
        except OSError as error:
            raise DiskFull from error

    def stays_in_memory(self, more: int) -> bool:
        """Tell whether some more may be in memory; if not, all of it goes to disk."""
        if self.is_on_disk:
            return False
        if self.length + more <= IN_MEMORY and ROOM.take(more):
            self.in_memory += more
            return True
        self.is_on_disk = True
        self.leave_memory()
        return False

    def leave_memory(self) -> None:
        """Say that no memory is taken any more."""
        ROOM.give_back(self.in_memory)
        self.in_memory = 0

    def read(self, begin: int, most: int) -> bytes:
        """Return up to `most` bytes from a place on."""
        with self.lock:
            self.file.seek(begin)
            return self.file.read(most)

    def close(self) -> None:
        """Remove the file."""
        with self.lock:
            self.file.close()
        self.leave_memory()
