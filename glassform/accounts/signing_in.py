"""Who is asking, and how often: passwords, tokens, keys, and forms that only their own page may send."""

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, cast

import flask_jwt_extended as tokens
from flask import Flask, Response, after_this_request, current_app, request
from flask_jwt_extended.exceptions import CSRFError, JWTExtendedException
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jwt import PyJWTError
from limits import RateLimitItem, parse
from sqlalchemy import delete, select
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized
from werkzeug.security import check_password_hash, generate_password_hash

from glassform.accounts.database import Key, Revoked, User, db, now, writing
from glassform.batches.batch import MOST_ARRAY_BYTES
from glassform.languages import gettext
from glassform.settings import Settings

ISSUER = "glassform"
ALGORITHM = "HS256"
ACCESS, REFRESH, VISIT = timedelta(minutes=15), timedelta(days=30), timedelta(hours=8)  # a visit is a browser's
KEY_HEADER, KEY_PREFIX = "X-API-Key", "gf_"
SCOPES = ("read", "write")  # of a key; write includes read
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_FIELD, FORM_COOKIE, FORM_AGE = "csrf_token", "form", 8 * 60 * 60


def configure(app: Flask, settings: Settings, secret: str) -> None:
    """Let an application know who is asking (RFC 8725: one algorithm, issuer and audience checked, short lives)."""
    app.config |= {
        "JWT_SECRET_KEY": secret,  # and no SECRET_KEY: Flask would open a session of its own for every request
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
        "RATELIMIT_STORAGE_URI": settings.rate_limit_storage,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": not settings.rate_limit_storage.startswith("memory"),
    }
    manager = tokens.JWTManager(app)
    manager.user_lookup_loader(owner)
    manager.token_in_blocklist_loader(is_revoked)
    limiter = Limiter(get_remote_address)
    # said to be there already, it installs no hooks, which would cost every request a quarter of its time
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    app.extensions["rates"] = limiter
    app.extensions["settings"] = settings


def settings() -> Settings:
    """Return the settings of the application."""
    return cast(Settings, current_app.extensions["settings"])


# Passwords: scrypt, which needs 32 MB for each guess.


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return generate_password_hash(password, "scrypt")


@cache
def nobodys_password() -> str:
    """Return the hash of a password that nobody has."""
    return hash_password(secrets.token_hex())


def user_with(name: str, password: str) -> User | None:
    """Return the account with a name and a password, if there is one and it is active.

    Raises
    ------
    TooManyRequests
        If this address, or this account, was tried with wrong passwords too often.
    """
    whose = [("login", get_remote_address()), ("login", name.casefold())]
    limit = parse(settings().login_limit)
    for key in whose:
        refuse_if_spent(limit, key)
    user = db.session.scalar(select(User).where(User.folded == name.casefold()))
    # a name nobody has takes as long as one that somebody has
    right = check_password_hash(user.password if user else nobodys_password(), password)
    if user and right and user.active:
        return user
    for key in whose:
        rates().limiter.hit(limit, *key)
    return None


# Tokens and keys.


def owner(header: dict[str, Any], claims: dict[str, Any]) -> User | None:
    """Return whose token it is; nobody's, if the account is gone, put to sleep, or has another password by now."""
    user = db.session.get(User, str(claims.get("sub")))
    return user if user and user.active and hmac.compare_digest(user.stamp, str(claims.get("stamp"))) else None


