"""The page of the paper card: one sheet in print, complete without script, fit for a phone."""

import pytest

from tests.pages.counting import pages_of

WIDE = "() => document.documentElement.scrollWidth - innerWidth"


@pytest.mark.parametrize(("root", "language"), [("", "en-GB"), ("", "zh-CN"), ("/census", "en-GB")])
def test_the_card_prints_on_one_sheet(visit, root, language):
    page = visit(f"{root}/scorecard?points=5", script=False, language=language)
    assert pages_of(page) == 1
    page.emulate_media(media="print")
    assert page.locator(".paper-sheet").is_visible() and not page.locator(".masthead").is_visible()
    boxes = page.locator(".paper td.box")
    assert boxes.count() == page.locator(".paper tbody").count() + 2  # the sum's and the probability's
    assert all(box.bounding_box()["height"] >= 15 and not box.inner_text() for box in boxes.all())


def test_the_card_fits_a_phone(visit):
    page = visit("/scorecard?points=5", width=390, height=844)
    assert page.evaluate(WIDE) <= 0
    table = page.locator(".paper").bounding_box()
    assert table["x"] >= 0 and table["x"] + table["width"] <= 390


def test_a_keyboard_goes_from_the_scorecard_to_the_card_and_back(visit):
    page = visit("/scorecard")
    page.get_by_role("link", name="On paper").press("Enter")
    page.wait_for_url("**points=5**")
    page.get_by_role("link", name="The full scorecard").press("Enter")
    page.wait_for_url(lambda address: "points=5" not in address)
