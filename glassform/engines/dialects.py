"""The dialects of SQL that the model can be written in: a row each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """A dialect of SQL.

    Attributes
    ----------
    name
        Its name in sqlglot.
    ibis
        Its name in Ibis, if that is another.
    raises
        Its function that stops a query with a message; empty, if it has none.
    columns_outside
        Whether it can name the columns of VALUES only outside of it.
    plain_columns
        Whether its columns have neither dots nor spaces in their names.
    folds_up
        Whether a plain name means capitals, and a quoted one small letters.
    """

    name: str
    ibis: str = ""
    raises: str = ""
    columns_outside: bool = False
    plain_columns: bool = False
    folds_up: bool = False


DUCKDB, SPARK = Dialect("duckdb", raises="error"), Dialect("spark", ibis="pyspark", raises="raise_error")
DIALECTS = {
    each.name: each
    for each in (
        DUCKDB,
        Dialect("postgres"),
        SPARK,
        Dialect("bigquery", plain_columns=True),
        Dialect("snowflake", folds_up=True),
        Dialect("mysql"),
        Dialect("sqlite", columns_outside=True),
    )
}


def dialect_of_ibis(name: str) -> Dialect:
    """Return the dialect of an engine by its name in Ibis; Ibis knows more engines than we have rows."""
    return next((each for each in DIALECTS.values() if name in (each.ibis, each.name)), Dialect(name))
