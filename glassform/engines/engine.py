"""SQL engines through Ibis: read files and tables, ask them, write files whole or not at all."""

import csv
import glob
import gzip
import importlib
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import ibis
import psutil
from ibis.common.exceptions import IbisError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlglot import exp

EMBEDDED, SPARK = "duckdb", "spark"
MASTER = "local[*]"
KINDS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}  # by the end of a file's name
DELIMITERS = ",;\t"
DIALECTS = {"pyspark": "spark"}  # where sqlglot's name is not Ibis's
RAISES = {"duckdb": "error", "spark": "raise_error"}  # an engine's function that stops a query
UNFINISHED = "unfinished"
MEMORY = "512MB"  # that DuckDB may take: to keep the order, it would hold all that is ready before its turn
ROWS_AT_A_TIME = 10_000
LONGEST_TOLD = 2_000  # characters of an engine's own message
FAILURES = (IbisError, duckdb.Error, sqlite3.Error)
SPARK_CSV = {"quote": '"', "escape": '"', "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}


class EngineError(ValueError):
    """What an engine could not do, in its own words."""


class UnreadableSource(ValueError):
    """Files that cannot be read as one table."""


@dataclass(frozen=True)
class Source:
    """A table an engine can read: its name there, its columns in order, and which of them hold numbers as text."""

    table: str
    columns: list[str]
    texts: frozenset[str]


@dataclass(frozen=True)
class Engine:
    """A connection to an engine, through Ibis."""

    connection: Any  # a backend of Ibis
    session: Any = None  # Spark's own

    @property
    def dialect(self) -> str:
        """The name of its SQL to sqlglot."""
        name: str = self.connection.name
        return DIALECTS.get(name, name)

    @property
    def raises(self) -> str:
        """Its function that stops a query with a message; empty if it has none."""
        return RAISES.get(self.dialect, "")

    @property
    def reads_files(self) -> bool:
        """Whether it reads and writes files, or tables of its own."""
        return self.dialect in RAISES

    @cached_property
    def embedded(self) -> bool:
        """Whether it runs in this process and keeps the order of rows."""
        return self.dialect == EMBEDDED

    def read(self, paths: Sequence[Path]) -> Source:
        """Make one table of files of one kind with the same columns.

        Raises
        ------
        UnreadableSource
            If they are not.
        """
        kinds = {kind_of(path) for path in paths}
        if len(kinds) != 1:
            raise UnreadableSource("CSV and Parquet files cannot be read as one table")
        columns, delimiter = same_header(paths) if kinds == {"csv"} else ([], "")
        with told():
            if self.embedded and columns:
                return Source(self.view_of_texts(paths, columns, delimiter), columns, frozenset(columns))
            name = self.view_of_parquet(paths) if self.embedded else self.in_spark(paths, delimiter)
            table = self.connection.table(name)
            return Source(name, columns or list(table.columns), frozenset(columns) or texts_of(table))

    def view_of_texts(self, paths: Sequence[Path], columns: Sequence[str], delimiter: str) -> str:
        """Return the name of a view of CSV files in DuckDB: nothing is guessed, and nothing made something else.

        Ibis would first load what it needs for other kinds of columns.
        """
        types = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in columns)
        how = f"header = true, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}"
        how += ", auto_detect = false, hive_partitioning = false"
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW files AS FROM read_csv([{literal(paths)}], {how})")
        return "files"

    def view_of_parquet(self, paths: Sequence[Path]) -> str:
        """Return the name of a view of Parquet files in DuckDB.

        Raises
        ------
        UnreadableSource
            If they have different columns: DuckDB would make them all like the first.
        """
        view = "CREATE OR REPLACE TEMP VIEW files AS FROM read_parquet([{}], hive_partitioning = false)"
        schemas = []
        for path in paths:
            self.connection.raw_sql(view.format(literal([path])))
            schemas.append(self.connection.raw_sql("DESCRIBE files").fetchall())
            if schemas[-1] != schemas[0]:
                raise UnreadableSource(f"{path} has other columns than {paths[0]}")
        self.connection.raw_sql(view.format(literal(paths)))
        return "files"

    def in_spark(self, paths: Sequence[Path], delimiter: str) -> str:
        """Return the name of a view of files in Spark; Parquet if they have no delimiter.

        Raises
        ------
        EngineError
            If Spark passes over any of them.
        """
        special = {ord(character): f"\\{character}" for character in "\\{},*?[]"}
        names = [str(path.resolve()).translate(special) for path in paths]
        if delimiter:
            how = {"header": True, "inferSchema": False, "sep": delimiter, "mode": "FAILFAST"}
            frame = self.session.read.csv(names, **how, **SPARK_CSV)
        else:
            frame = self.session.read.parquet(*names)
        if len(frame.inputFiles()) != len(paths):
            raise EngineError(f"Spark finds {len(frame.inputFiles())} of {len(paths)} files")
        name = f"files_{abs(hash(tuple(names)))}"
        frame.createOrReplaceTempView(name)
        return name

    def open(self, sources: Sequence[str]) -> Source:
        """Return the table that files, patterns and folders make, or that has a name in the engine.

        Raises
        ------
        UnreadableSource
            If there is none, or more than one.
        """
        if self.reads_files:
            return self.read(find(sources))
        if len(sources) > 1:
            raise UnreadableSource("one table at a time")
        return self.table(sources[0])

    def count(self, source: Source, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Return every different combination of values of some columns, and how many rows have it.

        What is missing counts as an empty text.

        Raises
        ------
        UnreadableSource
            If a column is missing.
        """
        missing = [column for column in columns if column not in source.columns]
        if missing:
            raise UnreadableSource(f"there is no column {', '.join(missing)}")
        chosen = [exp.column(exp.to_identifier(column, quoted=True)) for column in columns]
        number = exp.alias_(exp.Count(this=exp.Star()), exp.to_identifier("rows of it", quoted=True))
        table = exp.Table(this=exp.to_identifier(source.table, quoted=True))
        query = exp.select(*chosen, number).from_(table).group_by(*(each.copy() for each in chosen))
        for row in self.rows(query.sql(dialect=self.dialect)):
            yield tuple("" if value is None else value for value in row.values())

    def table(self, name: str) -> Source:
        """Return a table the engine has.

        Raises
        ------
        UnreadableSource
            If it has none of that name.
        """
        if not self.has(name):
            raise UnreadableSource(f"the engine has no table {name}")
        table = self.connection.table(name)
        return Source(name, list(table.columns), texts_of(table))

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """Ask; return the rows of the answer, one at a time.

        Raises
        ------
        EngineError
            If the engine fails.
        """
        with told():
            if self.session is not None:
                # Ibis would have all of them in memory
                yield from (row.asDict() for row in self.session.sql(query).toLocalIterator())
                return
            cursor = self.connection.raw_sql(query)
            names = [column[0] for column in cursor.description]
            while several := cursor.fetchmany(ROWS_AT_A_TIME):
                yield from (dict(zip(names, row, strict=True)) for row in several)

    def write(self, query: str, path: Path, kind: str) -> int | None:
        """Write an answer to a file or, with Spark, to a folder of files; return its rows, if the engine counts them.

        Raises
        ------
        EngineError
            If the engine fails; nothing has got the file's name then.
        """
        with unfinished(path) as new, told():
            if self.embedded:
                return self.copy(query, new, kind)
            if not is_file(path):
                self.write_parts(query, new, kind)
                return None
            parts = new.with_name(f"{new.name}.parts")
            try:
                self.write_parts(query, parts, kind)
                gather(sorted(parts.glob("part-*")), new, kind)
            finally:
                remove(parts)
        return None

    def write_parts(self, query: str, folder: Path, kind: str) -> None:
        """Write an answer as Spark does: a file of every part of the table."""
        answer, spark, folder = self.connection.sql(query), self.connection, folder.resolve()
        if kind == "parquet":
            spark.to_parquet_dir(answer, folder)
        else:
            spark.to_csv_dir(answer, folder, options=SPARK_CSV | {"header": True, "emptyValue": ""})

    def copy(self, query: str, path: Path, kind: str) -> int:
        """Write an answer with DuckDB's own COPY, telling of its progress."""
        how = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
        session = self.connection.con
        ((count,),) = watched(
            lambda: session.execute(f"COPY ({query}) TO {quoted(path)} ({how})").fetchall(), session.query_progress
        )
        return int(count)

    def has(self, table: str) -> bool:
        """Tell whether there is a table of that name."""
        with told():
            return table in self.connection.list_tables()

    def create(self, query: str, table: str) -> None:
        """Write an answer to a new table.

        Raises
        ------
        EngineError
            If the engine fails.
        """
        name = exp.to_identifier(table, quoted=True).sql(dialect=self.dialect)
        with told():
            self.connection.raw_sql(f"CREATE TABLE {name} AS {query}")
            self.connection.con.commit()

    def close(self) -> None:
        """End the connection; Spark's is shared, and ends with the process."""
        if self.session is None:
            self.connection.disconnect()


def connect(name: str = EMBEDDED, master: str = MASTER) -> Engine:
    """Connect to an engine: `duckdb`, `spark`, or any of Ibis by its connection URL.

    Raises
    ------
    EngineError
        If it cannot be reached, or what it needs is not installed.
    """
    with told():
        if name == EMBEDDED:
            connection = ibis.duckdb.connect()
            connection.raw_sql(f"SET memory_limit = '{MEMORY}'")
            connection.raw_sql(f"SET temp_directory = {quoted(tempfile.gettempdir())}")
            return Engine(connection)
        try:
            return spark(master) if name == SPARK else Engine(ibis.connect(name))
        except (ImportError, ValueError) as error:  # no such engine, or no driver for it here
            raise EngineError(short(error)) from error


def spark(master: str) -> Engine:
    """Start Spark, or join the one that runs here.

    Raises
    ------
    EngineError
        If it, or Java, is not installed.
    """
    try:
        # it is large, and installed only where it is wanted
        spark_sql = importlib.import_module("pyspark.sql")
    except ImportError as error:
        raise EngineError("Spark is not installed: pip install -r requirements-spark.txt") from error
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise EngineError("Spark needs Java 17 or newer, and there is none")
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower()}
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    builder = spark_sql.SparkSession.builder.appName("glassform").master(master)
    for setting, value in settings.items():
        builder = builder.config(setting, value)
    with warnings.catch_warnings(action="ignore"):  # about versions of pandas, which is not used
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        return Engine(ibis.pyspark.connect(session), session)


