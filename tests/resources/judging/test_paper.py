"""The paper card over HTTP: as JSON, as a table and as a page, for those tables that have one."""

import csv
import io
import json
import random
import shutil
from typing import Any

import jsonschema
import pytest

import model
from glassform.describing.files import add
from glassform.resources import layers
from glassform.settings import ARTIFACTS
from server import create_app
from tests.conftest import quick_training

HTML = {"Accept": "text/html"}


@pytest.fixture
def card(client, record) -> Any:
    return client.get("/scorecard", query_string={"points": 5, **record}).json


def test_the_ticked_lines_add_up_to_the_sum(card, record):
    points = [feature["lines"][feature["ticked"]]["points"] for feature in card["features"]]
    assert sum(points) == card["sum"] and card["record"] == record
    assert card["probability"] == card["sums"][card["sum"]]["probability"]
    for feature in card["features"]:
        line, value = feature["lines"][feature["ticked"]], record[feature["feature"]]
        held = value in line.get("values", ())
        assert held or (line["from"] or 0) <= value < (line["below"] or value + 1), feature["feature"]


def test_the_full_model_stands_beside_it(card, client, record):
    assert card["full"] == client.get("/probability", query_string=record).json["probability"]
    assert card["measured"]["full"]["roc_auc"] == client.get("/model").json["evaluation"]["roc_auc"]


def test_without_a_record_a_typical_one_is_ticked(client, scorecard):
    answer = client.get("/scorecard?points=5").json
    assert answer["record"] == scorecard.typical
    assert answer["points_to_double"] == 5 and answer["model"] == scorecard.model
    assert answer["most"] == answer["sums"][-1]["sum"] == len(answer["sums"]) - 1
    assert answer["most"] == sum(max(line["points"] for line in each["lines"]) for each in answer["features"])


def test_every_field_is_on_the_card_or_named_as_left_out(client, scorecard):
    answer = client.get("/scorecard?points=5").json
    named = [*(each["feature"] for each in answer["features"]), *answer["left_out"]]
    assert sorted(named) == sorted(scorecard.schema.by_name)


