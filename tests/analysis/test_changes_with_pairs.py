"""Changes where two fields together gain other than each alone: as trying everything finds them."""

import itertools
import math
import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from glassform.analysis import ways
from glassform.analysis.alternatives import ways_to
from glassform.analysis.changes import Changes, Search, smallest_changes
from glassform.analysis.frequencies import Frequencies
from glassform.analysis.together import Stage
from glassform.fitted.additive import Points
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import Record, Value

KINDS: dict[str, dict[str, Any]] = {
    "rising": {
        "type": "integer",
        "constraints": {"minimum": 1, "maximum": 5},
        "glassform": {"direction": "up", "gaps": True},
    },
    "falling": {"type": "integer", "constraints": {"minimum": 1, "maximum": 4}, "glassform": {"direction": "down"}},
    "count": {"type": "integer", "constraints": {"minimum": 0, "maximum": 4}, "glassform": {"gaps": True}},
    "grade": {"type": "string", "constraints": {"enum": [*"abcd"]}, "glassform": {"ordered": True}},
    "kind": {"type": "string", "constraints": {"enum": [*"xyz"]}},
    "other": {"type": "string", "constraints": {"enum": [*"uvw?"]}},
    "weight": {"type": "number", "constraints": {"minimum": 0, "maximum": 10}, "glassform": {"gaps": True}},
    "length": {"type": "number", "constraints": {"minimum": -1, "maximum": 1}},
}
EDGES = {"rising": (3, 4), "falling": (2.5,), "count": (1, 3), "weight": (4.0, 6.0), "length": (0.0, 0.25)}


def points_of(kind: str, chance: random.Random) -> Points:
    """Random points; those of a real number have few knots, and none at the edges of its cells."""
    described = KINDS[kind]
    rules, has_gaps = described["constraints"], described.get("glassform", {}).get("gaps", False)
    gap = chance.gauss(0, 1) if has_gaps else None
    if "enum" in rules:
        known = rules["enum"]
    elif described["type"] == "integer":
        known = [*range(rules["minimum"], rules["maximum"] + 1)]
    else:
        known = [rules["minimum"], chance.uniform(rules["minimum"], rules["maximum"]), rules["maximum"]]
    return Points(tuple(known), tuple(chance.gauss(0, 1) for _ in known), described["type"] == "number", gap)


def side_of(kind: str) -> Side:
    described = KINDS[kind]
    levels = tuple(described["constraints"].get("enum", ()))
    return Side(kind, levels, EDGES.get(kind, ()), bool(described.get("glassform", {}).get("gaps")) and not levels)


