"""The model: read, preprocess, fit, evaluate, predict_probability; `python model.py` trains it."""

import argparse
import hashlib
import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline

from glassform.describing.package import add
from glassform.fitted.base import Fitted
from glassform.fitted.kinds import PIPELINE, ClassesScorecard, NumberScorecard, OneTable, Opaque, open_pipeline, parse
from glassform.fitted.neighbours import THIN
from glassform.fitted.scorecard import Points, Scorecard, tabulate, vary
from glassform.learning.estimators import ADDITIVE, CLASSIFIERS, REGRESSORS, build_pipeline, predict, rivals
from glassform.learning.evaluation import (
    EVALUATE,
    SCORES,
    compare_versions,
    distribution,
    evaluate_groups,
    intervals,
)
from glassform.learning.table import (
    Split,
    as_records,
    choose_examples,
    count,
    facts,
    people,
    plain,
    read,
    typical_record,
    usually_alike,
)
from glassform.records.datapackage import read_package
from glassform.records.schema import BINARY, CLASSES, NUMBER, PYTHON_TYPE, Pairs, Schema, Value
from glassform.settings import ARTIFACTS, HOME
from glassform.versions.registry import Registry, account, passes

PACKAGE = HOME / "data" / "datapackage.json"
REPORTED = {
    BINARY: ["positives", "roc_auc", "brier_score", "log_loss", "accuracy", "largest_calibration_gap"],
    CLASSES: ["accuracy", "roc_auc", "brier_score", "log_loss"],
    NUMBER: ["mean", "r2", "mae", "rmse"],
}
DECILES_OF = {
    BINARY: "Calibration by decile of probability",
    CLASSES: "Calibration by decile of the most probable class's probability",
    NUMBER: "Means by decile of the number foretold",
}
LAYOUT: Any = {"index": False, "float_format": "{:.4f}".format}
GOLDEN = 24  # rows whose answers a server checks before it calls itself ready
TABULATING = "Tabulating the points, comparing them with the pipeline on every row"
STAYING = "Keeping the pipeline, for it is no sum of one term per field"
MOST_COVARIANCES = 2_000  # points whose covariances are kept, the square of which is written
TOO_GOOD = 0.999  # of ROC AUC or R²
FOLDS, COVERED = 5, 0.95  # of cross-validation, and the share of outcomes that an interval is to hold


def margin(pipeline: Pipeline, split: Split) -> float:
    """Return what 95 of 100 errors stay below, on rows that were held back in turn (5-fold cross-validation)."""
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    weights = {f"{pipeline.steps[-1][0]}__sample_weight": split.weights}
    foretold = cross_val_predict(pipeline, split.X, split.y, cv=folds, params=weights)
    order = np.argsort(errors := np.abs(split.y - foretold))
    reached = split.weights[order].cumsum() / split.weights.sum()
    return float(errors[order][np.searchsorted(reached, COVERED)])


def compile_points(pipeline: Pipeline, schema: Schema, training: Split) -> tuple[type[Fitted], dict[str, Any]]:
    """Return the kind of a fitted model and what only that kind has.

    Estimators that are sums of one term per field become tables of points; others stay pipelines.

    Raises
    ------
    NotAdditive
        If an estimator that is taken for such a sum is none.
    """
    if schema.own["estimator"] not in ADDITIVE:
        return Opaque, {}
    table = partial(tabulate, pipeline, schema, training.X, training.weights.tolist())
    if schema.task == CLASSES:
        tables = {label: OneTable(*table(place)) for place, label in enumerate(schema.classes)}
        return ClassesScorecard, {"tables": tables}
    intercept, points = table()
    if schema.task == NUMBER:
        return NumberScorecard, {"intercept": intercept, "points": points}
    few = sum(len(each.levels) for each in points.values()) <= MOST_COVARIANCES
    covariance = covariance_of(pipeline, points, training.X, training.weights) if few else []
    return Scorecard, {"intercept": intercept, "points": points, "covariance": covariance}


def covariance_of(
    pipeline: Pipeline, points: dict[str, Points], X: pd.DataFrame, weights: np.ndarray
) -> list[list[float]]:
    """Return the covariance of the intercept and all points, as its lower triangle.

    The coefficients' covariance is the inverse of the penalised log-likelihood's Hessian at the optimum
    (Laplace's approximation; Bishop 2006, section 4.5). Points are differences of design rows times the
    coefficients, so their covariance follows from it exactly.
    """
    base = X.iloc[[0]]
    rows = [np.average(design_of(pipeline, X), axis=0, weights=weights)[None]]
    own, mean = design_of(pipeline, base), rows[0]
    for name, each in points.items():
        levels = [*each.values, *([np.nan] if each.gap is not None else [])]
        varied = design_of(pipeline, vary(base, name, levels))
        # columns that vary with this feature; over the rows they average what they average with all features varied
        moved = (varied != own).any(axis=0)
        rows.append(varied - np.where(moved, mean, own))
    deviations = np.vstack(rows)
    covariance = deviations @ coefficient_covariance(pipeline, X, weights) @ deviations.T
    return [covariance[i, : i + 1].tolist() for i in range(len(covariance))]


