"""Pairs of fields on the pages: of two classes, of several, of a number."""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import model
from benchmarks.measuring import free_port
from glassform.analysis.table_of_points import table
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.pairs import Pair, Side
from glassform.learning.base import Measures
from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry
from glassform.web.charts import signed
from tests.conftest import follow, quick_training, serving, wait_for
from tests.pages.conftest import TARGETS, describe
from tests.pages.counting import pages_of

ROOTS = {"": "", "plant": "/plant", "signs": "/signs"}
SIDES = {  # of the pairs that each table gets: a number of ranges, of which a gap is one, and categories
    "heat": Side("heat", edges=(2.5, 5.0), has_gaps=True),
    "size": Side("size", edges=(40.0, 50.0, 60.0)),
    "count": Side("count", edges=(3.0, 4.0, 7.0)),
    "mode": Side("mode", levels=("dry", "mixed", "wet")),
    "shift": Side("shift", levels=("no", "yes")),
    "open": Side("open", levels=("no", "yes")),
}
PAIRS = [("size", "heat"), ("mode", "count"), ("shift", "open"), ("mode", "shift")]
ASK = """async ([card, records]) => {
    const { explain, whatIf } = await import("/static/scorecard.js");
    return records.map((record) => ({ ...explain(card, record), curves: whatIf(card, record) }));
}"""


def made(name: str) -> list[dict[str, Any]]:
    """A table with a gap, a whole number, two fields of yes and no; its target a number or one of three classes."""
    chance = random.Random(7)
    rows = []
    for _ in range(240):
        row: dict[str, Any] = {
            "size": round(chance.gauss(50, 15), 1),
            "heat": round(chance.uniform(0, 9), 1) if chance.random() > 0.1 else "",
            "count": chance.randint(1, 9),
            "mode": chance.choice(["dry", "mixed", "wet"]),
            "shift": chance.choice(["no", "yes"]),
            "open": chance.choice(["no", "yes"]),
        }
        number = row["size"] / 10 + (row["mode"] == "wet") + chance.gauss(0, 2)
        rows.append(row | {TARGETS_HERE[name]: round(number, 2) if name == "plant" else "abc"[int(number) % 3]})
    return rows


TARGETS_HERE = {"plant": "harvest", "signs": "sign"}


def random_pair(first: Side, second: Side, chance: random.Random) -> Pair:
    """A pair whose cells say anything."""
    return Pair(
        first, second, tuple(tuple(chance.gauss(0, 1) for _ in range(second.number)) for _ in range(first.number))
    )


def with_pairs(card: Fitted, seed: int = 0) -> Fitted:
    """The same model with pairs of our own."""
    chance = random.Random(seed)

    def pairs() -> dict[str, Pair]:
        several = [random_pair(SIDES[first], SIDES[second], chance) for first, second in PAIRS]
        return {pair.name: pair for pair in several}

    if isinstance(card, ClassesScorecard):
        tables = {label: replace(table, pairs=pairs()) for label, table in card.tables.items()}
        return replace(card, version="paired", tables=tables)
    assert isinstance(card, Additive)
    return replace(card, version="paired", pairs=pairs())


@pytest.fixture(scope="module")
def artifacts(scorecard, tmp_path_factory) -> Iterator[Path]:
    """The shipped models, and two tables with pairs."""
    folder: Path = tmp_path_factory.mktemp("pairs")
    shutil.copytree(ARTIFACTS, folder / "artifacts")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Measures, "compare", lambda *_: {})  # other models, for the card alone
        patched.setattr("tests.pages.conftest.TARGETS", TARGETS | TARGETS_HERE)
        for name in TARGETS_HERE:
            describe(made(name), name, folder / "described")
            registry = Registry(folder / "artifacts" / name)
            with quick_training():
                card = model.train(folder / "described" / name / "datapackage.json", registry.folder)
            (folder / name).mkdir()
            with_pairs(card).save(folder / name)
            registry.add(folder / name)
            registry.promote("paired")
    yield folder / "artifacts"


@pytest.fixture(scope="module")
def server(artifacts) -> Iterator[str]:
    """The address of a server of its own."""
    port = free_port()
    with serving("--port", str(port), environment={"LOG_LEVEL": "CRITICAL", "GLASSFORM_ARTIFACTS": str(artifacts)}):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def cards(artifacts) -> dict[str, Any]:
    """The models by table."""
    return {name: Registry(artifacts / name).load() for name in ROOTS}


def records_of(card: Fitted, count: int = 60) -> list[dict[str, Any]]:
    """Random records, at the edges of pairs, beside them, and with gaps."""
    chance, records = random.Random(1), []
    edges = {side.feature: side.edges for side in SIDES.values()}
    for _ in range(count):
        record = {}
        for field in card.schema.fields:
            low, high = field.bounds if not field.categories else (0, 0)
            known = field.values or [chance.choice([round(chance.uniform(low, high), 2), *edges[field.name]])]
            record[field.name] = chance.choice([*known, *(["?"] if field.has_gaps and chance.random() < 0.3 else [])])
        records.append(record)
    return records


