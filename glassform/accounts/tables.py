"""The tables of accounts and predictions."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Double, ForeignKey, Index, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ROLES = ("user", "teacher")


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was stored."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def new_name() -> str:
    """Return a random id, for an address."""
    return secrets.token_hex(12)


class Base(DeclarativeBase):
    """The base of all tables; named constraints, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )


class User(Base):
    """An account.

    `folded` is the name as signing in compares it, `stamp` changes to revoke all tokens, `saved` is the number of
    saved predictions, so that a quota is one statement.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    name: Mapped[str] = mapped_column(String(60))
    folded: Mapped[str] = mapped_column(String(120), unique=True)
    password: Mapped[str] = mapped_column(String(255))  # hashed
    role: Mapped[str] = mapped_column(String(10), default=ROLES[0])
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    stamp: Mapped[str] = mapped_column(String(24), default=new_name)
    saved: Mapped[int] = mapped_column(default=0, server_default="0")


class Prediction(Base):
    """A saved prediction: the record, the answer, the true outcome.

    The answer is `probability` for binary targets, `answer` for others.
    """

    __tablename__ = "predictions"
    __table_args__ = (Index("ix_predictions_user_id_created", "user_id", "created"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
    probability: Mapped[float | None]
    model: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(100))
    outcome: Mapped[str | None] = mapped_column(String(100))
    note: Mapped[str | None] = mapped_column(String(1000))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Key(Base):
    """An API key: shown once, stored hashed."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(10))
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Family(Base):
    """A sign-in, and all tokens that came of it: they are good as long as this row is there.

    `refresh` is the id of the one refresh token that may still be used; empty if there is none, as in a browser.
    """

    __tablename__ = "families"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    refresh: Mapped[str] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Place(Base):
    """An address or network that an account was signed in from, as a digest."""

    __tablename__ = "places"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(String(32), primary_key=True)
    seen: Mapped[datetime] = mapped_column(UTCDateTime)


class Counter(Base):
    """How often a limited thing was done in a window of time, which ends at `expires`, in seconds since the epoch.

    SQLite keeps these in a file of their own, see `counters.py`.
    """

    __tablename__ = "counters"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    expires: Mapped[float] = mapped_column(Double, index=True)


class Repeat(Base):
    """A used Idempotency-Key, so that a repeated request works once."""

    __tablename__ = "repeats"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    made: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
