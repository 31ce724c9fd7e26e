"""What is kept of a class, in a database file of its own: no name, no address, no time finer than an hour."""

import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassform.classroom.course import Standing
from glassform.classroom.nicknames import MOST_NICKNAMES
from glassform.classroom.refused import ClassFull, Ended, TooManyClasses
from glassform.settings import INSTANCE

FILE = "classes.sqlite"
LETTERS = "BCDFGHJKMNPQRSTVWXZ"  # of a code: none that is read for another, and no word comes about
LETTERS_OF_A_CODE = 4
MOST_CLASSES = 20  # at once
HOURS_KEPT = 24
SECONDS_TO_WAIT = 5  # for another writer
TABLES = ("votes", "guesses", "phones", "classes")
SCHEMA = """
CREATE TABLE IF NOT EXISTS classes (code TEXT PRIMARY KEY, "table" TEXT NOT NULL, version TEXT NOT NULL,
  lesson TEXT NOT NULL, size INTEGER NOT NULL, seed INTEGER NOT NULL, standing TEXT NOT NULL, hour INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS phones (code TEXT NOT NULL, place INTEGER NOT NULL, digest TEXT NOT NULL,
  nickname INTEGER NOT NULL, PRIMARY KEY (code, place), UNIQUE (code, digest));
CREATE TABLE IF NOT EXISTS guesses (code TEXT NOT NULL, place INTEGER NOT NULL, person INTEGER NOT NULL,
  guess INTEGER NOT NULL, PRIMARY KEY (code, place, person));
CREATE TABLE IF NOT EXISTS votes (code TEXT NOT NULL, place INTEGER NOT NULL, question TEXT NOT NULL,
  choice TEXT NOT NULL, PRIMARY KEY (code, place, question));
"""


@dataclass(frozen=True)
class Class:
    """A class: what it was started with, and where it stands."""

    code: str
    table: str
    version: str
    lesson: str
    size: int
    seed: int
    standing: Standing


@dataclass(frozen=True)
class Phone:
    """A phone that has joined: its place in the class, from 0 on, and its nickname's number."""

    place: int
    nickname: int


def key_of(secret: str, code: str) -> str:
    """Return the key that makes an address the teacher's; it follows from the server's secret and is kept nowhere."""
    return hmac.new(secret.encode(), f"board {code}".encode(), hashlib.sha256).hexdigest()[:32]


