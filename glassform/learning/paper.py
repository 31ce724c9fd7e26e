"""The paper card of a model of two classes: lines of whole points, a fit of its own without pairs."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from glassform.fitted.pairs import Side
from glassform.fitted.paper import UNIT, Paper, PaperField
from glassform.learning.base import Measures
from glassform.learning.lines import Grouped, fitted, merged, places_of
from glassform.learning.recipe import Profiles, Recipe
from glassform.learning.rules import rules_of
from glassform.learning.shapes import NO_RULE, Cells, Rule, counted
from glassform.learning.table import Split
from glassform.records.field import Field
from glassform.records.schema import Schema

MOST_LINES = 28  # of all fields together
MOST_SUM = 99  # so that a sum has two digits
MOST_ROWS = 40_000  # that the card is fitted on
MOST_CELLS, FEWEST_CELLS = 40, 8  # of a field, before any are merged
ALL_CELLS = 400  # of all fields together
FEWEST_ROWS = 10  # of a number's cell
SOFTEST, HARDER = 5.0, 1.5  # the ridge at least, and how many times as hard if a sum would have three digits
FAR, CLOSE = 30.0, 1e-9  # log-odds between which the offset lies, and how exactly it is found
KEPT = ("roc_auc", "brier_score")  # scores


def paper_of(schema: Schema, training: Split, recipe: Recipe) -> Paper:
    """Return the paper card of some rows of two classes, not measured yet."""
    rows = Profiles.of(training).at_most(MOST_ROWS)
    ridge = max(1.0 / recipe.strength, SOFTEST)
    grouped = strongest(cells_of_fields(schema, rows), rows)
    if grouped:
        grouped = merged(grouped, fitted(grouped, places_of(grouped, rows.X), rows, ridge), MOST_LINES)
    places, rows = counted_once(places_of(grouped, rows.X), rows)
    points = in_two_digits(grouped, places, rows, ridge)
    fields = [field_of(*without_equals(*each)) for each in zip(grouped, by_field(grouped, points), strict=True)]
    offset = offset_of(UNIT * points[places].sum(axis=1), rows)
    return Paper(offset, tuple(field for field in fields if len(field.points) > 1), {})


def measured(paper: Paper, measures: Measures, test: Split, evaluation: dict[str, Any]) -> Paper:
    """Return the card with its scores on the test rows, beside those of other models on the same rows."""
    sums = np.zeros(len(test.y), dtype=int)
    for field in paper.fields:
        cells = Cells(field.side.feature, field.side.levels, field.side.edges, field.side.has_gaps)
        sums += np.array(field.points)[np.array(field.places)[cells.of(test.X[field.feature])]]
    scores = measures.scores(test.y, np.array(paper.probabilities)[sums])
    told = {"full": evaluation["comparison"]["this"], "straight": evaluation["comparison"]["linear"]}
    kept = {name: {each: of[each] for each in KEPT} for name, of in told.items()}
    return replace(paper, measured={each: scores[each] for each in KEPT} | kept)


def cells_of_fields(schema: Schema, rows: Profiles) -> list[Grouped]:
    """Return the cells of every field, a line each; rare levels of a category share one."""
    rules = rules_of(schema)
    most = int(np.clip(ALL_CELLS // len(schema.fields), FEWEST_CELLS, MOST_CELLS))
    return [cells_of(each, rows, rules.get(each.name, NO_RULE), most) for each in schema.fields]


def cells_of(field: Field, rows: Profiles, rule: Rule, most: int) -> Grouped:
    """Return the cells of a field, at most so many, but for a gap."""
    column = rows.X[field.name]
    if field.categories:
        cells = Cells(field.name, levels=tuple(field.categories))
        return Grouped(cells, common_lines(cells, column, rows.weights, most), rule, field.ordered)
    values = column.to_numpy(dtype=float)
    known = ~np.isnan(values)
    edges = rule.steps or edges_of(*counted(values[known], rows.weights[known]), most, field.type == "integer")
    cells = Cells(field.name, edges=edges, has_gaps=field.has_gaps)
    return Grouped(cells, np.arange(cells.number), rule)


def common_lines(cells: Cells, column: pd.Series, weights: np.ndarray, most: int) -> np.ndarray:
    """Return a line for each of the most frequent levels, and one for all others."""
    if cells.number <= most:
        return np.arange(cells.number)
    found = np.bincount(cells.of(column), weights, minlength=cells.number)
    common = np.sort(np.argsort(-found, kind="stable")[: most - 1])
    lines = np.full(cells.number, most - 1)
    lines[common] = np.arange(most - 1)
    return lines


def edges_of(distinct: np.ndarray, counts: np.ndarray, most: int, is_whole: bool) -> tuple[float, ...]:
    """Return where the cells of a number begin, but for the first: about as many rows in each, in few digits."""
    if len(distinct) < 2:
        return ()
    number = int(np.clip(counts.sum() // FEWEST_ROWS, 1, most))
    at = np.searchsorted(counts.cumsum(), np.arange(1, number) / number * counts.sum())
    edges = np.unique(distinct[np.minimum(at, len(distinct) - 1)])
    edges = edges[edges > distinct[0]]
    around = np.diff(np.concatenate([distinct[:1], edges, distinct[-1:]])) / 4
    shortened = [
        short(edge, min(before, after or before), is_whole)
        for edge, before, after in zip(edges.tolist(), around[:-1], around[1:], strict=True)
    ]
    return tuple(sorted({*shortened}))


def short(number: float, by: float, is_whole: bool) -> float:
    """Return a number in as few digits as moving it by no more than `by` allows."""
    for step in (half * 10.0**-places for places in range(-15, 16) for half in (1.0, 0.5)):
        if is_whole and step < 1.0:
            break
        near = float(f"{round(number / step) * step:.15g}")
        if abs(near - number) <= by:
            return near
    return number


def strongest(grouped: Sequence[Grouped], rows: Profiles) -> list[Grouped]:
    """Return the fields that tell most alone, no more than there can be lines, in the order given."""
    share = rows.weights @ rows.y / rows.weights.sum()

    def told(each: Grouped) -> float:
        line = each.of(rows.X[each.cells.feature])
        over = np.bincount(line, rows.weights * (rows.y - share), minlength=each.count)
        spread = np.bincount(line, rows.weights, minlength=each.count) * share * (1.0 - share)
        return float((over**2 / (spread + 1.0)).sum())

    strength = {each.cells.feature: told(each) for each in grouped}
    kept = {*sorted(strength, key=lambda name: -strength[name])[:MOST_LINES]}
    return [each for each in grouped if each.cells.feature in kept and each.count > 1]


def by_field(grouped: Sequence[Grouped], numbers: np.ndarray) -> list[np.ndarray]:
    """Return a number of every line by field."""
    return np.split(numbers, np.cumsum([each.count for each in grouped])[:-1]) if grouped else []


def in_two_digits(grouped: Sequence[Grouped], places: np.ndarray, rows: Profiles, ridge: float) -> np.ndarray:
    """Return whole points of all lines, the least of each field 0.

    Where the highest sum would have three digits, a harder ridge holds the lines back: most of all those that rest on
    few rows.
    """
    while grouped:
        log_odds = by_field(grouped, fitted(grouped, places, rows, ridge).log_odds[:-1])
        points = [
            each.in_trend(np.rint((own - own.min()) / UNIT).astype(int))
            for each, own in zip(grouped, log_odds, strict=True)
        ]
        if sum(own.max() for own in points) <= MOST_SUM:
            return np.concatenate(points)
        ridge *= HARDER
    return np.zeros(0, dtype=int)


def counted_once(places: np.ndarray, rows: Profiles) -> tuple[np.ndarray, Profiles]:
    """Return every combination of lines and outcome once, with the rows that have it."""
    both = np.column_stack([places, rows.y])
    _, first, which = np.unique(both, axis=0, return_index=True, return_inverse=True)
    weights = np.bincount(which.ravel(), rows.weights)
    return places[first], Profiles(rows.X.iloc[first], rows.y[first], weights, rows.records[first])


def offset_of(sums: np.ndarray, rows: Profiles) -> float:
    """Return what to add to all sums, in log-odds, so that the mean probability is the share of the outcomes.

    The mean rises with the offset, so halving finds it.
    """
    share = rows.weights @ rows.y / rows.weights.sum()
    low, high = -FAR - sums.max(initial=0.0), FAR - sums.min(initial=0.0)
    while high - low > CLOSE:
        middle = (low + high) / 2
        mean = rows.weights @ (1.0 / (1.0 + np.exp(-(sums + middle)))) / rows.weights.sum()
        low, high = (middle, high) if mean < share else (low, middle)
    return float(low + high) / 2


def without_equals(grouped: Grouped, points: np.ndarray) -> tuple[Grouped, np.ndarray]:
    """Make lines with equal points one, as far as they may become one; the least of the points is 0."""
    points = points - points.min()
    while equal := [(first, second) for first, second, _ in grouped.candidates() if points[first] == points[second]]:
        grouped, points = grouped.joined(*equal[0]), np.delete(points, equal[0][1])
    return grouped, points


def field_of(grouped: Grouped, points: np.ndarray) -> PaperField:
    """Return a field of the card, without the edges that separate nothing."""
    cells, lines = grouped.cells, grouped.lines.tolist()
    if cells.levels:
        side, kept = Side(cells.feature, levels=cells.levels), lines
    else:
        turns = [place for place, both in enumerate(pairwise(lines[: len(cells.edges) + 1]), 1) if both[0] != both[1]]
        kept = [lines[place] for place in (0, *turns)] + ([lines[-1]] if cells.has_gaps else [])
        side = Side(cells.feature, edges=tuple(cells.edges[place - 1] for place in turns), has_gaps=cells.has_gaps)
    return PaperField(side, tuple(kept), tuple(points.tolist()))
