"""DuckDB: an engine in this process, which keeps the order of rows."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb
import ibis
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlglot import exp

from glassform.engines.column_types import given_types, in_given_units, metadata, options
from glassform.engines.dialects import DUCKDB
from glassform.engines.engine import Engine
from glassform.engines.files import UnreadableSource, opened
from glassform.engines.layout import Layout

MEMORY = "512MB"  # for DuckDB: to keep the order it would hold everything that is ready early


@dataclass(frozen=True)
class DuckDB(Engine):
    """DuckDB through Ibis."""

    reads_files = embedded = True

    def view_of_texts(self, paths: Sequence[Path], layout: Layout) -> str:
        """Return the name of a view of CSV files: all columns are text, nothing is guessed.

        Ibis would first load extensions for other types.
        """
        types = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in layout.names)
        how = f"header = true, delim = {quoted(layout.delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}"
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

    def write_whole(self, query: str, path: Path, kind: str, like: Path | None = None) -> int:
        """Write a query's result with DuckDB's COPY and a progress bar."""
        how = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
        session = self.connection.con
        given = given_types(like) if like else None
        if given is not None:
            query = in_given_units(query, given)
            how = ", ".join([how, *options(metadata(session, query, given, path))])
        ((count,),) = watched(
            lambda: session.execute(f"COPY ({query}) TO {quoted(path)} ({how})").fetchall(), session.query_progress
        )
        return int(count)


def connect() -> DuckDB:
    """Start DuckDB in this process, with room on the disk and little memory."""
    connection = ibis.duckdb.connect()
    connection.raw_sql(f"SET memory_limit = '{MEMORY}'")
    connection.raw_sql(f"SET temp_directory = {quoted(tempfile.gettempdir())}")
    return DuckDB(connection)


def watched(work: Callable[[], Any], percent: Callable[[], float]) -> Any:
    """Do long work, with a progress bar on a terminal."""
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


def gather(parts: Sequence[Path], path: Path, kind: str) -> None:
    """Make one file of the parts an engine wrote."""
    if kind == "parquet":
        read = f"read_parquet([{literal(parts)}])"
        duckdb.connect().execute(f"COPY (FROM {read}) TO {quoted(path)} (FORMAT parquet)")
        return
    with opened(path, "wb") as file:
        for number, part in enumerate(parts):
            append_csv(part, file, with_header=not number)


def append_csv(part: Path, file: IO[bytes], with_header: bool) -> None:
    """Append a CSV file to another, with or without its header."""
    with part.open("rb") as content:
        if not with_header:
            content.readline()
        shutil.copyfileobj(content, file)


def literal(paths: Sequence[Path]) -> str:
    """Return files as a list in DuckDB's SQL, with patterns escaped."""
    special = {ord(character): f"[{character}]" for character in "*?["}
    return ", ".join(quoted(str(path.resolve()).translate(special)) for path in paths)


def quoted(text: object) -> str:
    """Return a text, or a path, as DuckDB's SQL writes it."""
    return str(exp.convert(str(text)).sql(dialect=DUCKDB.name))
