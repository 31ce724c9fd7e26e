"""`glassform upgrade` creates or upgrades the database's tables, as `alembic upgrade head` does in a checkout."""

import subprocess
import sys

from glassform.accounts.migrating import ensure_tables, is_current, unreachable, upgrade
from glassform.files import print_any_text
from glassform.programs import command_line
from glassform.settings import settings_or_exit

BACKGROUND = "(Background on this error"  # how SQLAlchemy's last line begins, which says nothing


def main() -> None:
    """Create or upgrade the tables of the database that the settings name."""
    print_any_text()
    command_line("Create or upgrade the database's tables.").parse_args()
    lack = made(settings_or_exit().database_url)
    if lack:
        sys.exit(f"The tables could not be made: {lack}.")
    print("The database's tables are up to date.")


def made(url: str) -> str:
    """Create or upgrade the tables; return what is wrong, or an empty text."""
    if url.startswith("sqlite"):
        return ensure_tables(url)
    try:
        if not is_current(url):
            upgrade(url)  # any other database than SQLite waits for this
    except OSError as error:
        return unreachable(error)
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip() and not line.startswith(BACKGROUND)]
        return str(lines[-1]).rstrip(".")
    return ""
