import csv
import random
import re
import shutil

import pytest

import model
from glassform.settings import ARTIFACTS
from server import create_app


def test_the_card_leaves_nothing_blank(client):
    def blanks(value, path=""):
        if isinstance(value, dict):
            return [blank for name, each in value.items() for blank in blanks(each, f"{path}.{name}")]
        if isinstance(value, list):
            return [blank for index, each in enumerate(value) for blank in blanks(each, f"{path}.{index}")]
        return [path] if value in (None, "") else []

    card = client.get("/model").json
    # nobody reaches a probability of 1, so nothing can be said of those who do; a category has no unit
    assert {path.split(".")[-1] for path in blanks(card)} <= {"precision", "value", "interval", "unit"}
    assert not blanks({name: card[name] for name in ("purpose", "misuse", "limits", "references", "data")})
    assert "arXiv:2108.04884" in str(card["references"])


def test_the_card_counts_the_copies_among_the_rows(client):
    data = client.get("/model").json["data"]
    assert (data["duplicates"], data["overlap"]) == (24, 23)


def test_a_threshold_moves_the_decision(client):
    low, high = (client.get(f"/model?threshold={at}").json["decision"] for at in ("0.2", "0.8"))
    assert low["threshold"] == 0.2 and high["threshold"] == 0.8
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate"):
        assert low["rates"][rate]["value"] > high["rates"][rate]["value"]
    assert low["rates"]["precision"]["value"] < high["rates"]["precision"]["value"]


def test_costs_move_the_cheapest_threshold(client):
    address = "/model?false_positive_cost=%s&false_negative_cost=%s"
    dear_yes, dear_no = (client.get(address % costs).json["decision"] for costs in ((5, 1), (1, 5)))
    assert dear_yes["cheapest"]["threshold"] > 0.7 > 0.3 > dear_no["cheapest"]["threshold"]
    counts = dear_no["confusion"]
    assert dear_no["cost"] == counts["false_positives"] + 5 * counts["false_negatives"]


@pytest.mark.parametrize("threshold", ["0", "1", "0.00", "1.00", ".5", "0.37"])
def test_every_hundredth_is_a_threshold(client, threshold):
    decision = client.get(f"/model?threshold={threshold}").json["decision"]
    assert decision["threshold"] == float(threshold)
    assert client.get(f"/model.html?threshold={threshold}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("threshold=2", "threshold", "2 is not a number from 0 to 1 with at most two decimals"),
        ("threshold=1.5", "threshold", "1.5 is not a number from 0 to 1 with at most two decimals"),
        ("threshold=0.123", "threshold", "0.123 is not a number from 0 to 1 with at most two decimals"),
        ("threshold=-.5", "threshold", "-.5 is not a number from 0 to 1 with at most two decimals"),
        ("threshold=", "threshold", "'' is not a number from 0 to 1 with at most two decimals"),
        ("threshold=nan", "threshold", "nan is not a number from 0 to 1 with at most two decimals"),
        ("threshold=%D9%A0", "threshold", "٠ is not a number from 0 to 1 with at most two decimals"),
        ("threshold=.2&threshold=.3", "threshold", "is given more than once"),
        ("treshold=.2", "treshold", "is not a field; did you mean threshold?"),
        (
            "false_positive_cost=1e9",
            "false_positive_cost",
            "1e9 is not a number from 0 to 1,000,000 with at most two decimals",
        ),
        (
            "false_negative_cost=9999999",
            "false_negative_cost",
            "9999999 is not a number from 0 to 1,000,000 with at most two decimals",
        ),
    ],
)
def test_a_bad_setting_is_named_with_its_rule(client, query, field, message):
    response = client.get(f"/model?{query}")
    assert response.status_code == 422 and response.mimetype == "application/problem+json"
    (error,) = response.json["errors"]
    assert (error["field"], error["message"]) == (field, message)
    page = client.get(f"/model.html?{query}")
    assert page.status_code == 422 and field in page.text
    assert client.get("/model").status_code == 200


ANSWERS = {"y": ["no", "yes"], "colour": ["blue", "green", "red"], "size": [f"{size}" for size in range(40)]}


@pytest.fixture(scope="module")
def small(scorecard, tmp_path_factory):
    """A client of a server with tables of 90 rows, which are tested with 18: two classes, three, and a number."""
    folder, chance = tmp_path_factory.mktemp("small"), random.Random(5)
    shutil.copytree(ARTIFACTS, folder / "artifacts")
    for target, answers in ANSWERS.items():
        table, places = folder / f"{target}s.csv", [chance.randrange(len(answers)) for _ in range(90)]
        with table.open("w", newline="") as file:
            rows = [(f"{place + chance.gauss(0, 1):.2f}", answers[place]) for place in places]
            csv.writer(file).writerows([("x", target), *rows])
        options = ["--data", str(folder / "data"), "--artifacts", str(folder / "artifacts")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["model.py", "--add", str(table), "--target", target, *options])
            model.main()
    return create_app(folder / "artifacts").test_client()


@pytest.mark.parametrize("table", [f"{target}s" for target in ANSWERS])
def test_the_card_of_few_rows_says_so_and_promises_nothing(small, table):
    measured = small.get(f"/{table}/model").json["evaluation"]
    assert measured["rows"] < 50 and set(measured["intervals"].values()) == {None}
    assert measured["calibration"] == [] and measured.get("largest_calibration_gap") is None
    page = small.get(f"/{table}/model.html").text
    assert "too few rows for an interval" in page and "it takes two groups of at least 20 rows" in page
    assert not re.search(r"\bbetween -?[\d.]+%? and|\b0 rows|percentage points at most", page)
    assert "Nobody can be sure" in page and "Nobody has said so yet" in page


def test_no_shown_interval_leaves_the_range_of_its_score(client):
    for table in ("", "/iris", "/diabetes"):
        for name, interval in client.get(f"{table}/model").json["evaluation"]["intervals"].items():
            low, high = interval or (0.0, 0.0)
            assert low <= high <= (float("inf") if name in ("log_loss", "mae", "rmse") else 1.0), name
            assert low >= 0.0 or name == "r2", name
