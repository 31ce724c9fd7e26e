"""Files that are read as tables, and written whole or not at all."""

import csv
import glob
import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import psutil

from glassform.limits import LONGEST_LINE
from glassform.records.schema import DELIMITERS


class UnreadableSource(ValueError):
    """Files that cannot be read as one table."""


KINDS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}  # by the end of a file's name
UNFINISHED = "unfinished"


def find(sources: Sequence[str]) -> list[Path]:
    """Return the files of names, patterns and folders, sorted within each.

    Raises
    ------
    UnreadableSource
        If one has no file, or a file of an unknown kind.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if is_file(each) and not each.name.startswith((".", "_")))
        else:
            files = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(source, recursive=True))]
        if not files:
            raise UnreadableSource(f"{source}: no such file")
        found += files
    for path in found:
        if not is_file(path):
            raise UnreadableSource(f"{path}: only {', '.join(KINDS)} are read")
    return list(dict.fromkeys(found))


def is_file(path: Path) -> bool:
    """Tell whether a path has the name of a CSV or Parquet file."""
    return path.name.endswith(tuple(KINDS))


def kind_of(path: Path) -> str:
    """Return a file's kind by its name; CSV by default."""
    return next((kind for end, kind in KINDS.items() if path.name.endswith(end)), "csv")


def same_header(paths: Sequence[Path]) -> tuple[list[str], str]:
    """Return the columns and the delimiter of CSV files, which must all have the same.

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
    small = [column.lower() for column in first]  # engines ignore the case of names
    twice = next((column for place, column in enumerate(small) if column in small[:place]), None)
    if twice is not None:
        raise UnreadableSource(f"{paths[0]} has the column {twice} twice")
    return first, delimiter


def header(path: Path) -> tuple[list[str], str]:
    """Return the columns and the delimiter of a CSV file.

    Raises
    ------
    UnreadableSource
        If its first line is no header.
    """
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = file.readline(LONGEST_LINE)
            delimiter = max(DELIMITERS, key=line.count)
            file.seek(0)
            columns = [column.strip() for column in next(csv.reader(file, delimiter=delimiter, strict=True), [])]
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise UnreadableSource(f"{path} cannot be read: {error}") from error
    if not any(columns):
        raise UnreadableSource(f"{path} has no header")
    return columns, delimiter


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Yield a path to write to and rename it at the end; remove what killed runs left.

    Raises
    ------
    UnreadableSource
        If a folder that no engine wrote is in the way.
    """
    if path.is_dir() and not (path / "_SUCCESS").exists() and any(path.iterdir()):
        raise UnreadableSource(f"{path} is a folder with files in it; it is kept")
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


def opened(path: Path, mode: str, **how: Any) -> IO[Any]:
    """Open a file, compressed if its name says so."""
    return cast(IO[Any], gzip.open(path, mode, **how) if path.suffix == ".gz" else path.open(mode, **how))