def close(found: Any, expected: Any) -> bool:
    """Tell whether numbers, and numbers by class, are the same but for rounding."""
    if isinstance(expected, dict):
        return {*found} == {*expected} and all(close(found[name], each) for name, each in expected.items())
    return bool(abs(found - expected) <= 1e-12 * max(1.0, abs(expected)))


@pytest.mark.parametrize("name", ROOTS)
def test_script_and_server_agree_on_pairs(visit, cards, name):
    card = cards[name]
    assert card.pairs
    records = records_of(card)
    answers = visit("/").evaluate(ASK, [table(card, card.schema), records])
    term = "log_odds" if name == "" else "points"
    for record, answer in zip(records, answers, strict=True):
        expected = card.explain(record)
        assert [each["feature"] for each in answer["contributions"]] == [*card.points, *card.pairs]
        for ours, theirs in zip(answer["contributions"], expected["contributions"], strict=True):
            assert {**ours, term: 0} == {**theirs, term: 0}
            assert close(ours[term], theirs[term])
        for member in ("probability", "prediction", "log_odds", "probabilities", "sums"):
            assert (member in answer) == (member in expected)
            assert member not in expected or close(answer[member], expected[member])
        for curve, (feature, points) in zip(answer["curves"], card.curves(record).items(), strict=True):
            assert curve["feature"] == feature
            for ours, (value, said) in zip(curve["points"], points, strict=True):
                assert ours["value"] == value
                assert all(
                    ours[key] == each if key == "label" else close(ours[key], each) for key, each in said.items()
                )


def typical(cards: dict[str, Any], name: str, **changes: Any) -> str:
    """The query of a typical record with some changes."""
    return urlencode(cards[name].typical | changes)


def test_a_pair_has_a_line_that_leads_to_its_place_on_the_scorecard(visit, cards):
    card = cards[""]
    name = "marital_status:sex"
    page = visit(
        f"/probability?{typical(cards, '', marital_status='Married-civ-spouse', sex='Female')}", script=False
    )
    line = page.locator(f'[data-term="{name}"]')
    expect(line.get_by_role("link")).to_have_text("Married, civilian spouse present and Female")
    expect(line.locator(".number")).to_have_text(signed(card.pairs[name].at("Married-civ-spouse", "Female"), 2))
    weights = [
        abs(float(text.replace("\N{MINUS SIGN}", "-")))
        for text in page.locator("[data-term] .number").all_inner_texts()
    ]
    assert weights == sorted(weights, reverse=True) and len(weights) == len(card.points) + len(card.pairs)
    follow(page, line.get_by_role("link"))
    assert page.evaluate("document.querySelector(':target').textContent") == "Marital status and sex"
    section = page.locator(f'[data-pair="{name}"]')
    expect(section.locator("tr:has(td.picked) th")).to_have_text(
        "Married, civilian spouse present", use_inner_text=False
    )
    expect(section.locator(f'[data-points="{name}"]')).to_have_text(
        signed(card.pairs[name].at("Married-civ-spouse", "Female"), 2)
    )


@pytest.mark.parametrize("name", ROOTS)
def test_the_ledger_follows_the_form_as_the_server_would_write_it(visit, cards, name):
    card = cards[name]
    first, second = ("sex", "marital_status") if name == "" else ("open", "shift")
    page = visit(f"{ROOTS[name]}/probability?{typical(cards, name)}")
    changed = {
        each: next(v for v in card.schema.by_name[each].values if v != card.typical[each]) for each in (first, second)
    }
    for each, value in changed.items():
        page.locator(f"#change [name={each}]").select_option(value)
    told = "[...document.querySelectorAll('.sum tr')].map((row) => row.textContent.replace(/\\s+/g, ' ').trim())"
    links = "[...document.querySelectorAll('.sum a')].map((link) => link.href)"
    tried = page.evaluate(told), page.evaluate(links)
    page.goto(f"{ROOTS[name]}/probability?{typical(cards, name, **changed)}")
    assert tried[0] == page.evaluate(told)
    assert [link.partition("#")[2] for link in tried[1]] == [link.partition("#")[2] for link in page.evaluate(links)]


@pytest.mark.parametrize("name", ["plant", "signs"])
def test_values_that_say_little_come_with_their_field(client, visit, cards, name):
    page = visit(
        f"/{name}/probability?{typical(cards, name, size=40.0, heat='?', shift='no', open='yes', mode='wet')}",
        script=False,
    )
    said = {
        row.get_attribute("data-term"): row.locator("th").inner_text() for row in page.locator("[data-term]").all()
    }
    assert said["size:heat"] == "Size 40 and heat not known"
    assert said["shift:open"] == "Shift no and open yes"
    assert said["mode:shift"] == "wet and shift no"


