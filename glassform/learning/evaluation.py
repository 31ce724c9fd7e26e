"""How good a model is: measures on rows it has not seen, by group, with intervals."""

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

from glassform.analysis.thresholds import THRESHOLDS, Rate
from glassform.fitted.scorecard import NORMAL_97_5
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema

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
