"""How good a model is: measures on rows it has not seen, by group, with intervals, and beside other models.

What a model gives (`given`) is, for every row, the probability of the positive class of two, or a number, or the
probabilities of several classes; `y` are 0 and 1, numbers, or the places of the classes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from glassform.analysis.thresholds import THRESHOLDS, Rate, largest_group_gap
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import NORMAL_97_5
from glassform.fitted.target import sigmoid, softmax
from glassform.learning.table import as_records
from glassform.records.schema import BINARY, CLASSES, NUMBER, Record, Schema
from glassform.versions.registry import Comparison

DECILES = 10
MOST_DOTS = 400  # rows of a drawing of numbers foretold
RESAMPLES = 100  # of the bootstrap; enough for a standard error good to about 7%


def scores(y: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """Measure how well probabilities foretell outcomes.

    `roc_auc` (0.5 to 1), `average_precision` and `accuracy` at a threshold of 0.5 (0 to 1): higher is better;
    `brier_score` (0 to 1) and `log_loss` (nats): lower is better. The first two are None where all outcomes are the
    same.
    """
    both = 0 < y.sum() < len(y)
    return {
        "roc_auc": float(roc_auc_score(y, probability)) if both else None,
        "average_precision": float(average_precision_score(y, probability)) if both else None,
        "brier_score": float(brier_score_loss(y, probability)),
        "log_loss": float(log_loss(y, probability, labels=[0, 1])),
        "accuracy": float(accuracy_score(y, probability >= 0.5)),
    }


def errors(y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    """Measure how well numbers are foretold.

    `r2` is the share of the variance explained, at most 1: higher is better; `mae` and `rmse`, the mean absolute and
    the root mean squared error, in the number's unit: lower is better.
    """
    return {
        "r2": float(r2_score(y, predicted)) if len(y) > 1 else None,
        "mae": float(mean_absolute_error(y, predicted)),
        "rmse": float(root_mean_squared_error(y, predicted)),
    }


def class_scores(y: np.ndarray, shares: np.ndarray) -> dict[str, float | None]:
    """Measure how well one of several classes is foretold.

    `accuracy` of the most probable class and `roc_auc`, the mean over each class against the rest: higher is better;
    `brier_score` (0 to 2) and `log_loss` (nats): lower is better.
    """
    labels = np.arange(shares.shape[1])
    every = len(np.unique(y)) == len(labels)
    hits = y[:, None] == labels
    return {
        "accuracy": float(accuracy_score(y, shares.argmax(axis=1))),
        "roc_auc": float(roc_auc_score(y, shares, multi_class="ovr", labels=labels)) if every else None,
        "brier_score": float(((shares - hits) ** 2).sum(axis=1).mean()),
        "log_loss": float(log_loss(y, shares, labels=labels)),
    }


SCORES: dict[str, Callable[..., dict[str, float | None]]] = {BINARY: scores, NUMBER: errors, CLASSES: class_scores}


def evaluate_numbers(y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return the errors, rows to be drawn, and the means of both in ten equal groups."""
    drawn = np.linspace(0, len(y) - 1, num=min(MOST_DOTS, len(y)), dtype=int)
    return {
        "rows": len(y),
        "mean": float(y.mean()),
        **errors(y, predicted),
        "calibration": [
            {"rows": len(group), "predicted": float(predicted[group].mean()), "observed": float(y[group].mean())}
            for group in np.array_split(np.argsort(predicted, kind="stable"), DECILES)
            if len(group)
        ],
        "dots": [[float(predicted[row]), float(y[row])] for row in drawn],
    }


def evaluate_classes(y: np.ndarray, shares: np.ndarray) -> dict[str, Any]:
    """Return the scores, how many rows of each class (a row of the matrix) were taken for which, and calibration."""
    chosen, labels = shares.argmax(axis=1), np.arange(shares.shape[1])
    return {
        "rows": len(y),
        "counts": [int((y == label).sum()) for label in labels],
        **class_scores(y, shares),
        "confusion": confusion_matrix(y, chosen, labels=labels).tolist(),
        "calibration": calibration((chosen == y).astype(int), shares.max(axis=1)),
    }


