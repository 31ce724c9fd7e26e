"""The command line of `python model.py`: its options and its report."""

import argparse
import io
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from glassform.analysis.intervals import SMALLEST_GROUP, presentable
from glassform.analysis.verdict import beside_an_opaque_model, beside_straight_lines
from glassform.describing.columns import Undescribable
from glassform.describing.files import add, table_name
from glassform.fitted.base import Fitted
from glassform.learning.measures import MEASURES
from glassform.programs import command_line, how_to, is_run_as
from glassform.records.schema import Schema
from glassform.settings import ADDED, ARTIFACTS, PACKAGE
from glassform.versions.listing import account, account_beside
from glassform.versions.manifest import passes
from glassform.versions.registry import Registry, default_name, further, untrained

QUERY = "model"  # the parameter of a query that names a version
APART = ".unfinished-"  # how the name of a folder begins whose table is not trained yet
NAMES = {"roc_auc": "AUC", "brier_score": "Brier score", "r2": "R2"}  # of what rules of shape may cost
TOO_GOOD = 0.999  # of ROC AUC or R²
TOO_GOOD_WARNING = "\n\nIt predicts nearly every row: does a column copy the outcome, or become known only after it?"


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a step's title and, at its end, the seconds that it took."""
    print(f"{title} ... ", end="", flush=True)
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:.1f} s", flush=True)


class WholeLines(io.TextIOBase):
    """Print whole lines only, each after a name: two processes may print at once."""

    def __init__(self, name: str, into: TextIO) -> None:
        self.name, self.into, self.begun = name, into, ""

    def write(self, text: str) -> int:
        """Print the lines that are whole, and keep what is begun."""
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            if line.strip():
                self.into.write(f"{self.name}: {line}\n")
        self.into.flush()
        return len(text)


@contextmanager
def line_by_line(package: Path) -> Iterator[None]:
    """Print whole lines only, each after the name of a table."""
    with redirect_stdout(WholeLines(Schema.from_file(package).name, sys.stdout)):
        yield


def report(card: Fitted) -> str:
    """Return the evaluation as text to read."""
    schema, evaluation, measures = card.schema, presentable(card.evaluation), MEASURES[card.schema.task]
    groups = {"everyone": evaluation} | {
        f"{field.title}: {field.title_of(category)}": measured
        for field in schema.groups
        for category, measured in evaluation["groups"][field.name].items()
    }
    measured = [measured | {"group": title} for title, measured in groups.items()]
    table = pd.DataFrame(measured, columns=["group", "rows", *measures.reported]).replace({None: float("nan")})
    layout: Any = {"index": False, "float_format": measures.float_format, "na_rep": "-"}
    said_of_others = compared_with_others(evaluation) + cost_of_rules(evaluation)
    warning = TOO_GOOD_WARNING if (evaluation[measures.best_is_one] or 0.0) > TOO_GOOD else ""
    unused = f" without {', '.join(field.name for field in schema.unused)}" * bool(schema.unused)
    return f"""
{schema.own["question"]}
Model {schema.name} {card.version}{unused}, evaluated on {evaluation["rows"]:,} rows it has not seen.

{table.rename(columns={"largest_calibration_gap": "largest_gap"}).to_string(**layout)}

{measures.groups_title}
{groups_as_text(evaluation["calibration"], layout)}

{measures.last_line(card.training, evaluation)}{warning}{said_of_others}""".rstrip()


def compared_with_others(evaluation: dict[str, Any]) -> str:
    """Return the comparison with an opaque model and with straight lines; none, if the model is opaque itself."""
    rivals = evaluation.get("rivals")
    if not rivals:
        return ""
    said = f"{beside_an_opaque_model(rivals)} {beside_straight_lines(rivals)}"
    return f"\n\nBy {rivals['folds']}-fold cross-validation of the {rivals['rows']:,} training rows:\n{said}"


def cost_of_rules(evaluation: dict[str, Any]) -> str:
    """Return what the rules of shape cost on the test rows; nothing, if there are none."""
    free = evaluation.get("without_rules")
    if not free:
        return ""
    costs = [
        f"{NAMES[name]} {evaluation[name]:.4f}, and {free[name]:.4f} without them"
        for name in NAMES
        if free.get(name) is not None
    ]
    return f"\n\nWhat the rules of shape cost: {'; '.join(costs)}."


