"""`python -m glassform.accounts` changes an account's role."""

import sys

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from glassform.accounts.database import engine_options, prepare
from glassform.accounts.migrating import ensure_tables
from glassform.accounts.names import folded
from glassform.accounts.tables import ROLES, User
from glassform.files import print_any_text
from glassform.programs import command_line
from glassform.settings import settings_or_exit


def main() -> None:
    """Change an account's role."""
    print_any_text()
    parser = command_line("Say what somebody with an account may do.")
    parser.add_argument("name", help="of the account")
    parser.add_argument("role", choices=ROLES, help="a teacher sees aggregate figures and manages accounts")
    options = parser.parse_args()
    url = settings_or_exit().database_url
    lack = ensure_tables(url)
    if lack:
        sys.exit(f"There are no accounts: {lack}.")
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        user = session.scalar(select(User).where(User.folded == folded(options.name)))
        if user is None:
            sys.exit(f"There is no account named {options.name}.")
        user.role = options.role
    print(f"{options.name} is a {options.role} now.")


if __name__ == "__main__":
    main()
