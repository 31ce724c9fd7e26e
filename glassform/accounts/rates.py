"""Rate limits: counted where all workers see them, or in this process while that is out of reach."""

import hashlib
import logging
import math
import re
import time
from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, cast

from flask import Response, after_this_request, g, request
from limits import RateLimitItem, RateLimitItemPerSecond, parse
from limits.errors import StorageError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import TooManyRequests

from glassform.accounts.counters import MEMORY, Counters, Taken, counters
from glassform.accounts.database import db, stop_reading
from glassform.accounts.privacy import keep_private
from glassform.accounts.visits import made_once, settings
from glassform.languages import gettext

LONGEST_PAUSE = 32  # seconds between tries of an unreachable storage
ADDRESS, NAME, PLACE, ACCOUNT = "address", "name", "place", "account"  # the kinds of counters
# How many times the allowed guesses, in how many times their window: so further guesses take longer and longer.
SLOWER = ((1, 1), (2, 4), (3, 15))
LONGEST_DELAY = 15 * 60  # seconds; nobody is locked out for ever
PLAIN = re.compile(r"[\w.:/-]{1,64}", re.ASCII)  # whose counter it is, as its key says it
NETWORK = 64  # bits of an IPv6 address that one customer has, who may use any of the rest
Limited = tuple[RateLimitItem, str, str]  # a limit, the kind of the counter, whose it is

log = logging.getLogger("glassform")


class Rates:
    """Counts of requests and guesses, in windows of time.

    Parameters
    ----------
    storage
        Where they are kept: `database`, `memory://` in this process, or `redis://host:port`.
    database
        The engine of the database, for counters that are kept there.
    """

    def __init__(self, storage: str, database: Engine | None = None) -> None:
        self.shared, self.own = counters(storage, database), counters(MEMORY)
        self.pause, self.due = 0.5, 0.0

    def take(self, scope: str, limit: RateLimitItem, kind: str, whose: str) -> Taken:
        """Take one of what a limit allows, before what it is for is done."""
        key = key_of(scope, limit, kind, whose)
        return cast(Taken, self._ask(lambda counts: counts.take(key, limit.amount, limit.get_expiry())))

    def wait(self, scope: str, limit: RateLimitItem, kind: str, whose: str) -> int:
        """Return the seconds until a limit has one left; 0 if it has."""
        key = key_of(scope, limit, kind, whose)
        ends = cast(float, self._ask(lambda counts: counts.full_until(key, limit.amount)))
        return max(0, math.ceil(ends - time.time()))

    def give_back(self, taken: Taken) -> None:
        """Give one back."""
        self._ask(lambda counts: counts.give_back(taken))

    def _ask(self, question: Callable[[Counters], Any]) -> Any:
        if time.monotonic() < self.due:
            return question(self.own)
        try:
            answer = question(self.shared)
        except (DBAPIError, StorageError):
            log.warning("The storage of rates cannot be reached; this worker counts for itself.")
            self.pause = min(2 * self.pause, LONGEST_PAUSE)
            self.due = time.monotonic() + self.pause
            return question(self.own)
        self.pause = 0.5
        return answer


def key_of(scope: str, limit: RateLimitItem, kind: str, whose: str) -> str:
    """Return the key of a counter: what is counted and of which kind, so that no two kinds ever meet."""
    if not PLAIN.fullmatch(whose):  # a client may send a name of any length
        whose = "#" + hashlib.sha256(whose.encode(errors="replace")).hexdigest()
    return f"{scope}/{kind}/{limit.amount}/{limit.get_expiry()}/{whose}"


def rates() -> Rates:
    """Return what counts requests."""
    counts: Rates = made_once("rates", lambda: Rates(settings().rate_limit_storage, db.engine))
    return counts


def asking_address() -> str:
    """Return the client's address, or the network that one client has; without any it counts as local."""
    given = request.remote_addr or "127.0.0.1"
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if not isinstance(address, IPv6Address):
        return given
    return str(address.ipv4_mapped or ip_network((address, NETWORK), strict=False))


def count(kind: str, whose: str) -> None:
    """Count a request of a client, and note it, so that the answer can say how many are left.

    Raises
    ------
    TooManyRequests
        If there were too many.
    """
    limit = parse(settings().rate_limit)
    stop_reading()  # the counter may need a connection, and who has one has to give it back first
    g.counted = limit, rates().take("request", limit, kind, whose)
    if not g.counted[1].granted:
        raise TooManyRequests(str(limit))


def counted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a method's requests by address, and keep its answers private."""

    @wraps(method)
    def counting(*arguments: Any, **named: Any) -> Any:
        keep_private()
        after_this_request(tell_the_rate)
        count(ADDRESS, asking_address())
        return method(*arguments, **named)

    return counting


def tell_the_rate(response: Response) -> Response:
    """Add the headers that say how many requests are left, and when there will be more.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers (up to version 6)
    """
    if "counted" in g:  # or the body could not be read
        limit, taken = g.counted
        response.headers["RateLimit-Limit"] = str(limit.amount)
        response.headers["RateLimit-Remaining"] = str(taken.left)
        response.headers["RateLimit-Reset"] = str(taken.seconds)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.headers.setdefault("Retry-After", str(taken.seconds))
    return response


def by_address() -> list[Limited]:
    """Return what limits the guesses of an address."""
    return [(parse(settings().login_limit), ADDRESS, asking_address())]


def slower_and_slower(kind: str, whose: str) -> list[Limited]:
    """Return what limits the guesses at somebody's password: each further lot of them takes longer."""
    limit = parse(settings().login_limit)
    seconds = {times: min(longer * limit.get_expiry(), LONGEST_DELAY) for times, longer in SLOWER}
    return [(RateLimitItemPerSecond(times * limit.amount, wait), kind, whose) for times, wait in seconds.items()]


def take_guess(limits: Sequence[Limited], further: Sequence[Limited] = ()) -> list[Taken]:
    """Take a guess at a password of all that limit it; who guessed right gives it back.

    It is counted by the `further` limits, too, but not refused by them.

    Raises
    ------
    TooManyRequests
        With the seconds until it may be tried again.
    """
    taken: list[Taken] = []
    for each in limits:
        # in turn, so that a guess that one limit refuses never takes, for a moment, the place of another
        taken.append(rates().take("guess", *each))
        if not taken[-1].granted:
            give_back(taken)
            wait = max(taken[-1].seconds, *(rates().wait("guess", *other) for other in limits))
            raise TooManyRequests(gettext("There were too many wrong passwords; try again later."), retry_after=wait)
    return taken + [rates().take("guess", *each) for each in further]


def give_back(taken: Sequence[Taken]) -> None:
    """Give guesses back, as far as there were any."""
    for each in taken:
        if each.granted:
            rates().give_back(each)
