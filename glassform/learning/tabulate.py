"""Turn a fitted additive pipeline into a table of points, without looking inside it."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from pandas import DataFrame, Series
from scipy.sparse import csr_array, hstack
from sklearn.pipeline import Pipeline

from glassform.fitted.additive import Points
from glassform.fitted.pairs import Pair
from glassform.fitted.scorecard import TOLERANCE
from glassform.learning.interactions import alone_by_field, interactions_of
from glassform.learning.knots import between as between
from glassform.learning.knots import one_knot_a_bend
from glassform.learning.shapes import Cells, shapes_of
from glassform.records.field import NOT_KNOWN, Field, Value
from glassform.records.schema import NUMBER, Schema

STRAIGHT = 1e-11  # log-odds; a curve this close to a straight line counts as straight
PROBES = (0.27, 0.5, 0.81)  # places in a segment that are checked; uneven, so that no kink hides between them
MOST_KNOTS = 5_000  # of one curve; one that needs more is not made of straight lines
Ask = Callable[[DataFrame], list[float]]  # returns a pipeline's output for each row
Outer = Sequence[tuple[Any, float]]  # knots on one side of what was seen, each a value and its height
NOWHERE: Mapping[str, Sequence[float]] = MappingProxyType({})
Curves = Callable[[Mapping[str, Sequence[Any]]], dict[str, list[float]]]  # at each feature's values


class NotAdditive(ValueError):
    """The pipeline is not a sum of one term per feature, so no table of points equals it."""


def tabulate(
    pipeline: Pipeline,
    schema: Schema,
    X: DataFrame,
    weights: Sequence[float] | np.ndarray | None = None,
    output: int | None = None,
) -> tuple[float, dict[str, Points], dict[str, Pair]]:
    """Tabulate the points of a fitted additive pipeline, without looking inside it.

    One record is held fixed and one feature varies over its values. The differences in the pipeline's output are the
    feature's points, shifted so that their average over the rows of `X` is 0. Where two features say something
    together, both vary; what each of them says alone goes to its own points.

    Parameters
    ----------
    pipeline
        A fitted classifier with `decision_function`, or a fitted regressor.
    X
        The training rows, one column per field, named as the schema names them.
    weights
        How many rows each row of `X` stands for; 1 by default.
    output
        The column of `decision_function`, if there are several classes.

    Returns
    -------
    The intercept and, by feature, the points; and those of pairs of features.

    Raises
    ------
    NotAdditive
        If the pipeline gives no log-odds, a real-valued feature's curve is not made of straight lines, or the
        table differs from the pipeline by more than 1e-9 on any row of `X`.
    """
    ask = partial(outputs, pipeline, schema, output)
    counts = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=float)
    interactions = interactions_of(pipeline, X, counts)
    purified = [each.purified(ask) for each in interactions]
    alone = alone_by_field(interactions, purified)
    base, given, total = X.iloc[[0]], counts.tolist(), math.fsum(counts.tolist())
    intercept = ask(base)[0]
    points, terms = {}, []
    for name, raised in raised_points(ask, schema, base, turns_of(pipeline)).items():
        for cells, added in alone.get(name, ()):
            raised = with_steps(raised, cells, added)
        heights, (own,) = raised.heights(X[name].tolist()), raised.heights(base[name].tolist())
        # only differences count: of the average over all rows from this row's own height
        differences = ((y - own) * weight for y, weight in zip(heights, given, strict=True))
        average = own + math.fsum(differences) / total
        intercept += average - own
        points[name] = moved_by(raised, partial(minus, average))
        terms.append([y - average for y in heights])
    pairs = {}
    for each, (together, _, _) in zip(interactions, purified, strict=True):
        pair = each.pair(together)
        intercept -= each.terms(base, together)[0]  # in the record held fixed, fields say nothing beyond their own
        pairs[pair.name] = pair
        terms.append(each.terms(X, together))
    prove(ask(X), intercept, terms)
    return intercept, points, pairs


def raised_points(
    ask: Ask, schema: Schema, base: DataFrame, turns: Mapping[str, Sequence[float]]
) -> dict[str, Points]:
    """Return a pipeline's output along each feature, the rest of one record held fixed."""
    whole = {field.name: field.values for field in schema.fields if field.values}
    asked = ask_curves(ask, base, whole)
    curves = {name: (values, asked[name]) for name, values in whole.items()}
    vary_one = partial(ask_curves, ask, base)
    curves |= all_knots(vary_one, [field for field in schema.fields if not field.values], turns)
    outer = outer_knots(vary_one, [field for field in schema.fields if not field.categories], turns)
    gaps = ask_curves(ask, base, {field.name: [math.nan] for field in schema.fields if field.has_gaps})
    found = {}
    for field in schema.fields:
        values, given = curves[field.name]
        sides = (tuple(side) for side in outer.get(field.name, ((), ())))
        found[field.name] = Points(
            tuple(values), tuple(given), not field.values, *gaps.get(field.name, (None,)), *sides
        )
    return found


