"""The tables of the database: whether they are there, how they are made and upgraded."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from werkzeug.utils import import_string

from glassform.programs import how_to
from glassform.settings import CODE

ALEMBIC = CODE / "accounts" / "migrations" / "alembic.ini"
REVISION = "0003"  # of the tables; migrations/versions leads to it
SQLITE = "sqlite:///"


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; None for any other, and where SQLAlchemy has to read the name."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) and not {"?", "%"} & {*url} else None


def revision_in(file: Path) -> str | None:
    """Return the revision of the tables in an SQLite file; None, if there are none."""
    if not file.exists():
        return None
    with closing(sqlite3.connect(file)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found[0]) if found else None


def is_current(url: str) -> bool:
    """Tell whether the tables exist at this program's revision.

    Raises
    ------
    ConnectionError
        If the database cannot be reached.
    """
    file = sqlite_file(url)
    try:
        # SQLAlchemy would take half of the time of a start, to read one line of a file
        found = revision_in(file) if file else import_string("glassform.accounts.database.revision")(url)
    except sqlite3.Error as error:
        raise ConnectionError(str(error)) from error
    return bool(found == REVISION)


def ensure_tables(url: str) -> str:
    """Create or upgrade SQLite's tables; return what is wrong, or an empty text. Leave any other database alone."""
    file = sqlite_file(url)
    try:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        if is_current(url):
            return ""
        if not url.startswith("sqlite"):
            return f"the database's tables are missing or old: {how_to('upgrade')}"
        upgrade(url)
    except OSError as error:
        return unreachable(error)
    except subprocess.CalledProcessError as error:
        return f"the database's tables could not be made: {error.stderr.strip().splitlines()[-1]}"
    return ""


def unreachable(error: OSError) -> str:
    """Say that a database cannot be reached, and why."""
    return f"the database cannot be reached: {str(error).strip().splitlines()[0]}"


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
