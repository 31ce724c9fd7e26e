"""The database of accounts and predictions: connect, write, upgrade."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from glassform.accounts.tables import Base
from glassform.gates import Gate
from glassform.programs import how_to
from glassform.settings import CODE

ALEMBIC = CODE / "accounts" / "migrations" / "alembic.ini"
REVISION = "0003"  # of the tables; migrations/versions leads to it
# Timeouts are short, because a waiting request holds a thread.
SECONDS_TO_WAIT = 2  # for another writer
SECONDS_TO_CONNECT = 2
WRITERS = {"sqlite": 1, "postgresql": 8}  # of a worker at once; SQLite has no line for them, so they line up here
MOST_WAITING, SECONDS_TO_BEGIN = 128, 5  # further writers of a worker, and how long each waits for its turn
QUIET = {"hide_parameters": True}  # or error messages, and so the log, would hold the data to store
db = SQLAlchemy(metadata=Base.metadata)


def connect(app: Flask, url: str) -> None:
    """Connect an application to the database at a URL."""
    app.config |= {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url)}
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
        app.extensions["writers"] = Gate(WRITERS[db.engine.dialect.name], MOST_WAITING, SECONDS_TO_BEGIN)


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
    db.session.remove()


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
        current_app.extensions["writers"],
        Session(db.engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


def is_current(url: str) -> bool:
    """Tell whether the tables exist at this program's revision."""
    engine = create_engine(url, **engine_options(url))
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISION)
    finally:
        engine.dispose()


def ensure_tables(url: str) -> str:
    """Create or upgrade SQLite's tables; return what is wrong, or an empty text. Leave any other database alone."""
    kind = make_url(url)
    mine = kind.get_backend_name() == "sqlite"
    try:
        if mine:
            Path(str(kind.database)).parent.mkdir(parents=True, exist_ok=True)
        if is_current(url):
            return ""
        if not mine:
            return f"the database's tables are missing or old: {how_to('upgrade')}"
        upgrade(url)
    except (OSError, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        return f"the database cannot be reached: {reason.strip().splitlines()[0]}"
    except subprocess.CalledProcessError as error:
        return f"the database's tables could not be made: {error.stderr.strip().splitlines()[-1]}"
    return ""


def upgrade(url: str) -> None:
    """Create or upgrade the tables of any database.

    Raises
    ------
    CalledProcessError
        If it failed, with the reason in `stderr`.
    """
    alembic(url, "upgrade", "head")


def alembic(url: str, *arguments: str) -> str:
    """Run Alembic in a separate process, so that the server never loads it; return its output."""
    command = [sys.executable, "-P", "-m", "alembic", "--config", str(ALEMBIC), *arguments]
    environment = os.environ | {"DATABASE_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
