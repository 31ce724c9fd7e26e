"""Bodies: awaited under a limit and a deadline, before the application sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO, RawIOBase
from typing import Any, NamedTuple

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestTimeout

from glassform.hosting.scratch import DiskFull, Scratch
from glassform.limits import MOST_READ_PAST
from glassform.refusals import InsufficientStorage

SECONDS_TO_BEGIN = 30.0  # for a small body, or the beginning of a long one
LEAST_RATE = 32 * 1024  # bytes a second, of what is longer
SECONDS_TO_READ_PAST, SECONDS_OF_SILENCE = 2.0, 0.5  # of a body that is too large
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Unread(RawIOBase):
    """A body that could not be read: who reads it learns why, once; an address that reads none still answers."""

    def __init__(self, reason: HTTPException) -> None:
        self.reasons = [reason]

    def readable(self) -> bool:
        """Say that one may try."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raise the reason."""
        if self.reasons:
            raise self.reasons.pop()
        return 0


def due(begin: float, length: int) -> float:
    """Return the moment by which more has to have come, or to have been taken."""
    return begin + SECONDS_TO_BEGIN + length / LEAST_RATE


class Body(NamedTuple):
    """A body as a file, what removes it, and whether it came to its end."""

    file: Any
    close: Callable[[], None]
    is_whole: bool = True


async def read_body(receive: Receive, most: int, announced: int | None) -> Body:
    """Return a request's body, or one that says why it was not read.

    Parameters
    ----------
    most
        How many bytes are read.
    announced
        Its length, if the client says it.
    """
    if announced == 0:
        return Body(BytesIO(), nothing)
    try:
        if announced is not None and announced > most:
            raise RequestEntityTooLarge
        scratch = await read_whole(receive, most)
        return Body(scratch.file, scratch.close)
    except RequestEntityTooLarge as refusal:
        await read_past(receive)
        return Body(Unread(refusal), nothing)
    except BadRequest as refusal:
        return Body(Unread(refusal), nothing, is_whole=False)
    except TimeoutError:
        return Body(Unread(RequestTimeout()), nothing)
    except DiskFull:
        return Body(Unread(InsufficientStorage()), nothing)


def nothing() -> None:
    """Do nothing: what is only in memory goes by itself."""


async def read_whole(receive: Receive, most: int) -> Scratch:
    """Return a body as a scratch file.

    Raises
    ------
    RequestEntityTooLarge
        If it is longer than `most` bytes.
    BadRequest
        If the client ends it too early.
    TimeoutError
        If it comes too slowly.
    DiskFull
        If there is no room for it.
    """
    scratch, begin = Scratch(), asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(due(begin, 0)) as deadline:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest  # before the end of a body of no announced length, which looks whole
                scratch.write(message.get("body", b""))
                if scratch.length > most:
                    raise RequestEntityTooLarge
                more = message.get("more_body", False)
                deadline.reschedule(due(begin, scratch.length))
    except BaseException:
        scratch.close()
        raise
    scratch.file.seek(0)
    return scratch


async def read_past(receive: Receive) -> None:
    """Read some of a body that is too large: a client still sending would see its connection reset, and no answer."""
    length, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS_TO_READ_PAST):
            while more and length < MOST_READ_PAST:
                message = await asyncio.wait_for(receive(), SECONDS_OF_SILENCE)
                length, more = length + len(message.get("body", b"")), message.get("more_body", False)
