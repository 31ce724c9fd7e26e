"""The scorecard as a calculator and as a sheet of paper."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from glassform.web.charts import percent, signed
from tests.conftest import follow
from tests.pages.counting import pages_of

TABLES = ["", "/diabetes", "/wine", "/houses", "/voyage"]


def test_picking_values_adds_up_their_points(visit, scorecard):
    page = visit("/scorecard")
    page.get_by_role("radio", name="Doctorate").check()
    page.get_by_label("Value Age").fill("52")
    record = scorecard.typical | {"education": "Doctorate", "age": 52}
    explained = scorecard.explain(record)
    expect(page.locator("[data-sum]")).to_have_text(signed(explained["log_odds"], 2))
    expect(page.locator("[data-figure]")).to_have_text(percent(explained["probability"]))
    by_name = {term["feature"]: term["log_odds"] for term in explained["contributions"]}
    expect(page.locator("[data-points=age]")).to_have_text(signed(by_name["age"], 2))
    follow(page, page.get_by_role("button", name="Show why"))
    expect(page.locator("#answer .figure")).to_have_text(percent(explained["probability"]))


@pytest.mark.parametrize("table", TABLES)
def test_the_calculator_works_on_every_table(visit, added, table):
    page = visit(f"{table}/scorecard")
    number = page.locator(".calculator .with-unit input").first
    first = page.locator(".feature [data-points]").first.inner_text()
    steps = page.locator(".feature:has(.with-unit input)").first.locator(".steps td:first-child")
    for text in steps.all_text_contents()[:2]:
        number.fill(text)
    assert page.locator(".feature [data-points]").first.inner_text() != first
    number.fill("nothing")
    assert number.get_attribute("aria-invalid") == "true"


def test_a_record_in_the_address_is_picked(visit, record, scorecard, client):
    page = visit(f"/scorecard?{urlencode(record)}", script=False)
    expect(page.get_by_role("radio", name="Bachelor's degree")).to_be_checked()
    expect(page.locator("[data-figure]")).to_have_text(percent(scorecard.probability(record)))
    assert client.get("/scorecard?age=200").status_code == 422
    assert client.get("/scorecard?nonsense=1").status_code == 422
    assert client.get("/scorecard.json?age=30").json == client.get("/scorecard.json").json


def test_what_matters_most_comes_first(visit, scorecard):
    page = visit("/scorecard", script=False)
    spreads = {name: max(each.log_odds) - min(each.log_odds) for name, each in scorecard.points.items()}
    expected = sorted(spreads, key=lambda name: -spreads[name])
    assert [each.get_attribute("id") for each in page.locator(".feature h2").all()] == [
        f"{name}-title" for name in expected
    ]


def test_files_and_sql_are_folded(visit):
    page = visit("/scorecard")
    expect(page.get_by_role("link", name="DuckDB")).to_be_hidden()
    page.locator("details.again summary").click()
    expect(page.get_by_role("link", name="DuckDB")).to_be_visible()


@pytest.mark.parametrize("table", TABLES)
def test_no_value_is_listed_twice(visit, added, table):
    page = visit(f"{table}/scorecard", script=False)
    for feature in page.locator(".feature").all():
        values = feature.locator("details th[scope=row]").all_text_contents()
        assert len({value.strip() for value in values}) == len(values)


@pytest.mark.parametrize("table", TABLES)
def test_it_fits_on_one_sheet(visit, added, table):
    assert pages_of(visit(f"{table}/scorecard")) == 1
