"""Passwords: how they are kept and compared, and which are too easy to guess."""

import secrets
import threading
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from glassform.gates import Gate
from glassform.languages import gettext, lazy_gettext
from glassform.limits import LONGEST_PASSWORD, SHORTEST_PASSWORD
from glassform.records.messages import say

METHOD = "scrypt"  # 32 MB and some 60 ms of a processor for each hash, so
HASHING = Gate(at_once=1, waiting=32, seconds=10)
LEAST_SCORE = 2  # of zxcvbn's 0 to 4: more than a million guesses, years at the pace that the limits leave
LONGEST_SCORED = 72  # characters; the time grows with the square, and what is longer is strong or repeats itself
# zxcvbn's own sentences
REASONS = {
    "This is a top-10 common password.": lazy_gettext("it is one of the ten most common passwords"),
    "This is a top-100 common password.": lazy_gettext("it is one of the hundred most common passwords"),
    "This is a very common password.": lazy_gettext("it is a very common password"),
    "This is similar to a commonly used password.": lazy_gettext("it is like a common password"),
    "A word by itself is easy to guess.": lazy_gettext("it is a single word"),
    "Names and surnames by themselves are easy to guess.": lazy_gettext("it is a name"),
    "Common names and surnames are easy to guess.": lazy_gettext("it holds a common name"),
    "Straight rows of keys are easy to guess.": lazy_gettext("it is a row of keys"),
    "Short keyboard patterns are easy to guess.": lazy_gettext("it is a short pattern of keys"),
    'Repeats like "aaa" are easy to guess.': lazy_gettext("it repeats itself"),
    'Repeats like "abcabcabc" are only slightly harder to guess than "abc".': lazy_gettext("it repeats itself"),
    'Sequences like "abc" or "6543" are easy to guess.': lazy_gettext("it is a sequence such as abc or 6543"),
    "Recent years are easy to guess.": lazy_gettext("it is a year"),
    "Dates are often easy to guess.": lazy_gettext("it is a date"),
}

_scoring = threading.Lock()  # zxcvbn keeps the words of the one who asks in a table of the module


def hash_password(password: str) -> str:
    """Return what is kept of a password.

    Raises
    ------
    ServiceUnavailable
        If too many passwords are hashed already.
    """
    with HASHING:
        return generate_password_hash(password, METHOD)


def is_right(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that something is kept of; where nothing is, that takes as long.

    Raises
    ------
    ServiceUnavailable
        If too many passwords are hashed already.
    """
    with HASHING:
        return check_password_hash(kept or nobodys_password(), password) and kept is not None


@cache
def nobodys_password() -> str:
    """Return the hash of a random password."""
    return generate_password_hash(secrets.token_hex(), METHOD)


def weakness(password: str, name: str) -> str | None:
    """Return why a new password of an account cannot be; None if it can."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or password.casefold() == name.casefold():
        return say("password", shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    from zxcvbn import zxcvbn  # its lists of words take 20 MB: only a process that needs them holds them

    with HASHING, _scoring:
        judged = zxcvbn(password[:LONGEST_SCORED], [name])
    if judged["score"] >= LEAST_SCORE:
        return None
    reason = REASONS.get(judged["feedback"]["warning"])
    easy = gettext("this password is easy to guess; add another word or two")
    return f"{easy}: {reason}" if reason else easy
