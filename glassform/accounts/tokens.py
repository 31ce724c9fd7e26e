"""Tokens for programs, and cookies for browsers."""

import hmac
from datetime import timedelta
from typing import Any, cast

import flask_jwt_extended as tokens
from flask import Response, after_this_request, current_app, request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError
from sqlalchemy import delete

from glassform.accounts.database import db, writing
from glassform.accounts.tables import Revoked, User, now

ACCESS, REFRESH, VISIT = timedelta(minutes=15), timedelta(days=30), timedelta(hours=8)  # a visit is a browser's


def owner(header: dict[str, Any], claims: dict[str, Any]) -> User | None:
    """Return the token's owner, or None if the account was deleted or disabled or its password changed."""
    user = db.session.get(User, str(claims.get("sub")))
    return user if user and user.active and hmac.compare_digest(user.stamp, str(claims.get("stamp"))) else None


def is_revoked(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Tell whether a token was revoked."""
    return not claims.get("jti") or db.session.get(Revoked, claims["jti"]) is not None


def claims_of(user: User) -> dict[str, Any]:
    """Return the claims of an owner's token."""
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
    """Revoke a token, and delete expired entries."""
    expires = now().fromtimestamp(claims["exp"], tz=now().tzinfo)
    with writing() as session:
        session.execute(delete(Revoked).where(Revoked.expires < now()))
        session.merge(Revoked(token=claims["jti"], expires=expires))


def begin_visit(user: User) -> None:
    """Sign a browser in by a cookie that scripts cannot read."""
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
    """Return the claims of the browser's cookie, or an empty dict, without asking the database."""
    token = request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"])
    if not token:
        return {}
    try:
        return cast(dict[str, Any], tokens.decode_token(token))
    except (PyJWTError, JWTExtendedException):
        return {}


def visit_token() -> str:
    """Return the CSRF token for a signed-in user's form."""
    return request.cookies.get(current_app.config["JWT_ACCESS_CSRF_COOKIE_NAME"], "")
