"""Who is asking: passwords, tokens and keys."""

import hashlib
import secrets
from functools import cache
from typing import cast

import flask_jwt_extended as tokens
from flask import Flask, request
from flask_jwt_extended.exceptions import CSRFError, JWTExtendedException
from jwt import PyJWTError
from limits import parse
from sqlalchemy import select
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.security import check_password_hash, generate_password_hash

from glassform.accounts.database import db
from glassform.accounts.rates import Rates, asking_address, count, rates, refuse_if_spent, settings
from glassform.accounts.tables import Key, User
from glassform.accounts.tokens import ACCESS, REFRESH, is_revoked, owner, visit_token, visitor
from glassform.languages import gettext
from glassform.settings import Settings

ISSUER = "glassform"
ALGORITHM = "HS256"
KEY_HEADER, KEY_PREFIX = "X-API-Key", "gf_"
SCOPES = ("read", "write")  # of a key; write includes read


def configure(app: Flask, settings: Settings, secret: str) -> None:
    """Set up sign-in for an application (RFC 8725: one algorithm, issuer and audience checked, short lives)."""
    app.config |= {
        "JWT_SECRET_KEY": secret,  # no SECRET_KEY, or Flask would open a session for every request
        "JWT_ALGORITHM": ALGORITHM,
        "JWT_DECODE_ALGORITHMS": [ALGORITHM],
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": ISSUER,
        "JWT_DECODE_AUDIENCE": ISSUER,
        "JWT_ACCESS_TOKEN_EXPIRES": ACCESS,
        "JWT_REFRESH_TOKEN_EXPIRES": REFRESH,
        "JWT_TOKEN_LOCATION": ["headers", "cookies"],
        "JWT_COOKIE_SECURE": settings.secure_cookies,
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_CSRF_CHECK_FORM": True,
    }
    manager = tokens.JWTManager(app)
    manager.user_lookup_loader(owner)
    manager.token_in_blocklist_loader(is_revoked)
    app.extensions["rates"] = Rates(settings.rate_limit_storage)
    app.extensions["settings"] = settings
    app.jinja_env.globals.update(USED_BY_PAGES)


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return generate_password_hash(password, "scrypt")


@cache
def nobodys_password() -> str:
    """Return the hash of a random password."""
    return hash_password(secrets.token_hex())


def user_with(name: str, password: str) -> User | None:
    """Return the active account with a name and a password, or None.

    Raises
    ------
    TooManyRequests
        If this address or account had too many wrong passwords.
    """
    whose = [("login", asking_address()), ("login", name.casefold())]
    limit = parse(settings().login_limit)
    for key in whose:
        refuse_if_spent(limit, key)
    user = db.session.scalar(select(User).where(User.folded == name.casefold()))
    # an unknown name takes as long as a known one
    right = check_password_hash(user.password if user else nobodys_password(), password)
    if user and right and user.active:
        return user
    for key in whose:
        rates().hit(limit, *key)
    return None


def new_key() -> tuple[str, str]:
    """Return a new key, and what is kept of it."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, digest(key)


def digest(key: str) -> str:
    """Return a key's digest; keys are random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def signed_in(scope: str = SCOPES[1], refresh: bool = False) -> User:
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
    user = user_of_key(scope) if KEY_HEADER in request.headers else user_of_token(refresh)
    count(user.id, "account")
    return user


def user_of_key(scope: str) -> User:
    """Return whose key was sent."""
    found = db.session.scalar(select(Key).where(Key.digest == digest(request.headers[KEY_HEADER])))
    user = db.session.get(User, found.user_id) if found else None
    if found is None or user is None or not user.active:
        raise unauthorized(gettext("The key is not known."))
    if SCOPES.index(found.scope) < SCOPES.index(scope):
        raise Forbidden(gettext("This key may only read."))
    return user


def user_of_token(refresh: bool) -> User:
    """Return the owner of the token in the header or cookie."""
    try:
        tokens.verify_jwt_in_request(refresh=refresh, locations=["headers"] if refresh else None)
    except CSRFError as error:
        raise Forbidden(gettext("The form is too old, or was not on our page; load the page again.")) from error
    except (JWTExtendedException, PyJWTError) as error:
        raise unauthorized(gettext("Nobody is signed in, or not any more.")) from error
    return cast(User, tokens.get_current_user())


def unauthorized(message: str) -> Unauthorized:
    """Return the error for an unknown user, with the way to sign in."""
    return Unauthorized(message, www_authenticate=WWWAuthenticate("bearer"))


def signed_in_teacher() -> User:
    """Return the user, if it is a teacher; a key is not enough.

    Raises
    ------
    Forbidden
        If it is another user.
    """
    user = signed_in()
    if user.role == "user" or KEY_HEADER in request.headers:
        raise Forbidden(gettext("This is for teachers."))
    return user


USED_BY_PAGES = {"visitor": visitor, "visit_word": visit_token, "settings": settings, "key_header": KEY_HEADER}
