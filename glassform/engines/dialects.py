"""The dialects of SQL that the model can be written in: a row each."""

from collections.abc import Sequence
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
        Whether a name without quotes means capitals, so that a name in quotes is another.
    globs
        Whether it matches texts by GLOB and has no regular expressions.
    nan
        How it tells NaN, which data frames write for a gap: by a function of that name, or by = as any other number;
        empty, if its numbers are never NaN.
    longest_name
        Bytes of a name, which it cuts or refuses beyond; 0, if there is no limit worth a thought.
    """

    name: str
    ibis: str = ""
    raises: str = ""
    columns_outside: bool = False
    plain_columns: bool = False
    folds_up: bool = False
    globs: bool = False
    longest_name: int = 63
    nan: str = ""

    def kept_apart(self, names: Sequence[str]) -> list[str]:
        """Return names short enough to be read whole; one that had to be cut ends in its number."""
        kept: list[str] = []
        for number, name in enumerate(names, start=1):
            short = self.cut(name)
            kept.append(name if short == name else f"{self.cut(name, end=len(f'_{number}'))}_{number}")
        return kept

    def cut(self, name: str, end: int = 0) -> str:
        """Return a name as it is read, with room for as many further bytes at its end."""
        if not self.longest_name:
            return name
        return name.encode(errors="replace")[: self.longest_name - end].decode(errors="ignore")


MASTER = "local[*]"  # where Spark runs unless the command says otherwise
DUCKDB = Dialect("duckdb", raises="error", longest_name=0, nan="isnan")
SPARK = Dialect("spark", ibis="pyspark", raises="raise_error", longest_name=0, nan="isnan")
DIALECTS = {
    each.name: each
    for each in (
        DUCKDB,
        Dialect("postgres", nan="="),
        SPARK,
        Dialect("bigquery", plain_columns=True, longest_name=300),
        Dialect("snowflake", folds_up=True, longest_name=255),
        Dialect("mysql"),
        Dialect("sqlite", columns_outside=True, globs=True, longest_name=0),
    )
}


def dialect_of_ibis(name: str) -> Dialect:
    """Return the dialect of an engine by its name in Ibis; Ibis knows more engines than we have rows."""
    return next((each for each in DIALECTS.values() if name in (each.ibis, each.name)), Dialect(name))
