"""Tokens for programs, and cookies for browsers; all that came of one sign-in are a family, and end together."""

import hmac
from datetime import timedelta
from typing import Any

import flask_jwt_extended as tokens
from flask import Response, after_this_request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from glassform.accounts.database import db, writing
from glassform.accounts.holding import held, unauthorized
from glassform.accounts.places import remember_place
from glassform.accounts.tables import Family, Place, User, new_name, now
from glassform.accounts.visits import ACCESS, NEEDED, REFRESH, VISIT
from glassform.languages import gettext
from glassform.limits import MOST_SIGNED_IN


def owner(header: dict[str, Any], claims: dict[str, Any]) -> User | None:
    """Return the token's owner, or None if the account was deleted or disabled or its password changed."""
    user = db.session.get(User, str(claims.get("sub")))
    return user if user and user.active and hmac.compare_digest(user.stamp, str(claims.get("stamp"))) else None


def is_revoked(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Tell whether a token's family was ended, or it never had one."""
    if not all(claims.get(name) for name in NEEDED):
        return True
    family = db.session.get(Family, str(claims["family"]))
    return family is None or family.user_id != claims.get("sub")


def claims_of(user: User, family: str) -> dict[str, Any]:
    """Return the claims of an owner's token."""
    return {"name": user.name, "role": user.role, "stamp": user.stamp, "family": family}


def begin_family(user: User, lasting: timedelta, refresh: str = "") -> str:
    """Begin a family of tokens and return its id; delete expired ones and, past the limit, the account's oldest.

    Raises
    ------
    Unauthorized
        If the account was deleted, disabled or got another password meanwhile.
    """
    oldest = select(Family.id).where(Family.user_id == user.id).order_by(Family.created.desc(), Family.id)
    family = Family(id=new_name(), user_id=user.id, refresh=refresh, expires=now() + lasting)
    with writing() as session:
        held(session, user)
        session.execute(delete(Family).where(Family.user_id == user.id, Family.expires < now()))
        session.execute(delete(Family).where(Family.id.in_(oldest.offset(MOST_SIGNED_IN - 1))))
        session.add(family)
        remember_place(session, user)
    return family.id


def token_pair(user: User) -> dict[str, Any]:
    """Return a new access token and a new refresh token, of a new family."""
    refresh = new_name()
    return pair(user, begin_family(user, REFRESH, refresh), refresh)


def renewed_pair(user: User, claims: dict[str, Any]) -> dict[str, Any]:
    """Return a new pair for a refresh token, which works once; a second time ends its whole family.

    Raises
    ------
    Unauthorized
        If the token was used before: one of the two who used it is not its owner.
    """
    refresh = new_name()
    mine = Family.id == claims["family"], Family.user_id == user.id
    once = update(Family).where(*mine, Family.refresh == claims["jti"]).returning(Family.id)
    with writing() as session:
        renewed = session.scalar(once.values(refresh=refresh, expires=now() + REFRESH))
        if not renewed:
            session.execute(delete(Family).where(*mine))
    if not renewed:
        raise unauthorized(
            gettext("This refresh token was used before; all tokens of its sign-in are revoked. Sign in again.")
        )
    return pair(user, claims["family"], refresh)


def pair(user: User, family: str, refresh: str) -> dict[str, Any]:
    """Return an access token and a refresh token of a family."""
    claims = claims_of(user, family)
    return {
        "access_token": tokens.create_access_token(user.id, additional_claims=claims),
        "refresh_token": tokens.create_refresh_token(user.id, additional_claims=claims | {"jti": refresh}),
        "token_type": "Bearer",
        "expires_in": int(ACCESS.total_seconds()),
    }


def revoke(claims: dict[str, Any]) -> None:
    """End a token and all others of its family."""
    with writing() as session:
        session.execute(delete(Family).where(Family.id == claims["family"]))


def end_families(session: Session, user_id: str) -> None:
    """End all tokens of an account, and forget where it was signed in."""
    session.execute(delete(Family).where(Family.user_id == user_id))
    session.execute(delete(Place).where(Place.user_id == user_id))


def begin_visit(user: User) -> None:
    """Sign a browser in by a cookie that scripts cannot read."""
    claims = claims_of(user, begin_family(user, VISIT))
    token = tokens.create_access_token(user.id, additional_claims=claims, expires_delta=VISIT)

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
