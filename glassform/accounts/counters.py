"""Where is counted how often a limited thing was done: in the database, in memory or in Redis."""

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

from limits.storage import Storage, storage_from_string
from sqlalchemy import URL, Engine, QueuePool, create_engine, event, make_url, text
from sqlalchemy.schema import CreateIndex, CreateTable

from glassform.accounts.database import engine_options, is_file, keep_to_its_owner
from glassform.accounts.tables import Base, Counter

DATABASE, MEMORY = "database", "memory://"
SECONDS_BETWEEN_CLEANINGS = 60


@dataclass(frozen=True)
class Taken:
    """What came of asking for one of a limited number: whether there was one, how many are left, until when.

    Attributes
    ----------
    ends
        When the counting begins anew, in seconds since the epoch.
    """

    key: str
    granted: bool
    left: int
    ends: float

    @property
    def seconds(self) -> int:
        """How many seconds it is until the counting begins anew."""
        return max(1, math.ceil(self.ends - time.time()))


class Counters(Protocol):
    """Counts in windows of time; each begins with the first that is taken."""

    def take(self, key: str, most: int, seconds: int) -> Taken:
        """Take one, unless all are taken: both in one step, so that no two take the same."""

    def give_back(self, taken: Taken) -> None:
        """Give one back, in the same window."""

    def full_until(self, key: str, most: int) -> float:
        """Return when there is one to take again, in seconds since the epoch; 0 if there is one now."""


# A row, if there was one to take; so there is no moment between the look and the count.
TAKE = text(
    "INSERT INTO counters (key, count, expires) VALUES (:key, 1, :until) ON CONFLICT (key) DO UPDATE SET "
    "count = CASE WHEN counters.expires <= :now THEN 1 ELSE counters.count + 1 END, "
    "expires = CASE WHEN counters.expires <= :now THEN :until ELSE counters.expires END "
    "WHERE counters.expires <= :now OR counters.count < :most RETURNING count, expires"
)
GIVE_BACK = text("UPDATE counters SET count = count - 1 WHERE key = :key AND expires = :ends AND count > 0")
FULL = text("SELECT expires FROM counters WHERE key = :key AND count >= :most")
CLEAN = text("DELETE FROM counters WHERE expires <= :now")


class InDatabase:
    """Counts in a table, one statement each."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clean_at = time.monotonic() + SECONDS_BETWEEN_CLEANINGS

    def take(self, key: str, most: int, seconds: int) -> Taken:
        """Take one, unless all are taken."""
        now = time.time()
        with self.engine.connect() as connection:
            values = {"key": key, "now": now, "until": now + seconds, "most": most}
            row = connection.execute(TAKE, values).one_or_none()
            ends = row[1] if row else connection.scalar(FULL, {"key": key, "most": most})
            self.clean(connection)
        return Taken(key, row is not None, most - row[0] if row else 0, ends or now)

    def give_back(self, taken: Taken) -> None:
        """Give one back, in the same window."""
        with self.engine.connect() as connection:
            connection.execute(GIVE_BACK, {"key": taken.key, "ends": taken.ends})

    def full_until(self, key: str, most: int) -> float:
        """Return when there is one to take again; 0 if there is one now."""
        with self.engine.connect() as connection:
            return connection.scalar(FULL, {"key": key, "most": most}) or 0

    def clean(self, connection: Any) -> None:
        """Delete what has expired, once a minute."""
        if time.monotonic() >= self.clean_at:
            self.clean_at = time.monotonic() + SECONDS_BETWEEN_CLEANINGS
            connection.execute(CLEAN, {"now": time.time()})


class InRedis:
    """Counts in Redis, as the library `limits` keeps them."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def take(self, key: str, most: int, seconds: int) -> Taken:
        """Take one, unless all are taken."""
        count = self.storage.incr(key, seconds)
        if count > most:
            self.storage.incr(key, seconds, -1)
        return Taken(key, count <= most, max(0, most - count), self.storage.get_expiry(key))

    def give_back(self, taken: Taken) -> None:
        """Give one back, in the same window."""
        if time.time() < taken.ends:
            self.storage.incr(taken.key, taken.seconds, -1)

    def full_until(self, key: str, most: int) -> float:
        """Return when there is one to take again; 0 if there is one now."""
        return self.storage.get_expiry(key) if self.storage.get(key) >= most else 0


def counters(storage: str, database: Engine | None = None) -> Counters:
    """Return the counters of a storage: `database`, `memory://` or `redis://host:port`."""
    if storage == DATABASE and database is not None:
        return InDatabase(counting_engine(database))
    if storage in (DATABASE, MEMORY):
        return InDatabase(sqlite_engine(make_url("sqlite://")))
    kept = storage_from_string(storage, wrap_exceptions=True)
    assert isinstance(kept, Storage)  # not one for asyncio, which has its own addresses
    return InRedis(kept)


def counting_engine(database: Engine) -> Engine:
    """Return an engine whose statements each stand alone, for a table of the database or, with SQLite, beside it."""
    if database.dialect.name != "sqlite":
        return database.execution_options(isolation_level="AUTOCOMMIT")
    file = database.url.database
    engine = sqlite_engine(database.url.set(database=f"{file}-counters") if is_file(file) else make_url("sqlite://"))

    @event.listens_for(database, "engine_disposed")
    def dispose(disposed: Engine) -> None:
        engine.dispose()

    return engine


def sqlite_engine(url: URL) -> Engine:
    """Return an engine for counters in an SQLite file, or in memory."""
    # one connection, for which the threads of this process line up: SQLite itself has no line
    options = engine_options(str(url)) | {"pool_size": 1, "max_overflow": 0, "poolclass": QueuePool}
    options["connect_args"] |= {"check_same_thread": False}
    engine = create_engine(url, isolation_level="AUTOCOMMIT", **options)
    keep_to_its_owner(engine)
    table = Base.metadata.tables[Counter.__tablename__]

    @event.listens_for(engine, "connect")
    def make_table(connection: Any, record: Any) -> None:
        # a count may be lost with the machine, so none waits for the disk
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(str(CreateTable(table, if_not_exists=True).compile(engine)))
        for index in table.indexes:
            connection.execute(str(CreateIndex(index, if_not_exists=True).compile(engine)))

    return engine