def card_with_pairs(seed: int, fields: int, most_pairs: int, frequencies: bool = False) -> Scorecard:
    """A model of some of these fields, any of which may be tied together."""
    chance = random.Random(seed)
    names = chance.sample([*KINDS], fields)
    tied = [*itertools.combinations(names, 2)]
    tied = [chance.choice([each, each[::-1]]) for each in chance.sample(tied, chance.randint(1, most_pairs))]
    pairs = {}
    for first, second in tied:
        one, other = side_of(first), side_of(second)
        cells = tuple(tuple(chance.gauss(0, 1) for _ in range(other.number)) for _ in range(one.number))
        pairs[f"{first}:{second}"] = Pair(one, other, cells)
    described = [{"name": name, **KINDS[name]} for name in names]
    described.append({"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {
        "name": "tied",
        "resources": [{"schema": {"fields": described}}],
        "glassform": {"target": "t", "features": names},
    }
    points = {name: points_of(name, chance) for name in names}
    training = {"distribution": {"fields": counted(points, chance)}} if frequencies else {}
    return Scorecard("1", package, {}, [], None, {}, training, chance.gauss(0, 1), points, [], pairs=pairs)


def counted(points: dict[str, Points], chance: random.Random) -> dict[str, Any]:
    """Random numbers of training rows, several of them equal."""
    found: dict[str, Any] = {}
    for name, each in points.items():
        if isinstance(each.values[0], str):
            found[name] = {"counts": [[value, float(chance.randint(0, 3))] for value in each.values]}
        else:
            even = {
                "low": each.values[0],
                "high": each.values[-1],
                "counts": [chance.randint(0, 3) for _ in range(3)],
            }
            found[name] = {"bounds": [], "counts": [1.0], "gaps": 1.0, "evenly": even}
    return found


def every_place(card: Scorecard, name: str) -> list[Value]:
    """All values of a field or, of a real number, its knots and both sides of each edge."""
    points, edges = card.points[name], EDGES.get(name, ())
    if not points.linear or not any(name in pair.features for pair in card.pairs.values()):
        return [*points.levels]
    return [*points.levels, *edges, *(math.nextafter(edge, -math.inf) for edge in edges)]


def random_record(card: Scorecard, chance: random.Random) -> Record:
    """A record; a real number may lie anywhere."""
    record: Record = {name: chance.choice(points.levels) for name, points in card.points.items()}
    for name, points in card.points.items():
        if points.linear and chance.random() < 0.5:
            record[name] = chance.uniform(points.values[0], points.values[-1])
    return record


def others(card: Scorecard, record: Record, locked: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Record]]:
    """All records that the fields may become, with the fields that differ."""
    choices = []
    for name in card.points:
        field, old = card.schema.by_name[name], record[name]
        free = [] if name in {*locked} else [each for each in every_place(card, name) if field.can_become(old, each)]
        choices.append([old, *(value for value in free if value != old)])
    for values in itertools.product(*choices):
        other = dict(zip(card.points, values, strict=True))
        yield tuple(name for name in other if other[name] != record[name]), other


def distance(card: Scorecard, record: Record, other: Record) -> float:
    return sum(field.distance(record[field.name], other[field.name]) for field in card.schema.fields)


def is_enough(card: Scorecard, record: Record, other: Record, target: float) -> bool:
    wanted = math.log(target / (1 - target))
    sign = 1 if wanted > card.log_odds(record) else -1
    return sign * (card.log_odds(other) - wanted) >= -1e-9


def question(card: Scorecard, seed: int) -> tuple[Record, float, list[str]]:
    chance = random.Random(seed)
    record = random_record(card, chance)
    target = sigmoid(card.log_odds(record) + chance.uniform(-6, 6))
    return record, target, chance.sample(list(record), chance.choice([0, 0, 1, 2]))


def rarity(card: Scorecard, record: Record, other: Record) -> float:
    known = Frequencies.of(card)
    return sum(known.rarity(name, value) for name, value in other.items() if value != record[name])


def cost(card: Scorecard, record: Record, other: Record, target: float) -> tuple[float, float, float]:
    """How far another record is, how rare what changes, and by how much it passes the target."""
    beyond = abs(card.log_odds(other) - math.log(target / (1 - target)))
    return round(distance(card, record, other), 9), round(rarity(card, record, other), 9), beyond


def every_way(card: Scorecard, record: Record, target: float, locked: list[str]) -> dict[frozenset[str], Any]:
    """By the fields that change, the least cost of all records that reach the target."""
    found: dict[frozenset[str], Any] = {}
    for names, other in others(card, record, locked):
        if is_enough(card, record, other, target):
            this = cost(card, record, other, target)
            found[frozenset(names)] = min(found.get(frozenset(names), this), this)
    return found


