"""The pages' own script in a real Chromium: the same arithmetic and the same drawings as the server's."""

import random
import re
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from glassform.web.charts import percent
from tests.conftest import follow

ASK = """async ([card, records]) => {
    const { explain, whatIf } = await import("/static/scorecard.js");
    return records.map((record) => ({ ...explain(card, record), curves: whatIf(card, record) }));
}"""
# what of the page must not depend on whether the server or the script drew it
DRAWN = """() => {
    const numbers = (text) => text.split(/[ ,%]+/).filter(Boolean).map(Number);
    const attributes = (selector, ...names) => [...document.querySelectorAll(selector)].flatMap(
        (element) => names.flatMap((name) => numbers(element.getAttribute(name) ?? "")));
    return {
        text: [...document.querySelectorAll(".figure, .sum, .what-ifs")].map((element) => element.textContent
            .replaceAll(/\\s+/g, "")),
        classes: [...document.querySelectorAll(".sum rect, .what-ifs tr")].map((element) => element.className.baseVal
            ?? element.className),
        bars: attributes(".sum rect", "x", "width").concat(attributes(".sum line", "x1", "x2")),
        dots: attributes(".what-ifs circle, .mark", "cx", "cy", "r"),
        lines: attributes(".what-ifs polyline", "points"),
    };
}"""


def random_records(schema, count: int, seed: int = 0) -> list[dict[str, str | int | float]]:
    chance = random.Random(seed)
    return [{field.name: chance.choice(field.values) for field in schema.fields} for _ in range(count)]


def test_script_and_server_agree_on_a_thousand_random_people(visit, client, scorecard, schema):
    records = random_records(schema, 1000)
    page = visit("/")
    answers = page.evaluate(ASK, [client.get("/scorecard").json, records])
    for record, answer in zip(records, answers, strict=True):
        expected = scorecard.explain(record)
        assert answer["probability"] == pytest.approx(expected["probability"], abs=1e-9)
        assert answer["log_odds"] == pytest.approx(expected["log_odds"], abs=1e-9)
        assert answer["contributions"] == [pytest.approx(term, abs=1e-9) for term in expected["contributions"]]
        for curve, (name, points) in zip(answer["curves"], scorecard.what_if(record).items(), strict=True):
            assert curve["feature"] == name
            assert [point["value"] for point in curve["points"]] == [value for value, _ in points]
            found = np.array([point["probability"] for point in curve["points"]])
            assert np.abs(found - [probability for _, probability in points]).max() <= 1e-9


def test_the_script_interpolates_as_the_server_does(visit):
    points = [{"value": value, "log_odds": log_odds} for value, log_odds in [(0.0, 0.0), (1.0, 2.0), (1.5, -1.0)]]
    card = {"intercept": 0.5, "features": [{"feature": "x", "interpolated": True, "points": points}]}
    answers = visit("/").evaluate(ASK, [card, [{"x": x} for x in (0.0, 0.25, 1.0, 1.1, 1.5)]])
    assert [answer["log_odds"] for answer in answers] == pytest.approx([0.5, 1.0, 2.5, 1.9, -0.5])


def fill(page, schema, record) -> None:
    for field in schema.fields:
        box = page.locator(f"form[data-try] [name={field.name}]")
        if field.categories:
            box.select_option(str(record[field.name]))
        else:
            box.fill(str(record[field.name]))


def test_what_the_script_draws_is_what_the_server_draws(visit, record, schema):
    page = visit(f"/probability?{urlencode(record)}")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    for other in random_records(schema, 12, seed=1):
        fill(page, schema, other)
        tried = page.evaluate(DRAWN)
        asked = visit(f"/probability?{urlencode(other)}", script=True).evaluate(DRAWN)
        assert tried["text"] == asked["text"]
        assert tried["classes"] == asked["classes"]
        for part in ("bars", "dots", "lines"):
            assert tried[part] == pytest.approx(asked[part], abs=2e-3), part
    # the browser may fetch the icon of a page it has shown; the page itself asks for nothing
    assert {urlsplit(url).path for url in requests} <= {"/static/icon.svg"}


