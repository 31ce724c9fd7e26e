"""The models that `benchmarks.glass` compares: ours, simpler ones, and opaque ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from benchmarks.glass_tables import library, records
from glassform.learning.estimators import boosting, encoded, fit, straight_lines
from glassform.learning.measures import MEASURES
from glassform.learning.recipe import build, chosen
from glassform.learning.table import Split
from glassform.records.schema import NUMBER, Schema

INNER = 3  # folds of the search for the best boosting
GRID = {
    "trees__learning_rate": [0.03, 0.1],
    "trees__max_leaf_nodes": [4, 15],
    "trees__max_iter": [60, 200],
}


@dataclass(frozen=True)
class Rival:
    """A model to compare with: its title, and how to fit it on some rows.

    A `dear` one takes long and is left out unless it is asked for.
    """

    title: str
    fitted: Callable[[Schema, Split], Any]
    is_table: bool = False
    is_dear: bool = False


def ours(schema: Schema, training: Split) -> Pipeline:
    """Choose shapes and pairs on the training rows, and fit."""
    return fit(build(schema, chosen(schema, training)), training)


def straight(schema: Schema, training: Split) -> Pipeline:
    """Fit straight lines, as the model card does."""
    return fit(straight_lines(schema, clone(MEASURES[schema.task].lines)), training)


def before(schema: Schema, training: Split) -> Pipeline:
    """Fit the recipe of before: eight even knots and C=1; for a number straight lines."""
    if schema.task == NUMBER:
        return straight(schema, training)
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
    regression = LogisticRegression(C=1.0, solver="newton-cholesky")
    return fit(Pipeline([("preprocess", preprocess), ("regression", regression)]), training)


def trees(schema: Schema, training: Split) -> Pipeline:
    """Fit gradient-boosted trees as scikit-learn sets them."""
    return fit(boosting(schema), training)


def tuned_trees(schema: Schema, training: Split) -> Any:
    """Fit the gradient-boosted trees that are best in an inner cross-validation; equal records stay together."""
    inner = GroupKFold(INNER, shuffle=True, random_state=0).split(training.X, groups=records(training.X))
    scoring = "neg_mean_squared_error" if schema.task == NUMBER else "neg_log_loss"
    search = GridSearchCV(boosting(schema), GRID, scoring=scoring, cv=list(inner))
    return search.fit(training.X, training.y, trees__sample_weight=training.weights)


def forest(schema: Schema, training: Split) -> Pipeline:
    """Fit a random forest of 200 trees with at least three rows a leaf."""
    kind = RandomForestRegressor if schema.task == NUMBER else RandomForestClassifier
    fitted = kind(n_estimators=200, min_samples_leaf=3, random_state=0)
    return fit(Pipeline([("preprocess", encoded(schema, one_hot=True)), ("trees", fitted)]), training)


def ebm(schema: Schema, training: Split) -> Any:
    """Fit InterpretML's explainable boosting machine as it sets itself, in this process."""
    kinds = library("interpret.glassbox")
    kind = kinds.ExplainableBoostingRegressor if schema.task == NUMBER else kinds.ExplainableBoostingClassifier
    types = ["nominal" if field.categories else "continuous" for field in schema.fields]
    return kind(feature_names=list(schema.by_name), feature_types=types, n_jobs=1).fit(training.X, training.y)


RIVALS = {
    "ours": Rival("this recipe", ours, is_table=True),
    "straight": Rival("straight lines", straight),
    "before": Rival("recipe of before", before),
    "boosting": Rival("boosting", trees),
    "forest": Rival("random forest", forest),
    "tuned": Rival("boosting, tuned", tuned_trees, is_dear=True),
    "ebm": Rival("EBM", ebm, is_dear=True),
}


def predictions(schema: Schema, model: Any, X: pd.DataFrame) -> np.ndarray:
    """Return what a model gives each row: a probability, a probability per class, or a number."""
    return MEASURES[schema.task](schema).predict(model, X)
