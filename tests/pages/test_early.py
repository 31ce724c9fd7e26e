"""What somebody does on a page before its script has come is not lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from glassform.web.charts import percent

# The page is there and has its styles; until then its parts move, and a click may miss.
LAID_OUT = """
document.readyState === "interactive"
    && document.styleSheets.length === document.querySelectorAll("link[rel=stylesheet]").length
"""
Opened = tuple[Page, Callable[[], None]]


@pytest.fixture
def early(browser: Browser, server) -> Iterator[Callable[[str, str], Opened]]:
    """Open a page, one script of which comes when it is let go."""
    pages = list[Page]()

    def open_page(path: str, script: str) -> Opened:
        held = list[Any]()
        page = browser.new_page(base_url=server, locale="en-GB")
        pages.append(page)
        page.route(f"**/{script}", lambda route: held.append(route))
        page.goto(path, wait_until="commit")
        while not page.evaluate(LAID_OUT):  # `wait_for_function` is what the pages' policy forbids
            page.wait_for_timeout(20)

        def let_go() -> None:
            while not held:
                page.wait_for_timeout(20)
            held[0].continue_()
            page.wait_for_load_state("load")

        return page, let_go

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("place", ["", "/"], ids=["answer", "first"])
def test_what_is_typed_stays_and_the_figure_follows(early, answers, scorecard, record, place):
    page, let_go = early(place or answers[""], "try.js")
    page.get_by_label("Age", exact=True).fill("60")
    page.get_by_label("Education").select_option("Doctorate")
    let_go()
    expect(page.get_by_label("Age", exact=True)).to_have_value("60")
    tried = (scorecard.typical if place else record) | {"age": 60, "education": "Doctorate"}
    expect(page.locator("#answer .figure")).to_have_text(percent(scorecard.probability(tried)))
    page.locator("#answer [data-undo]").click()
    expect(page.get_by_label("Education")).not_to_have_value("Doctorate")


def test_what_cannot_be_is_marked_and_stays(early, answers):
    page, let_go = early(answers[""], "try.js")
    page.get_by_label("Age", exact=True).fill("abc")
    let_go()
    expect(page.locator("#age-error")).to_contain_text("abc is not a whole number")
    expect(page.get_by_label("Age", exact=True)).to_have_value("abc")


def test_a_threshold_moves_the_figures(early):
    page, let_go = early("/model", "live.js")
    page.locator("#threshold").fill("0.2")
    let_go()
    expect(page.locator("#decided")).to_contain_text("At 0.20:")
    expect(page.locator("output[for=threshold]")).to_have_text("0.20")


def test_a_chart_that_is_opened_is_drawn(early, answers):
    page, let_go = early(answers[""], "fold.js")
    page.get_by_text("5 more fields").click()
    page.locator(".more-charts summary", has_text="Age").click()
    expect(page.locator(".more-charts details[data-part]", has_text="Age")).to_have_attribute("open", "")
    let_go()
    expect(page.locator(".more-charts .what-if[data-feature=age] polyline")).to_be_visible()


def test_the_list_of_operations_that_is_opened_is_loaded(early):
    page, let_go = early("/docs", "explore.js")
    page.locator("#try summary").click()
    let_go()
    expect(page.locator("#operations-tag-predict")).to_be_visible()