def test_what_only_the_server_knows_is_put_away_while_trying(visit, record, scorecard):
    page = visit(f"/probability?{urlencode(record)}")
    expect(page.get_by_role("heading", name="How sure is it?")).to_be_visible()
    page.get_by_label("Age", exact=True).fill("61")
    expect(page.locator(".figure")).to_have_text(percent(scorecard.probability(record | {"age": 61})))
    expect(page.get_by_role("status")).to_contain_text("trying other answers")
    for heading in ("How sure is it?", "The twins", "Permanent link"):
        expect(page.get_by_role("heading", name=heading)).to_be_hidden()
    page.get_by_role("button", name="Show the new probability").click()
    expect(page.get_by_role("heading", name="How sure is it?")).to_be_visible()
    expect(page.get_by_label("Age", exact=True)).to_have_value("61")


@pytest.mark.parametrize("typed", ["", "-", "200", "3x", "٣٩", "1e1", "39.0"])
def test_what_is_no_value_changes_nothing(visit, record, scorecard, typed):
    page = visit(f"/probability?{urlencode(record)}")
    page.get_by_label("Age", exact=True).fill(typed)
    expect(page.locator(".figure")).to_have_text(percent(scorecard.probability(record)))
    expect(page.get_by_role("heading", name="How sure is it?")).to_be_visible()


def test_going_back_shows_what_the_form_says(visit, record, scorecard):
    page = visit(f"/probability?{urlencode(record)}")
    page.get_by_label("Age", exact=True).fill("61")
    follow(page, page.get_by_role("link", name="Scorecard", exact=True))
    page.go_back()
    age = int(page.get_by_label("Age", exact=True).input_value())
    expect(page.locator(".figure")).to_have_text(percent(scorecard.probability(record | {"age": age})))


def test_the_slider_of_the_card_asks_again_and_moves_the_figures(visit, client):
    page = visit("/model")
    page.get_by_role("slider", name="Threshold").fill("0.8")
    counts = client.get("/model?threshold=0.8").json["decision"]["confusion"]
    expect(page.locator(".cell strong").last).to_have_text(f"{counts['true_positives']:,}")
    expect(page.locator("output")).to_have_text("0.80")
    page.get_by_label("Cost of a wrong yes").fill("5")
    expect(page).to_have_url(re.compile("threshold=0.8.*false_positive_cost=5"))
    page.get_by_label("Cost of a wrong yes").fill("x")
    page.get_by_label("Cost of a wrong yes").fill("2")
    cost = client.get("/model?threshold=0.8&false_positive_cost=2").json["decision"]["cost"]
    expect(page.locator("#decision")).to_contain_text(f"{cost:,.0f}")


def test_the_slider_works_without_script(visit, client):
    page = visit("/model", script=False)
    page.get_by_label("Cost of a wrong no").fill("3")
    page.get_by_role("button", name="Draw the line here").click()
    cost = client.get("/model?false_negative_cost=3").json["decision"]["cost"]
    expect(page.locator("#decision")).to_contain_text(f"{cost:,.0f}")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_file_is_sent_from_the_page_and_its_result_shown(visit, client, scorecard, tmp_path, script):
    sample = tmp_path / "people.csv"
    sample.write_bytes(client.get("/probabilities.csv").data)
    page = visit("/probabilities", script=script)
    page.get_by_label("CSV file").set_input_files(sample)
    page.get_by_role("button", name="Show the result").click()
    count = len(scorecard.examples)
    expect(page.get_by_role("heading", name=f"{count} people")).to_be_visible()
    for example in scorecard.examples:
        expect(page.locator("tbody")).to_contain_text(percent(scorecard.probability(example["record"])))


def test_the_result_of_a_file_is_downloaded(visit, client, scorecard, tmp_path):
    sample = tmp_path / "people.csv"
    sample.write_bytes(client.get("/probabilities.csv").data)
    page = visit("/probabilities")
    page.get_by_label("CSV file").set_input_files(sample)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    assert download.value.suggested_filename == "probabilities.csv"
    header, first, *_ = download.value.path().read_text().splitlines()
    assert header.endswith(",probability")
    assert float(first.rpartition(",")[2]) == scorecard.probability(scorecard.examples[0]["record"])


def test_errors_of_a_file_are_shown_with_their_rows(visit, tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("age,workclass,education,marital_status,race,sex,hours_per_week\n200,x,x,x,x,x,x\n")
    page = visit("/probabilities")
    page.get_by_label("CSV file").set_input_files(wrong)
    page.get_by_role("button", name="Show the result").click()
    expect(page.locator("main")).to_contain_text("200 is not between 17 and 90")
    expect(page.locator("main")).to_contain_text("Row 1")
