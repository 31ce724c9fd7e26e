"""Reasons over HTTP: with one answer, with many, as SQL, on the page; what is refused, and with what words."""

import csv
import html
import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
from flask import Flask
from flask.testing import FlaskClient

import model
from server import create_app
from tests.conftest import quick_training

BROWSER = {"Accept": "text/html"}


def test_reasons_come_after_the_answer_and_change_nothing_in_it(client, record):
    plain = client.get("/probability", query_string=record).json
    answer = client.get("/probability", query_string=record | {"reasons": 3}).json
    reasons = answer.pop("reasons")
    assert answer == plain
    assert list(reasons) == ["count", "against", "direction", "reference", "listed", "warnings"]
    assert (reasons["count"], reasons["against"], reasons["direction"]) == (3, "average", "down")
    for each in reasons["listed"]:
        assert {"feature", "value", "code", "sentence", "difference", "protected"} <= each.keys()


def test_a_posted_record_takes_them_in_its_address(client, record):
    asked = {"reasons": 2, "against": "best", "direction": "up"}
    posted = client.post("/probability", query_string=asked, json=record)
    assert posted.status_code == 200
    assert posted.json == client.get("/probability", query_string=record | asked).json
    assert client.post("/probability", query_string=asked | {"age": 3}, json=record).status_code == 422


def test_the_threshold_is_part_of_the_reference(client, record):
    asked = {"reasons": 1, "against": "threshold"}
    assert client.get("/probability", query_string=record | asked).json["reasons"]["threshold"] == 0.5
    reasons = client.get("/probability", query_string=record | asked | {"threshold": "0.3"}).json["reasons"]
    assert reasons["threshold"] == reasons["reference"]["probability"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("reasons=0", "reasons", "0 is not a whole number from 1 to 7"),
        ("reasons=8", "reasons", "8 is not a whole number from 1 to 7"),
        ("reasons=three", "reasons", "three is not a whole number from 1 to 7"),
        ("reasons=", "reasons", "'' is not a whole number from 1 to 7"),
        ("reasons=9999999999999", "reasons", "9999999999999 is not a whole number from 1 to 7"),
        ("reasons=1&reasons=2", "reasons", "is given more than once"),
        ("reasons=1&against=worst", "against", "worst is not one of average, threshold, best"),
        ("reasons=1&direction=left", "direction", "left is not one of down, up"),
        ("reasons=1&threshold=0.4", "threshold", "goes with against=threshold only"),
        ("reasons=1&against=threshold&threshold=1", "threshold", "1 is not a probability above 0 and below 1"),
        ("reasons=1&against=threshold&threshold=nan", "threshold", "nan is not a probability above 0 and below 1"),
        ("against=best", "against", "goes with reasons only"),
        ("againts=best", "againts", "is not a field"),
    ],
)
def test_what_cannot_be_asked_is_named(client, record, query, field, message):
    fields = "&".join(f"{name}={value}" for name, value in record.items())
    refused = client.get(f"/probability?{fields}&{query}")
    assert refused.status_code == 422
    (error,) = refused.json["errors"]
    assert error["field"] == field and message in error["message"]
    if "reasons" in query:
        rows = client.post(f"/probabilities?{query}", json=[record])
        assert (rows.status_code, rows.json["errors"]) == (422, refused.json["errors"])


def test_a_version_from_before_reasons_says_to_train_again(client, app, record, monkeypatch):
    monkeypatch.delitem(app.extensions["tables"].default.current.training, "slopes")
    refused = client.get("/probability", query_string=record | {"reasons": 1, "against": "threshold"})
    assert refused.status_code == 422 and "Train it again" in refused.json["errors"][0]["message"]
    assert client.get("/probability", query_string=record | {"reasons": 1}).status_code == 200


def test_a_pipeline_says_why_it_has_none(client):
    answer = client.get("/iris/probability", query_string=client.get("/iris/").json["defaults"] | {"reasons": 1})
    assert answer.status_code == 422 and "does not add up" in answer.json["errors"][0]["message"]


def test_a_number_has_them_in_its_unit(client):
    typical = client.get("/diabetes/").json["defaults"]
    answer = client.get("/diabetes/probability", query_string=typical | {"reasons": 2, "against": "best"}).json
    assert list(answer["reasons"]["reference"]) == ["prediction"]
    refused = client.get("/diabetes/probability", query_string=typical | {"reasons": 1, "against": "threshold"})
    assert refused.json["errors"][0]["message"] == "threshold is not one of average, best"