def groups_as_text(groups: list[dict[str, Any]], layout: dict[str, Any]) -> str:
    """Return the groups of a calibration as a table."""
    if not groups:
        return f"Too few rows: a group has at least {SMALLEST_GROUP}."
    table = pd.DataFrame(groups)
    table.insert(0, "group", range(1, len(table) + 1))
    return str(table.to_string(**layout))


def verdict(
    registry: Registry,
    version: str,
    table: str = "",
    promote: bool | None = None,
    useless: str = "",
    brief: bool = False,
) -> str:
    """Return as text how a version compares with the one before it, and whether it is current or why not.

    `useless` says why it should not be; a `brief` text has no figures by group.
    """
    manifest = registry.manifest()
    found, comparison = manifest.versions[version], manifest.versions[version].comparison
    if found.without and manifest.current != version:
        beside = ["", account_beside(found.beside, by_group=not brief)] if found.beside else []
        return "\n".join([*beside, "", f"Version {version} is saved; it answers at ?{QUERY}={version}."])
    lines = ["", account(comparison)] if comparison else []
    if manifest.current == version:
        return "\n".join([*lines, "", f"Version {version} is the current one{', though ' * bool(useless)}{useless}."])
    reason = useless or ("it existed before" if passes(comparison) else "it does not pass all gates")
    if promote is False:
        reason = "--no-promote was given"
    current = f"version {manifest.current} stays current" if manifest.current else "no version is current"
    return "\n".join(
        [
            *lines,
            "",
            f"Version {version} is saved, but {current}: {reason}. To promote it:",
            f"{how_to('versions')}{f' --table {table}' if table else ''} promote {version}",
        ]
    )


