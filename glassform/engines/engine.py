"""The interface of an SQL engine through Ibis: read, ask, write whole or not at all."""

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import duckdb
import ibis
from ibis.common.exceptions import IbisError
from sqlglot import exp

from glassform.engines.dialects import Dialect, dialect_of_ibis
from glassform.engines.files import UnreadableSource, find, kind_of, replace_header, unfinished
from glassform.engines.layout import Layout, all_plain, has_hollow_rows, layout_of, written_anew

LONGEST_TOLD = 2_000  # characters of an engine's message that are shown
Answer = TypeVar("Answer")
FAILURES = (IbisError, duckdb.Error, sqlite3.Error)


class EngineError(ValueError):
    """A failure of an engine, in its own words."""


@contextmanager
def engine_errors() -> Iterator[None]:
    """Convert an engine's exceptions into a short `EngineError`.

    Raises
    ------
    EngineError
        In place of the engine's own exception.
    """
    try:
        yield
    except failures() as error:
        raise EngineError(first_lines(error)) from error
    except RuntimeError as error:
        if "interrupted" in str(error):  # DuckDB's own word
            raise KeyboardInterrupt from error
        raise


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of the engines in use; drivers load theirs late."""
    names = {"psycopg": "Error", "pyspark.errors": "PySparkException", "py4j.protocol": "Py4JError"}
    return (
        *FAILURES,
        *(getattr(sys.modules[module], name) for module, name in names.items() if module in sys.modules),
    )


def first_lines(error: Exception) -> str:
    """Return an engine's message without stack traces."""
    text = str(error).partition("JVM stacktrace")[0].partition("\nPossible fixes")[0]
    *_, last = text.split("Caused by: ")  # Java gives the reason last, before the stack
    return last.partition("\n\tat ")[0].strip()[:LONGEST_TOLD]


ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class Source:
    """A table an engine can read.

    Attributes
    ----------
    columns
        Its columns in order, as the engine names them.
    texts, booleans, reals
        Those that are text, true or false, or numbers that may be NaN.
    header
        Their names in the file.
    decimal_comma
        Whether a comma in a number is the sign of decimals.
    is_plain
        Waits for whether the engine finds as many cells in each row as our reader, which is looked at meanwhile.
    has_hollow_rows
        Looks whether it may have rows with no cell filled, which takes time.
    """

    table: str
    columns: list[str]
    texts: frozenset[str]
    booleans: frozenset[str] = frozenset()
    reals: frozenset[str] = frozenset()
    header: tuple[str, ...] = ()
    decimal_comma: bool = False
    is_plain: Callable[[], bool] = lambda: True
    has_hollow_rows: Callable[[], bool] = lambda: False

    @property
    def named(self) -> Sequence[str]:
        """Its columns as they are named where they come from."""
        return self.header or self.columns