def test_the_csv_of_one_answer_has_a_column_for_each(client, record):
    text = client.get("/probability.csv", query_string=record | {"reasons": 7}).text
    (row,) = csv.DictReader(io.StringIO(text))
    listed = client.get("/probability", query_string=record | {"reasons": 7}).json["reasons"]["listed"]
    codes = [each["code"] for each in listed]
    assert [row[f"reason_{number}"] for number in range(1, 8)] == codes + [""] * (7 - len(codes))
    assert row["protected_reasons"] == str(sum(each["protected"] for each in listed))


# ---- many records


def test_many_records_get_codes_as_csv_and_whole_reasons_as_json(client, scorecard):
    people = [each["record"] for each in scorecard.examples]
    asked = {"reasons": 3, "against": "threshold"}
    single = [client.get("/probability", query_string=each | asked).json["reasons"] for each in people]
    listed: Any = client.post("/probabilities", query_string=asked, json=people, buffered=True).json
    assert [each["reasons"] for each in listed] == [each["listed"] for each in single]
    sent = io.StringIO()
    writer = csv.DictWriter(sent, list(people[0]))
    writer.writeheader()
    writer.writerows(people)
    options = {"data": sent.getvalue(), "content_type": "text/csv", "buffered": True}
    answer = client.post("/probabilities", query_string=asked, **options)
    for row, each in zip(csv.DictReader(io.StringIO(answer.text)), single, strict=True):
        codes = [reason["code"] for reason in each["listed"]]
        assert [row["reason_1"], row["reason_2"], row["reason_3"]] == [*codes, "", "", ""][:3]
        assert row["protected_reasons"] == str(sum(reason["protected"] for reason in each["listed"]))


def test_a_batch_without_the_parameter_is_as_before(client, record):
    assert "reasons" not in client.post("/probabilities", json=[record], buffered=True).json[0]


def test_a_column_of_that_name_is_refused(client, record):
    text = "\n".join([",".join([*record, "reason_1"]), ",".join([*map(str, record.values()), "x"])])
    options = {"data": text, "content_type": "text/csv", "buffered": True}
    assert client.post("/probabilities", **options).status_code == 200
    refused = client.post("/probabilities?reasons=1", **options)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "reason_1"


# ---- SQL


FURTHER = dict.fromkeys(("step_1", "rank_1", "stepped", "ranked", "probability", "reason"), "VARCHAR")


@pytest.mark.engine
@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_the_select_lists_what_the_server_lists(client, scorecard, dialect):
    people, fields = [each["record"] for each in scorecard.examples], scorecard.schema.fields
    asked = {"reasons": 2, "against": "best"}
    query = client.get("/scorecard.sql", query_string=asked | {"dialect": dialect}).text
    kinds = {field.column: "VARCHAR" if field.categories else "INTEGER" for field in fields} | FURTHER
    columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    with closing({"duckdb": duckdb, "sqlite": sqlite3}[dialect].connect(":memory:")) as engine:
        engine.execute(f"CREATE TABLE people ({columns})")
        marks = ", ".join("?" * len(kinds))
        for each in people:
            row = [each[field.name] for field in fields]
            engine.execute(f"INSERT INTO people VALUES ({marks})", [*row, *[None] * len(FURTHER)])
        cursor = engine.execute(query.strip().rstrip(";"))
        names, found = [each[0] for each in cursor.description], cursor.fetchall()
    assert len(found) == len(people)
    for row in found:
        said = dict(zip(names, row, strict=True))  # a join loses the order of rows
        record = {field.name: said[field.column] for field in scorecard.schema.fields}
        reasons = client.get("/probability", query_string=record | asked).json["reasons"]["listed"]
        assert [said["reason_1"], said["reason_2"]] == [reason["code"] for reason in reasons]
        assert said["protected_reasons"] == sum(reason["protected"] for reason in reasons)