@pytest.mark.parametrize("frequencies", [True, False], ids=["frequencies", "none"])
@pytest.mark.parametrize("seed", range(150))
def test_what_is_found_is_what_trying_everything_finds(seed, frequencies):
    card = card_with_pairs(seed, fields=4, most_pairs=6, frequencies=frequencies)
    record, target, locked = question(card, seed)
    found = smallest_changes(card, record, target, locked)
    every = every_way(card, record, target, locked)
    assert found.exact and found.reached == bool(every)
    assert found.probability == card.probability(found.record)
    assert found.record == record | found.values and not {*found.values} & {*locked}
    if every:
        best = min((len(names), *least) for names, least in every.items())
        assert (len(found.values), *cost(card, record, found.record, target)) == pytest.approx(best, abs=1e-8)
        assert found.distance == pytest.approx(best[1], abs=1e-8)
    else:
        sign = 1 if target > card.probability(record) else -1
        nearest = max(sign * card.log_odds(other) for _, other in others(card, record, locked))
        assert sign * card.log_odds(found.record) == pytest.approx(nearest, abs=1e-8)


@pytest.mark.parametrize("frequencies", [True, False], ids=["frequencies", "none"])
@pytest.mark.parametrize("seed", range(60))
def test_the_ways_are_those_that_trying_everything_finds(seed, frequencies):
    card = card_with_pairs(seed, fields=4, most_pairs=5, frequencies=frequencies)
    record, target, locked = question(card, seed)
    every, expected = every_way(card, record, target, locked), list[Any]()
    while every and len(expected) < 3:
        fields = min(every, key=lambda names: (len(names), *every[names]))
        expected.append((len(fields), *every[fields]))
        every = {names: least for names, least in every.items() if not names >= fields}
    ways = ways_to(card, record, target, locked)
    assert all(way.exact for way in ways) and ways[0].reached == bool(expected)
    if not expected or (len(expected) == 1 and expected[0][0] < 2):
        ways, expected = ways[:1], expected or [None]  # nothing to change, the nearest, or one field's other values
    assert len(ways) == len(expected)
    for way, best in zip(ways, expected, strict=True):
        ours = (len(way.values), *cost(card, record, way.record, target))
        assert best is None or ours == pytest.approx(best, abs=1e-8)