def test_the_answer_is_as_the_document_describes_it(client, card):
    document: Any = client.get("/openapi.json").json
    described = document["paths"]["/scorecard"]["get"]
    content = described["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(card, {"components": document["components"], **content})
    only = {"$ref": "#/components/schemas/PaperAnswer", "components": document["components"]}
    jsonschema.validate(card, only)
    assert "points" in [each["name"] for each in described["parameters"]]


def test_the_table_has_a_row_per_line(client, card):
    first, *rows = csv.DictReader(io.StringIO(client.get("/scorecard.csv?points=5").text))
    assert first["feature"] == "offset" and float(first["points"]) == card["offset"]
    lines = [(each["feature"], line) for each in card["features"] for line in each["lines"]]
    assert [(row["feature"], row["line"], row["points"]) for row in rows] == [
        (name, line["title"], str(line["points"])) for name, line in lines
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_ticks_a_line_in_each_field(client, record, card, language):
    page = client.get("/scorecard", query_string={"points": 5, "lang": language, **record}, headers=HTML)
    assert page.status_code == 200 and page.text.count('class="ticked"') == len(card["features"])
    assert page.text.count("<tr") >= sum(len(each["lines"]) for each in card["features"])


def test_the_pages_lead_to_each_other(client):
    assert "/scorecard?points=5&amp;" in client.get("/scorecard", headers=HTML).text
    page = client.get("/scorecard?points=5", headers=HTML).text
    assert "/scorecard?age=" in page and 'href="/probability?age=' in page


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("points=7", "points", "7 is not one of 5"),
        ("points=", "points", "is not one of 5"),
        ("points=5&points=5", "points", "more than once"),
        ("point=5", "point", "points"),
        ("points=5&nonsense=1", "nonsense", ""),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_other_points_are_refused_with_the_rule(client, query, name, words, accept):
    answer = client.get(f"/scorecard?{query}", headers={"Accept": accept})
    assert answer.status_code == 422
    if accept == "application/json":
        (error,) = answer.json["errors"]
        assert error["field"] == name and words in error["message"]


def test_a_wrong_value_of_a_field_is_refused(client):
    (error,) = client.get("/scorecard?points=5&age=200").json["errors"]
    assert error["field"] == "age"


@pytest.mark.parametrize(
    ("table", "reason"), [("diabetes", "Only a model of two classes"), ("iris", "no sum of one term per field")]
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_table_without_one_says_why(client, table, reason, accept):
    answer = client.get(f"/{table}/scorecard?points=5", headers={"Accept": accept})
    assert answer.status_code == 404 and reason in answer.text
    assert "points=5" not in client.get(f"/{table}/scorecard", headers=HTML).text


def test_a_model_trained_before_says_to_train_it_again(client, monkeypatch):
    monkeypatch.setattr(layers, "paper_of", lambda _: None)
    answer = client.get("/scorecard?points=5")
    assert answer.status_code == 404 and "Train it again" in answer.json["detail"]


@pytest.mark.parametrize("query", ["points=5&format=sql", "points=5&dialect=duckdb&format=sql"])
def test_it_is_not_written_as_sql(client, query):
    assert client.get(f"/scorecard?{query}").status_code in (400, 406)


def test_a_large_table_has_one_too(client):
    answer = client.get("/census/scorecard?points=5")
    assert answer.status_code == 200 and answer.json["most"] <= 99
    assert sum(len(each["lines"]) for each in answer.json["features"]) <= 28


@pytest.fixture(scope="module")
def added(tmp_path_factory) -> Any:
    """A client of tables of somebody else: one has a field also called points, one has gaps and few rows."""
    folder, chance = tmp_path_factory.mktemp("added"), random.Random(0)
    rows = [
        (chance.randint(0, 99), chance.choice(["", "1.5", "2.5", "7.25"]), chance.choice("abc")) for _ in range(300)
    ]
    tables = {"games": ("reached", rows), "few": ("weight", rows[:60])}
    with quick_training():
        for name, (first, some) in tables.items():
            file = folder / f"{name}.csv"
            lines = [
                f"{a},{b},{c},{'won' if a + 20 * (c == 'a') + chance.gauss(0, 30) > 60 else 'lost'}"
                for a, b, c in some
            ]
            file.write_text("\n".join([f"{first},size,kind,outcome", *lines]))
            package, _ = add(file, "outcome", name, folder / "data", None, "adult", "won")
            written = json.loads(package.read_text())
            own = written["resources"][0]["schema"]["fields"][0].setdefault("glassform", {})
            own["aliases"] = ["points"] * (name == "games")
            package.write_text(json.dumps(written))
            model.train(package, folder / "artifacts" / name)
    return folder / "artifacts"


@pytest.fixture
def client_of_added(scorecard, added, tmp_path) -> Any:
    shutil.copytree(ARTIFACTS, tmp_path, dirs_exist_ok=True)
    shutil.copytree(added, tmp_path, dirs_exist_ok=True)
    return create_app(tmp_path).test_client()


def test_a_field_called_points_stays_a_field(client_of_added):
    answer = client_of_added.get("/games/scorecard?points=5")
    assert answer.status_code == 200 and "intercept" in answer.json
    page = client_of_added.get("/games/scorecard?points=5", headers=HTML)
    assert page.status_code == 200 and "paper.css" not in page.text
    named = [
        each["name"]
        for each in client_of_added.get("/games/openapi.json").json["paths"]["/scorecard"]["get"]["parameters"]
    ]
    assert "points" not in named and "reached" in named


def test_a_small_table_with_gaps_has_a_card(client_of_added):
    for value in ("?", "2", "1e3"):
        answer = client_of_added.get(f"/few/scorecard?points=5&size={value}")
        assert answer.status_code == 200, answer.text
        assert answer.json["sum"] <= answer.json["most"] <= 99
    assert client_of_added.get("/few/scorecard?points=5", headers=HTML).status_code == 200
