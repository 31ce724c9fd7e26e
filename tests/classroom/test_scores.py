"""Brier scores and calibration, beside scikit-learn's."""

import random

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from glassform.classroom.scores import BINS, brier, calibration


@pytest.mark.parametrize("seed", range(20))
def test_they_equal_those_of_scikit_learn(seed):
    chance = random.Random(seed)
    told = [(chance.randint(0, 100) / 100, chance.randint(0, 1)) for _ in range(chance.randint(2, 400))]
    said, truths = np.array(told).T
    assert brier(told)["score"] == pytest.approx(brier_score_loss(truths, said), abs=1e-12)
    actual, predicted = calibration_curve(truths, said, n_bins=BINS)
    found = calibration(told, fewest=1)
    assert [each["actual"] for each in found] == pytest.approx(actual.tolist(), abs=1e-12)
    assert [each["predicted"] for each in found] == pytest.approx(predicted.tolist(), abs=1e-12)
    assert sum(each["count"] for each in found) == len(told)


def test_the_interval_holds_the_truth_nineteen_times_of_twenty():
    chance, held = random.Random(1), 0
    for _ in range(1000):
        told = [(said, int(chance.random() < said)) for said in (chance.random() for _ in range(150))]
        low, high = brier(told)["interval"] or (0, 0)
        held += low <= 1 / 6 <= high  # the mean of p (1 - p)
    assert 925 <= held <= 975


def test_few_guesses_are_not_shown_by_range():
    assert not calibration([(0.5, 1)] * 4)
    assert calibration([(0.5, 1)] * 5)[0]["count"] == 5


def test_many_guesses_of_one_are_not_shown_by_range():
    told = [(0.9, 1)] * 5 + [(0.1, 0)] * 5
    assert [each["low"] for each in calibration(told, [1, 1, 1, 1, 1, 1, 2, 3, 4, 5])] == [0.0]
    assert len(calibration(told, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])) == 2


def test_one_guess_has_no_interval():
    assert brier([(0.3, 1)]) == {"score": pytest.approx(0.49), "interval": None, "count": 1}
