"""The honest comparison: straight lines and an opaque model beside this one, on rows that none of them has seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from glassform.analysis.verdict import ALIKE, BETTER, WORSE
from glassform.fitted.scorecard import NORMAL_97_5
from glassform.learning.base import Measures
from glassform.learning.estimators import boosting, fit, straight_lines
from glassform.learning.recipe import (
    LARGE,
    Profiles,
    Recipe,
    build,
    chosen,
    chosen_for,
    fit_on,
    held_out,
    paired,
    row_losses,
)
from glassform.learning.table import Split
from glassform.records.field import OWN
from glassform.records.schema import CLASSES, NUMBER, Schema

FOLDS = 3
MOST_ROWS = 40_000
OURS, LINES, TREES = "this", "linear", "boosting"


@dataclass(frozen=True)
class Trial:
    """What a model predicts for each row that was held out while it was fitted, and the loss of each row."""

    predicted: np.ndarray
    losses: np.ndarray


def cross_validated(measures: Measures, recipe: Recipe, training: Split) -> dict[str, Any]:
    """Compare the recipe with straight lines and with boosted trees by cross-validation, rows paired.

    On fewer than 4,000 rows the recipe is followed anew in each fold; on more, what it chose on all rows is kept,
    which hardly flatters it then.

    Returns
    -------
    The score of each, and for each rival by how much its loss is less than the recipe's, with the 95% interval; a
    negative number says that the recipe errs less.
    """
    schema, rows = measures.schema, Profiles.of(training).at_most(MOST_ROWS)
    found = {name: trial(measures, name, recipe, rows) for name in (OURS, LINES, TREES)}
    known = ~np.isnan(found[OURS].losses)
    weights = rows.weights[known]
    differences = {}
    for name in (LINES, TREES):
        mean, error = paired(found[OURS].losses[known] - found[name].losses[known], weights)
        ends = [mean - NORMAL_97_5 * error, mean + NORMAL_97_5 * error]
        differences[name] = {"less": mean, "interval": ends, "verdict": verdict(*ends)}
    return {
        "folds": FOLDS,
        "rows": int(weights.sum()),
        "loss": "squared_error" if schema.task == NUMBER else "log_loss",
        "score": measures.best_is_one,
        "scores": {
            name: score(schema, rows.y[known], each.predicted[known], weights) for name, each in found.items()
        },
        "losses": {name: float(each.losses[known] @ weights / weights.sum()) for name, each in found.items()},
        "differences": differences,
    }


def free_of_rules(measures: Measures, training: Split, test: Split) -> dict[str, float | None]:
    """Return the scores on the test rows of the same recipe where no rule holds the shapes."""
    package = measures.schema.package
    free = Schema(package | {OWN: {name: value for name, value in package[OWN].items() if name != "shape"}})
    model = fit(build(free, chosen(free, training)), training)
    return measures.scores(test.y, measures.predict(model, test.X))


def verdict(low: float, high: float) -> str:
    """Return whether a rival is better, alike or worse, from the interval of how much less it errs."""
    return BETTER if low > 0.0 else WORSE if high < 0.0 else ALIKE


def trial(measures: Measures, name: str, recipe: Recipe, rows: Profiles) -> Trial:
    """Fit a model on each part of the rows and let it predict the others; NaN, where a part lacks an outcome."""
    schema = measures.schema
    shape = (len(rows.y), len(schema.classes)) if schema.task == CLASSES else (len(rows.y),)
    predicted, losses = np.full(shape, np.nan), np.full(len(rows.y), np.nan)
    for held in held_out(schema, rows, FOLDS):
        learned, unseen = rows.some(~held), rows.some(held)
        model = fit_on(pipeline_of(measures, name, recipe, learned), learned)
        predicted[held] = measures.predict(model, unseen.X)
        losses[held] = row_losses(schema.task, model, unseen.X, unseen.y)
    return Trial(predicted, losses)


def pipeline_of(measures: Measures, name: str, recipe: Recipe, learned: Profiles) -> Pipeline:
    """Return a model to be fitted on some rows."""
    if name == LINES:
        return straight_lines(measures.schema, clone(measures.lines))
    if name == TREES:
        return boosting(measures.schema)
    is_large = learned.weights.sum() * FOLDS / (FOLDS - 1) >= LARGE
    return build(measures.schema, recipe if is_large else chosen_for(measures.schema, learned, repeats=1))


def score(schema: Schema, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float | None:
    """Return R², or the area under the curve; None where it is not defined."""
    if schema.task == NUMBER:
        return float(metrics.r2_score(y, predicted, sample_weight=weights))
    if schema.task == CLASSES:
        areas = [
            metrics.roc_auc_score(y == label, predicted[:, label], sample_weight=weights)
            for label in range(predicted.shape[1])
            if (y == label).any()
        ]
        return float(np.mean(areas))
    return float(metrics.roc_auc_score(y, predicted, sample_weight=weights))
