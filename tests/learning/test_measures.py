from typing import Any

import fairlearn.metrics
import numpy as np
import pytest
from sklearn import metrics

from glassform.analysis.intervals import RANGES, presentable
from glassform.analysis.thresholds import THRESHOLDS, Rate, confusions, histogram
from glassform.learning.base import at_least, calibration
from glassform.learning.measures import BinaryMeasures, MulticlassMeasures, NumberMeasures


@pytest.fixture(scope="module")
def outcomes(scorecard, splits):
    """The test split's outcomes and the probabilities the served model gives."""
    test = splits["adult_test"]
    return test.y, np.array([scorecard.probability(record) for record in test.X.to_dict("records")])


@pytest.fixture
def binary(schema):
    return BinaryMeasures(schema)


@pytest.fixture(scope="module")
def card(app):
    return app.test_client().get("/model?threshold=0.3").json


def test_the_cards_scores_are_scikit_learns(card, outcomes):
    y, probability = outcomes
    measured = card["evaluation"]
    assert measured["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, probability), abs=1e-9)
    assert measured["average_precision"] == pytest.approx(metrics.average_precision_score(y, probability), abs=1e-9)
    assert measured["brier_score"] == pytest.approx(metrics.brier_score_loss(y, probability), abs=1e-9)
    assert measured["log_loss"] == pytest.approx(metrics.log_loss(y, probability), abs=1e-9)
    assert measured["accuracy"] == pytest.approx(metrics.accuracy_score(y, probability >= 0.5), abs=1e-9)


def test_the_cards_confusion_matrices_are_scikit_learns(card, outcomes):
    y, probability = outcomes
    for row in card["thresholds"]:
        negatives, positives = metrics.confusion_matrix(y, probability >= row["threshold"], labels=[0, 1])
        assert [row["true_negatives"], row["false_positives"]] == negatives.tolist()
        assert [row["false_negatives"], row["true_positives"]] == positives.tolist()


def test_the_cards_curves_lie_on_scikit_learns(card, outcomes):
    y, probability = outcomes
    false_positive_rate, true_positive_rate, _ = metrics.roc_curve(y, probability, drop_intermediate=False)
    on_roc = {*zip(false_positive_rate.round(12).tolist(), true_positive_rate.round(12).tolist(), strict=True)}
    precision, recall, _ = metrics.precision_recall_curve(y, probability)
    on_precision = {*zip(precision.round(12).tolist(), recall.round(12).tolist(), strict=True)}
    for row in card["thresholds"]:
        assert (round(row["false_positive_rate"], 12), round(row["true_positive_rate"], 12)) in on_roc
        if row["precision"] is not None:
            assert (round(row["precision"], 12), round(row["true_positive_rate"], 12)) in on_precision


@pytest.mark.parametrize("name", ["sex", "race"])
def test_the_cards_group_rates_are_fairlearns(card, outcomes, splits, name):
    y, probability = outcomes
    selected, groups = probability >= 0.3, splits["adult_test"].X[name].to_numpy()
    frame = fairlearn.metrics.MetricFrame(
        metrics={
            "count": fairlearn.metrics.count,
            "selection_rate": fairlearn.metrics.selection_rate,
            "true_positive_rate": fairlearn.metrics.true_positive_rate,
            "false_positive_rate": fairlearn.metrics.false_positive_rate,
        },
        y_true=y,
        y_pred=selected,
        sensitive_features=groups,
    )
    compared = card["groups"][name]
    for group in compared["groups"]:
        theirs = frame.by_group.loc[group["value"]]
        assert group["observed"]["total"] == theirs["count"]
        assert group["observed"]["value"] == pytest.approx(y[groups == group["value"]].mean())
        assert group["predicted"] == pytest.approx(probability[groups == group["value"]].mean())
        for rate in ("selection_rate", "true_positive_rate", "false_positive_rate"):
            assert group["rates"][rate]["value"] == pytest.approx(theirs[rate])
    assert compared["largest_difference"]["selection_rate"] == pytest.approx(
        fairlearn.metrics.demographic_parity_difference(y, selected, sensitive_features=groups)
    )
    equalized = fairlearn.metrics.equalized_odds_difference(y, selected, sensitive_features=groups)
    apart = [compared["largest_difference"][rate] for rate in ("true_positive_rate", "false_positive_rate")]
    assert max(apart) == pytest.approx(equalized)


def test_bootstrap_intervals_hold_the_score_and_agree_with_another_way(card, outcomes):
    """Hanley and McNeil's (1982) standard error of the ROC AUC, and the binomial one of the accuracy."""
    y, measured = outcomes[0], card["evaluation"]
    for name, (low, high) in measured["intervals"].items():
        assert low < measured[name] < high
    area, positives = measured["roc_auc"], int(y.sum())
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (q1 - area**2) + (len(y) - positives - 1) * (q2 - area**2)
    expected = 2 * 1.96 * (variance / (positives * (len(y) - positives))) ** 0.5
    low, high = measured["intervals"]["roc_auc"]
    assert high - low == pytest.approx(expected, rel=0.25)
    low, high = measured["intervals"]["accuracy"]
    accuracy = measured["accuracy"]
    assert high - low == pytest.approx(2 * 1.96 * (accuracy * (1 - accuracy) / len(y)) ** 0.5, rel=0.25)


def test_the_same_rows_give_the_same_intervals(binary):
    y, probability = np.array([0, 1, 1, 0, 1, 0] * 9), np.linspace(0.1, 0.9, 54)
    assert binary.intervals(y, probability) == binary.intervals(y, probability)


def test_one_outcome_alone_has_no_roc_auc(binary):
    alone = binary.evaluate(np.zeros(20), np.linspace(0.1, 0.9, 20))
    assert alone["roc_auc"] is None and alone["average_precision"] is None


@pytest.mark.parametrize(
    ("rows", "groups"), [(1, 0), (24, 0), (39, 0), (40, 2), (59, 2), (60, 3), (199, 9), (5000, 10)]
)
def test_calibration_groups_hold_everyone_in_order_and_are_not_small(rows, groups):
    y, probability = np.arange(rows) % 2, np.linspace(0, 1, rows)[::-1]
    found = calibration(y, probability)
    assert len(found) == groups and sum(group["rows"] for group in found) == (rows if groups else 0)
    assert all(group["rows"] >= 20 for group in found)
    assert [group["predicted"] for group in found] == sorted(group["predicted"] for group in found)
    assert all(group["interval"][0] <= group["observed"] <= group["interval"][1] for group in found)


def test_no_group_means_no_gap(binary):
    assert binary.evaluate(np.arange(24) % 2, np.linspace(0, 1, 24))["largest_calibration_gap"] is None


# Models that are nearly or wholly right, or no better than chance: scores at the ends of what is possible.
KINDS: dict[str, Any] = {"binary": BinaryMeasures, "classes": MulticlassMeasures, "number": NumberMeasures}


def outcomes_of(kind: str, rows: int, noise: float) -> tuple[Any, Any]:
    """Outcomes, and predictions that are the further off the more noise there is."""
    chance = np.random.default_rng(7)
    if kind == "number":
        numbers = chance.normal(size=rows)
        return numbers, numbers + noise * chance.normal(size=rows)
    y = chance.integers(3 if kind == "classes" else 2, size=rows)
    hits = np.eye(3)[y] + noise * chance.random((rows, 3))
    shares = hits / hits.sum(axis=1, keepdims=True)
    return y, shares if kind == "classes" else np.abs(1 - y - (1 - noise / 3 * chance.random(rows)))


@pytest.mark.parametrize("rows", [50, 53, 400, 6000])
@pytest.mark.parametrize("noise", [0.0, 0.02, 1.0, 2.9])
@pytest.mark.parametrize("kind", KINDS)
def test_no_interval_leaves_the_possible_range_or_its_score(schema, kind, noise, rows):
    y, predicted = outcomes_of(kind, rows, noise)
    measures = KINDS[kind](schema)
    found, scores = measures.intervals(y, predicted), measures.scores(y, predicted)
    assert list(found) == list(scores)
    for name, score in scores.items():
        low, high = found[name] or (score, score)
        lowest, highest = RANGES.get(name, (0, 1))
        assert lowest <= low <= score <= high <= highest, name
        assert found[name] is None or low < high
    if kind != "number":
        assert found["accuracy"] == Rate(round(rows * scores["accuracy"]), rows).interval


@pytest.mark.parametrize("kind", KINDS)
def test_few_rows_have_no_interval(schema, kind):
    found = KINDS[kind](schema).intervals(*outcomes_of(kind, 49, 1.0))
    assert found and set(found.values()) == {None}


def test_a_probability_at_a_threshold_reaches_it():
    counts = at_least(np.array([0.0, 0.3, 0.3, 0.57, 1.0]))
    assert [counts[THRESHOLDS.index(at)] for at in (0.0, 0.3, 0.31, 0.57, 0.58, 1.0)] == [5, 4, 2, 2, 1, 1]


def test_every_probability_is_in_one_bin_of_the_histogram(binary):
    chance = np.random.default_rng(1)
    probability = np.concatenate([chance.random(500), THRESHOLDS])
    y = (chance.random(len(probability)) < probability).astype(int)
    measured = binary.evaluate(y, probability)
    expected, _ = np.histogram(probability, bins=THRESHOLDS[::5])
    assert [bin["people"] for bin in histogram(measured)] == expected.tolist()
    assert len([*confusions(measured)]) == len(THRESHOLDS)


def test_the_comparison_ranks_the_base_rate_last_and_the_straight_lines_under_the_curves(card):
    compared = card["evaluation"]["comparison"]
    assert list(compared) == ["base_rate", "linear", "boosting", "this"]
    assert compared["base_rate"]["roc_auc"] == 0.5
    assert compared["linear"]["roc_auc"] < compared["this"]["roc_auc"] >= 0.884
    assert compared["boosting"]["roc_auc"] - compared["this"]["roc_auc"] < 0.005


def test_scores_of_a_perfect_model(binary):
    perfect = binary.scores(np.array([0, 0, 1, 1]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert perfect == pytest.approx(
        {"roc_auc": 1, "average_precision": 1, "brier_score": 0, "log_loss": 0, "accuracy": 1}, abs=1e-9
    )


def test_what_an_older_artifact_holds_is_shown_within_the_rules():
    """Intervals of 1.96 standard errors left the range; ten groups were made of any number of rows."""
    groups = [{"rows": 6, "predicted": at / 10, "observed": 0.5, "interval": [0.2, 0.8]} for at in range(10)]
    old: dict[str, Any] = {"rows": 60, "accuracy": 0.95, "brier_score": 0.01, "roc_auc": 1.0, "log_loss": 0.1}
    old |= {"calibration": groups, "largest_calibration_gap": 0.5}
    old["intervals"] = {
        "accuracy": [0.871, 1.046],
        "brier_score": [-0.04, 0.197],
        "roc_auc": [1.0, 1.0],
        "log_loss": [float("nan"), float("nan")],
    }
    new = presentable(old)
    assert new["intervals"] == {
        "accuracy": Rate(57, 60).interval,
        "brier_score": [0.0, 0.197],
        "roc_auc": None,
        "log_loss": None,
    }
    assert [group["rows"] for group in new["calibration"]] == [24, 36]
    assert [group["predicted"] for group in new["calibration"]] == pytest.approx([0.15, 0.65])
    assert new["largest_calibration_gap"] == pytest.approx(0.35)
    assert presentable(new) == new

    few = presentable(old | {"rows": 24, "calibration": [group | {"rows": 2} for group in groups]})
    assert set(few["intervals"].values()) == {None}
    assert few["calibration"] == [] and few["largest_calibration_gap"] is None
