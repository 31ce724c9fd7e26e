from typing import Any

import pytest

from glassform.analysis.verdict import Unequal, compared, goodness, large, most_unequal
from glassform.records.schema import BINARY, NUMBER


def evaluation(score, base, interval, rows=100):
    name = "brier_score"
    return {"rows": rows, name: score, "intervals": {name: interval}, "comparison": {"base_rate": {name: base}}}


@pytest.mark.parametrize(
    ("score", "base", "interval", "rows", "said"),
    [
        (0.1, 0.2, [0.05, 0.15], 100, "better"),
        (0.1, 0.2, [0.05, 0.25], 100, "alike"),
        (0.3, 0.2, [0.25, 0.35], 100, "worse"),
        (0.1, 0.2, None, 100, "better"),  # all resamples gave the same
        (0.2, 0.2, None, 100, "alike"),
        (0.1, 0.2, None, 49, "few"),
        (None, 0.2, None, 100, "few"),
    ],
)
def test_a_score_is_compared_with_that_of_one_answer_for_all(score, base, interval, rows, said):
    assert goodness(BINARY, evaluation(score, base, interval, rows)) == said
    turned = {"better": "worse", "worse": "better"}
    assert compared("brier_score", evaluation(score, base, interval, rows), True) == turned.get(said, said)


def test_a_number_is_compared_by_the_variance_it_explains():
    measured = {"rows": 60, "r2": 0.3, "intervals": {"r2": [0.1, 0.5]}, "comparison": {"base_rate": {"r2": -0.01}}}
    assert goodness(NUMBER, measured) == "better"


def test_the_field_whose_groups_are_furthest_apart_is_named():
    fields = [("One", {"a": 0.5, "b": 0.6}), ("Two", {"c": 0.9, "d": 0.2, "e": 0.3}), ("Alone", {"f": 0.1})]
    assert most_unequal(fields) == Unequal("Two", "d", "c", 0.2, 0.9)
    assert most_unequal([("Alone", {"f": 0.1}), ("None", {})]) is None


def test_groups_too_small_to_tell_are_left_out():
    groups: dict[str, dict[str, Any]] = {"many": {"rows": 20, "mae": 1.0}, "few": {"rows": 19, "mae": 9.0}}
    groups["none"] = {"rows": 90, "mae": None}
    assert large(groups, "mae") == {"many": 1.0}
