"""The comparison of the recipe with other models measures, pairs and draws rightly."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from benchmarks import glass
from benchmarks.glass_cards import random_rows
from benchmarks.glass_chart import PANELS, chart, gain
from benchmarks.glass_floors import FLOORS, summary, verdicts
from benchmarks.glass_report import chosen_in, markdown
from benchmarks.glass_results import Measured, Results
from benchmarks.glass_rivals import RIVALS, Rival, straight
from benchmarks.glass_scores import better_by, calibration_error, mean_scores, row_losses, scores
from benchmarks.glass_tables import TABLES, Table, described, folds, read_split, records
from tests.conftest import ROOT
from tests.test_docs import steps

ROWS = 240


def animals() -> pd.DataFrame:
    """A table with a number with gaps, a category and two classes."""
    chance = np.random.default_rng(3)
    size = chance.normal(10.0, 3.0, ROWS).round(2)
    kind = chance.choice(["cat", "dog", "cow"], ROWS)
    heavy = np.where(size + 2.0 * (kind == "cow") + chance.normal(0.0, 2.0, ROWS) > 11.0, "yes", "no")
    return pd.DataFrame({"size": np.where(np.arange(ROWS) % 9, size, np.nan), "kind": kind, "heavy": heavy})


@pytest.fixture
def small() -> Table:
    return Table("small", animals, "heavy")


def results(**predicted: list[list[float]]) -> Results:
    """Two parts of one repeat with what some models gave."""
    recipe = {"family": "line", "pairs": []}
    rivals = {
        name: Measured(each, [1.0, 3.0], [2.0, 2.0], 7.0, 10, 0.0, 0.0, [recipe, recipe])
        for name, each in predicted.items()
    }
    return Results(8, 2, "binary", [0, 0], [[0, 1, 1, 0], [1, 0, 0, 1]], rivals)


GOOD = [[0.1, 0.9, 0.8, 0.3], [0.9, 0.2, 0.1, 0.7]]
POOR = [[0.4, 0.6, 0.5, 0.5], [0.6, 0.5, 0.4, 0.5]]


def test_a_table_is_described_in_the_order_of_its_rows(small, tmp_path):
    schema, split = described(small, tmp_path)
    assert [field.name for field in schema.fields if field.has_gaps] == ["size"]
    assert split.X["size"].isna().to_numpy().nonzero()[0].tolist() == list(range(0, ROWS, 9))
    assert split.X["kind"].tolist() == animals()["kind"].tolist()
    assert split.y.tolist() == (animals()["heavy"] == "yes").tolist()


def test_every_row_is_predicted_once_a_repeat(small, tmp_path):
    _, parts = read_split(small, tmp_path)
    for repeat in (0, 1):
        of_repeat = [part for part in parts if part.repeat == repeat]
        assert len(of_repeat) == 4 and sum(len(part.test.y) for part in of_repeat) == ROWS
    assert all(len(part.training.y) + len(part.test.y) == ROWS for part in parts)


def test_records_with_the_same_values_stay_in_one_fold(tmp_path):
    def doubled() -> pd.DataFrame:
        table = animals()
        return pd.concat([table, table.assign(heavy=table["heavy"].iloc[::-1].to_numpy())])

    table = Table("small", doubled, "heavy", kept_together=True)
    schema, split = described(table, tmp_path)
    same = records(split.X)
    assert len(set(same)) < len(same)
    for training, test in folds(table, schema, split):
        assert not {*same[training]} & {*same[test]}


def test_every_table_has_a_name_and_a_target_of_its_own():
    assert len({table.name for table in TABLES}) == len(TABLES) == 24
    assert sum(table.package is None for table in TABLES) == 22
    assert all(table.target for table in TABLES if not table.package)


def test_the_loss_of_rows_is_the_field_s_own():
    y, predicted = np.array([0, 1, 1]), np.array([0.2, 0.7, 0.4])
    assert row_losses("binary", y, predicted).mean() == pytest.approx(log_loss(y, predicted))
    several = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]])
    assert row_losses("classes", np.array([1, 2, 0]), several).mean() == pytest.approx(log_loss([1, 2, 0], several))
    assert scores("number", np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 4.0])) == {"r2": 1.0}


def test_an_impossible_outcome_costs_much_but_not_everything():
    assert 30.0 < row_losses("binary", np.array([1]), np.array([0.0]))[0] < 40.0


def test_the_calibration_error_is_the_mean_distance_over_ten_groups():
    probability = np.repeat(np.linspace(0.05, 0.95, 10), 100)
    right = np.concatenate([np.arange(100) < round(100 * each) for each in np.linspace(0.05, 0.95, 10)])
    assert calibration_error(right, probability) == pytest.approx(0.0, abs=1e-12)
    assert calibration_error(right, np.clip(probability + 0.03, 0, 1)) == pytest.approx(0.03)


def test_a_difference_is_paired_by_part_and_has_the_error_of_their_mean():
    both = results(ours=GOOD, straight=POOR)
    apart = [log_loss(y, poor) - log_loss(y, good) for y, good, poor in zip(both.actual, GOOD, POOR, strict=True)]
    found = better_by(both, "ours", "straight")
    assert found.mean == pytest.approx(np.mean(apart)) and found.mean > 0.0
    assert found.error == pytest.approx(np.std(apart, ddof=1) / 2**0.5)
    assert better_by(both, "straight", "ours").mean == pytest.approx(-found.mean)


def test_with_one_part_a_difference_has_the_error_of_its_rows():
    one = Results(8, 2, "number", [0], [[1.0, 2.0, 3.0, 5.0]])
    one.rivals = {
        name: Measured([each], [1.0], [1.0], 1.0)
        for name, each in {"ours": [1.0, 2.1, 3.0, 4.8], "straight": [2.0, 2.0, 2.5, 4.0]}.items()
    }
    found = better_by(one, "ours", "straight")
    gained = mean_scores(one, "ours")["r2"] - mean_scores(one, "straight")["r2"]
    assert found.mean == pytest.approx(gained) and found.error > 0.0


def test_a_model_is_level_with_itself():
    found = better_by(results(ours=GOOD, straight=GOOD), "ours", "straight")
    assert (found.mean, found.error, found.in_errors) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("found", "word"), [(0.081, "MISSED"), (0.08, "held"), (0.01, "held")])
def test_a_floor_says_whether_it_is_held(found, word):
    (floor,) = [each for each in FLOORS if (each.table, each.score) == ("breast cancer", "log_loss")]
    assert floor.told(found).split() == [word, "breast", "cancer:", "log_loss", f"{found:g},", "at", "most", "0.08"]


def test_a_recipe_that_errs_more_than_straight_lines_misses_its_floor():
    def line(found: Results) -> str:
        (told,) = [each for each in verdicts({"iris": found}) if "straight lines" in each]
        return told

    assert line(results(ours=GOOD, straight=POOR)).startswith("held")
    assert line(results(ours=POOR, straight=GOOD)).startswith("MISSED")


def test_a_table_that_differs_from_its_pipeline_misses_its_floor():
    found = results(ours=GOOD)
    found.rivals["ours"].table_gap = 2e-9
    assert [each for each in verdicts({"iris": found}) if each.startswith("MISSED iris: from the pipeline")]


def test_the_summary_names_what_is_missed():
    assert summary(["held   iris: a", "held   wine: b"]) == "Of 2 limits that were set before, 2 are held."
    assert summary(["held   iris: a", "MISSED wine: b"]).splitlines()[-1] == "- wine: b"


def test_the_report_has_a_row_a_table_and_the_best_in_bold():
    text = markdown({"iris": results(ours=GOOD, straight=POOR)})
    (row,) = [line for line in text.splitlines() if line.startswith("| iris (8, 2)")]
    best, other = (f"{mean_scores(results(a=each), 'a')['log_loss']:.4f}"[1:] for each in (GOOD, POOR))
    assert f"| **{best}** / 1.0000 / " in row and f"| {other} / " in row


def test_the_chart_has_a_dot_for_each_table_and_rival(tmp_path):
    several = results(ours=GOOD, straight=POOR, boosting=POOR)
    drawn = ElementTree.fromstring(chart({"iris & co": several, "wine": several, "without": results(ours=GOOD)}))
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}circle")) == 2 * len(PANELS)
    words = [each.text for each in drawn.iter(f"{space}text")]
    assert "iris & co" in words and "without" not in words
    assert "on 2" in (drawn.findtext(f"{space}title") or "")


def test_a_gain_is_in_percent_of_what_the_other_errs():
    found = gain(results(ours=GOOD, boosting=POOR), "boosting")
    losses = [mean_scores(results(a=each), "a")["log_loss"] for each in (GOOD, POOR)]
    assert found.percent == pytest.approx(100.0 * (1.0 - losses[0] / losses[1]))
    assert gain(results(ours=GOOD, boosting=GOOD), "boosting").kind == "level"


def test_what_was_measured_is_not_measured_again(small, tmp_path, monkeypatch):
    fitted = []

    def counted(schema, training):
        fitted.append(len(training.y))
        return straight(schema, training)

    monkeypatch.setattr(glass, "KEPT", tmp_path)
    monkeypatch.setattr(glass, "RIVALS", RIVALS | {"straight": Rival("straight lines", counted)})
    first = glass.measure(small, ["straight"], again=False)
    assert len(fitted) == 8
    assert glass.measure(small, ["straight"], again=False) == first == Results.load(tmp_path / "small.json")
    assert len(fitted) == 8
    glass.measure(small, ["straight"], again=True)
    assert len(fitted) == 16


def test_the_recipe_s_own_table_is_measured_too(small, tmp_path):
    schema, parts = read_split(small, tmp_path)
    found = glass.measured("ours", schema, parts[:1])
    assert found.points and found.table_gap is not None and found.margin is not None
    assert found.points >= 4 and 0.0 <= found.table_gap <= 1e-9 and found.margin <= 1e-9
    assert 0.0 < found.microseconds < 1e4 and len(found.seconds) == 1
    (recipe,) = found.recipes
    assert recipe["strength"] > 0.0 and chosen_in(found.recipes) == f"{recipe['family']}; {len(recipe['pairs'])}"


def test_the_documents_are_written_between_their_marks(tmp_path, monkeypatch):
    design = tmp_path / "design.md"
    design.write_text(f"before\n{glass.BEGIN}\nold\n{glass.END}\nafter\n")
    monkeypatch.setattr(glass, "DESIGN", design)
    monkeypatch.setattr(glass, "CHART", tmp_path / "glass.svg")
    glass.write({"iris": results(ours=GOOD, straight=POOR, boosting=POOR)})
    text = design.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and "| iris (8, 2)" in text
    assert (tmp_path / "glass.svg").read_text().startswith("<svg")


def test_the_design_has_the_marks():
    text = (ROOT / "docs" / "design.md").read_text()
    assert text.count(glass.BEGIN) == text.count(glass.END) == 1 and text.index(glass.BEGIN) < text.index(glass.END)


def test_random_records_lie_between_the_known_ones_and_have_gaps(small, tmp_path):
    schema, split = described(small, tmp_path)
    rows = random_rows(schema, split.X, 500)
    assert 5 < rows["size"].isna().sum() < 60 and set(rows["kind"]) == {"cat", "cow", "dog"}
    assert split.X["size"].min() <= rows["size"].min() and rows["size"].max() <= split.X["size"].max()
    assert all(schema.by_name["kind"].holds(value) for value in rows["kind"])


def test_make_glass_installs_before_it_runs(tmp_path):
    done = steps("glass", tmp_path)
    assert done[0].startswith("python3 -m venv .venv")
    assert any("pip install" in step and "requirements-glass.txt" in step for step in done[1:-1])
    assert done[-1].endswith("-m benchmarks.glass --all --write")
