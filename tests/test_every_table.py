"""The same claims about every table that ships: form, answer, what-if, card, scorecard, batch, API, protocol."""

import csv
import io
import json
import math
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import numpy as np
import pandas as pd
import pytest

from glassform import languages
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid, softmax
from glassform.learning.saving import load_pipeline
from glassform.records.validation import json_categories
from glassform.records.values import category_of
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry
from tests.conftest import ROOT, SHIPPED

PACKAGES = {json.loads(path.read_text(encoding="utf-8"))["name"]: path for path in (PACKAGE, *SHIPPED)}
NAMES, STATIC = [*PACKAGES], ROOT / "static"


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return str(request.param)


@pytest.fixture
def root(name) -> str:
    """What the addresses of the table begin with."""
    return "" if PACKAGES[name] == PACKAGE else f"/{name}"


@pytest.fixture
def card(scorecard, root) -> Fitted:
    return Registry(ARTIFACTS / root.strip("/")).load()


@pytest.fixture
def ask(app, root) -> Any:
    """Ask the table for JSON by GET or, with a body, by POST."""
    client = app.test_client()

    def asking(path: str, **options: Any) -> Any:
        method = client.post if options.keys() & {"json", "data"} else client.get
        return method(f"{root}{path}", **options)

    return asking


@pytest.fixture
def rows(name) -> list[dict[str, str]]:
    """The table's test rows, as texts."""
    folder = PACKAGES[name].parent
    with (folder / f"{name}_test.csv").open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def as_record(card: Fitted, row: dict[str, str]) -> Any:
    return card.schema.read_fields((name, row[field.column]) for name, field in card.schema.by_name.items())


def test_three_tables_ship():
    assert NAMES == ["adult", "diabetes", "iris"]


