"""A model beside others: simpler and opaque ones, and the version before it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline

from glassform.analysis.thresholds import largest_group_gap
from glassform.fitted.base import Fitted
from glassform.fitted.target import sigmoid, softmax
from glassform.learning.estimators import encoded, predict
from glassform.learning.evaluation import EVALUATE, SCORES, evaluate_groups
from glassform.learning.table import Split, as_records
from glassform.records.field import Record
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.versions.manifest import Comparison


def compare_versions(current: Fitted, candidate: Fitted, X: pd.DataFrame, y: np.ndarray) -> Comparison | None:
    """Compare two versions on the same test rows; they cannot be, if the older one does not know all of the rows."""
    records = as_records(candidate.schema, X)
    task, schema = candidate.schema.task, candidate.schema
    if current.schema.task != task or not all(map(current.schema.holds, records)):
        return None
    try:
        older, newer = given_by(current, records), given_by(candidate, records)
    except KeyError:
        return None
    ours, theirs = (measures(schema, X, y, given) for given in (newer, older))
    raised, lowered = changed_sides(task, older, newer)
    return Comparison(
        other=current.version,
        rows=len(y),
        measures={name: (theirs[name], ours[name]) for name in ours},
        raised=raised,
        lowered=lowered,
    )


def given_by(card: Fitted, records: list[Record]) -> np.ndarray:
    """Return what a model gives many records."""
    sums = card.all_sums([card.row(record) for record in records])
    shown: dict[str, Callable[[Any], Any]] = {BINARY: sigmoid, NUMBER: float, CLASSES: softmax}
    return np.array([*map(shown[card.schema.task], sums)])


def changed_sides(task: str, older: np.ndarray, newer: np.ndarray) -> tuple[int, int]:
    """Count the rows that come to be above one half, and below it; or all that get another class; no numbers."""
    if task == BINARY:
        return int(((older < 0.5) & (newer >= 0.5)).sum()), int(((older >= 0.5) & (newer < 0.5)).sum())
    return (int((older.argmax(axis=1) != newer.argmax(axis=1)).sum()), 0) if task == CLASSES else (0, 0)


COMPARED = {
    BINARY: ("roc_auc", "brier_score", "largest_calibration_gap"),
    NUMBER: ("r2",),
    CLASSES: ("accuracy",),
}


def measures(schema: Schema, X: pd.DataFrame, y: np.ndarray, given: np.ndarray) -> dict[str, float]:
    """Return what versions are compared by; without the ROC AUC, where all outcomes are the same."""
    measured = EVALUATE[schema.task](y, given)
    found = {name: measured[name] for name in COMPARED[schema.task]}
    if schema.task == BINARY:
        found["largest_group_gap"] = largest_group_gap(evaluate_groups(schema, X, y, given))
    return {name: value for name, value in found.items() if value is not None}


def rivals(schema: Schema) -> dict[str, Pipeline]:
    """Return what the model is compared with, unfitted: the same answer for all, straight lines, and many trees."""
    one, line, trees = (each() for each in RIVALS[schema.task])
    trees.set_params(categorical_features=list(range(len(schema.categories))), random_state=0)
    return {
        "base_rate": Pipeline([("same", one)]),
        "linear": Pipeline([("preprocess", encoded(schema, one_hot=True)), ("regression", line)]),
        "boosting": Pipeline([("preprocess", encoded(schema, one_hot=False)), ("trees", trees)]),
    }


def straight_lines() -> LogisticRegression:
    """Return a logistic regression as it is commonly fitted."""
    return LogisticRegression(solver="newton-cholesky")


Rivals = tuple[Callable[[], BaseEstimator], Callable[[], BaseEstimator], Callable[[], BaseEstimator]]
RIVALS: dict[str, Rivals] = {
    BINARY: (DummyClassifier, straight_lines, HistGradientBoostingClassifier),
    CLASSES: (DummyClassifier, straight_lines, HistGradientBoostingClassifier),
    NUMBER: (DummyRegressor, LinearRegression, HistGradientBoostingRegressor),
}


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