def moved_by(points: Points, by: Callable[[Any], float]) -> Points:
    """Return points with something added to each, which depends on the value; that of a gap is NaN."""
    return Points(
        points.values,
        tuple(y + by(x) for x, y in zip(points.values, points.log_odds, strict=True)),
        points.linear,
        None if points.gap is None else points.gap + by(math.nan),
        *(tuple((x, y + by(x)) for x, y in side) for side in (points.before, points.after)),
    )


def minus(number: float, _: Any) -> float:
    """Return a number negated, whatever the value."""
    return -number


def with_steps(points: Points, cells: Cells, added: np.ndarray) -> Points:
    """Return points with something added in each cell; a curve gets two knots, side by side, where it jumps."""
    heights = added.tolist()
    if cells.levels:
        by_level = dict(zip(cells.levels, heights, strict=True))
        return moved_by(points, lambda value: by_level[value])
    if points.linear:
        low, high = points.values[0], points.values[-1]
        knots = {x for edge in cells.edges for x in (math.nextafter(edge, -math.inf), edge) if low < x < high}
        values = tuple(sorted({*points.values, *knots}))
        points = replace(points, values=values, log_odds=tuple(points.heights(values)))
    # NaN, a gap, has the last cell
    return moved_by(points, lambda x: heights[bisect_right(cells.edges, x) if x == x else -1])


def turns_of(pipeline: Pipeline) -> dict[str, list[float]]:
    """Return, by feature, where a pipeline's curves may turn or jump, as far as it tells: a search starts there."""
    shapes = shapes_of(pipeline)
    if shapes is None:
        return {}
    found = {name: shape.turns for name, shape in shapes.shapes_.items()}
    for name, cells in shapes.cells_.items():
        if not cells.levels:
            found[name] += [x for edge in cells.edges for x in (math.nextafter(edge, -math.inf), edge)]
    return found


def outputs(pipeline: Pipeline, schema: Schema, output: int | None, X: DataFrame) -> list[float]:
    """Return a pipeline's output for each row: log-odds, a number, or the sum of one class.

    Raises
    ------
    NotAdditive
        If the pipeline has none of these.
    """
    if schema.task == NUMBER:
        found: list[float] = pipeline.predict(X).tolist()
        return found
    if not hasattr(pipeline, "decision_function"):
        raise NotAdditive("the pipeline has no decision_function, so it gives no log-odds")
    sums = pipeline.decision_function(X)
    return (sums if output is None else sums[:, output]).tolist()  # type: ignore[no-any-return]


def ask_curves(ask: Ask, base: DataFrame, wanted: Mapping[str, Sequence[Any]]) -> dict[str, list[float]]:
    """Return a pipeline's output at the values of several features, each varied alone, from one call."""
    places, count = {}, 0
    for name, values in wanted.items():
        places[name] = slice(count, count + len(values))
        count += len(values)
    columns = {}
    for name in map(str, base):
        column = [base[name].iloc[0]] * count
        column[places.get(name, slice(0))] = wanted.get(name, ())
        columns[name] = column
    found = ask(type(base)(columns).astype(base.dtypes)) if count else []
    return {name: found[place] for name, place in places.items()}


def vary(base: DataFrame, name: str, values: Sequence[Value]) -> DataFrame:
    """Repeat a row once per value, with a feature set to each value in turn."""
    varied = base.iloc[[0] * len(values)].copy()
    varied[name] = list(values)
    return varied


