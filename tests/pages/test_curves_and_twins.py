"""The pages of /curves and /twins in a real browser, for every kind of table."""

from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry
from tests.conftest import follow

TABLES = ["", "iris", "diabetes"]


@pytest.fixture
def address(scorecard):
    """The address of a page about the typical record of a table."""

    def of(page: str, table: str = "") -> str:
        card = Registry(ARTIFACTS / table).load(None) if table else scorecard
        return f"{'/' + table if table else ''}/{page}?{urlencode(card.typical)}"

    return of


@pytest.mark.parametrize("table", TABLES)
def test_every_field_has_one_chart_and_leads_back_to_the_answer(visit, address, table):
    page = visit(address("curves", table), script=False)
    fields = page.locator(".what-if").evaluate_all("all => all.map((each) => each.dataset.feature)")
    assert len(fields) == len({*fields}) == len(page.locator(".what-if h3").all())
    follow(page, page.get_by_role("link", name="Back to the answer"))
    expect(page.locator(".figure").first).to_be_visible()


def test_a_straight_line_is_a_sentence_and_a_curve_a_table(visit, address):
    page = visit(address("curves", "diabetes"))
    for chart in page.locator(".what-if", has=page.locator(".plot")).all():
        is_straight = "A straight line:" in chart.inner_text()
        assert chart.locator("details").count() == (0 if is_straight else 1)


def test_the_switch_to_0_to_100_works_without_script(visit, address):
    page = visit(address("curves"), script=False)
    assert page.locator(".y.top").all_inner_texts() != ["100%", "100%"]
    follow(page, page.get_by_role("link", name="0 to 100%"))
    assert page.locator(".y.top").all_inner_texts() == ["100%", "100%"]
    follow(page, page.get_by_role("link", name="its own"))
    assert page.locator(".y.top").all_inner_texts() != ["100%", "100%"]


def test_a_table_without_groups_says_so_kindly(visit, address):
    page = visit(address("twins", "iris"))
    expect(page.locator("main")).to_contain_text("This table names no group fields")
    follow(page, page.get_by_role("link", name="What if one answer changed?"))
    expect(page.locator(".what-if")).to_have_count(4)


@pytest.mark.parametrize("table", TABLES)
def test_the_pages_fit_every_screen_and_axe_finds_nothing(visit, address, table):
    for path, most in ((address("curves", table), 2_200), (address("twins", table), 1_100)):
        page = visit(path, scheme="dark" if table else "light", language="zh-CN" if table == "iris" else "en-GB")
        assert page.evaluate("document.documentElement.scrollHeight") <= most
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
