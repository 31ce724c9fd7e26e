"""Tables scored by a join in an engine; invalid rows stop the run, stay empty or go to a report."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import islice, product
from pathlib import Path
from typing import Any

import ibis

from glassform.engines import on_duckdb, on_spark
from glassform.engines.dialects import DUCKDB, MASTER, SPARK
from glassform.engines.engine import (
    ROWS_AT_A_TIME,
    Engine,
    EngineError,
    Source,
    engine_errors,
    first_lines,
    refuse_hollow,
    refuse_unplain,
)
from glassform.engines.files import (
    FAIL,
    NULL,
    REPORT,
    UnreadableSource,
    find,
    is_file,
    kind_of,
    result_name,
    unfinished,
)
from glassform.engines.reasons import hidden_columns, with_reasons
from glassform.engines.sql import ROW, Scoring
from glassform.files import csv_of, harmless
from glassform.fitted.additive import Additive
from glassform.fitted.reasons import Reasons
from glassform.records.field import Value
from glassform.records.headers import fields_of, header_errors
from glassform.records.messages import InvalidRecord, told
from glassform.records.values import in_cell

WRONG = "a row is invalid"  # the message that an engine is made to raise
ERROR = "error"  # the column of a report that says what is wrong
MOST_SHOWN = 10  # invalid rows described before giving up
MOST_UNKNOWN = 1_000_000  # distinct values of a column that are looked at
Write = Callable[[str], int | None]  # runs a query and keeps its result; returns the rows, if counted


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
            return on_spark.connect(master) if name == SPARK.name else Engine(matching(ibis.connect(name)))
        except (ImportError, ValueError) as error:  # no such engine, or no driver for it here
            raise EngineError(first_lines(error)) from error


def matching(connection: Any) -> Any:
    """Return a connection of Ibis that knows regular expressions; SQLite leaves them to who connects to it."""
    if connection.name == "sqlite":
        connection.con.create_function("regexp", 2, matches, deterministic=True)
    return connection


def matches(pattern: str, text: str | None) -> bool:
    """Tell whether a text matches a regular expression, as SQLite's REGEXP asks."""
    return text is not None and re.search(pattern, str(text)) is not None


class WrongRows(ValueError):
    """Invalid rows."""


