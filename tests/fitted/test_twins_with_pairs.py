"""Twins of models with pairs: a twin's answer is the model's own for the record with one group changed."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from glassform.analysis.drift import drifts
from glassform.fitted.additive import NumberScorecard, Points
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard, OneTable
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record

GROUPS: dict[str, list[Any]] = {"sex": ["F", "M"], "region": ["n", "s", "w"], "size": [1, 2, 3, 4]}
EDGES = {"size": (2, 4), "weight": (3.0, 7.0)}
FEATURES = ["sex", "region", "size", "weight"]


def package(target: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {"name": "sex", "type": "string", "constraints": {"enum": GROUPS["sex"]}},
        {"name": "region", "type": "string", "constraints": {"enum": GROUPS["region"]}},
        {"name": "size", "type": "integer", "constraints": {"minimum": 1, "maximum": 4}, "glassform": {"gaps": True}},
        {"name": "weight", "type": "number", "constraints": {"minimum": 0, "maximum": 9}},
        {"name": "t", **target},
    ]
    return {
        "name": "twins",
        "resources": [{"schema": {"fields": fields}}],
        "glassform": {"target": "t", "features": FEATURES, "groups": [*GROUPS]},
    }


def side(name: str) -> Side:
    levels = tuple(map(str, GROUPS[name])) if name in {"sex", "region"} else ()
    return Side(name, levels, EDGES.get(name, ()), has_gaps=name == "size")


def tables(seed: int) -> tuple[dict[str, Points], dict[str, Pair]]:
    """Random points, and random pairs: two groups, a group and another field, any of them."""
    chance = random.Random(seed)
    points = {name: Points(tuple(known), tuple(chance.gauss(0, 1) for _ in known)) for name, known in GROUPS.items()}
    points["size"] = replace(points["size"], gap=chance.gauss(0, 1))
    points["weight"] = Points((0.0, 5.0, 9.0), tuple(chance.gauss(0, 1) for _ in range(3)), linear=True)
    pairs = {}
    for first, second in itertools.combinations(FEATURES, 2):
        one, other = side(first), side(second)
        pair = Pair(
            one, other, tuple(tuple(chance.gauss(0, 1) for _ in range(other.number)) for _ in range(one.number))
        )
        pairs[pair.name] = pair
    return points, pairs


def binary(seed: int, training: dict[str, Any] | None = None) -> Scorecard:
    points, pairs = tables(seed)
    target = {"type": "string", "constraints": {"enum": ["no", "yes"]}}
    return Scorecard("1", package(target), {}, [], None, {}, training or {}, 0.5, points, [], pairs=pairs)


def number(seed: int) -> NumberScorecard:
    points, pairs = tables(seed)
    return NumberScorecard("1", package({"type": "number"}), {}, [], None, {}, {}, 0.5, points, pairs=pairs)


def classes(seed: int) -> ClassesScorecard:
    target = {"type": "string", "constraints": {"enum": ["a", "b", "c"]}}
    by_class = {label: OneTable(0.1 * at, *tables(seed + at)) for at, label in enumerate("abc")}
    return ClassesScorecard("1", package(target), {}, [], None, {}, {}, by_class)


def records(seed: int) -> list[Record]:
    chance = random.Random(seed)
    return [
        {name: chance.choice(known) for name, known in GROUPS.items()}
        | {"size": chance.choice([*GROUPS["size"], "?"]), "weight": chance.uniform(0, 9)}
        for _ in range(5)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("model", [binary, number, classes])
def test_a_twins_answer_is_the_models_own_for_the_changed_record(model, seed):
    card: Fitted = model(seed)
    main = card.target.columns[0] if model is not classes else "probability"
    for record in records(seed):
        twins = card.twins(record)
        expected = [(name, value) for name, known in GROUPS.items() for value in known if value != record[name]]
        assert [(twin["feature"], twin["value"]) for twin in twins] == expected
        for twin in twins:
            own = card.members(record | {twin["feature"]: twin["value"]})
            assert {name: twin[name] for name in own if name != "probabilities"} == pytest.approx(
                {name: value for name, value in own.items() if name != "probabilities"}, abs=1e-12
            )
            if model is classes:
                assert twin["probabilities"] == pytest.approx(own["probabilities"], abs=1e-12)
            else:
                assert twin["difference"] == pytest.approx(own[main] - card.members(record)[main], abs=1e-12)


@pytest.mark.parametrize("model", [binary, number, classes])
def test_a_curve_of_one_record_is_the_models_own_answer_at_each_value(model):
    card: Fitted = model(3)
    for record in records(3):
        for name, curve in card.curves(record).items():
            for value, members in curve:
                own = card.members(record | {name: value})
                assert members.get("probabilities", members) == pytest.approx(own.get("probabilities", own))


def test_drift_of_the_score_counts_what_pairs_add():
    bounds = [0.0, 0.25, 0.5, 0.75]
    learned = {"score": {"bounds": bounds, "counts": [10.0] * 4}, "fields": {}}
    card = binary(1, {"distribution": learned})
    asked = [each for seed in range(40) for each in records(seed)]
    found = drifts(card, asked)[None]
    scores = [card.probability(record) for record in asked]
    ends = [*bounds, 1.1]
    assert [each.asked for each in found.bins] == [
        sum(low <= score < high for score in scores) for low, high in itertools.pairwise(ends)
    ]
    alone = replace(card, pairs={})
    assert [each.asked for each in drifts(alone, asked)[None].bins] != [each.asked for each in found.bins]
