"""Rate limits: counted in a storage for all workers, or in memory while it is unreachable."""

import logging
import math
import time
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from flask import Response, after_this_request, current_app, g, request
from limits import RateLimitItem, WindowStats, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from glassform.accounts.tables import now
from glassform.languages import gettext
from glassform.limits import MOST_ARRAY_BYTES
from glassform.settings import Settings

LONGEST_PAUSE = 32  # seconds between tries of an unreachable storage

log = logging.getLogger("glassform")


class Rates:
    """Counts of requests, in fixed windows of time.

    Parameters
    ----------
    storage
        Where they are kept: `memory://` in this process, or `redis://host:port` for all.
    """

    def __init__(self, storage: str) -> None:
        kept = storage_from_string(storage, wrap_exceptions=True)
        assert isinstance(kept, Storage)  # not one for asyncio, which has its own addresses
        self.shared, self.own = FixedWindowRateLimiter(kept), FixedWindowRateLimiter(MemoryStorage())
        self.pause, self.due = 0.5, 0.0

    def hit(self, limit: RateLimitItem, *key: str) -> bool:
        """Count one more; tell whether it is within the limit."""
        return cast(bool, self._ask(lambda counts: counts.hit(limit, *key)))

    def test(self, limit: RateLimitItem, *key: str) -> bool:
        """Tell whether one more would be within the limit."""
        return cast(bool, self._ask(lambda counts: counts.test(limit, *key)))

    def window(self, limit: RateLimitItem, *key: str) -> WindowStats:
        """Return the end of the window, in seconds since the epoch, and how many are left."""
        return cast(WindowStats, self._ask(lambda counts: counts.get_window_stats(limit, *key)))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], Any]) -> Any:
        if time.monotonic() < self.due:
            return question(self.own)
        try:
            answer = question(self.shared)
        except StorageError:
            log.warning("The storage of rates cannot be reached; this worker counts for itself.")
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
            self.due = time.monotonic() + self.pause
            return question(self.own)
        self.pause = 0.5
        return answer


def settings() -> Settings:
    """Return the settings of the application."""
    return cast(Settings, current_app.extensions["settings"])


def rates() -> Rates:
    """Return what counts requests."""
    return cast(Rates, current_app.extensions["rates"])


def asking_address() -> str:
    """Return the client's address; a request without one counts as local."""
    return request.remote_addr or "127.0.0.1"


def count(who: str, scope: str) -> None:
    """Count a request of a client, and note it, so that the answer can say how many are left.

    Raises
    ------
    TooManyRequests
        If there were too many.
    """
    limit = parse(settings().rate_limit)
    g.counted = limit, who, scope
    if not rates().hit(limit, who, scope):
        raise TooManyRequests(str(limit))


def counted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a method's requests by address."""

    @wraps(method)
    def counting(*arguments: Any, **named: Any) -> Any:
        # read the whole body before parsing it and before using the database: a slow client must not hold a
        # connection to it
        request.max_content_length = MOST_ARRAY_BYTES + 1
        request.get_data()
        after_this_request(tell_the_rate)
        count(asking_address(), "address")
        return method(*arguments, **named)

    return counting


def tell_the_rate(response: Response) -> Response:
    """Add the headers that say how many requests are left, and when there will be more.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers (up to version 6)
    """
    limit, *key = g.counted
    window = rates().window(limit, *key)
    seconds = max(0, math.ceil(int(window.reset_time + 1) - time.time()))
    response.headers["RateLimit-Limit"] = str(limit.amount)
    response.headers["RateLimit-Remaining"] = str(window.remaining)
    response.headers["RateLimit-Reset"] = str(seconds)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.setdefault("Retry-After", str(max(1, seconds)))
    return response


def refuse_if_spent(limit: RateLimitItem, key: tuple[str, str]) -> None:
    """Refuse further tries above a limit.

    Raises
    ------
    TooManyRequests
        With the seconds until it may be tried again.
    """
    if not rates().test(limit, *key):
        again = rates().window(limit, *key).reset_time - now().timestamp()
        raise TooManyRequests(
            gettext("There were too many wrong passwords; try again later."), retry_after=max(1, round(again))
        )
