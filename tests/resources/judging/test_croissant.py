"""Every table is described as MLCommons' own reader of Croissant reads it, without a warning."""

import json
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import mlcroissant
import pandas as pd
import pytest
from absl import logging

from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry
from glassform.web.linked import BETWEEN_AUTHORS
from tests.conftest import ROOT
from tests.resources.judging.conftest import HEADERS, ODD

# the reader's own reader of JSON-LD, rdflib, warns of what it does itself
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
DATA = ROOT / "data"
MOST = 500  # rows: the reader takes a millisecond for each
FOLDERS = {"": DATA, "/census": DATA, "/iris": DATA / "iris", "/diabetes": DATA / "diabetes"}


def read(answer: Any, data: Path, folder: Path, warned: Any) -> mlcroissant.Dataset:
    """What the reader makes of a description beside the table's files."""
    for path in data.glob("*.csv"):
        shutil.copy(path, folder)
    (folder / "croissant.json").write_bytes(answer.data)
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings and not warned.text
    return dataset


def rows(dataset: mlcroissant.Dataset, record_set: dict[str, Any]) -> list[dict[str, Any]]:
    """The first rows of a file as the reader yields them, their columns named by their headers, texts decoded."""
    headers = {field["@id"]: field["name"] for field in record_set["field"]}
    return [
        {headers[name]: each.decode() if isinstance(each, bytes) else each for name, each in record.items()}
        for record in islice(dataset.records(record_set=record_set["@id"]), MOST)
    ]


@pytest.fixture
def warned(caplog, monkeypatch) -> Any:
    """What is logged; the reader's own logger passes nothing on by itself."""
    monkeypatch.setattr(logging.get_absl_logger(), "propagate", True)

    return caplog


@pytest.mark.parametrize("root", FOLDERS)
def test_mlcroissant_finds_nothing_wrong_and_reads_the_rows_of_the_shipped_tables(client, root, tmp_path, warned):
    answer = client.get(f"{root}/croissant.json")
    dataset = read(answer, FOLDERS[root], tmp_path, warned)
    sets = answer.json["recordSet"] if root != "/census" else []  # the rows of the default table, once more
    for record_set in sets:
        table = pd.read_csv(FOLDERS[root] / f"{record_set['name']}.csv", keep_default_na=False, nrows=MOST)
        found = pd.DataFrame(rows(dataset, record_set))
        assert [*found] == [*table] and len(found) == len(table)
        types = {field["name"]: field["dataType"] for field in record_set["field"]}
        for name in table:
            expected = table[name].astype(str) if types[name] == "sc:Text" else table[name]
            assert found[name].tolist() == expected.tolist(), name


def test_a_table_with_odd_headers_and_gaps_is_described_and_read_as_well(odd_client, odd_tables, tmp_path, warned):
    answer = odd_client.get(f"/{ODD}/croissant.json")
    dataset = read(answer, odd_tables / "data" / ODD, tmp_path, warned)
    training, _ = answer.json["recordSet"]
    table = pd.read_csv(odd_tables / "data" / ODD / f"{ODD}.csv", keep_default_na=False, dtype=str)
    found = pd.DataFrame(rows(dataset, training))
    assert [*found] == [*table] == HEADERS
    # what pandas takes for a missing text, the reader does too
    assert found.fillna("null").astype(str).values.tolist() == table.values.tolist()
    types = {field["name"]: field["dataType"] for field in training["field"]}
    assert (types[HEADERS[0]], types[HEADERS[3]]) == ("sc:Text", "sc:Integer"), "a number with gaps is text"


def test_the_files_are_named_with_their_hashes_and_not_served(client):
    described, training = client.get("/croissant.json").json, Registry(ARTIFACTS).load().training
    assert {each["name"]: each["sha256"] for each in described["distribution"]} == {
        "adult.csv": training["sha256"]["train"],
        "adult_test.csv": training["sha256"]["test"],
    }
    for each in described["distribution"]:
        assert client.get(f"/{each['contentUrl']}").status_code == 404


def test_source_licence_authors_and_limits_are_told(client):
    described = client.get("/croissant.json").json
    assert described["license"] == ["https://creativecommons.org/licenses/by/4.0/"]
    assert [each["name"] for each in described["creator"]] == ["Becker, B.", "Kohavi, R."]
    assert described["datePublished"] == "1996" and "UCI" in described["citeAs"]
    assert described["rai:dataLimitations"] == client.get("/model").json["limits"]


def test_what_nobody_has_said_of_a_table_is_not_made_up(odd_client):
    described = odd_client.get(f"/{ODD}/croissant.json").json
    assert described["license"] == "No licence is stated." and "creator" not in described
    assert described["version"] == f"0.0.0+{described['distribution'][0]['sha256'][:12]}"
    assert "rai:dataLimitations" not in described and "keywords" not in described


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("Becker, B. and Kohavi, R.", ["Becker, B.", "Kohavi, R."]),
        ("Fisher, R. A.", ["Fisher, R. A."]),
        (
            "Efron, B., Hastie, T., Johnstone, I. & Tibshirani, R.",
            ["Efron, B.", "Hastie, T.", "Johnstone, I.", "Tibshirani, R."],
        ),
        ("Office for National Statistics", ["Office for National Statistics"]),
    ],
)
def test_the_authors_of_a_citation_are_told_apart(authors, names):
    assert BETWEEN_AUTHORS.split(authors) == names


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/ld+json"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/ld+json"),
    ],
)
def test_it_is_linked_data_and_json_to_those_who_ask_for_that(client, accept, media_type):
    answer = client.get("/croissant.json", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, media_type) and json.loads(answer.data)
    known = {"Accept": accept, "If-None-Match": answer.headers["ETag"]}
    assert client.get("/croissant.json", headers=known).status_code == 304


def test_it_speaks_chinese_where_the_table_does(client):
    described = client.get("/croissant.json?lang=zh").json
    assert described["@context"]["@language"] == "zh-Hans"
    assert described["name"] == client.get("/model?lang=zh").json["data"]["title"]


@pytest.mark.parametrize("query", ["age=39", "format=csv", "format=html", "lang=xx"])
def test_what_it_does_not_read_it_refuses(client, query):
    assert client.get(f"/croissant.json?{query}").status_code in (400, 406, 422)
