"""The estimators: scikit-learn's own checks, any columns, sums that add up, the model that the server has."""

import io
from datetime import date
from functools import partial

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassform import GlassClassifier, GlassRegressor
from glassform.fitted.additive import Additive
from glassform.fitted.classes import ClassesScorecard
from glassform.learning import glass, recipe
from glassform.learning.recipe import Profiles, Recipe, chosen_for
from glassform.learning.table import Split, as_records
from glassform.learning.terms import terms_of
from glassform.limits import LONGEST_VALUE
from tests.conftest import PLAIN


def chosen_once(schema, split) -> Recipe:
    """The recipe of folds that are drawn once, not three times, as few rows are: the checks fit 120 models."""
    return chosen_for(schema, Profiles.of(split), repeats=1)


@pytest.fixture
def quick(monkeypatch):
    """Fit with a given recipe: choosing one takes most of the time."""
    monkeypatch.setattr(glass, "chosen", lambda *_: PLAIN)


@parametrize_with_checks([GlassClassifier(), GlassRegressor()])
def test_scikit_learns_own_checks_hold(estimator, check, monkeypatch):
    monkeypatch.setattr(glass, "chosen", chosen_once)
    check(estimator)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """A table with every kind of column: numbers, texts, categories, booleans, dates, gaps, and one of no use."""
    random = np.random.default_rng(0)
    rows = 200
    table = pd.DataFrame(
        {
            "height in cm": random.normal(170, 10, rows).round(1),
            "visits": random.integers(0, 9, rows),
            "town": random.choice(["Ash", "Bree", "Coe"], rows),
            "member": random.random(rows) < 0.5,
            "since": pd.to_datetime(random.choice(["2019-05-01", "2020-06-30", "2021-01-15"], rows)),
            "size": pd.Categorical(random.choice(["S", "M"], rows)),
            "same": 1,
        }
    )
    table.loc[::7, "height in cm"] = np.nan
    table.loc[::11, "town"] = None
    return table


@pytest.fixture(scope="module")
def outcome(people) -> np.ndarray:
    log_odds = (people["visits"] - 4) * 0.8 + people["member"] * 1.5 - 0.7
    return np.where(np.random.default_rng(1).random(len(people)) < 1 / (1 + np.exp(-log_odds)), "yes", "no")


@pytest.fixture(scope="module")
def classifier(people, outcome) -> GlassClassifier:
    return GlassClassifier().fit(people, outcome)


def test_any_kind_of_column_is_read(classifier, people, outcome):
    assert classifier.left_out_ == {"same": "all its values are the same"}
    assert classifier.n_features_in_ == 7 and [*classifier.feature_names_in_] == [*people]
    kinds = {field.name: field.type for field in classifier.scorecard_.schema.fields}
    numbers = {"height_in_cm": "number", "visits": "integer", "since": "integer"}
    assert kinds == numbers | dict.fromkeys(["town", "member", "size"], "string")
    assert roc_auc_score(outcome, classifier.predict_proba(people)[:, 1]) > 0.85
    assert [*classifier.classes_] == ["no", "yes"]


class ThroughArrow:
    """A table that other libraries can read in one way only."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("given", [pl.DataFrame, pl.DataFrame.to_arrow, ThroughArrow])
def test_a_table_of_another_library_gives_the_model_that_it_gives_in_pandas(quick, people, outcome, given):
    table = pl.from_pandas(people).with_columns(pl.col("since").cast(pl.Date).alias("day"))
    same = table.to_pandas()
    expected = GlassClassifier(pairs=[("visits", "town")]).fit(same, pd.Series(outcome, name="joins"))
    fitted = GlassClassifier(pairs=[("visits", "town")]).fit(given(table), pl.Series("joins", outcome))
    assert fitted.scorecard_.version == expected.scorecard_.version
    assert [*fitted.feature_names_in_] == table.columns
    assert fitted.explain(given(table)) == expected.explain(same)
    assert fitted.to_model().answers(given(table)) == expected.to_model().answers(same)


def test_a_column_of_another_library_is_no_table(outcome):
    with pytest.raises(TypeError, match="a Series is no data frame"):
        GlassClassifier().fit(pl.Series("joins", outcome), outcome)


def total_of(answer, label=None):
    """An answer's intercept and terms, added from left to right."""
    total = answer["intercept"] if label is None else answer["intercept"][label]
    for term in answer["contributions"]:
        points = term.get("log_odds", term.get("points"))
        total += points if label is None else points[label]
    return total