@pytest.mark.parametrize("name", ROOTS)
def test_the_scorecard_marks_and_counts_what_is_picked(visit, cards, name):
    card = cards[name]
    page = visit(f"{ROOTS[name]}/scorecard?{typical(cards, name)}")
    field, number = ("sex", "hours_per_week") if name == "" else ("mode", "count")
    value = card.schema.by_name[field].values[-1]
    page.locator(f'.calculator input[name={field}][value="{value}"]').check()
    page.locator(f".calculator input[name={number}]").fill("7")
    record = card.typical | {field: value, number: 7}
    state = """() => [...document.querySelectorAll("[data-pair]")].map((pair) => [
        pair.querySelector("[data-both]").textContent, pair.querySelector("[data-points]").textContent,
        [...pair.querySelectorAll(".picked")].map((each) =>
            each.outerHTML.replace(/\\s+/g, " ").replace(/ class=""/g, "")),
        [...pair.querySelectorAll(".curve circle, .here")].map((each) => ["hidden", "cx", "cy", "x1"].map((name) =>
            name === "hidden" ? each.hasAttribute(name) : Math.round(10 * parseFloat(each.getAttribute(name))))),
    ])"""
    tried, total = page.evaluate(state), page.locator("[data-figure]").first.inner_text()
    page.goto(f"{ROOTS[name]}/scorecard?{urlencode(record)}")
    assert tried == page.evaluate(state) and len(tried) == len(card.pairs)
    assert total == page.locator("[data-figure]").first.inner_text()
    for pair in page.locator("[data-pair]").all():
        assert pair.locator("td.picked").count() == (1 if name != "signs" else 3)
        assert (
            1
            <= pair.locator(".curve, .profile").first.locator("polyline:visible, tr:first-child g:visible").count()
            <= 6
        )


@pytest.mark.parametrize("name", ROOTS)
def test_every_cell_is_in_json_csv_and_the_table(visit, cards, name, server):
    page, card = visit(f"{ROOTS[name]}/scorecard", script=False), cards[name]
    said = page.request.get(f"{ROOTS[name]}/scorecard.json").json()
    rows = page.request.get(f"{ROOTS[name]}/scorecard.csv").text().splitlines()
    assert [pair["feature"] for pair in said["pairs"]] == [*card.pairs]
    for pair in said["pairs"]:
        known = card.pairs[pair["feature"]]
        known = known[0] if isinstance(known, list) else known
        cells = page.locator(f'[data-pair="{pair["feature"]}"] details').first.locator("td")
        assert cells.count() == known.size == sum(row.startswith(f"{pair['feature']},") for row in rows)
        points = pair["log_odds"] if name == "" else pair["points"]
        assert [len(points), len(points[0])] == [len(levels) for levels in pair["levels"]]
        for side, levels in zip(known.sides, pair["levels"], strict=True):
            assert [each["value"] for each in levels if "value" in each] == [*side.levels, *["?"] * side.has_gaps]
            assert [each["below"] for each in levels if "below" in each] == (
                [*side.edges, None] if side.edges else []
            )
    schema = page.request.get(f"{ROOTS[name]}/openapi.json").json()["components"]["schemas"]
    assert "pairs" in schema["ScorecardAnswer"]["required"]


def test_the_formula_for_a_spreadsheet_holds_the_pairs(visit, cards):
    page = visit(f"/plant/docs?{typical(cards, 'plant')}", script=False)
    formula = page.locator(".formula").first.inner_text().removeprefix("=")
    assert eval(formula) == pytest.approx(cards["plant"].sums(cards["plant"].typical), abs=1e-9)


@pytest.mark.parametrize("name", ROOTS)
def test_the_scorecard_prints_on_one_sheet_and_an_answer_too(visit, cards, name):
    assert pages_of(visit(f"{ROOTS[name]}/scorecard")) == 1
    assert pages_of(visit(f"{ROOTS[name]}/probability?{typical(cards, name)}")) == 1


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("", 390, "dark"), ("plant", 1280, "light"), ("signs", 390, "light")]
)
def test_pages_with_pairs_are_sound(visit, cards, name, width, scheme):
    for path in ("scorecard", "probability"):
        page = visit(f"{ROOTS[name]}/{path}?{typical(cards, name)}", width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "(ids => ids.length === new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
        )
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_on_a_wall_the_weakest_lines_are_one_and_the_sum_still_adds_up(visit, cards):
    page = visit(f"/probability?{typical(cards, '')}&view=board", width=1024, height=768)
    page.evaluate("document.querySelectorAll('.covered').forEach((each) => each.classList.remove('covered'))")
    box = page.locator(".sum").bounding_box()
    assert box["y"] + box["height"] <= 768
    numbers = [
        float(text.replace("\N{MINUS SIGN}", "-"))
        for text in page.locator(".sum td.number:visible").all_inner_texts()
    ]
    assert len(numbers) == 1 + 8 + 1 + 1 and sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.06)
    page.get_by_label("Education").select_option("Doctorate")
    numbers = [
        float(text.replace("\N{MINUS SIGN}", "-"))
        for text in page.locator(".sum td.number:visible").all_inner_texts()
    ]
    assert len(numbers) == 11 and sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.06)


def test_json_of_an_answer_is_described(visit, cards):
    page = visit("/")
    for name in ROOTS:
        said = json.loads(page.request.get(f"{ROOTS[name]}/probability.json?{typical(cards, name)}").text())
        pair = said["contributions"][-1]
        assert pair["features"] == pair["feature"].split(":") and pair["value"] == [
            said["record"][each] for each in pair["features"]
        ]
