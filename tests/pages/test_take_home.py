"""The take-home file, opened from disk in a real Chromium without a network: small, exact, and asking nobody."""

import copy
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page, expect

from glassform.accounts import database
from glassform.analysis.table_of_points import table
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import NOT_KNOWN, Field, Record, Value
from glassform.resources.answers import take_home
from glassform.resources.answers.take_home import RESULTS
from glassform.versions.registry import Registry
from glassform.web.addresses import in_braces
from glassform.web.charts import percent, percents
from server import create_app
from tests.conftest import watch
from tests.pages.counting import pages_of

ADDITIVE = ["", "census", "diabetes", "wine", "houses", "voyage", "many"]
ASK = "(records) => records.map((record) => window.glassform.answer(record))"
CLASS = {
    "summary": "27 pupils guessed 270 times.",
    "scores": [
        {"title": "Our class", "score": 0.2134, "interval": (0.19, 0.24)},
        {"title": "24% for everybody", "score": 0.182, "interval": None},
    ],
    "calibration": [
        {"title": "Our class", "groups": [{"predicted": 0.2, "observed": 0.1, "rows": 135}]},
        {"title": "The model", "groups": [{"predicted": 0.3, "observed": 0.35, "rows": 135}]},
    ],
}


@pytest.fixture(scope="module")
def home(artifacts) -> Iterator[FlaskClient]:
    """A client of an application with the shipped tables and the added ones."""
    app = create_app(artifacts)
    yield app.test_client(use_cookies=False)  # each request says its language
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture(scope="module")
def card(artifacts) -> Callable[[str], Fitted]:
    """The model of a table by its name."""
    return lambda name: Registry(artifacts / name).load()


@pytest.fixture
def saved(browser, home, tmp_path) -> Iterator[Callable[..., Page]]:
    """Save the file of a table and open it from disk; in the end it has asked for nothing and failed at nothing."""
    contexts, requests, complaints = list[BrowserContext](), list[str](), list[str]()
    paths: set[Path] = set()

    def open_file(
        name: str = "", query: str = "", script: bool = True, width: int = 1280, height: int = 800, scheme="light"
    ) -> Page:
        answer = home.get(f"/{name}/take-home.html?{query}".replace("//", "/"))
        assert answer.status_code == 200
        path = tmp_path / f"{name or 'default'}.html"
        path.write_bytes(answer.data)
        paths.add(path)
        context = browser.new_context(
            offline=True,
            java_script_enabled=script,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )
        contexts.append(context)
        page: Page = context.new_page()
        watch(page, requests, complaints)
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert {*requests} <= {path.as_uri() for path in paths}
    assert not complaints


def any_value(field: Field, chance: random.Random) -> Value:
    """Any value that a field may have: its ends, a gap, and numbers outside of what was seen among them."""
    if field.has_gaps and chance.random() < 0.1:
        return NOT_KNOWN
    if field.values:
        return chance.choice(field.values)
    low, high = field.bounds
    room = (high - low) / 5 if field.observed else 0
    number = chance.choice([low, high, chance.uniform(low - room, high + room), chance.uniform(low, high)])
    return round(number) if field.type == "integer" else float(number)


def any_records(card: Fitted, count: int, seed: int = 0) -> list[Record]:
    """Records of all kinds, the typical one first."""
    chance = random.Random(seed)
    several = [{field.name: any_value(field, chance) for field in card.schema.fields} for _ in range(count - 1)]
    return [card.typical, *several]


