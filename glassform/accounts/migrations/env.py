"""How Alembic finds the database and the tables."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.schema import SchemaItem

from glassform.accounts.database import engine_options, prepare
from glassform.accounts.tables import Base, Counter
from glassform.settings import read_settings


def is_here(thing: SchemaItem, name: str, kind: str, reflected: bool, compared_with: SchemaItem | None) -> bool:
    """Tell whether a table belongs to this database: SQLite's counters have a file of their own."""
    return not (kind == "table" and name == Counter.__tablename__ and engine.dialect.name == "sqlite")


url = read_settings().database_url
engine = create_engine(url, **engine_options(url))
prepare(engine)
with engine.execution_options(writes=True).connect() as connection:
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, include_object=is_here
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
