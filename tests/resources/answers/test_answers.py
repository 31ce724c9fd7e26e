import csv
import io
import math
import re

import pytest

CONTRACT = [
    "probability",
    "log_odds",
    "intercept",
    "contributions",
    "record",
    "interval",
    "support",
    "warnings",
    "model",
]


def test_the_answer_has_the_members_of_the_contract_in_order(client, record, scorecard):
    answer = client.get("/probability", query_string=record).json
    assert list(answer) == CONTRACT
    assert answer["record"] == record and list(answer["record"]) == list(record)
    members = [list(term) for term in answer["contributions"]]
    assert members[: len(record)] == [["feature", "value", "log_odds"]] * len(record)
    assert members[len(record) :] == [["feature", "features", "value", "log_odds"]] * len(scorecard.pairs)
    assert answer["model"] == {"name": "adult", "version": scorecard.version}
    assert answer["warnings"] == []


def test_the_arithmetic_can_be_redone_from_the_answer(client, record):
    answer = client.get("/probability", query_string=record).json
    log_odds = answer["intercept"] + sum(term["log_odds"] for term in answer["contributions"])
    assert log_odds == pytest.approx(answer["log_odds"], abs=1e-12)
    assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(answer["probability"], abs=1e-12)
    low, high = answer["interval"]
    assert low < answer["probability"] < high


def test_twins_differ_in_one_group_field_and_are_scored_as_anyone_else(client, record, scorecard):
    answer = client.get("/twins", query_string=record).json
    assert [(twin["feature"], twin["value"]) for twin in answer["twins"]] == [
        ("sex", "Female"),
        *(("race", race) for race in scorecard.schema.by_name["race"].categories if race != record["race"]),
    ]
    for twin in answer["twins"]:
        expected = scorecard.probability(record | {twin["feature"]: twin["value"]})
        assert twin["probability"] == pytest.approx(expected, abs=1e-12)
        assert twin["difference"] == pytest.approx(expected - answer["probability"], abs=1e-12)
    rows = [*csv.DictReader(io.StringIO(client.get("/twins.csv", query_string=record).text))]
    assert [float(row["probability"]) for row in rows] == [twin["probability"] for twin in answer["twins"]]


def test_the_page_of_twins_begins_with_the_largest_difference(client, record, scorecard):
    page = client.get("/twins.html", query_string=record).text
    assert "<h1>Same person, another sex or race</h1>" in page
    found = [*map(float, re.findall(r"([0-9.]+) percentage points (?:higher|lower)", page))]
    assert found == sorted(
        (round(abs(100 * twin["difference"]), 1) for twin in scorecard.twins(record)), reverse=True
    )
    assert "/probability?age=39" in page


def test_links_written_for_the_original_program_give_the_same_answer(client, record):
    older = {
        "age": 39,
        "work": "State-gov",
        "education": "Bachelors",
        "status": "Never-married",
        "race": "White",
        "sex": "Male",
        "hours": 40,
    }
    assert client.get("/probability", query_string=older).json == client.get("/probability", query_string=record).json


def test_get_form_multipart_and_json_are_doors_to_one_answer(client, record):
    expected = client.get("/probability", query_string=record).json
    assert client.post("/probability", json=record).json == expected
    assert client.post("/probability", data=record).json == expected
    assert client.post("/probability", data=record, content_type="multipart/form-data").json == expected


def test_fields_in_a_posts_address_are_refused_by_name(client, record):
    response = client.post("/probability?age=39", json=record)
    assert response.status_code == 422
    assert response.json["errors"] == [
        {"field": "age", "value": "39", "message": "send this in the request body, not in the URL"}
    ]


def test_an_uploaded_file_is_no_field(client, record):
    response = client.post("/probability", data=record | {"age": (io.BytesIO(b"39"), "age.txt")})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["age"]


def test_a_record_of_errors_is_the_problem_of_the_contract(client, record):
    response = client.get("/probability", query_string=record | {"age": 200})
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    problem = response.json
    assert list(problem) == ["type", "title", "status", "detail", "errors"]
    assert problem["errors"] == [{"field": "age", "value": "200", "message": "200 is not between 17 and 90"}]


def test_a_probability_as_csv_is_the_record_and_the_number(client, record, scorecard):
    text = client.get("/probability.csv", query_string=record).text
    (row,) = csv.DictReader(io.StringIO(text))
    assert {name: row[name] for name in record} == {name: str(value) for name, value in record.items()}
    assert float(row["probability"]) == scorecard.probability(record)


