"""Knots of curves made of straight lines: one for each bend, in the same place for every class."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from glassform.fitted.additive import Points
from glassform.fitted.pairs import Pair

ALIKE = (1e-9, 1e-6)  # of a value, or of the range: a bend found by halving; six significant digits
UNCHANGED = 1e-10  # log-odds, or of the height; far less than a table may differ from its pipeline
Knots = tuple[list[Any], list[float]]  # of one curve, in order: the values and their heights
# the intercept, the points of every feature, and those of pairs
OneClass = tuple[float, dict[str, Points], dict[str, Pair]]


def one_knot_a_bend(curves: Sequence[Knots]) -> list[Knots]:
    """Make one knot of those that print alike, in one curve or in several, where no curve changes for that.

    A bend is found by halving, and so as several knots that are next to nothing apart, each class's elsewhere. On
    either side of a jump, knots stay as they are.
    """
    merged = [dict(zip(*knots, strict=True)) for knots in curves]
    every = sorted({x for curve in merged for x in curve})
    ends, span = {every[0], every[-1]}, every[-1] - every[0]
    for share in ALIKE:
        for near in groups_of_near(sorted({x for curve in merged for x in curve}), share, span):
            fixed = ends & {*near}
            tried = [moved(merged, near, x) for x in fixed or near] if len(fixed) < 2 else []
            change, best = min(tried, key=itemgetter(0), default=(math.inf, merged))
            if change <= UNCHANGED:
                merged = best
    return [([*curve], [*curve.values()]) for curve in merged]


def groups_of_near(xs: Sequence[float], share: float, span: float) -> list[list[float]]:
    """Return the groups of more than one number that are within a share of their size, or of the range."""
    groups: list[list[float]] = []
    for x in xs:
        if groups and x - groups[-1][0] <= share * max(abs(x), span):
            groups[-1].append(x)
        else:
            groups.append([x])
    return [group for group in groups if len(group) > 1]


def moved(
    curves: Sequence[dict[float, float]], near: Sequence[float], x: float
) -> tuple[float, list[dict[float, float]]]:
    """Return curves with one knot in the place of some near each other, and the largest change of any."""
    new, change = [], 0.0
    for curve in curves:
        old = [each for each in near if each in curve]
        kept = {each: y for each, y in curve.items() if each not in old}
        if old:
            kept = dict(sorted([*kept.items(), (x, height(curve, x))]))
        change = max([change, *(abs(height(kept, each) - curve[each]) / max(1.0, abs(curve[each])) for each in old)])
        new.append(kept)
    return change, new


def height(curve: Mapping[float, float], x: float) -> float:
    """Return the height of a curve of straight lines; its knots are in order."""
    if x in curve:
        return curve[x]
    xs = [*curve]
    right = min(max(bisect_right(xs, x), 1), len(xs) - 1)
    return between(x, xs[right - 1], curve[xs[right - 1]], xs[right], curve[xs[right]])


def in_one_place(tables: Mapping[str, OneClass]) -> dict[str, OneClass]:
    """Let the curves of several classes bend at the same knots, where they bend at almost the same."""
    found = {label: dict(points) for label, (_, points, _) in tables.items()}
    for name in next(iter(found.values())):
        several = [points[name] for points in found.values()]
        if several[0].linear:
            curves = one_knot_a_bend([([*each.values], [*each.log_odds]) for each in several])
            for points, (values, heights) in zip(found.values(), curves, strict=True):
                points[name] = replace(points[name], values=tuple(values), log_odds=tuple(heights))
    return {label: (intercept, found[label], pairs) for label, (intercept, _, pairs) in tables.items()}


def between(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Return the height at x of the straight line through two points."""
    return y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
