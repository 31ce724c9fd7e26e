"""The charts of /curves: what they list, how they are drawn, where they say that few rows stand behind them."""

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from glassform.fitted.additive import Points
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.titles import titles_of
from glassform.records.field import Record
from glassform.web.charts import Scale, tidy
from glassform.web.what_if import stretches_with_few_rows, what_ifs

FIELDS = [
    {"name": "size", "type": "number", "constraints": {"minimum": 0, "maximum": 10}},
    {"name": "kind", "type": "string", "constraints": {"enum": ["x", "y"]}},
    {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
]
PACKAGE = {
    "name": "small",
    "resources": [{"schema": {"fields": FIELDS}}],
    "glassform": {"target": "y", "features": ["size", "kind"]},
}
RECORD: Record = {"size": 2.5, "kind": "x"}


def card(values, log_odds, training=None) -> Scorecard:
    points = {"size": Points(tuple(values), tuple(log_odds), linear=True), "kind": Points(("x", "y"), (0.0, 0.1))}
    return Scorecard("1", PACKAGE, {}, [], None, {}, training or {}, 0.0, points, [])


def drawn(card: Scorecard, one_scale: bool = False):
    return what_ifs(card, card.schema, RECORD, card.curves(RECORD), one_scale)


def test_what_moves_the_answer_most_comes_first():
    assert [each.field.name for each in drawn(card([0.0, 10.0], [-2.0, 2.0]))] == ["size", "kind"]
    assert [each.field.name for each in drawn(card([0.0, 10.0], [0.0, 0.01]))] == ["kind", "size"]


def test_a_number_has_a_scale_of_its_own_or_that_of_all():
    own, _ = drawn(card([0.0, 10.0], [-2.0, -1.0]))
    whole, _ = drawn(card([0.0, 10.0], [-2.0, -1.0]), one_scale=True)
    assert whole.ends == ("0%", "100%") and own.ends == ("11.5%", "27.3%")


def test_two_knots_that_print_alike_are_one_row_and_a_jump_is_two_that_look_different():
    bend = 10 / 7
    one, _ = drawn(card([0.0, bend, bend + 1e-10, 10.0], [0.0, 1.0, 1.0, 0.0]))
    assert [row.title for row in one.rows] == ["0", "1.42857", "10"]
    jump, _ = drawn(card([0.0, bend, bend + 1e-10, 10.0], [0.0, 0.0, 1.0, 1.0]))
    assert len({row.title for row in jump.rows}) == 4


def test_a_straight_line_is_told_from_a_bent_one():
    straight, _ = drawn(card([0.0, 4.0, 10.0], [0.0, 0.4, 1.0]))
    bent, _ = drawn(card([0.0, 4.0, 10.0], [0.0, 0.5, 1.0]))
    assert straight.is_straight and not bent.is_straight


def test_the_dot_stands_on_the_line():
    one = card([0.0, 10.0], [-4.0, 4.0])
    size, _ = drawn(one)
    across = [tuple(map(float, point.split(","))) for point in size.lines[0].split()]
    left, right = next(pair for pair in pairwise(across) if pair[0][0] <= size.mark <= pair[1][0])
    share = (size.mark - left[0]) / (right[0] - left[0])
    assert 100 - size.own == pytest.approx(left[1] + share * (right[1] - left[1]), abs=0.2)


def even(*counts: float) -> dict[str, dict[str, object]]:
    return {"evenly": {"low": 0.0, "high": 10.0, "counts": [*map(float, counts)]}}


def test_a_stretch_with_fewer_than_five_rows_is_named():
    counts = [9, 9, 4, 0, 9, 9, 9, 5, 9, 3]
    assert stretches_with_few_rows(even(*counts), Scale(0.0, 10.0)) == [(2.0, 4.0), (9.0, 10.0)]


def test_what_no_row_reaches_has_few_rows_too():
    assert stretches_with_few_rows(even(*[9] * 10), Scale(-5.0, 12.0)) == [(-5.0, 0.0), (10.0, 12.0)]


def test_the_file_of_an_older_model_says_nothing_where_it_knows_nothing():
    assert stretches_with_few_rows({}, Scale(0.0, 10.0)) == []
    assert not drawn(card([0.0, 10.0], [0.0, 1.0]))[0].stretches


def test_bins_of_as_many_rows_each_say_where_a_long_one_is_thin():
    distribution = {"bounds": [0.0, 1.0, 2.0], "counts": [10.0, 10.0, 10.0]}
    assert stretches_with_few_rows(distribution, Scale(0.0, 10.0)) == [(2.0, 10.0)]


def test_numbers_are_written_in_six_digits_and_large_ones_in_all():
    assert [*map(tidy, (39, 4.814285714, 1234567.5, 0.25, 3.0, 1e300))] == [
        "39", "4.81429", "1234567.5", "0.25", "3", "1e+300",
    ]  # fmt: skip
    assert titles_of([1.0, 2.00000000001, 2.00000000002]) == ["1", "2.00000000001", "2.00000000002"]
    sides = [-math.inf, *(each for x in (-1.5, 0.0, 40.0) for each in (math.nextafter(x, -math.inf), x))][1:]
    assert titles_of(sides) == ["below -1.5", "-1.5", "below 0", "0", "below 40", "40"]


def test_the_page_shows_every_field_once_with_links_back(client, record, scorecard):
    page = client.get("/curves.html", query_string=record).text
    assert re.findall('data-feature="(.*?)"', page) == [
        each.field.name for each in what_ifs(scorecard, scorecard.schema, record, scorecard.curves(record))
    ]
    for field in scorecard.schema.fields:
        assert page.count(f"<h3>{field.title}</h3>") == 1
    assert "/probability?age=39" in page and "0 to 100%" in page


def test_the_scale_is_an_option_of_the_page_alone(client, record):
    assert client.get("/curves.html", query_string=record | {"scale": "one"}).text.count(">100%<") == 2
    assert client.get("/curves", query_string=record | {"scale": "one"}).json == client.get(
        "/curves", query_string=record
    ).json  # fmt: skip
    for wrong in ("x", ["own", "one"]):
        response = client.get("/curves", query_string=record | {"scale": wrong})
        assert response.status_code == 422 and response.json["errors"][0]["field"] == "scale"


def test_the_page_says_where_few_rows_stand_behind_a_curve(client, record, scorecard):
    assert "few rows here" not in client.get("/curves.html", query_string=record).text
    thin = replace(scorecard, training={"distribution": {"fields": {"age": even(*[0] * 10)}}})
    age = next(each for each in drawn_of(thin, record) if each.field.name == "age")
    assert age.stretches == ["17 – 90"]


def drawn_of(one: Scorecard, record):
    return what_ifs(one, one.schema, record, one.curves(record))
