"""Rules of shape: each is held at every neighbouring pair of levels, and one that cannot be held is named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glassform.learning.command import cost_of_rules
from glassform.learning.estimators import fit
from glassform.learning.measures import MEASURES
from glassform.learning.recipe import Recipe, build, candidates_of
from glassform.learning.rivals import cross_validated, free_of_rules
from glassform.learning.rules import UnholdableRule, rules_of
from glassform.learning.table import Split
from glassform.learning.tabulate import tabulate
from glassform.records.schema import Schema

GRADES = ["low", "middle", "high", "?"]


def schema_of(shape: dict[str, Any], classes: list[str] | None = None, **own: Any) -> Schema:
    """Return the schema of a table with rules of shape."""
    number = {"type": "number", "constraints": {"minimum": 0, "maximum": 10}}
    target = {"type": "string", "constraints": {"enum": classes}} if classes else {"type": "number"}
    fields = [
        {"name": "x.size", **number, "glassform": {"gaps": True}},
        {"name": "whole", "type": "integer", "constraints": {"minimum": 0, "maximum": 20}},
        {"name": "grade", "type": "string", "constraints": {"enum": GRADES}, "glassform": {"ordered": True}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b", "c"]}},
        {"name": "y", **target},
    ]
    features = [field["name"] for field in fields[:-1]]
    own = {"target": "y", "positive": "yes", "features": features, "estimator": "linear", **own, "shape": shape}
    return Schema({"name": "t", "glassform": own, "resources": [{"name": "t", "schema": {"fields": fields}}]})


def rows_of(two: bool, number: int = 800) -> Split:
    """Return rows whose outcome rises and falls again with everything."""
    chance = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "x_size": np.where(chance.random(number) < 0.1, np.nan, chance.uniform(0, 10, number)),
            "whole": chance.integers(0, 21, number),
            "grade": chance.choice(GRADES, number),
            "kind": chance.choice(["a", "b", "c"], number, p=[0.6, 0.38, 0.02]),
        }
    )
    height = (
        np.sin(X["x_size"].fillna(0))
        + np.cos(X["whole"] / 3)
        + X["grade"].map(dict(zip(GRADES, (0, 2, 1, 5), strict=True)))
    )
    noise = chance.logistic(0, 1, number)
    y = (height + noise > 2).astype(int) if two else height + noise
    return Split(X, y.to_numpy(), np.ones(number), None, "")


@pytest.mark.parametrize("family", ["line", "smooth", "curve10"])
@pytest.mark.parametrize("trend", ["rises", "falls"])
@pytest.mark.parametrize("two", [True, False])
def test_what_rises_or_falls_never_goes_back(two, trend, family):
    asked = {name: {trend: True} for name in ("x.size", "whole", "grade")}
    schema, split = schema_of(asked, ["no", "yes"] if two else None), rows_of(two)
    _, points, _ = tabulate(fit(build(schema, Recipe(family)), split), schema, split.X, split.weights)
    for name in ("x_size", "whole", "grade"):
        heights = [y for x, y in zip(points[name].values, points[name].log_odds, strict=True) if x != "?"]
        steps = np.diff(heights) * (1 if trend == "rises" else -1)
        assert steps.min() >= -1e-9
        assert steps.max() > 0.01 or trend == "falls"
    assert points["x_size"].gap is not None and points["grade"].by_value["?"] != points["grade"].by_value["high"]


def test_a_straight_field_is_straight_and_one_that_steps_steps_only_there():
    schema = schema_of({"x.size": {"straight": True}, "whole": {"steps": [6, 12]}})
    split = rows_of(two=False)
    _, points, _ = tabulate(fit(build(schema, Recipe("curve10")), split), schema, split.X, split.weights)
    assert points["x_size"].values == (0.0, 10.0)
    jumps = np.flatnonzero(np.abs(np.diff(points["whole"].log_odds)) > 1e-12)
    assert [points["whole"].values[place + 1] for place in jumps] == [6, 12]


def test_levels_of_few_rows_are_one():
    schema = schema_of({"kind": {"rows": 100}})
    split = rows_of(two=False)
    _, points, _ = tabulate(fit(build(schema, Recipe()), split), schema, split.X, split.weights)
    alone, *together = (points["kind"].by_value[level] for level in "abc")
    assert together[0] == together[1] != alone


def test_no_pair_changes_a_shape_that_a_rule_holds():
    schema = schema_of({"x.size": {"straight": True}, "grade": {"rises": True}})
    assert candidates_of(schema) == ((("whole", "kind"),), False)
    named = schema_of({"grade": {"rises": True}}, pairs={"use": [["grade", "kind"]]})
    with pytest.raises(UnholdableRule, match="pairs: grade can be in no pair"):
        candidates_of(named)


@pytest.mark.parametrize(
    ("shape", "classes", "said"),
    [
        ({"kind": {"rises": True}}, None, "shape: kind cannot be one that rises: its categories have no order"),
        ({"kind": {"straight": True}}, None, "shape: kind cannot be straight: it is a category"),
        ({"grade": {"steps": [3]}}, None, "shape: grade cannot step at numbers: it is a category"),
        ({"whole": {"steps": [3, 30]}}, None, "shape: whole cannot step at 30: its values go from 0 to 20"),
        ({"whole": {"rises": True, "falls": True}}, None, "shape: whole cannot both rise and fall"),
        ({"x.size": {"rises": True, "straight": True}}, None, "shape: x.size can have only one of"),
        ({"whole": {"rises": True}}, ["a", "b", "c"], "shape: whole cannot be one that rises: with several classes"),
    ],
)
def test_a_rule_that_cannot_be_held_is_named(shape, classes, said):
    with pytest.raises(UnholdableRule, match=said):
        rules_of(schema_of(shape, classes))


def test_what_rules_cost_is_said():
    schema, split = schema_of({"x.size": {"straight": True}, "whole": {"rises": True}}), rows_of(two=False)
    measures = MEASURES["number"](schema)
    held = fit(build(schema, Recipe("curve10")), split)
    scores = measures.scores(split.y, measures.predict(held, split.X))
    free = free_of_rules(measures, split, split)
    assert free["r2"] is not None and scores["r2"] is not None
    assert free["r2"] > scores["r2"] + 0.05
    said = cost_of_rules(scores | {"without_rules": free})
    assert said.strip() == (
        f"What the rules of shape cost: R2 {scores['r2']:.4f}, and {free['r2']:.4f} without them."
    )
    assert cost_of_rules(scores) == ""


@pytest.mark.parametrize(("two", "verdicts"), [(True, {"alike", "worse"}), (False, {"alike", "worse"})])
def test_the_recipe_is_compared_on_rows_it_has_not_seen(two, verdicts):
    schema, split = schema_of({}, ["no", "yes"] if two else None), rows_of(two, 400)
    measures = MEASURES[schema.task](schema)
    found = cross_validated(measures, Recipe(), split)
    assert found["rows"] == 400 and found["folds"] == 3
    assert {*found["scores"]} == {*found["losses"]} == {"this", "linear", "boosting"}
    for name, said in found["differences"].items():
        low, high = said["interval"]
        assert low < said["less"] < high
        assert said["less"] == pytest.approx(found["losses"]["this"] - found["losses"][name])
        assert said["verdict"] in verdicts
