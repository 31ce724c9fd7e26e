"""The simple door: the tutorials' own calls."""

import json

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from glassform.batches.predict_bodies import Rows, read_body
from glassform.learning.saving import load_pipeline
from glassform.records.parsing import Pairs
from glassform.records.schema import Schema
from tests.people import PERSON


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
        ("[]", [(0, "", "there are no rows")]),
        ("[39]", [(1, "", "a row is an array of 7 values, or an object, and this is 39")]),
        ('{"instances": 1}', [(None, "instances", "1 is not an array of rows")]),
        ('{"instances": []}', [(0, "", "there are no rows")]),
        ('{"instances": [[39]]}', [(1, "", "the row has 1 values, and a record has 7 fields")]),
        ('{"instances": [], "inputs": []}', [(None, "instances", "stands alone in its object, or not at all")]),
        ('{"instances": [], "params": 1, "params": 2}', [(None, "params", "is given more than once")]),
        ('{"inputs": null}', [(None, "inputs", "null is not an array of rows")]),
        ('{"inputs": {}}', [(0, "", "there are no rows")]),
        (
            '{"inputs": {"age": [1, 2], "sex": ["x"]}}',
            [(None, "sex", "the column has 1 values, and the first one has 2")],
        ),
        ('{"dataframe_records": {}}', [(None, "dataframe_records", "an object is not an array of rows")]),
        ('{"dataframe_split": []}', [(None, "dataframe_split", "a record is an object, and this is a list")]),
        ('{"dataframe_split": {}}', [(None, "data", "is missing")]),
        ('{"dataframe_split": {"columns": null, "data": []}}', [(None, "columns", "null is not an array of rows")]),
        (
            '{"dataframe_split": {"columns": ["age", "sex"], "data": [[39, "Male"], [39], 7]}}',
            [
                (2, "", "the row has 1 values, and there are 2 columns"),
                (3, "", "a row is an array of 2 values, or an object, and this is 7"),
            ],
        ),
        ('{"dataframe_split": {"data": [], "data": []}}', [(None, "data", "is given more than once")]),
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


def shapes(record) -> dict[str, tuple[object, str]]:
    """One record twice in every shape that is read, and the member of the answer."""
    values, frame = [*record.values()], pd.DataFrame([record, record])
    split, columns = json.loads(frame.to_json(orient="split")), frame.to_dict(orient="list")
    nested = {name: [[value], [value]] for name, value in record.items()}
    return {
        "a bare array": ([values, values], ""),
        "a bare array of records": ([record, record], ""),
        "data": ({"data": [values, values]}, ""),
        "instances": ({"instances": [values, values]}, "predictions"),
        "instances as objects": ({"signature_name": "x", "instances": [record, record]}, "predictions"),
        "instances with parameters": ({"instances": [values, record], "parameters": {"a": 1}}, "predictions"),
        "inputs": ({"inputs": [values, values]}, "outputs"),
        "inputs as records": ({"inputs": [record, record], "params": {"a": [1]}}, "outputs"),
        "inputs as columns": ({"inputs": columns | {"id": [1, 2]}}, "outputs"),
        "inputs as columns of rows": ({"inputs": nested}, "outputs"),
        "split": ({"dataframe_split": split}, "predictions"),
        "split, other columns too": (
            {"dataframe_split": {"columns": ["id", *record], "data": [[1, *values], [None, *values]]}},
            "predictions",
        ),
        "split, in another order": (
            {"dataframe_split": {"data": [values[::-1]] * 2, "columns": [*record][::-1]}},
            "predictions",
        ),
        "split, of an array": (
            {"dataframe_split": {"columns": [*range(7)], "data": [values, values]}},
            "predictions",
        ),
        "split, without columns": ({"dataframe_split": {"data": [values, values]}}, "predictions"),
        "records": ({"dataframe_records": frame.assign(id=1).to_dict(orient="records")}, "predictions"),
    }


@pytest.mark.parametrize("shape", [*shapes(PERSON)])
def test_the_bodies_of_model_servers_get_the_answers_that_go_with_them(client, record, shape):
    rich = {**record, "age": 50, "education": "Doctorate", "marital_status": "Married-civ-spouse"}
    for person, expected in ((record, [0, 0]), (rich, [1, 1])):
        body, member = shapes(person)[shape]
        answer = client.post("/predict", data=json.dumps(body)).json
        assert answer == ({member: expected} if member else client.post("/predict", json={"data": [person] * 2}).json)


@pytest.mark.parametrize("member", ["instances", "inputs", "dataframe_records"])
def test_numbers_and_classes_are_predicted_alike(client, member):
    answers = {"instances": "predictions", "inputs": "outputs", "dataframe_records": "predictions"}
    for table in ("diabetes", "iris"):
        rows = [each["record"] for each in client.get(f"/{table}/examples").json["examples"]]
        ours = client.post(f"/{table}/predict", json={"data": rows}).json["prediction"]
        assert client.post(f"/{table}/predict", json={member: rows}).json == {answers[member]: ours}


@pytest.mark.parametrize(
    "body",
    [
        *("null", "3", '"x"', "{}", '{"rows": [[1]]}', '{"instances": 1}', '{"data": [], "age": 39}'),
        *('{"inputs": {"a": []}, "b": 1}', "age=39&sex=Male", '{"data": ['),
    ],
)
def test_what_cannot_be_read_is_told_the_shapes_that_can(client, body):
    answer = client.post("/predict", data=body)
    assert answer.status_code in (400, 422)
    for name in ("data", "instances", "inputs", "dataframe_split", "dataframe_records"):
        assert f"{{{name}: " in answer.json["detail"]


def test_a_record_with_errors_is_no_other_shape(client, record):
    answer = client.post("/predict", json=record | {"age": 200}).json
    assert "instances" not in answer["detail"] and answer["errors"][0]["field"] == "age"
    assert client.post("/predict", json=record | {"id": 1}).status_code == 422


def test_a_field_may_have_the_name_of_a_shape(schema):
    package = json.loads(json.dumps(schema.package).replace('"age"', '"inputs"'))
    renamed = Schema(package)
    assert read_body(b'{"inputs": 39, "sex": "Male"}', renamed) == [("inputs", 39), ("sex", "Male")]
    assert read_body(b'{"inputs": [[1]]}', renamed) == Rows([[1]], "outputs")


def test_the_values_of_a_single_field_may_stand_for_rows(schema):
    package = json.loads(json.dumps(schema.package))
    package["glassform"] |= {"features": ["age"], "groups": []}
    found = read_body(b'{"instances": [39, [40], {"age": 41}]}', Schema(package))
    assert found == Rows([[39], [40], Pairs([("age", 41)])], "predictions")


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
