"""Facts about the training rows and the examples, as a model's file holds them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import sklearn
from pandas import DataFrame, Series
from sklearn.pipeline import Pipeline

from glassform.fitted.additive import Points
from glassform.fitted.neighbours import THIN, pack
from glassform.fitted.pairs import Pair, Remembered
from glassform.learning.base import DECILES, Measures, in_bins
from glassform.learning.table import Split, as_records, value_of
from glassform.records.field import NOT_KNOWN, Record
from glassform.records.schema import Schema
from glassform.records.values import plain

ALIKE = 200  # test rows whose neighbours in the training rows are counted


def typical_record(schema: Schema, training: Split) -> Record:
    """Return the median of every number and the most frequent of every category."""
    typical = {}
    for field in schema.fields:
        counts = Series(training.weights).groupby(training.X[field.name].to_numpy()).sum()
        # the value in the middle of all rows, in order; a median of whole numbers stays whole
        middle = int(counts.cumsum().searchsorted((counts.sum() - 1) / 2, side="right"))
        typical[field.name] = value_of(field, counts.idxmax() if field.categories else counts.index[middle])
    return typical


def choose_examples(measures: Measures, test: Split, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Choose real rows of the test split: some across the range, then those that surprise the model most."""
    schema = measures.schema
    across, surprises = measures.examples(test.y, predicted)
    return [
        {
            "record": as_records(schema, test.X.iloc[[row]])[0],
            "outcome": schema.classes[test.y[row]] if schema.classes else plain(test.y[row]),
            "surprise": row in surprises,
        }
        for row in dict.fromkeys([*across, *surprises])
    ]


def people(measures: Measures, training: Split, test: Split) -> dict[str, Any] | None:
    """Pack the training rows for the model's file, with the outcomes of binary targets; None if few are alike."""
    schema = measures.schema
    if usually_alike(schema, training, test) < THIN:
        return None
    columns = {field.name: training.X[field.name].map(partial(value_of, field)).tolist() for field in schema.fields}
    positive = measures.is_positive(training.y).tolist()
    return pack(schema, columns, positive, training.weights.astype(int).tolist())


def usually_alike(schema: Schema, training: Split, test: Split) -> float:
    """Return how many training rows are like a test row, in the median over some of these."""
    found = []
    some = test.X.iloc[np.linspace(0, len(test.X) - 1, num=min(ALIKE, len(test.X)), dtype=int)]
    for row in some.to_dict("records"):
        alike = np.ones(len(training.X), dtype=bool)
        for field in schema.fields:
            column, own = training.X[field.name].to_numpy(), row[field.name]
            near = column == own if field.categories else np.abs(column - own) <= field.window
            alike &= near | (np.isnan(column) & np.isnan(own)) if field.has_gaps else near
        found.append(training.weights[alike].sum())
    return float(np.median(found))


def facts(measures: Measures, pipeline: Pipeline, training: Split, test: Split) -> dict[str, Any]:
    """Return facts about the training; exact copies are counted only if whole rows were read."""
    copies: dict[str, int | None] = {"duplicates": None, "overlap": None}
    if training.hashes is not None and test.hashes is not None:
        copies["duplicates"] = len(training.hashes) - len(np.unique(training.hashes))
        copies["overlap"] = int(np.isin(test.hashes, training.hashes).sum())
    return {
        "rows": training.rows,
        **measures.outcomes(training),
        **copies,
        "groups": measures.count_groups(training),
        "scikit_learn": sklearn.__version__,
        "sha256": {"train": training.sha256, "test": test.sha256},
        **measures.margin(pipeline, training),
        "distribution": distribution(measures, training.X, training.weights, measures.predict(pipeline, training.X)),
    }


def slopes(points: Mapping[str, Points], pairs: Mapping[str, Pair], training: Split) -> dict[str, float]:
    """Return, by field and pair, how many of its points go with one more of the log-odds, on average.

    It is the slope of the straight line through the training rows (least squares). All slopes sum to 1, so they share
    out the log-odds of a threshold; they are 0 where all rows have the same.
    """
    X = training.X
    terms = {name: each.heights(X[name].tolist()) for name, each in points.items()}
    for name, pair in pairs.items():
        columns = ([NOT_KNOWN if x != x else x for x in X[feature].tolist()] for feature in pair.features)
        together = Remembered(pair.at)
        terms[name] = [together[both] for both in zip(*columns, strict=True)]
    table = np.array([*terms.values()], dtype=float)
    apart = table.sum(axis=0)
    apart -= np.average(apart, weights=training.weights)
    shares = table @ (training.weights * apart)
    return dict(zip(terms, (shares / (shares.sum() or 1.0)).tolist(), strict=True))


def distribution(measures: Measures, X: DataFrame, weights: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return how rows are distributed, by field and by prediction, to compare the records of requests with.

    Each category is counted; numbers are counted in up to ten bins of about as many rows, from each of `bounds` on,
    and `evenly` in up to ten bins of the same width.
    """
    fields = {
        field.name: {"counts": [[value, float(weights[X[field.name] == value].sum())] for value in field.categories]}
        if field.categories
        else {
            **in_bins(X[field.name].to_numpy(), weights, field.has_gaps),
            "evenly": evenly(X[field.name].to_numpy(), weights),
        }
        for field in measures.schema.fields
    }
    return {"fields": fields, "score": measures.distribution(predicted, weights)}


def evenly(values: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """Count known numbers in bins of the same width: ten, or as many as there are distinct numbers."""
    known = ~np.isnan(values.astype(float))
    bins = max(1, min(DECILES, len(np.unique(values[known]))))
    counts, edges = np.histogram(values[known].astype(float), bins=bins, weights=weights[known])
    return {"low": float(edges[0]), "high": float(edges[-1]), "counts": counts.astype(float).tolist()}
