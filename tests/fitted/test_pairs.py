"""Pairs of fields in a model: every way to ask counts them, files keep them, and older files do without."""

import json
import math
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassform.batches.csv_rows import TableRows
from glassform.batches.json_rows import Objects
from glassform.fitted.kinds import parse
from glassform.fitted.pairs import MOST_KEPT, Pair, Remembered, Side
from glassform.fitted.scorecard import Scorecard
from glassform.learning.estimators import fit
from glassform.learning.measures import MEASURES
from glassform.learning.recipe import Recipe, build
from glassform.learning.table import as_records
from glassform.records.field import Record
from glassform.tables.delimited import Delimited
from tests.learning.test_recipe import TARGETS, rows_of, schema_of

NOWHERE = Path()
PAIRS = (("x", "kind"), ("x", "z"), ("count", "kind"))


@pytest.fixture(scope="module", params=TARGETS)
def asked(request) -> tuple[Any, list[Record]]:
    """A model of each kind with pairs, and records to ask it about."""
    target = TARGETS[request.param]
    schema, split = schema_of(target), rows_of(target, 400)
    measures = MEASURES[schema.task](schema)
    kind, members = measures.tabulate(fit(build(schema, Recipe("curve5", 1.0, PAIRS, 0.3)), split), split)
    members = {"typical": {}, "examples": [], "people": None, "evaluation": {}, "training": {}, **members}
    card = kind(version="1", package=schema.package, **members)
    return card, as_records(schema, split.X[:40])


def sums_of(answer: dict[str, Any]) -> list[float]:
    """Add up an answer as a reader would."""
    if isinstance(answer["intercept"], dict):
        terms = [each["points"] for each in answer["contributions"]]
        return [sum(term[label] for term in terms) + start for label, start in answer["intercept"].items()]
    term = "log_odds" if "log_odds" in answer else "points"
    return [answer["intercept"] + sum(each[term] for each in answer["contributions"])]


def test_an_answer_lists_pairs_after_the_fields_and_they_add_up(asked):
    card, records = asked
    for record in records:
        answer = card.explain(record)
        alone, together = answer["contributions"][:4], answer["contributions"][4:]
        assert [each["feature"] for each in alone] == [*record]
        assert [each["feature"] for each in together] == ["x:kind", "x:z", "count:kind"]
        assert all(each["value"] == [record[name] for name in each["features"]] for each in together)
        total = card.sums(record)
        assert sums_of(answer) == pytest.approx(total if isinstance(total, list) else [total], abs=1e-12)


def test_a_batch_counts_pairs_in_every_row_and_column(asked):
    card, records = asked
    rows = [*Objects(records, card, card.schema)]
    assert [card.all_sums([row])[0] for row in rows] == [card.sums(record) for record in records]

    class Table(Delimited):
        columns, decimal_comma = [*records[0]], False

        def __init__(self):
            pass

        def rows(self):
            return iter([[str(value) for value in record.values()] for record in records * 2])

    cells = [*TableRows(Table(), card, card.schema)]  # the second time from what was remembered
    assert [card.all_sums([row])[0] for row in cells] == [card.sums(record) for record in records * 2]
    width = len(card.columns_added(explain=True))
    assert all(len(card.cells(row, card.sums(record), True)) == width for row, record in zip(rows, records))  # noqa: B905


def test_curves_and_twins_are_the_answers_of_the_changed_records(asked):
    card, records = asked
    for name, curve in card.curves(records[0]).items():
        for value, members in curve:
            assert members == card.members(records[0] | {name: value})
    if isinstance(card, Scorecard):
        for name, curve in card.what_if(records[0]).items():
            for value, probability in curve:
                assert probability == pytest.approx(card.probability(records[0] | {name: value}), abs=1e-12)


def test_a_file_keeps_pairs_and_an_older_one_has_none(asked):
    card, records = asked
    again = parse(card.as_file(), NOWHERE)
    assert again == card
    assert [again.sums(record) for record in records] == [card.sums(record) for record in records]
    content = json.loads(card.as_file())
    tables = content["tables"].values() if "tables" in content else [content]
    for table in tables:
        del table["pairs"]
    if "covariance" in content:
        number = 1 + sum(len(each.places) for each in card.points.values())
        content["covariance"] = [[1.0] * row for row in range(1, number + 1)]  # lists, as files once had it
    older = parse(json.dumps(content).encode(), NOWHERE)
    assert not older.pair_lookups and len(older.explain(records[0])["contributions"]) == 4
    if isinstance(older, Scorecard):
        assert older.variance(records[0]) == pytest.approx(25.0)  # five terms, each of which varies with every other


@pytest.mark.parametrize("asked", ["two"], indirect=True)
def test_the_interval_counts_the_covariance_of_pairs(asked):
    card, records = asked
    assert isinstance(card, Scorecard)
    for record in records:
        places = [(0, 1.0)]
        start = 1
        for name, points in card.points.items():
            places += [(start + place, share) for place, share in points.shares(record[name])]
            start += len(points.places)
        for pair in card.pairs.values():
            places.append((start + pair.place(*(record[name] for name in pair.features)), 1.0))
            start += pair.size
        matrix = np.zeros((start, start))
        matrix[np.tril_indices(start)] = card.covariance
        matrix += np.tril(matrix, -1).T
        ones = np.zeros(start)
        for place, share in places:
            ones[place] += share
        assert card.variance(record) == pytest.approx(ones @ matrix @ ones, rel=1e-9)
        assert 0 < card.variance(record) < math.inf


def test_a_side_has_a_cell_for_each_level_range_and_gap():
    side = Side("x", edges=(2.0, 5.0), has_gaps=True)
    assert [side.cell(value) for value in (-9, 1.99, 2, 4.5, 5, 99, "?")] == [0, 0, 1, 1, 2, 2, 3]
    assert side.ranges == [(None, 2.0), (2.0, 5.0), (5.0, None)]
    kind = Side("kind", levels=("a", "?"))
    assert [kind.cell(value) for value in "a?"] == [0, 1]
    with pytest.raises(KeyError):
        kind.cell("b")


def test_only_so_many_pairs_of_values_are_remembered():
    pair = Pair(Side("x", edges=(0.5,)), Side("z", edges=(0.5,)), ((1.0, 2.0), (3.0, 4.0)))
    lookup = Remembered(pair.at)
    for number in range(MOST_KEPT + 50):
        assert lookup[number, 0] == (3.0 if number else 1.0)
    assert len(lookup) == MOST_KEPT


def test_a_covariance_is_written_as_bytes_and_read_again():
    card = Scorecard("1", {}, {}, [], None, {}, {}, 0.0, {}, array("d", [1.0, -2.5, 1e300]))
    written = card.written()["covariance"]
    assert isinstance(written, str)
    assert [*Scorecard.decoded({"points": {}, "covariance": written})["covariance"]] == [1.0, -2.5, 1e300]
