"""What there is to say of the rows a model learned from."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import sklearn

from glassform.fitted.neighbours import pack
from glassform.learning.evaluation import DECILES
from glassform.learning.table import Split, as_records, plain, value_of
from glassform.records.field import Record
from glassform.records.schema import BINARY, CLASSES, Schema

EXAMPLE_PROBABILITIES = (0.03, 0.3, 0.6, 0.9)  # the examples to try are the people nearest to these
MOST_EXAMPLES = 6  # of classes, one each
ALIKE = 200  # test rows that are asked how many people are like them


def typical_record(schema: Schema, X: pd.DataFrame, weights: np.ndarray) -> Record:
    """Return the median of every number and the most frequent of every category."""
    typical = {}
    for field in schema.fields:
        counts = pd.Series(weights).groupby(X[field.name].to_numpy()).sum()
        # the value in the middle of all rows, in order; a median of whole numbers stays whole
        middle = int(counts.cumsum().searchsorted((counts.sum() - 1) / 2, side="right"))
        typical[field.name] = value_of(field, counts.idxmax() if field.categories else counts.index[middle])
    return typical


def choose_examples(schema: Schema, test: Split, given: np.ndarray) -> list[dict[str, Any]]:
    """Choose real rows of the test split: some across the range, then those that surprise the model most."""
    if schema.task == CLASSES:
        known = np.take_along_axis(given, test.y[:, None], axis=1)[:, 0]
        nearest = [int(given[:, label].argmax()) for label in range(min(given.shape[1], MOST_EXAMPLES))]
        surprises = [int(known.argmin())]
    else:
        wanted = EXAMPLE_PROBABILITIES if schema.task == BINARY else np.quantile(given, EXAMPLE_PROBABILITIES)
        nearest = [int(np.abs(given - each).argmin()) for each in wanted]
        surprises = [int((given - test.y).argmax()), int((given - test.y).argmin())]
    return [
        {
            "record": as_records(schema, test.X.iloc[[row]])[0],
            "outcome": schema.classes[test.y[row]] if schema.classes else plain(test.y[row]),
            "surprise": row in surprises,
        }
        for row in dict.fromkeys([*nearest, *surprises])
    ]


def people(schema: Schema, training: Split) -> dict[str, Any]:
    """Return the people learned from, as an artifact holds them; only of two classes it tells who was of which."""
    columns = {field.name: training.X[field.name].map(partial(value_of, field)).tolist() for field in schema.fields}
    positive = training.y if schema.task == BINARY else np.zeros(len(training.y), dtype=np.int64)
    return pack(schema, columns, positive.tolist(), training.weights.astype(int).tolist())


def usually_alike(schema: Schema, training: Split, test: Split) -> float:
    """Return how many of the people learned from are like a test row, in the median over some of them."""
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


def facts(schema: Schema, training: Split, test: Split) -> dict[str, Any]:
    """Return what there is to say of the training; of exact copies, only if whole rows were read."""
    copies: dict[str, int | None] = {"duplicates": None, "overlap": None}
    if training.hashes is not None and test.hashes is not None:
        copies["duplicates"] = len(training.hashes) - len(np.unique(training.hashes))
        copies["overlap"] = int(np.isin(test.hashes, training.hashes).sum())
    return {
        "rows": training.rows,
        **outcomes(schema, training),
        **copies,
        "groups": count_groups(schema, training) if schema.task == BINARY else {},
        "scikit_learn": sklearn.__version__,
        "sha256": {"train": training.sha256, "test": test.sha256},
    }


def outcomes(schema: Schema, split: Split) -> dict[str, Any]:
    """Return how many rows are of the positive class of two, or of each of several; or how the numbers are spread."""
    if schema.task == BINARY:
        return {"positives": split.positives}
    if schema.task == CLASSES:
        return {"counts": np.bincount(split.y, split.weights, minlength=len(schema.classes)).astype(int).tolist()}
    mean = float(np.average(split.y, weights=split.weights))
    deviation = float(np.sqrt(np.average((split.y - mean) ** 2, weights=split.weights)))
    return {"mean": mean, "deviation": deviation, "minimum": float(split.y.min()), "maximum": float(split.y.max())}


def count_groups(schema: Schema, split: Split) -> dict[str, dict[str, dict[str, int]]]:
    """Count rows and positives of every category of the package's group fields."""
    return {
        field.name: {
            category: {"rows": int(split.weights[mask].sum()), "positives": int(split.weights[mask] @ split.y[mask])}
            for category in field.categories
            if (mask := (split.X[field.name] == category).to_numpy()).any()
        }
        for field in schema.groups
    }


def distribution(schema: Schema, X: pd.DataFrame, weights: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """Return how the training rows are distributed, by field and by what is foretold, to compare what is asked with.

    Categories are counted each; numbers in up to ten bins of about as many rows, from each of `bounds` on.
    """
    fields = {
        field.name: {"counts": [[value, float(weights[X[field.name] == value].sum())] for value in field.categories]}
        if field.categories
        else in_bins(X[field.name].to_numpy(), weights, field.has_gaps)
        for field in schema.fields
    }
    if schema.task != CLASSES:
        return {"fields": fields, "score": in_bins(given, weights)}
    counts = np.bincount(given.argmax(axis=1), weights, minlength=len(schema.classes)).tolist()
    return {"fields": fields, "score": {"counts": [list(each) for each in zip(schema.classes, counts, strict=True)]}}


def in_bins(values: np.ndarray, weights: np.ndarray, has_gaps: bool = False) -> dict[str, Any]:
    """Count numbers in bins whose lower bounds are the lowest value and the deciles; apart from that, gaps."""
    if has_gaps:
        known = ~np.isnan(values)
        return {**in_bins(values[known], weights[known]), "gaps": float(weights[~known].sum())}
    order = np.argsort(values, kind="stable")
    reached = weights[order].cumsum() / weights.sum()
    deciles = values[order][np.searchsorted(reached, np.arange(1, DECILES) / DECILES)]
    bounds = np.unique([values.min(), *deciles])
    counts = np.bincount(np.searchsorted(bounds, values, side="right") - 1, weights, minlength=len(bounds))
    return {"bounds": bounds.tolist(), "counts": counts.tolist()}
