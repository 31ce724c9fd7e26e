"""The estimators there are: the unfitted pipelines of models, and of those that a model is compared with."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema


def build_pipeline(schema: Schema) -> Pipeline:
    """Return the unfitted pipeline of the package's estimator.

    Raises
    ------
    ValueError
        If there is no estimator of that name for what is foretold.
    """
    known, name = ESTIMATORS[schema.task], schema.own["estimator"]
    if name not in known:
        raise ValueError(
            f"estimator: {name!r} is not one of {', '.join(known)}, which {schema.task} targets can have"
        )
    return known[name](schema)


def logistic(schema: Schema) -> Pipeline:
    """Return a smooth curve per number and a step per category, added up by a logistic regression.

    Eight even knots and C=1 had the best 10-fold cross-validated log loss on the training rows among 5 to 12
    knots, even or by quantile. Real numbers get straight pieces, which a table of points can hold exactly.
    """
    curve = SplineTransformer(n_knots=8, degree=3, include_bias=False)
    line = SplineTransformer(n_knots=8, degree=1, include_bias=False)
    gaps = [field.name for field in schema.fields if field.has_gaps]
    whole, real = ([name for name in schema.named(type_) if name not in gaps] for type_ in ("integer", "number"))
    preprocess = ColumnTransformer(
        [
            ("curve", curve, whole),
            ("line", line, real),
            ("filled", Pipeline([("median", SimpleImputer(strategy="median")), ("line", clone(line))]), gaps),
            ("gap", MissingIndicator(features="all"), gaps),
            ("step", OneHotEncoder(categories=schema.categories, sparse_output=False), schema.named("string")),
        ]
    )
    # newton-cholesky goes to the optimum in a few steps; the covariance below is that of the optimum
    return Pipeline([("preprocess", preprocess), ("regression", LogisticRegression(C=1.0, solver="newton-cholesky"))])


def linear(schema: Schema) -> Pipeline:
    """Return a straight line per number and a step per category, added up by least squares."""
    return Pipeline([("preprocess", encoded(schema, one_hot=True)), ("regression", LinearRegression())])


def svm(schema: Schema) -> Pipeline:
    """Return a support vector machine with an RBF kernel; Platt's sigmoid makes probabilities of its distances."""
    classifier = CalibratedClassifierCV(SVC(), ensemble=False)
    regressor = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    machine = regressor if schema.task == NUMBER else classifier
    return Pipeline([("preprocess", encoded(schema, one_hot=True)), ("machine", machine)])


def boosting(schema: Schema) -> Pipeline:
    """Return gradient-boosted trees."""
    trees = HistGradientBoostingRegressor if schema.task == NUMBER else HistGradientBoostingClassifier
    codes = encoded(schema, one_hot=False)
    fitted = trees(categorical_features=list(range(len(schema.categories))), random_state=0)
    return Pipeline([("preprocess", codes), ("trees", fitted)])


CLASSIFIERS: dict[str, Callable[[Schema], Pipeline]] = {"logistic": logistic, "svm": svm, "boosting": boosting}
REGRESSORS: dict[str, Callable[[Schema], Pipeline]] = {"linear": linear, "svm": svm, "boosting": boosting}
ADDITIVE = {"logistic", "linear"}  # which are sums of one term per field, and so tables of points
ESTIMATORS = {BINARY: CLASSIFIERS, CLASSES: CLASSIFIERS, NUMBER: REGRESSORS}


def predict(pipeline: Pipeline, X: pd.DataFrame, task: str) -> np.ndarray:
    """Return what a pipeline gives each row: the probability of class 1 of two, those of all classes, or a number."""
    if task == NUMBER:
        return np.asarray(pipeline.predict(X), dtype=np.float64)
    shares: np.ndarray = pipeline.predict_proba(X)
    return shares[:, 1] if task == BINARY else shares


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


def encoded(schema: Schema, one_hot: bool) -> ColumnTransformer:
    """Return the step that makes numbers of categories: columns of 0 and 1, and other numbers scaled; or codes."""
    names, known = schema.named("string"), schema.categories
    if not one_hot:
        return ColumnTransformer([("code", OrdinalEncoder(categories=known), names)], remainder="passthrough")
    gaps = [field.name for field in schema.fields if field.has_gaps]
    filled = Pipeline([("median", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    return ColumnTransformer(
        [
            ("step", OneHotEncoder(categories=known, sparse_output=False), names),
            ("filled", filled, gaps),
            ("gap", MissingIndicator(features="all"), gaps),
        ],
        remainder=StandardScaler(),
    )