def test_only_sql_has_the_reasons_of_a_scorecard(client):
    assert client.get("/scorecard.sql?reasons=2").text != client.get("/scorecard.sql").text
    assert client.get("/scorecard.sql?reasons=2&dialect=postgres&age=30").status_code == 200
    assert client.get("/scorecard.json?reasons=2").status_code == 422
    refused = client.get("/scorecard.sql?reasons=99")
    assert refused.json["errors"][0]["message"] == "99 is not a whole number from 1 to 7"


# ---- the page


def test_the_page_lists_them_in_words_with_the_reference(client, record):
    asked = record | {"reasons": 2, "against": "threshold"}
    reasons = client.get("/probability", query_string=asked).json["reasons"]
    page = client.get("/probability", query_string=asked, headers=BROWSER).text
    for each in reasons["listed"]:
        assert each["sentence"] in page
    assert "Compared with the typical person at 50.0%." in page
    assert 'name="reasons" value="2"' in page and 'name="against" value="threshold"' in page
    assert "direction=up" in page and "against=best" in page


def test_a_small_threshold_is_written_so_that_it_can_be_read_again(client, record):
    asked = {"reasons": "2", "against": "threshold", "threshold": "0.00001"}
    page = client.get("/probability", query_string=record | asked, headers=BROWSER).text
    assert 'name="threshold" value="0.00001"' in page and "1e-05" not in page
    links = [html.unescape(each) for each in re.findall(r'href="([^"]*threshold=[^"]*)"', page)]
    assert links and all(client.get(each, headers=BROWSER).status_code == 200 for each in links)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.3333333333333333", 1 / 3),
        ("0.30000000000000004", 0.1 + 0.2),
        ("1e-3", 0.001),
        ("+0.5", 0.5),
        (" .25", 0.25),
        ("1e-16", 1e-16),
        ("0.9999999999999999", 1 - 2**-53),
    ],
)
def test_a_threshold_is_read_as_any_number_is_and_links_lead_to_the_same(client, record, text, number):
    asked = record | {"reasons": "2", "against": "threshold", "threshold": text}
    reasons = client.get("/probability", query_string=asked).json["reasons"]
    assert reasons["threshold"] == number
    page = client.get("/probability", query_string=asked, headers=BROWSER).text
    links = [html.unescape(each) for each in re.findall(r'href="([^"]*against=threshold[^"]*)"', page)]
    assert links and all(client.get(each).json["reasons"]["threshold"] == number for each in links)


@pytest.mark.parametrize("text", ["0.5%", "0,5", "0_1", "0x1", "1e-400", "-0.1", "", "0" * 200 + ".5"])
def test_what_is_no_number_or_no_probability_is_no_threshold(client, record, text):
    asked = record | {"reasons": "2", "against": "threshold", "threshold": text}
    refused = client.get("/probability", query_string=asked)
    assert refused.status_code == 422
    assert "is not a probability above 0 and below 1" in refused.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("given", "names"),
    [("direction=up", ["direction"]), ("against=best&threshold=0.5", ["against", "threshold"])],
)
def test_what_goes_with_reasons_alone_says_so_without_them(client, record, given, names):
    one = urlencode(record)
    for answer in (
        client.get(f"/probability?{one}&{given}"),
        client.get(f"/probability?{given}"),
        client.post(f"/probability?{given}", json=record),
        client.post(f"/probabilities?{given}", json=[record]),
        client.get(f"/scorecard.sql?{given}"),
    ):
        assert answer.status_code == 422
        told = [(each["field"], each["message"]) for each in answer.json["errors"]]
        assert told == [(name, "goes with reasons only") for name in names]


def test_the_best_of_a_model_with_pairs_is_nobodys_answer(client, scorecard, record):
    assert scorecard.pairs
    for direction, said in (("down", "the most points in every line"), ("up", "the fewest points in every line")):
        asked = record | {"reasons": 2, "against": "best", "direction": direction}
        assert client.get("/probability", query_string=asked).json["reasons"]["reference"] == {}
        page = client.get("/probability", query_string=asked, headers=BROWSER).text
        assert f"Compared with {said} of the sum" in page and "which would mean" not in page


def test_the_form_to_mend_a_record_on_goes_on_asking_for_them(client, record):
    asked = record | {"age": 200, "reasons": 3, "against": "threshold", "threshold": "0.3"}
    page = client.get("/probability", query_string=asked, headers=BROWSER)
    assert page.status_code == 422
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page.text))
    assert hidden.items() >= {"reasons": "3", "against": "threshold", "threshold": "0.3"}.items()
    plain = client.get("/probability", query_string=record | {"age": 200}, headers=BROWSER)
    assert plain.status_code == 422 and 'name="reasons"' not in plain.text