def names_of(text: str) -> list[str]:
    """Read names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def missing_siblings(card: Fitted, registry: Registry) -> list[list[str]]:
    """Return the fields left out by each sibling that a description names and that is not beside this version yet."""
    manifest = registry.manifest()
    if manifest.current != card.version:
        return []
    there = [
        {*each.without} for each in manifest.siblings.values() if each.beside and each.beside.other == card.version
    ]
    named: list[list[str]] = card.schema.own.get("siblings", [])
    return [columns for columns in named if {card.schema.names[each] for each in columns} not in there]


def parse_options(estimators: Iterable[str]) -> argparse.Namespace:
    """Read the command line; `estimators` are the names that --estimator accepts."""
    adds, about = is_run_as("add"), "describe a table of your own, and train its model"
    parser = command_line(f"{about.capitalize()}." if adds else "Train the model and print how good it is.")
    option = parser.add_argument
    option("add" if adds else "--add", type=Path, metavar="CSV", help="the file of the table" if adds else about)
    option("--encoding", help="of CSV files, if it is not UTF-8 or UTF-16, such as windows-1252")
    option("--target", required=adds, help="the column to predict")
    option("--positive", metavar="CLASS", help="which of two classes is the positive one (default: by their meaning)")
    option("--noun", help="word for a row, such as flower or mouse/mice (default: case)")
    option("--name", help="name of the table (default: the file's name)")
    option("--estimator", choices=sorted(estimators), help="logistic for classes, linear for numbers")
    option(
        "--table",
        nargs="+",
        default=[],
        type=further,
        help="train further tables, by name (default: those without a model)",
    )
    option("--data", type=Path, help="the folder of the tables' descriptions")
    option("--package", type=Path, help="the data package that describes the table")
    option("--artifacts", type=Path, default=ARTIFACTS, help="the folder to save the version in")
    option(
        "--promote",
        action=argparse.BooleanOptionalAction,
        help="serve the new version always, or never (default: if it passes the gates)",
    )
    option(
        "--without",
        action="append",
        default=[],
        type=names_of,
        metavar="FIELDS",
        help="fit a version beside the current one that does not use these fields (names, with commas between)",
    )
    option("--alone", action="store_true", help="leave out the versions that the description names under siblings")
    option(
        "--brief", action="store_true", help="print no report, and whole lines only, each after the name of its table"
    )
    option("--from", nargs="+", dest="sources", metavar="SOURCE", help="files or folders with the training rows")
    option("--engine", default="duckdb", help="engine that counts the rows: duckdb, spark or an Ibis URL")
    option("--master", default="local[*]", help="Spark's master URL")
    options = parser.parse_args()
    if bool(options.add) != bool(options.target):
        parser.error("--add and --target go together")
    if options.without and options.add:
        parser.error("--without and --add do not go together: add the table first")
    if options.positive is not None and not options.add:
        parser.error("--positive goes with --add; a description says it under glassform.positive")
    if options.noun is not None and not options.add:
        parser.error("--noun goes with --add; a description says it under glassform.noun")
    return options


def tables_to_train(options: argparse.Namespace) -> Iterator[tuple[Path, Path]]:
    """Yield each table's data package and the folder of its versions; that of a new table is not in its place yet.

    Where no table is named, these are the default one and those beside it that have no model.

    Raises
    ------
    OSError
        If no version could be saved; training may take minutes.
    """
    there = next(each for each in (options.artifacts, *options.artifacts.absolute().parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{options.artifacts} cannot be written to, and models are saved there")
    if options.add:
        package = describe_apart(options)
        yield package, options.artifacts / package.parent.name
    for name in options.table:
        package = described(options.data, name)
        if not package.exists():
            there = ", ".join(tables_there(options.data))
            raise FileNotFoundError(
                f"there is no table {name}; there is {there}; `{how_to('add')}` describes a CSV file"
            )
        yield package, options.artifacts / name
    if not options.add and not options.table:
        yield options.package or described(options.data), options.artifacts
    if not any((options.add, options.table, options.package, options.data, options.sources, options.without)):
        further = untrained(options.artifacts)
        if further:
            print(f"\nTraining the further tables too: {', '.join(further)}.", flush=True)
        for name in further:
            yield PACKAGE.parent / name / PACKAGE.name, options.artifacts / name


def describe_apart(options: argparse.Namespace) -> Path:
    """Describe a new table in a folder apart, from where it goes to its place once it is trained; say what was found.

    Raises
    ------
    Undescribable
        If nothing can be learned from it, or its name is in use.
    """
    folder, default = options.data or ADDED, default_name()
    name = table_name(options.name, options.add, default)
    if is_taken(name, options):
        raise Undescribable(f"there is a table {name} already: train it again by --table, or choose another --name")
    apart = folder / f"{APART}{secrets.token_hex(4)}"  # made once the table is described
    try:
        package, inferred = add(
            options.add,
            options.target,
            name,
            apart,
            options.estimator,
            default,
            options.positive,
            options.encoding,
            options.noun or "",
        )
        place = folder / package.parent.name / package.name
        print(f"{inferred}\n\nTo describe the table better, edit {place}\n", flush=True)
    except BaseException:
        remove_apart(apart)
        raise
    return package


def is_taken(name: str, options: argparse.Namespace) -> bool:
    """Tell whether a table that was served, or one that we ship, has this name."""
    folder, *others = folders_of(options.data)
    if any((other / name / PACKAGE.name).exists() for other in others):
        return True
    return (folder / name).exists() and not was_never_served(options.artifacts / name)


def was_never_served(artifacts: Path) -> bool:
    """Tell whether a table has versions, none of which was ever good enough to be served."""
    manifest = Registry(artifacts).manifest()
    return bool(manifest.versions) and not manifest.events


def remove_apart(apart: Path) -> None:
    """Remove the folder of a new table that is not in its place, and the folder of all added ones if it is empty."""
    shutil.rmtree(apart, ignore_errors=True)
    with suppress(OSError):
        apart.parent.rmdir()


def described(folder: Path | None, name: str = "") -> Path:
    """Find a table's data package: in `folder`, or else among the added tables, or those we ship."""
    places = [each / name / PACKAGE.name for each in folders_of(folder)]
    return next((place for place in places if place.exists()), places[-1])


def tables_there(folder: Path | None) -> list[str]:
    """Return the names of the tables that are described, the default one first."""
    packages = [package for place in folders_of(folder) for package in place.glob(f"*/{PACKAGE.name}")]
    default = described(folder)
    names = [Schema.from_file(default).name] if default.exists() else []
    return [*names, *sorted({package.parent.name for package in packages})]


def folders_of(folder: Path | None) -> list[Path]:
    """Return where tables are described: in `folder` alone, or else where they are added and where we ship them."""
    return [folder] if folder else [*dict.fromkeys([ADDED, PACKAGE.parent])]


@contextmanager
def placed_if_trained(package: Path, artifacts: Path) -> Iterator[None]:
    """Put the folder of a new table in its place once it is trained; leave nothing of one that cannot be."""
    apart = package.parent.parent
    if not apart.name.startswith(APART):
        yield
        return
    try:
        yield
        place = apart.parent / package.parent.name
        if place.exists():
            shutil.rmtree(place)
        package.parent.rename(place)
        apart.rmdir()
    except BaseException:
        remove_apart(apart)
        if not Registry(artifacts).manifest().versions:
            shutil.rmtree(artifacts, ignore_errors=True)
        raise
