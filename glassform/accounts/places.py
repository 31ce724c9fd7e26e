"""Where an account was signed in before: there, wrong guesses of strangers elsewhere do not slow its owner down."""

import hashlib
import hmac
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from glassform.accounts.database import db
from glassform.accounts.rates import asking_address
from glassform.accounts.tables import Place, User, now

AGE = timedelta(days=30)
MOST_PLACES = 100  # of an account


def remember_place(session: Session, user: User) -> None:
    """Note that a held account was signed in from where this request comes from; delete old notes."""
    mine = Place.user_id == user.id
    oldest = select(Place.place).where(mine).order_by(Place.seen.desc(), Place.place).offset(MOST_PLACES - 1)
    session.execute(delete(Place).where(mine, Place.seen < now() - AGE))
    session.execute(delete(Place).where(mine, Place.place.in_(oldest)))
    session.merge(Place(user_id=user.id, place=place_of(user), seen=now()))


def known_place(user: User) -> str | None:
    """Return the place that this request comes from, if the account was signed in there of late; None if not."""
    place = place_of(user)
    mine = Place.user_id == user.id, Place.place == place, Place.seen >= now() - AGE
    return db.session.scalar(select(Place.place).where(*mine))


def place_of(user: User) -> str:
    """Return the client's address or network as it is kept: only this server can tell which it was."""
    secret = str(current_app.config["JWT_SECRET_KEY"]).encode()
    return hmac.new(secret, f"{user.id} {asking_address()}".encode(errors="replace"), hashlib.sha256).hexdigest()[:32]
