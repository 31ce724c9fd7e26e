"""The model card in a real Chromium: what comes first, how much there is, what a threshold moves, what is printed."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

CONTENTS = ["For what", "Data", "How good", "For whom", "Threshold", "Recipe"]
CARDS = {"": CONTENTS, "/iris": [*CONTENTS[:4], "Recipe"], "/diabetes": [*CONTENTS[:4], "Recipe"]}
AT = "(id) => document.getElementById(id).getBoundingClientRect().top + scrollY"


@pytest.fixture
def look(visit):
    """Open a card; return the page and how high it is."""

    def open_card(path="/model", **options):
        page = visit(path, **options)
        return page, page.evaluate("document.documentElement.scrollHeight")

    return open_card


@pytest.mark.parametrize(("width", "most"), [(1280, 3500), (390, 5000)])
def test_the_card_is_short_with_everything_folded(look, width, most):
    page, height = look(width=width)
    assert height < most
    assert page.evaluate("document.querySelectorAll('*').length") < 1100
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("table", CARDS)
def test_three_sentences_and_the_contents_come_first(look, table):
    page, _ = look(f"{table}/model")
    expect(page.locator(".short strong")).to_have_text(
        ["Is it good?", "For whom is it worse?", "What must it not be used for?"]
    )
    said = page.locator(".short li").all_inner_texts()
    assert all(len(each.splitlines()[-1]) > 20 for each in said)
    links = page.locator(".contents a")
    expect(links).to_have_text(CARDS[table])
    tops = [page.evaluate(AT, link.get_attribute("href").removeprefix("#")) for link in links.all()]
    first = page.locator(".short").bounding_box()["y"]
    assert first < 300 and [first, *tops] == sorted([first, *tops])


def large_groups(groups: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups with at least a hundred test rows of either outcome."""
    return [each for each in groups.values() if min(each["positives"], each["rows"] - each["positives"]) >= 100]


def test_the_sentences_are_written_from_the_numbers(look, scorecard):
    page, _ = look()
    measured = scorecard.evaluation
    groups = {name: large_groups(each) for name, each in measured["groups"].items()}
    found = {
        name: [group["true_positives"][50] / group["positives"] for group in each] for name, each in groups.items()
    }
    furthest = max(found.values(), key=lambda rates: max(rates) - min(rates))
    good, worse, misuse = page.locator(".short li").all_inner_texts()
    assert f"right for {measured['accuracy']:.1%}" in good and "Better than one answer for all" in good
    assert f"right for {measured['comparison']['base_rate']['accuracy']:.1%}" in good
    for rate in (min(furthest), max(furthest)):
        assert f"{rate:.1%}" in worse
    assert scorecard.package["glassform"]["card"]["misuse"][:40] in misuse


def test_groups_stand_before_curves(look):
    page, _ = look()
    order = page.evaluate(
        """() => ["groups", "decision-title", "roc-title", "precision-title"].map((id) =>
            [...document.querySelectorAll("*")].indexOf(document.getElementById(id)))"""
    )
    assert order == sorted(order) and order[0] > 0
    expect(page.locator("#roc-title")).to_be_hidden()


@pytest.mark.parametrize("script", [True, False])
def test_a_threshold_moves_the_figures_and_one_short_line_is_read_aloud(look, script):
    page, _ = look(script=script)
    before = page.locator("#groups").inner_text()
    page.locator("#decision summary").first.click()
    if script:
        page.locator("#threshold").fill("0.2")
    else:
        page.goto("/model?threshold=0.2")
    expect(page.locator("#decided")).to_contain_text("At 0.20:")
    expect(page.locator("#confusion-title")).to_have_text("Right and wrong at 0.20")
    expect(page.locator("#for-whom")).to_contain_text("at a threshold of 0.20")
    assert page.locator("#groups").inner_text() != before
    if script:
        expect(page.locator("#decision details").first).to_have_attribute("open", "")
        assert "threshold=0.2" in page.url
    (spoken,) = page.locator("main [aria-live], main [role=status]").all()
    assert len(spoken.inner_text().split()) < 25


@pytest.mark.parametrize("table", ["", "/iris", "/diabetes"])
def test_no_table_of_the_card_scrolls_in_a_box_of_its_own_height(look, table):
    page, _ = look(f"{table}/model", width=390)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    cut = page.evaluate(
        "[...document.querySelectorAll('.scrolls')].filter((e) => e.scrollHeight > e.clientHeight + 1).length"
    )
    assert cut == 0
    shadows = page.locator(".scrolls").first.evaluate("(box) => getComputedStyle(box).backgroundAttachment")
    assert "local" in shadows and "scroll" in shadows


def test_few_rows_have_no_interval_and_no_calibration(look):
    page, _ = look("/iris/model")
    expect(page.locator(".tiles .hint")).to_have_text(["too few rows for an interval"] * 4)
    expect(page.locator("section:has(> #calibration-title)")).to_contain_text("30 test rows are too few")
    assert "between" not in page.locator(".tiles").inner_text()


def test_a_figure_and_its_interval_have_one_unit(look):
    page, _ = look()
    for tile in page.locator(".tiles li").all():
        figure, hint = tile.locator(".figure").inner_text(), tile.locator(".hint").inner_text()
        if "between" in hint:
            ends = re.findall(r"[\d.]+%?", hint)
            assert {end.endswith("%") for end in ends} == {figure.endswith("%")}
            low, high = (float(end.rstrip("%")) for end in ends)
            assert low < float(figure.rstrip("%")) < high


def test_copies_are_told_only_where_there_are_any(look):
    page, _ = look()
    expect(page.locator("section:has(> #data-title)")).to_contain_text("earlier one: 24")
    page.goto("/diabetes/model")
    assert not re.search(r"\b0 rows|: 0\.", page.locator("section:has(> #data-title)").inner_text())


@pytest.mark.parametrize("table", CARDS)
def test_four_sheets_of_paper_hold_the_card(look, table):
    page, _ = look(f"{table}/model")
    printed = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
    page.emulate_media(media="print")
    expect(page.locator("main form:visible")).to_have_count(0)
    expect(page.locator(".on-paper .text li").first).to_be_visible()
    for heading in page.locator("main :is(h1, h2, h3)").all():
        assert heading.evaluate("(each) => getComputedStyle(each).breakAfter") == "avoid"
    assert page.locator(".tiles").evaluate("(each) => getComputedStyle(each).printColorAdjust") == "exact"


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "zh-CN")])
@pytest.mark.parametrize("table", CARDS)
def test_axe_finds_nothing_when_all_is_unfolded(look, table, scheme, language):
    page, _ = look(f"{table}/model", scheme=scheme, language=language, width=390)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