def test_a_page_that_was_not_asked_offers_them(client, record):
    page = client.get("/probability", query_string=record, headers=BROWSER).text
    assert "reasons=3#reasons" in page and "the-reasons" not in page


def test_openapi_describes_them(client):
    described = client.get("/openapi.json").json
    for path, method in (("/probability", "get"), ("/probability", "post"), ("/probabilities", "post")):
        named = {each["name"]: each for each in described["paths"][path][method]["parameters"]}
        assert named["reasons"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 7}
        assert named["against"]["schema"]["enum"] == ["average", "threshold", "best"]


# ---- any table


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Any:
    """A server for a table whose fields are called like parameters and an added column, one protected, with gaps."""
    folder: Path = tmp_path_factory.mktemp("crowded")
    lines = ["against,direction,reason_2,y\n"]
    lines += [
        f"{n % 7 if n % 11 else ''},{'ab'[n % 3 == 0]},{n % 4},{'yes' if (n * 7) % 10 > n % 7 else 'no'}\n"
        for n in range(300)
    ]
    for name in ("rows", "test"):
        (folder / f"{name}.csv").write_text("".join(lines))
    fields = [
        {
            "name": "against",
            "type": "integer",
            "constraints": {"minimum": 0, "maximum": 6},
            "glassform": {"gaps": True},
        },
        {"name": "direction", "type": "string", "constraints": {"enum": ["a", "b"]}},
        {"name": "reason_2", "type": "integer", "constraints": {"minimum": 0, "maximum": 3}},
        {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
    ]
    own = {
        "question": "Yes?",
        "outcome": "is",
        "note": "",
        "target": "y",
        "positive": "yes",
        "features": ["against", "direction", "reason_2"],
    }
    own |= {"groups": ["direction"], "estimator": "logistic", "train": "rows", "test": "test"}
    resources = [
        {"name": "rows", "path": "rows.csv", "schema": {"fields": fields}},
        {"name": "test", "path": "test.csv"},
    ]
    package = {"name": "crowded", "title": "C", "description": "", "glassform": own, "resources": resources}
    (folder / "datapackage.json").write_text(json.dumps(package))
    with quick_training():
        model.train(folder / "datapackage.json", folder / "artifacts")
    return folder / "artifacts"


def served(artifacts: Path) -> FlaskClient:
    app: Flask = create_app(artifacts)
    return app.test_client()


def test_a_field_with_the_name_of_a_parameter_keeps_it(crowded):
    client = served(crowded)
    answer: Any = client.get("/probability?against=?&direction=b&reason_2=1&reasons=2").json
    assert (answer["reasons"]["against"], answer["record"]["against"]) == ("average", "?")
    page = client.get("/probability?against=5&direction=b&reason_2=1&reasons=2", headers=BROWSER)
    assert page.status_code == 200 and "What lowers this answer most" in page.text
    ids = re.findall(r'\sid="([^"]+)"', page.text)
    assert len(ids) == len({*ids})
    described: Any = client.get("/openapi.json").json
    asked = {each["name"] for each in described["paths"]["/probabilities"]["post"]["parameters"]}
    assert "reasons" in asked and not asked & {"against", "direction"}


def test_a_field_with_the_name_of_an_added_column_is_not_overwritten(crowded):
    client, record = served(crowded), {"against": "5", "direction": "b", "reason_2": "1"}
    for count, status in ((1, 200), (2, 422)):
        asked = {"reasons": count}
        single = client.get("/probability.csv", query_string=record | asked)
        several = client.post("/probabilities", query_string=asked, json=[{**record, "against": 5, "reason_2": 1}])
        assert (single.status_code, several.status_code) == (status, status)
    assert [each["field"] for each in csv_problem(client, record)] == ["reason_2"]
    assert client.get("/probability", query_string=record | {"reasons": 2}).status_code == 200


def csv_problem(client: FlaskClient, record: dict[str, str]) -> Any:
    answer: Any = client.get("/probability.csv", query_string=record | {"reasons": 2}).json
    return answer["errors"]