@dataclass(frozen=True)
class Task:
    """A scoring job: the model, the engine, and what happens to invalid rows.

    `on_error` is `fail`, `null` (the row stays without a probability) or `report` (it goes to a file). `into_csv`
    tells whether the result is a CSV file, whose cells have to be harmless. `reasons` are those to add, if any.
    """

    card: Additive
    engine: Engine
    on_error: str = FAIL
    explain: bool = False
    encoding: str | None = None
    into_csv: bool = False
    reasons: Reasons | None = None

    @property
    def added(self) -> list[str]:
        """The columns that scoring adds."""
        return [*self.card.columns_added(self.explain), *(self.reasons.columns if self.reasons else [])]

    def query(self, scoring: Scoring, source: Source, only_records: bool, stop: tuple[str, str] | None) -> str:
        """Return the query that scores a table, and adds reasons if any are wanted."""
        if self.reasons is None:
            return scoring.text(scoring.scored(self.explain, only_records, stop))
        columns = [harmless(column) if scoring.in_csv else column for column in source.columns]
        return scoring.text(with_reasons(scoring, self.reasons, self.explain, only_records, stop, columns))

    def scoring(self, source: Source) -> Scoring:
        """Return the join of the points to a table.

        Raises
        ------
        UnreadableSource
            If a field that is used has no column or two, or a column has the name of an added one.
        """
        schema = self.card.schema
        cut = {self.engine.dialect.cut(field.column): field.column for field in schema.fields}
        named = [column if column in schema.names else cut.get(column, column) for column in source.named]
        fields = fields_of(named, schema)
        if errors := header_errors(named, fields, self.card.used):
            said = [told(error.field, error.message) for error in errors if error.value is not None]
            missing = [error.field for error in errors if error.value is None]
            said += [f"there is no column {', '.join(missing)}"] if missing else []
            raise UnreadableSource("; ".join(said))
        columns = {
            name: column for name, column in zip(fields, source.columns, strict=True) if name in self.card.used
        }
        # engines ignore the case of names
        lower = {column.lower(): column for column in source.columns}
        if taken := [*lower.keys() & {*self.added, ROW, ERROR}]:
            raise UnreadableSource(f"{lower[min(taken)]} is the name of an added column; rename yours")
        if self.reasons and (taken := [*lower.keys() & {*hidden_columns(self.reasons)}]):
            raise UnreadableSource(f"{lower[min(taken)]} is a reserved name; rename your column")
        texts, booleans, reals = (
            frozenset(name for name, column in columns.items() if column in kind)
            for kind in (source.texts, source.booleans, source.reals)
        )
        looks_up = self.engine.embedded
        return Scoring(
            self.card,
            self.engine.dialect,
            source.table,
            columns,
            texts=texts,
            booleans=booleans,
            reals=reals,
            typed=True,
            looks_up=looks_up,
            decimal_comma=source.decimal_comma,
            in_csv=[(column, column in source.texts) for column in source.columns] if self.into_csv else (),
        )

    def run(self, source: Source, write: Write, report: Path | None) -> tuple[int | None, int]:
        """Score a table; return the rows written, if counted, and the number of invalid ones.

        Valid tables are read once: the query stops at the first row it does not know.
        Only then are its values looked at; the schema may know another spelling, such as 039.

        Raises
        ------
        WrongRows
            If there are any, and `on_error` is `fail`.
        """
        scoring = self.scoring(source)
        if all(field.missing for field in self.card.schema.used):
            refuse_hollow(source)  # for such rows would be valid ones
        done, count = self.attempt(scoring, source, write)
        wrong = 0
        if not done:
            refuse_unplain(source)
            refuse_hollow(source)
            scoring = replace(scoring, spellings={name: self.spellings(scoring, name) for name in self.card.points})
            ((wrong,),) = (row.values() for row in self.engine.rows(scoring.text(scoring.how_many_wrong())))
            if wrong and self.on_error == FAIL:
                raise WrongRows("\n".join(self.complaints(scoring, wrong)))
        if report:
            self.write_report(scoring, source, report, any_wrong=bool(wrong))
        if not done:
            count = write(self.query(scoring, source, self.on_error == REPORT, None))
        return count, wrong

    def attempt(self, scoring: Scoring, source: Source, write: Write) -> tuple[bool, int | None]:
        """Score a table unless a row is invalid; return whether it was done, and the rows written."""
        if not self.engine.dialect.raises:
            return False, None
        try:
            return True, write(self.query(scoring, source, False, (self.engine.dialect.raises, WRONG)))
        except EngineError as error:
            if WRONG not in str(error):
                raise
            return False, None

    def spellings(self, scoring: Scoring, name: str) -> dict[Value, Value]:
        """Return other spellings of a column's values with their meanings."""
        field = self.card.schema.by_name[name]
        if not (scoring.is_text(name) or field.categories):
            return {}
        found: dict[Value, Value] = {}
        for row in islice(self.engine.rows(scoring.text(scoring.unknown(name))), MOST_UNKNOWN):
            text = text_of(row["value"])
            cell = in_cell(field, text, scoring.decimal_comma)
            try:
                found[text] = self.card.schema.read_fields({**self.typical, name: cell}.items(), hints=False)[name]
            except InvalidRecord:
                continue
        return found

    @cached_property
    def typical(self) -> dict[str, str]:
        """A valid record, as text."""
        return {name: str(value) for name, value in self.card.typical.items()}

    def wrong_rows(self, scoring: Scoring) -> Iterator[tuple[dict[str, Any], str]]:
        """Return every invalid row and its errors, numbered if the engine keeps the order."""
        schema, query = self.card.schema, scoring.wrong(numbered=self.engine.embedded)
        for row in self.engine.rows(scoring.text(query)):
            pairs = [(field.name, self.typical[field.name]) for field in schema.unused]  # which are not read
            pairs += [
                (name, in_cell(schema.by_name[name], text_of(row[column]), scoring.decimal_comma))
                for name, column in scoring.columns.items()
            ]
            try:
                schema.read_fields(pairs)
                yield row, "is invalid to the engine"
            except InvalidRecord as invalid:
                yield row, "; ".join(told(error.field, error.message) for error in invalid.errors)

    def complaints(self, scoring: Scoring, wrong: int) -> Iterator[str]:
        """Describe the first invalid rows and their number."""
        for row, message in islice(self.wrong_rows(scoring), MOST_SHOWN):
            yield f"row {row[ROW]}: {message}" if ROW in row else message
        rows = "1 row is invalid" if wrong == 1 else f"{wrong:,} rows are invalid"
        choice = "--on-error null to leave them empty, or --on-error report FILE to list them"
        yield f"{rows}; nothing was written. Use {choice}"

    def write_report(self, scoring: Scoring, source: Source, path: Path, any_wrong: bool) -> None:
        """Write invalid rows, each with its number and errors."""
        columns = [*([ROW] if self.engine.embedded else []), *source.columns, ERROR]
        rows = ([row.get(name) for name in columns[:-1]] + [message] for row, message in self.wrong_rows(scoring))
        with unfinished(path) as new, new.open("wb") as file:
            file.write(csv_of([[*columns[: -len(source.columns) - 1], *source.named, ERROR]]))
            while any_wrong and (several := list(islice(rows, ROWS_AT_A_TIME))):
                file.write(csv_of(several))


