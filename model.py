"""The model: preprocess, logistic regression, train, predict_probability; `python model.py` trains it."""

import inspect
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Collection
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path

from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from glassform.files import print_any_text, reason_and_file
from glassform.fitted.base import Fitted
from glassform.fitted.pipeline import Opaque
from glassform.fitted.reasons import SLOPES
from glassform.fitted.scorecard import Scorecard
from glassform.learning.command import (
    line_by_line,
    missing_siblings,
    parse_options,
    placed_if_trained,
    report,
    step,
    tables_to_train,
    verdict,
)
from glassform.learning.estimators import ESTIMATORS, estimator_of, fit
from glassform.learning.facts import choose_examples, facts, people, slopes, typical_record
from glassform.learning.measures import MEASURES
from glassform.learning.paper import measured, paper_of
from glassform.learning.recipe import Recipe, chosen
from glassform.learning.rivals import cross_validated, free_of_rules
from glassform.learning.rules import UnholdableRule, rules_of
from glassform.learning.saving import EDITION, register, version_of
from glassform.learning.siblings import learned_from, sibling_of
from glassform.learning.table import Split, count, read, with_seen
from glassform.records.datapackage import read_package
from glassform.records.field import PYTHON_TYPE, Value
from glassform.records.parsing import Pairs
from glassform.records.schema import Schema
from glassform.records.values import plain
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry

TABULATING = "Tabulating the points and comparing them with the pipeline on every row"
NOT_ADDITIVE = "Keeping the pipeline: it is not additive"


def build_pipeline(schema: Schema, recipe: Recipe) -> Pipeline:
    """Return the unfitted pipeline of a data package's estimator: shapes and a regression, if it is additive.

    Raises
    ------
    ValueError
        If no estimator of that name can predict its target.
    """
    return estimator_of(schema, ESTIMATORS).build(schema, recipe)


def train(
    package: Path = PACKAGE,
    artifacts: Path = ARTIFACTS,
    counted: Callable[[Schema], Split] | None = None,
    promote: bool | None = None,
    without: Collection[str] = (),
) -> Fitted:
    """Read, fit, tabulate, evaluate and save a model, printing each step; return it.

    `counted` returns the training rows if they are not the package's. The new version becomes current if it passes
    the gates; `promote` decides instead if it is not None. `without` names fields that are read and not used: the
    version is a sibling of the one with all fields, and never becomes current by itself.

    Raises
    ------
    InvalidPackage
        If the data package has mistakes.
    ValueError
        If the table does not match it, no such estimator can predict its target, or a sibling cannot be made.
    """
    schema = sibling(read_package(package), without, Registry(artifacts)) if without else read_package(package)
    # what cannot be done is told before a large table is read
    if not estimator_of(schema, ESTIMATORS).is_additive and rules_of(schema.learned):
        raise UnholdableRule(f"shape: {schema.own['estimator']} has no shapes that rules could hold")
    with step(f"Reading {schema.package['title']}"):
        test = read(schema, schema.own["test"], package.parent)
        training = counted(schema) if counted else read(schema, schema.own["train"], package.parent)
        schema = with_seen(schema, training, test)
    # several threads would wait for each other, since most of the matrices are small
    with threadpool_limits(limits=1):
        card, pipeline = learned(schema, training, test)
    return register(card, pipeline, test, Registry(artifacts), promote)


def learned(schema: Schema, training: Split, test: Split) -> tuple[Fitted, Pipeline]:
    """Choose, fit, tabulate and evaluate a model, printing each step; return it with its pipeline."""
    measures, is_additive = MEASURES[schema.task](schema), estimator_of(schema, ESTIMATORS).is_additive
    recipe, used, rows = Recipe(), MEASURES[schema.task](schema.learned), learned_from(training, schema)
    if is_additive:
        with step("Choosing shapes, ridge and pairs by cross-validation"):
            recipe = chosen(used.schema, rows)
    with step(f"Fitting {training.rows:,} rows"):
        pipeline = fit(build_pipeline(used.schema, recipe), rows)
    with step(TABULATING if is_additive else NOT_ADDITIVE):
        kind, points = used.tabulate(pipeline, rows) if is_additive else (Opaque, {})
    with step(f"Evaluating on {len(test.y):,} rows it has not seen"):
        predicted = measures.predict(pipeline, test.X)
        evaluation = measures.evaluate_split(test, predicted)
    with step("Comparing with simpler and with opaque models"):
        evaluation["comparison"] = used.compare(pipeline, rows, test)
        if rules_of(used.schema):
            evaluation["without_rules"] = free_of_rules(used, rows, test)
        # a sibling is compared with the version that has all fields instead
        evaluation["rivals"] = cross_validated(used, recipe, rows) if is_additive and not schema.unused else None
    if kind is Scorecard:
        with step("Making the paper card"):
            points["paper"] = measured(paper_of(used.schema, rows, recipe), measures, test, evaluation).written()
    about = facts(measures, pipeline, training, test)
    if kind is Scorecard:
        about[SLOPES] = slopes(points["points"], points["pairs"], rows)
    card = kind(
        version=version_of(schema, pipeline, [training, test], EDITION if kind is Scorecard else 0),
        package=schema.package,
        typical=typical_record(schema, training),
        examples=choose_examples(measures, test, predicted),
        people=people(measures, training, test),
        evaluation=evaluation | measures.coverage(test.y, predicted, about),
        training=about | ({"recipe": recipe.told()} if is_additive else {}),
        **points,
    )
    return card, pipeline


