"""The table of points of a fitted pipeline: how large it is, how exact, and how fast it answers."""

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
import pandas as pd

from glassform.fitted.base import Fitted
from glassform.learning.measures import MEASURES
from glassform.learning.table import Split, as_records
from glassform.records.field import Field, Record
from glassform.records.schema import NUMBER, Schema

TRIED = 10_000  # random records, to compare a table with its pipeline
ANSWERS, ROUNDS, SLOW_ANSWERS = 2_000, 7, 30
GAPS = 0.05  # of the values of a random record, where there can be gaps


def card_of(schema: Schema, pipeline: Any, training: Split) -> Fitted:
    """Return a fitted pipeline as a table of points, as far as it answers."""
    kind, points = MEASURES[schema.task](schema).tabulate(pipeline, training)
    return kind("", schema.package, {}, [], None, {}, {}, **points)


def tables_of(card: Any) -> list[Any]:
    """Return a card's tables of points: one, or one per class."""
    return list(card.tables.values()) if hasattr(card, "tables") else [card]


def number_of_points(card: Any) -> int:
    """Count the points of a card, those of pairs too."""
    return sum(
        sum(len(each.places) for each in table.points.values())
        + sum(len(row) for pair in table.pairs.values() for row in pair.log_odds)
        for table in tables_of(card)
    )


def largest_gap(schema: Schema, pipeline: Any, card: Fitted, X: pd.DataFrame) -> float:
    """Return the largest difference between a card's sums and its pipeline's, on given rows."""
    theirs = pipeline.predict(X) if schema.task == NUMBER else pipeline.decision_function(X)
    ours = np.array([card.sums(record) for record in as_records(schema, X)])
    # a card adds up as Python does; a large number has fewer decimals
    found: float = np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs)))
    return float(found)


def largest_margin(schema: Schema, card: Any, X: pd.DataFrame) -> float:
    """Return the largest mean that a pair's points have over the rows with one level of either field."""
    records, largest = as_records(schema, X), 0.0
    for table in tables_of(card):
        for pair in table.pairs.values():
            heights = np.array([pair.of(record) for record in records])
            for side in pair.sides:
                cells = [side.cell(record[side.feature]) for record in records]
                # the rows of a level that hardly occurs count as little as they are
                largest = max(largest, float(np.abs(np.bincount(cells, heights)).max()) / len(records))
    return largest


def random_rows(schema: Schema, X: pd.DataFrame, number: int = TRIED) -> pd.DataFrame:
    """Return random records with values between the known ones, and gaps where there can be any."""
    chance = np.random.default_rng(0)
    return pd.DataFrame({each.name: random_values(each, X[each.name], chance, number) for each in schema.fields})


def random_values(field: Field, column: pd.Series, chance: np.random.Generator, number: int) -> pd.Series:
    """Return random values of a field."""
    if field.categories:
        return pd.Series(chance.choice([*field.categories], number), dtype=column.dtype)
    drawn = chance.uniform(column.min(), column.max(), number)
    drawn = drawn.round() if field.values else drawn
    is_gap = (chance.random(number) < GAPS) & field.has_gaps
    return pd.Series(np.where(is_gap, np.nan, drawn)).astype(column.dtype)


def microseconds_of_card(card: Fitted, records: Sequence[Record]) -> float:
    """Return the microseconds that a card takes for one answer's sum."""
    return microseconds(card.sums, list(islice(cycle(records), ANSWERS)))


def microseconds_of_model(predict: Callable[[pd.DataFrame], Any], X: pd.DataFrame) -> float:
    """Return the microseconds that a model takes to predict one row of a data frame."""
    return microseconds(predict, [X.iloc[[row % len(X)]] for row in range(SLOW_ANSWERS)])


def microseconds(ask: Callable[[Any], Any], questions: Sequence[Any]) -> float:
    """Return the microseconds of one answer, of the fastest of a few rounds: a busy machine does not count."""
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for question in questions:
            ask(question)
        took.append((time.perf_counter() - begin) / len(questions))
    return min(took) * 1e6
