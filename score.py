"""Score a table of any size in an SQL engine: `python score.py people.csv scored.csv`."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from glassform.engines.dialects import DIALECTS, DUCKDB, MASTER
from glassform.engines.files import FAIL, KINDS, NULL, REPORT, UnreadableSource
from glassform.engines.reasons import statement_with_reasons
from glassform.engines.sql import statement
from glassform.files import print_any_text, print_exactly, reason_and_file
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.fitted.reasons import DIRECTIONS, REFERENCES, THRESHOLD, NoReasons, Reasons, Wanted, read_threshold
from glassform.programs import command_line, extra, how_to
from glassform.settings import ARTIFACTS
from glassform.versions.manifest import UnknownVersion
from glassform.versions.registry import further, registry_of

ENGINES = ("ibis", "duckdb")  # what only an extra brings; the command line and the SQL need none of it


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line(
        "Add the probability to every row of a table, through an SQL engine.",
        "With an engine given by URL, SOURCE and DESTINATION are names of tables there.",
    )
    add = parser.add_argument
    add("paths", nargs="*", metavar="SOURCE ... DESTINATION", help=f"files, patterns, folders ({', '.join(KINDS)})")
    add("--engine", default=DUCKDB.name, help="duckdb (in this process), spark, or an Ibis connection URL")
    add("--master", default=MASTER, help="where Spark runs, such as local[*] or spark://host:7077")
    add("--on-error", choices=[FAIL, NULL, f"{REPORT} FILE"], default=FAIL, help="what to do with invalid rows")
    add("--report", help=argparse.SUPPRESS)
    add("--encoding", help="of CSV files, if it is not UTF-8 or UTF-16, such as windows-1252")
    add("--explain", action="store_true", help="add log-odds, intercept, the points of every field and pair")
    add("--reasons", type=int, metavar="N", help="add the codes of the N fields that count most")
    add("--against", choices=REFERENCES, help="what reasons are counted against")
    add("--direction", choices=DIRECTIONS, help="reasons that lower the answer, or raise it")
    add("--threshold", type=threshold, help="the probability of the reference, against a threshold")
    add("--artifacts", type=Path, default=ARTIFACTS, help="folder of the model's versions")
    add("--table", default="", type=further, help="another table than the default one")
    add("--model", metavar="VERSION", help="another version than the current one")
    add("--sql", action="store_true", help="print the model as one SELECT instead")
    add("--dialect", choices=DIALECTS, default=DUCKDB.name, help="SQL dialect")
    # argparse has no choice that takes a value
    words = list(given)
    for place in range(len(words)):
        if words[place : place + 2] == ["--on-error", REPORT]:
            words[place : place + 2] = ["--report"]
            if not words[place + 1 :] or words[place + 1].startswith("--"):
                parser.error(f"argument --on-error: {REPORT} needs a FILE")
    options = parser.parse_args(words)
    if not options.sql and len(options.paths) < 2:
        parser.error("a source and a destination are needed")
    if idle := idle_option(options):
        parser.error(idle)
    return options


def threshold(text: str) -> float:
    """Read a threshold.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    try:
        return read_threshold(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def idle_option(options: argparse.Namespace) -> str:
    """Say which option would change nothing; empty, if each of them counts."""
    for name in ("against", "direction", "threshold"):
        if options.reasons is None and getattr(options, name) is not None:
            return f"--{name} goes with --reasons only"
    if options.threshold is not None and options.against != THRESHOLD:
        return f"--threshold goes with --against {THRESHOLD} only"
    return ""


def score(card: Additive, options: argparse.Namespace) -> None:
    """Run in an engine what the command line asks for; end with what is wrong with its rows."""
    # late: who asks for help or for SQL needs no engine
    from glassform.engines.engine import EngineError
    from glassform.engines.scoring import Task, WrongRows, connect, score_sources

    report = Path(options.report) if options.report else None
    on_error = REPORT if report else options.on_error
    *sources, destination = options.paths
    reasons = reasons_of(card, options)
    try:
        with closing(connect(options.engine, options.master)) as engine:
            task = Task(card, engine, on_error, options.explain, options.encoding, reasons=reasons)
            score_sources(task, sources, destination, report)
    except (EngineError, WrongRows) as error:
        sys.exit(str(error))


def table_of_points(card: Fitted) -> Additive:
    """Return the model, if an engine can compute it.

    Raises
    ------
    UnreadableArtifact
        If it is of another kind.
    """
    if not isinstance(card, Additive):
        raise UnreadableArtifact(
            f"the model of {card.schema.name} is not one table of points, so no engine computes it"
        )
    return card


def reasons_of(card: Additive, options: argparse.Namespace) -> Reasons | None:
    """Return the reasons that the command line asks for, if any; end if the model has none like that."""
    if options.reasons is None:
        return None
    asked = {name: getattr(options, name) for name in ("against", "direction", "threshold")}
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        return Reasons.of(card, Wanted(options.reasons, **given))
    except NoReasons as error:
        sys.exit(f"--{error}")


def main(given: Sequence[str] | None = None) -> None:
    """Score from the command line."""
    print_any_text()
    options = arguments(sys.argv[1:] if given is None else given)
    missing = [name for name in ENGINES if find_spec(name) is None]
    if missing and not options.sql:
        sys.exit(f"{how_to('score')} needs {' and '.join(missing)}: install {extra('engines')}.")
    try:
        card = table_of_points(registry_of(options.artifacts, options.table).load(options.model))
        if options.sql:
            reasons, dialect = reasons_of(card, options), DIALECTS[options.dialect]
            print_exactly(
                statement_with_reasons(card, dialect, reasons, options.explain)
                if reasons
                else statement(card, dialect, options.explain)
            )
        else:
            score(card, options)
    except (UnknownVersion, UnreadableArtifact, UnreadableSource, OSError) as error:
        sys.exit(reason_and_file(error))
    except KeyboardInterrupt:
        sys.exit("Stopped; nothing was written.")


if __name__ == "__main__":
    main()
