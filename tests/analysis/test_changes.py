import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassform.analysis.changes import NOTHING, Changes, Search, moves_of, smallest_changes
from glassform.fitted.additive import Points
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import Record
from glassform.records.messages import shown

NONE: list[str] = []
BAD_TARGETS = [
    "", "0", "100", "100%", "101", "-0.5", "-50%", "0.0", "0%", "abc", "5e-1", "nan", "%", "50%%", "5 0", ".", "٠.٥",
    "0.5.1", "9" * 99, "0." + "9" * 17, "99." + "9" * 17 + "%",
]  # fmt: skip
TARGETS = {
    "50%": 0.5, "50 %": 0.5, "50": 0.5, "0.5": 0.5, "0,5": 0.5, ".5": 0.5, ",5": 0.5, " 50% ": 0.5, "50\u202f%": 0.5,
    "1": 0.01, "1%": 0.01, "99": 0.99, "99.9%": 0.999, "99,9": 0.999, "0.5%": 0.005, ".5%": 0.005, "1.5": 0.015,
    "0.99": 0.99, "63.2%": 0.632, "050": 0.5,
}  # fmt: skip


def small_card(seed: int) -> Scorecard:
    """A model of four small fields, one of each kind, with random points."""
    chance = random.Random(seed)
    fields = [
        {
            "name": "size",
            "type": "integer",
            "constraints": {"minimum": 1, "maximum": 6},
            "glassform": {"direction": "up"},
        },
        {"name": "count", "type": "integer", "constraints": {"minimum": 0, "maximum": 4}},
        {
            "name": "grade",
            "type": "string",
            "constraints": {"enum": ["a", "b", "c", "d"]},
            "glassform": {"ordered": True},
        },
        {"name": "kind", "type": "string", "constraints": {"enum": ["x", "y", "z"]}},
        {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
    ]
    names = ["size", "count", "grade", "kind"]
    package = {
        "name": "small",
        "resources": [{"schema": {"fields": fields}}],
        "glassform": {"target": "y", "features": names},
    }
    values: list[list[int] | list[str]] = [[*range(1, 7)], [*range(5)], [*"abcd"], [*"xyz"]]
    points = {
        name: Points(tuple(known), tuple(chance.gauss(0, 1) for _ in known))
        for name, known in zip(names, values, strict=True)
    }
    return Scorecard("1", package, {}, [], None, {}, {}, chance.gauss(0, 1), points, [0.0])


def by_trying_everything(card, record, target, locked):
    """The fewest fields and, among those, the least distance, over all records; None if none reaches the target."""
    rises = card.probability(record) < target
    best = None
    for values in itertools.product(*(points.values for points in card.points.values())):
        other = dict(zip(card.points, values, strict=True))
        changed = [name for name in other if other[name] != record[name]]
        fields = [card.schema.by_name[name] for name in changed]
        allowed = all(field.can_become(record[field.name], other[field.name]) for field in fields)
        reaches = card.probability(other) >= target if rises else card.probability(other) <= target
        if allowed and reaches and not set(changed) & {*locked}:
            cost = (len(changed), sum(field.distance(record[field.name], other[field.name]) for field in fields))
            best = min(best or cost, cost)
    return best


@pytest.mark.parametrize("seed", range(60))
def test_no_other_record_reaches_the_target_with_less(seed):
    card, chance = small_card(seed), random.Random(seed)
    record = {name: chance.choice(points.values) for name, points in card.points.items()}
    target = sigmoid(card.log_odds(record) + chance.uniform(-4, 4))
    locked = chance.sample(list(record), chance.randint(0, 2))
    found = smallest_changes(card, record, target, locked)
    best = by_trying_everything(card, record, target, locked)
    assert found.exact and found.reached == (best is not None)
    if best:
        distance = sum(card.schema.by_name[name].distance(record[name], found.record[name]) for name in found.values)
        assert len(found.values) == best[0]
        assert distance == pytest.approx(best[1])


def wide_card(columns: int, values: int, seed: int, rising: bool = False) -> Scorecard:
    """A model of many numbers with few values each; where points rise with the value, the furthest gains most."""
    chance = random.Random(seed)
    fields: list[dict[str, Any]] = [
        {"name": f"n{at}", "type": "integer", "constraints": {"minimum": 1, "maximum": values}}
        for at in range(columns)
    ]
    points = [[chance.gauss(0, 3 / columns) for _ in range(values)] for _ in fields]
    if rising:
        points = [[*itertools.accumulate(map(abs, each))] for each in points]
    own = {"target": "y", "features": [field["name"] for field in fields]}
    fields.append({"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {"name": "wide", "resources": [{"schema": {"fields": fields}}], "glassform": own}
    every = tuple(range(1, values + 1))
    tables = {f"n{at}": Points(every, tuple(each)) for at, each in enumerate(points)}
    return Scorecard("1", package, {}, [], None, {}, {}, 0.0, tables, [0.0])


def distance_of(card: Scorecard, record: Record, found: Changes) -> float:
    """How far the changes go."""
    return sum(card.schema.by_name[name].distance(record[name], new) for name, new in found.values.items())


@given(
    columns=st.integers(1, 5), values=st.integers(2, 4), seed=st.integers(0, 10**6), rising=st.booleans(),
    by=st.floats(-4, 4),
)  # fmt: skip
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_is_called_exact_is_what_trying_everything_finds(columns, values, seed, rising, by):
    card, chance = wide_card(columns, values, seed, rising), random.Random(seed)
    record: Record = {name: chance.choice(points.values) for name, points in card.points.items()}
    target = sigmoid(card.log_odds(record) + by)
    found = smallest_changes(card, record, target, NONE)
    best = by_trying_everything(card, record, target, NONE)
    assert found.exact and found.reached == (best is not None)
    if best:
        assert len(found.values) == best[0]
        assert distance_of(card, record, found) == pytest.approx(best[1])


@pytest.mark.parametrize("columns", [24, 40, 200])
def test_columns_of_two_values_cost_little(columns):
    card = wide_card(columns, 2, seed=1)
    record: Record = dict.fromkeys(card.points, 1)
    gains = sorted((points.log_odds[1] - points.log_odds[0] for points in card.points.values()), reverse=True)
    fewest = columns // 3
    target = sigmoid(card.log_odds(record) + sum(gains[:fewest]) - gains[fewest - 1] / 2)
    found = smallest_changes(card, record, target, NONE, most=20_000)
    assert (found.exact, found.reached, len(found.values)) == (True, True, fewest)


def many_ways(seed: int) -> Search:
    """A search with more combinations than can be looked at."""
    card = wide_card(30, 60, seed, rising=True)
    record: Record = dict.fromkeys(card.points, 1)
    most = sum(points.log_odds[-1] - points.log_odds[0] for points in card.points.values())
    fields = [moves_of(card, record, name, place, 1.0) for place, name in enumerate(card.points)]
    return Search(fields, most * 0.9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most", [10, 1_000, 20_000])
def test_a_search_that_stops_says_so_and_still_moves_the_fewest_fields_near_the_least_distance(seed, most):
    search = many_ways(seed)
    exact = search.run(most)
    fewest, bound = search.count, search.least_distance(NOTHING, 0)
    assert not exact and search.looked_at <= most
    assert len(search.best.places) == fewest and search.best.gain >= search.needed
    assert bound <= search.best.distance <= search.start.distance
    if most == 20_000:
        assert search.best.distance <= bound * 1.01


def test_a_longer_search_finds_nothing_further():
    distances = []
    for most in (100, 10_000, 100_000):
        search = many_ways(seed=7)
        search.run(most)
        distances.append(search.best.distance)
    assert distances == sorted(distances, reverse=True)


def test_what_is_found_reaches_the_target_and_touches_no_lock(scorecard, record):
    for target in (0.01, 0.3, 0.6, 0.9):
        found = smallest_changes(scorecard, record, target, ["age", "race", "sex"])
        assert found.reached and not {"age", "race", "sex"} & set(found.values)
        assert found.record == record | found.values
        assert found.probability == scorecard.probability(found.record)
        assert (found.probability >= target) == (target > scorecard.probability(record))


def test_a_direction_is_kept(scorecard, record):
    others = [name for name in record if name != "age"]
    found = smallest_changes(scorecard, record | {"age": 70}, 0.9, others)
    assert not found.reached
    assert set(found.values) <= {"age"} and int(found.record["age"]) >= 70


def test_where_the_target_is_out_of_reach_the_best_is_given(scorecard, record):
    free = ["age", "education", "hours_per_week"]
    found = smallest_changes(scorecard, record, 0.999999, [name for name in record if name not in free])
    assert not found.reached and found.exact
    choices = [
        [
            value
            for value in scorecard.points[name].values
            if value == record[name] or field.can_become(record[name], value)
        ]
        for name in free
        for field in [scorecard.schema.by_name[name]]
    ]
    best = max(
        scorecard.log_odds(record | dict(zip(free, values, strict=True))) for values in itertools.product(*choices)
    )
    assert found.probability == pytest.approx(sigmoid(best))


def test_a_target_already_met_needs_nothing(scorecard, record):
    found = smallest_changes(scorecard, record, scorecard.probability(record), NONE)
    assert (found.reached, found.values) == (True, {})


def test_program_and_page_tell_the_same(client, record, scorecard):
    query = record | {"target": "0.5", "lock": ["age", "sex", "marital.status"]}
    answer = client.get("/changes", query_string=query).json
    assert answer["locked"] == ["age", "sex", "marital_status"]
    found = smallest_changes(scorecard, record, 0.5, answer["locked"])
    assert {change["feature"]: change["to"] for change in answer["changes"]} == found.values
    assert answer["changed_probability"] == found.probability
    page = client.get("/changes.html", query_string=query).text
    for change in answer["changes"]:
        field = scorecard.schema.by_name[change["feature"]]
        assert f"<strong>{field.title_of(change['to'])}</strong>".replace("'", "&#39;") in page


def test_without_locks_the_packages_own_apply_and_an_empty_one_means_none(client, record):
    assert client.get("/changes", query_string=record).json["locked"] == ["age", "race", "sex"]
    assert client.get("/changes", query_string=record | {"lock": ""}).json["locked"] == []


def test_the_answer_and_the_page_say_whether_the_search_was_complete(client, record, monkeypatch):
    query = record | {"target": "0.5", "lock": ""}
    assert client.get("/changes", query_string=query).json["exact"] is True
    assert "The search is exact." in client.get("/changes.html", query_string=query).text
    monkeypatch.setattr(Search, "run", lambda self, most: False)
    assert client.get("/changes", query_string=query).json["exact"] is False
    page = client.get("/changes.html", query_string=query).text
    assert "The search stopped after 200,000 combinations" in page and "search is exact" not in page


def test_impossible_is_said_plainly(client, record):
    query = record | {"target": "0.999", "lock": [name for name in record if name != "hours_per_week"]}
    assert client.get("/changes", query_string=query).json["reached"] is False
    assert "Impossible with these locks" in client.get("/changes.html", query_string=query).text


@pytest.mark.parametrize("target", BAD_TARGETS)
def test_a_bad_target_is_named(client, record, target):
    response = client.get("/changes", query_string=record | {"target": target})
    assert response.status_code == 422
    (error,) = response.json["errors"]
    assert error["field"] == "target" and "above 0% and below 100%" in error["message"]
    assert shown(target) in error["message"]


@pytest.mark.parametrize("written, target", TARGETS.items())
def test_a_target_is_read_as_people_write_it(client, record, written, target):
    answer = client.get("/changes", query_string=record | {"target": written})
    assert (answer.status_code, answer.json["target"]) == (200, target)


def test_bad_record_target_and_lock_are_reported_at_once(client, record):
    response = client.get("/changes", query_string=record | {"age": 200, "target": 200, "lock": ["agee", "sex"]})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["age", "target", "lock"]
    twice = record | {"target": ["0.5", "0.6"]}
    assert client.get("/changes", query_string=twice).json["errors"][0]["message"] == "is given more than once"


@pytest.mark.parametrize("target", ["0.00001", "0.000000000000001", ".5", "63.2", "0.5%", "99.9%", "33.333333"])
def test_the_page_writes_a_target_as_a_percentage_that_may_be_typed(client, record, target):
    page = client.get("/changes.html", query_string=record | {"target": target}).text
    (written,) = re.findall('name="target".*?value="(.*?)"', page)
    assert written.endswith("%")
    answers = [client.get("/changes", query_string=record | {"target": each}).json for each in (target, written)]
    assert answers[0] == answers[1]
