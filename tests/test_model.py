import csv
import inspect
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, roc_auc_score

import model
from glassform.fitted.pipeline import PIPELINE
from glassform.fitted.scorecard import NORMAL_97_5, Scorecard
from glassform.learning.base import EXAMPLE_PROBABILITIES
from glassform.learning.command import report
from glassform.learning.recipe import Recipe
from glassform.learning.saving import EDITION, load_pipeline, version_of
from glassform.learning.table import read
from glassform.learning.tabulate import covariance_of, tabulate
from glassform.records.messages import InvalidRecord
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry
from model import build_pipeline
from tests.conftest import ROOT

RECIPE = Recipe("curve5", 10.0, (("marital_status", "sex"), ("marital_status", "hours_per_week")))


@pytest.fixture(scope="module")
def measured(scorecard):
    return scorecard.evaluation


def test_the_model_is_as_good_as_promised(measured):
    assert measured["roc_auc"] >= 0.884
    assert measured["brier_score"] <= 0.1132


def test_each_decile_is_calibrated_within_three_hundredths(measured):
    gaps = [abs(decile["predicted"] - decile["observed"]) for decile in measured["calibration"]]
    assert len(gaps) == 10
    assert max(gaps) == measured["largest_calibration_gap"] <= 0.03


def test_evaluation_agrees_with_scikit_learn_and_arithmetic(scorecard, splits, measured):
    test = splits["adult_test"]
    probability = np.array([scorecard.probability(row) for row in test.X.to_dict("records")])
    assert measured["roc_auc"] == pytest.approx(roc_auc_score(test.y, probability), abs=1e-9)
    assert measured["brier_score"] == pytest.approx(np.mean((probability - test.y) ** 2), abs=1e-12)
    assert measured["log_loss"] == pytest.approx(log_loss(test.y, probability), abs=1e-9)
    assert measured["accuracy"] == pytest.approx(np.mean((probability >= 0.5) == test.y), abs=1e-12)


