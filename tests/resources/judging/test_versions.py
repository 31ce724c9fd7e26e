"""Versions over HTTP: pinned by address, promoted and gone back to by teachers, and never two in one answer."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from benchmarks.faults import shifted
from benchmarks.measuring import free_port
from glassform.accounts import database, migrating
from glassform.accounts.tables import Prediction, User
from glassform.settings import ARTIFACTS, Settings
from glassform.versions.manifest import Comparison
from glassform.versions.registry import FILE, Registry
from tests.accounts.test_accounts import sign_up
from tests.conftest import documented, follow, remember, serving, wait_for
from tests.versions.test_registry import FINE, add
from tests.web.test_language import WORD, words_left

HTML = {"Accept": "text/html"}


@pytest.fixture
def versions(scorecard, tmp_path) -> Registry:
    """Versions a and b, of which a is current."""
    made = Registry(tmp_path / "artifacts")
    made.promote(add(made, shifted(scorecard, 0, "a")))
    add(made, shifted(scorecard, 1, "b"), FINE)
    return made


@pytest.fixture
def application(versions, empty_database, tmp_path, paths, monkeypatch):
    monkeypatch.setattr("glassform.versions.served.SECONDS_BETWEEN_LOOKS", 0)
    shutil.copy(empty_database, tmp_path / "test.sqlite")
    url = f"sqlite:///{tmp_path / 'test.sqlite'}"
    assert not migrating.ensure_tables(url)
    with documented(paths, versions.folder, Settings(database_url=url)) as app:
        yield app


@pytest.fixture
def client(application):
    return application.test_client()


@pytest.fixture
def teacher(application):
    """The bearer header of a teacher."""
    header = sign_up(application, "teacher")
    with application.app_context(), database.writing() as session:
        session.query(User).update({"role": "teacher"})
    return header


# Pinned by address.


def test_a_version_in_the_address_answers_in_every_representation(client, record, scorecard):
    ours, theirs = (shifted(scorecard, by, name).probability(record) for by, name in ((0, "a"), (1, "b")))
    pinned = client.get("/probability", query_string=record | {"model": "b"})
    assert (pinned.json["probability"], pinned.json["model"]["version"]) == (theirs, "b")
    assert client.get("/probability", query_string=record).json["probability"] == ours
    assert client.post("/probability?model=b", json=record).json["probability"] == theirs
    assert f",{theirs}," in client.get("/probability.csv", query_string=record | {"model": "b"}).text
    assert client.post("/probabilities?model=b", json=[record]).json[0]["probability"] == theirs
    assert client.get("/scorecard?model=b").json["model"]["version"] == "b"
    assert client.get("/model?mode%6C=b").json["model"]["version"] == "b"
    assert "Model adult b" in client.get("/scorecard.sql?model=b").text.splitlines()[0]


def test_the_inference_protocol_knows_all_versions(client, record, scorecard):
    tensors = [
        {"name": name, "shape": [1], "data": [value], "datatype": "BYTES" if isinstance(value, str) else "INT64"}
        for name, value in record.items()
    ]
    for path, version, by in (("", "a", 0), ("/versions/a", "a", 0), ("/versions/b", "b", 1)):
        answer = client.post(f"/v2/models/adult{path}/infer", json={"inputs": tensors}).json
        assert answer["model_version"] == version
        assert answer["outputs"][0]["data"] == [shifted(scorecard, by, version).probability(record)]
    assert client.get("/v2/models/adult").json["versions"] == ["a", "b"]
    assert client.get("/v2/models/adult/versions/b/ready").json["ready"]


@pytest.mark.parametrize("query", ["model=x", "model=", "model=a&model=b", "model=../a", "model=%00", "model=A"])
def test_a_version_that_is_not_there_is_refused_everywhere(client, record, query):
    for path in (f"/probability?{urlencode(record)}&", "/?", "/scorecard?", "/session?"):
        response = client.get(path + query)
        assert response.status_code == (400 if "&" in query else 404)
        assert "a, b" in response.json["detail"] or "more than once" in response.json["detail"]
        assert client.get(path + query, headers=HTML).status_code == response.status_code


def test_a_damaged_version_that_is_asked_for_is_refused_with_the_reason(client, versions, record):
    (versions.folder / "b" / "scorecard.json").write_text("{}")
    response = client.get("/probability", query_string=record | {"model": "b"})
    assert response.status_code == 404 and "version b was altered" in response.json["detail"]
    assert client.get("/probability", query_string=record).status_code == 200


def test_the_links_and_forms_of_a_pinned_page_stay_with_the_version(client, record):
    page = client.get("/probability", query_string=record | {"model": "b"}, headers=HTML).text
    assert "Version b of the model answers on this page; the current one is a." in page
    assert '<input type="hidden" name="model" value="b">' in page
    for path in ("/scorecard", "/model", "/curves", "/docs"):
        assert re.search(rf'(href|action)="{path}\?[^"]*model=b"', page), path
    assert 'href="/static/style.css"' in page
    assert "answers on this page" not in client.get("/probability", query_string=record, headers=HTML).text


def test_a_page_known_before_a_promotion_is_sent_again_after_it(client, versions):
    for path in ("/", "/docs", "/probabilities", "/?model=a"):
        tag = client.get(path, headers=HTML).headers["ETag"]
        assert client.get(path, headers=HTML | {"If-None-Match": tag}).status_code == 304
        versions.promote("b")
        assert client.get(path, headers=HTML | {"If-None-Match": tag}).status_code == 200, path
        versions.promote("a")


def test_a_page_that_no_version_was_asked_for_says_nothing_of_one(client):
    for path in ("/?model=x", "/nowhere?model=b", "/nowhere"):
        page = client.get(path, headers=HTML).text
        assert "answers on this page" not in page and "model=" not in re.sub("<a .* hreflang=.*", "", page)


def test_answers_of_two_versions_have_two_tags(client, record):
    tags = {client.get("/probability", query_string=record | extra).headers["ETag"] for extra in ({}, {"model": "b"})}
    assert len(tags) == 2


def test_the_description_lists_the_versions(client):
    for expected in (["a", "b"], ["a"]):
        operation = client.get("/openapi.json").json["paths"]["/probability"]["get"]
        (parameter,) = (each for each in operation["parameters"] if each["name"] == "model")
        assert parameter["schema"]["enum"] == expected
        client.application.extensions["tables"].default.registry.remove("b") if "b" in expected else None


# Swapped while serving.


def test_another_version_is_served_as_soon_as_it_is_promoted(client, versions, record, scorecard):
    assert client.get("/probability", query_string=record).json["model"]["version"] == "a"
    versions.promote("b")
    answer = client.get("/probability", query_string=record).json
    assert answer["probability"] == shifted(scorecard, 1, "b").probability(record)
    assert "b" in client.get("/", headers=HTML).text.rpartition("Model:")[2]
    assert 'version="b"' in client.get("/metrics").text


def test_a_damaged_promotion_leaves_the_old_one_and_readiness_says_why(client, versions, record):
    versions.promote("b")
    (versions.folder / "b" / "scorecard.json").write_text("{}")
    assert client.get("/probability", query_string=record).json["model"]["version"] == "a"
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["model"]["version"]) == (200, "a")
    assert "version b was altered" in ready.json["refused"]
    assert "glassform_model_refused 1.0" in client.get("/metrics").text
    versions.roll_back()
    assert client.get("/health/ready").json["refused"] is None
    assert "glassform_model_refused 0.0" in client.get("/metrics").text


def test_a_request_keeps_its_version_to_its_end(application, versions, record):
    """The rows of a batch are made while they are sent; a promotion meanwhile changes none of them."""
    asked = application.test_client().post("/probabilities?explain=1", json=[record] * 2000, buffered=False)
    versions.promote("b")
    assert application.test_client().get("/model").json["model"]["version"] == "b"
    assert len({row["probability"] for row in asked.json}) == 1


def test_readiness_tells_no_path(client, versions):
    (versions.folder / FILE).rename(versions.folder / "kept.json")
    (versions.folder / FILE).mkdir()
    refused = client.get("/health/ready").json["refused"]
    assert "directory" in refused.lower() and str(versions.folder) not in refused
    (versions.folder / FILE).rmdir()
    (versions.folder / "kept.json").rename(versions.folder / FILE)


def test_every_worker_swaps_within_two_seconds_and_no_answer_is_mixed(versions, record, scorecard):
    port = free_port()
    environment = {"GLASSFORM_ARTIFACTS": str(versions.folder), "LOG_LEVEL": "CRITICAL"}
    expected = {name: shifted(scorecard, by, name).probability(record) for name, by in (("a", 0), ("b", 1))}
    url = f"http://127.0.0.1:{port}/probability?{urlencode(record)}"
    with serving("--port", str(port), "--workers", "2", environment=environment):
        wait_for(f"http://127.0.0.1:{port}/health/ready")

        def ask(_: int) -> tuple[str, float]:
            with urlopen(url) as response:
                answer = json.loads(response.read())
            return answer["model"]["version"], answer["probability"]

        with ThreadPoolExecutor(4) as pool:
            for name in "baba":
                versions.promote(name)
                until = time.monotonic() + 2
                answers: list[tuple[str, float]] = []
                while time.monotonic() < until:
                    answers += pool.map(ask, range(20))
                assert all(probability == expected[version] for version, probability in answers)
                assert {version for version, _ in pool.map(ask, range(40))} == {name}


# Managed over HTTP.


def test_the_page_of_a_damaged_promotion_tells_what_is_served(client, versions, teacher):
    versions.promote("b")
    (versions.folder / "b" / "scorecard.json").write_text("{}")
    listed = client.get("/versions", headers=teacher).json
    assert listed["current"] == "a" and "was altered" in listed["refused"]
    assert [(each["version"], each["current"], each["promoted"]) for each in listed["versions"]] == [
        ("b", False, True),
        ("a", True, False),
    ]
    assert client.delete("/versions/a", headers=teacher).status_code == 409


def test_a_version_that_is_gone_meanwhile_is_not_found(client, versions, teacher, monkeypatch):
    promote = Registry.promote

    def gone(self, version, by):
        promote(self, version, by)
        promote(self, "a", by)
        self.remove(version)

    monkeypatch.setattr(Registry, "promote", gone)
    assert client.put("/versions/b/promotion", headers=teacher).status_code == 404


def test_a_teacher_promotes_and_goes_back(client, versions, teacher):
    listed = client.get("/versions", headers=teacher).json
    assert [each["version"] for each in listed["versions"]] == ["b", "a"]
    assert [each["passes"] for each in listed["versions"]] == [True, None]
    promoted = client.put("/versions/b/promotion", headers=teacher)
    assert promoted.status_code == 200 and promoted.json["current"]
    assert client.get("/model").json["model"]["version"] == "b"
    assert client.delete("/versions/b/promotion", headers=teacher).status_code == 204
    assert client.get("/model").json["model"]["version"] == "a"
    events = client.get("/versions", headers=teacher).json["events"]
    assert [(each["how"], each["by"]) for each in events[:2]] == [("rolled back", "teacher"), ("promoted", "teacher")]


def test_what_cannot_be_done_is_refused_with_the_reason(client, versions, teacher):
    for method, path, status, message in [
        ("PUT", "/versions/x/promotion", 404, "no version x here; there is a, b"),
        ("DELETE", "/versions/x/promotion", 409, "Version x is not the current one"),
        ("DELETE", "/versions/b/promotion", 409, "Version b is not the current one"),
        ("DELETE", "/versions/a/promotion", 409, "no version to go back to"),
        ("DELETE", "/versions/a", 409, "is being served"),
        ("DELETE", "/versions/x", 404, "no version x"),
        ("GET", "/versions/x", 404, ""),
    ]:
        response = client.open(path, method=method, headers=teacher)
        assert response.status_code == status, (path, response.text)
        assert message in response.text
    (versions.folder / "b" / "scorecard.json").write_text("{}")
    response = client.put("/versions/b/promotion", headers=teacher)
    assert response.status_code == 409 and "was altered" in response.json["errors"][0]["message"]
    assert "was altered" in client.get("/versions/b", headers=teacher).json["unreadable"]


def test_a_version_that_is_not_served_can_be_deleted(client, versions, teacher):
    assert client.delete("/versions/b", headers=teacher).status_code == 204
    assert [*versions.manifest().versions] == ["a"] and not (versions.folder / "b").exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/versions"),
        ("GET", "/versions/a"),
        ("GET", "/versions/b/shadow"),
        ("GET", "/drift"),
        ("PUT", "/versions/b/promotion"),
        ("DELETE", "/versions/a/promotion"),
        ("DELETE", "/versions/b"),
    ],
)
def test_nobody_but_teachers_may(application, client, versions, method, path):
    assert client.open(path, method=method, json={"version": "b"}).status_code == 401
    header = sign_up(application, "somebody")
    assert client.open(path, method=method, json={"version": "b"}, headers=header).status_code == 403
    assert versions.manifest().current == "a" and "b" in versions.manifest().versions


def test_a_version_is_shown_beside_the_current_one(client, teacher, scorecard):
    found = client.get("/versions/b", headers=teacher).json
    assert [gate["measure"] for gate in found["gates"]] == [
        "roc_auc",
        "brier_score",
        "largest_calibration_gap",
        "largest_group_gap",
        "changed_sides",
    ]
    assert (found["compared_with"], found["raised"], found["lowered"], found["unreadable"]) == ("a", 1, 2, None)
    (difference,) = found["differences"]
    assert difference["feature"] == "intercept"
    assert difference["candidate"] - difference["current"] == pytest.approx(1)


def test_a_registry_that_cannot_be_written_changes_nothing(client, versions, teacher, monkeypatch):
    def fail(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Registry, "promote", fail)
    response = client.put("/versions/b/promotion", headers=teacher)
    assert response.status_code == 503 and "cannot be written" in response.json["detail"]


# What was asked.


def test_a_version_is_tried_on_what_was_asked_without_names(
    application, client, teacher, record, scorecard, versions
):
    schools = ("HS-grad", "Masters")
    married = record | {"marital_status": "Married-civ-spouse"}
    people = [married | {"age": age, "education": school} for age in (25, 40, 60) for school in schools]
    assert client.post("/predictions", json=people, headers=sign_up(application, "ann")).status_code == 201
    shadow = client.get("/versions/b/shadow", headers=teacher)
    older, newer = shifted(scorecard, 0, "a"), shifted(scorecard, 1, "b")
    crossed = [person for person in people if older.probability(person) < 0.5 <= newer.probability(person)]
    assert crossed and (shadow.json["raised"], shadow.json["lowered"]) == (len(crossed), 0)
    assert shadow.json["predictions"] == 6 and "ann" not in shadow.text
    assert sorted(each["record"]["age"] for each in shadow.json["changed"]) == sorted(p["age"] for p in crossed)
    changes = [newer.probability(person) - older.probability(person) for person in people]
    assert shadow.json["mean_change"] == pytest.approx(sum(changes) / 6)
    csv = client.get("/versions/b/shadow?format=csv", headers=teacher).text.splitlines()
    assert csv[0].endswith("hours_per_week,current,candidate") and len(csv) == 1 + len(crossed)
    assert client.get("/model").json["model"]["version"] == "a"


def test_predictions_of_another_table_are_counted_and_left_out(application, client, teacher, record):
    client.post("/predictions", json=record, headers=teacher)
    with application.app_context(), database.writing() as session:
        first = session.query(Prediction).one()
        first.record = {**record, "age": 200}
    client.post("/predictions", json=record, headers=teacher)
    for path in ("/versions/b/shadow", "/drift"):
        found = client.get(path, headers=teacher).json
        assert (found["predictions"], found["not_comparable"]) == (1, 1)


def test_drift_is_told_of_the_score_and_every_field(client, teacher, splits, schema):
    assert {each["verdict"] for each in client.get("/drift", headers=teacher).json["drift"]} == {"unsure"}
    X = splits["adult_test"].X
    for start in range(0, 300, 100):
        people = X[X["age"] < 25][start : start + 100].to_dict("records")
        assert client.post("/predictions", json=people, headers=teacher).status_code == 201
    found = {each["feature"]: each for each in client.get("/drift", headers=teacher).json["drift"]}
    assert [*found] == [None, *schema.by_name]
    assert found["age"]["verdict"] == "shifted" and found["sex"]["verdict"] in ("steady", "moved")
    for each in found.values():
        assert sum(bin["asked"] for bin in each["bins"]) == pytest.approx(1)
        assert sum(bin["trained"] for bin in each["bins"]) == pytest.approx(1)


# The pages.


@pytest.fixture
def candidate(scorecard):
    """A version beside the one that the tests' server serves."""
    versions = Registry(ARTIFACTS)
    comparison = Comparison(**FINE.model_dump() | {"other": scorecard.version, "raised": 1234})
    yield add(versions, shifted(scorecard, 1, "c1c1c1"), comparison)
    versions.remove("c1c1c1")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_the_pages_of_versions_are_sound_and_translated(visit_as, record, candidate, width, scheme, language):
    page = visit_as("teacher", width=width, scheme=scheme, language=language)
    remember(page, record)
    for path in ("/versions", f"/versions/{candidate}", f"/versions/{candidate}/shadow", "/drift"):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if language == "zh-CN":
            left = words_left(page.locator("main").evaluate("main => main.outerHTML"))
            assert not left - {*WORD.findall(" ".join(map(str, record.values())))}, path