@cache
def current() -> Fitted:
    """Return the current model; train it if there is none."""
    try:
        return Registry(ARTIFACTS).load()
    except FileNotFoundError:
        return train()


def predict_probability(*values: Value, **fields: Value) -> float:
    """Return the probability, 0 to 1, of the positive class for a record of the default table.

    The arguments are the fields of the data package, by position or name; `help(predict_probability)` lists them.

    Raises
    ------
    TypeError
        If a field is missing, unknown or given twice.
    InvalidRecord
        If a value is not valid; the error names every such field, value and rule.
    """
    card = current()
    arguments = inspect.signature(predict_probability).bind(*values, **fields).arguments
    record = card.schema.read_json(Pairs((name, plain(value)) for name, value in arguments.items()), texts=True)
    return float(card.score(record))


# The signature lists the fields, which come from the data package.
predict_probability.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=PYTHON_TYPE.get(field.type, str))
        for name, field in Schema.from_file(PACKAGE).by_name.items()
    ],
    return_annotation=float,
)


def stop(*_: object) -> None:
    """End as by an error, so that nothing half written stays behind."""
    sys.exit(128 + signal.SIGTERM)


def main() -> None:
    """Train from the command line and print the report."""
    print_any_text()
    options, failures = parse_options(ESTIMATORS), list[str]()
    try:
        for package, artifacts in tables_to_train(options):
            try:
                with line_by_line(package) if options.brief else nullcontext():
                    train_and_tell(package, artifacts, options)
            except (OSError, ValueError) as error:  # the other tables are trained all the same
                failures.append(reason_and_file(error))
    except (OSError, ValueError) as error:
        failures.append(reason_and_file(error))
    if failures:
        sys.exit("\n" + "\n".join(failures))


def sibling(schema: Schema, without: Collection[str], registry: Registry) -> Schema:
    """Return the schema of a table's sibling.

    Raises
    ------
    ValueError
        If a name is no field, no field would be left, or there is no version to stand beside.
    """
    found = sibling_of(schema, without)
    if registry.whole() is None:
        raise ValueError(f"{schema.name} has no version with all fields yet: train that one first, without --without")
    return found


def train_and_tell(package: Path, artifacts: Path, options: Namespace) -> None:
    """Train one table and its siblings as the command line says, and print the reports."""
    counted = partial(
        count, sources=options.sources, engine=options.engine, master=options.master, encoding=options.encoding
    )
    fitted = partial(train, package, artifacts, counted if options.sources else None)
    table = artifacts.name if artifacts != options.artifacts else ""
    for without in options.without:
        tell(fitted(options.promote, without), artifacts, table, options)
    if options.without:
        return
    with placed_if_trained(package, artifacts):
        card = fitted(options.promote)
    tell(card, artifacts, table, options)
    for without in [] if options.alone else missing_siblings(card, Registry(artifacts)):
        tell(fitted(without=without), artifacts, table, options)
    if table and not options.brief and Registry(artifacts).manifest().current:
        print(f"Open it at http://127.0.0.1:5000/{artifacts.name}/", flush=True)


def tell(card: Fitted, artifacts: Path, table: str, options: Namespace) -> None:
    """Print the report of a version, and whether it is current."""
    useless = MEASURES[card.schema.task].useless(card.evaluation)
    print(*([] if options.brief else [report(card)]), sep="\n")
    print(verdict(Registry(artifacts), card.version, table, options.promote, useless, options.brief), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    main()
