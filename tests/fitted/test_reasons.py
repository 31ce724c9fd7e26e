"""The reasons of an answer: what moves it most away from a reference, in the same order wherever it is found."""

import csv
import json
import math
from contextlib import closing
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from glassform.engines.files import NULL
from glassform.engines.scoring import Task, connect, score_files
from glassform.fitted.additive import Additive
from glassform.fitted.base import Looked
from glassform.fitted.reasons import AVERAGE, BEST, DOWN, THRESHOLD, UP, NoReasons, Reasons, Wanted, levels_of
from glassform.fitted.scorecard import Scorecard
from glassform.learning.facts import slopes
from glassform.learning.table import as_records
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry
from tests.conftest import ROOT

EVERY_WAY = [(against, direction) for against in (AVERAGE, THRESHOLD, BEST) for direction in (DOWN, UP)]


IN_SQL = [(AVERAGE, DOWN), (THRESHOLD, DOWN), (BEST, UP)]


def reasons_of(card: Additive, record: Any, count: int = 3, **wanted: Any) -> Any:
    return Reasons.of(card, Wanted(count, **wanted)).answer(card.row(record), card.schema)


@pytest.fixture(scope="module")
def numbers(scorecard) -> Additive:
    """The model of a number."""
    card = Registry(ARTIFACTS / "diabetes").load()
    assert isinstance(card, Additive)
    return card


def test_against_the_average_a_difference_is_the_terms_points(scorecard, record):
    terms = {each["feature"]: each["log_odds"] for each in scorecard.explain(record)["contributions"]}
    listed = reasons_of(scorecard, record, 7)["listed"]
    assert listed == sorted(listed, key=lambda each: each["difference"])
    assert [each["difference"] for each in listed] == sorted(term for term in terms.values() if term < 0)[:7]
    assert all(each["difference"] == terms[each["feature"]] for each in listed)


def test_what_raises_the_answer_is_listed_the_other_way_round(scorecard, record):
    raising = reasons_of(scorecard, record, 7, direction=UP)["listed"]
    assert raising and all(each["difference"] > 0 for each in raising)
    lowering = {each["feature"] for each in reasons_of(scorecard, record, 7)["listed"]}
    assert not lowering & {each["feature"] for each in raising}


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_the_typical_person_at_a_threshold_has_its_probability(scorecard, threshold):
    found = Reasons.of(scorecard, Wanted(1, THRESHOLD, threshold=threshold))
    total = scorecard.intercept + sum(found.references)
    assert total == pytest.approx(math.log(threshold / (1 - threshold)), abs=1e-9)
    assert found.reference["probability"] == pytest.approx(threshold)


def test_its_points_are_on_the_line_through_the_training_rows(scorecard, splits):
    training = splits["adult"]
    terms = list(zip(*(scorecard.terms_of(each) for each in as_records(scorecard.schema, training.X)), strict=True))
    sums = [sum(several) for several in zip(*terms, strict=True)]
    names = [*scorecard.points, *scorecard.pairs]
    spread = sum(weight * each * each for weight, each in zip(training.weights, sums, strict=True))
    for name, own in zip(names, terms, strict=True):
        with_sums = sum(weight * a * b for weight, a, b in zip(training.weights, own, sums, strict=True))
        assert scorecard.training["slopes"][name] == pytest.approx(with_sums / spread, abs=1e-6)
    assert sum(scorecard.training["slopes"].values()) == pytest.approx(1)


def test_a_model_that_says_the_same_of_all_has_a_typical_person_too(scorecard, splits):
    points = scorecard.points
    flat = {name: replace(each, log_odds=(0.0,) * len(each.log_odds)) for name, each in points.items()}
    assert set(slopes(flat, {}, splits["adult_test"]).values()) == {0.0}


@pytest.mark.parametrize("direction", [DOWN, UP])
def test_nobody_is_beyond_the_best(scorecard, splits, direction):
    best = Reasons.of(scorecard, Wanted(7, BEST, direction)).references
    sign = 1 if direction == DOWN else -1
    for record in as_records(scorecard.schema, splits["adult_test"].X.iloc[::500]):
        assert all(sign * (own - each) <= 0 for own, each in zip(scorecard.terms_of(record), best, strict=True))
    fields = scorecard.points.values()
    assert all(each in levels_of(own) for each, own in zip(best, fields, strict=False))


