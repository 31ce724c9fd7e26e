"""Several tables side by side: found, told apart, and listed."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import model
from glassform.learning.recipe import Recipe
from glassform.settings import ARTIFACTS, PACKAGE
from server import create_app
from tests.conftest import quick_training

NAME = "copied"


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The census once more, under another name and with other words."""
    folder: Path = tmp_path_factory.mktemp("package")
    described = json.loads(PACKAGE.read_text(encoding="utf-8"))
    described |= {"name": NAME, "title": "A copy"}
    described["glassform"]["question"] = "Is the copy as good?"
    (folder / "datapackage.json").write_text(json.dumps(described), encoding="utf-8")
    for name in ("adult.csv", "adult_test.csv"):
        (folder / name).symlink_to(PACKAGE.parent / name)
    return folder / "datapackage.json"


def alone(folder: Path) -> None:
    """Copy the default table's versions, and no further table."""
    further = [path.parent.name for path in ARTIFACTS.glob("*/registry.json")]
    shutil.copytree(ARTIFACTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*further))


@pytest.fixture(scope="module")
def artifacts(scorecard, package, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("artifacts")
    alone(folder)
    told = scorecard.training["recipe"]
    with quick_training(Recipe(**told | {"pairs": tuple(map(tuple, told["pairs"]))}), scorecard.evaluation["rivals"]):
        model.train(package, folder / NAME)
    return folder


@pytest.fixture
def tables(artifacts) -> Any:
    return create_app(artifacts).test_client()


def test_a_further_table_answers_under_its_name(tables, record):
    first, second = (
        tables.get("/probability", query_string=record),
        tables.get("/copied/probability", query_string=record),
    )
    assert first.json["model"]["name"] == "adult" and second.json["model"]["name"] == NAME
    assert first.json["model"]["version"] != second.json["model"]["version"]
    assert first.json["probability"] == second.json["probability"]


def test_the_default_table_answers_under_its_name_too(tables, record):
    answers = [tables.get(f"{root}/probability", query_string=record) for root in ("", "/adult")]
    assert answers[0].data == answers[1].data


def test_every_link_of_a_tables_page_stays_in_it(tables):
    page = tables.get("/copied/", headers={"Accept": "text/html"}).text
    assert "Is the copy as good?" in page
    for path in ("/copied/probabilities", "/copied/scorecard", "/copied/?lang=zh", "/copied/tables"):
        assert f'"{path}' in page
    assert 'action="/copied/probability"' in page and 'href="/probabilities"' not in page
    links = tables.get("/copied/").json["links"].values()
    assert all(link.startswith("/copied/") for link in links)


def test_the_tables_are_listed_in_every_language(tables):
    listed = tables.get("/tables").json["tables"]
    assert [(each["name"], each["url"]) for each in listed] == [("adult", "/"), (NAME, "/copied/")]
    assert tables.get("/copied/tables").json["tables"] == listed
    page = tables.get("/tables?lang=zh", headers={"Accept": "text/html"}).text
    assert 'lang="zh-Hans"' in page and 'href="/copied/"' in page


def test_a_single_table_is_not_switched(scorecard, tmp_path):
    alone(tmp_path)
    page = create_app(tmp_path).test_client().get("/", headers={"Accept": "text/html"}).text
    assert "All tables" not in page and page.count("<summary>") == 1  # that of the menu for owners


@pytest.mark.parametrize("path", ["/nothing/", "/COPIED/", "/copied2", "/..%2fcopied/", "/copied.json", "/%00/"])
def test_a_table_that_is_not_there_is_not_found(tables, path):
    assert tables.get(path).status_code == 404


def test_the_inference_protocol_finds_every_table(tables):
    for root in ("", "/copied"):
        for name in ("adult", NAME):
            assert tables.get(f"{root}/v2/models/{name}").json["name"] == name
    missing = tables.get("/v2/models/nothing")
    assert missing.status_code == 404 and "adult, copied" in missing.text


def test_the_document_of_a_table_speaks_of_its_addresses(tables):
    roots = [tables.get(f"{root}/openapi.json").json["servers"] for root in ("", "/copied")]
    assert roots == [[{"url": "/"}], [{"url": "/copied"}]]


def test_a_table_that_comes_while_serving_is_served(artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr("glassform.versions.served.SECONDS_BETWEEN_LOOKS", 0)
    shutil.copytree(artifacts, tmp_path, dirs_exist_ok=True)
    (tmp_path / NAME).rename(tmp_path.parent / "waiting")
    client = create_app(tmp_path).test_client()
    assert client.get("/copied/").status_code == 404
    (tmp_path.parent / "waiting").rename(tmp_path / NAME)
    assert client.get("/copied/").status_code == 200


def test_a_damaged_table_does_not_touch_the_others(artifacts, tmp_path):
    shutil.copytree(artifacts, tmp_path, dirs_exist_ok=True)
    (tmp_path / NAME / "registry.json").write_text("{")
    client = create_app(tmp_path).test_client()
    assert client.get("/").status_code == 200 and client.get("/copied/").status_code == 404


def test_no_table_hides_an_address(artifacts, tmp_path):
    shutil.copytree(artifacts, tmp_path, dirs_exist_ok=True)
    (tmp_path / NAME).rename(tmp_path / "model")
    client: Any = create_app(tmp_path).test_client()
    assert client.get("/model").json["model"]["name"] == "adult"


@pytest.mark.parametrize("harm", ["altered", "gone", "no library"])
def test_a_pipeline_that_cannot_be_opened_makes_its_table_unavailable_and_no_other(
    scorecard, tmp_path, harm, monkeypatch, record
):
    shutil.copytree(ARTIFACTS, tmp_path, dirs_exist_ok=True)
    (path,) = (tmp_path / "iris").glob("*/pipeline.joblib")
    if harm == "altered":
        path.write_bytes(path.read_bytes() + b"x")
    elif harm == "gone":
        path.unlink()
    else:
        monkeypatch.setitem(sys.modules, "joblib", None)
    client: Any = create_app(tmp_path).test_client()
    flower = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    for accept in ("application/json", "text/html"):
        answer = client.get("/iris/probability", query_string=flower, headers={"Accept": accept})
        assert answer.status_code == 503 and "pipeline.joblib" in answer.text
    assert client.get("/iris/health/ready").status_code == 503
    assert client.get("/iris/").status_code == 200
    assert client.get("/probability", query_string=record).status_code == 200
