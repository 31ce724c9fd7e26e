"""Predictions that somebody saved."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict, NotFound

from glassform.accounts.database import db, stop_reading, writing
from glassform.accounts.holding import held
from glassform.accounts.tables import Prediction, Repeat, User, now
from glassform.languages import gettext
from glassform.limits import DAYS_REPEATABLE, MOST_REPEATABLE, MOST_SAVED
from glassform.records.field import Record
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import BINARY, Schema

REPEAT_HEADER = "Idempotency-Key"  # https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header
MOST_REMEMBERED = 20_000  # of the saved predictions, the newest are read
EXPORTED_AT_A_TIME = 500  # predictions
UNSEEN = {"synchronize_session": False}  # what is changed in the database alone


class Model(Protocol):
    """A model that answers a record."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def schema(self) -> Schema:
        """The record of its table."""

    def members(self, record: Record) -> dict[str, Any]:
        """Return what an answer about a record says first."""


def count_of(user: User, *conditions: ColumnElement[bool]) -> int:
    """Return the number of a user's saved predictions that meet the conditions."""
    mine = select(func.count()).select_from(Prediction).where(Prediction.user_id == user.id, *conditions)
    return db.session.scalar(mine) or 0


def own(session: Session, user: User, table: str, id: str) -> Prediction:
    """Return a user's prediction from a table.

    Raises
    ------
    NotFound
        If there is none, or it is another user's: the answer does not say which.
    """
    found = session.scalar(select(Prediction).where(*is_own(user, table, id)))
    if found is None:
        raise NotFound
    return found


def is_own(user: User, table: str, id: str) -> list[ColumnElement[bool]]:
    """Return the conditions of a user's prediction from a table."""
    return [Prediction.id == id, Prediction.user_id == user.id, Prediction.model == table]


def every_prediction(user: User) -> Iterator[Sequence[Prediction]]:
    """Return a user's predictions, the oldest first, some hundred at a time; no connection is held between them."""
    place = Prediction.created, Prediction.id
    wanted = select(Prediction).where(Prediction.user_id == user.id).order_by(*place).limit(EXPORTED_AT_A_TIME)
    further = wanted
    while found := db.session.scalars(further).all():
        stop_reading()
        yield found
        further = wanted.where(tuple_(*place) > (found[-1].created, found[-1].id))
    stop_reading()


def answered(card: Model, record: Record) -> dict[str, Any]:
    """Return the part of an answer to store: the probability, or else all of it."""
    members = card.members(record)
    return members if card.schema.task == BINARY else {"answer": members}


def remember(user: User, card: Model, records: list[Record], key: str, digest: str) -> list[Prediction]:
    """Save predictions, or return those that the same request saved before.

    Raises
    ------
    InvalidQuery
        If the key came before with another request.
    Conflict
        If the predictions of that request were deleted since, or the account has no room for more.
    """
    with writing() as session:
        held(session, user)
        repeat = session.get(Repeat, (user.id, key)) if key else None
        if repeat is not None:
            return repeated(session, repeat, digest)
        take_room(session, user, len(records), key)
        made = [
            Prediction(
                user_id=user.id,
                record=record,
                **answered(card, record),
                model=card.schema.name,
                version=card.version,
            )
            for record in records
        ]
        session.add_all(made)
        session.flush()
        if key:
            session.add(Repeat(user_id=user.id, key=key, digest=digest, made=[each.id for each in made]))
    return made


def repeated(session: Session, repeat: Repeat, digest: str) -> list[Prediction]:
    """Return what a request saved that was sent before."""
    if repeat.digest != digest:
        raise InvalidQuery([FieldError(REPEAT_HEADER, shown(repeat.key), say("used_key"))], {})
    stored = session.scalars(select(Prediction).where(Prediction.id.in_(repeat.made)))
    kept = {each.id: each for each in stored}
    if len(kept) < len(repeat.made):
        raise Conflict(gettext("What this request saved has been deleted since."))
    return [kept[id] for id in repeat.made]


def take_room(session: Session, user: User, count: int, key: str) -> None:
    """Take room for predictions, or refuse them if a held account has none; forget requests of long ago."""
    room = update(User).where(User.id == user.id, User.saved + count <= MOST_SAVED).returning(User.id)
    if session.scalar(room.values(saved=User.saved + count), execution_options=UNSEEN) is None:
        most = f"{MOST_SAVED:,}"
        raise Conflict(
            gettext("An account has room for %(most)s saved predictions. Delete some to save more.", most=most)
        )
    if key:
        mine = Repeat.user_id == user.id
        session.execute(delete(Repeat).where(mine, Repeat.created < now() - timedelta(days=DAYS_REPEATABLE)))
        if (session.scalar(select(func.count()).select_from(Repeat).where(mine)) or 0) >= MOST_REPEATABLE:
            raise Conflict(gettext("There were too many requests with an %(header)s.", header=REPEAT_HEADER))


def forget(user: User, table: str, id: str) -> None:
    """Delete a user's prediction from a table, and free its room.

    Raises
    ------
    NotFound
        If there is none, or it is another user's.
    """
    with writing() as session:
        held(session, user)
        mine = delete(Prediction).where(*is_own(user, table, id)).returning(Prediction.id)
        if session.scalar(mine) is None:
            raise NotFound
        freed = update(User).where(User.id == user.id).values(saved=User.saved - 1)
        session.execute(freed, execution_options=UNSEEN)


def between(wanted: dict[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a time."""
    conditions = []
    if "since" in wanted:
        conditions.append(Prediction.created >= wanted["since"])
    if "until" in wanted:
        conditions.append(Prediction.created < wanted["until"])
    return conditions


def remembered(table: str, *schemas: Schema) -> tuple[list[Record], int]:
    """Return the newest saved records that fit all schemas, and the number of those that do not."""
    of_table = select(Prediction.record).where(Prediction.model == table)
    wanted = of_table.order_by(Prediction.created.desc()).limit(MOST_REMEMBERED)
    records = list(db.session.scalars(wanted))
    known = [record for record in records if all(schema.holds(record) for schema in schemas)]
    return known, len(records) - len(known)