@dataclass(frozen=True)
class Engine:
    """A connection to an engine, through Ibis; those that also read files are subclasses."""

    connection: Any  # a backend of Ibis

    reads_files: ClassVar[bool] = False  # whether it reads and writes files; others have tables of their own
    embedded: ClassVar[bool] = False  # whether it runs in this process and keeps the order of rows

    @property
    def dialect(self) -> Dialect:
        """Its SQL."""
        return dialect_of_ibis(self.connection.name)

    # What each engine that reads files does in its own way.

    def view_of_texts(self, paths: Sequence[Path], layout: Layout) -> str:
        """Return the name of a view of CSV files whose columns are all text."""
        raise NotImplementedError

    def view_of_parquet(self, paths: Sequence[Path]) -> str:
        """Return the name of a view of Parquet files."""
        raise NotImplementedError

    def write_whole(self, query: str, path: Path, kind: str, like: Path | None = None) -> int | None:
        """Write a query's result to a new file or folder; return its rows, if the engine counts them.

        `like` is the Parquet file whose types it keeps, as far as the engine can.
        """
        raise NotImplementedError

    # What all engines do alike.

    def ask(self, sources: Sequence[str], encoding: str | None, work: Callable[[Source], Answer]) -> Answer:
        """Work on the table made of files, patterns and folders, or on the engine's table of that name.

        Raises
        ------
        UnreadableSource
            If there is none, or more than one.
        """
        if self.reads_files:
            return self.ask_files(find(sources), encoding, work)
        if len(sources) > 1:
            raise UnreadableSource("one table at a time")
        return work(self.table(sources[0]))

    def ask_files(self, paths: Sequence[Path], encoding: str | None, work: Callable[[Source], Answer]) -> Answer:
        """Work on one table made of files of one kind with the same columns.

        What the engine fails at, our reader writes anew for it, or says what is wrong.

        Raises
        ------
        UnreadableSource
            If they differ, or one is no table.
        """
        kinds = {kind_of(path) for path in paths}
        if len(kinds) != 1:
            raise UnreadableSource("files of different kinds cannot be read as one table")
        if kinds == {"parquet"}:
            return work(self.source_of_parquet(paths))
        layout = layout_of(paths, encoding)
        if layout.plain and (self.embedded or not layout.marked):
            try:
                with ThreadPoolExecutor(1) as pool:
                    plain = pool.submit(all_plain, paths, layout).result
                    hollow = partial(has_hollow_rows, paths, layout.delimiter)
                    source = self.source_of_texts(paths, layout)
                    return work(replace(source, is_plain=plain, has_hollow_rows=hollow))
            except EngineError:
                pass  # our reader says what is wrong, with its line, or reads it after all
        with tempfile.TemporaryDirectory() as folder:
            anew = [
                written_anew(path, encoding, Path(folder) / f"{number}.csv", layout.names)
                for number, path in enumerate(paths)
            ]
            return work(self.source_of_texts(anew, replace(layout, delimiter=",", plain=False)))

    def source_of_parquet(self, paths: Sequence[Path]) -> Source:
        """Return the table in Parquet files."""
        with engine_errors():
            name = self.view_of_parquet(paths)
            table = self.connection.table(name)
            return Source(name, list(table.columns), *kinds_of(table))

    def source_of_texts(self, paths: Sequence[Path], layout: Layout) -> Source:
        """Return the table in plain delimited files."""
        with engine_errors():
            name = self.view_of_texts(paths, layout)
        names = [*layout.names]
        return Source(name, names, frozenset(names), header=layout.columns, decimal_comma=layout.decimal_comma)

    def count(self, source: Source, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Return each distinct combination of some columns' values with its number of rows.

        A missing value counts as empty text.

        Raises
        ------
        UnreadableSource
            If a column is missing.
        """
        refuse_hollow(source)
        missing = [column for column in columns if column not in source.columns]
        if missing:
            raise UnreadableSource(f"there is no column {', '.join(missing)}")
        chosen = [exp.column(exp.to_identifier(column, quoted=True)) for column in columns]
        number = exp.alias_(exp.Count(this=exp.Star()), exp.to_identifier("rows of it", quoted=True))
        table = exp.Table(this=exp.to_identifier(source.table, quoted=True))
        query = exp.select(*chosen, number).from_(table).group_by(*(each.copy() for each in chosen))
        for row in self.rows(query.sql(dialect=self.dialect.name)):
            yield tuple("" if value is None else value for value in row.values())
        refuse_unplain(source)

    def table(self, name: str) -> Source:
        """Return a table of the engine.

        Raises
        ------
        UnreadableSource
            If it has none of that name.
        """
        if not self.has(name):
            raise UnreadableSource(f"the engine has no table {name}")
        table = self.connection.table(name)
        return Source(name, list(table.columns), *kinds_of(table))

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """Run a query and return its rows one at a time.

        Raises
        ------
        EngineError
            If the engine fails.
        """
        with engine_errors():
            cursor = self.connection.raw_sql(query)
            names = [column[0] for column in cursor.description]
            while several := cursor.fetchmany(ROWS_AT_A_TIME):
                yield from (dict(zip(names, row, strict=True)) for row in several)

    def write(
        self,
        query: str,
        path: Path,
        kind: str,
        source: Source | None = None,
        header: Sequence[str] = (),
        like: Path | None = None,
    ) -> int | None:
        """Write a query's result to a file or, with Spark, to a folder; return its rows, if the engine counts them.

        Nothing is kept if the `source` turns out not to be plain. `header` names the columns of a CSV file, if the
        engine cannot. `like` is the Parquet file whose types it keeps, as far as it can.

        Raises
        ------
        EngineError
            If the engine fails; the file does not exist then.
        """
        with unfinished(path) as new, engine_errors():
            count = self.write_whole(query, new, kind, like)
            if source is not None:
                refuse_unplain(source)
            if header and kind == "csv" and new.is_file():
                replace_header(new, header)
            return count

    def has(self, table: str) -> bool:
        """Tell whether there is a table of that name."""
        with engine_errors():
            return table in self.connection.list_tables()

    def create(self, query: str, table: str) -> None:
        """Write a query's result to a new table.

        Raises
        ------
        EngineError
            If the engine fails.
        """
        name = exp.to_identifier(table, quoted=True).sql(dialect=self.dialect.name)
        with engine_errors():
            self.connection.raw_sql(f"CREATE TABLE {name} AS {query}")
            self.connection.con.commit()

    def close(self) -> None:
        """End the connection."""
        self.connection.disconnect()


def refuse_unplain(source: Source) -> None:
    """Refuse a table in which an engine finds other rows than our reader, which then writes it anew.

    Raises
    ------
    EngineError
        If a row has several empty cells too many.
    """
    if not source.is_plain():
        raise EngineError("a row has cells too many")


def refuse_hollow(source: Source) -> None:
    """Refuse a table that an engine reads otherwise than our reader, which then writes it anew.

    Raises
    ------
    EngineError
        If it may have rows with no cell filled.
    """
    if source.has_hollow_rows():
        raise EngineError("there are rows with no cell filled")


def kinds_of(table: ibis.Table) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the columns of a table that hold text, those that hold true or false, and those that may hold NaN."""
    types = table.schema().items()
    return (
        frozenset(name for name, type_ in types if type_.is_string()),
        frozenset(name for name, type_ in types if type_.is_boolean()),
        frozenset(name for name, type_ in types if type_.is_floating()),
    )
