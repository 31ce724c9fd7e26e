"""Three ways to a target: as trying everything finds them, with other fields each time, common values first."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from glassform.analysis import changes
from glassform.analysis.alternatives import ways_to
from glassform.analysis.changes import Changes, smallest_changes
from glassform.analysis.frequencies import Frequencies
from glassform.fitted.additive import Points
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import Record
from tests.analysis.test_changes import distance_of, small_card, wide_card

KINDS = ["v", "w", "x", "y", "z"]


def card_of_categories(seed: int, fields: int, frequencies: bool) -> Scorecard:
    """A model of unordered categories, all of which are as far from each other."""
    chance = random.Random(seed)
    names = [f"c{at}" for at in range(fields)]
    described: list[dict[str, Any]] = [
        {"name": name, "type": "string", "constraints": {"enum": KINDS}} for name in names
    ]
    described.append({"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {
        "name": "c",
        "resources": [{"schema": {"fields": described}}],
        "glassform": {"target": "t", "features": names},
    }
    points = {name: Points(tuple(KINDS), tuple(chance.gauss(0, 1) for _ in KINDS)) for name in names}
    counts = {name: {"counts": [[kind, float(chance.randint(0, 90))] for kind in KINDS]} for name in names}
    training = {"distribution": {"fields": counts}} if frequencies else {}
    return Scorecard("1", package, {}, [], None, {}, training, 0.0, points, [])


def every_way(card: Scorecard, record: Record, target: float) -> dict[frozenset[str], tuple[Any, ...]]:
    """By the fields that change, the best of all records that reach the target: distance, rarity and overshoot."""
    rises, known = card.probability(record) < target, Frequencies.of(card)
    found: dict[frozenset[str], tuple[Any, ...]] = {}
    for values in itertools.product(*(points.values for points in card.points.values())):
        other = dict(zip(card.points, values, strict=True))
        changed = frozenset(name for name in other if other[name] != record[name])
        fields = [card.schema.by_name[name] for name in changed]
        if not all(field.can_become(record[field.name], other[field.name]) for field in fields):
            continue
        gap = card.probability(other) - target
        if gap * (1 if rises else -1) >= 0:
            distance = sum(field.distance(record[field.name], other[field.name]) for field in fields)
            rarity = sum(known.rarity(name, other[name]) for name in changed)
            this = (round(distance, 9), round(rarity, 9), abs(gap))
            found[changed] = min(found.get(changed, this), this)
    return found


def in_order(found: dict[frozenset[str], tuple[Any, ...]], most: int = 3) -> list[tuple[Any, ...]]:
    """The best ways of which none holds all the fields of another, the smallest first."""
    chosen: list[frozenset[str]] = []
    left = dict(found)
    while left and len(chosen) < most:
        chosen.append(min(left, key=lambda names: (len(names), *left[names])))
        left = {names: cost for names, cost in left.items() if not any(names >= other for other in chosen)}
    return [(len(names), *found[names]) for names in chosen]


def costs(card: Scorecard, record: Record, target: float, ways) -> list[tuple[Any, ...]]:
    known = Frequencies.of(card)
    return [
        (
            len(way.values),
            round(way.distance, 9),
            round(sum(known.rarity(name, value) for name, value in way.values.items()), 9),
            abs(way.probability - target),
        )
        for way in ways
    ]


def checked(card: Scorecard, record: Record, target: float) -> None:
    """Find ways, and what trying everything finds."""
    ways = ways_to(card, record, target, [])
    best = in_order(every_way(card, record, target))
    assert ways[0].reached == bool(best)
    if not best or not ways[0].values:
        assert len(ways) == 1
        return
    assert all(way.reached and way.exact for way in ways)
    if len(best) > 1 or len(ways[0].values) > 1:
        found = costs(card, record, target, ways)
        assert len(found) == len(best)
        for ours, theirs in zip(found, best, strict=True):
            assert ours == pytest.approx(theirs)
    else:
        assert costs(card, record, target, ways[:1])[0] == pytest.approx(best[0])
        assert len({frozenset(way.values) for way in ways}) == 1
        assert len({tuple(way.values.values()) for way in ways}) == len(ways)
    for one, other in itertools.permutations(ways, 2):
        assert not way_holds(one, other) or len(best) == 1


def way_holds(one: Changes, other: Changes) -> bool:
    return one.values.keys() >= other.values.keys()


@pytest.mark.parametrize("frequencies", [True, False], ids=["frequencies", "none"])
@pytest.mark.parametrize("seed", range(25))
def test_the_ways_are_those_that_trying_everything_finds(seed, frequencies):
    card, chance = card_of_categories(seed, 4, frequencies), random.Random(seed)
    record: Record = {name: chance.choice(KINDS) for name in card.points}
    checked(card, record, sigmoid(card.log_odds(record) + chance.uniform(-4, 4)))


@pytest.mark.parametrize("seed", range(25))
def test_so_are_those_of_fields_of_every_kind(seed):
    card, chance = small_card(seed), random.Random(seed)
    record: Record = {name: chance.choice(points.values) for name, points in card.points.items()}
    checked(card, record, sigmoid(card.log_odds(record) + chance.uniform(-4, 4)))


def one_field(counts: dict[str, float] | None) -> Scorecard:
    """Of five kinds, three reach 50%: y by a hair, z more, x most."""
    card = card_of_categories(0, 1, frequencies=False)
    points = {"c0": Points(tuple(KINDS), (-2.0, -1.0, 3.0, 0.1, 1.0))}
    learned = {"distribution": {"fields": {"c0": {"counts": [*map(list, counts.items())]}}}} if counts else {}
    return replace(card, points=points, training=learned)


def test_at_equal_distance_the_commoner_value_wins():
    card = one_field({"v": 50.0, "w": 10.0, "x": 2.0, "y": 1.0, "z": 30.0})
    found = ways_to(card, {"c0": "v"}, 0.5, [])
    assert [way.values["c0"] for way in found] == ["z", "x", "y"]
    assert smallest_changes(card, {"c0": "v"}, 0.5, []).values == {"c0": "z"}


def test_without_frequencies_the_smallest_overshoot_wins():
    found = ways_to(one_field(None), {"c0": "v"}, 0.5, [])
    assert [way.values["c0"] for way in found] == ["y", "z", "x"]


def test_a_value_that_no_training_row_has_is_rarer_than_any_other():
    card = one_field({"v": 50.0, "w": 10.0, "x": 1.0, "y": 0.0, "z": 0.0})
    assert [way.values["c0"] for way in ways_to(card, {"c0": "v"}, 0.5, [])] == ["x", "y", "z"]


def test_marriage_means_a_civilian_one(scorecard, record):
    married = scorecard.typical | {"marital_status": "Never-married", "education": "Bachelors"}
    for person in (record, married):
        found = smallest_changes(scorecard, person, 0.5, ["age", "race", "sex"])
        assert found.values.get("marital_status", "Married-civ-spouse") == "Married-civ-spouse"


@pytest.mark.parametrize(("columns", "values"), [(40, 2), (40, 20), (120, 3)])
def test_all_searches_together_look_at_no_more_than_one_may(columns, values, monkeypatch):
    looked_at = 0
    may_look_at = changes.Search.may_look_at

    def counting(self, several):
        nonlocal looked_at
        before = self.looked_at
        allowed = may_look_at(self, several)
        looked_at += self.looked_at - before
        return allowed

    monkeypatch.setattr(changes.Search, "may_look_at", counting)
    card = wide_card(columns, values, seed=1)
    record: Record = dict.fromkeys(card.points, 1)
    most = sum(max(points.log_odds) - points.log_odds[0] for points in card.points.values())
    ways = ways_to(card, record, sigmoid(card.log_odds(record) + 0.8 * most), [], most=20_000)
    assert looked_at <= 20_000 and all(way.reached for way in ways)
    for way in ways:
        assert distance_of(card, record, way) == pytest.approx(way.distance)


def test_the_answer_lists_the_best_first_and_says_how_ties_are_broken(client, record, scorecard):
    answer = client.get("/changes", query_string=record | {"target": "50%"}).json
    first, *others = answer["alternatives"]
    assert first == {name: answer[name] for name in first}
    assert answer["tie_break"] == "frequency" and len(others) == 2
    sets = [{change["feature"] for change in way["changes"]} for way in answer["alternatives"]]
    assert not any(one >= other for one, other in itertools.permutations(sets, 2))
    for way in answer["alternatives"]:
        assert way["changed_probability"] == scorecard.probability(way["changed_record"]) >= 0.5


def test_the_page_of_an_older_model_says_that_the_smallest_overshoot_wins(client, record, monkeypatch):
    query = record | {"target": "50%"}
    assert "more common values win" in client.get("/changes.html", query_string=query).text
    monkeypatch.setattr(Frequencies, "of", classmethod(lambda cls, card: cls({})))
    assert client.get("/changes", query_string=query).json["tie_break"] == "overshoot"
    page = client.get("/changes.html", query_string=query).text
    assert "smallest overshoot wins" in page and "more common values" not in page