def flat(answer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and text of an answer with its place."""
    inner = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else None
    if inner is None:
        yield path, answer
    else:
        for name, each in inner:
            yield from flat(each, f"{path}.{name}")


# ---- the same answers


@pytest.mark.parametrize("name", ADDITIVE)
def test_it_answers_as_the_server_does(saved, card, name):
    """A thousand records of the default table and a hundred of every other one, to 1e-12."""
    model = card(name)
    records = any_records(model, 100 if name else 1000)
    for record, answer in zip(records, saved(name).evaluate(ASK, records), strict=True):
        answer.pop("interval", None)
        row = model.row(record)
        sums = model.all_sums([row])[0]
        expected = dict(flat({**model.target.members(sums), **model.arithmetic(row, sums)}))
        found = dict(flat(answer))
        assert found.keys() == expected.keys()
        for place, value in expected.items():
            assert found[place] == (pytest.approx(value, abs=1e-12) if isinstance(value, float) else value), place


@pytest.mark.parametrize("name", ["", "census", "voyage", "many", "diabetes", "houses"])
def test_its_intervals_are_those_of_the_server(saved, card, name):
    model = card(name)
    records = any_records(model, 100 if name else 1000, seed=1)
    answers = saved(name, "intervals=true").evaluate(ASK, records)
    for record, answer in zip(records, answers, strict=True):
        sums = model.sums(record)
        expected = model.interval_of(record, sums) if isinstance(model, Scorecard) else model.interval(sums)
        assert answer["interval"] == pytest.approx(expected, abs=1e-9)


def test_without_being_asked_it_has_no_interval_of_a_probability(saved):
    page = saved()
    assert "interval" not in page.evaluate(ASK, [page.evaluate(FORM)])[0]
    expect(page.locator(".scale .interval")).to_have_count(0)


FORM = """() => Object.fromEntries([...new FormData(document.querySelector("form"))]
    .map(([name, text]) => [name, /^[0-9]+$/.test(text) ? Number(text) : text]))"""


# ---- one small file


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_file_is_small(home, language):
    plain = home.get(f"/take-home.html?lang={language}").data
    whole = home.get(f"/take-home.html?lang={language}&intervals=true").data
    assert len(plain) <= 150_000 and len(whole) <= 450_000


@pytest.mark.parametrize("name", ADDITIVE)
def test_it_names_no_address_but_the_sources_of_its_data(home, card, name):
    page = home.get(f"/{name}/take-home.html".replace("//", "/")).text
    package = card(name).schema.package
    sources = {each.get("path") for each in (*package["sources"], *package["licenses"])}
    assert {*re.findall(r'<a [^>]*href="([^#][^"]*)"', page)} <= sources
    assert not re.findall(r'(?:src|action|srcset|poster)="', page) and "<link" not in page and "url(" not in page


def test_it_is_saved_under_the_name_of_its_table(home):
    for name, file in (("", "adult"), ("houses/", "houses")):
        answer = home.get(f"/{name}take-home.html")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{file}.html"'
        assert answer.mimetype == "text/html"


def test_a_model_that_is_no_sum_has_none(home):
    answer = home.get("/iris/take-home.html")
    assert answer.status_code == 404 and "no sum of one term per field" in answer.json["detail"]


def test_it_is_asked_for_as_everything_is(client):
    first = client.get("/take-home.html")
    again = client.get("/take-home.html", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/take-home.html?intervals=true").headers["ETag"] != first.headers["ETag"]
    assert client.get("/take-home.html", headers={"Accept": "application/json"}).status_code == 406
    assert client.get("/take-home.html?intervals=yes").json["errors"][0]["field"] == "intervals"
    assert client.get("/take-home.html?class=abc").status_code == 422
    assert '<html lang="zh-Hans">' in client.get("/take-home.html?lang=zh").text
    version = client.get("/model").json["model"]["version"]
    assert version in client.get(f"/take-home.html?model={version}").text
    assert client.get("/take-home.html?model=0").status_code == 404


def test_it_is_described(paths):
    described = paths[in_braces("/take-home.html")]["get"]
    assert "intervals" in {each["name"] for each in described["parameters"]}
    assert [*described["responses"]["200"]["content"]] == ["text/html"]


def test_no_label_ends_the_element_of_the_table(saved, monkeypatch):
    """The word of a table that looks like the end of a script, or like the beginning of a comment."""

    def hostile(*arguments: Any) -> Any:
        found = copy.deepcopy(table(*arguments))
        found["features"][0]["title"] = "</script><!--<script>"
        return found

    monkeypatch.setattr(take_home, "table", hostile)
    text = "() => JSON.parse(document.getElementById('the-scorecard').textContent).features[0].title"
    assert saved("voyage").evaluate(text) == "</script><!--<script>"


@pytest.mark.parametrize("name", ["", "wine", "houses"])
def test_the_answer_the_card_and_the_form_lead_to_it(home, card, name):
    root = f"/{name}" if name else ""
    size = round(len(home.get(f"{root}/take-home.html").data) / 1000)
    pages = {
        f"{root}/probability": ' title="One file, works offline">Take home',
        f"{root}/model": ">Take it home: one file, works offline",
        f"{root}/": f">Take it home: one file of {size} KB, works offline",
    }
    for address, text in pages.items():
        query = card(name).typical if address.endswith("probability") else {}
        page = home.get(address, query_string=query, headers={"Accept": "text/html"}).text
        assert f'<a href="{root}/take-home.html"{text}</a>' in page


def test_nothing_leads_to_a_file_that_is_not_there(home, card):
    for address, query in (("/iris/", {}), ("/iris/model", {}), ("/iris/probability", card("iris").typical)):
        assert "take-home" not in home.get(address, query_string=query, headers={"Accept": "text/html"}).text


# ---- the page


def test_the_figure_the_sum_and_the_charts_follow_the_form(saved, card):
    model, page = card(""), saved("", "intervals=true")
    record = model.typical
    expect(page.locator("#answer .figure")).to_have_text(percent(model.probability(record)))
    field = next(field for field in model.schema.fields if field.categories)
    other = next(value for value in field.values if value != record[field.name])
    page.get_by_label(field.title, exact=True).select_option(other)
    answer = model.explain(record | {field.name: other})
    expect(page.locator("#answer .figure")).to_have_text(percent(answer["probability"]))
    expect(page.locator("[data-interval]")).to_contain_text(" to ".join(percents(answer["interval"])))
    expect(page.locator(f".sum [data-term={field.name}] .value")).to_have_text(field.title_of(other))
    expect(page.locator(f".what-if[data-feature={field.name}] .chosen th")).to_contain_text(field.title_of(other))
    page.locator("#answer").get_by_role("button", name="Undo").click()
    expect(page.locator("#answer .figure")).to_have_text(percent(model.probability(record)))


def test_enter_sends_nothing(saved):
    page = saved()
    page.locator("form input").first.fill("44")
    page.keyboard.press("Enter")
    assert "?" not in page.url
    expect(page.locator("form input").first).to_have_value("44")


def test_the_keyboard_alone_is_enough(saved):
    page = saved()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    was = page.locator("#answer .figure").inner_text()
    page.keyboard.type("60")
    expect(page.locator("#answer .figure")).not_to_have_text(was)


def test_without_script_it_shows_one_answer_and_says_so(saved, card):
    page, model = saved(script=False), card("")
    expect(page.locator("#answer .figure")).to_have_text(percent(model.probability(model.typical)))
    expect(page.get_by_text("runs no script here")).to_be_visible()
    expect(saved().get_by_text("runs no script here")).to_be_hidden()


def test_its_parts_come_in_the_order_of_a_reader(saved):
    page = saved(width=390, height=844)
    parts = ["h1", "#answer", "#change", "#why", "#what-if", ".model-card"]
    tops = [page.locator(part).first.evaluate("(each) => each.getBoundingClientRect().top") for part in parts]
    assert tops == sorted(tops)


@pytest.mark.parametrize(
    ("name", "scheme", "language", "width"),
    [
        ("", "light", "en", 1280),
        ("", "dark", "zh", 390),
        ("diabetes", "dark", "en", 1280),
        ("wine", "light", "zh", 390),
    ],
)
def test_axe_finds_nothing(saved, name, scheme, language, width):
    page = saved(name, f"intervals=true&lang={language}", scheme=scheme, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len({*ids})
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_is_printed_on_three_sheets_at_most(saved):
    assert pages_of(saved()) <= 3


# ---- the results of a class


@pytest.fixture
def classroom(home) -> Iterator[Flask]:
    """The application with a class that has guessed."""
    app: Flask = home.application
    app.extensions[RESULTS] = {"abc": CLASS}.__getitem__
    yield app
    del app.extensions[RESULTS]


def test_a_class_takes_its_results_home(saved, classroom):
    page = saved("", "class=abc")
    expect(page.locator("#class-title")).to_have_text("Our class")
    expect(page.locator(".class-results")).to_contain_text("0.213")
    expect(page.locator(".class-results .graph circle")).to_have_count(2)
    assert Axe().run(page).violations_count == 0
