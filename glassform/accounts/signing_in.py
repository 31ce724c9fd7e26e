"""Who is asking: passwords, tokens and keys."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, cast

import flask_jwt_extended as tokens
from flask import request
from flask_jwt_extended.exceptions import CSRFError, JWTExtendedException
from jwt import PyJWTError
from sqlalchemy import select
from werkzeug.exceptions import Forbidden, ServiceUnavailable

from glassform.accounts.database import db, stop_reading
from glassform.accounts.holding import unauthorized
from glassform.accounts.names import folded
from glassform.accounts.passwords import is_right
from glassform.accounts.places import known_place
from glassform.accounts.privacy import KEY_HEADER
from glassform.accounts.rates import (
    ACCOUNT,
    NAME,
    PLACE,
    Limited,
    by_address,
    count,
    give_back,
    slower_and_slower,
    take_guess,
)
from glassform.accounts.tables import Key, User
from glassform.languages import gettext, lazy_gettext
from glassform.programs import how_to

KEY_PREFIX = "gf_"
SCOPES = READ, WRITE, MANAGE = ("read", "write", "manage")  # of a key; each includes those before it
TEACHERS_ONLY = lazy_gettext(
    "Only teachers may see or do this. The person who runs the server can make you one, with the command: %(command)s"
)
TOO_LITTLE = {
    READ: lazy_gettext("This key may only read."),
    WRITE: lazy_gettext("This key may not manage the account and its keys."),
}


def user_with(name: str, password: str) -> User | None:
    """Return the active account with a name and a password, or None.

    Raises
    ------
    TooManyRequests
        If this address, or all who try this name, had too many wrong passwords.
    """
    small = folded(name)
    user = db.session.scalar(select(User).where(User.folded == small))
    by_name, place = slower_and_slower(NAME, small), known_place(user) if user else None
    limits, further = (slower_and_slower(PLACE, place), by_name) if place else (by_name, [])
    right = guess_is_right([*by_address(), *limits], user.password if user else None, password, further)
    return user if user and right and user.active else None


def owner_knows(user: User, password: str) -> bool:
    """Tell whether a password is that of the account that is signed in.

    Raises
    ------
    TooManyRequests
        If this account had too many wrong passwords, those of others who try to sign in left out.
    """
    return guess_is_right(slower_and_slower(ACCOUNT, user.id), user.password, password)


def guess_is_right(
    limits: Sequence[Limited], kept: str | None, password: str, further: Sequence[Limited] = ()
) -> bool:
    """Tell whether a password is right; the guess counts before it is looked at, and no more if it was right."""
    stop_reading()  # so that a connection does not wait with this thread
    taken = take_guess(limits, further)
    try:
        right = is_right(kept, password)
    except ServiceUnavailable:
        give_back(taken)  # nobody looked at it
        raise
    if right:
        give_back(taken)
    return right


def new_key() -> tuple[str, str]:
    """Return a new key, and what is kept of it."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, digest(key)


def digest(key: str) -> str:
    """Return a key's digest; keys are random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def signed_in(scope: str = WRITE) -> User:
    """Return the user of a request, by bearer token, cookie or key.

    Raises
    ------
    Unauthorized
        If there is none, or it is unknown.
    Forbidden
        If the key may not do this, or the form is not ours.
    TooManyRequests
        If the account makes too many requests.
    """
    user = user_of_key(scope) if KEY_HEADER in request.headers else user_of_token()
    count(ACCOUNT, user.id)
    return user


def signed_in_by_token(**kind: Any) -> User:
    """Return the owner of the token that a request is about, of the `kind` that flask_jwt_extended takes.

    Raises
    ------
    Unauthorized
        If there is none, or it is not believed.
    Forbidden
        If there is a key instead, or the form is not ours.
    TooManyRequests
        If the account makes too many requests.
    """
    if KEY_HEADER in request.headers:
        user_of_key(READ)
        raise Forbidden(gettext("Send the token here, not a key."))
    user = user_of_token(**kind)
    count(ACCOUNT, user.id)
    return user


def user_of_key(scope: str) -> User:
    """Return whose key was sent."""
    found = db.session.scalar(select(Key).where(Key.digest == digest(request.headers[KEY_HEADER])))
    user = db.session.get(User, found.user_id) if found else None
    if found is None or user is None or not user.active:
        raise unauthorized(gettext("The key is not known."))
    if SCOPES.index(found.scope) < SCOPES.index(scope):
        raise Forbidden(str(TOO_LITTLE[found.scope]))
    return user


def user_of_token(**kind: Any) -> User:
    """Return the owner of the token in the header or cookie."""
    try:
        tokens.verify_jwt_in_request(**kind)
    except CSRFError as error:
        raise Forbidden(gettext("The form is too old, or was not on our page; load the page again.")) from error
    except (JWTExtendedException, PyJWTError) as error:
        raise unauthorized(gettext("You are not signed in, or your sign-in has ended.")) from error
    return cast(User, tokens.get_current_user())


def signed_in_teacher() -> User:
    """Return the user, if it is a teacher; a key is not enough.

    Raises
    ------
    Forbidden
        If it is another user.
    """
    user = signed_in()
    if user.role == "user":
        raise Forbidden(str(TEACHERS_ONLY) % {"command": f"{how_to('accounts')} {user.name} teacher"})
    if KEY_HEADER in request.headers:
        raise Forbidden(gettext("A key is not enough for this: sign in."))
    return user
