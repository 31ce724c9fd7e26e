"""The recipe: shapes, ridge and pairs chosen by the rows, and the table of points that equals its pipeline."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glassform.fitted.additive import Points
from glassform.learning import recipe as recipe_module
from glassform.learning.columns import Curve
from glassform.learning.estimators import fit
from glassform.learning.interactions import Interaction
from glassform.learning.recipe import Profiles, Recipe, build, chosen, held_out, plan_of, strongest
from glassform.learning.screening import PARTS, Rows, screened
from glassform.learning.shapes import FAMILIES, FEWEST_ROWS, Cells, Shapes, edges_of, supported
from glassform.learning.table import Split
from glassform.learning.tabulate import tabulate
from glassform.records.schema import Schema

CLOSE = 1e-9
KINDS = ["a", "b", "c", "never"]


def schema_of(target: list[str] | None, **own: Any) -> Schema:
    """Return the schema of a table with two numbers, one of them with gaps, a whole number and a category."""
    number = {"type": "number", "constraints": {"minimum": 0, "maximum": 10}}
    fields = [
        {"name": "x", **number},
        {"name": "z", **number, "glassform": {"gaps": True}},
        {"name": "count", "type": "integer", "constraints": {"minimum": 0, "maximum": 20}},
        {"name": "kind", "type": "string", "constraints": {"enum": KINDS}},
        {"name": "y", "type": "string", "constraints": {"enum": target}}
        if target
        else {"name": "y", "type": "number"},
    ]
    own = {"target": "y", "positive": "yes", "features": ["x", "z", "count", "kind"], **own}
    return Schema({"name": "t", "glassform": own, "resources": [{"name": "t", "schema": {"fields": fields}}]})


def rows_of(target: list[str] | None, number: int = 900, seed: int = 0) -> Split:
    """Return rows whose outcome depends on x and the kind together, on a jump of z, and on its gaps."""
    chance = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "x": chance.uniform(0, 10, number).round(2),
            "z": np.where(chance.random(number) < 0.1, np.nan, chance.uniform(0, 10, number).round(1)),
            "count": chance.integers(0, 21, number),
            "kind": chance.choice(KINDS[:3], number),
        }
    )
    together = np.where(X["kind"] == "a", X["x"] - 5.0, 5.0 - X["x"])
    height = together + 2.0 * (X["z"].fillna(0) > 6) + 0.1 * X["count"]
    if target is None:
        y = height.to_numpy() + chance.normal(0, 1, number)
    elif len(target) == 2:
        y = (chance.random(number) < 1 / (1 + np.exp(-height))).astype(int).to_numpy()
    else:
        y = np.digitize(height + chance.logistic(0, 1, number), [-2.0, 2.0])
    return Split(X, np.asarray(y), np.ones(number), None, "")


TARGETS = {"two": ["no", "yes"], "three": ["low", "middle", "high"], "number": None}


def between_known(split: Split, number: int) -> pd.DataFrame:
    """Return records that nobody sent: numbers between the known ones, kinds that no row has, gaps."""
    chance = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "x": chance.uniform(0, 10, number),
            "z": np.where(chance.random(number) < 0.1, np.nan, chance.uniform(0, 10, number)),
            "count": chance.integers(0, 21, number),
            "kind": chance.choice(KINDS, number),
        }
    )


def at(points: Points, value: Any) -> float:
    """Return the points of a value of a table."""
    return points.at("?" if value != value else value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", TARGETS)
def test_the_table_equals_the_pipeline_between_the_known_values_too(kind, family):
    schema, split = schema_of(TARGETS[kind]), rows_of(TARGETS[kind])
    pairs = (("x", "kind"), ("x", "z"), ("count", "kind"))
    pipeline = fit(build(schema, Recipe(family, 1.0, pairs, 0.3)), split)
    rows = pd.concat([split.X, between_known(split, 1_500)], ignore_index=True)
    for output in range(3) if kind == "three" else [None]:
        intercept, points, together = tabulate(pipeline, schema, split.X, split.weights, output)
        assert [*together] == ["x:kind", "x:z", "count:kind"]
        found = [
            intercept
            + sum(at(each, row[name]) for name, each in points.items())
            + sum(
                pair.at(*("?" if row[f] != row[f] else row[f] for f in pair.features)) for pair in together.values()
            )
            for row in rows.to_dict("records")
        ]
        raw = pipeline.predict(rows) if kind == "number" else pipeline.decision_function(rows)
        assert np.abs(np.array(found) - (raw if output is None else raw[:, output])).max() <= CLOSE


def test_a_pair_leaves_a_jump_in_the_curve_of_a_real_number():
    schema, split = schema_of(["no", "yes"]), rows_of(["no", "yes"])
    pipeline = fit(build(schema, Recipe("line", 1.0, (("x", "kind"),), 0.3)), split)
    _, points, pairs = tabulate(pipeline, schema, split.X, split.weights)
    edges = pairs["x:kind"].first.edges
    assert 3 <= len(edges) <= 7
    for edge in edges:
        assert {float(np.nextafter(edge, -np.inf)), edge} <= {*points["x"].values}


def test_pairs_that_say_something_are_found_and_no_others():
    schema, split = schema_of(["no", "yes"]), rows_of(["no", "yes"])
    assert chosen(schema, split).pairs == (("x", "kind"),)


def test_chance_alone_hardly_ever_makes_a_pair():
    chance = np.random.default_rng(0)
    part, weights, nothing = np.arange(600) % PARTS, np.ones(600), np.full((600, 1), 0.25)
    found = 0
    for _ in range(100):
        cells = {("a", str(pair)): chance.integers(0, 24, 600) for pair in range(15)}
        found += bool(screened(cells, Rows(chance.normal(0, 0.5, (600, 1)), nothing, weights, part)).used)
    assert found <= 12


def test_a_package_names_or_forbids_pairs():
    split = rows_of(["no", "yes"])
    named = schema_of(["no", "yes"], pairs={"use": [["count", "z"]]})
    assert chosen(named, split).pairs == (("count", "z"),)
    none = schema_of(["no", "yes"], pairs={"use": []})
    assert chosen(none, split).pairs == ()
    never = schema_of(["no", "yes"], pairs={"never": [["kind", "x"]]})
    assert ("x", "kind") not in chosen(never, split).pairs


def test_of_many_fields_the_strongest_are_tried_in_pairs():
    schema, split = schema_of(None), rows_of(None)
    strong = strongest(schema, Recipe("curve5"), Profiles.of(split))
    assert strong == {"x", "z", "count", "kind"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe_module, "MOST_PAIRED", 2)
        two = strongest(schema, Recipe("curve5"), Profiles.of(split))
        assert len(two) == 2 and "z" in two
        assert chosen(schema, split).screened["tried"] == 1


def test_a_line_is_chosen_where_curves_say_no_more():
    chance = np.random.default_rng(0)
    schema, split = schema_of(None, pairs={"use": []}), rows_of(None, 400)
    straight = replace(split, y=3.0 * split.X["x"].to_numpy() + chance.normal(0, 1, 400))
    assert chosen(schema, straight).family == "line"
    bent = replace(split, y=10.0 * np.sin(split.X["x"].to_numpy()) + chance.normal(0, 1, 400))
    found = chosen(schema, bent)
    assert found.family != "line"
    losses = {each["family"]: each for each in found.families}
    assert losses[found.family]["more"] <= losses[found.family]["standard_error"]
    assert losses["line"]["more"] > losses["line"]["standard_error"]


def test_rows_in_another_order_or_counted_choose_the_same():
    schema, split = schema_of(["no", "yes"]), rows_of(["no", "yes"])
    split = replace(split, X=split.X.assign(x=split.X["x"].round()))
    order = np.random.default_rng(3).permutation(len(split.y))
    turned = Split(split.X.iloc[order].reset_index(drop=True), split.y[order], split.weights, None, "")
    profiles = Profiles.of(split)
    counted = Split(profiles.X, profiles.y, profiles.weights, None, "")
    first = chosen(schema, split)
    assert chosen(schema, turned) == first
    again = chosen(schema, counted)
    assert again == first
    one, other = (fit(build(schema, first), each) for each in (split, counted))
    assert np.abs(one.decision_function(split.X) - other.decision_function(split.X)).max() <= CLOSE


def test_an_outcome_of_one_row_is_no_reason_to_stop():
    schema, split = schema_of(["low", "middle", "high"]), rows_of(["low", "middle", "high"], 60)
    rare = replace(split, y=np.where(np.arange(60) == 7, 2, np.arange(60) % 2))
    assert chosen(schema, rare).family in FAMILIES


def test_rows_that_were_counted_together_are_drawn_and_shuffled_one_by_one():
    schema, split = schema_of(["no", "yes"]), rows_of(["no", "yes"])
    X = split.X.assign(x=split.X["x"].round(), z=0.0, count=0)
    many = Profiles.of(replace(split, X=X, weights=np.full(len(split.y), 1_000.0)))
    assert len(many.y) <= 66 and many.weights.sum() == 900_000
    some = many.at_most(40_000)
    assert some.weights.sum() == 40_000 and len(some.y) >= 0.9 * len(many.y)
    assert (some.weights / some.weights.sum())[0] == pytest.approx(many.weights[0] / 900_000, abs=0.01)
    assert chosen(schema, replace(split, X=X)).pairs == (("x", "kind"),)


def test_identical_records_are_in_one_fold():
    schema, split = schema_of(["no", "yes"]), rows_of(["no", "yes"])
    X = split.X.iloc[np.repeat(np.arange(90), 10)].reset_index(drop=True)
    profiles = Profiles.of(replace(split, X=X))
    folds = [*held_out(schema, profiles, 5)]
    assert len(folds) == 5 and sum(held.sum() for held in folds) == len(profiles.y)
    for held in folds:
        assert not {*profiles.records[held]} & {*profiles.records[~held]}


def test_no_curve_turns_where_fewer_than_five_rows_are():
    distinct, counts = np.array([0.0, 1.0, 2.0, 3.0, 9.0, 10.0]), np.array([9.0, 2.0, 9.0, 9.0, 1.0, 9.0])
    assert [*supported(distinct, distinct, counts, FEWEST_ROWS)] == [0.0, 2.0, 3.0, 10.0]
    chance = np.random.default_rng(0)
    for _ in range(50):
        values = np.sort(chance.lognormal(0, 1.5, chance.integers(5, 200)).round(2))
        shape = Shapes(plan_of(schema_of(None)), "curve10").number("x", values, np.ones(len(values)))
        assert isinstance(shape, Curve)
        for left, right in zip(shape.places[:-2], shape.places[2:], strict=True):
            assert ((values > left) & (values < right)).sum() >= FEWEST_ROWS
        for end in shape.places[[0, -1]] if len(shape.places) else ():
            assert min((values <= end).sum(), (values >= end).sum()) >= FEWEST_ROWS


def test_one_row_far_away_does_not_straighten_a_curve():
    values = np.array([*range(100), 1_000_000.0])
    shape = Shapes(plan_of(schema_of(None)), "curve10").number("x", values, np.ones(len(values)))
    assert isinstance(shape, Curve)
    assert len(shape.places) >= 8 and shape.places[-1] < 100


def test_a_piled_up_number_has_a_place_at_each_frequent_value():
    values = np.repeat([0.0, *range(100, 130)], [1_000, *[8] * 30])
    shape = Shapes(plan_of(schema_of(None)), "curve5").number("x", values, np.ones(len(values)))
    assert isinstance(shape, Curve)
    assert [*shape.places] == [0.0, *map(float, range(100, 130))]


def test_cells_of_a_number_hold_about_as_many_rows():
    chance = np.random.default_rng(0)
    for _ in range(50):
        distinct, counts = np.unique(chance.poisson(3, 500), return_counts=True)
        edges = edges_of(distinct.astype(float), counts.astype(float))
        cells = Cells("x", edges=edges)
        rows = np.bincount(cells.of(pd.Series(np.repeat(distinct, counts))), minlength=cells.number)
        assert 2 <= cells.number <= 8 and rows.min() >= FEWEST_ROWS


def test_a_purified_table_has_no_margins_and_an_empty_row_says_nothing():
    chance = np.random.default_rng(0)
    rows = chance.integers(0, 30, (4, 5)).astype(float)
    rows[2] = rows[:, 3] = 0.0
    cells = Cells("a", levels=tuple("wxyz")), Cells("b", levels=tuple("12345"))
    table = chance.normal(size=(4, 5))
    table[2] = table[:, 3] = 0.0
    whole = Interaction(cells, pd.DataFrame(), [], [], rows)
    together, ones, others = whole.split(table)
    assert np.abs(together + ones[:, None] + others - table).max() <= 1e-12
    assert np.abs((rows * together).sum(axis=0)).max() <= CLOSE
    assert np.abs((rows * together).sum(axis=1)).max() <= CLOSE