def two_that_pay_together() -> Scorecard:
    """A model in which each of two fields alone loses 1, and both together gain 3."""
    names = ["one", "two", "three"]
    described: list[dict[str, Any]] = [
        {"name": name, "type": "string", "constraints": {"enum": ["a", "b"]}} for name in names
    ]
    described.append({"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {
        "name": "two",
        "resources": [{"schema": {"fields": described}}],
        "glassform": {"target": "t", "features": names},
    }
    points = {name: Points(("a", "b"), (0.0, -1.0)) for name in ("one", "two")} | {
        "three": Points(("a", "b"), (0.0, 0.5))
    }
    pair = Pair(Side("one", ("a", "b")), Side("two", ("a", "b")), ((0.0, 0.0), (0.0, 5.0)))
    return Scorecard("1", package, {}, [], None, {}, {}, 0.0, points, [], pairs={"one:two": pair})


def test_two_fields_may_do_together_what_neither_does_alone():
    card = two_that_pay_together()
    record: Record = dict.fromkeys(card.points, "a")
    assert smallest_changes(card, record, sigmoid(0.4), []).values == {"three": "b"}
    assert smallest_changes(card, record, sigmoid(2.9), []).values == {"one": "b", "two": "b"}
    assert smallest_changes(card, record, sigmoid(3.4), []).values == dict.fromkeys(card.points, "b")
    assert not smallest_changes(card, record, sigmoid(2.9), ["two"]).reached


def test_a_real_number_moves_to_the_edge_of_a_cell_that_its_own_curve_does_not_know():
    package = {
        "name": "real",
        "resources": [{"schema": {"fields": [
            {"name": "weight", **KINDS["weight"]}, {"name": "kind", **KINDS["kind"]},
            {"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}},
        ]}}],
        "glassform": {"target": "t", "features": ["weight", "kind"]},
    }  # fmt: skip
    points = {"weight": Points((0.0, 10.0), (0.0, 0.0), True, 0.0), "kind": Points(("x", "y", "z"), (0.0, 0.0, 0.0))}
    pair = Pair(side_of("weight"), side_of("kind"), ((0.0, 0, 0), (1.0, 0, 0), (3.0, 0, 0), (9.0, 0, 0)))
    card = Scorecard("1", package, {}, [], None, {}, {}, -0.5, points, [], pairs={pair.name: pair})
    found = smallest_changes(card, {"weight": 1.5, "kind": "x"}, 0.5, [])
    assert found.values == {"weight": 4.0} and found.distance == pytest.approx(0.25)
    found = smallest_changes(card, {"weight": 7.5, "kind": "x"}, 0.99, [])
    assert not found.reached and found.values == {}  # to leave a number out is no change
    found = smallest_changes(card, {"weight": 7.5, "kind": "x"}, 0.7, [])
    assert found.values == {"weight": math.nextafter(6.0, 0)} and found.probability == sigmoid(0.5)


@pytest.mark.parametrize("target", [0.03, 0.3, 0.5, 0.8, 0.95])
def test_of_the_census_too(scorecard, record, target):
    assert scorecard.pairs
    free = ["workclass", "marital_status", "hours_per_week"]
    found = smallest_changes(scorecard, record, target, [name for name in record if name not in free])
    hours = [hour for hour in range(1, 100) if hour % 3 == 0 or hour in range(28, 63)] + [found.record[free[2]]]
    best = min(
        (
            (sum(other[name] != record[name] for name in free), distance(scorecard, record, other))
            for values in itertools.product(*(scorecard.points[name].values for name in free[:2]), hours)
            if is_enough(scorecard, record, other := record | dict(zip(free, values, strict=True)), target)
        ),
        default=None,
    )
    assert found.exact and found.reached == (best is not None)
    if best:
        assert (len(found.values), found.distance) == pytest.approx(best)


def tied_numbers(seed: int, values: int, fields: int, pairs: int) -> Scorecard:
    """A model of numbers of which the furthest gain most, some tied in cells of a few values."""
    chance = random.Random(seed)
    names = [f"n{at}" for at in range(fields)]
    described: list[dict[str, Any]] = [
        {"name": name, "type": "integer", "constraints": {"minimum": 1, "maximum": values}} for name in names
    ]
    described.append({"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {
        "name": "numbers",
        "resources": [{"schema": {"fields": described}}],
        "glassform": {"target": "t", "features": names},
    }
    every = tuple(range(1, values + 1))
    points = {
        name: Points(every, tuple(itertools.accumulate(chance.uniform(0, 6 / values) for _ in every)))
        for name in names
    }
    tied = {}
    for first, second in chance.sample([*itertools.combinations(names, 2)], pairs):
        one, other = (Side(name, edges=tuple(sorted(chance.sample(every[1:], 3)))) for name in (first, second))
        tied[f"{first}:{second}"] = Pair(
            one, other, tuple(tuple(chance.gauss(0, 1) for _ in range(4)) for _ in range(4))
        )
    return Scorecard("1", package, {}, [], None, {}, {}, -6.0, points, [], pairs=tied)


@pytest.mark.parametrize("seed", range(40))
def test_so_is_it_where_several_numbers_must_go_far(seed):
    chance = random.Random(seed)
    card = tied_numbers(seed, *chance.choice([(9, 3, 2), (9, 3, 3), (5, 4, 3), (5, 4, 5)]))
    record: Record = {name: chance.choice([1, 2]) for name in card.points}
    top = max(card.log_odds(other) for _, other in others(card, record, []))
    now = card.log_odds(record)
    target = sigmoid(now + chance.uniform(0.6, 1) * (top - now))
    found, every = smallest_changes(card, record, target, []), every_way(card, record, target, [])
    best = min((len(names), *least) for names, least in every.items())
    assert found.exact and found.reached
    assert (len(found.values), *cost(card, record, found.record, target)) == pytest.approx(best, abs=1e-8)


def most_tied(levels: int, fields: int) -> Scorecard:
    """A model in which every two of some fields are tied."""
    chance = random.Random(1)
    names, known = [f"c{at}" for at in range(fields)], tuple(f"l{at}" for at in range(levels))
    described: list[dict[str, Any]] = [
        {"name": name, "type": "string", "constraints": {"enum": [*known]}} for name in names
    ]
    described.append({"name": "t", "type": "string", "constraints": {"enum": ["no", "yes"]}})
    package = {
        "name": "tied",
        "resources": [{"schema": {"fields": described}}],
        "glassform": {"target": "t", "features": names},
    }
    pairs = {
        f"{one}:{other}": Pair(
            Side(one, known), Side(other, known), tuple(tuple(chance.gauss(0, 1) for _ in known) for _ in known)
        )
        for one, other in itertools.combinations(names, 2)
    }
    points = {name: Points(known, tuple(chance.gauss(0, 1) for _ in known)) for name in names}
    return Scorecard("1", package, {}, [], None, {}, {}, 0.0, points, [], pairs=pairs)


@pytest.mark.parametrize("by", [1.0, 3.0, 9.0, -5.0])
@pytest.mark.parametrize(("levels", "fields"), [(12, 3), (4, 5)])
def test_fields_of_which_every_two_are_tied_are_searched_exactly(levels, fields, by):
    card = most_tied(levels, fields)
    record: Record = dict.fromkeys(card.points, "l0")
    target = sigmoid(card.log_odds(record) + by)
    found, every = smallest_changes(card, record, target, []), every_way(card, record, target, [])
    assert found.exact and found.reached == bool(every)
    assert not every or len(found.values) == min(map(len, every))


def test_a_search_among_too_many_tied_fields_ends_soon_and_says_that_it_stopped(monkeypatch):
    steps, through = 0, Stage.through

    def counting(self, opened, cells):
        nonlocal steps
        steps += 1
        return through(self, opened, cells)

    monkeypatch.setattr(Stage, "through", counting)
    card = most_tied(levels=9, fields=9)
    record: Record = dict.fromkeys(card.points, "l0")
    alone = [record | {name: value} for name, points in card.points.items() for value in points.values]
    target = sigmoid(max(map(card.log_odds, alone)) + 1)
    ways = ways_to(card, record, target, [])
    assert steps < 400_000
    assert not any(way.exact for way in ways) and ways[0].reached
    for way in ways:
        assert card.probability(way.record) == way.probability >= target - 1e-9


def test_one_change_that_is_enough_is_found_among_however_many_tied_fields():
    card = most_tied(levels=9, fields=9)
    record: Record = dict.fromkeys(card.points, "l0")
    alone = [record | {name: value} for name, points in card.points.items() for value in points.values]
    best = max(alone, key=card.log_odds)
    found = smallest_changes(card, record, sigmoid(card.log_odds(best) - 0.001), [])
    assert (found.exact, found.record) == (True, best)


def test_what_a_stopped_search_does_not_find_is_not_called_impossible(client, record, monkeypatch):
    query = record | {"target": "99.9%", "lock": [name for name in record if name != "hours_per_week"]}
    assert client.get("/changes", query_string=query).json["exact"] is True
    monkeypatch.setattr(Search, "run", lambda self, most: False)
    answer = client.get("/changes", query_string=query).json
    assert (answer["reached"], answer["exact"]) == (False, False)
    page = client.get("/changes.html", query_string=query).text
    assert "Nothing found with these locks" in page and "Impossible" not in page


def test_the_page_says_that_a_number_is_just_below_an_edge(client, record, monkeypatch):
    values: Record = {"hours_per_week": math.nextafter(40.0, 0)}
    found = Changes(True, True, values, record | values, 0.6, 0.1)
    monkeypatch.setattr(ways, "ways_to", lambda *args: [found])
    page = client.get("/changes.html", query_string=record).text
    assert "<strong>just below 40</strong>" in page and "39.999" not in page.partition("href")[0]
