"""Files that are read as tables, and written whole or not at all."""

import glob
import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import psutil

from glassform.files import csv_of


class UnreadableSource(ValueError):
    """Files that cannot be read as one table."""


# By the end of a file's name: what is written, and what is read beside it.
WRITTEN = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
KINDS = WRITTEN | {
    **dict.fromkeys((".tsv", ".tsv.gz", ".txt", ".txt.gz"), "csv"),
    **dict.fromkeys((".arrow", ".feather"), "arrow"),
}
UNFINISHED = "unfinished"
FAIL, NULL, REPORT = "fail", "null", "report"  # what to do with invalid rows of a file


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
            files = sorted(each for each in path.iterdir() if is_table(each) and not each.name.startswith((".", "_")))
        else:
            files = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(source, recursive=True))]
        if not files:
            raise UnreadableSource(f"{source}: no such file")
        found += files
    for path in found:
        if not is_table(path):
            raise UnreadableSource(f"{path}: only {', '.join(KINDS)} are read")
    return list(dict.fromkeys(found))


def is_file(path: Path) -> bool:
    """Tell whether a path has the name of a file that is written, not of a folder."""
    return path.name.endswith(tuple(WRITTEN))


def is_table(path: Path) -> bool:
    """Tell whether a path has the name of a file that is read."""
    return path.name.endswith(tuple(KINDS))


def result_name(path: Path) -> str:
    """Return the name of a file's result in a folder."""
    return path.name if is_file(path) else f"{path.name}.csv"


def kind_of(path: Path) -> str:
    """Return a file's kind by its name; CSV by default."""
    return next((kind for end, kind in KINDS.items() if path.name.endswith(end)), "csv")


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


def replace_header(path: Path, columns: Sequence[str]) -> None:
    """Give a CSV file other names of its columns."""
    new = path.with_name(f"{path.name}.renamed{path.suffix}")
    try:
        with opened(path, "rb") as old, opened(new, "wb") as file:
            old.readline()
            file.write(csv_of([columns]).removesuffix(b"\r\n") + b"\n")
            shutil.copyfileobj(old, file)
        new.replace(path)
    finally:
        remove(new)
