"""`glassform upgrade` creates or upgrades the database's tables, as `alembic upgrade head` does in a checkout."""

import subprocess
import sys

from glassform.accounts.database import ensure_tables, upgrade
from glassform.files import print_any_text
from glassform.programs import command_line
from glassform.settings import InvalidSettings, read_settings


def main() -> None:
    """Create or upgrade the tables of the database that the settings name."""
    print_any_text()
    command_line("Create or upgrade the database's tables.").parse_args()
    try:
        url = read_settings().database_url
        if ensure_tables(url):  # makes SQLite's; any other database waits for this command
            upgrade(url)
    except InvalidSettings as error:
        sys.exit(f"Invalid setting: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"The tables could not be made: {error.stderr.strip().splitlines()[-1]}")
    print("The database's tables are up to date.")