def test_a_pair_is_a_reason_of_its_own_with_both_fields(scorecard, splits):
    pair = next(iter(scorecard.pairs.values()))
    record = as_records(scorecard.schema, splits["adult_test"].X)[0]
    terms = [1.0] * (len(scorecard.points) + len(scorecard.pairs))
    terms[len(scorecard.points)] = -1.0
    (reason,) = Reasons.of(scorecard, Wanted(3)).listed(Looked([*record.values()], terms), scorecard.schema)
    assert reason["features"] == [*pair.features] and reason["value"] == [record[name] for name in pair.features]
    assert reason["code"] == ":".join(name.upper() for name in pair.features)
    assert "together" in reason["sentence"]


def test_equal_reasons_keep_the_order_of_the_fields(scorecard):
    found = Reasons.of(scorecard, Wanted(7))
    tied = [-0.5] * len(found.terms)
    assert found.places(tied) == [0, 1, 2, 3, 4, 5, 6]
    tied[5] -= 1e-12  # what another order of the same additions makes of it
    assert found.places(tied) == [0, 1, 2, 3, 4, 5, 6]
    tied[5] -= 1e-6
    assert found.places(tied) == [5, 0, 1, 2, 3, 4, 6]


def test_what_makes_no_difference_is_no_reason(scorecard):
    found = Reasons.of(scorecard, Wanted(7))
    terms = [-1e-12] * len(found.terms)
    assert found.places(terms) == []
    assert found.cells(Looked([], terms)) == [""] * 7 + ["0"]


@pytest.mark.parametrize("against", [AVERAGE, THRESHOLD, BEST])
def test_a_protected_field_among_the_strongest_is_listed_and_marked(scorecard, record, against):
    groups = {field.name for field in scorecard.schema.groups}
    places = [place for place, name in enumerate(scorecard.points) if name in groups]
    found = Reasons.of(scorecard, Wanted(1, against))
    for place in places:
        terms = [*found.references]
        terms[place] -= 2.0
        answer = found.answer(Looked([*record.values()], terms), scorecard.schema)
        (reason,) = answer["listed"]
        assert reason["protected"] and reason["feature"] in groups
        assert [scorecard.schema.by_name[reason["feature"]].title in each for each in answer["warnings"]] == [True]
        assert found.cells(Looked([], terms))[-1] == "1"


def test_codes_and_sentences_come_from_the_data_package(scorecard, record):
    package = json.loads(json.dumps(scorecard.package))
    fields = {each["name"]: each for each in package["resources"][0]["schema"]["fields"]}
    fields["age"]["glassform"]["reasons"] = {"code": "A1", "sentence": "{field} ({value}) counts here."}
    record |= {"age": 20}
    value = str(record["education"])
    fields["education"]["glassform"]["reasons"] = {"values": {value: "School: {value}."}}
    card = replace(scorecard, package=package)
    said = {each["feature"]: each for each in reasons_of(card, record, 7, against=BEST)["listed"]}
    assert (said["age"]["code"], said["age"]["sentence"]) == ("A1", f"Age ({record['age']} years) counts here.")
    title = card.schema.by_name["education"].title_of(value)
    assert (said["education"]["code"], said["education"]["sentence"]) == ("EDUCATION", f"School: {title}.")


def test_the_code_of_a_pair_has_those_of_both_fields(scorecard):
    package = json.loads(json.dumps(scorecard.package))
    fields = {scorecard.schema.names.get(each["name"]): each for each in package["resources"][0]["schema"]["fields"]}
    (first, second) = next(iter(scorecard.pairs.values())).features
    fields[first]["glassform"]["reasons"] = {"code": "R14"}
    codes = Reasons.of(replace(scorecard, package=package), Wanted(1)).codes
    assert codes[len(scorecard.points)] == f"R14:{second.upper()}"
    assert codes[[*scorecard.points].index(first)] == "R14"


def test_reasons_of_a_number_are_in_its_unit(numbers):
    record = numbers.typical
    answer = reasons_of(numbers, record, 4, against=BEST)
    terms = {each["feature"]: each["points"] for each in numbers.explain(record)["contributions"]}
    for each in answer["listed"]:
        assert each["difference"] == terms[each["feature"]] - max(numbers.points[each["feature"]].by_value.values())
    assert answer["reference"] == {"prediction": pytest.approx(max_of(numbers))}


