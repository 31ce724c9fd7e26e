"""The estimators: unfitted pipelines by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from glassform.learning.recipe import Recipe, build, weights_for
from glassform.learning.rules import fit_to_rules
from glassform.learning.table import Split
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema


@dataclass(frozen=True)
class Estimator:
    """How to build an unfitted pipeline, and the kinds of target it can predict.

    An additive one follows the recipe and is a sum of one term per field and per pair, so it becomes a table of
    points.
    """

    build: Callable[[Schema, Recipe], Pipeline]
    tasks: tuple[str, ...]
    is_additive: bool = False


def straight_lines(schema: Schema, regression: BaseEstimator) -> Pipeline:
    """Return the sum of a line per number and a step per category, fitted by some regression."""
    return Pipeline([("preprocess", encoded(schema, one_hot=True)), ("regression", regression)])


def svm(schema: Schema, recipe: Recipe | None = None) -> Pipeline:
    """Return a support vector machine with an RBF kernel; Platt's sigmoid turns its distances into probabilities."""
    classifier = CalibratedClassifierCV(SVC(), ensemble=False)
    regressor = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    machine = regressor if schema.task == NUMBER else classifier
    return Pipeline([("preprocess", encoded(schema, one_hot=True)), ("machine", machine)])


def boosting(schema: Schema, recipe: Recipe | None = None) -> Pipeline:
    """Return gradient-boosted trees."""
    trees = HistGradientBoostingRegressor if schema.task == NUMBER else HistGradientBoostingClassifier
    codes = encoded(schema, one_hot=False)
    fitted = trees(categorical_features=list(range(len(schema.categories))), random_state=0)
    return Pipeline([("preprocess", codes), ("trees", fitted)])


FOLLOWING_THE_RECIPE = {"logistic": (BINARY, CLASSES), "linear": (NUMBER,)}
ADDITIVE = {name: Estimator(build, tasks, is_additive=True) for name, tasks in FOLLOWING_THE_RECIPE.items()}
OTHERS = {
    "svm": Estimator(svm, (BINARY, CLASSES, NUMBER)),
    "boosting": Estimator(boosting, (BINARY, CLASSES, NUMBER)),
}
ESTIMATORS = ADDITIVE | OTHERS


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


def fit(pipeline: Pipeline, split: Split) -> Pipeline:
    """Fit a pipeline on weighted rows."""
    return fit_to_rules(pipeline, split.X, split.y, weights_for(pipeline, split.weights))


def encoded(schema: Schema, one_hot: bool) -> ColumnTransformer:
    """Return the step that encodes categories: as columns of 0 and 1 beside scaled numbers, or as codes."""
    names, known = schema.named("string"), schema.categories
    if not one_hot:
        numbers = [field.name for field in schema.fields if not field.categories]
        return ColumnTransformer(
            [("code", OrdinalEncoder(categories=known), names), ("number", "passthrough", numbers)]
        )
    gaps = [field.name for field in schema.fields if field.has_gaps]
    whole = [field.name for field in schema.fields if not (field.categories or field.has_gaps)]
    filled = Pipeline([("median", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    return ColumnTransformer(
        [
            ("step", OneHotEncoder(categories=known, sparse_output=False), names),
            ("filled", filled, gaps),
            ("gap", MissingIndicator(features="all"), gaps),
            ("number", StandardScaler(), whole),
        ]
    )
