"""The base class of every target's measures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from glassform.analysis.intervals import FEWEST_ROWS, interval_of, number_of_groups
from glassform.analysis.thresholds import THRESHOLDS, Rate
from glassform.fitted.base import Fitted
from glassform.learning.estimators import boosting, fit, straight_lines
from glassform.learning.table import Split
from glassform.records.schema import Schema

DECILES = 10
EXAMPLE_PROBABILITIES = (0.03, 0.3, 0.6, 0.9)  # the examples to try are the rows nearest to these
RESAMPLES, MOST_DRAWN = 200, 2_500  # of the bootstrap, and the rows of each: about a second, for any table


class Measures(ABC):
    """How to evaluate, compare, report and describe models of one kind of target.

    `predicted` holds what a model gives each row: the probability of the positive class, the probability of every
    class, or a number.
    """

    reported: ClassVar[tuple[str, ...]]  # the columns of the report
    groups_title: ClassVar[str]  # of the report's table of equal groups
    best_is_one: ClassVar[str]  # the score that is 1 for a model that is always right
    compared: ClassVar[tuple[str, ...]]  # what two versions are compared by
    constant: ClassVar[BaseEstimator] = DummyClassifier()  # the simpler models to compare with: one answer for all,
    lines: ClassVar[BaseEstimator] = LogisticRegression(solver="newton-cholesky")  # and straight lines

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    @staticmethod
    @abstractmethod
    def prediction(sums: Any, /) -> Any:
        """Return the sums of one record as one of `predicted`."""

    @abstractmethod
    def scores(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
        """Measure how good predictions are, a number each; None where a score is not defined."""

    @abstractmethod
    def evaluate(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Return the scores and everything else that the model card shows of some rows."""

    @abstractmethod
    def outcomes(self, split: Split) -> dict[str, Any]:
        """Return how the outcomes are distributed."""

    @abstractmethod
    def tabulate(self, pipeline: Pipeline, training: Split) -> tuple[type[Fitted], dict[str, Any]]:
        """Tabulate a fitted additive pipeline; return the kind of model and the members that only this kind has.

        Raises
        ------
        NotAdditive
            If the pipeline is not additive.
        """

    @classmethod
    @abstractmethod
    def last_line(cls, training: dict[str, Any], evaluation: dict[str, Any]) -> str:
        """Return the last line of the report."""

    # Overridden where a target differs.

    @staticmethod
    def float_format(number: float) -> str:
        """Return a number as the report prints it."""
        return f"{number:.4f}"

    def predict(self, pipeline: Pipeline, X: pd.DataFrame) -> np.ndarray:
        """Return what a fitted pipeline gives each row."""
        probabilities: np.ndarray = pipeline.predict_proba(X)
        return probabilities

    def changed(self, older: np.ndarray, newer: np.ndarray) -> tuple[int, int]:
        """Count the rows whose class rises and those whose class falls; numbers have no class."""
        return 0, 0

    def examples(self, y: np.ndarray, predicted: np.ndarray) -> tuple[list[int], list[int]]:
        """Choose rows to try: the nearest to predictions across the range, and the largest errors either way."""
        nearest = [int(np.abs(predicted - each).argmin()) for each in self.across(predicted)]
        return nearest, [int((predicted - y).argmax()), int((predicted - y).argmin())]

    def across(self, predicted: np.ndarray) -> Sequence[float]:
        """Return four predictions across the range."""
        return [*np.quantile(predicted, EXAMPLE_PROBABILITIES)]

    def distribution(self, predicted: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
        """Return how the predictions are distributed."""
        return in_bins(predicted, weights)

    def is_positive(self, y: np.ndarray) -> np.ndarray:
        """Return 1 for each row of the positive class; only binary targets have one."""
        return np.zeros_like(y, dtype=np.int64)

    def count_groups(self, split: Split) -> dict[str, dict[str, dict[str, int]]]:
        """Count the outcomes by group; only of binary targets."""
        return {}

    def margin(self, pipeline: Pipeline, training: Split) -> dict[str, float]:
        """Return the margin that holds 95% of the errors; only of numbers."""
        return {}

    @classmethod
    def useless(cls, evaluation: dict[str, Any]) -> str:
        """Return why a model must not be served unless somebody says so, however it compares; only of numbers."""
        return ""

    def coverage(self, y: np.ndarray, predicted: np.ndarray, training: dict[str, Any]) -> dict[str, float]:
        """Return the share of the errors within the margin; only of numbers."""
        return {}

    def to_compare(self, X: pd.DataFrame, y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """Return the measures that two versions are compared by, where they are defined."""
        measured = self.evaluate(y, predicted)
        return {name: measured[name] for name in self.compared if measured[name] is not None}

    # The same for all targets.

    def evaluate_split(self, test: Split, predicted: np.ndarray) -> dict[str, Any]:
        """Evaluate all rows, with intervals of the scores, and every group on its own."""
        return {
            **self.evaluate(test.y, predicted),
            "intervals": self.intervals(test.y, predicted),
            "groups": self.evaluate_groups(test.X, test.y, predicted),
        }

    def intervals(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, list[float] | None]:
        """Return the 95% interval of each score; None where the rows are too few for one.

        A share has Wilson's interval, other scores that of the percentile bootstrap (Efron, 1979).
        """
        scores = self.scores(y, predicted)
        ends = self.resampled(y, predicted) if len(y) >= FEWEST_ROWS else {}
        return {name: interval_of(name, score, len(y), ends.get(name)) for name, score in scores.items()}

    def resampled(self, y: np.ndarray, predicted: np.ndarray) -> dict[str, list[float]]:
        """Return between which two numbers 95% of each score's resamples lie, with the score itself.

        Of many rows, fewer are drawn; a score's spread falls with the square root of their number, so the distances
        shrink by that (Bickel and others, 1997).
        """
        drawn = np.random.default_rng(0).integers(len(y), size=(RESAMPLES, min(len(y), MOST_DRAWN)))
        found = pd.DataFrame([self.scores(y[rows], predicted[rows]) for rows in drawn]).astype(float)
        shrink = (drawn.shape[1] / len(y)) ** 0.5
        return {
            name: [
                float(score + shrink * min(low - score, 0.0)),
                float(score + shrink * max(high - score, 0.0)),
            ]
            for name, score in self.scores(y, predicted).items()
            if score is not None
            for low, high in [found[name].quantile([0.025, 0.975])]
        }

    def evaluate_groups(self, X: pd.DataFrame, y: np.ndarray, predicted: np.ndarray) -> dict[str, dict[str, Any]]:
        """Evaluate every category of the package's group fields on its own."""
        return self.by_group(X, lambda rows: self.evaluate(y[rows], predicted[rows]))

    def by_group(self, X: pd.DataFrame, measure: Callable[[np.ndarray], Any]) -> dict[str, dict[str, Any]]:
        """Measure the rows of every category of the package's group fields."""
        return {
            field.name: {
                category: measure(rows)
                for category in field.categories
                if (rows := (X[field.name] == category).to_numpy()).any()
            }
            for field in self.schema.groups
        }

    def compare(self, pipeline: Pipeline, training: Split, test: Split) -> dict[str, dict[str, float | None]]:
        """Fit simpler models and an opaque one on the same rows; return all scores on the test rows, `this` last."""
        rivals = {
            "base_rate": Pipeline([("same", clone(self.constant))]),
            "linear": straight_lines(self.schema, clone(self.lines)),
            "boosting": boosting(self.schema),
        }
        fitted = {name: fit(rival, training) for name, rival in rivals.items()} | {"this": pipeline}
        return {name: self.scores(test.y, self.predict(each, test.X)) for name, each in fitted.items()}


def means_by_group(y: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Return the mean prediction and the mean outcome of up to ten equal groups, lowest prediction first.

    There are fewer groups, or none, where ten would be too small.
    """
    number = number_of_groups(len(y))
    groups = np.array_split(np.argsort(predicted, kind="stable"), number) if number else []
    return [
        {"rows": len(group), "predicted": float(predicted[group].mean()), "observed": float(y[group].mean())}
        for group in groups
    ]


def calibration(y: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """Return the same of probabilities, with the 95% interval of the observed share."""
    means = means_by_group(y, probability)
    return [
        mean | {"interval": Rate(round(mean["observed"] * mean["rows"]), mean["rows"]).interval} for mean in means
    ]


def at_least(probability: np.ndarray) -> list[int]:
    """Return how many probabilities reach each threshold."""
    below = np.searchsorted(np.sort(probability), THRESHOLDS, side="left")
    return [len(probability) - int(count) for count in below]


def in_bins(values: np.ndarray, weights: np.ndarray, has_gaps: bool = False) -> dict[str, Any]:
    """Count numbers in bins that start at the lowest value and at each decile; count gaps on their own."""
    if has_gaps:
        known = ~np.isnan(values)
        return {**in_bins(values[known], weights[known]), "gaps": float(weights[~known].sum())}
    order = np.argsort(values, kind="stable")
    reached = weights[order].cumsum() / weights.sum()
    tenths = values[order][np.searchsorted(reached, np.arange(1, DECILES) / DECILES)]
    bounds = np.unique([values.min(), *tenths])
    counts = np.bincount(np.searchsorted(bounds, values, side="right") - 1, weights, minlength=len(bounds))
    return {"bounds": bounds.tolist(), "counts": counts.tolist()}