def test_groups_are_evaluated_with_counts_that_sum_to_everyone(schema, measured):
    assert list(measured["groups"]) == ["sex", "race"]
    for name, groups in measured["groups"].items():
        assert list(groups) == list(schema.by_name[name].categories)
        assert sum(group["rows"] for group in groups.values()) == measured["rows"] == 16_281
        assert sum(group["positives"] for group in groups.values()) == measured["positives"]
        assert all(len(group["calibration"]) == min(10, group["rows"] // 20) for group in groups.values())


def test_the_report_prints_the_largest_difference_whatever_it_is(scorecard, measured):
    printed = report(scorecard)
    assert f"observed share: {measured['largest_calibration_gap']:.4f}" in printed
    assert "Race: American Indian or Alaska Native" in printed


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """A second training: its folder, and what it printed.

    It has a process of its own, as a first start has: what a process did before may change a pipeline's bytes.
    """
    folder = tmp_path_factory.mktemp("again")
    program = f"from pathlib import Path; import model; model.train(artifacts=Path({str(folder)!r}))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return folder, ended.stdout


def test_the_same_input_gives_the_same_model(scorecard, again):
    written, before = (folder / scorecard.version / "scorecard.json" for folder in (again[0], ARTIFACTS))
    assert written.read_bytes() == before.read_bytes()


def test_another_recipe_has_another_version(schema, splits):
    pipeline = build_pipeline(schema, RECIPE)
    version = version_of(schema, pipeline, [*splits.values()])
    assert version_of(schema, pipeline.set_params(regression__C=2.0), [*splits.values()]) != version


def test_a_new_edition_of_what_is_found_beside_the_pipeline_is_a_new_version(scorecard, splits):
    asked = (scorecard.schema, load_pipeline(), [*splits.values()])
    versions = [version_of(*asked, edition) for edition in range(EDITION + 1)]
    assert len({*versions}) == EDITION + 1
    assert versions[EDITION] == scorecard.version


def test_training_prints_its_steps(again):
    printed = again[-1]
    assert [line.partition(" ")[0] for line in printed.splitlines()] == [
        "Reading",
        "Choosing",
        "Fitting",
        "Tabulating",
        "Evaluating",
        "Comparing",
        "Making",
        "Saving",
    ]


def test_predict_probability_names_its_fields_in_order(schema):
    signature = inspect.signature(model.predict_probability)
    assert list(signature.parameters) == [field.name for field in schema.fields]
    assert signature.return_annotation is float


def test_predict_probability_takes_positions_names_and_numpy_numbers(scorecard, record):
    expected = scorecard.probability(record)
    assert model.predict_probability(**record) == expected
    assert model.predict_probability(*record.values()) == expected
    for age in (np.int64(record["age"]), str(record["age"])):
        assert model.predict_probability(**record | {"age": age}) == expected


@pytest.mark.parametrize("gap", [pd.NA, pd.NaT, np.datetime64("NaT"), float("nan"), None])
def test_predict_probability_takes_every_gap_of_pandas(scorecard, record, gap):
    expected = scorecard.probability(record | {"workclass": "?"})
    assert model.predict_probability(**record | {"workclass": gap}) == expected
    with pytest.raises(InvalidRecord, match="age: "):
        model.predict_probability(**record | {"age": gap})


def test_predict_probability_refuses_what_is_not_a_record(scorecard, record):
    with pytest.raises(TypeError, match="missing a required argument"):
        model.predict_probability(39)
    with pytest.raises(InvalidRecord, match="age: 200 is not between 17 and 90"):
        model.predict_probability(**record | {"age": 200})


def test_predict_probability_trains_when_there_is_no_model(monkeypatch, tmp_path, record, scorecard):
    monkeypatch.setattr(model, "ARTIFACTS", tmp_path / "none yet")
    monkeypatch.setattr(model, "train", lambda: scorecard)
    model.current.cache_clear()
    assert model.predict_probability(**record) == scorecard.probability(record)
    model.current.cache_clear()


def test_a_pipeline_file_that_was_changed_is_not_opened(scorecard, tmp_path):
    shutil.copytree(ARTIFACTS, tmp_path, dirs_exist_ok=True)
    assert load_pipeline(tmp_path).predict_proba(pd.DataFrame([scorecard.typical])).shape == (1, 2)
    path = tmp_path / scorecard.version / PIPELINE
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match=r"is not the file its scorecard\.json was made with"):
        load_pipeline(tmp_path)


def test_building_a_pipeline_fits_nothing(schema, splits):
    with pytest.raises(NotFittedError):
        build_pipeline(schema, RECIPE).predict_proba(splits["adult"].X[:1])


def test_examples_are_unseen_people_across_the_range_and_the_worst_surprises(scorecard, splits):
    probabilities = [scorecard.probability(example["record"]) for example in scorecard.examples]
    assert probabilities[:4] == pytest.approx(EXAMPLE_PROBABILITIES, abs=0.01)
    assert [example["surprise"] for example in scorecard.examples[4:]] == [True, True]
    people = splits["adult_test"].X.to_dict("records")
    assert all(example["record"] in people for example in scorecard.examples)


def test_the_typical_record_is_medians_and_modes(scorecard, splits):
    X = splits["adult"].X
    assert scorecard.typical["age"] == int(X["age"].median())
    assert scorecard.typical["education"] == X["education"].value_counts().index[0]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("age", "16", "row 2: .*16.* is not a known age"), ("sex", "female", "row 2: 'female' is not a known sex")],
)
def test_a_table_that_breaks_its_description_is_refused_by_row(schema, tmp_path, column, value, message):
    with (PACKAGE.parent / "adult.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:3]
    rows[1][column] = value
    pd.DataFrame(rows).to_csv(tmp_path / "adult.csv", index=False)
    with pytest.raises(ValueError, match=message):
        read(schema, "adult", tmp_path)


def test_a_table_without_a_described_column_is_refused_by_name(tmp_path):
    schema = Schema.from_file(PACKAGE)
    pd.DataFrame({"age": [39]}).to_csv(tmp_path / "adult.csv", index=False)
    with pytest.raises(ValueError, match="no column workclass"):
        read(schema, "adult", tmp_path)


def test_the_saved_scorecard_is_the_trained_one(scorecard):
    assert Registry(ARTIFACTS).load() == scorecard


def test_intervals_cover_the_models_that_resampled_people_would_have_given(schema, splits):
    """The bootstrap: refit on people drawn with replacement; about 95% of the refits lie within the intervals."""
    chance = np.random.default_rng(0)
    drawn = chance.choice(len(splits["adult"].y), 8_000, replace=False)
    X, y = splits["adult"].X.iloc[drawn].reset_index(drop=True), splits["adult"].y[drawn]
    pipeline = build_pipeline(schema, RECIPE).fit(X, y)
    intercept, points, pairs = tabulate(pipeline, schema, X)
    covariance = covariance_of(pipeline, points, X, np.ones(len(X)))
    card = Scorecard("1", schema.package, {}, [], None, {}, {}, intercept, points, covariance, pairs=pairs)
    people = splits["adult_test"].X.sample(200, random_state=0)
    margins = [NORMAL_97_5 * card.variance(person) ** 0.5 for person in people.to_dict("records")]
    center = [card.log_odds(person) for person in people.to_dict("records")]
    resamples = [chance.integers(len(y), size=len(y)) for _ in range(60)]
    refits = [
        build_pipeline(schema, RECIPE).fit(X.iloc[rows], y[rows]).decision_function(people) for rows in resamples
    ]
    covered = np.abs(np.array(refits) - center) <= margins
    assert 0.93 <= covered.mean() <= 0.98
    assert np.percentile(covered.mean(axis=0), 5) >= 0.85
