"""Gates: how many may do a dear thing at once, and how many may wait for it."""

import threading
from types import TracebackType

from werkzeug.exceptions import ServiceUnavailable

from glassform.languages import gettext


class Gate:
    """Lets a few threads of this process in at once; a few more wait their turn, the rest are turned away.

    Parameters
    ----------
    at_once
        How many may be inside.
    waiting
        How many may wait.
    seconds
        How long each of them waits at most.
    """

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self.seconds = seconds
        self.inside = threading.BoundedSemaphore(at_once)
        self.known = threading.BoundedSemaphore(at_once + waiting)  # inside or waiting

    def __enter__(self) -> None:
        """Go in, after a wait if need be.

        Raises
        ------
        ServiceUnavailable
            With the seconds after which to try again, if too many wait already or the wait was too long.
        """
        if not self.known.acquire(blocking=False):
            raise self.full()
        if not self.inside.acquire(timeout=self.seconds):
            self.known.release()
            raise self.full()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        self.inside.release()
        self.known.release()

    def full(self) -> ServiceUnavailable:
        """Return the error of one who is turned away."""
        said = gettext("Too many people are asking for this at once; try again in a moment.")
        return ServiceUnavailable(said, retry_after=max(1, round(self.seconds)))