@contextmanager
def told() -> Iterator[None]:
    """Turn whatever an engine raises into an `EngineError` of few lines.

    Raises
    ------
    EngineError
        In place of the engine's own.
    """
    try:
        yield
    except failures() as error:
        raise EngineError(short(error)) from error
    except RuntimeError as error:
        if "interrupted" in str(error):  # DuckDB's own word for it
            raise KeyboardInterrupt from error
        raise


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of engines; those of drivers can be named only once they are in use."""
    names = {"psycopg": "Error", "pyspark.errors": "PySparkException", "py4j.protocol": "Py4JError"}
    return (
        *FAILURES,
        *(getattr(sys.modules[module], name) for module, name in names.items() if module in sys.modules),
    )


def short(error: Exception) -> str:
    """Return what an engine says, without what only its makers read."""
    text = str(error).partition("JVM stacktrace")[0].partition("\nPossible fixes")[0]
    *_, last = text.split("Caused by: ")  # Java tells the reason last, before the lines it came from
    return last.partition("\n\tat ")[0].strip()[:LONGEST_TOLD]


def watched(work: Callable[[], Any], percent: Callable[[], float]) -> Any:
    """Do long work while a bar tells how far it is, if somebody looks."""
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        return work()
    with Progress(*columns, console=console, transient=True) as progress, ThreadPoolExecutor(1) as pool:
        task, future = progress.add_task("", total=100), pool.submit(work)
        while not future.done():
            progress.update(task, completed=max(percent(), 0))
            time.sleep(0.2)
        return future.result()


def find(sources: Sequence[str]) -> list[Path]:
    """Return the files that names, patterns and folders stand for, sorted within each.

    Raises
    ------
    UnreadableSource
        If one stands for none, or for a file of a kind that is not read.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if is_file(each) and not each.name.startswith((".", "_")))
        else:
            files = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(source, recursive=True))]
        if not files:
            raise UnreadableSource(f"{source}: there is no such file, and no file like that")
        found += files
    for path in found:
        if not is_file(path):
            raise UnreadableSource(f"{path}: only {', '.join(KINDS)} are read")
    return list(dict.fromkeys(found))


