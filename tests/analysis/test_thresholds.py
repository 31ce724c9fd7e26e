import pytest
from scipy.stats import binomtest

from glassform.analysis.thresholds import (
    THRESHOLDS,
    Confusion,
    Rate,
    cheapest,
    confusion,
    confusions,
    histogram,
    is_small,
)

MEASURED = {
    "rows": 10,
    "positives": 4,
    "true_positives": [4] * 31 + [3] * 40 + [1] * 29 + [0],
    "false_positives": [6] * 11 + [2] * 60 + [0] * 30,
}


@pytest.mark.parametrize(("count", "total"), [(0, 5), (5, 5), (1, 3), (50, 100), (19, 159), (7, 16281), (1, 1)])
def test_the_interval_of_a_rate_is_wilsons(count, total):
    expected = binomtest(count, total).proportion_ci(method="wilson")
    assert Rate(count, total).interval == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_the_rate_of_nobody_is_unknown():
    assert Rate(0, 0).as_dict() == {"value": None, "interval": None, "count": 0, "total": 0}


def test_a_confusion_matrix_counts_everyone_once():
    for each in confusions(MEASURED):
        assert each.true_positives + each.false_negatives == 4
        assert each.false_positives + each.true_negatives == 6


def test_rates_are_those_of_the_textbook():
    rates = {name: rate.value for name, rate in Confusion(3, 2, 1, 4).rates.items()}
    assert rates == pytest.approx(
        {
            "selection_rate": 5 / 10,
            "true_positive_rate": 3 / 4,
            "false_positive_rate": 2 / 6,
            "precision": 3 / 5,
            "accuracy": 7 / 10,
        }
    )


@pytest.mark.parametrize("costs", [(1, 1), (5, 1), (1, 5), (0, 1), (1, 0), (0, 0)])
def test_no_threshold_is_cheaper_than_the_cheapest(costs):
    best = cheapest(MEASURED, *costs)
    assert confusion(MEASURED, best).cost(*costs) == min(each.cost(*costs) for each in confusions(MEASURED))


def test_a_dear_wrong_yes_moves_the_line_up_and_a_dear_wrong_no_down():
    assert THRESHOLDS[cheapest(MEASURED, 10, 1)] > THRESHOLDS[cheapest(MEASURED, 1, 10)]


def test_a_histogram_counts_everyone_once():
    bins = histogram(MEASURED)
    assert len(bins) == 20 and bins[0]["from"] == 0 and bins[-1]["to"] == 1
    assert sum(bin["positives"] for bin in bins) == 4
    assert sum(bin["negatives"] for bin in bins) == 6


def test_a_group_with_few_of_one_outcome_is_small():
    assert is_small({"rows": 500, "positives": 99}) and is_small({"rows": 500, "positives": 401})
    assert not is_small({"rows": 500, "positives": 100})


def test_of_thresholds_that_cost_the_same_the_lowest_is_chosen():
    assert cheapest(MEASURED, 0, 0) == 0


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_the_counts_are_those_of_the_models_own_answers_pairs_included(scorecard, splits, threshold):
    assert scorecard.pairs
    X, y = splits["adult_test"].X, splits["adult_test"].y
    chosen = [scorecard.probability(row) >= threshold for row in X.to_dict("records")]
    found = confusion(scorecard.evaluation, round(threshold * 100))
    hits = sum(one and bool(actual) for one, actual in zip(chosen, y, strict=True))
    assert (found.true_positives, found.false_positives) == (hits, sum(chosen) - hits)
