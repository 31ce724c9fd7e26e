"""The estimators: unfitted pipelines by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema


@dataclass(frozen=True)
class Estimator:
    """How a model is fitted: what builds its unfitted pipeline, and for which targets.

    `is_additive` tells whether it is a sum of one term per field, and so a table of points.
    """

    build: Callable[[Schema], Pipeline]
    tasks: tuple[str, ...]
    is_additive: bool = False


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


# All but the logistic regression, which is the model itself.
OTHERS = {
    "linear": Estimator(linear, (NUMBER,), is_additive=True),
    "svm": Estimator(svm, (BINARY, CLASSES, NUMBER)),
    "boosting": Estimator(boosting, (BINARY, CLASSES, NUMBER)),
}


def estimator_of(schema: Schema, estimators: Mapping[str, Estimator]) -> Estimator:
    """Return the estimator that a data package names.

    Raises
    ------
    ValueError
        If there is none of that name for its target.
    """
    known = {name: each for name, each in estimators.items() if schema.task in each.tasks}
    name = schema.own["estimator"]
    if name not in known:
        raise ValueError(
            f"estimator: {name!r} is not one of {', '.join(known)}, which {schema.task} targets can have"
        )
    return known[name]


def predict(pipeline: Pipeline, X: pd.DataFrame, task: str) -> np.ndarray:
    """Return what a pipeline gives each row: the probability of class 1 of two, those of all classes, or a number."""
    if task == NUMBER:
        return np.asarray(pipeline.predict(X), dtype=np.float64)
    shares: np.ndarray = pipeline.predict_proba(X)
    return shares[:, 1] if task == BINARY else shares


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
