"""A Parquet or Arrow file, read as the same columns and rows of text as any other table."""

import datetime
import importlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any

from glassform.languages import gettext
from glassform.programs import extra
from glassform.refusals import NotInstalled, Unreadable

PARQUET, ARROW, STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"  # how the files begin
BROKEN = (OSError, ValueError, LookupError, OverflowError, TypeError)  # what a damaged file raises beside Arrow's own
ROWS_AT_A_TIME = 10_000


class Columnar:
    """The columns and rows of a Parquet or Arrow file; the rows can be read more than once.

    Raises
    ------
    NotInstalled
        If what reads such files is not installed here.
    Unreadable
        If the file is none, or broken.
    """

    decimal_comma = False
    noticed: list[str] = []  # noqa: RUF012 - nothing has to be skipped

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.arrow = late("pyarrow")
        try:
            names, self._batches = self._opened()
        except (self.arrow.ArrowException, *BROKEN) as error:
            raise Unreadable(gettext("it is no whole Parquet or Arrow file")) from error
        self.columns = [str(name).strip() for name in names]
        if not self.columns:
            raise Unreadable(gettext("it has no columns"))

    def _opened(self) -> tuple[list[str], Callable[[], Iterator[Any]]]:
        self.file.seek(0)
        start = self.file.read(8)
        self.file.seek(0)
        if start.startswith(PARQUET):
            parquet = late("pyarrow.parquet").ParquetFile(self.file)
            return parquet.schema_arrow.names, lambda: parquet.iter_batches(ROWS_AT_A_TIME)
        ipc = late("pyarrow.ipc")
        if start.startswith(ARROW):
            reader = ipc.open_file(self.file)
            return reader.schema.names, lambda: map(reader.get_batch, range(reader.num_record_batches))
        return ipc.open_stream(self.file).schema.names, self._streamed

    def _streamed(self) -> Iterator[Any]:
        self.file.seek(0)
        yield from late("pyarrow.ipc").open_stream(self.file)

    def rows(self) -> Iterator[list[str]]:
        """Read the rows as text; all have as many cells as there are columns.

        Raises
        ------
        Unreadable
            If the file is broken.
        """
        try:
            yield from map(list, chain.from_iterable(map(cells_of, self._batches())))
        except (self.arrow.ArrowException, *BROKEN) as error:
            raise Unreadable(gettext("it is no whole Parquet or Arrow file")) from error

    def checked_rows(self) -> Iterator[list[str]]:
        """Read the rows as text."""
        return self.rows()

    def complaint(self, cells: list[str]) -> str:
        """Never needed: no row has another number of cells."""
        raise NotImplementedError


def cells_of(batch: Any) -> Iterator[tuple[str, ...]]:
    """Return the rows of a batch as text; what a stranger sent may point anywhere, so it is validated whole first."""
    batch.validate(full=True)
    return zip(*([text_of(value) for value in column.to_pylist()] for column in batch.columns), strict=True)


def text_of(value: Any) -> str:
    """Return a value as a CSV file writes it; nothing for a gap."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def late(module: str) -> Any:
    """Import what reads columns, which is large, and not installed everywhere.

    Raises
    ------
    NotInstalled
        If it is not.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise NotInstalled(
            gettext(
                "Parquet and Arrow files cannot be read here; send CSV, or install %(extra)s.", extra=extra("engines")
            )
        ) from error
