"""The page of /changes in a real browser."""

from urllib.parse import urlencode

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.conftest import follow


def test_a_bad_target_is_set_right_on_its_own_page(visit, record):
    page = visit(f"/changes?{urlencode(record)}&target=200&lock=sex", script=False)
    expect(page.locator(".summary")).to_contain_text(
        "Target probability: 200 is not a target above 0% and below 100%"
    )
    field = page.get_by_label("Target probability")
    expect(field).to_have_value("200")
    expect(field).to_be_focused()
    assert field.get_attribute("aria-invalid") == "true"
    expect(page.get_by_label("Sex")).to_be_checked()
    field.fill("30")
    page.get_by_role("button", name="Find the smallest changes").click()
    expect(page.locator("#found h2")).to_contain_text("to 30%")
    expect(page.get_by_label("Target probability")).to_have_value("30%")


def test_each_way_is_a_line_that_leads_to_its_answer(visit, record, client):
    page = visit(f"/changes?{urlencode(record)}&target=50%25", script=False)
    expect(page.get_by_label("Target probability")).to_have_value("50%")
    ways = client.get("/changes", query_string=record | {"target": "50%"}).json["alternatives"]
    expect(page.locator("#found li")).to_have_count(len(ways))
    expect(page.locator("#found h3").first).to_have_text(
        f"If marital status were Married, civilian spouse present: {100 * ways[0]['changed_probability']:.1f}%"
    )
    follow(page, page.get_by_role("link", name="Open").nth(1))
    expect(page.locator(".figure").first).to_have_text(f"{100 * ways[1]['changed_probability']:.1f}%")


def test_what_is_found_follows_the_target_as_it_is_typed(visit, record):
    page = visit(f"/changes?{urlencode(record)}&target=50%25")
    page.get_by_label("Target probability").fill("30%")
    expect(page.locator("#found h2")).to_contain_text("to 30%")
    page.get_by_label("Target probability").fill("300%")
    page.get_by_role("checkbox", name="Education").check()
    expect(page.locator("#found h2")).to_contain_text("to 30%")


def test_axe_finds_nothing_and_nothing_is_too_wide(visit, record):
    for language, scheme in (("en-GB", "light"), ("zh-CN", "dark")):
        page = visit(f"/changes?{urlencode(record)}&target=50%25", scheme=scheme, language=language)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