def digest_of(token: str) -> str:
    """Return what is kept of a phone's token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def this_hour() -> int:
    """Return the hour, counted from 1970 on."""
    return int(time.time() // 3600)


class Store:
    """The classes of one installation; every worker opens the same file.

    Whatever is written is on the disk when a method returns. One connection serves all threads of a worker, in turn.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.lock = file, threading.RLock()
        self.connection: sqlite3.Connection | None = None

    def opened(self) -> sqlite3.Connection:
        """Return the connection, which the first request of a worker opens."""
        if self.connection is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # for its owner alone, before SQLite makes it for all
                os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            found = sqlite3.connect(self.file, SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                found.execute(f"PRAGMA {pragma}").fetchall()
            found.executescript(SCHEMA)
            self.connection = found
        return self.connection

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            if self.connection is not None:
                self.connection.close()
                self.connection = None

    def asked(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement finds."""
        with self.lock, closing(self.opened().execute(statement, values)) as found:
            return found.fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that nobody else writes in; commit at the end of the block, roll back on any error."""
        with self.lock:
            connection = self.opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    # Classes.

    def begin(self, table: str, version: str, lesson: str, size: int, standing: Standing) -> str:
        """Start a class and return its code.

        Raises
        ------
        TooManyClasses
            If there are too many classes already.
        """
        self.forget()
        with self.writing() as connection:
            taken = {code for (code,) in connection.execute("SELECT code FROM classes")}
            if len(taken) >= MOST_CLASSES:
                raise TooManyClasses(MOST_CLASSES)
            code = next(code for code in iter(new_code, "") if code not in taken)
            row = (code, table, version, lesson, size, secrets.randbits(32), standing.written(), this_hour())
            connection.execute("INSERT INTO classes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return code

    def find(self, code: str) -> Class:
        """Return a class; small letters in its code are fine.

        Raises
        ------
        Ended
            If there is none, or it is older than a day.
        """
        found = self.asked(
            'SELECT code, "table", version, lesson, size, seed, standing FROM classes WHERE code = ? AND hour > ?',
            code.upper(),
            this_hour() - HOURS_KEPT,
        )
        if not found:
            raise Ended(code)
        code, table, version, lesson, size, seed, standing = found[0]
        return Class(code, table, version, lesson, size, seed, Standing.read(standing))

    def running(self) -> list[str]:
        """Return the codes of all classes."""
        self.forget()
        return [code for (code,) in self.asked("SELECT code FROM classes ORDER BY hour, code")]

    def move(self, code: str, change: Callable[[Standing], Standing]) -> Standing:
        """Change where a class stands; of two at once, the second begins where the first has ended."""
        with self.writing():
            before = self.find(code)
            after = change(before.standing)
            self.asked("UPDATE classes SET standing = ? WHERE code = ?", after.written(), before.code)
        return after

    # Phones.

    def join(self, code: str, token: str = "") -> tuple[Phone, str, bool]:
        """Let a phone in; return it, its token, and whether it is new. One that has joined stays who it is.

        Raises
        ------
        ClassFull
            If there is no place left.
        Ended
            If there is no such class.
        """
        with self.writing() as connection:
            known = self.find(code)
            found = self.phone(known.code, token) if token else None
            if found:
                return found, token, False
            rows = list(connection.execute("SELECT place, nickname FROM phones WHERE code = ?", (known.code,)))
            if len(rows) >= known.size:
                raise ClassFull(known.size, known.code)
            free = sorted(set(range(MOST_NICKNAMES)) - {nickname for _, nickname in rows})
            phone, token = Phone(len(rows), secrets.choice(free)), secrets.token_urlsafe(24)
            row = (known.code, phone.place, digest_of(token), phone.nickname)
            connection.execute("INSERT INTO phones VALUES (?, ?, ?, ?)", row)
        return phone, token, True

    def phone(self, code: str, token: str) -> Phone | None:
        """Return the phone that a token identifies, if it has joined."""
        digest = digest_of(token)
        found = self.asked("SELECT place, nickname FROM phones WHERE code = ? AND digest = ?", code, digest)
        return Phone(*found[0]) if found else None

    def nicknames(self, code: str) -> list[int]:
        """Return the numbers of the nicknames of all who have joined, in that order."""
        return [number for (number,) in self.asked("SELECT nickname FROM phones WHERE code = ? ORDER BY place", code)]

    # Guesses and votes.

    def guess(self, code: str, place: int, person: int, guess: int, check: Callable[[Standing], None]) -> None:
        """Save a guess, in per cent; one sent twice counts once, another replaces it.

        `check` raises an error if the class stands where nobody may guess; the class cannot move on meanwhile.
        """
        with self.checked(code, check) as connection:
            connection.execute("INSERT OR REPLACE INTO guesses VALUES (?, ?, ?, ?)", (code, place, person, guess))

    def vote(self, code: str, place: int, question: str, choice: str, check: Callable[[Standing], None]) -> None:
        """Save a vote, in the same way."""
        with self.checked(code, check) as connection:
            connection.execute("INSERT OR REPLACE INTO votes VALUES (?, ?, ?, ?)", (code, place, question, choice))

    @contextmanager
    def checked(self, code: str, check: Callable[[Standing], None]) -> Iterator[sqlite3.Connection]:
        """Open a transaction in which a class stands where something may be saved, or there is none."""
        with self.writing() as connection:
            check(self.find(code).standing)
            yield connection

    def guesses(self, code: str) -> list[tuple[int, int, int]]:
        """Return all guesses: the phone's place, the person's number, and the guess in per cent."""
        return self.asked("SELECT place, person, guess FROM guesses WHERE code = ? ORDER BY place, person", code)

    def guesses_of(self, code: str, place: int) -> dict[int, int]:
        """Return one phone's guesses by person."""
        return dict(self.asked("SELECT person, guess FROM guesses WHERE code = ? AND place = ?", code, place))

    def votes(self, code: str) -> list[tuple[int, str, str]]:
        """Return all votes: the phone's place, the question and the choice."""
        return self.asked("SELECT place, question, choice FROM votes WHERE code = ? ORDER BY place, question", code)

    # The end.

    def end(self, code: str) -> int:
        """Delete all that is kept of a class; return how many rows are left."""
        with self.writing() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table} WHERE code = ?", (code,))
        self.clear_journal()
        return sum(self.asked(f"SELECT count(*) FROM {table} WHERE code = ?", code)[0][0] for table in TABLES)

    def forget(self) -> None:
        """Delete all that is kept of the classes that are older than a day."""
        oldest = this_hour() - HOURS_KEPT
        for (code,) in self.asked("SELECT code FROM classes WHERE hour <= ?", oldest):
            self.end(code)

    def clear_journal(self) -> None:
        """Empty the journal too, which still holds what was deleted; readers of other workers are waited for."""
        until = time.monotonic() + SECONDS_TO_WAIT
        with self.lock:
            while self.opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    raise sqlite3.OperationalError("database is locked")
                time.sleep(0.02)


def new_code() -> str:
    """Return a code at random."""
    return "".join(secrets.choice(LETTERS) for _ in range(LETTERS_OF_A_CODE))


def forget(file: Path = INSTANCE / FILE) -> None:
    """Delete all that is kept of old classes, if any is kept at all."""
    if file.exists():
        with closing(Store(file)) as store:
            store.forget()
