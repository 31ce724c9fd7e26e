"""A sibling beside the version with all fields: both measured on the same test rows."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from glassform.analysis.intervals import FEWEST_ROWS
from glassform.fitted.base import Fitted
from glassform.learning.base import Measures
from glassform.learning.measures import MEASURES
from glassform.learning.recipe import FLOOR
from glassform.learning.table import Split, as_records
from glassform.records.field import Record
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.records.siblings import columns_named, sibling_package
from glassform.versions.manifest import Beside, Paired

RESAMPLES = 500
Weighted = Callable[[np.ndarray], float]  # a score of all rows, each counted so often


def sibling_of(schema: Schema, given: Iterable[str]) -> Schema:
    """Return the schema of a table's sibling without some fields, named in any way that the table knows.

    Raises
    ------
    ValueError
        If a name is no field, or no field would be left.
    """
    columns = {name: field.column for name, field in schema.by_name.items()}
    return Schema(sibling_package(schema.package, columns_named(given, schema.names, columns)))


def learned_from(split: Split, schema: Schema) -> Split:
    """Return the rows with the columns that a model uses."""
    return Split(split.X[[*schema.learned.by_name]], split.y, split.weights, split.hashes, split.sha256)


def side_by_side(whole: Fitted, sibling: Fitted, test: Split) -> Beside | None:
    """Measure both on the test rows; None if the one with all fields cannot read them.

    The interval of a difference is that of the paired bootstrap: both answer the same rows, drawn again and again.
    """
    records = as_records(sibling.schema, test.X)
    if whole.schema.task != sibling.schema.task or not all(map(whole.schema.holds, records)):
        return None
    measures = MEASURES[sibling.schema.task](sibling.schema)
    both = predictions(whole, measures, records), predictions(sibling, measures, records)
    return Beside(
        other=whole.version,
        rows=len(test.y),
        measures=paired(sibling.schema.task, test.y, *both),
        means=means(sibling.schema, test, *both),
    )


def predictions(card: Fitted, measures: Measures, records: list[Record]) -> np.ndarray:
    """Return what a model predicts for each of many records."""
    return np.array([*map(measures.prediction, card.all_sums([card.row(record) for record in records]))])


def paired(task: str, y: np.ndarray, whole: np.ndarray, sibling: np.ndarray) -> dict[str, Paired]:
    """Return each score of both, and the 95% interval of their difference; none if the rows are too few."""
    random, size = np.random.default_rng(0), len(y)
    drawn = [np.bincount(random.integers(size, size=size), minlength=size) for _ in range(RESAMPLES)]
    found = {}
    for name, score in SCORES[task].items():
        one, other = score(y, whole), score(y, sibling)
        older, newer = one(np.ones(size)), other(np.ones(size))
        if np.isnan(older) or np.isnan(newer):
            continue
        interval = None
        if size >= FEWEST_ROWS:
            differences = [other(weights) - one(weights) for weights in drawn]
            low, high = np.nanquantile(differences, [0.025, 0.975])
            interval = (float(low), float(high))
        found[name] = Paired(whole=older, sibling=newer, interval=interval)
    return found


def means(schema: Schema, test: Split, whole: np.ndarray, sibling: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the mean answers of both by category of the group fields, and of the fields that are not used."""
    fields = [
        field for field in schema.fields if field.categories and (field in schema.groups or field in schema.unused)
    ]
    return {
        field.name: {
            category: (int(rows.sum()), mean_of(schema, whole[rows]), mean_of(schema, sibling[rows]))
            for category in field.categories
            if (rows := (test.X[field.name] == category).to_numpy()).any()
        }
        for field in fields
    }


def mean_of(schema: Schema, predicted: np.ndarray) -> float | dict[str, float]:
    """Return a mean answer: a probability, a number, or the probability of every class."""
    if schema.task == CLASSES:
        return dict(zip(schema.classes, predicted.mean(axis=0).tolist(), strict=True))
    return float(predicted.mean())


def area(y: np.ndarray, probability: np.ndarray) -> Weighted:
    """Return the area under the ROC curve; NaN where all outcomes are the same."""
    order, place = np.unique(probability, return_inverse=True)

    def of(weights: np.ndarray) -> float:
        positives = np.bincount(place, weights * y, minlength=len(order))
        negatives = np.bincount(place, weights * (1 - y), minlength=len(order))
        pairs = positives.sum() * negatives.sum()
        below = negatives.cumsum() - negatives / 2
        return float(positives @ below / pairs) if pairs else float("nan")

    return of


def mean(values: np.ndarray) -> Weighted:
    """Return the mean of a number of each row."""
    return lambda weights: float(values @ weights / weights.sum())


def brier(y: np.ndarray, probability: np.ndarray) -> Weighted:
    """Return the Brier score."""
    return mean((probability - y) ** 2)


def accuracy(y: np.ndarray, probabilities: np.ndarray) -> Weighted:
    """Return the share of rows whose class is the most probable one."""
    return mean((probabilities.argmax(axis=1) == y).astype(float))


def log_loss(y: np.ndarray, probabilities: np.ndarray) -> Weighted:
    """Return the log loss."""
    return mean(-np.log(np.maximum(probabilities[np.arange(len(y)), y], FLOOR)))


def r2(y: np.ndarray, predicted: np.ndarray) -> Weighted:
    """Return the share of the variance explained; NaN where there is none."""

    def of(weights: np.ndarray) -> float:
        spread = weights @ (y - weights @ y / weights.sum()) ** 2
        return float(1.0 - weights @ (y - predicted) ** 2 / spread) if spread else float("nan")

    return of


SCORES: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], Weighted]]] = {
    BINARY: {"roc_auc": area, "brier_score": brier},
    CLASSES: {"accuracy": accuracy, "log_loss": log_loss},
    NUMBER: {"r2": r2},
}