def prove(given: Sequence[float], intercept: float, terms: Sequence[Sequence[float]]) -> None:
    """Compare the table with the pipeline on every row.

    Parameters
    ----------
    given
        The pipeline's output for each row.
    terms
        The points of every row, by feature.

    Raises
    ------
    NotAdditive
        With the worst row, if the two differ by more than 1e-9.
    """
    gaps = [abs(intercept + sum(row) - theirs) for row, theirs in zip(zip(*terms, strict=True), given, strict=True)]
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    if not gaps[worst] <= TOLERANCE * max(1.0, abs(given[worst])):
        raise NotAdditive(
            f"the model is not a sum of one term per feature: on row {worst + 1} the table differs "
            f"from the pipeline by {gaps[worst]:.3g} in log-odds, and {TOLERANCE:g} is allowed"
        )


def all_knots(
    curves: Curves, fields: Sequence[Field], turns: Mapping[str, Sequence[float]] = NOWHERE
) -> dict[str, tuple[list[Value], list[float]]]:
    """Find where curves made of straight lines bend or jump, between the bounds of their real-valued fields."""
    ends = {field.name: (float(low), float(high)) for field in fields for low, high in [field.bounds]}
    return knots_between(curves, ends, turns=turns)


def outer_knots(
    curves: Curves, fields: Sequence[Field], turns: Mapping[str, Sequence[float]] = NOWHERE
) -> dict[str, tuple[Outer, Outer]]:
    """Return the knots of curves outside of what was seen, before and after it, where no rule ends them there."""
    whole = {field.name for field in fields if field.type == "integer"}
    before = {each.name: (each.reach[0], each.bounds[0]) for each in fields if each.reach[0] < each.bounds[0]}
    after = {each.name: (each.bounds[1], each.reach[1]) for each in fields if each.reach[1] > each.bounds[1]}
    beside = {name: [*map(math.floor, turns.get(name, ())), *map(math.ceil, turns.get(name, ()))] for name in whole}
    found = [knots_between(curves, ends, whole, {**turns, **beside}) for ends in (before, after)]
    first, last = ({name: [*zip(*knots, strict=True)] for name, knots in side.items()} for side in found)
    # the innermost knots are the first and the last value
    return {each.name: (first.get(each.name, [])[:-1], last.get(each.name, [])[1:]) for each in fields}


def knots_between(
    curves: Curves,
    ends: Mapping[str, tuple[float, float]],
    whole: Set[str] = frozenset(),
    turns: Mapping[str, Sequence[float]] = NOWHERE,
) -> dict[str, tuple[list[Value], list[float]]]:
    """Find where curves made of straight lines bend or jump between two values; those in `whole` at whole numbers.

    `turns` are places where they may, if some are known.

    Every segment that is not straight is halved, down to neighbouring floating-point numbers, so a jump
    becomes two knots side by side; knots the others imply are then dropped.

    Raises
    ------
    NotAdditive
        If more than 5,000 knots would be needed: a curve bends everywhere.
    """
    starts = {
        name: sorted({low, high, *(x for x in turns.get(name, ()) if low < x < high)})
        for name, (low, high) in ends.items()
    }
    found = {name: dict(zip(starts[name], ys, strict=True)) for name, ys in curves(starts).items()}
    segments = {name: [*pairwise(each)] for name, each in starts.items()}
    while segments:
        probes = {
            name: [x for segment in several for x in probed(*segment, name in whole)]
            for name, several in segments.items()
        }
        for name, ys in curves(probes).items():
            found[name] |= zip(probes[name], ys, strict=True)
            if len(found[name]) > MOST_KNOTS * len(PROBES) and name not in whole:
                raise NotAdditive(f"the curve of {name} is not made of straight lines")
        bent = {
            name: [
                half
                for each in several
                if not straight(each, found[name], probed(*each, name in whole))
                for half in halves(*each, name in whole)
            ]
            for name, several in segments.items()
        }
        segments = {name: several for name, several in bent.items() if several}
    bends = {name: pruned(sorted(curve.items())) for name, curve in found.items()}
    return {name: knots if name in whole else one_knot_a_bend([knots])[0] for name, knots in bends.items()}


def part_of(left: float, right: float, share: float, whole: bool) -> float:
    """Return the value a share of the way from one value to another."""
    return left + int(share * (right - left)) if whole else left + share * (right - left)


def probed(left: float, right: float, whole: bool) -> list[float]:
    """Return the places at which a segment is checked; none, if its ends are neighbours."""
    if part_of(left, right, 0.5, whole) in (left, right):
        return []
    return [x for share in PROBES if (x := part_of(left, right, share, whole)) not in (left, right)]


