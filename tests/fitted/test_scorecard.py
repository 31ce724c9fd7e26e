import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.sparse import csr_array
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, SplineTransformer, StandardScaler

from glassform.fitted.additive import Points
from glassform.fitted.base import FILE, UnreadableArtifact
from glassform.fitted.scorecard import TOLERANCE, Scorecard
from glassform.fitted.target import sigmoid
from glassform.learning.estimators import fit
from glassform.learning.recipe import Recipe
from glassform.learning.saving import load_pipeline
from glassform.learning.tabulate import NotAdditive, all_knots, between, tabulate
from glassform.records.field import Field
from glassform.records.schema import Schema
from model import build_pipeline

SIZE = Field.from_descriptor({"name": "size", "type": "number", "constraints": {"minimum": 0, "maximum": 10}})


@pytest.fixture(scope="module")
def pipeline(scorecard) -> Pipeline:
    return load_pipeline()


@pytest.fixture(scope="module")
def people(splits):
    return pd.concat([splits["adult"].X, splits["adult_test"].X], ignore_index=True)


def test_scorecard_equals_the_pipeline_on_every_row_of_both_splits(scorecard, pipeline, people):
    expected = pipeline.predict_proba(people)[:, 1]
    found = [scorecard.probability(row) for row in people.to_dict("records")]
    assert len(found) == 48_842
    assert np.abs(np.array(found) - expected).max() <= 1e-12


def test_contributions_are_shaps_linear_explanation(scorecard, splits):
    """SHAP values of a model without pairs over its training rows, summed over the columns of each field."""
    X, rows = splits["adult"].X, splits["adult_test"].X.sample(200, random_state=0)
    pipeline = fit(build_pipeline(scorecard.schema, Recipe("curve10")), splits["adult"])
    intercept, points, pairs = tabulate(pipeline, scorecard.schema, X)
    assert not pairs
    shapes, regression = pipeline[0], pipeline[1]
    background, new = (csr_array(shapes.transform(each)).toarray() for each in (X, rows))
    explainer = shap.LinearExplainer(regression, shap.maskers.Independent(background, max_samples=len(background)))
    owners = [name for name, block in shapes.blocks(rows) for _ in range(block.width)]
    values = pd.DataFrame(explainer.shap_values(new), columns=owners)
    assert intercept == pytest.approx(float(explainer.expected_value), abs=1e-9)
    for record, (_, theirs) in zip(rows.to_dict("records"), values.iterrows(), strict=True):
        for name, each in points.items():
            assert each.at(record[name]) == pytest.approx(theirs[name].sum(), abs=1e-9)


def test_explanation_adds_up_to_the_log_odds(scorecard, record):
    explanation = scorecard.explain(record)
    total = explanation["intercept"]
    for term in explanation["contributions"]:
        total += term["log_odds"]
    assert total == explanation["log_odds"] == scorecard.log_odds(record)
    assert explanation["probability"] == sigmoid(total) == scorecard.probability(record)


def test_explanation_names_every_field_in_order_with_its_value(scorecard, record):
    terms = scorecard.explain(record)["contributions"]
    alone, together = terms[: len(record)], terms[len(record) :]
    assert {term["feature"]: term["value"] for term in alone} == record
    assert [term["feature"] for term in terms] == [*record, *scorecard.pairs]
    for term in together:
        assert term["value"] == [record[name] for name in term["features"]]
        assert term["feature"] == ":".join(term["features"])


def test_a_pair_says_nothing_of_one_field_alone(scorecard, splits):
    X = splits["adult"].X
    assert scorecard.pairs
    for pair in scorecard.pairs.values():
        first, second = pair.features
        points = pd.Series([pair.at(*both) for both in zip(X[first], X[second], strict=True)])
        for side, name in zip(pair.sides, pair.features, strict=True):
            means = points.groupby([side.cell(value) for value in X[name]]).sum() / len(X)
            assert means.abs().max() <= 1e-12


