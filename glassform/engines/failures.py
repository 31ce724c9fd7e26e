"""What an engine could not do, in a few lines."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from ibis.common.exceptions import IbisError

LONGEST_TOLD = 2_000  # characters of an engine's own message
FAILURES = (IbisError, duckdb.Error, sqlite3.Error)


class EngineError(ValueError):
    """What an engine could not do, in its own words."""


class UnreadableSource(ValueError):
    """Files that cannot be read as one table."""


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn whatever an engine raises into an `EngineError` of few lines.

    Raises
    ------
    EngineError
        In place of the engine's own.
    """
    try:
        yield
    except failures() as error:
        raise EngineError(first_lines(error)) from error
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


def first_lines(error: Exception) -> str:
    """Return what an engine says, without what only its makers read."""
    text = str(error).partition("JVM stacktrace")[0].partition("\nPossible fixes")[0]
    *_, last = text.split("Caused by: ")  # Java tells the reason last, before the lines it came from
    return last.partition("\n\tat ")[0].strip()[:LONGEST_TOLD]
