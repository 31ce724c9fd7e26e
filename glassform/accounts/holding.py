"""An account, held by the transaction that changes something of it."""

from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from glassform.accounts.tables import User
from glassform.languages import gettext


def held(session: Session, user: User) -> User:
    """Return an account as it is now, and let nobody else change anything of it until the transaction ends.

    What is counted before it is added, such as keys, is counted while the account is held: SQLite's writers wait for
    each other anyway, PostgreSQL's wait for this row.

    Raises
    ------
    Unauthorized
        If the account was deleted, disabled or got another password since it was read.
    """
    found = session.get(User, user.id, with_for_update=True)
    if found is None or not found.active or found.stamp != user.stamp:
        raise unauthorized(gettext("You are not signed in, or your sign-in has ended."))
    return found


def unauthorized(message: str) -> Unauthorized:
    """Return the error for an unknown user, with the way to sign in."""
    return Unauthorized(message, www_authenticate=WWWAuthenticate("bearer"))