def straight(segment: tuple[float, float], found: dict[float, float], probes: Sequence[float]) -> bool:
    """Check at some places that a curve is straight between a segment's ends."""
    left, right = segment
    allowed = STRAIGHT * max(1.0, abs(found[left]), abs(found[right]))
    return all(abs(found[x] - between(x, left, found[left], right, found[right])) <= allowed for x in probes)


def halves(left: float, right: float, whole: bool) -> list[tuple[float, float]]:
    """Cut a segment in two at its middle probe."""
    middle = part_of(left, right, 0.5, whole)
    return [(left, middle), (middle, right)]


def pruned(found: Iterable[tuple[float, float]]) -> tuple[list[Value], list[float]]:
    """Drop every knot that lies on the straight line between its neighbours."""
    first, *rest = found
    kept = [first]
    for (x, y), following in pairwise(rest):
        if abs(y - between(x, *kept[-1], *following)) > STRAIGHT * max(1.0, abs(y)):
            kept.append((x, y))
    kept.append(rest[-1])
    return [x for x, _ in kept], [y for _, y in kept]


def covariance_of(
    pipeline: Pipeline, points: Mapping[str, Points], X: DataFrame, weights: np.ndarray
) -> "array[float]":
    """Return the covariance of the intercept, all points and the cells of all pairs, as its lower triangle.

    The coefficients' covariance is the inverse of the penalised log-likelihood's Hessian at the optimum
    (Laplace's approximation; Bishop 2006, section 4.5). Points are differences of design rows times the
    coefficients, so their covariance follows from it exactly.
    """
    base, design = X.iloc[[0]], partial(design_of, pipeline)
    interactions = interactions_of(pipeline, X, weights)
    purified = [each.split(each.at_cells(design)) for each in interactions]
    alone = alone_by_field(interactions, purified)
    rows, own = [(weights @ sparse_design(pipeline, X) / weights.sum())[None]], design(base)
    for name, each in points.items():
        levels = [np.nan if value == NOT_KNOWN and each.gap is not None else value for value in each.places]
        varied = vary(base, name, levels)
        deviations = design(varied) - own
        for cells, added in alone.get(name, ()):
            deviations = deviations + added[cells.of(varied[name])]
        rows.append(deviations - mean_share(each, X[name], weights) @ deviations)
    rows += [together.reshape(-1, own.shape[1]) for together, _, _ in purified]
    every = np.vstack(rows)
    covariance = every @ coefficient_covariance(pipeline, X, weights) @ every.T
    return array("d", covariance[np.tril_indices(len(covariance))].tobytes())


def mean_share(points: Points, column: Any, weights: np.ndarray) -> np.ndarray:
    """Return the share of each place of a feature in the average over rows."""
    found = np.zeros(len(points.places))
    counted = Series(weights).groupby(column.to_numpy(), dropna=False).sum()
    for value, count in counted.items():
        for place, share in points.shares(NOT_KNOWN if value != value else value):
            found[place] += share * count
    mean: np.ndarray = found / weights.sum()
    return mean


def design_of(pipeline: Pipeline, X: DataFrame) -> np.ndarray:
    """Return the regression's design matrix, with a column of ones first."""
    found: np.ndarray = sparse_design(pipeline, X).toarray()
    return found


def sparse_design(pipeline: Pipeline, X: DataFrame) -> csr_array:
    """Return the same without its zeros: most columns of most rows are 0."""
    return csr_array(hstack([np.ones((len(X), 1)), csr_array(pipeline[:-1].transform(X))]))


def coefficient_covariance(pipeline: Pipeline, X: DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return the covariance of [intercept, coefficients] of the fitted logistic regression."""
    probability = pipeline.predict_proba(X)[:, 1]
    return covariance_at(sparse_design(pipeline, X), probability, weights, 1.0 / pipeline[-1].C)


def covariance_at(design: csr_array, probability: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """Return the covariance of a logistic regression's coefficients at its optimum; the design has ones first."""
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0  # the intercept is not penalised
    curvature = weights * probability * (1.0 - probability)
    hessian = (design.T @ design.multiply(curvature[:, None])).toarray() + np.diag(penalty)
    return np.linalg.inv(hessian)