def test_points_average_to_zero_over_the_training_rows(scorecard, splits):
    for name, points in scorecard.points.items():
        assert np.mean([points.at(value) for value in splits["adult"].X[name]]) == pytest.approx(0, abs=1e-12)


def test_the_intercept_is_the_average_log_odds(scorecard, pipeline, splits):
    assert scorecard.intercept == pytest.approx(pipeline.decision_function(splits["adult"].X).mean(), abs=1e-10)


def test_interval_holds_the_probability_and_narrows_where_people_are_many(scorecard, record):
    rare = record | {"workclass": "Never-worked", "education": "Preschool", "race": "Other"}
    widths = []
    for each in (scorecard.typical, rare):
        explanation = scorecard.explain(each)
        low, high = explanation["interval"]
        assert 0 < low < explanation["probability"] < high < 1
        widths.append(math.log(high / (1 - high)) - math.log(low / (1 - low)))
    assert widths[0] < widths[1]


def test_variance_equals_the_delta_method_on_the_pipelines_own_design(scorecard, pipeline, splits):
    """Recompute x' (X'WX + penalty)^-1 x with NumPy alone for rows of the test split."""
    X = splits["adult"].X
    design = np.column_stack([np.ones(len(X)), csr_array(pipeline[:-1].transform(X)).toarray()])
    probability = 1 / (1 + np.exp(-(design @ np.append(pipeline[-1].intercept_, pipeline[-1].coef_))))
    penalty = np.diag([0.0] + [1.0 / scorecard.training["recipe"]["strength"]] * (design.shape[1] - 1))
    covariance = np.linalg.inv(design.T @ (design * (probability * (1 - probability))[:, None]) + penalty)
    rows = splits["adult_test"].X[:200]
    x = np.column_stack([np.ones(len(rows)), pipeline[:-1].transform(rows)])
    expected = np.einsum("ij,jk,ik->i", x, covariance, x)
    found = [scorecard.variance(row) for row in rows.to_dict("records")]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_json_and_back_loses_nothing(scorecard, tmp_path):
    scorecard.save(tmp_path)
    assert Scorecard.load(tmp_path) == scorecard


def test_saving_leaves_one_file(scorecard, tmp_path):
    scorecard.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": 6}', '{"format": 6, "points": 3}', '{"format": 6, "points": {"a": {}}}'],
)
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UnreadableArtifact, match="damaged"):
        Scorecard.load(tmp_path)


def test_another_format_is_refused_by_its_number(scorecard, tmp_path):
    scorecard.save(tmp_path)
    content = json.loads((tmp_path / FILE).read_text()) | {"format": 99}
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(UnreadableArtifact, match="format 99"):
        Scorecard.load(tmp_path)


@pytest.mark.parametrize(("log_odds", "expected"), [(0, 0.5), (800, 1.0), (-800, 0.0), (math.log(3), 0.75)])
def test_sigmoid_never_overflows(log_odds, expected):
    assert sigmoid(log_odds) == pytest.approx(expected)


# Any additive pipeline compiles: the table asks it, and knows nothing of its inside.


