"""Tables scored by a join in an engine, one after another: invalid rows told, left empty or reported."""

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

from glassform.engines.engine import Engine, EngineError, Source
from glassform.engines.files import UnreadableSource, is_file, kind_of, unfinished
from glassform.engines.sql import ROW, Scoring
from glassform.fitted.additive import Additive
from glassform.records.field import Value
from glassform.records.messages import InvalidRecord

FAIL, NULL, REPORT = "fail", "null", "report"
WRONG = "a row is no record"  # what an engine is made to say
ERROR = "error"  # the column of a report that says what is wrong
MOST_SHOWN = 10  # wrong rows told of before giving up
MOST_UNKNOWN = 1_000_000  # different values of one column that are looked at
Write = Callable[[str], int | None]  # runs a query and keeps the answer; returns its rows, if they were counted


class WrongRows(ValueError):
    """Rows that are no records."""


@dataclass(frozen=True)
class Task:
    """How tables are scored: with which model, in which engine, and what becomes of rows that are no records.

    `on_error` is `fail`, `null` (the row stays, without a probability) or `report` (it goes to a file of its own).
    """

    card: Additive
    engine: Engine
    on_error: str = FAIL
    explain: bool = False

    def scoring(self, source: Source) -> Scoring:
        """Return the join of the points to a table.

        Raises
        ------
        UnreadableSource
            If a field has no column, or two, or a column has the name of one that is added.
        """
        columns: dict[str, str] = {}
        for column in source.columns:
            name = self.card.schema.names.get(column)
            if name in columns:
                raise UnreadableSource(f"the columns {columns[name]} and {column} are the same field, {name}")
            if name is not None:
                columns[name] = column
        if missing := [name for name in self.card.points if name not in columns]:
            raise UnreadableSource(f"there is no column {', '.join(missing)}")
        # engines do not tell capitals from small letters
        added = {*self.card.columns_added(self.explain), ROW, ERROR}
        if taken := [column for column in source.columns if column.lower() in added]:
            raise UnreadableSource(f"{taken[0]} is a name that is added; rename that column")
        texts = frozenset(name for name, column in columns.items() if column in source.texts)
        looks_up = self.engine.embedded
        return Scoring(
            self.card, self.engine.dialect, source.table, columns, texts=texts, typed=True, looks_up=looks_up
        )

    def run(self, source: Source, write: Write, report: Path | None) -> tuple[int | None, int]:
        """Score a table; return how many rows were written, if they were counted, and how many were wrong.

        Good tables are read once: the answer is written by a query that stops at the first row it does not know.
        Only then is it asked what those values are; the schema may know another spelling, such as 039.

        Raises
        ------
        WrongRows
            If there are any, and they are neither to be left empty nor to be reported.
        """
        scoring = self.scoring(source)
        done, count = self.attempt(scoring, write)
        wrong = 0
        if not done:
            scoring = replace(scoring, spellings={name: self.spellings(scoring, name) for name in self.card.points})
            ((wrong,),) = (row.values() for row in self.engine.rows(scoring.text(scoring.how_many_wrong())))
            if wrong and self.on_error == FAIL:
                raise WrongRows("\n".join(self.complaints(scoring, wrong)))
        if report:
            self.write_report(scoring, source, report, any_wrong=bool(wrong))
        if not done:
            count = write(scoring.text(scoring.scored(self.explain, only_records=self.on_error == REPORT)))
        return count, wrong

    def attempt(self, scoring: Scoring, write: Write) -> tuple[bool, int | None]:
        """Score a table unless a row is wrong; return whether that was done, and how many rows were written."""
        if not self.engine.dialect.raises:
            return False, None
        try:
            return True, write(scoring.text(scoring.scored(self.explain, stop=(self.engine.dialect.raises, WRONG))))
        except EngineError as error:
            if WRONG not in str(error):
                raise
            return False, None

    def spellings(self, scoring: Scoring, name: str) -> dict[Value, Value]:
        """Return the values of a column that the schema knows and the points do not, with what they stand for."""
        if name not in scoring.texts:
            return {}
        found: dict[Value, Value] = {}
        for row in islice(self.engine.rows(scoring.text(scoring.unknown(name))), MOST_UNKNOWN):
            text = text_of(row["value"])
            try:
                found[text] = self.card.schema.read_fields({**self.typical, name: text}.items(), hints=False)[name]
            except InvalidRecord:
                continue
        return found

    @cached_property
    def typical(self) -> dict[str, str]:
        """A good record, as texts."""
        return {name: str(value) for name, value in self.card.typical.items()}

    def wrong_rows(self, scoring: Scoring) -> Iterator[tuple[dict[str, Any], str]]:
        """Return every row that is no record, and what is wrong with it; its number is there if the order is kept."""
        schema, query = self.card.schema, scoring.wrong(numbered=self.engine.embedded)
        for row in self.engine.rows(scoring.text(query)):
            pairs = [(name, text_of(row[column])) for name, column in scoring.columns.items()]
            try:
                schema.read_fields(pairs)
                yield row, "is no record to the engine"
            except InvalidRecord as invalid:
                yield row, "; ".join(f"{error.field} {error.message}".strip() for error in invalid.errors)

    def complaints(self, scoring: Scoring, wrong: int) -> Iterator[str]:
        """Say what is wrong with the first rows, and how many there are."""
        for row, message in islice(self.wrong_rows(scoring), MOST_SHOWN):
            yield f"row {row[ROW]}: {message}" if ROW in row else message
        rows = "1 row is no record" if wrong == 1 else f"{wrong:,} rows are no records"
        yield f"{rows}; nothing was written. --on-error null leaves them empty, --on-error report FILE sorts them out"

    def write_report(self, scoring: Scoring, source: Source, path: Path, any_wrong: bool) -> None:
        """Write the rows that are no records, as they are, with their number and what is wrong."""
        columns = [*([ROW] if self.engine.embedded else []), *source.columns, ERROR]
        with unfinished(path) as new, new.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            if any_wrong:
                writer.writerows(row | {ERROR: message} for row, message in self.wrong_rows(scoring))


def text_of(value: Any) -> str:
    """Return a value of a table as the form would send it: a whole number without a point, nothing as empty."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


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