def test_a_teacher_reads_the_gates_and_the_change_of_a_version(visit_as, record, candidate):
    page = visit_as("teacher")
    page.locator(".menu summary", has_text="For owners").click()
    page.get_by_role("link", name="Versions", exact=True).click()
    page.get_by_role("link", name=candidate).click()
    expect(page.get_by_text("rises above 50% for 1,234 of these rows")).to_be_visible()
    expect(page.get_by_role("row", name="Intercept")).to_be_visible()
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("note")).to_contain_text(f"Version {candidate} of the model answers")
    page.get_by_role("button", name="Show the probability").click()
    expect(page.get_by_role("note")).to_contain_text(f"Version {candidate} of the model answers")
    page.get_by_role("link", name="Back to the current one").click()
    expect(page.get_by_role("note")).to_have_count(0)


@pytest.fixture
def managing(versions, browser, tmp_path):
    """The page of versions, to a teacher, on a server of its own."""
    port, environment = (
        free_port(),
        {"GLASSFORM_ARTIFACTS": str(versions.folder), "GLASSFORM_INSTANCE": str(tmp_path)},
    )
    with serving("--port", str(port), environment=environment | {"LOG_LEVEL": "CRITICAL"}):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
        page = context.new_page()
        for path in ("/accounts", "/session"):
            page.goto(path)
            page.locator("#name").fill("lee")
            page.locator("#password").fill("correct horse")
            follow(page, page.locator("main form button"))
            command = [sys.executable, "-m", "glassform.accounts", "lee", "teacher"]
            subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)
        page.goto("/versions")
        yield page
        context.close()