@pytest.fixture(scope="module")
def sizes() -> tuple[Schema, pd.DataFrame, np.ndarray]:
    """A table with one field of each type, and an outcome that depends on all."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": random.uniform(0, 10, 2_000),
            "count": random.integers(1, 21, 2_000),
            "kind": random.choice(["a", "b", "c"], 2_000),
        }
    )
    log_odds = np.sin(X["size"]) + 0.1 * X["count"] + X["kind"].map({"a": 0, "b": 1, "c": -1}) - 1
    y = (random.uniform(size=2_000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    fields = [
        {"name": "size", "type": "number", "constraints": {"minimum": 0, "maximum": 10}},
        {"name": "count", "type": "integer", "constraints": {"minimum": 1, "maximum": 20}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b", "c"]}},
        {"name": "y", "type": "string", "constraints": {"enum": ["0", "1"]}},
    ]
    package = {
        "name": "sizes",
        "resources": [{"schema": {"fields": fields}}],
        "glassform": {"target": "y", "positive": "1", "features": ["size", "count", "kind"]},
    }
    return Schema(package), X, y.to_numpy()


NUMBER_STEPS = {
    "linear": StandardScaler(),
    "straight spline": SplineTransformer(n_knots=6, degree=1),
    "bins": KBinsDiscretizer(n_bins=5, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
}


def fitted(step, sizes, estimator=None):
    _, X, y = sizes
    steps = ColumnTransformer(
        [("number", step, ["size", "count"]), ("kind", OneHotEncoder(sparse_output=False), ["kind"])]
    )
    return make_pipeline(steps, estimator or LogisticRegression()).fit(X, y)


@pytest.mark.parametrize("step", NUMBER_STEPS.values(), ids=NUMBER_STEPS.keys())
def test_linear_spline_and_bin_steps_compile_the_same_way(step, sizes):
    schema, X, _ = sizes
    pipeline = fitted(step, sizes)
    intercept, points, _ = tabulate(pipeline, schema, X)
    new = pd.DataFrame({"size": np.linspace(0, 10, 997), "count": [7] * 997, "kind": ["b"] * 997})
    rows = [[points[str(name)].at(value) for name, value in row.items()] for row in new.to_dict("records")]
    found = [intercept + sum(row) for row in rows]
    np.testing.assert_allclose(found, pipeline.decision_function(new), atol=TOLERANCE)


SPLINES = {  # by how they go on
    **NUMBER_STEPS,
    "linear": SplineTransformer(n_knots=6, degree=1, extrapolation="linear"),
    "continued": SplineTransformer(n_knots=6, degree=1, extrapolation="continue"),
    "periodic": SplineTransformer(n_knots=6, degree=1, extrapolation="periodic"),
}
WHOLE = {  # of whole numbers, whose curves may bend everywhere
    f"{degree} {how}": SplineTransformer(n_knots=6, degree=degree, extrapolation=how)
    for degree, how in ((3, "constant"), (3, "linear"), (2, "continue"), (3, "periodic"))
}


def seen_only(schema: Schema) -> Schema:
    """The same table, the ranges of its numbers only seen."""
    package = json.loads(json.dumps(schema.package))
    for field in package["resources"][0]["schema"]["fields"]:
        if field["type"] != "string":
            field["glassform"] = {"observed": field.pop("constraints")}
    return Schema(package)


@pytest.mark.parametrize("step", [*SPLINES.values(), *WHOLE.values()], ids=[*SPLINES, *WHOLE])
def test_outside_of_what_was_seen_a_curve_goes_on_as_its_step_does(step, sizes):
    schema, X, y = sizes
    schema, names = seen_only(schema), ["size", "count"] if step in SPLINES.values() else ["count"]
    passed: list[Any] = [("kind", OneHotEncoder(sparse_output=False), ["kind"])]
    passed += [("size", StandardScaler(), ["size"])] if names == ["count"] else []
    pipeline = make_pipeline(ColumnTransformer([("step", step, names), *passed]), LogisticRegression()).fit(X, y)
    intercept, points, _ = tabulate(pipeline, schema, X)
    numbers = {"size": np.linspace(-130, 140, 1_020), "count": [*range(-250, 260)] * 2}
    new = pd.DataFrame(numbers).assign(kind="b")
    taken = new.assign(size=new["size"].clip(-100, 110), count=new["count"].clip(1 - 190, 20 + 190))
    wanted = pipeline.decision_function(taken)
    found = [intercept + sum(points[name].at(row[name]) for name in points) for row in new.to_dict("records")]
    assert np.abs(np.array(found) - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max())


def test_a_straight_line_needs_two_knots_and_a_spline_its_own(sizes):
    schema, X, _ = sizes
    _, straight, _ = tabulate(fitted(StandardScaler(), sizes), schema, X)
    assert straight["size"].values == (0.0, 10.0)
    step = SplineTransformer(
        n_knots=6, degree=1, knots=np.array([[0, 1], [2, 5], [4, 9], [6, 12], [8, 16], [10, 20]])
    )
    _, bent, _ = tabulate(fitted(step, sizes), schema, X)
    assert bent["size"].values == pytest.approx((0, 2, 4, 6, 8, 10), abs=1e-6)


def test_a_jump_becomes_two_neighbouring_knots():
    def jump(asked):
        return {name: [float(x >= math.pi) for x in xs] for name, xs in asked.items()}

    values, heights = all_knots(jump, [SIZE])["size"]
    assert values == [0.0, math.nextafter(math.pi, 0), math.pi, 10.0]
    assert heights == [0.0, 0.0, 1.0, 1.0]


def test_a_cubic_curve_of_a_real_number_is_refused(sizes):
    schema, X, _ = sizes
    with pytest.raises(NotAdditive, match="curve of size is not made of straight lines"):
        tabulate(fitted(SplineTransformer(degree=3), sizes), schema, X)


def test_a_model_that_is_not_additive_is_refused_with_row_and_difference(sizes):
    schema, X, y = sizes
    ordinal = ColumnTransformer([("kind", OrdinalEncoder(), ["kind"])], remainder="passthrough")
    forest = make_pipeline(ordinal, GradientBoostingClassifier(n_estimators=5, random_state=0)).fit(X, y)
    with pytest.raises(NotAdditive, match=r"on row \d+ the table differs from the pipeline by"):
        tabulate(forest, schema, X)


def test_a_pipeline_without_log_odds_is_refused(sizes):
    class Silent(Pipeline):
        decision_function = property()

    with pytest.raises(NotAdditive, match="no decision_function"):
        tabulate(Silent([]), *sizes[:2])


def test_any_additive_decision_function_compiles(sizes):
    schema, X, _ = sizes
    _, points, _ = tabulate(fitted(StandardScaler(), sizes, RidgeClassifier()), schema, X)
    assert set(points) == {"size", "count", "kind"}


def test_shares_of_an_interpolated_value_sum_to_one_and_give_its_points():
    points = Points((0.0, 1.0, 4.0), (2.0, 4.0, -2.0), linear=True)
    assert [points.at(0.25), points.at(3.0)] == pytest.approx([2.5, 0.0])
    assert points.at(0.0) == 2.0 and points.at(4.0) == -2.0
    for value in (0.0, 0.3, 1.0, 3.9, 4.0):
        assert sum(share for _, share in points.shares(value)) == pytest.approx(1)


def test_between_two_points_runs_a_straight_line():
    assert between(1.0, 0.0, 10.0, 4.0, 30.0) == 15.0


def test_the_variance_between_knots_is_that_of_the_interpolated_points():
    covariance = [4.0, 1.0, 9.0, 2.0, 3.0, 16.0]
    package = {
        "name": "sizes",
        "resources": [{"schema": {"fields": [{"name": "size", "type": "number"}, {"name": "y", "type": "string"}]}}],
        "glassform": {"target": "y", "features": ["size"]},
    }
    points = {"size": Points((0.0, 10.0), (0.0, 1.0), linear=True)}
    card = Scorecard("1", package, {}, [], None, {}, {}, 0.0, points, covariance)
    weights = np.array([1.0, 0.75, 0.25])
    full = np.array([[4.0, 1.0, 2.0], [1.0, 9.0, 3.0], [2.0, 3.0, 16.0]])
    assert card.variance({"size": 2.5}) == pytest.approx(weights @ full @ weights)


def test_what_if_varies_one_field_and_leaves_the_rest(scorecard, record):
    curves = scorecard.what_if(record)
    assert list(curves) == list(record)
    for name, curve in curves.items():
        assert [value for value, _ in curve] == list(scorecard.points[name].values)
        for value, probability in curve:
            assert probability == pytest.approx(scorecard.probability(record | {name: value}), abs=1e-12)