def max_of(card: Additive) -> float:
    terms: list[Any] = [*card.points.values(), *card.pairs.values()]
    return card.intercept + sum(max(levels_of(each)) for each in terms)


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        (Wanted(0), "reasons"),
        (Wanted(8), "reasons"),
        (Wanted(1, "worst"), "against"),
        (Wanted(1, THRESHOLD, threshold=1.0), "threshold"),
    ],
)
def test_what_cannot_be_asked_is_refused(scorecard, wanted, option):
    with pytest.raises(NoReasons) as refused:
        Reasons.of(scorecard, wanted)
    assert refused.value.option == option


def test_a_number_has_no_threshold_and_several_classes_no_reasons(scorecard, numbers):
    with pytest.raises(NoReasons, match="against: threshold is not one of average, best"):
        Reasons.of(numbers, Wanted(1, THRESHOLD))
    with pytest.raises(NoReasons, match="does not add up"):
        Reasons.of(Registry(ARTIFACTS / "iris").load(), Wanted(1))


def test_an_older_version_says_that_it_has_no_typical_person(scorecard):
    training = {name: each for name, each in scorecard.training.items() if name != "slopes"}
    older = replace(scorecard, training=training)
    assert reasons_of(older, older.typical)["listed"]
    with pytest.raises(NoReasons, match="Train it again"):
        Reasons.of(older, Wanted(1, THRESHOLD))


# ---- the same order everywhere


@pytest.fixture(scope="module")
def everybody(tmp_path_factory, schema: Schema) -> tuple[Path, list[Any]]:
    """Both splits of the default table: a file with each row that differs, and its records; equal rows are equal."""
    columns, rows, count = [field.column for field in schema.fields], dict[tuple[str, ...], None](), 0
    for name in ("adult.csv", "adult_test.csv"):
        with (PACKAGE.parent / name).open(newline="", encoding="utf-8") as file:
            header, *several = csv.reader(file)
        rows |= dict.fromkeys(map(itemgetter(*map(header.index, columns)), several))
        count += len(several)
    assert count == 48_842
    path: Path = tmp_path_factory.mktemp("everybody") / "different.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path, [schema.read_fields(zip(schema.by_name, cells, strict=True)) for cells in rows]


@pytest.fixture(scope="module")
def terms(scorecard: Scorecard, everybody: tuple[Path, list[Any]]) -> list[list[float]]:
    return [scorecard.terms_of(each) for each in everybody[1]]


@pytest.mark.engine
@pytest.mark.parametrize(("against", "direction"), IN_SQL)
def test_sql_lists_what_python_lists(scorecard, everybody, terms, tmp_path, against, direction):
    found, scored = Reasons.of(scorecard, Wanted(7, against, direction)), tmp_path / "scored.csv"
    with closing(connect()) as engine:
        score_files(Task(scorecard, engine, NULL, reasons=found), [everybody[0]], scored, None)
    with scored.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header[-len(found.columns) :] == found.columns
    assert [row[-len(found.columns) :] for row in rows] == [found.cells(Looked([], each)) for each in terms]


IN_PAGE = """async () => {
  const { explain } = await import("/static/scorecard.js");
  const { strongest } = await import("/static/reasons.js");
  const [card, asked, records] = await (await fetch("/rows.json")).json();
  const points = records.map((each) => explain(card, each).contributions.map((term) => term.log_odds));
  return JSON.stringify(asked.map((each) => points.map((terms) => strongest(each, terms))));
}"""


def test_the_pages_script_lists_what_python_lists(scorecard, client, everybody, terms, browser: Browser):
    ways = [Reasons.of(scorecard, Wanted(7, against, direction)) for against, direction in EVERY_WAY]
    card = client.get("/scorecard", headers={"Accept": "application/json"}).json
    sent = json.dumps([card, [each.for_script(scorecard.schema) for each in ways], everybody[1]])
    page = browser.new_page()
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.route("**/*.js", lambda route: route.fulfill(path=ROOT / "static" / route.request.url.rpartition("/")[2]))
    page.route("**/rows.json", lambda route: route.fulfill(body=sent, content_type="application/json"))
    page.goto("http://page.invalid/")
    found = json.loads(page.evaluate(IN_PAGE))
    page.close()
    for way, listed in zip(ways, found, strict=True):
        assert listed == [way.places(own) for own in terms]
