"""The reasons on the page of an answer, in a real Chromium: they follow the form, and axe finds nothing."""

from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from glassform.fitted.reasons import Reasons, Wanted
from glassform.web.charts import signed


def test_the_reasons_follow_the_form(visit, scorecard, record):
    page = visit(f"/probability?{urlencode(record | {'reasons': 3, 'against': 'threshold'})}")
    page.get_by_label("Age", exact=True).fill("20")
    page.get_by_label("Sex").select_option("Female")
    tried = record | {"age": 20, "sex": "Female"}
    expected = Reasons.of(scorecard, Wanted(3, "threshold")).answer(scorecard.row(tried), scorecard.schema)
    lines = page.locator("[data-reason]:visible")
    said = [f"{each['sentence']} {signed(each['difference'], 2)}" for each in expected["listed"]]
    expect(lines).to_have_text(said)
    expect(page.locator(".reasons [data-protected]:visible")).to_have_count(len(expected["warnings"]))
    page.wait_for_url("**reasons=3**")  # the address of what is tried keeps them
    page.get_by_role("link", name="what raises it").click()
    raised = Reasons.of(scorecard, Wanted(3, "threshold", "up")).answer(scorecard.row(tried), scorecard.schema)
    expect(page.locator("[data-sentence]").first).to_have_text(raised["listed"][0]["sentence"])


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_axe_finds_nothing(visit, record, language):
    page = visit(
        f"/probability?{urlencode(record | {'reasons': 7, 'against': 'best'})}", width=390, language=language
    )
    # themes are styles, so they change colours only
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=rules)
        assert not found.violations_count, found.generate_report()