def evaluate(y: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Return the scores, the calibration, and how many of either outcome reach each threshold."""
    deciles = calibration(y, probability)
    return {
        "rows": len(y),
        "positives": int(y.sum()),
        "mean_probability": float(probability.mean()),
        **scores(y, probability),
        "calibration": deciles,
        "largest_calibration_gap": max(abs(each["predicted"] - each["observed"]) for each in deciles),
        "true_positives": at_least(probability[y == 1]),
        "false_positives": at_least(probability[y == 0]),
    }


def calibration(y: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """Compare the mean probability with the observed share in ten equal groups, lowest probability first."""
    groups = np.array_split(np.argsort(probability, kind="stable"), DECILES)
    return [
        {
            "rows": len(group),
            "predicted": float(probability[group].mean()),
            "observed": float(y[group].mean()),
            "interval": Rate(int(y[group].sum()), len(group)).interval,
        }
        for group in groups
        if len(group)
    ]


def at_least(probability: np.ndarray) -> list[int]:
    """Return how many probabilities reach each threshold."""
    below = np.searchsorted(np.sort(probability), THRESHOLDS, side="left")
    return [len(probability) - int(count) for count in below]


EVALUATE: dict[str, Callable[..., dict[str, Any]]] = {
    BINARY: evaluate,
    NUMBER: evaluate_numbers,
    CLASSES: evaluate_classes,
}


def intervals(y: np.ndarray, given: np.ndarray, task: str = BINARY) -> dict[str, list[float]]:
    """Return the 95% interval of each score: itself, give or take 1.96 standard errors.

    The standard error is the score's standard deviation over resamples of the rows (Efron's bootstrap, 1979).
    """
    drawn = np.random.default_rng(0).integers(len(y), size=(RESAMPLES, len(y)))
    spread = pd.DataFrame([SCORES[task](y[rows], given[rows]) for rows in drawn]).astype(float).std()
    return {
        name: [float(score - NORMAL_97_5 * spread[name]), float(score + NORMAL_97_5 * spread[name])]
        for name, score in SCORES[task](y, given).items()
        if score is not None
    }


def evaluate_groups(schema: Schema, X: pd.DataFrame, y: np.ndarray, given: np.ndarray) -> dict[str, dict[str, Any]]:
    """Evaluate every category of the package's group fields on its own."""
    return {
        field.name: {
            category: EVALUATE[schema.task](y[mask], given[mask])
            for category in field.categories
            if (mask := (X[field.name] == category).to_numpy()).any()
        }
        for field in schema.groups
    }


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


def distribution(schema: Schema, X: pd.DataFrame, weights: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """Return how the training rows are distributed, by field and by what is foretold, to compare what is asked with.

    Categories are counted each; numbers in up to ten bins of about as many rows, from each of `bounds` on.
    """
    fields = {
        field.name: {"counts": [[value, float(weights[X[field.name] == value].sum())] for value in field.categories]}
        if field.categories
        else in_bins(X[field.name].to_numpy(), weights, field.has_gaps)
        for field in schema.fields
    }
    if schema.task != CLASSES:
        return {"fields": fields, "score": in_bins(given, weights)}
    counts = np.bincount(given.argmax(axis=1), weights, minlength=len(schema.classes)).tolist()
    return {"fields": fields, "score": {"counts": [list(each) for each in zip(schema.classes, counts, strict=True)]}}


def in_bins(values: np.ndarray, weights: np.ndarray, has_gaps: bool = False) -> dict[str, Any]:
    """Count numbers in bins whose lower bounds are the lowest value and the deciles; apart from that, gaps."""
    if has_gaps:
        known = ~np.isnan(values)
        return {**in_bins(values[known], weights[known]), "gaps": float(weights[~known].sum())}
    order = np.argsort(values, kind="stable")
    reached = weights[order].cumsum() / weights.sum()
    deciles = values[order][np.searchsorted(reached, np.arange(1, DECILES) / DECILES)]
    bounds = np.unique([values.min(), *deciles])
    counts = np.bincount(np.searchsorted(bounds, values, side="right") - 1, weights, minlength=len(bounds))
    return {"bounds": bounds.tolist(), "counts": counts.tolist()}
