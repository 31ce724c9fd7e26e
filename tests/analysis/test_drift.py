"""Drift: the index is the textbook's, its noise is what chance gives, and the words follow from both."""

import numpy as np
import pytest
from scipy.special import chdtri

from glassform.analysis.drift import LARGE, Bin, Drift, drift_of, drifts
from glassform.learning.facts import distribution
from glassform.learning.measures import BinaryMeasures


def drift(trained: list[float], asked: list[float]) -> Drift:
    return Drift([Bin(place, *pair) for place, pair in enumerate(zip(trained, asked, strict=True))])


def test_the_index_is_the_textbooks():
    trained, asked = np.array([30_000.0, 50_000, 20_000]), np.array([20_000.0, 30_000, 50_000])
    expected, actual = trained / trained.sum(), asked / asked.sum()
    textbook = ((actual - expected) * np.log(actual / expected)).sum()
    assert drift(trained.tolist(), asked.tolist()).psi == pytest.approx(textbook, abs=1e-4)


def test_the_same_shares_have_no_drift_and_empty_bins_no_infinite_one():
    assert drift([10, 20, 70], [100, 200, 700]).psi == pytest.approx(0, abs=0.01)
    assert 0 < drift([100, 0, 100], [0, 100, 0]).psi < 100


@pytest.mark.parametrize("bins", [2, 5, 10, 16])
def test_noise_is_the_quantile_of_chi_squared(bins):
    found = drift([1e9 / bins] * bins, [100 / bins] * bins)
    assert found.noise == pytest.approx(chdtri(bins - 1, 0.05) / 100, rel=0.03)


def test_chance_alone_stays_below_the_noise_in_nineteen_of_twenty_draws():
    chance, shares = np.random.default_rng(0), np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    draws = chance.multinomial(500, shares, size=2000)
    below = [found.psi <= found.noise for found in (drift((shares * 1e6).tolist(), row.tolist()) for row in draws)]
    assert 0.93 <= np.mean(below) <= 0.97


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        ([3, 2], "unsure"),
        ([8, 16], "unsure"),
        ([500, 500], "steady"),
        ([350, 650], "steady"),
        ([320, 680], "moved"),
        ([200, 800], "shifted"),
    ],
)
def test_the_verdict_says_how_much_that_is(asked, verdict):
    assert drift([5000, 5000], asked).verdict == verdict


def test_of_nobody_nothing_is_said():
    assert drift([5000, 5000], [0, 0]).verdict == "unsure"
    assert drift([5000], [10]).verdict == "unsure"


def test_the_foremost_bin_adds_most():
    assert drift([10, 20, 70], [10, 60, 30]).foremost.low == 1


def test_numbers_are_taken_together_from_each_bound_on():
    found = drift_of({"bounds": [17, 25, 40], "counts": [10.0, 10.0, 10.0]}, [17, 24, 25, 39, 40, 90, 3])
    assert [each.asked for each in found.bins] == [3, 2, 2]


def test_the_training_rows_are_counted_as_numpy_counts_them(schema, splits, scorecard):
    X, weights = splits["adult"].X, splits["adult"].weights
    learned = scorecard.training["distribution"]
    for field in schema.fields:
        found = learned["fields"][field.name]
        if field.categories:
            assert dict(found["counts"]) == X[field.name].value_counts().reindex([*field.categories]).to_dict()
        else:
            edges = [*found["bounds"], np.inf]
            assert found["counts"] == np.histogram(X[field.name], bins=edges)[0].tolist()
            assert 5 <= len(found["counts"]) <= 10
    weighted = distribution(BinaryMeasures(schema), X[:100], np.repeat(2.0, 100), np.linspace(0, 1, 100))
    assert sum(weighted["score"]["counts"]) == 200 == sum(weighted["fields"]["age"]["counts"])
    assert weights.sum() == sum(learned["score"]["counts"])


def test_the_test_people_are_like_the_training_people_and_the_young_are_not(scorecard, splits):
    people = splits["adult_test"].X.to_dict("records")
    assert {found.verdict for found in drifts(scorecard, people).values()} == {"steady"}
    young = drifts(scorecard, [person for person in people if person["age"] < 25])
    assert young["age"].verdict == "shifted" and young["age"].psi > LARGE
    assert young[None].verdict == "shifted"
    assert young["age"].foremost.low in (17, 22)
