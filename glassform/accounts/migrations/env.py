"""How Alembic finds the database and the tables."""

from alembic import context
from sqlalchemy import create_engine

from glassform.accounts.database import engine_options, prepare
from glassform.accounts.tables import Base
from glassform.settings import read_settings

url = read_settings().database_url
engine = create_engine(url, **engine_options(url))
prepare(engine)
with engine.execution_options(writes=True).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
