"""The database of accounts and predictions: connect, read, write."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from flask import Flask, appcontext_tearing_down, g
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from glassform.accounts.visits import made_once, settings
from glassform.gates import Gate

# Timeouts are short, because a waiting request holds a thread.
SECONDS_TO_WAIT = 2  # for another writer
SECONDS_TO_CONNECT = 2
WRITERS = {"sqlite": 1, "postgresql": 8}  # of a worker at once; SQLite has no line for them, so they line up here
MOST_WAITING, SECONDS_TO_BEGIN = 128, 5  # further writers of a worker, and how long each waits for its turn
SESSION = "session"  # the name of what a request reads by, among what is kept for the request
QUIET = {"hide_parameters": True}  # or error messages, and so the log, would hold the data to store


class Database:
    """The database of the application that answers; it is opened when it is first asked."""

    @property
    def engine(self) -> Engine:
        """What connects."""
        engine: Engine = made_once("engine", open_engine)
        return engine

    @property
    def writers(self) -> Gate:
        """Where those who want to write line up."""
        most = WRITERS[self.engine.dialect.name]
        gate: Gate = made_once("writers", lambda: Gate(most, MOST_WAITING, SECONDS_TO_BEGIN))
        return gate

    @property
    def session(self) -> Session:
        """What this request reads by, until its end."""
        if SESSION not in g:
            g.setdefault(SESSION, Session(self.engine))
        return cast(Session, g.get(SESSION))


db = Database()


def open_engine() -> Engine:
    """Make the engine that the settings name."""
    url = settings().database_url
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    # a signal, which other than Flask's own hooks can be followed late: who has no account pays nothing for it
    appcontext_tearing_down.connect(end_reading)
    return engine


def end_reading(app: Flask, **named: Any) -> None:
    """Close what a request has read by, if anything, at its end."""
    session = g.pop(SESSION, None)
    if session is not None:
        session.close()


# connections of a worker; further threads wait for one
POOL = {"pool_size": 8, "max_overflow": 8, "pool_timeout": SECONDS_TO_CONNECT}


def engine_options(url: str) -> dict[str, Any]:
    """Return the engine's options: short timeouts, because a waiting request holds a thread."""
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
    """Make SQLite durable, let its writers wait for each other, and let nobody else read its file."""
    if engine.dialect.name != "sqlite":
        return
    keep_to_its_owner(engine)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # or Python would begin its own transactions
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader cannot wait to become a writer, so writers say so at the start.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def keep_to_its_owner(engine: Engine) -> None:
    """Make SQLite's file for its owner alone, before SQLite does for all; the files beside it get the same mode."""
    file = str(engine.url.database)
    if not is_file(engine.url.database):
        return

    @event.listens_for(engine, "do_connect")
    def make(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        with suppress(OSError):  # it is there already, or SQLite says better what is wrong
            os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
            # never one that is there: to close it again would end the locks that this process has on it
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        for each in (file, f"{file}-wal", f"{file}-shm"):
            with suppress(OSError):
                if stat.S_IMODE(os.stat(each).st_mode) & stat.S_IRWXO:
                    os.chmod(each, stat.S_IRUSR | stat.S_IWUSR)


def is_file(database: str | None) -> bool:
    """Tell whether an SQLite database is a file, and not in memory."""
    return database not in (None, "", ":memory:")


def stop_reading() -> None:
    """Give back the connection that this request has read by, if any; it gets another when it reads again."""
    if SESSION in g:
        g.get(SESSION).close()


@contextmanager
def writing() -> Iterator[Session]:
    """Open a writing transaction; commit at the end of the block, roll back on any error.

    Raises
    ------
    ServiceUnavailable
        If too many wait to write already.
    """
    stop_reading()  # who holds one connection and waits for another makes all wait
    with (
        db.writers,
        Session(db.engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


def revision(url: str) -> str | None:
    """Return the revision of a database's tables; None, if there are none.

    Raises
    ------
    ConnectionError
        If it cannot be reached.
    """
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return cast(str, connection.scalar(text("SELECT version_num FROM alembic_version")))
    except DBAPIError as error:
        raise ConnectionError(str(error.orig)) from error
    finally:
        engine.dispose()