def test_an_explanation_adds_up_to_exactly_what_is_predicted(classifier, people):
    answers, log_odds = classifier.explain(people), classifier.decision_function(people)
    assert [total_of(each) for each in answers] == log_odds.tolist() == [each["log_odds"] for each in answers]
    assert [each["probability"] for each in answers] == classifier.predict_proba(people)[:, 1].tolist()
    low, high = np.array([each["interval"] for each in answers]).T
    assert (low < high).all()


def test_the_terms_are_those_of_the_scorecard(classifier, people):
    rows = classifier._read(people)
    records = [each["record"] for each in classifier.explain(people)]
    card = classifier.scorecard_
    own = np.array([card.terms_of(record) for record in records])
    np.testing.assert_allclose(np.array(terms_of(card, rows)).T, own, rtol=0, atol=1e-12)


def test_a_number_is_explained_too(quick):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    regressor = GlassRegressor().fit(X, y)
    answers = regressor.explain(X[:50])
    assert [total_of(each) for each in answers] == regressor.predict(X[:50]).tolist()
    assert isinstance(regressor.scorecard_, Additive)
    low, high = np.array([each["interval"] for each in answers]).T
    assert np.mean((low <= y[:50]) & (y[:50] <= high)) > 0.8
    assert regressor.scorecard_.schema.target.title == "Target"


def test_several_classes_have_a_sum_each(quick):
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = load_iris().target_names[y]
    iris = GlassClassifier().fit(X, names)
    assert isinstance(iris.scorecard_, ClassesScorecard) and iris.score(X, names) > 0.95
    answers, sums = iris.explain(X[::10]), iris.decision_function(X[::10])
    assert [[total_of(each, label) for label in iris.classes_] for each in answers] == sums.tolist()
    assert iris.predict_proba(X[::10]).tolist() == [[*each["probabilities"].values()] for each in answers]
    assert [each["label"] for each in answers] == iris.predict(X[::10]).tolist()


def test_what_the_training_data_did_not_have_adds_nothing_and_is_said(classifier, people):
    row = people[:1].assign(town="Dale", visits=np.nan)
    (answer,) = classifier.explain(row)
    by_name = {each["feature"]: each["log_odds"] for each in answer["contributions"]}
    assert by_name["town"] == by_name["visits"] == 0.0
    assert answer["warnings"] == [
        "Visits: ? was not in the training data. It adds 0 points.",
        "Town: Dale was not in the training data. It adds 0 points.",
    ]
    assert total_of(answer) == classifier.decision_function(row)[0]


