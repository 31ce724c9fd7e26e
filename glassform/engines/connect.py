"""Connecting to an engine by its name or its URL."""

import ibis

from glassform.engines import on_duckdb, on_spark
from glassform.engines.dialects import DUCKDB, SPARK
from glassform.engines.engine import Engine, EngineError, engine_errors, first_lines
from glassform.engines.on_spark import MASTER


def connect(name: str = DUCKDB.name, master: str = MASTER) -> Engine:
    """Connect to an engine: `duckdb`, `spark`, or any of Ibis by its connection URL.

    Raises
    ------
    EngineError
        If it cannot be reached, or what it needs is not installed.
    """
    with engine_errors():
        if name == DUCKDB.name:
            return on_duckdb.connect()
        try:
            return on_spark.connect(master) if name == SPARK.name else Engine(ibis.connect(name))
        except (ImportError, ValueError) as error:  # no such engine, or no driver for it here
            raise EngineError(first_lines(error)) from error
