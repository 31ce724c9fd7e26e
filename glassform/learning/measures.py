"""The measures of each kind of target: binary, multiclass, number."""

from array import array
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline

from glassform.analysis.intervals import largest_gap
from glassform.analysis.thresholds import largest_group_gap
from glassform.fitted.additive import NumberScorecard
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard, OneTable
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid, softmax
from glassform.learning.base import EXAMPLE_PROBABILITIES, Measures, at_least, calibration, means_by_group
from glassform.learning.knots import in_one_place
from glassform.learning.recipe import weights_for
from glassform.learning.table import Split
from glassform.learning.tabulate import covariance_of, tabulate
from glassform.records.schema import BINARY, CLASSES, NUMBER

MOST_EXAMPLES = 6  # of classes, one each
MOST_DOTS = 400  # rows in the chart of predicted and observed numbers
MOST_COVARIANCES = 2_000  # points whose covariances are saved; the file grows with the square
LEAST_R2 = -1.0  # where squared errors are on average twice those of the mean alone
FOLDS, COVERED = 5, 0.95  # of cross-validation, and the share of outcomes that an interval holds


class BinaryMeasures(Measures):
    """Measures of the probability of the positive class."""

    reported = ("positives", "roc_auc", "brier_score", "log_loss", "accuracy", "largest_calibration_gap")
    groups_title = "Calibration by probability, in equal groups"
    best_is_one = "roc_auc"
    compared = ("roc_auc", "brier_score", "largest_calibration_gap")
    prediction = staticmethod(sigmoid)

    def predict(self, pipeline: Pipeline, X: pd.DataFrame) -> np.ndarray:
        """Return the probability of the positive class."""
        return super().predict(pipeline, X)[:, 1]

    def scores(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
        """Measure how good probabilities are.

        `roc_auc` (0.5 to 1), `average_precision` and `accuracy` at a threshold of 0.5 (0 to 1): higher is better;
        `brier_score` (0 to 1) and `log_loss` (nats): lower is better. The first two are None where all outcomes are
        the same.
        """
        both = 0 < y.sum() < len(y)
        return {
            "roc_auc": float(metrics.roc_auc_score(y, predicted)) if both else None,
            "average_precision": float(metrics.average_precision_score(y, predicted)) if both else None,
            "brier_score": float(metrics.brier_score_loss(y, predicted)),
            "log_loss": float(metrics.log_loss(y, predicted, labels=[0, 1])),
            "accuracy": float(metrics.accuracy_score(y, predicted >= 0.5)),
        }

    def evaluate(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Return the scores, the calibration, and how many of either outcome reach each threshold."""
        groups = calibration(y, predicted)
        return {
            "rows": len(y),
            "positives": int(y.sum()),
            "mean_probability": float(predicted.mean()),
            **self.scores(y, predicted),
            "calibration": groups,
            "largest_calibration_gap": largest_gap(groups),
            "true_positives": at_least(predicted[y == 1]),
            "false_positives": at_least(predicted[y == 0]),
        }

    def to_compare(self, X: pd.DataFrame, y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """Return the scores and gaps, with the largest difference between groups."""
        gap = largest_group_gap(self.evaluate_groups(X, y, predicted))
        return super().to_compare(X, y, predicted) | {"largest_group_gap": gap}

    def changed(self, older: np.ndarray, newer: np.ndarray) -> tuple[int, int]:
        """Count the rows that rise to one half or above, and those that fall below."""
        return int(((older < 0.5) & (newer >= 0.5)).sum()), int(((older >= 0.5) & (newer < 0.5)).sum())

    def across(self, predicted: np.ndarray) -> Sequence[float]:
        """Return four probabilities across the range."""
        return EXAMPLE_PROBABILITIES

    @classmethod
    def last_line(cls, training: dict[str, Any], evaluation: dict[str, Any]) -> str:
        """Return the largest gap of the calibration."""
        gap = evaluation["largest_calibration_gap"]
        return "" if gap is None else f"Largest difference between a group's mean and its observed share: {gap:.4f}"

    def outcomes(self, split: Split) -> dict[str, Any]:
        """Count the rows of the positive class."""
        return {"positives": int(split.weights @ split.y)}

    def is_positive(self, y: np.ndarray) -> np.ndarray:
        """Return the outcomes as they are."""
        return y

    def count_groups(self, split: Split) -> dict[str, dict[str, dict[str, int]]]:
        """Count rows and positives of every category of the package's group fields."""
        y, weights = split.y, split.weights
        return self.by_group(
            split.X, lambda rows: {"rows": int(weights[rows].sum()), "positives": int(weights[rows] @ y[rows])}
        )

    def tabulate(self, pipeline: Pipeline, training: Split) -> tuple[type[Fitted], dict[str, Any]]:
        """Return one table of points, with their covariance unless there are too many."""
        intercept, points, pairs = tabulate(pipeline, self.schema, training.X, training.weights)
        cells = sum(len(each.places) for each in points.values()) + sum(each.size for each in pairs.values())
        few = cells <= MOST_COVARIANCES
        covariance = covariance_of(pipeline, points, training.X, training.weights) if few else array("d")
        return Scorecard, {"intercept": intercept, "points": points, "pairs": pairs, "covariance": covariance}


class MulticlassMeasures(Measures):
    """Measures of the probabilities of several classes, a column each."""

    reported = ("accuracy", "roc_auc", "brier_score", "log_loss")
    groups_title = "Calibration by the most probable class's probability, in equal groups"
    best_is_one = "roc_auc"
    compared = ("accuracy",)
    prediction = staticmethod(softmax)

    def scores(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
        """Measure how good the probabilities of several classes are.

        `accuracy` of the most probable class and `roc_auc`, the mean over each class against the rest: higher is
        better; `brier_score` (0 to 2) and `log_loss` (nats): lower is better.
        """
        labels = np.arange(predicted.shape[1])
        every = len(np.unique(y)) == len(labels)
        hits = y[:, None] == labels
        area = float(metrics.roc_auc_score(y, predicted, multi_class="ovr", labels=labels)) if every else None
        return {
            "accuracy": float(metrics.accuracy_score(y, predicted.argmax(axis=1))),
            "roc_auc": area,
            "brier_score": float(((predicted - hits) ** 2).sum(axis=1).mean()),
            "log_loss": float(metrics.log_loss(y, predicted, labels=labels)),
        }

    def evaluate(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Return the scores, the confusion matrix (a row for each actual class) and the calibration."""
        chosen, labels = predicted.argmax(axis=1), np.arange(predicted.shape[1])
        return {
            "rows": len(y),
            "counts": [int((y == label).sum()) for label in labels],
            **self.scores(y, predicted),
            "confusion": metrics.confusion_matrix(y, chosen, labels=labels).tolist(),
            "calibration": calibration((chosen == y).astype(int), predicted.max(axis=1)),
        }

    def changed(self, older: np.ndarray, newer: np.ndarray) -> tuple[int, int]:
        """Count the rows that get another class, all as rising: classes have no order."""
        return int((older.argmax(axis=1) != newer.argmax(axis=1)).sum()), 0

    def examples(self, y: np.ndarray, predicted: np.ndarray) -> tuple[list[int], list[int]]:
        """Choose the surest row of each class, and the row whose actual class is the least probable."""
        surest = [int(predicted[:, label].argmax()) for label in range(min(predicted.shape[1], MOST_EXAMPLES))]
        return surest, [int(np.take_along_axis(predicted, y[:, None], axis=1).argmin())]

    @classmethod
    def last_line(cls, training: dict[str, Any], evaluation: dict[str, Any]) -> str:
        """Return the test rows of each class."""
        return f"Rows of each class: {evaluation['counts']}"

    def outcomes(self, split: Split) -> dict[str, Any]:
        """Count the rows of each class."""
        return {"counts": self.count(split.y, split.weights).astype(int).tolist()}

    def distribution(self, predicted: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
        """Count how often each class is the most probable."""
        counts = self.count(predicted.argmax(axis=1), weights).tolist()
        return {"counts": [list(each) for each in zip(self.schema.classes, counts, strict=True)]}

    def count(self, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Count the rows of each class."""
        return np.bincount(labels, weights, minlength=len(self.schema.classes))

    def tabulate(self, pipeline: Pipeline, training: Split) -> tuple[type[Fitted], dict[str, Any]]:
        """Return a table of points for each class."""
        table = partial(tabulate, pipeline, self.schema, training.X, training.weights)
        tables = in_one_place({label: table(place) for place, label in enumerate(self.schema.classes)})
        return ClassesScorecard, {"tables": {label: OneTable(*each) for label, each in tables.items()}}


class NumberMeasures(Measures):
    """Measures of predicted numbers."""

    reported = ("mean", "r2", "mae", "rmse")
    groups_title = "Means by the predicted number, in equal groups"
    best_is_one = "r2"
    compared = ("r2",)
    prediction = staticmethod(float)
    constant, lines = DummyRegressor(), LinearRegression()

    @staticmethod
    def float_format(number: float) -> str:
        """Return a number in an unknown unit with four decimals or, where these say nothing, four digits."""
        return f"{number:.4f}" if 0.01 <= abs(number) < 1e7 or not number else f"{number:.4g}"

    def predict(self, pipeline: Pipeline, X: pd.DataFrame) -> np.ndarray:
        """Return the numbers."""
        return np.asarray(pipeline.predict(X), dtype=np.float64)

    def scores(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
        """Measure how good predicted numbers are.

        `r2` is the share of the variance explained, at most 1: higher is better; `mae` and `rmse`, the mean absolute
        and the root mean squared error, in the number's unit: lower is better.
        """
        return {
            "r2": float(metrics.r2_score(y, predicted)) if len(y) > 1 else None,
            "mae": float(metrics.mean_absolute_error(y, predicted)),
            "rmse": float(metrics.root_mean_squared_error(y, predicted)),
        }

    def evaluate(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Return the scores, the means of both in equal groups, and rows for a chart."""
        drawn = np.linspace(0, len(y) - 1, num=min(MOST_DOTS, len(y)), dtype=int)
        return {
            "rows": len(y),
            "mean": float(y.mean()),
            **self.scores(y, predicted),
            "calibration": means_by_group(y, predicted),
            "dots": [[float(predicted[row]), float(y[row])] for row in drawn],
        }

    @classmethod
    def last_line(cls, training: dict[str, Any], evaluation: dict[str, Any]) -> str:
        """Return the share of the errors within the margin."""
        return f"{evaluation['coverage']:.1%} of the errors are at most {training['margin']:.4g}; 95% should be."

    def outcomes(self, split: Split) -> dict[str, Any]:
        """Return mean, standard deviation and range."""
        y, mean = split.y, float(np.average(split.y, weights=split.weights))
        deviation = float(np.sqrt(np.average((y - mean) ** 2, weights=split.weights)))
        return {"mean": mean, "deviation": deviation, "minimum": float(y.min()), "maximum": float(y.max())}

    def margin(self, pipeline: Pipeline, training: Split) -> dict[str, float]:
        """Return the 95% quantile of the absolute errors in 5-fold cross-validation."""
        folds, weights = KFold(FOLDS, shuffle=True, random_state=0), weights_for(pipeline, training.weights)
        predicted = cross_val_predict(pipeline, training.X, training.y, cv=folds, params=weights)
        order = np.argsort(errors := np.abs(training.y - predicted))
        reached = training.weights[order].cumsum() / training.weights.sum()
        return {"margin": float(errors[order][np.searchsorted(reached, COVERED)])}

    @classmethod
    def useless(cls, evaluation: dict[str, Any]) -> str:
        """Return why a model must not be served: its errors are far larger than those of the mean alone."""
        r2 = evaluation["r2"]
        if r2 is None or r2 >= LEAST_R2:
            return ""
        return f"it predicts far worse than the mean alone (R2 {r2:.4g}), as if a number of the table were an error"

    def coverage(self, y: np.ndarray, predicted: np.ndarray, training: dict[str, Any]) -> dict[str, float]:
        """Return the share of rows whose error is within the margin."""
        return {"coverage": float((np.abs(y - predicted) <= training["margin"]).mean())}

    def tabulate(self, pipeline: Pipeline, training: Split) -> tuple[type[Fitted], dict[str, Any]]:
        """Return one table of points."""
        intercept, points, pairs = tabulate(pipeline, self.schema, training.X, training.weights)
        return NumberScorecard, {"intercept": intercept, "points": points, "pairs": pairs}


MEASURES: dict[str, type[Measures]] = {BINARY: BinaryMeasures, CLASSES: MulticlassMeasures, NUMBER: NumberMeasures}
