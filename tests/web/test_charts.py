import math

import pytest

from glassform.web.charts import Scale, is_just_below, percent, polyline, signed, telling, waterfall


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0.0000"), (0.885, "0.8850"), (12345.678, "12,345.68"), (-0.05, "−0.0500"), (3.9e-10, "0.000000000390")],
)
def test_a_score_in_any_unit_tells_something(number, text):
    assert telling(number) == text


def test_a_scale_holds_zero_and_leaves_room():
    scale = Scale.over([2.0, 5.0])
    assert scale.low < 0 and scale.high > 5
    assert scale.at(scale.low) == 0 and scale.at(scale.high) == 100


def test_a_scale_of_nothing_but_zero_still_has_a_width():
    assert Scale.over([0.0]).at(0.0) == 50


def test_each_step_of_a_waterfall_begins_where_the_one_before_ended():
    drawn = waterfall(-2.0, [1.5, -1.0])
    assert drawn.start.left + drawn.start.width == pytest.approx(drawn.zero, abs=0.002)
    first, second = drawn.terms
    assert first.left == pytest.approx(drawn.start.left, abs=0.002)
    assert second.left + second.width == pytest.approx(first.left + first.width, abs=0.002)
    assert drawn.total.left == pytest.approx(second.left, abs=0.002)
    assert (first.rises, second.rises) == (True, False)


def test_a_polyline_runs_from_edge_to_edge_with_y_upwards():
    assert polyline([10, 20, 30], [0, 1, 0], Scale(0, 1)) == "0.0,100.0 50.0,0.0 100.0,100.0"


@pytest.mark.parametrize(("number", "text"), [(1.5, "+1.5000"), (-0.25, "−0.2500"), (0, "+0.0000")])
def test_numbers_carry_their_sign(number, text):
    assert signed(number) == text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.1234, "12.3%"), (0.0015, "0.15%"), (0.9987, "99.87%"), (0.5, "50.0%"), (0.0, "0%"), (1, "100%")],
)
def test_percentages_get_more_digits_near_the_ends(probability, text):
    assert percent(probability) == text


@pytest.mark.parametrize("edge", [6.0, 0.25, 1234.5, -3.1, 1e-7, 40.0])
def test_the_last_number_before_an_edge_is_just_below_it_and_no_other(edge):
    below = math.nextafter(edge, -math.inf)
    assert is_just_below(below)
    assert not any(map(is_just_below, (edge, math.nextafter(edge, math.inf), math.nextafter(below, -9e9), 39)))