def is_revoked(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Tell whether a token was taken back."""
    return not claims.get("jti") or db.session.get(Revoked, claims["jti"]) is not None


def claims_of(user: User) -> dict[str, Any]:
    """Return what a token says of its owner."""
    return {"name": user.name, "role": user.role, "stamp": user.stamp}


def token_pair(user: User) -> dict[str, Any]:
    """Return a new access token and a new refresh token."""
    claims = claims_of(user)
    return {
        "access_token": tokens.create_access_token(user.id, additional_claims=claims),
        "refresh_token": tokens.create_refresh_token(user.id, additional_claims=claims),
        "token_type": "Bearer",
        "expires_in": int(ACCESS.total_seconds()),
    }


def revoke(claims: dict[str, Any]) -> None:
    """Take a token back, and forget those that have run out anyway."""
    expires = now().fromtimestamp(claims["exp"], tz=now().tzinfo)
    with writing() as session:
        session.execute(delete(Revoked).where(Revoked.expires < now()))
        session.merge(Revoked(token=claims["jti"], expires=expires))


def begin_visit(user: User) -> None:
    """Sign a browser in, by a cookie no script can read."""
    token = tokens.create_access_token(user.id, additional_claims=claims_of(user), expires_delta=VISIT)

    @after_this_request
    def keep(response: Response) -> Response:
        tokens.set_access_cookies(response, token, max_age=int(VISIT.total_seconds()))
        return response


def end_visit() -> None:
    """Sign a browser out."""

    @after_this_request
    def forget(response: Response) -> Response:
        tokens.unset_access_cookies(response)
        return response


def visitor() -> dict[str, Any]:
    """Return what the browser's cookie says of its owner, or nothing; the database is not asked."""
    token = request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"])
    if not token:
        return {}
    try:
        return cast(dict[str, Any], tokens.decode_token(token))
    except (PyJWTError, JWTExtendedException):
        return {}


def new_key() -> tuple[str, str]:
    """Return a new key, and what is kept of it."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, digest(key)


def digest(key: str) -> str:
    """Return what is kept of a key, which has too much chance in it to be guessed."""
    return hashlib.sha256(key.encode()).hexdigest()


def signed_in(scope: str = SCOPES[1], refresh: bool = False) -> User:
    """Return who is asking: by bearer token, by cookie, or by key.

    Raises
    ------
    Unauthorized
        If nobody says so, or nobody who is known.
    Forbidden
        If it is a key that may not do this, or a form that was not on our page.
    TooManyRequests
        If the account asks too often.
    """
    user = user_of_key(scope) if KEY_HEADER in request.headers else user_of_token(refresh)
    with rates().shared_limit(settings().rate_limit, scope="account", key_func=lambda: user.id):
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
    """Return whose token was sent, in a header or in a cookie."""
    try:
        tokens.verify_jwt_in_request(refresh=refresh, locations=["headers"] if refresh else None)
    except CSRFError as error:
        raise Forbidden(gettext("The form is too old, or was not on our page; load the page again.")) from error
    except (JWTExtendedException, PyJWTError) as error:
        raise unauthorized(gettext("Nobody is signed in, or not any more.")) from error
    return cast(User, tokens.get_current_user())


def unauthorized(message: str) -> Unauthorized:
    """Return the error for somebody who is not known, with the way to become so."""
    return Unauthorized(message, www_authenticate=WWWAuthenticate("bearer"))


def signed_in_teacher() -> User:
    """Return who is asking, if that is a teacher; a key is not enough.

    Raises
    ------
    Forbidden
        If it is somebody else.
    """
    user = signed_in()
    if user.role == "user" or KEY_HEADER in request.headers:
        raise Forbidden(gettext("This is for teachers."))
    return user


# Forms for people who are not signed in: the page gets a signed word in a cookie and in the form, and both come back.


def form_token() -> str:
    """Return the word for a form on the page that is being made."""
    kept = request.cookies.get(FORM_COOKIE, "")
    token = kept if is_word(kept) else serializer().dumps(secrets.token_hex(16))

    @after_this_request
    def keep(response: Response) -> Response:
        secure = settings().secure_cookies
        response.set_cookie(FORM_COOKIE, token, max_age=FORM_AGE, httponly=True, samesite="Strict", secure=secure)
        return response

    return token


def visit_token() -> str:
    """Return the word for a form on a page of somebody who is signed in."""
    return request.cookies.get(current_app.config["JWT_ACCESS_CSRF_COOKIE_NAME"], "")


def refuse_foreign_form() -> None:
    """Refuse a form that was not on our page.

    Raises
    ------
    Forbidden
        If it does not bring the word from the page back.
    """
    sent, kept = request.form.get(FORM_FIELD, ""), request.cookies.get(FORM_COOKIE, "")
    if not is_word(kept) or not hmac.compare_digest(sent.encode(errors="replace"), kept.encode(errors="replace")):
        raise Forbidden(gettext("The form is too old, or was not on our page; load the page again."))


def is_word(token: str) -> bool:
    """Tell whether a word was signed here, not too long ago."""
    try:
        serializer().loads(token, max_age=FORM_AGE)
    except BadSignature:
        return False
    return True


def serializer() -> URLSafeTimedSerializer:
    """Return what signs words for forms."""
    return URLSafeTimedSerializer(current_app.config["JWT_SECRET_KEY"], salt="form")


# How often.


def rates() -> Limiter:
    """Return what counts requests."""
    return cast(Limiter, current_app.extensions["rates"])


def counted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Count a method's requests by address, and refuse those that are too many."""

    @wraps(method)
    def counting(*arguments: Any, **named: Any) -> Any:
        # all of the body, before a form is made of it and before the database is asked: whoever sends it slowly must
        # not keep a connection of that
        request.max_content_length = MOST_ARRAY_BYTES + 1
        request.get_data()
        after_this_request(tell_the_rate)
        with rates().shared_limit(settings().rate_limit, scope="address"):
            return method(*arguments, **named)

    return counting


def tell_the_rate(response: Response) -> Response:
    """Say how many requests are left, and, if there are none, when there will be.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers, up to version 6
    """
    counted = rates().current_limit
    if counted is not None:
        seconds = max(0, math.ceil(counted.reset_at - time.time()))
        response.headers["RateLimit-Limit"] = str(counted.limit.amount)
        response.headers["RateLimit-Remaining"] = str(counted.remaining)
        response.headers["RateLimit-Reset"] = str(seconds)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.headers.setdefault("Retry-After", str(max(1, seconds)))
    return response


def refuse_if_spent(limit: RateLimitItem, key: tuple[str, str]) -> None:
    """Refuse what was tried too often.

    Raises
    ------
    TooManyRequests
        With the seconds until it may be tried again.
    """
    if not rates().limiter.test(limit, *key):
        again = rates().limiter.get_window_stats(limit, *key).reset_time - now().timestamp()
        raise TooManyRequests(
            gettext("There were too many wrong passwords; try again later."), retry_after=max(1, round(again))
        )
