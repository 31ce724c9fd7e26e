import itertools
import random
import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from glassform.analysis.changes import smallest_changes
from glassform.fitted.additive import Points
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid

NONE: list[str] = []


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
    return Scorecard("1", package, {}, [], None, {}, {}, chance.gauss(0, 1), points, [[0.0]])


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
    assert found.reached == (best is not None)
    if best:
        distance = sum(card.schema.by_name[name].distance(record[name], found.record[name]) for name in found.values)
        assert len(found.values) == best[0]
        assert distance == pytest.approx(best[1])


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
    found = smallest_changes(scorecard, record, 0.999999, NONE)
    assert not found.reached
    best = scorecard.intercept + sum(
        max(
            log_odds
            for value, log_odds in points.by_value.items()
            if value == record[name] or scorecard.schema.by_name[name].can_become(record[name], value)
        )
        for name, points in scorecard.points.items()
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


def test_impossible_is_said_plainly(client, record):
    query = record | {"target": "0.999", "lock": [name for name in record if name != "hours_per_week"]}
    assert client.get("/changes", query_string=query).json["reached"] is False
    assert "Impossible with these locks" in client.get("/changes.html", query_string=query).text


@pytest.mark.parametrize(
    "target", ["", "0", "1", "1.5", "-0.5", "0.0", "abc", "5e-1", "50%", "nan", "0.5 ", "٠.٥", "9" * 99]
)
def test_a_bad_target_is_named(client, record, target):
    response = client.get("/changes", query_string=record | {"target": target})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["target"]


def test_bad_record_target_and_lock_are_reported_at_once(client, record):
    response = client.get("/changes", query_string=record | {"age": 200, "target": 2, "lock": ["agee", "sex"]})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["age", "target", "lock"]
    twice = record | {"target": ["0.5", "0.6"]}
    assert client.get("/changes", query_string=twice).json["errors"][0]["message"] == "is given more than once"


def test_a_bad_wish_is_set_right_on_its_own_page(visit, record):
    page = visit(f"/changes?{urlencode(record)}&target=2&lock=sex")
    expect(page.locator(".summary")).to_contain_text("2 is not a probability above 0 and below 1")
    expect(page.get_by_label("Wanted probability")).to_have_value("2")
    expect(page.get_by_label("Sex")).to_be_checked()
    page.get_by_label("Wanted probability").fill("0.3")
    page.get_by_role("button", name="Find the smallest changes").click()
    expect(page.locator(".result")).to_contain_text("30.0% was wanted")


@pytest.mark.parametrize("target", ["0.00001", "0.000000000000001", ".5"])
def test_the_page_writes_a_target_as_it_may_be_typed(client, record, target):
    page = client.get("/changes.html", query_string=record | {"target": target}).text
    (written,) = re.findall('name="target".*?value="(.*?)"', page)
    assert float(written) == float(target)
    assert client.get("/changes", query_string=record | {"target": written}).status_code == 200