def design_of(pipeline: Pipeline, X: pd.DataFrame) -> np.ndarray:
    """Return the design matrix the regression sees, a column of ones first."""
    return np.column_stack([np.ones(len(X)), pipeline[:-1].transform(X)])


def coefficient_covariance(pipeline: Pipeline, X: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return the covariance of [intercept, coefficients] of the fitted logistic regression."""
    design = design_of(pipeline, X)
    probability = pipeline.predict_proba(X)[:, 1]
    penalty = np.full(design.shape[1], 1.0 / pipeline[-1].C)
    penalty[0] = 0.0  # the intercept is not penalised
    curvature = weights * probability * (1.0 - probability)
    hessian = design.T @ (design * curvature[:, None]) + np.diag(penalty)
    return np.linalg.inv(hessian)


def version_of(schema: Schema, pipeline: Pipeline, splits: list[Split]) -> str:
    """Hash the data and the recipe: the same input gives the same version."""
    recipe = {name: repr(value) for name, value in pipeline.get_params().items()}
    content = [schema.package, recipe, [split.sha256 for split in splits], sklearn.__version__]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def train(
    package: Path = PACKAGE,
    artifacts: Path = ARTIFACTS,
    counted: Callable[[Schema], Split] | None = None,
    promote: bool | None = None,
) -> Fitted:
    """Read, fit, tabulate, evaluate and register, telling of each step; return the scorecard.

    `counted` gives the rows to learn from, if they are not those of the package. The new version becomes the current
    one if it passes the gates beside the one before it, unless `promote` says whether it does.

    Raises
    ------
    InvalidPackage
        If the description has mistakes.
    ValueError
        If the table does not match it.
    """
    schema = read_package(package)
    with step(f"Reading {schema.package['title']}"):
        test = read(schema, schema.own["test"], package.parent)
        training = counted(schema) if counted else read(schema, schema.own["train"], package.parent)
    pipeline = build_pipeline(schema)
    with step(f"Fitting {training.rows:,} rows"):
        fit(pipeline, training)
    with step(TABULATING if schema.own["estimator"] in ADDITIVE else STAYING):
        kind, own = compile_points(pipeline, schema, training)
    with step(f"Evaluating on {len(test.y):,} rows it has not seen"):
        given = predict(pipeline, test.X, schema.task)
        evaluation = {
            **EVALUATE[schema.task](test.y, given),
            "intervals": intervals(test.y, given, schema.task),
            "groups": evaluate_groups(schema, test.X, test.y, given),
        }
    with step("Comparing with simpler and with opaque models"):
        evaluation["comparison"] = compare(schema, training, test) | {"this": SCORES[schema.task](test.y, given)}
    about = facts(schema, training, test)
    if schema.task == NUMBER:
        about["margin"] = margin(pipeline, training)
        evaluation["coverage"] = float((np.abs(test.y - given) <= about["margin"]).mean())
    card = kind(
        version=version_of(schema, pipeline, [training, test]),
        package=schema.package,
        typical=typical_record(schema, training.X, training.weights),
        examples=choose_examples(schema, test, given),
        people=people(schema, training) if usually_alike(schema, training, test) >= THIN else None,
        evaluation=evaluation,
        training=about,
        **own,
    )
    learned = predict(pipeline, training.X, schema.task)
    about["distribution"] = distribution(schema, training.X, training.weights, learned)
    return register(card, pipeline, test, Registry(artifacts), promote)


def register(
    card: Fitted, pipeline: Pipeline, test: Split, registry: Registry, promote: bool | None = None
) -> Fitted:
    """Save a version, compare it with the one that is served and promote it, if it may be; return it.

    One that was here before is promoted only if that is said, lest training again undo what somebody went back from.
    """
    with step("Saving"), registry.new_folder() as folder:
        card.training["sha256"][PIPELINE] = save_pipeline(pipeline, folder / PIPELINE)
        card = parse(card.as_file(), folder)  # as it will be read, with its pipeline if it has one
        card.training["golden"] = golden_rows(card, test)
        card.save(folder)
        served = registry.served()
        comparison = compare_versions(served, card, test.X, test.y) if served else None
        is_new = registry.add(folder, comparison)
    if promote or (promote is None and (served is None or (is_new and passes(comparison)))):
        registry.promote(card.version)
    return card


def golden_rows(card: Fitted, test: Split) -> list[dict[str, Any]]:
    """Return some records, evenly drawn from the test rows, with the sums that must always come out for them."""
    drawn = test.X.iloc[np.linspace(0, len(test.X) - 1, num=min(GOLDEN, len(test.X)), dtype=int)]
    asked = [card.typical, *as_records(card.schema, drawn)]
    found = card.all_sums([card.row(record) for record in asked])
    return [{"record": record, "sums": sums} for record, sums in zip(asked, found, strict=True)]


def fit(pipeline: Pipeline, split: Split) -> Pipeline:
    """Fit a pipeline on rows that may stand for several each."""
    fitted: Pipeline = pipeline.fit(split.X, split.y, **{f"{pipeline.steps[-1][0]}__sample_weight": split.weights})
    return fitted


def compare(schema: Schema, training: Split, test: Split) -> dict[str, dict[str, float | None]]:
    """Fit each rival on the same rows and fields, and return its scores on the test rows."""
    fitted = {name: fit(pipeline, training) for name, pipeline in rivals(schema).items()}
    return {
        name: SCORES[schema.task](test.y, predict(pipeline, test.X, schema.task)) for name, pipeline in fitted.items()
    }


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is being done and, when it is done, how long it took."""
    print(f"{title} ... ", end="", flush=True)
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:.1f} s", flush=True)


