"""The first page and the menu: a live figure before anything is sent, few stops before the first field."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from glassform.web.charts import percent
from tests.conftest import ROOT, follow

TABLES = ["", "/iris", "/diabetes", "/wine", "/houses", "/voyage"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_figure_is_there_before_anything_is_sent(visit, scorecard, script):
    page = visit("/", script=script)
    expect(page.locator("#answer .figure")).to_have_text(percent(scorecard.probability(scorecard.typical)))


@pytest.mark.parametrize("table", TABLES)
def test_the_figure_follows_the_form(visit, added, table):
    page = visit(f"{table}/")
    first = page.locator("#answer .figure").inner_text()
    field = page.locator(".fields :is(select, input:not([type=hidden]))").first
    if table == "/iris":  # no table of points, so the server answers
        expect(page.locator("form[data-try]")).to_have_count(0)
        return
    if field.evaluate("(element) => element.matches('select')"):
        field.select_option(index=field.locator("option").count() - 1)
    else:
        field.fill(str(float(field.input_value()) + 1).removesuffix(".0"))
    expect(page.locator("#answer [data-difference]")).to_contain_text(first)
    assert page.locator("#answer [data-undo]").is_visible()


def test_six_stops_at_most_before_the_first_field(visit, added):
    page = visit("/")
    names = []
    for _ in range(7):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('main *')"):
            break
        names.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert len(names) <= 6, names
    assert page.evaluate("document.activeElement.name") == "age"


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("width", [390, 360, 320])
def test_the_menu_is_one_line_on_a_phone(visit, added, table, width):
    page = visit(f"{table}/", width=width)
    assert page.locator(".masthead").bounding_box()["height"] <= 60
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_menu_of_owners_leads_to_their_pages(visit):
    page = visit("/")
    page.locator(".menu summary", has_text="For owners").click()
    links = page.locator(".menu[open] a").all_inner_texts()
    assert links == ["Many rows", "API", "Versions", "Drift", "Accounts", "Add a table"]
    follow(page, page.get_by_role("link", name="Add a table"))
    expect(page.locator("#add")).to_contain_text("--add")


def test_the_table_is_switched_in_the_menu(visit, added):
    page = visit("/")
    page.locator(".menu summary", has_text="Census income").click()
    follow(page, page.locator(".menu[open]").get_by_role("link", name="Diabetes progression"))
    expect(page.get_by_role("heading", level=1)).to_have_text("How far will the disease have progressed in a year?")


@pytest.mark.parametrize("table", TABLES)
def test_real_records_name_their_fields(visit, added, table):
    page = visit(f"{table}/")
    titles = page.locator(".fields label").all_inner_texts()
    for text in page.locator(".people .of").all_inner_texts():
        for title in titles[:7]:
            assert title in text


def test_a_real_record_fills_the_form_and_its_figure(visit, scorecard):
    page = visit("/")
    follow(page, page.locator(".people a").nth(1))
    example = scorecard.examples[1]["record"]
    expect(page.get_by_label("Age", exact=True)).to_have_value(str(example["age"]))
    expect(page.locator("#answer .figure")).to_have_text(percent(scorecard.probability(example)))


def test_every_page_has_a_description_of_its_own(client, record):
    seen = {}
    for path in ("/", "/model", "/scorecard", "/docs", "/examples", "/probabilities", "/tables", "/iris/"):
        page = client.get(path, headers={"Accept": "text/html"}).text
        (text,) = re.findall(r'<meta name="description" content="([^"]+)">', page)
        assert len(text) > 30
        seen[text] = path
    assert len(seen) == 8


def test_colours_do_not_depend_on_a_new_function():
    assert "light-dark(" not in (ROOT / "static" / "style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", ["/wine", "/houses", "/voyage"])
def test_axe_finds_nothing_on_added_tables(visit, added, table):
    for path in ("/", "/scorecard", "/model"):
        for scheme, language, width in (("light", "en-GB", 1280), ("dark", "zh-CN", 390)):
            page = visit(f"{table}{path}", scheme=scheme, language=language, width=width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "path", ["/model", "/iris/model", "/diabetes/model", "/scorecard", "/wine/scorecard", "/docs"]
)
def test_no_table_is_cut_in_the_middle_of_a_row(visit, added, path, width):
    page = visit(path, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    cut = """() => [...document.querySelectorAll(".scrolls")]
        .filter((each) => each.querySelectorAll("tr").length < 60)
        .filter((each) => each.scrollHeight > each.clientHeight + 1).length"""
    assert page.evaluate(cut) == 0
