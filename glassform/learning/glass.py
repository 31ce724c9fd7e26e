"""Estimators for scikit-learn whose fitted model is a table of points, made by the recipe of all tables here."""

import hashlib
from abc import abstractmethod
from collections.abc import Collection, Hashable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from threadpoolctl import threadpool_limits

from glassform.describing.columns import LARGEST
from glassform.describing.frames import TARGET, describe_frame, field_names, from_arrow, read_frame
from glassform.fitted.additive import Additive
from glassform.fitted.base import Looked
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoids, softmax
from glassform.languages import gettext
from glassform.learning.estimators import fit
from glassform.learning.facts import typical_record
from glassform.learning.measures import MEASURES
from glassform.learning.recipe import build, chosen
from glassform.learning.saving import version_of
from glassform.learning.table import Split
from glassform.learning.terms import is_unseen, sums_of, terms_of
from glassform.records.field import NOT_KNOWN, PYTHON_TYPE, Field, Record, Value
from glassform.records.schema import Schema

NAME = "glass"  # what answers call the model
FEWEST_ROWS = 2
FEWEST_FOR_A_MARGIN = 50  # rows; the errors of fewer in cross-validation say little of the next ones


class Glass(BaseEstimator):
    """What both estimators do alike: fit a table of points to a frame, and read its terms for rows.

    Attributes
    ----------
    scorecard_
        The fitted model: every point of every field, and of pairs of fields.
    recipe_
        The shapes, the ridge and the pairs that cross-validation chose.
    left_out_
        By column that is not used, why.
    feature_names_in_
        The columns of the frame, if it was one with names.
    n_features_in_
        How many columns it had.
    """

    n_features_in_: int
    feature_names_in_: np.ndarray
    scorecard_: Additive | ClassesScorecard

    def __init__(self, *, pairs: Any = True) -> None:
        self.pairs = pairs

    def __sklearn_tags__(self) -> Tags:
        """Say that columns may hold texts and gaps."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    @abstractmethod
    def outcomes(self, y: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return outcomes as numbers, and the labels of classes."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose shapes, ridge and pairs by cross-validation, fit them, and tabulate the points.

        Parameters
        ----------
        X
            The rows: a data frame (of pandas or, through Arrow, of another library), or an array of numbers or texts.
            A column of numbers becomes a curve, any other one categories. Texts count as numbers if all of them are
            plain ones and there are more than two, and as their years if all are dates; a pandas categorical stays
            categories. Gaps are allowed.
        y
            What to predict.
        sample_weight
            How many rows each one stands for; 1 by default.

        Raises
        ------
        ValueError
            If nothing can be learned from these rows; the message says why.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        X = from_arrow(X)
        frame, target = as_frame(X, FEWEST_ROWS), getattr(y, "name", None)
        validate_data(self, X, skip_check_array=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(frame, y)
        weights = weights_of(sample_weight, len(frame))
        counted = weights > 0
        y, labels = self.outcomes(y[counted])
        self._learn(frame[counted].reset_index(drop=True), y, weights[counted], labels, target or TARGET)
        return self

    def _learn(
        self, frame: pd.DataFrame, y: np.ndarray, weights: np.ndarray, labels: Sequence[str], target: Hashable
    ) -> None:
        self._names = field_names(frame.columns)
        own = {"pairs": asked_pairs(self.pairs, dict(zip(frame.columns, self._names, strict=True)))}
        package, columns = describe_frame(frame, self._names, NAME, target, labels, own)
        schema = Schema(package)
        self.left_out_: dict[Hashable, str] = {
            column: each.left_out for column, each in zip(frame.columns, columns, strict=True) if each.left_out
        }
        refuse_left_out(self.pairs, self.left_out_)
        X = read_frame(frame, self._names, schema)
        split = Split(X, y, weights, None, hash_of(X, y, weights))
        measures = MEASURES[schema.task](schema)
        # several threads would wait for each other, since most of the matrices are small; and what users set for
        # their own pipelines is not meant for ours
        with threadpool_limits(limits=1), sklearn.config_context(enable_metadata_routing=False):
            self.recipe_ = chosen(schema, split)
            pipeline = fit(build(schema, self.recipe_), split)
            kind, points = measures.tabulate(pipeline, split)
            enough = split.rows >= FEWEST_FOR_A_MARGIN
            margin = measures.margin(pipeline, split) if enough else {}
        facts = {"rows": split.rows, **measures.outcomes(split), **margin, "scikit_learn": sklearn.__version__}
        # what a server needs beside the points is not here: examples, training rows, an evaluation
        without: dict[str, Any] = {"examples": [], "people": None, "evaluation": {}}
        version, typical = version_of(schema, pipeline, [split]), typical_record(schema, split)
        fitted: Any = kind(version=version, package=package, typical=typical, training=facts, **without, **points)
        self.scorecard_ = fitted

    def _fitted(self) -> Additive | ClassesScorecard:
        """Return the fitted model; scikit-learn's error says if there is none."""
        check_is_fitted(self)
        return self.scorecard_

    def _read(self, X: Any) -> pd.DataFrame:
        """Return rows as the table of points takes them."""
        card, X = self._fitted(), from_arrow(X)
        frame = as_frame(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return read_frame(frame, self._names, card.schema)

    def _sums(self, X: Any) -> np.ndarray:
        rows = self._read(X)
        return sums_of(self.scorecard_, terms_of(self.scorecard_, rows))

    def explain(self, X: Any) -> Sequence[dict[str, Any]]:
        """Return the answer for each row with every term.

        The intercept and the terms, added from left to right, are exactly the log-odds (of two classes), the
        prediction (of a number) or the sums (of several classes) that the estimator predicts with.
        """
        rows, card = self._read(X), self.scorecard_
        terms = terms_of(card, rows)
        sums, unseen = sums_of(card, terms), unseen_in(card, rows)
        records = [record_of(card.schema.fields, row) for row in rows.to_dict("records")]
        return [
            explained(card, record, [each[place].tolist() for each in terms], sums[place].tolist(), unseen[place])
            for place, record in enumerate(records)
        ]


class Classifier(ClassifierMixin, Glass):
    """Classify rows by a table of points: one for two classes, one for each of several."""

    classes_: np.ndarray

    def outcomes(self, y: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return the place of each row's class, and the classes as text."""
        refuse_gaps(y)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class only, {self.classes_[0]}; at least 2 classes are needed")
        labels = [*map(str, self.classes_)]
        return places.astype(np.int64), labels

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the log-odds of the second of two classes or, of several, the sum of each."""
        return self._sums(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every class."""
        sums = self._sums(X)
        if sums.ndim == 1:
            positive = np.array(sigmoids(sums.tolist()))
            return np.column_stack([1.0 - positive, positive])
        return np.array([softmax(row) for row in sums.tolist()])

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class."""
        sums = self._sums(X)
        best = sums.argmax(axis=1) if sums.ndim == 2 else (sums > 0).astype(int)
        found: np.ndarray = self.classes_[best]
        return found


class Regressor(RegressorMixin, Glass):
    """Predict a number by a table of points."""

    def outcomes(self, y: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return the numbers.

        Raises
        ------
        ValueError
            If one is missing, too large or no number.
        """
        refuse_gaps(y)
        if y.dtype.kind in "mM":
            raise ValueError("y holds dates or durations, and has to hold numbers")
        try:
            numbers = y.astype(np.float64)
        except TypeError as error:
            raise ValueError(f"y has to hold numbers: {error}") from error
        if np.abs(numbers).max() > LARGEST:
            raise ValueError(f"y contains a number beyond {LARGEST:g}")
        return numbers, []

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted numbers."""
        return self._sums(X)


def as_frame(X: Any, fewest: int = 1) -> pd.DataFrame:
    """Return rows as a frame; an array's columns are numbered.

    Raises
    ------
    ValueError
        If they are no table of enough rows and columns.
    """
    if not isinstance(X, pd.DataFrame):
        array = check_array(X, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=fewest)
        if array.dtype.kind != "U":
            return pd.DataFrame(array)
        # one text makes texts of a whole array: of its numbers, and of its gaps
        if isinstance(X, list | tuple):
            return pd.DataFrame([[*row] for row in X])
        return pd.DataFrame(array).replace(str(np.nan), np.nan)
    if len(X) < fewest or not X.shape[1]:
        raise ValueError(f"X has n_samples={len(X)} and n_features={X.shape[1]}; at least {fewest} and 1 are needed")
    return X.reset_index(drop=True)


def refuse_gaps(y: np.ndarray) -> None:
    """Refuse outcomes that are missing or infinite.

    Raises
    ------
    ValueError
        If there is one.
    """
    if pd.isna(y).any():
        raise ValueError("Input y contains NaN.")
    assert_all_finite(y, input_name="y")


def weights_of(sample_weight: Any, rows: int) -> np.ndarray:
    """Return the weight of each row.

    Raises
    ------
    ValueError
        If there is not one number for each row, one is negative, or none is above 0.
    """
    if sample_weight is None:
        return np.ones(rows)
    given = np.full(rows, sample_weight) if np.isscalar(sample_weight) else sample_weight
    weights: np.ndarray = column_or_1d(given, dtype=np.float64, input_name="sample_weight")
    check_consistent_length(weights, np.empty(rows))
    assert_all_finite(weights, input_name="sample_weight")
    if (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight: no weight may be negative, and not all may be zero")
    return weights


def asked_pairs(pairs: Any, names: dict[Hashable, str]) -> dict[str, Any]:
    """Return what a data package says of pairs: nothing if they are tried, else those to use.

    Raises
    ------
    ValueError
        If a pair is no two columns, or stands there twice.
    """
    if isinstance(pairs, bool):
        return {} if pairs else {"use": []}
    if not isinstance(pairs, Collection) or isinstance(pairs, str):
        raise ValueError(f"pairs: {pairs!r} is not True, False or a list of pairs of columns")
    seen = set[frozenset[Hashable]]()
    for pair in pairs:
        if not is_pair(pair, names):
            raise ValueError(f"pairs: {pair!r} is not a pair of two columns of X")
        if frozenset(pair) in seen:
            raise ValueError(f"pairs: {pair!r} stands there more than once")
        seen.add(frozenset(pair))
    return {"use": [[names[first], names[second]] for first, second in pairs]}


def is_pair(pair: Any, names: Collection[Hashable]) -> bool:
    """Tell whether something is a pair of two different columns."""
    if isinstance(pair, str) or not isinstance(pair, Collection) or len(pair) != 2:
        return False
    first, second = pair
    return all(isinstance(each, Hashable) and each in names for each in pair) and first != second


def refuse_left_out(pairs: Any, left_out: dict[Hashable, str]) -> None:
    """Refuse pairs of columns that are not used.

    Raises
    ------
    ValueError
        If there is one.
    """
    for column in (each for pair in ([] if isinstance(pairs, bool) else pairs) for each in pair):
        if column in left_out:
            raise ValueError(f"pairs: {column} can be in no pair, since it is left out: {left_out[column]}")


def hash_of(X: pd.DataFrame, y: np.ndarray, weights: np.ndarray) -> str:
    """Return a hash of rows, which the version rests on."""
    rows = X.assign(**{f"{TARGET} ": y, "rows ": weights})
    return hashlib.sha256(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()).hexdigest()


def unseen_in(card: Additive | ClassesScorecard, rows: pd.DataFrame) -> list[list[str]]:
    """Return, for each row, the fields whose value the training data did not have."""
    first = next(iter(card.tables.values())).points if isinstance(card, ClassesScorecard) else card.points
    found = {name: is_unseen(points, rows[name]) for name, points in first.items()}
    return [[name for name, each in found.items() if each[place]] for place in range(len(rows))]


def record_of(fields: Sequence[Field], row: dict[Hashable, Any]) -> Record:
    """Return a row as a record: whole numbers whole, "?" for a gap."""
    return {field.name: value_of(field, row[field.name]) for field in fields}


def value_of(field: Field, value: Any) -> Value:
    """Return a value as a record holds it."""
    if field.categories:
        return str(value)
    number = float(value)
    if number != number:
        return NOT_KNOWN
    return PYTHON_TYPE[field.type](number) if number.is_integer() else number


def explained(
    card: Additive | ClassesScorecard, record: Record, terms: list[Any], sums: Any, unseen: Sequence[str]
) -> dict[str, Any]:
    """Return the answer for a record whose terms are known, in the form of every other explanation."""
    row = Looked([*record.values()], terms)
    interval = card.interval(sums)
    if isinstance(card, Scorecard) and card.covariance and not unseen:
        interval = card.interval_of(record, sums)
    by_name = card.schema.by_name
    not_seen = [
        gettext(
            "%(field)s: %(value)s was not in the training data. It adds 0 points.",
            field=by_name[name].title,
            value=record[name],
        )
        for name in unseen
    ]
    return {
        **card.target.members(sums),
        **card.arithmetic(row, sums),
        "record": record,
        "interval": interval,
        "support": None,
        "warnings": [*card.cautions(row.values), *not_seen],
        "model": card.model,
    }