def test_a_number_beyond_what_was_seen_is_warned_of(classifier, people):
    (answer,) = classifier.explain(people[:1].assign(**{"height in cm": 250.0, "town": "Ash"}))
    assert [each for each in answer["warnings"] if each.startswith("Height in cm: 250.0 is outside of what was seen")]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("visits", "many", "visits: 'many' is not a whole number"),
        ("visits", np.inf, "visits contains infinity"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(classifier, people, column, value, message):
    with pytest.raises(ValueError, match=message):
        classifier.predict(people[:3].assign(**{column: value}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": "all"}, "pairs: 'all' is not True, False or a list of pairs of columns"),
        ({"pairs": [("visits", "age")]}, r"pairs: \('visits', 'age'\) is not a pair of two columns of X"),
        ({"pairs": [1, 2]}, "pairs: 1 is not a pair of two columns of X"),
        ({"pairs": [(["visits"], ["town"])]}, r"pairs: \(\['visits'\], \['town'\]\) is not a pair of two columns"),
        ({"pairs": [("visits", "town", "town")]}, "is not a pair of two columns of X"),
        (
            {"pairs": [("town", "visits"), ["visits", "town"]]},
            r"pairs: \['visits', 'town'\] stands there more than once",
        ),
        ({"pairs": [("visits", "same")]}, "pairs: same can be in no pair, since it is left out: all its values"),
    ],
)
def test_pairs_that_there_cannot_be_are_refused(people, outcome, options, message):
    with pytest.raises(ValueError, match=message):
        GlassClassifier(**options).fit(people, outcome)


def test_columns_that_are_left_out_say_why(quick, outcome):
    rows = len(outcome)
    table = pd.DataFrame(
        {
            "used": np.arange(rows) % 7,
            "since": pd.date_range("2020-01-01", periods=rows, freq="D"),
            "name": [f"n{place}" for place in range(rows)],
            "row": np.arange(rows).astype(str),
            "long": np.where(np.arange(rows) % 2, "a" * 5_000, "b"),
            "empty": np.nan,
            "big": [str(10**20 + place % 9) for place in range(rows)],
        }
    )
    assert GlassClassifier().fit(table, outcome).left_out_ == {
        "since": "all its dates are in the year 2020",
        "name": "every row has its own value",
        "row": "it numbers the rows",
        "long": f"it has texts of more than {LONGEST_VALUE} characters",
        "empty": "it is empty",
        "big": "it has whole numbers of more than 15 digits",
    }


def test_nothing_to_learn_from_is_said(outcome):
    with pytest.raises(ValueError, match="no column is left to learn from: a: all its values are the same"):
        GlassClassifier().fit(pd.DataFrame({"a": [1] * 200}), outcome)
    with pytest.raises(ValueError, match="y has 1 class only, yes"):
        GlassClassifier().fit(pd.DataFrame({"a": range(3)}), ["yes"] * 3)


@pytest.mark.parametrize(
    ("regression", "y", "message"),
    [
        (True, np.array(["2020-01-01", "NaT", "2021-01-01"], dtype="M8[s]"), "Input y contains NaN"),
        (True, pd.to_datetime(["2020-01-01", "2020-02-01", "2021-01-01"]), "y holds dates or durations"),
        (True, [date(2020, 1, 1)] * 3, "y has to hold numbers"),
        (True, pd.Series([1, pd.NA, 3], dtype="Int64"), "Input y contains NaN"),
        (False, np.array(["2020-01-01", "NaT", "2021-01-01"], dtype="M8[s]"), "Input y contains NaN"),
        (False, np.array(["a", None, "b"], dtype=object), "Input y contains NaN"),
        (False, pd.Series(["a", pd.NA, "b"], dtype="string"), "Input y contains NaN"),
    ],
)
def test_outcomes_that_are_missing_or_no_numbers_are_refused(regression, y, message):
    with pytest.raises(ValueError, match=message):
        (GlassRegressor if regression else GlassClassifier)().fit([[1.0], [2.0], [3.0]], y)


def test_a_gap_among_texts_is_a_gap(quick, outcome):
    rows = [[place / 10, "abc"[place % 3]] for place in range(len(outcome))]
    rows[3][0] = rows[5][0] = float("nan")
    expected = GlassClassifier().fit(pd.DataFrame(rows), outcome)
    assert not expected.left_out_
    for given in (rows, [*map(tuple, rows)], np.array(rows), np.array(rows, dtype=object)):
        fitted = GlassClassifier().fit(given, outcome)
        assert not fitted.left_out_
        assert fitted.predict_proba(given).tolist() == expected.predict_proba(given).tolist()


def test_a_wide_table_is_learned_from_without_a_warning(quick):
    X = np.random.default_rng(0).normal(size=(60, 130)).round(1)
    assert len(Profiles.of(Split(pd.DataFrame(X), np.arange(60) % 2, np.ones(60), None, "")).y) == 60
    assert GlassClassifier(pairs=False).fit(X, np.arange(60) % 2).n_features_in_ == 130


def test_the_model_of_an_estimator_takes_its_training_rows(quick, people, outcome):
    X = pd.DataFrame({"text": people["visits"].astype(str), "size": people["height in cm"]})
    fitted = GlassClassifier().fit(X, outcome)
    probabilities = [each["probability"] for each in fitted.to_model().answers(X)]
    assert probabilities == pytest.approx(fitted.predict_proba(X)[:, 1])
    assert fitted.to_model().predict_probability(text="4", size=pd.NA) == fitted.to_model().predict_probability(
        4, None
    )


@pytest.mark.parametrize("ask", [GlassClassifier.to_model, partial(GlassClassifier.explain, X=[[1.0]])])
def test_before_it_is_fitted_it_says_so(ask):
    with pytest.raises(NotFittedError):
        ask(GlassClassifier())


@pytest.mark.parametrize(("pairs", "used"), [(False, []), ([("visits", "member")], ["visits:member"])])
def test_pairs_can_be_named_or_left_out(people, outcome, pairs, used, monkeypatch):
    monkeypatch.setattr(glass, "chosen", chosen_once)
    fitted = GlassClassifier(pairs=pairs).fit(people, outcome)
    assert [*fitted.scorecard_.pairs] == used
    assert [total_of(each) for each in fitted.explain(people[:20])] == fitted.decision_function(people[:20]).tolist()


def test_columns_may_be_called_anything(quick, outcome, people):
    odd = ["points", "model", "a b", "a_b", "", "self", "%"]
    fitted = GlassClassifier().fit(people.set_axis(odd, axis=1), outcome)
    names = [field.name for field in fitted.scorecard_.schema.fields]
    assert names == ["points", "model", "a_b", "a_b_2", "x", "self"]
    assert [field.title for field in fitted.scorecard_.schema.fields] == [
        "Points",
        "Model",
        "A b",
        "A b",
        "x",
        "Self",
    ]
    assert len(fitted.explain(people.set_axis(odd, axis=1)[:2])) == 2


def test_any_text_that_writes_numbers_is_one_and_a_categorical_is_categories(quick):
    codes = np.arange(60) % 3
    X = pd.DataFrame(
        {
            "text": codes.astype(str),
            "code": pd.Categorical(codes),
            "gaps": pd.Categorical([None if code == 2 else code for code in codes.tolist()]),
            "one": pd.Categorical([7] * 60),
        }
    )
    fitted = GlassClassifier().fit(X, np.arange(60) % 2)
    fields = fitted.scorecard_.schema.by_name
    assert {name: [*field.categories] for name, field in fields.items()} == {
        "text": [],
        "code": ["0", "1", "2"],
        "gaps": ["0", "1", "?"],
    }
    assert fitted.left_out_ == {"one": "all its values are the same"}
    plain = X.assign(code=codes, gaps=np.where(codes == 2, np.nan, codes))
    assert fitted.predict_proba(plain).tolist() == fitted.predict_proba(X).tolist()


@pytest.mark.parametrize("weights", ["counts", "shares"])
def test_a_weight_counts_rows(quick, people, outcome, weights):
    given = np.arange(len(people)) % 3 * (1.0 if weights == "counts" else 0.5)
    weighted = GlassClassifier().fit(people, outcome, sample_weight=given)
    assert weighted.scorecard_.training["rows"] == int(given.sum())
    if weights == "counts":
        repeated = GlassClassifier().fit(
            people.loc[people.index.repeat(given)], np.repeat(outcome, given.astype(int))
        )
        assert weighted.decision_function(people) == pytest.approx(repeated.decision_function(people), abs=1e-6)


def test_shares_as_weights_choose_shapes_and_pairs_too(people, outcome):
    fitted = GlassClassifier().fit(people, outcome, sample_weight=np.full(len(people), 0.75))
    assert fitted.recipe_.screened["tried"] == 15


@pytest.mark.parametrize("weight", [2_000_000, 2_000_000.5, 100.5])
def test_large_weights_choose_shapes_on_most_of_the_rows(monkeypatch, weight):
    monkeypatch.setattr(recipe, "MOST_ROWS", 1_200)
    seen = list[int]()
    real = recipe.with_shapes

    def counted(schema, rows, repeats):
        seen.extend([len(rows.y), int(rows.weights.sum())])
        return real(schema, rows, repeats)

    monkeypatch.setattr(recipe, "with_shapes", counted)
    x = np.random.default_rng(0).random((600, 1))
    fitted = GlassRegressor().fit(x, x[:, 0] ** 2, sample_weight=np.full(600, weight))
    assert seen[0] > 400 and seen[1] == 1_200
    assert fitted.score(x, x[:, 0] ** 2) > 0.98


def test_numbers_too_large_to_be_squared_are_refused():
    with pytest.raises(ValueError, match=r"y contains a number beyond 1e\+100"):
        GlassRegressor().fit([[1.0], [2.0], [3.0]], np.array([1.0, 2.0, 3.0]) * 1e200)


def test_it_works_with_scikit_learns_own_tools(quick, people, outcome):
    numbers = people[["height in cm", "visits"]]
    pipeline = make_pipeline(SimpleImputer(), GlassClassifier(pairs=False))
    assert cross_val_score(pipeline, numbers, outcome, cv=2, scoring="roc_auc").mean() > 0.7


@pytest.mark.parametrize("setting", [{"enable_metadata_routing": True}, {"transform_output": "pandas"}])
def test_it_fits_under_any_setting_of_scikit_learn(people, outcome, setting, monkeypatch):
    monkeypatch.setattr(glass, "chosen", chosen_once)
    weights = np.arange(len(people)) % 3
    expected = GlassClassifier().fit(people, outcome, sample_weight=weights)
    with config_context(**setting):
        fitted = GlassClassifier().fit(people, outcome, sample_weight=weights)
    assert fitted.scorecard_.version == expected.scorecard_.version
    assert fitted.scorecard_.points == expected.scorecard_.points


def test_weights_are_routed_to_it(quick, people, outcome):
    weights = np.arange(len(people)) % 3
    with config_context(enable_metadata_routing=True):
        asking = (
            GlassClassifier(pairs=False).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        scored = cross_validate(
            asking, people, outcome, cv=2, params={"sample_weight": weights}, return_estimator=True
        )
    rows = sum(each.scorecard_.training["rows"] for each in scored["estimator"])
    assert rows == weights.sum()


def test_a_search_finds_that_two_columns_count_only_together(monkeypatch):
    monkeypatch.setattr(glass, "chosen", chosen_once)
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 2, (120, 2)), columns=["a", "b"])
    y = X["a"] ^ X["b"]
    search = GridSearchCV(GlassClassifier(), {"pairs": [False, [("a", "b")]]}, cv=2).fit(X, y)
    assert search.best_params_ == {"pairs": [("a", "b")]} == clone(search.best_estimator_).get_params()
    apart, together = search.cv_results_["mean_test_score"]
    assert apart < 0.7 and together == 1.0