def text_of(value: Any) -> str:
    """Return a table's value as a form would send it: 39.0 as 39, None as empty."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def score_sources(task: Task, sources: Sequence[str], destination: str, report: Path | None) -> None:
    """Score files, or a table of a database, as the engine has them.

    Raises
    ------
    UnreadableSource
        If a source is no table.
    WrongRows
        If a row is invalid and `on_error` is `fail`.
    """
    if task.engine.reads_files:
        score_files(task, find(sources), Path(destination), report)
    else:
        task.engine.ask(sources, None, partial(score_table, task, destination=destination, report=report))


JOURNAL = ".glassform.json"  # in a folder of results: the source of each


def score_files(task: Task, paths: Sequence[Path], destination: Path, report: Path | None) -> None:
    """Score files into one file, or each into a folder, skipping those that are done.

    Raises
    ------
    UnreadableSource
        If a file would overwrite itself, or two would get the same name.
    """
    targets = [target for target in (destination, report) if target]
    for target, path in product(targets, paths):
        if path.resolve() in (target.resolve(), target.resolve() / result_name(path)):
            raise UnreadableSource(f"{target} would overwrite the source {path}")
    if report and report.resolve() == destination.resolve():
        raise UnreadableSource("the report would overwrite the result")
    if is_file(destination) or not task.engine.embedded:
        for path in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
        kind = kind_of(destination) if is_file(destination) else kind_of(Path(result_name(paths[0])))
        score_one(task, paths, destination, kind, report)
        return
    if len({path.name for path in paths}) < len(paths):
        raise UnreadableSource("two of the files have the same name and would overwrite each other in the folder")
    for folder in filter(None, (destination, report)):
        folder.mkdir(parents=True, exist_ok=True)
    journal = destination / JOURNAL
    done = read_journal(journal)
    for path in paths:
        made_from = [*fingerprint(task, path), str(report)]
        if done.get(path.name) == made_from and (destination / result_name(path)).exists():
            say(f"{path} is done already")
            continue
        target = destination / result_name(path)
        score_one(task, [path], target, kind_of(target), report and report / f"{path.name}.csv")
        done[path.name] = made_from
        with unfinished(journal) as new:
            new.write_text(json.dumps(done, indent=1))


def read_journal(path: Path) -> dict[str, Any]:
    """Return the finished files of a folder; empty, if the journal is unreadable."""
    try:
        done = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return done if isinstance(done, dict) else {}


def fingerprint(task: Task, path: Path) -> list[Any]:
    """Return everything a result depends on."""
    state = path.stat()
    reasons = [asdict(task.reasons.wanted)] if task.reasons else []
    facts = [task.card.version, task.on_error, task.explain, *reasons]
    return [*facts, str(path.resolve()), state.st_size, state.st_mtime_ns]


def score_one(task: Task, paths: Sequence[Path], destination: Path, kind: str, report: Path | None) -> None:
    """Score files into one and say so."""
    begin = time.perf_counter()

    def work(source: Source) -> tuple[int | None, int]:
        header = () if list(source.named) == source.columns else (*source.named, *task.added)
        like = paths[0] if kind == kind_of(paths[0]) == "parquet" else None
        write = partial(task.engine.write, path=destination, kind=kind, source=source, header=header, like=like)
        return replace(task, into_csv=kind == "csv").run(source, write, report)

    try:
        count, wrong = task.engine.ask_files(paths, task.encoding, work)
    except WrongRows as wrong_rows:
        raise WrongRows(f"{paths[0]}{' and others' if len(paths) > 1 else ''}\n{wrong_rows}") from wrong_rows
    seconds = time.perf_counter() - begin
    rows = "" if count is None else f": {count:,} rows"
    speed = "" if count is None else f", {count / seconds:,.0f} rows/s"
    say(f"{destination}{rows} in {seconds:.1f} s{speed}{told_of(wrong, task.on_error)}")


def told_of(wrong: int, on_error: str) -> str:
    """Say what happened to invalid rows."""
    became = "left empty" if on_error == NULL else "reported"
    return f"; {wrong:,} invalid, {became}" if wrong else ""


def say(text: str) -> None:
    """Print to standard error, so that standard output stays clean."""
    print(text, file=sys.stderr, flush=True)


def score_table(task: Task, source: Source, destination: str, report: Path | None) -> None:
    """Score a database table into a new one beside it.

    Raises
    ------
    UnreadableSource
        If the new table exists already.
    """
    if task.engine.has(destination):
        raise UnreadableSource(f"there is a table {destination} already; it is kept")
    begin = time.perf_counter()
    _, wrong = task.run(source, partial(task.engine.create, table=destination), report)
    say(f"{destination} in {time.perf_counter() - begin:.1f} s{told_of(wrong, task.on_error)}")
