"""A fitted pipeline becomes a table of points, with the covariance of the points."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline

from glassform.fitted.additive import NumberScorecard, Points
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard, OneTable
from glassform.fitted.pipeline import Opaque
from glassform.fitted.scorecard import Scorecard
from glassform.learning.table import Split
from glassform.learning.tabulate import tabulate, vary
from glassform.records.schema import CLASSES, NUMBER, Schema

MOST_COVARIANCES = 2_000  # points whose covariances are kept, the square of which is written
FOLDS, COVERED = 5, 0.95  # of cross-validation, and the share of outcomes that an interval is to hold


def margin(pipeline: Pipeline, split: Split) -> float:
    """Return what 95 of 100 errors stay below, on rows that were held back in turn (5-fold cross-validation)."""
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    weights = {f"{pipeline.steps[-1][0]}__sample_weight": split.weights}
    foretold = cross_val_predict(pipeline, split.X, split.y, cv=folds, params=weights)
    order = np.argsort(errors := np.abs(split.y - foretold))
    reached = split.weights[order].cumsum() / split.weights.sum()
    return float(errors[order][np.searchsorted(reached, COVERED)])


def compile_points(
    pipeline: Pipeline, schema: Schema, training: Split, is_additive: bool
) -> tuple[type[Fitted], dict[str, Any]]:
    """Return the kind of a fitted model and what only that kind has.

    Estimators that are sums of one term per field become tables of points; others stay pipelines.

    Raises
    ------
    NotAdditive
        If an estimator that is taken for such a sum is none.
    """
    if not is_additive:
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
