"""The simple door: the tutorials' own calls."""

import json

import pytest
from sklearn.metrics import accuracy_score

from glassform.learning.saving import load_pipeline


@pytest.fixture
def rows(splits):
    return splits["adult_test"].X.head(200).to_numpy().tolist()


def test_rows_of_values_get_the_classes_scikit_learn_predicts(client, splits, rows):
    answer = client.post("/predict", json={"data": rows})
    expected = load_pipeline().predict(splits["adult_test"].X.head(200))
    assert answer.json["prediction"] == expected.tolist()
    assert accuracy_score(splits["adult_test"].y[:200], answer.json["prediction"]) > 0.75
    assert answer.json["label"] == [[*("<=50K", ">50K")][each] for each in expected]


def test_a_record_gets_its_label_and_probability(client, scorecard, record):
    answer = client.post("/predict", json=record).json
    assert answer == {
        "prediction": 0,
        "label": "<=50K",
        "probability": scorecard.probability(record),
        "model": scorecard.model,
    }


def test_rows_may_be_objects_and_older_names_work(client, record):
    older = {"work" if name == "workclass" else name: value for name, value in record.items()}
    answer = client.post("/predict", json={"data": [record, older, [*record.values()]]}).json
    assert len(set(answer["probability"])) == 1 and len(answer["prediction"]) == 3


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", None])
def test_the_body_is_json_whatever_curl_calls_it(client, record, kind):
    assert client.post("/predict", data=json.dumps({"data": [[*record.values()]]}), content_type=kind).json[
        "prediction"
    ] == [0]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ('{"data": []}', [(0, "", "there are no rows")]),
        ('{"data": 1}', [(None, "data", "1 is not an array of rows")]),
        ('{"data": {"age": 1}}', [(None, "data", "an object is not an array of rows")]),
        ('{"data": [[39]]}', [(1, "", "the row has 1 values, and a record has 7 fields")]),
        ('{"data": [39]}', [(1, "", "a row is an array of 7 values, or an object, and this is 39")]),
        ('{"data": [], "age": 39}', [(None, "data", "stands alone in its object, or not at all")]),
        ('{"data": [], "data": []}', [(None, "data", "is given more than once")]),
        ('{"data": [[39,"State-gov","Bachelors","Never-married","White","Male","40"]]}', None),
        ('{"data": [[39,"State-gov","Bachelors","Never-married","White","Male",true]]}', None),
        ('{"data": [[200,"State-gov","Bachelors","Never-married","White","Male",40]]}', None),
        ("{}", None),
        ("[]", [(None, "", "a record is an object, and this is a list")]),
        ("null", [(None, "", "a record is an object, and this is null")]),
    ],
)
def test_what_is_wrong_is_named(client, record, body, errors):
    answer = client.post("/predict", data=body, content_type="application/json")
    assert answer.status_code == 422 and answer.json["errors"]
    if errors:
        found = [(each.get("row"), each["field"], each["message"]) for each in answer.json["errors"]]
        assert found == errors
    assert client.post("/predict", json=record).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"data": [', "application/json", 400),
        (b"age=39&sex=Male", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/json", 400),
        (b"age,sex", "text/csv", 415),
        (b" " * (8 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_what_is_no_json_is_refused(client, body, kind, status):
    assert client.post("/predict", data=body, content_type=kind).status_code == status


def test_more_rows_than_are_read_are_refused_before_they_are_looked_at(client):
    many = client.post("/predict", data=f'{{"data": [{"1," * 1_000_000}1]}}', content_type="application/json")
    assert many.status_code == 413 and "1,000,000 rows" in many.json["detail"]


def test_a_get_is_told_to_post(client):
    answer = client.get("/predict")
    assert answer.status_code == 405 and set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