def is_file(path: Path) -> bool:
    """Tell whether a path is named like a file that is read and written here."""
    return path.name.endswith(tuple(KINDS))


def kind_of(path: Path) -> str:
    """Return what a file is by its name; CSV if that does not say."""
    return next((kind for end, kind in KINDS.items() if path.name.endswith(end)), "csv")


def same_header(paths: Sequence[Path]) -> tuple[list[str], str]:
    """Return the columns of CSV files, which have to be the same in all, and what stands between cells.

    Raises
    ------
    UnreadableSource
        If they differ, or a column is there twice.
    """
    first, delimiter = header(paths[0])
    for path in paths[1:]:
        if header(path) != (first, delimiter):
            raise UnreadableSource(f"{path} has other columns than {paths[0]}")
    if "" in first:
        raise UnreadableSource(
            f"{paths[0]} has a column without a name; name it, or leave it out (index=False in pandas)"
        )
    small = [column.lower() for column in first]  # engines do not tell capitals from small letters
    twice = next((column for place, column in enumerate(small) if column in small[:place]), None)
    if twice is not None:
        raise UnreadableSource(f"{paths[0]} has the column {twice} twice")
    return first, delimiter


def header(path: Path) -> tuple[list[str], str]:
    """Return the columns of a CSV file and what stands between its cells.

    Raises
    ------
    UnreadableSource
        If its first line is no header.
    """
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = file.readline(64 * 1024)
            delimiter = max(DELIMITERS, key=line.count)
            file.seek(0)
            columns = [column.strip() for column in next(csv.reader(file, delimiter=delimiter, strict=True), [])]
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise UnreadableSource(f"{path} cannot be read: {error}") from error
    if not any(columns):
        raise UnreadableSource(f"{path} has no header")
    return columns, delimiter