def test_the_form_tells_a_program_schema_defaults_and_links(client, scorecard):
    answer = client.get("/").json
    assert answer["schema"] == scorecard.schema.json_schema()
    assert answer["defaults"] == scorecard.typical
    assert answer["links"]["probability"].startswith("/probability{?age,workclass,")
    assert client.get(answer["links"]["examples"]).status_code == 200


def test_the_form_takes_values_from_its_address(client, scorecard):
    assert client.get("/?age=62&work=Private").json["defaults"] == scorecard.typical | {
        "age": 62,
        "workclass": "Private",
    }
    assert client.get("/?age=abc").status_code == 422


def held(level: str, value: str | int) -> bool:
    """Tell whether a level of a pair, as the CSV names it, holds a value: it is the value, or a range as [29, 40)."""
    ends = re.fullmatch(r"[\[(](\S+), (\S+)\)", level)
    return level == value if ends is None else float(ends[1]) <= float(value) < float(ends[2])


def test_the_scorecard_is_enough_to_redo_any_answer(client, record):
    table = {}
    for row in csv.DictReader(io.StringIO(client.get("/scorecard.csv").text)):
        table[row["feature"], row["value"]] = float(row["log_odds"])
        assert float(row["odds_multiplier"]) == pytest.approx(math.exp(float(row["log_odds"])))
    log_odds = table["intercept", ""] + sum(table[name, str(value)] for name, value in record.items())
    for (name, levels), points in table.items():
        if ":" in name:
            first, second = re.findall(r"[\[(]\S+, \S+\)|[^,\s][^,]*", levels)
            values = [record[each] for each in name.split(":")]
            log_odds += points if held(first, values[0]) and held(second, values[1]) else 0.0
    answer = client.get("/probability", query_string=record).json
    assert log_odds == pytest.approx(answer["log_odds"], abs=1e-12)


def test_the_scorecard_in_json_holds_every_point(client, scorecard):
    answer = client.get("/scorecard").json
    assert answer["intercept"] == scorecard.intercept
    for feature in answer["features"]:
        points = scorecard.points[feature["feature"]]
        assert [point["log_odds"] for point in feature["points"]] == list(points.log_odds)
        assert [point["value"] for point in feature["points"]] == list(points.values)


def test_every_example_leads_to_its_own_arithmetic(client, scorecard):
    for example in client.get("/examples").json["examples"]:
        answer = client.get(example["url"]).json
        assert answer["record"] == example["record"]
        assert answer["probability"] == example["probability"]
        assert example["outcome"] in scorecard.schema.target.categories


def test_examples_as_csv_have_a_row_each(client, scorecard):
    rows = [*csv.DictReader(io.StringIO(client.get("/examples.csv").text))]
    assert len(rows) == len(scorecard.examples)
    assert set(rows[0]) == {*scorecard.typical, "outcome", "probability"}


def test_a_live_and_ready_server_says_so(client, scorecard):
    assert client.get("/health/live").json == {"status": "alive"}
    ready = {"status": "ready", "model": scorecard.model, "rows_checked": 25, "refused": None}
    assert client.get("/health/ready").json == ready


def test_a_model_that_answers_otherwise_than_when_trained_is_not_ready(app, client, scorecard, monkeypatch):
    golden = app.extensions["tables"].default.current.training["golden"]
    monkeypatch.setitem(golden[3], "sums", math.nextafter(golden[3]["sums"], 0))
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (503, "not ready")


def test_health_is_never_kept_by_a_cache(client):
    assert client.get("/health/ready").headers["Cache-Control"] == "no-store"


def test_curves_hold_the_probability_of_every_other_answer(client, record, scorecard):
    answer = client.get("/curves", query_string=record).json
    assert answer["record"] == record
    assert [curve["feature"] for curve in answer["curves"]] == list(record)
    for curve in answer["curves"]:
        for point in curve["points"]:
            expected = scorecard.probability(record | {curve["feature"]: point["value"]})
            assert point["probability"] == pytest.approx(expected, abs=1e-12)


def test_curves_as_csv_have_a_row_per_value(client, record, scorecard):
    rows = [*csv.DictReader(io.StringIO(client.get("/curves.csv", query_string=record).text))]
    assert len(rows) == sum(len(points.values) for points in scorecard.points.values())
    assert client.get("/curves?age=200").status_code == 422