def save_pipeline(pipeline: Pipeline, path: Path) -> str:
    """Write the fitted pipeline with joblib, whole or not at all; return the file's SHA-256."""
    unfinished = path.with_suffix(".unfinished")
    joblib.dump(pipeline, unfinished)
    unfinished.replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_pipeline(artifacts: Path = ARTIFACTS, version: str | None = None) -> Pipeline:
    """Load scikit-learn's own form of a version, or of the current one.

    Raises
    ------
    UnreadableArtifact
        If the file is not the one the scorecard was made with: unpickling a stranger's file would run it.
    """
    card = Registry(artifacts).load(version)
    pipeline: Pipeline = open_pipeline(artifacts / card.version, card.training["sha256"][PIPELINE])
    return pipeline


@cache
def current() -> Fitted:
    """Return the trained model, training first if there is none."""
    try:
        return Registry(ARTIFACTS).load()
    except FileNotFoundError:
        return train()


def predict_probability(*values: Value, **fields: Value) -> float:
    """Return the probability, 0 to 1, that the record's target is the positive class; of the default table.

    Takes every field of the data package by position or name; `help(predict_probability)` lists them.

    Raises
    ------
    TypeError
        If a field is missing, unknown or given twice.
    InvalidRecord
        If a value is not one the field may have; it names every such field, value and rule.
    """
    card = current()
    arguments = inspect.signature(predict_probability).bind(*values, **fields).arguments
    record = card.schema.read_json(Pairs((name, plain(value)) for name, value in arguments.items()))
    return float(card.score(record))


# The fields come from the data package, so the signature does too.
predict_probability.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=PYTHON_TYPE.get(field.type, str))
        for name, field in Schema.from_file(PACKAGE).by_name.items()
    ],
    return_annotation=float,
)


def report(card: Fitted) -> str:
    """Return the evaluation as text to read."""
    schema, evaluation = card.schema, card.evaluation
    groups = {"everyone": evaluation} | {
        f"{field.title}: {field.title_of(category)}": measured
        for field in schema.groups
        for category, measured in evaluation["groups"][field.name].items()
    }
    measured = [measured | {"group": title} for title, measured in groups.items()]
    measures = pd.DataFrame(measured, columns=["group", "rows", *REPORTED[schema.task]])
    deciles = pd.DataFrame(evaluation["calibration"])
    deciles.insert(0, "decile", range(1, len(deciles) + 1))
    layout = LAYOUT | ({"float_format": short} if schema.task == NUMBER else {})
    return f"""
{schema.own["question"]}
Model {schema.name} {card.version}, evaluated on {evaluation["rows"]:,} rows it has not seen.

{measures.rename(columns={"largest_calibration_gap": "largest_gap"}).to_string(**layout)}

{DECILES_OF[schema.task]}
{deciles.to_string(**layout)}

{last_line(card)}{too_good(card)}"""


def short(number: float) -> str:
    """Return a number in an unknown unit with four decimals or, where these say nothing, four digits."""
    return f"{number:.4f}" if 0.01 <= abs(number) < 1e7 or not number else f"{number:.4g}"