def test_a_fitted_one_can_be_kept_by_joblib(classifier, people):
    classifier.to_model().predict(**classifier.scorecard_.typical)
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    again = joblib.load(file)
    assert again.explain(people[:3]) == classifier.explain(people[:3])
    assert again.scorecard_.version == classifier.scorecard_.version


def test_the_same_rows_give_the_same_version_and_others_another(quick, people, outcome):
    fit = partial(GlassClassifier().fit, people)
    versions = [fit(y).scorecard_.version for y in (outcome, outcome, outcome[::-1])]
    assert versions[0] == versions[1] != versions[2]


def test_the_default_table_gives_the_model_that_the_server_has(scorecard, splits, schema, monkeypatch):
    chosen = scorecard.training["recipe"]
    told = {name: chosen[name] for name in ("family", "strength", "pair_strength")}
    pairs = tuple(tuple(pair) for pair in chosen["pairs"])
    monkeypatch.setattr(glass, "chosen", lambda *_: Recipe(**told, pairs=pairs))
    training, test = (splits[name] for name in ("adult", "adult_test"))
    labels = np.array(schema.classes)
    ours = GlassClassifier().fit(training.X, labels[training.y])
    probability = ours.predict_proba(test.X)[:, [*ours.classes_].index(schema.classes[1])]
    theirs = [scorecard.probability(record) for record in as_records(schema, test.X)]
    assert roc_auc_score(test.y, probability) == pytest.approx(roc_auc_score(test.y, theirs), abs=0.001)
    assert np.abs(probability - theirs).max() < 0.02


def test_folds_of_few_rows_ask_a_family_once_if_it_adds_no_curve(monkeypatch, people, outcome):
    asked = list[str]()
    real = recipe.losses_of

    def counted(schema, recipes, *rows):
        asked.append(recipes[0].family)
        return real(schema, recipes, *rows)

    monkeypatch.setattr(recipe, "losses_of", counted)
    GlassClassifier(pairs=False).fit(people[:12][["visits"]], outcome[:12])
    assert asked == ["line"] * 15  # in five folds drawn three times