def test_the_form_describes_a_record(ask, card):
    answer = ask("/").json
    assert list(answer["defaults"]) == list(card.schema.by_name)
    jsonschema.validate(answer["defaults"], answer["schema"])
    for link in answer["links"].values():
        assert link.startswith(answer["links"]["self"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", ["/", "/probabilities", "/model", "/scorecard", "/examples", "/docs", "/tables"])
def test_every_page_opens_in_every_language(ask, card, page, language):
    answer = ask(f"{page}?lang={language}", headers={"Accept": "text/html"})
    assert answer.status_code == (404 if page == "/scorecard" and not card.is_additive else 200)
    assert f'<html lang="{languages.TAGS[language]}"' in answer.text


def test_an_answer_says_what_the_model_says(ask, card):
    for example in card.examples:
        answer = ask("/probability", query_string=example["record"]).json
        assert answer["record"] == example["record"] and answer["model"] == card.model
        said = card.members(example["record"])
        assert {name: answer[name] for name in said} == said
        posted = ask("/probability", json=example["record"]).json
        assert posted == answer


def test_an_answer_adds_up_or_says_that_it_does_not(ask, card):
    answer = ask("/probability", query_string=card.typical).json
    if isinstance(card, Scorecard):
        total = answer["intercept"] + math.fsum(term["log_odds"] for term in answer["contributions"])
        assert sigmoid(total) == pytest.approx(answer["probability"], abs=1e-12)
    elif isinstance(card, Additive):
        total = answer["intercept"] + math.fsum(term["points"] for term in answer["contributions"])
        assert total == pytest.approx(answer["prediction"], rel=1e-12)
    elif isinstance(card, ClassesScorecard):
        sums = [
            start + math.fsum(term["points"][label] for term in answer["contributions"])
            for label, start in answer["intercept"].items()
        ]
        assert softmax(sums) == pytest.approx([*answer["probabilities"].values()], abs=1e-12)
    else:
        assert answer["contributions"] is None and "No exact explanation" in answer["warnings"][-1]


def test_the_table_or_the_pipeline_equals_scikit_learn_on_every_test_row(card, root, rows):
    pipeline = load_pipeline(ARTIFACTS / root.strip("/"))
    records = [as_record(card, row) for row in rows[:2000]]
    X = pd.DataFrame(records)
    found = card.all_sums([card.row(record) for record in records])
    if card.schema.task == "number":
        expected, shown = pipeline.predict(X), found
    else:
        expected = pipeline.predict_proba(X)
        shown = [softmax(each) if isinstance(each, list) else [1 - sigmoid(each), sigmoid(each)] for each in found]
    assert np.abs(np.array(shown) - expected).max() <= 1e-9


def test_what_if_and_twins_say_what_the_model_says_of_the_changed_record(ask, card):
    curves = ask("/curves", query_string=card.typical).json["curves"]
    assert [curve["feature"] for curve in curves] == list(card.schema.by_name)
    for curve in curves:
        for point in curve["points"][:: max(1, len(curve["points"]) // 5)]:
            said = card.members(card.typical | {curve["feature"]: point.pop("value")})
            for member, value in said.items():
                assert point[member] == (pytest.approx(value, rel=1e-9) if member != "label" else value)
    twins = ask("/twins", query_string=card.typical).json["twins"]
    assert len(twins) == sum(len(field.values) - 1 for field in card.schema.groups)
    header, *lines = csv.reader(io.StringIO(ask("/twins.csv", query_string=card.typical).text))
    assert header[:2] == ["feature", "value"] and set(card.target.columns) <= set(header)
    assert len(lines) == len(twins)


def test_a_csv_file_comes_back_in_order_with_what_the_model_says(ask, card, name, rows):
    file = (PACKAGES[name].parent / f"{name}_test.csv").read_bytes()
    answer = ask("/probabilities", data=file, headers={"Content-Type": "text/csv"})
    scored = [*csv.DictReader(io.StringIO(answer.text))]
    answer.close()
    assert len(scored) == len(rows)
    assert [{column: row[column] for column in rows[0]} for row in scored] == rows
    column = card.target.columns[0]
    assert scored[3][column] == str(card.score(as_record(card, rows[3])))


def test_json_rows_and_the_page_of_a_batch_agree(ask, card):
    records = [example["record"] for example in card.examples]
    answers = ask("/probabilities", json=records).json
    assert [{key: answer[key] for key in records[0]} for answer in answers] == records
    main = card.target.columns[0]
    assert [answer[main] for answer in answers] == [card.score(record) for record in records]
    page = ask("/probabilities", json=records, headers={"Accept": "text/html"})
    assert page.status_code == 200 and "<table" in page.text


def test_the_simple_door_answers_rows_in_the_order_of_the_fields(ask, card):
    records = [example["record"] for example in card.examples]
    answer = ask("/predict", json={"data": [[*record.values()] for record in records]}).json
    assert len(answer["prediction"]) == len(records)
    if card.schema.classes:
        assert [card.schema.classes[place] for place in answer["prediction"]] == answer["label"]
    single = ask("/predict", json=records[0]).json
    assert single["prediction"] == answer["prediction"][0]


def test_categories_that_are_digits_or_yes_and_no_are_read_as_json_writes_them(ask, card):
    """A program that reads a table takes 1 for a number, and so sends it as one."""
    for field in card.schema.fields:
        for value in json_categories(field):
            category = category_of(field, value)
            answer = ask("/probability", json=card.typical | {field.name: value}).json
            assert answer["record"][field.name] == category
            assert ask("/probabilities", json=[card.typical | {field.name: value}]).json[0][field.name] == category


def test_the_tutorials_call_gets_the_tutorials_answer(app):
    data = {"data": [[5.1, 3.5, 1.4, 0.2], [6.2, 2.8, 4.8, 1.8]]}
    answer: Any = app.test_client().post("/iris/predict", json=data).json
    assert answer["prediction"] == [0, 2] and answer["label"] == ["setosa", "virginica"]


def test_the_inference_protocol_says_the_same(ask, card):
    record = card.typical
    described = ask(f"/v2/models/{card.schema.name}").json
    inputs = [
        {"name": each["name"], "datatype": each["datatype"], "shape": [1], "data": [record[each["name"]]]}
        for each in described["inputs"]
    ]
    answer = ask(f"/v2/models/{card.schema.name}/infer", json={"inputs": inputs}).json
    outputs = {each["name"]: each for each in answer["outputs"]}
    assert [*outputs] == [each["name"] for each in described["outputs"]]
    assert outputs[card.target.columns[0]]["data"] == [card.score(record)]
    for each in outputs.values():
        assert math.prod(each["shape"]) == len(each["data"])


def test_the_scorecard_is_a_file_of_all_points_or_is_not_there(ask, card):
    answer = ask("/scorecard")
    if not card.is_additive:
        assert answer.status_code == 404 and "no sum of one term per field" in answer.json["detail"]
        return
    assert [feature["feature"] for feature in answer.json["features"]] == list(card.schema.by_name)
    described: Any = ask("/scorecard/schema").json
    jsonschema.validate(answer.json, described)
    lines = [*csv.DictReader(io.StringIO(ask("/scorecard.csv").text))]
    cells = sum(len(first) * len(second) for pair in answer.json["pairs"] for first, second in [pair["levels"]])
    assert len(lines) == 1 + sum(len(feature["points"]) for feature in answer.json["features"]) + cells


def test_the_card_says_how_good_the_model_is(ask, card):
    answer = ask("/model").json
    assert answer["model"] == card.model and answer["purpose"] and answer["limits"]
    for score, value in answer["evaluation"]["comparison"]["this"].items():
        assert answer["evaluation"][score] == value
    assert answer["data"]["sources"] and answer["data"]["licenses"]


def test_answers_are_as_the_document_describes_them(ask, card, root):
    document = ask("/openapi.json").json
    assert document["servers"] == [{"url": root or "/"}]
    for path, query in (("/probability", card.typical), ("/curves", card.typical), ("/model", {}), ("/examples", {})):
        described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {"components": document["components"], **described}
        jsonschema.validate(ask(path, query_string=query).json, schema)


def test_bad_input_is_refused_with_field_value_and_rule(ask, card):
    for field in card.schema.fields:
        # nothing at all says that a value is not known, where that is possible
        for wrong in (*([] if field.missing else [""]), "nonsense", "1e99", "-999999", "\x00", "9" * 200):
            answer = ask("/probability", query_string={**card.typical, field.name: wrong})
            assert answer.status_code == 422, (field.name, wrong)
            (error,) = answer.json["errors"]
            assert error["field"] == field.name and error["message"]
    missing = ask("/probability").json["errors"]
    assert [error["field"] for error in missing] == list(card.schema.by_name)
    for path in ("/probability", "/curves", "/twins"):
        page = ask(f"{path}?what=1", headers={"Accept": "text/html, application/json;q=0.5"})
        assert page.status_code == 422


def test_the_model_is_ready_and_unchanged(ask, card):
    answer = ask("/health/ready").json
    assert answer["status"] == "ready" and answer["rows_checked"] == 25


def test_a_version_can_be_pinned(ask, card):
    query = urlencode({**card.typical, "model": card.version})
    assert ask(f"/probability?{query}").json["model"] == card.model
    assert ask(f"/probability?{query}x").status_code == 404


def test_intervals_of_numbers_hold_most_of_the_truth(card):
    if card.schema.task == "number":
        assert 0.88 <= card.evaluation["coverage"] <= 1.0
        low, high = card.explain(card.typical)["interval"]
        assert high - low == pytest.approx(2 * card.training["margin"])


def test_no_module_holds_a_column_name_of_any_table():
    """Every column's header, as it is and as a name, and every category, that is more than a letter and a digit."""
    words: set[str] = set()
    for path in PACKAGES.values():
        for field in json.loads(path.read_text(encoding="utf-8"))["resources"][0]["schema"]["fields"]:
            words |= {field["name"], field["name"].replace(".", "_"), *field["constraints"].get("enum", [])}
    words = {word for word in words if len(word) > 2} - {"South"}
    pages = (ROOT / "templates").rglob("*.html")
    for path in chain(ROOT.glob("*.py"), (ROOT / "glassform").rglob("*.py"), pages, STATIC.iterdir()):
        assert not words_of(path) & words, (path.name, words_of(path) & words)


def words_of(path: Path) -> set[str]:
    """The words of a file, dots and dashes in them kept."""
    text = path.read_text(encoding="utf-8")
    for sign in "\"'`()[]{},:;/ \n\t":
        text = text.replace(sign, " ")
    return set(text.split())


def test_every_address_of_a_table_is_escaped_as_any_other(ask):
    assert ask(f"/probability?{quote('ä=ö')}").status_code == 422