def last_line(card: Fitted) -> str:
    """Return the last line of the report."""
    evaluation = card.evaluation
    if card.schema.task == BINARY:
        gap = evaluation["largest_calibration_gap"]
        return f"Largest difference between a decile's mean and its observed share: {gap:.4f}"
    if card.schema.task == NUMBER:
        return (
            f"{evaluation['coverage']:.1%} lie within {card.training['margin']:.4g} of what was foretold; 95% should."
        )
    return f"Rows of each class: {', '.join(map(str, evaluation['counts']))}"


def too_good(card: Fitted) -> str:
    """Say so, if the model is right about nearly everything, which is seldom a good sign."""
    best = max(card.evaluation[name] or 0.0 for name in ("roc_auc", "r2") if name in card.evaluation)
    warning = "\n\nIt is right about nearly every row: is a column known only after the outcome, or a copy of it?"
    return warning if best > TOO_GOOD else ""


def verdict(registry: Registry, version: str, table: str = "", promote: bool | None = None) -> str:
    """Return in words how a version compares with the one before it, and whether it is served now or why not."""
    manifest = registry.manifest()
    comparison = manifest.versions[version].comparison
    lines = ["", account(comparison)] if comparison else []
    if manifest.current == version:
        return "\n".join([*lines, "", f"Version {version} is the current one."])
    reason = "this one was here before" if passes(comparison) else "not all gates are passed"
    if promote is False:
        reason = "--no-promote says so"
    current = f"version {manifest.current} stays the current one" if manifest.current else "none is the current one"
    return "\n".join(
        [
            *lines,
            "",
            f"Version {version} is kept; {current}, as {reason}.",
            f"python -m glassform.versions{f' --table {table}' if table else ''} promote {version}",
        ]
    )


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the model and print how good it is.")
    option = parser.add_argument
    option("--add", type=Path, metavar="CSV", help="describe a table of your own, and train its model")
    option("--target", help="the column of it to foretell")
    option("--name", help="what it is called (default: as the file is)")
    option(
        "--estimator", choices=sorted({*CLASSIFIERS, *REGRESSORS}), help="logistic for classes, linear for numbers"
    )
    option("--table", nargs="+", default=[], help="train further tables again, by name")
    option("--data", type=Path, default=PACKAGE.parent, help="the folder of the tables' descriptions")
    option("--package", type=Path, help="the data package that describes the table")
    option("--artifacts", type=Path, default=ARTIFACTS, help="the folder to save the version in")
    option(
        "--promote",
        action=argparse.BooleanOptionalAction,
        help="serve the new version whatever the gates say, or do not (default: if it passes them)",
    )
    option(
        "--from",
        nargs="+",
        dest="sources",
        metavar="SOURCE",
        help="learn from other tables: files, folders",
    )
    option("--engine", default="duckdb", help="what counts them: duckdb, spark, or a URL of Ibis")
    option("--master", default="local[*]", help="where Spark runs")
    options = parser.parse_args()
    if bool(options.add) != bool(options.target):
        parser.error("--add and --target go together")
    return options


def chosen(options: argparse.Namespace) -> Iterator[tuple[Path, Path]]:
    """Return the data package and the folder of versions of each table that is to be trained."""
    if options.add:
        default = Schema.from_file(PACKAGE).name
        package, inferred = add(options.add, options.target, options.name, options.data, options.estimator, default)
        print(f"{inferred}\n\nTo be read and corrected: {package}\n")
        yield package, options.artifacts / package.parent.name
    for name in options.table:
        package = options.data / name / PACKAGE.name
        if not package.exists():
            raise FileNotFoundError(
                f"there is no table {name}, for there is no {package}; --add describes a CSV file"
            )
        yield package, options.artifacts / name
    if not options.add and not options.table:
        yield options.package or options.data / PACKAGE.name, options.artifacts


@contextmanager
def undone(folder: Path | None) -> Iterator[None]:
    """Take away a table that was just added, if it cannot be trained."""
    try:
        yield
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder)
        raise


def main() -> None:
    """Train from the command line and print the report."""
    options = parse_options()
    counted = partial(count, sources=options.sources, engine=options.engine, master=options.master)
    try:
        for package, artifacts in chosen(options):
            with undone(package.parent if options.add else None):
                card = train(package, artifacts, counted if options.sources else None, promote=options.promote)
            print(report(card))
            table = artifacts.name if artifacts != options.artifacts else ""
            print(verdict(Registry(artifacts), card.version, table, options.promote))
            if table and Registry(artifacts).manifest().current:
                print(f"It answers at /{artifacts.name}/ of the server.", flush=True)
    except (OSError, ValueError) as error:
        sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
