"""A bend is one knot: no value is listed twice, in one curve or in several, and no answer changes."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, SplineTransformer

from glassform.analysis.table_of_points import table
from glassform.fitted.additive import Points
from glassform.fitted.classes import ClassesScorecard, OneTable
from glassform.learning.knots import in_one_place, one_knot_a_bend
from glassform.learning.tabulate import tabulate
from glassform.records.schema import Schema
from tests.conftest import ROOT

BEND = 34 / 7


def schema_of(values: np.ndarray, classes: list[str]) -> Schema:
    fields = [
        {"name": "x", "type": "number", "constraints": {"minimum": values.min(), "maximum": values.max()}},
        {"name": "y", "type": "string", "constraints": {"enum": classes}},
    ]
    own = {"target": "y", "features": ["x"]}
    return Schema({"name": "t", "resources": [{"schema": {"fields": fields}}], "glassform": own})


def iris() -> tuple[pd.DataFrame, np.ndarray]:
    rows = [*csv.DictReader(io.StringIO((ROOT / "data" / "iris" / "iris.csv").read_text()))]
    kinds = sorted({row["species"] for row in rows})
    return pd.DataFrame({"x": [float(row["petal_length"]) for row in rows]}), np.array(
        [kinds.index(row["species"]) for row in rows]
    )


@pytest.fixture(scope="module")
def splines():
    X, y = iris()
    line = SplineTransformer(n_knots=8, degree=1, include_bias=False)
    pipeline = make_pipeline(line, LogisticRegression(max_iter=1000)).fit(X, y)
    schema = schema_of(X["x"].to_numpy(), ["a", "b", "c"])
    tables = {name: tabulate(pipeline, schema, X, output=place) for place, name in enumerate("abc")}
    return pipeline, X, in_one_place(tables)


def printed(values) -> list[str]:
    return [f"{value:.6g}" for value in values]


def test_no_class_and_not_all_of_them_list_a_value_twice(splines):
    _, _, tables = splines
    every = {value for _, points, _ in tables.values() for value in points["x"].values}
    assert len({*printed(every)}) == len(every) <= 8


def test_the_answers_are_those_of_the_pipeline(splines):
    pipeline, X, tables = splines
    xs = np.linspace(X["x"].min(), X["x"].max(), 997)
    theirs = pipeline.decision_function(pd.DataFrame({"x": xs}))
    ours = [[start + points["x"].at(x) for start, points, _ in tables.values()] for x in xs]
    assert np.abs(np.array(ours) - theirs).max() <= 1e-9


def test_a_jump_keeps_both_of_its_sides():
    X, y = iris()
    steps = KBinsDiscretizer(n_bins=4, encode="onehot-dense", strategy="uniform", quantile_method="linear")
    pipeline = make_pipeline(steps, LogisticRegression()).fit(X, y > 0)
    _, points, _ = tabulate(pipeline, schema_of(X["x"].to_numpy(), ["no", "yes"]), X)
    assert len(points["x"].values) == 8 and len(points["x"].listed) == 8


def test_knots_of_one_bend_become_one_and_the_ends_stay():
    (one,) = one_knot_a_bend([([0.0, BEND, BEND + 1e-10, 10.0], [0.0, 1.0, 1.0 + 1e-11, 0.0])])
    assert printed(one[0]) == ["0", "4.85714", "10"]
    ends, _ = one_knot_a_bend([([0.0, 1e-12, 10.0 - 1e-12, 10.0], [0.0, 0.0, 1.0, 1.0])])[0]
    assert ends == [0.0, 10.0]


def test_curves_that_bend_at_almost_the_same_place_bend_at_the_same():
    first, second = one_knot_a_bend(
        [([0.0, BEND, 10.0], [0.0, 1e-3, 0.0]), ([0.0, BEND + 1e-8, 10.0], [0.0, -1e-3, 0.0])]
    )
    assert first[0] == second[0]


OLD = Points((0.0, BEND, BEND + 1e-10, 10.0), (0.0, 1.0, 1.0 + 1e-11, 0.0), linear=True)


def test_the_file_of_an_older_model_lists_no_value_twice_either():
    schema = schema_of(np.array([0.0, 10.0]), ["a", "b", "c"])
    moved = Points((0.0, BEND - 2e-10, 10.0), (0.0, -1.0, 0.0), linear=True)
    tables = {name: OneTable(0.0, {"x": points}) for name, points in zip("abc", (OLD, moved, OLD), strict=True)}
    card = ClassesScorecard("1", schema.package, {}, [], None, {}, {}, tables)
    assert printed(card.grid("x")) == ["0", "4.85714", "10"]
    (feature,) = table(card, card.schema)["features"]
    assert printed(point["value"] for point in feature["points"]) == ["0", "4.85714", "10"]
    assert printed(value for value, _ in card.curves({"x": 3.0})["x"]) == ["0", "4.85714", "10"]
