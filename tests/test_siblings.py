"""Siblings: versions that read the whole record and use some of its fields, at every door."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

import model
import score
from benchmarks.measuring import free_port
from glassform.learning.recipe import Recipe
from glassform.learning.siblings import paired
from glassform.learning.table import Split
from glassform.records.datapackage import read_package
from glassform.records.schema import Schema
from glassform.records.siblings import narrowed
from glassform.settings import PACKAGE
from glassform.versions.__main__ import main as manage
from glassform.versions.registry import Registry
from glassform.web.charts import in_sentence
from server import create_app
from tests.conftest import serving, wait_for

FEW = {"adult": 1_200, "adult_test": 400}
# by table: the estimator and the fields left out
LEFT_OUT = {"": ["sex", "race"], "diabetes": ["sex"], "flowers": ["petal_width"], "iris": ["sepal_length"]}
PAIRS = True
NAMES = [*LEFT_OUT]


def small_package(folder: Path) -> Path:
    """The default table with few rows."""
    package = json.loads(PACKAGE.read_text(encoding="utf-8"))
    folder.mkdir()
    for resource in package["resources"]:
        rows = pd.read_csv(PACKAGE.parent / resource["path"], dtype=str, keep_default_na=False)
        rows.sample(FEW[resource["name"]], random_state=0).to_csv(folder / resource["path"], index=False)
    path = folder / PACKAGE.name
    path.write_text(json.dumps(package), encoding="utf-8")
    return path


def flowers_package(folder: Path) -> Path:
    """The irises, predicted by a sum for each species."""
    package = json.loads((PACKAGE.parent / "iris" / PACKAGE.name).read_text(encoding="utf-8"))
    package["name"], package["glassform"]["estimator"] = "flowers", "logistic"
    folder.mkdir()
    for resource in package["resources"]:
        (folder / resource["path"]).write_bytes((PACKAGE.parent / "iris" / resource["path"]).read_bytes())
    (folder / PACKAGE.name).write_text(json.dumps(package), encoding="utf-8")
    return folder / PACKAGE.name


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    return {
        "": small_package(folder / "adult"),
        "flowers": flowers_package(folder / "flowers"),
        **{name: PACKAGE.parent / name / PACKAGE.name for name in ("diabetes", "iris")},
    }


def quickly(schema: Schema, training: Split) -> Recipe:
    """A recipe that nobody chose, with a pair of the fields that may be used."""
    first, second, *_ = [field.name for field in schema.fields]
    assert [*training.X] == [field.name for field in schema.fields], "what is chosen rests on these fields alone"
    return Recipe("smooth", 1.0, ((first, second),) if PAIRS else ())


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "chosen", quickly)
        patch.setattr(model, "cross_validated", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def artifacts(packages, quick, tmp_path_factory) -> Path:
    """The folder of all tables, each trained with all its fields and without some."""
    folder: Path = tmp_path_factory.mktemp("artifacts")
    for name, without in LEFT_OUT.items():
        model.train(packages[name], folder / name)
        model.train(packages[name], folder / name, without=without)
    return folder


@pytest.fixture(scope="module")
def application(artifacts) -> Flask:
    return create_app(artifacts)


@dataclass
class Teacher:
    name: str


@pytest.fixture(params=NAMES, ids=lambda name: name or "adult")
def name(request) -> str:
    return str(request.param)


@pytest.fixture
def registry(artifacts, name) -> Registry:
    return Registry(artifacts / name)


@pytest.fixture
def sibling(registry) -> Any:
    (version,) = registry.manifest().siblings
    return registry.load(version)


@pytest.fixture
def record(sibling) -> dict[str, Any]:
    return dict(sibling.examples[0]["record"])


@pytest.fixture
def ask(application, name, sibling) -> Callable[..., Any]:
    """Ask the sibling."""

    def asking(path: str, query: dict[str, Any] | None = None, **options: Any) -> Any:
        client = application.test_client()
        method = client.post if options.keys() & {"json", "data"} else client.get
        address = f"/{name}{path}" if name else path
        return method(address, query_string={"model": sibling.version, **(query or {})}, buffered=True, **options)

    return asking


def others_of(sibling: Any, record: dict[str, Any]) -> list[dict[str, Any]]:
    """The record with each unused field at other values."""
    return [
        record | {field.name: value}
        for field in sibling.schema.unused
        for value in field.values or field.bounds
        if value != record[field.name]
    ]


def answer_of(answer: dict[str, Any]) -> Any:
    return answer.get("probabilities") or answer.get("probability") or answer["prediction"]


def test_a_sibling_reads_the_whole_record_and_uses_the_rest_of_it(ask, sibling, name, record):
    answer = ask("/probability", record).json
    assert answer["record"] == record and answer["model"]["version"] == sibling.version
    assert [field.name for field in sibling.schema.unused] == sorted(LEFT_OUT[name], key=[*record].index)
    for other in others_of(sibling, record):
        assert answer_of(ask("/probability", other).json) == answer_of(answer)
    if sibling.is_additive:
        alone = [each["feature"] for each in answer["contributions"] if "features" not in each]
        assert alone == [field.name for field in sibling.schema.used]
        assert not any({*each.get("features", [])} & {*LEFT_OUT[name]} for each in answer["contributions"])


def test_a_sibling_says_which_fields_it_does_not_use(ask, sibling, record):
    for language, sentence in (("en", "{} is not used by this version."), ("zh", "{}")):
        titles = [field.title for field in sibling.schemas[language].unused]
        warned = ask("/probability", record, headers={"Accept-Language": language}).json["warnings"]
        assert all(sentence.format(title) in " ".join(warned) for title in titles)
        page = ask("/probability.html", record | {"lang": language}).text
        assert all(sentence.format(title) in page for title in titles)


def test_a_field_that_is_not_used_must_still_be_given_and_be_valid(ask, sibling, record):
    unused = sibling.schema.unused[0].name
    for wrong in (record | {unused: "nonsense"}, {each: record[each] for each in record if each != unused}):
        assert ask("/probability", wrong).status_code == 422
        rows = ask("/probabilities", json=[record, wrong])
        assert rows.status_code == 422 and [each["row"] for each in rows.json["errors"]] == [2]
        table = as_csv([record, {each: wrong.get(each, "") for each in record}])
        found = ask("/probabilities", data=table, content_type="text/csv")
        assert (found.status_code == 422) == (wrong.get(unused) == "nonsense" or not sibling.schema.unused[0].missing)


def as_csv(records: list[dict[str, Any]]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, [*records[0]])
    writer.writeheader()
    writer.writerows(records)
    return written.getvalue()


def test_all_doors_of_many_records_give_the_answers_of_one(ask, sibling):
    records = [each["record"] for each in sibling.examples] * 2
    records += others_of(sibling, records[0])
    alone = [ask("/probability", each).json for each in records]
    arrays = ask("/probabilities", {"explain": "1"}, json=records).json
    for one, of_array in zip(alone, arrays, strict=True):
        assert answer_of(of_array) == answer_of(one)
        assert of_array.get("contributions") == one["contributions"]
        assert {*of_array["warnings"]} <= {*one["warnings"]} and of_array["warnings"]
    text = ask("/probabilities.csv", {"explain": "1"}, data=as_csv(records), content_type="text/csv").text
    for one, row in zip(alone, csv.DictReader(io.StringIO(text)), strict=True):
        assert "is not used by this version." in row["warnings"]
        if sibling.schema.task == "binary":
            assert float(row["probability"]) == one["probability"]
            found = {each["feature"]: each["log_odds"] for each in one["contributions"]}
            assert {
                key.removeprefix("log_odds_"): float(row[key]) for key in row if key.startswith("log_odds_")
            } == found
    predicted = ask("/predict", json=[[*each.values()] for each in records]).json
    assert len(predicted["prediction"]) == len(records) and all(predicted["warnings"])


def test_tensors_hold_the_terms_that_there_are(ask, application, name, sibling, record):
    kinds = {field.name: "BYTES" if field.categories else "FP64" for field in sibling.schema.fields}
    inputs = [
        {"name": key, "datatype": kinds[key], "shape": [2], "data": [value, value]} for key, value in record.items()
    ]
    address = f"/v2/models/{sibling.schema.name}/versions/{sibling.version}/infer"
    answer = application.test_client().post(address, json={"inputs": inputs}).json
    outputs = {each["name"]: each for each in answer["outputs"]}
    assert answer["parameters"]["warnings"].count("is not used by this version.") == len(sibling.schema.unused)
    if sibling.is_additive:
        terms = ask("/probability", record).json["contributions"]
        assert outputs["contributions"]["shape"][:2] == [2, len(terms)]


def test_curves_twins_and_the_scorecard_have_the_fields_that_are_used(ask, sibling, record):
    used = [field.name for field in sibling.schema.used]
    assert [each["feature"] for each in ask("/curves", record).json["curves"]] == used
    assert {each["feature"] for each in ask("/twins", record).json["twins"]} <= {*used}
    if sibling.is_additive:
        assert [each["feature"] for each in ask("/scorecard").json["features"]] == used


PAGES = ["/", "/probability", "/curves", "/twins", "/scorecard", "/model", "/examples", "/docs", "/probabilities"]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_shows_a_sibling(ask, sibling, record, path):
    answer = ask(
        path, record if path in ("/probability", "/curves", "/twins") else {}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == (200 if sibling.is_additive or path != "/scorecard" else 404)


def test_an_upload_is_answered_with_a_page(ask, sibling, record):
    sent = {"file": (io.BytesIO(as_csv([record, record]).encode()), "rows.csv")}
    page = ask("/probabilities", data=sent, headers={"Accept": "text/html"}, content_type="multipart/form-data")
    assert page.status_code == 200
    assert "outside of what was seen" not in page.text


def test_a_sibling_is_a_version_of_its_own_that_is_never_current_by_itself(registry, sibling, name):
    manifest = registry.manifest()
    assert manifest.current != sibling.version and len(manifest.versions) == 2
    assert {*manifest.versions[sibling.version].without} == {*LEFT_OUT[name]}
    assert registry.prune(0) == [] and sibling.version in registry.manifest().versions


def test_the_same_fields_left_out_give_the_same_version(artifacts, packages):
    registry = Registry(artifacts / "diabetes")
    (version,) = registry.manifest().siblings
    again = model.train(packages["diabetes"], registry.folder, without=["sex", "sex"])
    assert again.version == version and len(registry.manifest().versions) == 2


def test_a_sibling_becomes_current_on_request_and_the_next_stands_beside_the_whole(artifacts, packages, tmp_path):
    registry = Registry(tmp_path)
    whole = model.train(packages["diabetes"], tmp_path)
    promoted = model.train(packages["diabetes"], tmp_path, promote=True, without=["sex"])
    assert registry.manifest().current == promoted.version
    other = model.train(packages["diabetes"], tmp_path, without=["age", "sex"])
    beside = registry.manifest().versions[other.version].beside
    assert beside and beside.other == whole.version


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (["sexx"], "'sexx' is no field; did you mean sex"),
        (["progression"], "'progression' is no field"),
        (["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"], "no field would be left"),
    ],
)
def test_what_cannot_be_left_out_is_named(packages, artifacts, without, message):
    with pytest.raises(ValueError, match=message):
        model.train(packages["diabetes"], artifacts / "diabetes", without=without)


def test_a_sibling_needs_a_version_to_stand_beside(packages, tmp_path):
    with pytest.raises(ValueError, match="has no version with all fields yet"):
        model.train(packages["diabetes"], tmp_path / "diabetes", without=["sex"])


def test_the_difference_has_an_interval_of_the_same_rows(registry, sibling):
    found = registry.manifest().versions[sibling.version].beside
    assert found.other == registry.manifest().current
    wanted = {"binary": {"roc_auc", "brier_score"}, "number": {"r2"}, "classes": {"accuracy", "log_loss"}}
    assert {*found.measures} == wanted[sibling.schema.task]
    for measure, each in found.measures.items():
        assert each.sibling == pytest.approx(sibling.evaluation[measure], abs=1e-9)
        assert each.interval is None or each.interval[0] <= each.difference <= each.interval[1]


def test_two_models_that_answer_alike_differ_by_nothing():
    """Answers of one row vary together, so the interval of a difference is far narrower than that of either."""
    y, same = pd.Series([0, 1] * 100).to_numpy(), pd.Series([0.2, 0.7, 0.4, 0.3] * 50).to_numpy()
    for each in paired("binary", y, same, same).values():
        assert each.interval == (0.0, 0.0) and each.difference == 0.0


def test_mean_answers_stand_side_by_side_by_group(artifacts):
    registry = Registry(artifacts)
    (version,) = registry.manifest().siblings
    beside, whole = registry.manifest().versions[version].beside, registry.whole()
    assert beside and whole
    means = beside.means
    assert [*means] == ["race", "sex"] or [*means] == ["sex", "race"]
    assert sum(rows for rows, _, _ in means["sex"].values()) == FEW["adult_test"]
    for card, place in ((whole, 1), (registry.load(version), 2)):
        groups = card.evaluation["groups"]["sex"]
        assert {each: found[place] for each, found in means["sex"].items()} == pytest.approx(
            {each: measured["mean_probability"] for each, measured in groups.items()}
        )


def test_the_cards_lead_to_each_other(ask, application, name, registry, sibling):
    beside = ask("/model").json["beside"]
    assert beside["version"] == registry.manifest().current
    assert [each["feature"] for each in beside["without"]] == [field.name for field in sibling.schema.unused]
    card = application.test_client().get(f"/{name}/model.json" if name else "/model.json").json
    assert [each["version"] for each in card["siblings"]] == [sibling.version]
    assert "beside" not in card
    page = application.test_client().get(f"/{name}/model.html" if name else "/model.html").text
    assert f"/model?model={sibling.version}" in page
    assert "Beside the model with all fields" in ask("/model.html").text


def test_the_pages_of_versions_mark_a_sibling(ask, sibling, monkeypatch):
    monkeypatch.setattr("glassform.resources.judging.versions.signed_in_teacher", lambda: Teacher("teacher"))
    listed = {each["version"]: each["without"] for each in ask("/versions").json["versions"]}
    names = [field.name for field in sibling.schema.unused]
    assert listed.pop(sibling.version) == names and [*listed.values()] == [[]]
    titles = " and ".join(in_sentence(field.title) for field in sibling.schema.unused)
    assert f"without {titles}" in ask("/versions", headers={"Accept": "text/html"}).text
    assert f"It does not use {titles}." in ask(f"/versions/{sibling.version}", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("name", [""])
def test_changes_and_what_if_leave_the_unused_fields_alone(ask, sibling, record):
    found = ask("/changes", record | {"target": "0.9"}).json
    assert not {each["feature"] for way in [found, *found.get("alternatives", [])] for each in way["changes"]} & {
        "sex",
        "race",
    }
    assert ask("/changes", record | {"target": "0.9", "lock": "sex"}).status_code == 200
    assert [*sibling.what_if(record)] == [field.name for field in sibling.schema.used]


def scored(artifacts: Path, *options: str) -> None:
    score.main(["--artifacts", str(artifacts), *options])


@pytest.mark.parametrize("name", [""])
def test_an_engine_joins_the_used_columns_alone(artifacts, sibling, packages, tmp_path, capsys):
    source = packages[""].parent / "adult_test.csv"
    scored(artifacts, "--model", sibling.version, str(source), str(tmp_path / "all.csv"))
    rows = pd.read_csv(source, dtype=str, keep_default_na=False)
    read = sibling.schema.read_fields
    expected = [
        sibling.probability(read((name, row[field.column]) for name, field in sibling.schema.by_name.items()))
        for row in rows.to_dict("records")
    ]
    assert pd.read_csv(tmp_path / "all.csv")["probability"].tolist() == pytest.approx(expected, abs=1e-12)
    rows.drop(columns=["sex", "race"]).to_csv(tmp_path / "fewer.csv", index=False)
    scored(artifacts, "--model", sibling.version, str(tmp_path / "fewer.csv"), str(tmp_path / "few.csv"))
    assert pd.read_csv(tmp_path / "few.csv")["probability"].tolist() == pytest.approx(expected, abs=1e-12)
    scored(artifacts, "--model", sibling.version, "--sql")
    assert '"sex"' not in capsys.readouterr().out


def test_the_command_line_leaves_fields_out_and_lists_siblings(artifacts, tmp_path, packages, monkeypatch, capsys):
    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["model.py", "--artifacts", str(tmp_path), *options])
        model.main()
        return str(capsys.readouterr().out)

    run("--table", "diabetes")
    told = run("--table", "diabetes", "--without", "sex, age", "--brief")
    registry = Registry(tmp_path / "diabetes")
    (version,) = registry.manifest().siblings
    assert f"it answers at ?model={version}" in told and "95% interval" in told
    manage(["--artifacts", str(tmp_path), "--table", "diabetes", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if version in line).endswith("without age, sex")
    manage(["--artifacts", str(tmp_path), "--table", "diabetes", "show", version])
    assert "which uses all fields" in capsys.readouterr().out


def test_siblings_that_a_description_names_are_fitted_once_for_each_version(tmp_path, monkeypatch, capsys):
    package = json.loads((PACKAGE.parent / "diabetes" / PACKAGE.name).read_text(encoding="utf-8"))
    package["glassform"]["siblings"] = [["sex"], ["age", "sex"]]
    folder = tmp_path / "data"
    folder.mkdir()
    for resource in package["resources"]:
        (folder / resource["path"]).write_bytes((PACKAGE.parent / "diabetes" / resource["path"]).read_bytes())
    (folder / PACKAGE.name).write_text(json.dumps(package), encoding="utf-8")
    options = [
        "model.py",
        "--brief",
        "--artifacts",
        str(tmp_path / "models"),
        "--package",
        str(folder / PACKAGE.name),
    ]
    monkeypatch.setattr(sys, "argv", options)
    model.main()
    manifest = Registry(tmp_path / "models").manifest()
    assert [each.without for each in manifest.siblings.values()] == [["sex"], ["age", "sex"]]
    capsys.readouterr()
    model.main()
    assert capsys.readouterr().out.count("Fitting") == 1


@pytest.mark.parametrize(
    ("siblings", "message"),
    [
        ([["sexx"]], "'sexx' is not among the features"),
        ([["income"]], "'income' is not among the features"),
        ([["sex", "sex"]], "more than once"),
        ([["sex", "race"], ["race", "sex"]], "more than once"),
        ([[]], "siblings\\[0\\]"),
        (
            [["age", "workclass", "education", "marital.status", "race", "sex", "hours.per.week"]],
            "no field would be left",
        ),
    ],
)
def test_wrong_siblings_of_a_description_are_named(tmp_path, siblings, message):
    package = json.loads(PACKAGE.read_text(encoding="utf-8"))
    package["glassform"]["siblings"] = siblings
    (tmp_path / PACKAGE.name).write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_package(tmp_path / PACKAGE.name)


def test_the_default_table_names_its_siblings():
    assert Schema.from_file(PACKAGE).own["siblings"] == [["sex", "race"], ["sex", "race", "marital.status"]]


def test_what_only_the_whole_can_hold_is_left_out_of_what_a_sibling_learns():
    own: dict[str, Any] = {
        "features": ["a.b", "c", "d"],
        "groups": ["a.b", "c"],
        "target": "e",
        "without": ["a.b"],
        "siblings": [["c"]],
    }
    own |= {"pairs": {"use": [["a.b", "c"], ["c", "d"]], "never": [["d", "a_b"]]}, "shape": {"a.b": {}, "c": {}}}
    learned = narrowed({"glassform": own})["glassform"]
    assert learned["features"] == ["c", "d"] and learned["groups"] == ["c"] and "without" not in learned
    assert learned["pairs"] == {"use": [["c", "d"]], "never": []} and learned["shape"] == {"c": {}}


@pytest.fixture
def served(artifacts, tmp_path) -> Iterator[str]:
    port = free_port()
    shutil.copytree(artifacts, tmp_path / "models")
    shutil.copytree(artifacts / "iris", tmp_path / "models" / "census")  # or the server would train it
    places = {"GLASSFORM_ARTIFACTS": str(tmp_path / "models"), "GLASSFORM_INSTANCE": str(tmp_path / "instance")}
    with serving("--port", str(port), environment=places | {"LOG_LEVEL": "CRITICAL"}):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("name", [""])
def test_the_script_tries_a_sibling_and_its_pages_are_sound(served, browser, sibling, record):
    context = browser.new_context(base_url=served, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"/probability?{urlencode(record | {'model': sibling.version})}")
    figure = page.locator("#answer [data-figure]").first
    before = figure.text_content()
    other = next(value for value in sibling.schema.by_name["sex"].values if value != record["sex"])
    tried(page, "sex", other)
    assert figure.text_content() == before
    tried(page, "age", "60" if record["age"] < 50 else "20")
    expect(figure).not_to_have_text(before)
    for path in ("/model", f"/model?model={sibling.version}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert Axe().run(page).response["violations"] == []
    assert not wrong
    context.close()


def tried(page: Page, name: str, value: str) -> None:
    """Give a field of the live form another value."""
    control = page.locator(f"[name={name}]")
    if control.first.get_attribute("type") == "radio":
        page.locator(f"[name={name}][value='{value}']").check(force=True)
    elif control.first.evaluate("each => each.tagName") == "SELECT":
        control.first.select_option(value)
    else:
        control.first.fill(value)
