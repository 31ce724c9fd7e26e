"""How good a model is: measures on rows it has not seen, by group, with intervals, and beside other models."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from registry import Comparison
from schema import Schema
from scorecard import NORMAL_97_5, Scorecard
from thresholds import THRESHOLDS, Rate, largest_group_gap

DECILES = 10
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


def intervals(y: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """Return the 95% interval of each score: itself, give or take 1.96 standard errors.

    The standard error is the score's standard deviation over resamples of the rows (Efron's bootstrap, 1979).
    """
    drawn = np.random.default_rng(0).integers(len(y), size=(RESAMPLES, len(y)))
    spread = pd.DataFrame([scores(y[rows], probability[rows]) for rows in drawn]).std()
    return {
        name: [float(score - NORMAL_97_5 * spread[name]), float(score + NORMAL_97_5 * spread[name])]
        for name, score in scores(y, probability).items()
        if score is not None
    }


def evaluate_groups(
    schema: Schema, X: pd.DataFrame, y: np.ndarray, probability: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Evaluate every category of the package's group fields on its own."""
    return {
        field.name: {
            category: evaluate(y[mask], probability[mask])
            for category in field.categories
            if (mask := (X[field.name] == category).to_numpy()).any()
        }
        for field in schema.groups
    }


def compare_versions(current: Scorecard, candidate: Scorecard, X: pd.DataFrame, y: np.ndarray) -> Comparison | None:
    """Compare two versions on the same test rows; they cannot be, if the older one does not know all of the rows."""
    records: list[Any] = X.to_dict("records")
    try:
        older = np.array([current.probability(record) for record in records])
    except KeyError:
        return None
    newer = np.array([candidate.probability(record) for record in records])
    ours, theirs = (measures(candidate.schema, X, y, probability) for probability in (newer, older))
    return Comparison(
        other=current.version,
        rows=len(y),
        measures={name: (theirs[name], ours[name]) for name in ours},
        raised=int(((older < 0.5) & (newer >= 0.5)).sum()),
        lowered=int(((older >= 0.5) & (newer < 0.5)).sum()),
    )


def measures(schema: Schema, X: pd.DataFrame, y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return what versions are compared by; without the ROC AUC, where all outcomes are the same."""
    measured = evaluate(y, probability)
    found = {name: measured[name] for name in ("roc_auc", "brier_score", "largest_calibration_gap")}
    found["largest_group_gap"] = largest_group_gap(evaluate_groups(schema, X, y, probability))
    return {name: value for name, value in found.items() if value is not None}


def distribution(schema: Schema, X: pd.DataFrame, weights: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Return how the training rows are distributed, by field and by probability: what is asked is compared with it.

    Categories are counted each; numbers in up to ten bins of about as many rows, from each of `bounds` on.
    """
    fields = {
        field.name: {"counts": [[value, float(weights[X[field.name] == value].sum())] for value in field.categories]}
        if field.categories
        else in_bins(X[field.name].to_numpy(), weights)
        for field in schema.fields
    }
    return {"fields": fields, "probability": in_bins(probability, weights)}


def in_bins(values: np.ndarray, weights: np.ndarray) -> dict[str, list[Any]]:
    """Count numbers in bins whose lower bounds are the lowest value and the deciles."""
    order = np.argsort(values, kind="stable")
    reached = weights[order].cumsum() / weights.sum()
    deciles = values[order][np.searchsorted(reached, np.arange(1, DECILES) / DECILES)]
    bounds = np.unique([values.min(), *deciles])
    counts = np.bincount(np.searchsorted(bounds, values, side="right") - 1, weights, minlength=len(bounds))
    return {"bounds": bounds.tolist(), "counts": counts.tolist()}


def rivals(schema: Schema) -> dict[str, Pipeline]:
    """Return what the model is compared with, unfitted: the base rate, straight lines, and many trees."""
    features, categories = schema.named("string"), schema.categories
    one_hot = OneHotEncoder(categories=categories, sparse_output=False)
    lines = ColumnTransformer([("step", one_hot, features)], remainder=StandardScaler())
    codes = ColumnTransformer([("code", OrdinalEncoder(categories=categories), features)], remainder="passthrough")
    trees = HistGradientBoostingClassifier(categorical_features=list(range(len(features))), random_state=0)
    return {
        "base_rate": Pipeline([("rate", DummyClassifier(strategy="prior"))]),
        "linear": Pipeline([("preprocess", lines), ("regression", LogisticRegression(solver="newton-cholesky"))]),
        "boosting": Pipeline([("preprocess", codes), ("trees", trees)]),
    }