def texts_of(table: ibis.Table) -> frozenset[str]:
    """Return the columns of a table that hold text."""
    return frozenset(name for name, type_ in table.schema().items() if type_.is_string())


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a path to write to, which gets the wanted name only when all is well; what the dead left is removed.

    Raises
    ------
    UnreadableSource
        If a folder is in the way that no engine wrote.
    """
    if path.is_dir() and not (path / "_SUCCESS").exists() and any(path.iterdir()):
        raise UnreadableSource(f"{path} is a folder with something in it, and it is kept")
    for left in path.parent.glob(f".*.{UNFINISHED}.{glob.escape(path.name)}*"):
        process = left.name.split(".")[1]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            remove(left)
    new = path.with_name(f".{os.getpid()}.{UNFINISHED}.{path.name}")
    try:
        yield new
        if path.is_dir() and new.is_dir():
            remove(path)
        new.replace(path)
    finally:
        remove(new)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def gather(parts: Sequence[Path], path: Path, kind: str) -> None:
    """Make one file of the parts an engine wrote."""
    if kind == "parquet":
        read = f"read_parquet([{literal(parts)}])"
        duckdb.connect().execute(f"COPY (FROM {read}) TO {quoted(path)} (FORMAT parquet)")
        return
    with opened(path, "wb") as file:
        for number, part in enumerate(parts):
            with part.open("rb") as content:
                if number:
                    content.readline()  # each has the header
                shutil.copyfileobj(content, file)


def literal(paths: Sequence[Path]) -> str:
    """Return files as DuckDB's SQL lists them, none of which it shall take for a pattern or a home folder."""
    special = {ord(character): f"[{character}]" for character in "*?["}
    return ", ".join(quoted(str(path.resolve()).translate(special)) for path in paths)


def quoted(text: object) -> str:
    """Return a text, or a path, as DuckDB's SQL writes it."""
    return str(exp.convert(str(text)).sql(dialect=EMBEDDED))


def opened(path: Path, mode: str, **how: Any) -> IO[Any]:
    """Open a file, compressed if its name says so."""
    return cast(IO[Any], gzip.open(path, mode, **how) if path.suffix == ".gz" else path.open(mode, **how))
