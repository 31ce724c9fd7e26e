"""What is remembered: people with an account, their predictions and keys; `python database.py` manages it."""

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from glassform.settings import HOME, read_settings

REVISION = "0002"  # of the tables below; migrations/versions holds the way to it
# Whoever waits for the database keeps a thread waiting, and not for long.
SECONDS_TO_WAIT = 2  # for another writer
SECONDS_TO_CONNECT = 2
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
    """Return a name nobody can guess, for an address."""
    return secrets.token_hex(12)


class Base(DeclarativeBase):
    """The tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )


class User(Base):
    """Someone with an account; `folded` is the name without regard to case; tokens bear the `stamp` of their time."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    name: Mapped[str] = mapped_column(String(60))
    folded: Mapped[str] = mapped_column(String(120), unique=True)
    password: Mapped[str] = mapped_column(String(255))  # hashed
    role: Mapped[str] = mapped_column(String(10), default=ROLES[0])
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    stamp: Mapped[str] = mapped_column(String(24), default=new_name)


class Prediction(Base):
    """A record that somebody asked about and wanted remembered, the answer, and what turned out true.

    The answer is a probability or, where another kind of thing is foretold, what `answer` holds.
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
    """A program's way in for one person: shown once, kept hashed."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(24), primary_key=True, default=new_name)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(10))
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Revoked(Base):
    """A token that was taken back before its time."""

    __tablename__ = "revoked"

    token: Mapped[str] = mapped_column(String(36), primary_key=True)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Repeat(Base):
    """An Idempotency-Key that was used, so that a request sent again does not do its work twice."""

    __tablename__ = "repeats"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    made: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


QUIET = {"hide_parameters": True}  # or an error's message, and so the log, would hold what was to be stored
db = SQLAlchemy(metadata=Base.metadata)


def connect(app: Flask, url: str) -> None:
    """Let an application remember, in the database at a URL."""
    app.config |= {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url)}
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)


# connections of a worker: as many threads as may use it at once; who comes later waits for one
POOL = {"pool_size": 8, "max_overflow": 8, "pool_timeout": SECONDS_TO_CONNECT}


def engine_options(url: str) -> dict[str, Any]:
    """Return how to connect: never for long, for a server that waits answers nobody."""
    if make_url(url).get_backend_name() == "sqlite":
        return {**QUIET, **POOL, "connect_args": {"timeout": SECONDS_TO_WAIT}}
    options = f"-c statement_timeout={SECONDS_TO_WAIT * 1000} -c lock_timeout={SECONDS_TO_WAIT * 1000}"
    return {
        **QUIET,
        **POOL,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": SECONDS_TO_CONNECT, "options": options},
    }


def prepare(engine: Engine) -> None:
    """See that SQLite keeps what it has acknowledged, and that writers wait for each other."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # or Python would begin transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that becomes a writer half way cannot wait, so a writer says so at once.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing() -> Iterator[Session]:
    """Open a transaction that writes; it is kept when the block ends, and dropped whole if anything fails."""
    with Session(db.engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
        yield session


def is_current(url: str) -> bool:
    """Tell whether the tables are there and as this program knows them."""
    engine = create_engine(url, **engine_options(url))
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISION)
    finally:
        engine.dispose()


def ensure_tables(url: str) -> str:
    """Make or renew SQLite's tables; return what is wrong, or nothing. Any other database is left as it is."""
    kind = make_url(url)
    mine = kind.get_backend_name() == "sqlite"
    try:
        if mine:
            Path(str(kind.database)).parent.mkdir(parents=True, exist_ok=True)
        if is_current(url):
            return ""
        if not mine:
            return "the database's tables are missing or old: alembic upgrade head"
        upgrade(url)
    except (OSError, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        return f"the database cannot be reached: {reason.strip().splitlines()[0]}"
    except subprocess.CalledProcessError as error:
        return f"the database's tables could not be made: {error.stderr.strip().splitlines()[-1]}"
    return ""


def upgrade(url: str) -> None:
    """Make or renew the tables, whatever the database.

    Raises
    ------
    CalledProcessError
        If that failed, with the reason in `stderr`.
    """
    alembic(url, "upgrade", "head")


def alembic(url: str, *arguments: str) -> str:
    """Run Alembic in another process, so that it never enters the one that serves; return what it says."""
    command = [sys.executable, "-m", "alembic", *arguments]
    environment = os.environ | {"DATABASE_URL": url}
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def main() -> None:
    """Give somebody with an account a role, or take it back."""
    parser = argparse.ArgumentParser(description="Say what somebody with an account may do.")
    parser.add_argument("name", help="of the account")
    parser.add_argument("role", choices=ROLES, help="a teacher sees aggregate figures and manages accounts")
    options = parser.parse_args()
    url = read_settings().database_url
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        user = session.scalar(select(User).where(User.folded == options.name.casefold()))
        if user is None:
            sys.exit(f"There is no account named {options.name}.")
        user.role = options.role
    print(f"{options.name} is a {options.role} now.")
