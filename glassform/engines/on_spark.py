"""Spark: an engine on one machine or many."""

import importlib
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from glassform.engines.engine import Engine, EngineError, engine_errors
from glassform.engines.files import is_file, remove
from glassform.engines.layout import Layout
from glassform.engines.on_duckdb import gather
from glassform.programs import extra

CSV = {"quote": '"', "escape": '"', "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}


@dataclass(frozen=True)
class Spark(Engine):
    """Spark through Ibis, and through its own session where Ibis would hold all rows in memory."""

    session: Any

    reads_files = True

    def view_of_texts(self, paths: Sequence[Path], layout: Layout) -> str:
        """Return the name of a view of CSV files; those that are not plain may have line breaks in cells."""
        how = {"header": True, "inferSchema": False, "sep": layout.delimiter, "mode": "FAILFAST"}
        how["multiLine"] = not layout.plain
        return self.view(self.session.read.csv(names_of(paths), **how, **CSV), paths)

    def view_of_parquet(self, paths: Sequence[Path]) -> str:
        """Return the name of a view of Parquet files."""
        return self.view(self.session.read.parquet(*names_of(paths)), paths)

    def view(self, frame: Any, paths: Sequence[Path]) -> str:
        """Return the name of a view of a data frame.

        Raises
        ------
        EngineError
            If Spark skips any of its files.
        """
        if len(frame.inputFiles()) != len(paths):
            raise EngineError(f"Spark finds {len(frame.inputFiles())} of {len(paths)} files")
        name = f"files_{abs(hash(tuple(names_of(paths))))}"
        frame.createOrReplaceTempView(name)
        return name

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """Run a query and return its rows one at a time.

        Raises
        ------
        EngineError
            If Spark fails.
        """
        with engine_errors():
            yield from (row.asDict() for row in self.session.sql(query).toLocalIterator())

    def write_whole(self, query: str, path: Path, kind: str, like: Path | None = None) -> None:
        """Write a query's result to a folder of files, or gather them into one file."""
        if not is_file(path):
            self.write_parts(query, path, kind)
            return
        parts = path.with_name(f"{path.name}.parts")
        try:
            self.write_parts(query, parts, kind)
            gather(sorted(parts.glob("part-*")), path, kind)
        finally:
            remove(parts)

    def write_parts(self, query: str, folder: Path, kind: str) -> None:
        """Write a query's result as Spark does: a file per partition."""
        answer, spark, folder = self.connection.sql(query), self.connection, folder.resolve()
        if kind == "parquet":
            spark.to_parquet_dir(answer, folder)
        else:
            spark.to_csv_dir(answer, folder, options=CSV | {"header": True, "emptyValue": ""})

    def close(self) -> None:
        """Keep the session, which the process shares."""


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return paths for Spark, with patterns escaped."""
    special = {ord(character): f"\\{character}" for character in "\\{},*?[]"}
    return [str(path.resolve()).translate(special) for path in paths]


def connect(master: str) -> Spark:
    """Start Spark, or join the running session.

    Raises
    ------
    EngineError
        If it, or Java, is not installed.
    """
    try:
        # it is large, and installed only where it is used
        spark_sql = importlib.import_module("pyspark.sql")
    except ImportError as error:
        raise EngineError(f"Spark is not installed: install {extra('spark')}") from error
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise EngineError("Spark needs Java 17 or newer, which is not installed")
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower()}
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    builder = spark_sql.SparkSession.builder.appName("glassform").master(master)
    for setting, value in settings.items():
        builder = builder.config(setting, value)
    with warnings.catch_warnings(action="ignore"):  # about pandas, which is not used
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        return Spark(ibis.pyspark.connect(session), session)
