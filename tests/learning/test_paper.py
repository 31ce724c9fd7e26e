"""The paper card: few lines, whole points, every value in exactly one line, and as good as it says."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from glassform.fitted.paper import UNIT, Paper, PaperField, paper_of
from glassform.fitted.scorecard import Scorecard
from glassform.learning import paper as learning
from glassform.learning.lines import Grouped
from glassform.learning.recipe import Recipe
from glassform.learning.shapes import Cells, Rule
from glassform.learning.table import Split, as_records
from glassform.records.field import NOT_KNOWN, Value
from glassform.records.schema import Schema

GRADES = ["low", "middle", "?", "high"]
TOWNS = [f"town {number}" for number in range(300)]


def schema_of(**own: Any) -> Schema:
    """Return the schema of a table of two classes with fields of every kind."""
    fields = [
        {"name": "size", "type": "number", "glassform": {"gaps": True, "observed": {"minimum": -5, "maximum": 5}}},
        {"name": "whole", "type": "integer", "constraints": {"minimum": 0, "maximum": 20}},
        {"name": "grade", "type": "string", "constraints": {"enum": GRADES}, "glassform": {"ordered": True}},
        {"name": "town", "type": "string", "constraints": {"enum": TOWNS}},
        {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
    ]
    names = [str(field["name"]) for field in fields[:-1]]
    told = {"target": "y", "positive": "yes", "features": names, "estimator": "logistic", **own}
    return Schema({"name": "t", "glassform": told, "resources": [{"name": "t", "schema": {"fields": fields}}]})


def rows_of(number: int, seed: int = 0, strength: float = 1.0) -> Split:
    """Return rows whose outcome depends on every field, as strongly as asked."""
    chance = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": np.where(chance.random(number) < 0.1, np.nan, chance.normal(0, 1.5, number)),
            "whole": chance.integers(0, 21, number),
            "grade": chance.choice(GRADES, number),
            "town": chance.choice(TOWNS[:250], number, p=np.arange(250, 0, -1) / 31375),
        }
    )
    height = X["size"].fillna(1.0) - (X["whole"] > 7) + X["grade"].map({"low": -1, "middle": 0, "high": 1}).fillna(2)
    height += np.where(X["town"].isin(TOWNS[:20]), 1.0, 0.0)
    y = (chance.random(number) < 1 / (1 + np.exp(-strength * height))).astype(int)
    y[:2] = [0, 1]
    return Split(X, y, np.ones(number), None, "")


def card_of(rows: Split, schema: Schema | None = None) -> Paper:
    """Return the paper card of some rows."""
    return learning.paper_of(schema or schema_of(), rows, Recipe("curve5"))


@pytest.fixture(scope="module")
def paper(scorecard: Scorecard) -> Paper:
    found = paper_of(scorecard)
    assert found is not None
    return found


def test_the_card_is_short_and_its_sums_have_two_digits(paper):
    assert sum(len(field.points) for field in paper.fields) <= 28
    assert paper.most <= 99
    for field in paper.fields:
        assert all(type(points) is int for points in field.points)
        assert min(field.points) == 0 and len(field.points) > 1


def test_the_card_is_better_than_straight_lines_and_says_so(paper, scorecard):
    assert paper.measured["roc_auc"] >= 0.880
    compared = scorecard.evaluation["comparison"]
    for score in ("roc_auc", "brier_score"):
        assert paper.measured["full"][score] == compared["this"][score] == scorecard.evaluation[score]
        assert paper.measured["straight"][score] == compared["linear"][score]
    assert paper.measured["straight"]["roc_auc"] < paper.measured["roc_auc"] < paper.measured["full"]["roc_auc"]


def test_its_scores_are_those_of_sums_added_up_by_hand(paper, scorecard, splits):
    test = splits["adult_test"]
    sums = [paper.sum_of(record) for record in as_records(scorecard.schema, test.X)]
    probabilities = [1 / (1 + math.exp(-paper.offset - math.log(2) / 5 * total)) for total in sums]
    assert paper.measured["roc_auc"] == pytest.approx(metrics.roc_auc_score(test.y, probabilities), abs=1e-12)
    assert paper.measured["brier_score"] == pytest.approx(metrics.brier_score_loss(test.y, probabilities), abs=1e-12)


def test_the_mean_probability_of_the_training_rows_is_the_share_of_the_outcomes(paper, scorecard, splits):
    training = splits["adult"]
    records = as_records(scorecard.schema, training.X)
    mean = np.mean([paper.probability(paper.sum_of(record)) for record in records])
    assert mean == pytest.approx(training.y.mean(), abs=1e-6)


def test_five_points_double_the_odds(paper):
    odds = [each / (1 - each) for each in paper.probabilities]
    assert len(odds) == paper.most + 1
    assert odds[5:] == pytest.approx([2 * each for each in odds[:-5]], rel=1e-12)


def lines_with(field: PaperField, value: Value) -> list[int]:
    """The lines that say they hold a value."""
    return [
        place
        for place, line in enumerate(field.lines)
        if value in line.levels
        or (
            not isinstance(value, str)
            and any((begin is None or begin <= value) and (end is None or value < end) for begin, end in line.ranges)
        )
    ]


@pytest.mark.parametrize(("number", "seed"), [(4, 0), (30, 1), (200, 2), (3000, 3), (3000, 4)])
def test_every_value_is_in_exactly_one_line(number, seed):
    chance = np.random.default_rng(seed)
    card = card_of(rows_of(number, seed))
    numbers = [*chance.uniform(-10, 10, 200).tolist(), *range(-2, 25), -1e300, 1e300, 0.0, -0.0]
    for field in card.fields:
        levels = field.side.levels
        edges = [near for edge in field.side.edges for near in (edge, math.nextafter(edge, -math.inf))]
        for value in levels or [*numbers, *edges, *([NOT_KNOWN] if field.side.has_gaps else [])]:
            assert lines_with(field, value) == [field.line_of(value)], (field.feature, value)


def test_neighbouring_lines_differ():
    for field in card_of(rows_of(3000)).fields:
        several = field.points if not field.side.levels else sorted(field.points)
        assert all(one != other for one, other in pairwise(several)), field.feature


def test_what_can_be_told_apart_without_error_still_has_two_digits():
    rows = rows_of(400, strength=100.0)
    card = card_of(rows)
    assert 0 < card.most <= 99
    sums = [card.sum_of(record) for record in as_records(schema_of(), rows.X)]
    assert metrics.roc_auc_score(rows.y, sums) > 0.9


def test_fields_that_tell_nothing_leave_an_empty_card():
    rows = rows_of(500, strength=0.0)
    card = card_of(Split(rows.X.assign(whole=3), rows.y * 0 + np.arange(500) % 2, rows.weights, None, ""))
    assert card.most <= 20  # of what chance leaves
    nothing = Paper(card.offset, (), {})
    assert nothing.most == 0 and nothing.sum_of({}) == 0 and len(nothing.probabilities) == 1


def test_neither_the_order_of_rows_nor_how_they_are_counted_changes_the_card():
    rows = rows_of(1500)
    order = np.random.default_rng(7).permutation(1500)
    once = card_of(rows)
    assert card_of(Split(rows.X.iloc[order], rows.y[order], rows.weights, None, "")) == once
    twice = pd.concat([rows.X, rows.X], ignore_index=True)
    doubled = Split(rows.X, rows.y, np.full(1500, 2.0), None, "")
    assert card_of(Split(twice, np.tile(rows.y, 2), np.ones(3000), None, "")) == card_of(doubled)


@pytest.mark.parametrize(
    ("column", "trend", "sign"), [("whole", "rises", 1), ("whole", "falls", -1), ("grade", "falls", -1)]
)
def test_a_field_that_must_rise_or_fall_does_so_on_paper(column, trend, sign):
    schema = schema_of(shape={column: {trend: True}})
    card = card_of(rows_of(3000), schema)
    for field in card.fields:
        if field.feature == column:
            values: list[Any] = list(range(21)) if column == "whole" else [each for each in GRADES if each != "?"]
            points = [sign * field.points[field.line_of(value)] for value in values]
            assert points == sorted(points)
    assert (trend == "falls") == any(field.feature == "whole" for field in card.fields) or column == "grade"


def test_a_field_that_steps_has_its_edges_at_the_steps():
    card = card_of(rows_of(3000), schema_of(shape={"whole": {"steps": [5, 11]}}))
    (whole,) = (field for field in card.fields if field.feature == "whole")
    assert {*whole.side.edges} <= {5.0, 11.0}


def test_points_that_go_back_against_a_rule_are_levelled():
    grouped = Grouped(Cells("x", edges=(1.0, 2.0)), np.arange(3), Rule("rises"))
    assert grouped.in_trend(np.array([0, 4, 2])).tolist() == [0, 4, 4]


def test_hundreds_of_fields_and_thousands_of_levels_make_a_short_card():
    chance = np.random.default_rng(0)
    levels = [f"level {number}" for number in range(3000)]
    fields = [
        {"name": f"x{place}", "type": "number", "glassform": {"observed": {"minimum": 0, "maximum": 1}}}
        for place in range(90)
    ]
    fields.append({"name": "level", "type": "string", "constraints": {"enum": levels}})
    fields.append({"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    own = {
        "target": "y",
        "positive": "yes",
        "features": [each["name"] for each in fields[:-1]],
        "estimator": "logistic",
    }
    schema = Schema({"name": "t", "glassform": own, "resources": [{"name": "t", "schema": {"fields": fields}}]})
    X = pd.DataFrame(
        {f"x{place}": chance.random(2000) for place in range(90)} | {"level": chance.choice(levels, 2000)}
    )
    y = (X["x0"] + X["x1"] + chance.random(2000) > 1.5).to_numpy().astype(int)
    card = learning.paper_of(schema, Split(X, y, np.ones(2000), None, ""), Recipe())
    assert sum(len(field.points) for field in card.fields) <= 28 and card.most <= 99
    assert {"x0", "x1"} <= {field.feature for field in card.fields}


@pytest.mark.parametrize(
    ("number", "by", "is_whole", "expected"),
    [(24.7, 0.5, False, 25.0), (25.0, 0.0, True, 25.0), (1234.0, 60.0, True, 1200.0), (0.1234, 0.001, False, 0.123)],
)
def test_edges_have_few_digits(number, by, is_whole, expected):
    assert learning.short(number, by, is_whole) == expected


def test_a_file_holds_the_card_and_an_older_one_has_none(scorecard, paper, tmp_path):
    scorecard.save(tmp_path)
    again = Scorecard.load(tmp_path)
    assert paper_of(again) == paper
    content = {name: value for name, value in scorecard.written().items() if name != "paper"}
    older = Scorecard.of({**content, "kind": Scorecard.kind})
    assert paper_of(older) is None and older.points == scorecard.points


def test_one_point_is_a_fifth_of_doubling():
    assert math.exp(5 * UNIT) == pytest.approx(2)
