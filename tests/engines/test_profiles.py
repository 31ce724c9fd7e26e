"""Rows counted in an engine teach what they teach read one by one: the same shapes and pairs, the same points."""

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glassform.fitted.additive import Points
from glassform.fitted.pairs import Pair
from glassform.learning.estimators import fit
from glassform.learning.recipe import build, chosen
from glassform.learning.table import Split, count, read
from glassform.learning.tabulate import tabulate
from glassform.records.schema import Schema

pytestmark = pytest.mark.engine

TOLERANCE = 1e-9
FIELDS = [
    {"name": "sort", "type": "string", "constraints": {"enum": ["a", "b", "c"]}},
    {"name": "rooms", "type": "integer", "constraints": {"minimum": 0, "maximum": 12}},
    {"name": "size", "type": "number", "constraints": {"minimum": 0, "maximum": 4}, "glassform": {"gaps": True}},
]
TARGETS = {
    "two classes": ({"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}, {"positive": "yes"}),
    "a number": ({"name": "y", "type": "number"}, {}),
}


def rows_of(is_number: bool) -> Iterator[list[str]]:
    """Return rows whose outcome depends on two fields together."""
    random = np.random.default_rng(3)
    for _ in range(3_500):
        sort, rooms, size = "abc"[random.integers(3)], int(random.integers(13)), round(float(random.random()) * 4, 1)
        total = (1.5 if sort == "a" else -1.5) * (1 if rooms > 6 else -1) + 0.3 * size + float(random.normal())
        gap = random.random() < 0.1
        yield [
            sort,
            str(rooms),
            "" if gap else str(size),
            f"{total:.1f}" if is_number else "yes" if total > 0 else "no",
        ]


@pytest.fixture(params=TARGETS)
def taught(request, tmp_path) -> tuple[Schema, list[Split]]:
    """A table with its rows as they are read, and as DuckDB counts them in another order."""
    target, own = TARGETS[request.param]
    rows = [*rows_of(request.param == "a number")]
    resource = {"name": "rows", "path": "rows.csv", "schema": {"fields": [*FIELDS, target]}}
    whole = {"target": "y", "features": [each["name"] for each in FIELDS], "train": "rows", "test": "rows"}
    schema = Schema({"name": "t", "resources": [resource], "glassform": whole | own})
    for name, several in (("rows.csv", rows), ("turned.csv", rows[::-1])):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows([[*whole["features"], "y"], *several])
    counted = count(schema, [str(tmp_path / "turned.csv")], "duckdb", "")
    return schema, [read(schema, "rows", tmp_path), counted]


def heights(points: dict[str, Points], pairs: dict[str, Pair]) -> list[float]:
    """Return all points of a table."""
    own = [y for each in points.values() for y in (*each.log_odds, *(() if each.gap is None else (each.gap,)))]
    return own + [y for pair in pairs.values() for row in pair.log_odds for y in row]


def test_profiles_teach_what_rows_teach(taught):
    schema, splits = taught
    assert splits[1].rows == len(splits[0].y) > len(splits[1].y)
    recipes = [chosen(schema, split) for split in splits]
    assert ("sort", "rooms") in recipes[0].pairs
    members = ("family", "strength", "pairs", "pair_strength")
    assert [getattr(recipes[1], each) for each in members] == [getattr(recipes[0], each) for each in members]
    tables: list[tuple[float, Any, Any]] = [
        tabulate(fit(build(schema, recipe), split), schema, split.X, split.weights)
        for recipe, split in zip(recipes, splits, strict=True)
    ]
    (intercept, points, pairs), (counted, points_counted, pairs_counted) = tables
    assert counted == pytest.approx(intercept, abs=TOLERANCE)
    assert pairs_counted.keys() == pairs.keys()
    assert heights(points_counted, pairs_counted) == pytest.approx(heights(points, pairs), abs=TOLERANCE)
