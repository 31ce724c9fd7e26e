"""The pages' own script in a real Chromium: the same arithmetic and the same drawings as the server's."""

import random
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from glassform.web.charts import percent

ASK = """async ([card, records]) => {
    const { explain, whatIf } = await import("/static/scorecard.js");
    return records.map((record) => ({ ...explain(card, record), curves: whatIf(card, record) }));
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
        for ours, theirs in zip(answer["contributions"], expected["contributions"], strict=True):
            assert ours == theirs | {"log_odds": pytest.approx(theirs["log_odds"], abs=1e-9)}
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
    page.get_by_role("button", name="Use this threshold").click()
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