def test_a_teacher_promotes_by_the_page(versions, managing):
    page = managing
    row = page.get_by_role("row", name=re.compile("^b"))
    expect(row.get_by_role("button", name="Promote")).to_have_count(0)
    row.locator("summary", has_text="Promote").click()
    row.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("row", name=re.compile("^b"))).to_contain_text("current")
    assert versions.manifest().current == "b"
    page.get_by_role("button", name="Go back to a").click()
    expect(page.get_by_role("row", name=re.compile("^a"))).to_contain_text("current")
    row.locator("summary", has_text="Delete").click()
    row.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name=re.compile("^b"))).to_have_count(0)
    assert [*versions.manifest().versions] == ["a"]


def test_drift_of_few_predictions_is_one_sentence_on_its_page(client, teacher, splits):
    people = splits["adult_test"].X[:100].to_dict("records")
    page = {"Accept": "text/html"} | teacher
    client.post("/predictions", json=people[:99], headers=teacher)
    few = client.get("/drift", headers=page).text
    assert "There are 99 saved predictions" in few and "<table" not in few
    assert len(client.get("/drift", headers=teacher).json["drift"]) > 1
    client.post("/predictions", json=people[99:], headers=teacher)
    assert "<table" in client.get("/drift", headers=page).text


def test_who_may_not_is_told_how_to_become_a_teacher(application, client):
    refused = client.get("/versions", headers=sign_up(application, "somebody"))
    assert refused.status_code == 403
    assert "python -m glassform.accounts somebody teacher" in refused.json["detail"]
