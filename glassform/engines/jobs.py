"""Files and tables scored one after another, and a job taken up where it stopped."""

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from glassform.engines.engine import Source
from glassform.engines.failures import UnreadableSource
from glassform.engines.files import is_file, kind_of, unfinished
from glassform.engines.scoring import NULL, Task, WrongRows

JOURNAL = ".glassform.json"  # in a folder of results: what each was made from


def score_files(task: Task, paths: Sequence[Path], destination: Path, report: Path | None) -> None:
    """Score files into one file, or each into a folder, where those done before are passed over.

    Raises
    ------
    UnreadableSource
        If a file would be written over itself, or two get the same name.
    """
    targets = [destination.resolve(), *([report.resolve()] if report else [])]
    if any(path.resolve() in (target, target / path.name) for path in paths for target in targets):
        raise UnreadableSource(f"{destination} or the report would be written over what is read")
    if len({*targets}) < len(targets):
        raise UnreadableSource("the report would be written over the result")
    if is_file(destination) or not task.engine.embedded:
        for path in filter(None, (destination, report)):
            path.parent.mkdir(parents=True, exist_ok=True)
        kind = kind_of(destination) if is_file(destination) else kind_of(paths[0])
        score_one(task, paths, destination, kind, report)
        return
    if len({path.name for path in paths}) < len(paths):
        raise UnreadableSource("two of the files have the same name, and would have the same in the folder")
    for folder in filter(None, (destination, report)):
        folder.mkdir(parents=True, exist_ok=True)
    journal = destination / JOURNAL
    done = read_journal(journal)
    for path in paths:
        made_from = [*fingerprint(task, path), str(report)]
        if done.get(path.name) == made_from and (destination / path.name).exists():
            say(f"{path} was done before")
            continue
        score_one(task, [path], destination / path.name, kind_of(path), report and report / f"{path.name}.csv")
        done[path.name] = made_from
        with unfinished(journal) as new:
            new.write_text(json.dumps(done, indent=1))


def read_journal(path: Path) -> dict[str, Any]:
    """Return what was done before: nothing, if that cannot be read."""
    try:
        done = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return done if isinstance(done, dict) else {}


def fingerprint(task: Task, path: Path) -> list[Any]:
    """Return what a result depends on."""
    state = path.stat()
    return [task.card.version, task.on_error, task.explain, str(path.resolve()), state.st_size, state.st_mtime_ns]


def score_one(task: Task, paths: Sequence[Path], destination: Path, kind: str, report: Path | None) -> None:
    """Score files into one, and tell of it."""
    begin = time.perf_counter()
    source = task.engine.read(paths)
    try:
        count, wrong = task.run(source, partial(task.engine.write, path=destination, kind=kind), report)
    except WrongRows as wrong_rows:
        raise WrongRows(f"{paths[0]}{' and others' if len(paths) > 1 else ''}\n{wrong_rows}") from wrong_rows
    seconds = time.perf_counter() - begin
    rows = "" if count is None else f": {count:,} rows"
    speed = "" if count is None else f", {count / seconds:,.0f} rows/s"
    say(f"{destination}{rows} in {seconds:.1f} s{speed}{told_of(wrong, task.on_error)}")


def told_of(wrong: int, on_error: str) -> str:
    """Say what became of wrong rows."""
    became = "left empty" if on_error == NULL else "reported"
    return f"; {wrong:,} no records, {became}" if wrong else ""


def say(text: str) -> None:
    """Tell whoever started this; what is piped on stays clean."""
    print(text, file=sys.stderr, flush=True)


def score_table(task: Task, source: Source, destination: str, report: Path | None) -> None:
    """Score a table of a database into a new one beside it.

    Raises
    ------
    UnreadableSource
        If there is a table of the new one's name.
    """
    if task.engine.has(destination):
        raise UnreadableSource(f"there is a table {destination}, and it is kept")
    begin = time.perf_counter()
    _, wrong = task.run(source, partial(task.engine.create, table=destination), report)
    say(f"{destination} in {time.perf_counter() - begin:.1f} s{told_of(wrong, task.on_error)}")
