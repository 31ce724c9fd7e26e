"""The page of an answer in a real Chromium: the answer first, why, what if; short, and right for every table."""

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.records.field import Record, Value
from glassform.web.charts import percent, signed
from tests.conftest import follow
from tests.pages.counting import pages_of

TABLES = ["", "/iris", "/diabetes", "/wine", "/houses", "/voyage"]
ADDITIVE = [table for table in TABLES if table != "/iris"]
WINDOWS = [(1280, 800), (1024, 768), (390, 844)]
BOTTOM = "(element) => element.getBoundingClientRect().bottom"
SIZE = """() => ({
    height: document.documentElement.scrollHeight,
    words: document.body.innerText.split(/\\s+/).filter(Boolean).length,
    elements: document.querySelectorAll("*").length,
    width: document.documentElement.scrollWidth,
})"""


def bottom(page: Page, selector: str) -> float:
    return float(page.locator(selector).first.evaluate(BOTTOM))


@pytest.fixture
def said(scorecard, record) -> Callable[..., str]:
    """What the model gives, by changes to the record of the page."""
    return lambda **changes: percent(scorecard.probability(record | changes))


def apart(scorecard: Scorecard, record: Record, **changes: Value) -> str:
    """How far another answer is from the record's own, as the page writes it."""
    one, other = scorecard.probability(record), scorecard.probability(record | changes)
    return f"{signed(100 * (other - one), 1)}, was {percent(one)}"


# ---- how much there is, and what comes first


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_the_answer_is_whole_on_the_first_screen(visit, answers, table, width, height):
    page = visit(answers[table], width=width, height=height)
    for part in (".record", "#answer .figure", "#answer .use", "#answer .note summary", "#answer .actions"):
        expect(page.locator(part).first).to_be_visible()
        assert bottom(page, part) <= height, part
    assert page.locator("#answer :is(.scale, .shares)").first.evaluate(BOTTOM) <= height


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_the_ledger_begins_on_the_first_screen(visit, answers, width, height):
    page = visit(answers[""], width=width, height=height)
    assert bottom(page, ".sum tbody tr:nth-child(2)") <= height


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("width", "most"), [(1280, 2200), (390, 3000)])
def test_the_page_is_short_with_everything_folded(visit, answers, table, width, most):
    size = visit(answers[table], width=width, height=844).evaluate(SIZE)
    assert size["height"] <= most and size["width"] <= width
    assert size["words"] <= 450 and size["elements"] <= 700


def test_of_many_fields_the_strongest_are_listed(visit, many_fields):
    page = visit(many_fields)
    expect(page.locator(".sum [data-term]:visible")).to_have_count(8)
    expect(page.locator("[data-chip]:visible")).to_have_count(8)
    page.locator("#all-fields").check()
    assert page.locator(".sum [data-term]:visible").count() == 14
    page.locator(".record").get_by_role("checkbox").check()
    assert page.locator("[data-chip]:visible").count() == 14


def test_the_page_says_whom_it_is_about(visit, record, schema, answers):
    page = visit(answers[""])
    for field in schema.fields:
        expect(page.locator(f"[data-chip={field.name}]")).to_contain_text(field.title_of(record[field.name]))


# ---- why


def test_the_ledger_is_sorted_by_weight_and_in_two_decimals(visit, answers, scorecard, record):
    page = visit(answers[""], script=False)
    explained = scorecard.explain(record)
    expected = sorted(explained["contributions"], key=lambda term: -abs(term["log_odds"]))
    assert [row.get_attribute("data-term") for row in page.locator(".sum [data-term]").all()] == [
        term["feature"] for term in expected
    ]
    numbers = page.locator(".sum td.number").all_inner_texts()
    rest = sum(term["log_odds"] for term in expected[8:])
    terms = [explained["intercept"], *(term["log_odds"] for term in expected), rest, explained["log_odds"]]
    assert numbers == [f"{number:+.2f}".replace("-", "−") for number in terms]
    expect(page.locator("[data-result] strong")).to_have_text(percent(explained["probability"]))


def test_the_order_of_the_form_is_a_click_away(visit, answers, schema, scorecard):
    page = visit(answers[""])
    page.get_by_role("button", name="Form order").click()
    terms = [row.get_attribute("data-term") for row in page.locator(".sum [data-term]").all()]
    assert terms == [*schema.by_name, *scorecard.pairs]


def test_each_line_leads_to_its_points_on_the_scorecard(visit, answers, said):
    page = visit(answers[""])
    follow(page, page.locator("[data-term=education] a"))
    assert page.evaluate("document.querySelector(':target').textContent.trim()").startswith("Bachelor's degree")
    expect(page.locator("[data-figure]")).to_have_text(said())


def test_the_start_is_explained(visit, answers, scorecard):
    page = visit(answers[""])
    page.get_by_text(f"Why start at {signed(scorecard.intercept, 2)}?").click()
    alone = percent(sigmoid(scorecard.intercept))
    expect(page.locator("#why")).to_contain_text(f"Alone it would mean {alone}. The average is higher, 24.1%")


def test_step_by_step_the_lines_appear(visit, answers):
    page = visit(answers[""])
    rows = page.locator(".sum :is(tbody, tfoot) tr:visible").count()
    page.get_by_role("button", name="Step by step").click()
    assert page.locator(".covered").count() == rows - 1
    for left in range(rows - 2, -1, -1):
        page.keyboard.press(" ")
        assert page.locator(".covered").count() == left
    assert page.evaluate("scrollY") == page.evaluate("scrollY")
    page.keyboard.press(" ")  # scrolls again, as a space does


def test_counting_says_whether_it_agrees(visit, answers, scorecard, record):
    page = visit(answers[""])
    expect(page.locator("#sure")).to_contain_text("Counting agrees: 8.3% of 12, so 1.5% to 35.4%.")
    twin = max(scorecard.twins(record), key=lambda twin: abs(twin["difference"]))
    field = scorecard.schema.by_name[twin["feature"]]
    title = f"If {field.title.lower()} were {field.title_of(twin['value'])}: {percent(twin['probability'])}"
    expect(page.locator("#sure")).to_contain_text(f"{title} ({100 * abs(twin['difference']):.1f} percentage points")


def test_where_there_is_no_ledger_why_says_so_and_charts_are_shown(visit, answers):
    page = visit(answers["/iris"])
    expect(page.locator("#why")).to_contain_text("does not add up one term per field")
    expect(page.locator("#what-if .what-if")).to_have_count(2)


# ---- what if, live


@pytest.mark.parametrize("table", ADDITIVE)
def test_the_script_draws_what_the_server_draws(visit, answers, table):
    """Whatever is tried, for every kind of table."""
    page = visit(answers[table])
    for name, value in changes_in(page):
        put(page, name, value)
        page.wait_for_url(lambda url, name=name, value=value: parse_qs(urlsplit(url).query)[name] == [value])
        tried = page.evaluate(DRAWN)
        asked = visit(urlsplit(page.url).path + "?" + urlsplit(page.url).query).evaluate(DRAWN)
        assert tried["text"] == asked["text"], (name, value)
        for feature in tried["charts"].keys() & asked["charts"].keys():  # which ones are open may change
            assert tried["charts"][feature] == asked["charts"][feature], (name, value)
        for part in ("bars", "dots"):
            assert tried[part] == pytest.approx(asked[part], abs=2e-3), (part, name, value)


DRAWN = """() => {
    const numbers = (text) => text.split(/[ ,%]+/).filter(Boolean).map(Number);
    const attributes = (selector, ...names) => [...document.querySelectorAll(selector)].flatMap(
        (element) => names.flatMap((name) => numbers(element.getAttribute(name) ?? "")));
    const parts = ".record, #answer .figure, .shares, .sum";
    const what = (element) => element.textContent.replaceAll(/\\s+/g, "");
    return {
        charts: Object.fromEntries([
            ...[...document.querySelectorAll(".what-ifs .what-if")].map((each) => [each.dataset.feature, what(each)
                + [...each.querySelectorAll("polyline")].map((line) => numbers(line.getAttribute("points"))
                    .map((number) => number.toFixed(1)))]),
            ...[...document.querySelectorAll("[data-range]")]
                .map((each) => ["range of " + each.dataset.range, what(each)]),
        ]),
        text: [...document.querySelectorAll(parts)].map(what),
        bars: attributes(".sum rect", "x", "width").concat(attributes(".sum line", "x1", "x2")),
        dots: attributes(".mark, .s-curve circle", "cx", "cy"),
    };
}"""


def changes_in(page: Page) -> list[tuple[str, str]]:
    """For a few fields of the form, another value: the last category, or a number a little larger."""
    return [
        tuple(each)
        for each in page.evaluate("""() => {
            const larger = ({ value, inputMode }) => Number(value) + (inputMode === "decimal" ? 0.1 : 1);
            return [...document.querySelectorAll(".fields :is(select, input:not([type=hidden]))")].slice(0, 4)
                .map((control) => [control.name, control.matches("select")
                    ? control.options[control.options.length - 1].value
                    : String(Math.round(1000 * larger(control)) / 1000)]);
        }""")
    ]


def put(page: Page, name: str, value: str) -> None:
    control = page.locator(f".fields [name={name}]")
    if control.evaluate("(element) => element.matches('select')"):
        control.select_option(value)
    else:
        control.fill(value)


def test_the_difference_stands_beside_the_figure_and_can_be_undone(visit, answers, record, scorecard, said):
    page = visit(answers[""])
    page.get_by_label("Education").select_option("Doctorate")
    expect(page.locator("#answer .figure")).to_have_text(said(education="Doctorate"))
    difference = apart(scorecard, record, education="Doctorate")
    expect(page.locator("#answer [data-difference]")).to_have_text(difference)
    page.locator("#answer").get_by_role("button", name="Undo").click()
    expect(page.locator("#answer .figure")).to_have_text(said())
    expect(page.locator("#answer [data-difference]")).to_have_text("")
    expect(page.get_by_label("Education")).to_have_value("Bachelors")


def test_a_tried_answer_makes_nothing_vanish(visit, answers, said):
    page = visit(answers[""])
    headings, height = page.locator("h2:visible, h3:visible").count(), page.evaluate(SIZE)["height"]
    page.get_by_label("Education").select_option("Doctorate")
    assert page.locator("h2:visible, h3:visible").count() == headings
    assert abs(page.evaluate(SIZE)["height"] - height) < 60
    expect(page.locator("#sure")).to_have_class(re.compile("dimmed"))
    expect(page.locator("#sure [data-as-sent]").first).to_have_text(f"for {said()}, as sent")


def test_the_tried_record_is_in_the_address_and_survives_a_reload(visit, answers):
    page = visit(answers[""])
    page.get_by_label("Age", exact=True).fill("60")
    page.wait_for_url("**age=60**")
    page.reload()
    expect(page.get_by_label("Age", exact=True)).to_have_value("60")
    expect(page.locator("[data-chip=age]")).to_contain_text("60 years")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("250", "250 is not between 17 and 90."),
        ("25.5", "25.5 is not a whole number from 17 to 90."),
        ("", "Enter a whole number from 17 to 90."),
        ("abc", "abc is not a whole number from 17 to 90."),
        ("٣٩", "٣٩ is not a whole number from 17 to 90."),
        ("-", "- is not a whole number from 17 to 90."),
    ],
)
def test_a_value_that_breaks_a_rule_is_marked_and_the_figure_greyed(visit, answers, typed, told, said):
    page = visit(answers[""])
    age = page.get_by_label("Age", exact=True)
    age.fill(typed)
    assert age.get_attribute("aria-invalid") == "true"
    expect(page.locator("#age-error")).to_have_text(f"{told} The figure is still for 39 years.")
    expect(page.locator("#answer")).to_have_class(re.compile("stale"))
    expect(page.locator("#answer .figure")).to_have_text(said())
    age.fill("40")
    assert age.get_attribute("aria-invalid") is None
    expect(page.locator("#age-error")).to_be_hidden()
    expect(page.locator("#answer")).not_to_have_class(re.compile("stale"))


@pytest.mark.parametrize("typed", ["39.0", " 39 ", "+39", "3.9e1"])
def test_a_number_may_be_written_as_the_server_reads_it(visit, answers, client, record, typed):
    assert client.get("/probability", query_string=record | {"age": typed.strip()}).status_code == 200
    page = visit(answers[""])
    page.get_by_label("Age", exact=True).fill(typed)
    assert page.get_by_label("Age", exact=True).get_attribute("aria-invalid") is None


def test_a_gap_can_be_tried(visit, answers):
    page = visit(answers["/voyage"])
    page.get_by_label("Age", exact=True).fill("?")
    page.wait_for_url("**age=%3F**")
    expect(page.locator("[data-chip=age]")).to_contain_text("not known")
    figure = page.locator("#answer .figure").inner_text()
    page.reload()
    expect(page.locator("#answer .figure")).to_have_text(figure)


def test_a_phone_sees_the_figure_while_it_changes_the_form(visit, answers, said, scorecard, record):
    page = visit(answers[""], width=390, height=844)
    expect(page.locator(".foot-bar")).to_be_hidden()
    page.get_by_label("Education").select_option("Doctorate")
    expect(page.locator(".foot-bar")).to_contain_text(said(education="Doctorate"))
    expect(page.locator(".foot-bar")).to_contain_text(apart(scorecard, record, education="Doctorate"))
    assert page.locator(".foot-bar").evaluate(BOTTOM) <= 844


def test_a_target_is_reached_in_place(visit, answers, said):
    page = visit(answers[""])
    page.locator("#found").scroll_into_view_if_needed()
    page.get_by_role("button", name="Find changes").click()
    expect(page.locator("#found li")).to_have_count(3)
    married = said(marital_status="Married-civ-spouse")
    expect(page.locator("#found h3").first).to_have_text(
        f"If marital status were Married, civilian spouse present: {married}"
    )
    follow(page, page.get_by_role("link", name="Open").first)
    expect(page.locator("#answer .figure")).to_have_text(married)


def test_a_folded_chart_is_drawn_when_it_is_opened(visit, answers, scorecard, record):
    page = visit(answers[""])
    page.get_by_text("5 more fields").click()
    page.locator(".more-charts summary", has_text="Age").click()
    expect(page.locator(".more-charts .what-if[data-feature=age] polyline")).to_be_visible()
    was = page.locator(".what-if[data-feature=age] circle").get_attribute("cy")
    page.get_by_label("Education").select_option("Doctorate")
    moved = page.locator(".what-if[data-feature=age] circle").get_attribute("cy")
    ages = [share for _, share in scorecard.what_if(record | {"education": "Doctorate"})["age"]]
    expect(page.locator("[data-range=age]")).to_have_text(f"{percent(min(ages))} – {percent(max(ages))}")
    assert moved != was


# ---- back


def test_back_leads_to_what_was_sent(visit, answers, said):
    check_back(visit(answers[""]), said)


def test_back_leads_to_what_was_sent_from_the_page_cache(keeping, server, answers, said):
    page = keeping.new_page(base_url=server, locale="en-GB")
    page.goto(answers[""])
    check_back(page, said)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") != "reload"


def check_back(page: Page, said: Callable[..., str]) -> None:
    page.get_by_label("Age", exact=True).fill("60")
    page.get_by_label("Education").select_option("Doctorate")
    follow(page, page.get_by_role("button", name="Show this answer"))
    expect(page.locator("#answer .figure")).to_have_text(said(age=60, education="Doctorate"))
    page.go_back(wait_until="commit")  # a page that was kept is not loaded again
    assert parse_qs(urlsplit(page.url).query)["age"] == ["39"]
    expect(page.get_by_label("Age", exact=True)).to_have_value("39")
    expect(page.get_by_label("Education")).to_have_value("Bachelors")
    expect(page.locator("#answer .figure")).to_have_text(said())
    expect(page.locator("#answer [data-difference]")).to_have_text("")


@pytest.mark.parametrize("kept", [True, False], ids=["cache", "no-cache"])
def test_back_to_the_first_page_shows_what_its_address_says(browser, keeping, server, scorecard, kept):
    page = (keeping if kept else browser).new_page(base_url=server, locale="en-GB")
    page.goto("/")
    page.get_by_label("Age", exact=True).fill("52")
    page.get_by_label("Education").select_option("Masters")
    follow(page, page.get_by_role("button", name="Show the probability"))
    page.go_back(wait_until="commit")  # a page that was kept is not loaded again
    typical = scorecard.typical | {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    expect(page.get_by_label("Age", exact=True)).to_have_value(str(typical["age"]))
    expect(page.get_by_label("Education")).to_have_value(typical["education"])
    page.close()


# ---- the rest of the page


def test_saving_leads_to_signing_in_and_back(visit, visit_as, answers):
    page = visit_as()
    page.goto("/account")
    follow(page, page.get_by_role("button", name="Sign out"))
    page.goto(answers[""])
    page.get_by_label("Age", exact=True).fill("60")
    follow(page, page.locator("#answer").get_by_role("link", name="Save"))
    assert page.locator("input[name=next]").input_value().startswith("/probability?age=60")


def test_a_user_who_is_signed_in_saves_what_is_tried(visit_as, answers):
    page = visit_as()
    page.goto(answers[""])
    page.get_by_label("Age", exact=True).fill("250")
    expect(page.locator("#age-error")).to_contain_text("250 is not between 17 and 90.")
    page.get_by_label("Age", exact=True).fill("60")
    follow(page, page.get_by_role("button", name="Save"))
    expect(page.locator(".person")).to_contain_text("60 years")


def test_the_link_copies_the_tried_record(visit, answers):
    page = visit(answers[""])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Age", exact=True).fill("60")
    page.get_by_role("link", name="Link", exact=True).click()
    expect(page.get_by_role("link", name="Copied")).to_be_visible()
    assert "age=60" in page.evaluate("navigator.clipboard.readText()")


def test_code_is_a_link_to_the_docs_filled_with_the_record(visit, answers):
    page = visit(answers[""])
    page.get_by_label("Age", exact=True).fill("60")
    follow(page, page.get_by_role("link", name="Use from code"))
    expect(page.locator("#code code.curl")).to_contain_text("age=60")


@pytest.mark.parametrize("table", TABLES)
def test_axe_finds_nothing_on_any_table(visit, answers, table):
    for scheme, language, width in (("light", "en-GB", 1280), ("dark", "zh-CN", 390)):
        page = visit(answers[table], scheme=scheme, language=language, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("table", TABLES)
def test_an_answer_is_printed_on_one_page(visit, answers, table):
    assert pages_of(visit(answers[table])) == 1


def test_without_script_everything_is_there(visit, answers):
    page = visit(answers[""], script=False)
    for part in ("#answer .figure", ".sum", "#sure", "#what-if .what-if", "#change select"):
        expect(page.locator(part).first).to_be_visible()
    expect(page.get_by_role("button", name="Step by step")).to_be_hidden()
    page.get_by_role("button", name="Find changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would have to change?")


# ---- on a wall


def test_on_a_wall_form_and_ledger_stand_side_by_side_and_large(visit, record, said):
    page = visit(f"/probability?{urlencode(record)}&view=board", width=1024, height=768)
    form, ledger = page.locator("#change").bounding_box(), page.locator(".sum").bounding_box()
    assert form["x"] + form["width"] <= ledger["x"] and max(box["y"] + box["height"] for box in (form, ledger)) <= 768
    sizes = page.evaluate("""() => [...document.querySelectorAll("body *")]
        .filter((each) => each.checkVisibility() && each.innerText?.trim())
        .filter((each) => !each.closest(".visually-hidden, .skip"))
        .map((each) => parseFloat(getComputedStyle(each).fontSize))""")
    assert min(sizes) >= 28
    covered = page.locator(".covered").count()
    assert covered == page.locator(".sum :is(tbody, tfoot) tr:visible").count() - 1
    expect(page.locator("#answer .figure")).to_be_hidden()
    for _ in range(covered):
        page.keyboard.press(" ")
    expect(page.locator("#answer .figure")).to_be_visible()
    page.get_by_label("Education").select_option("Doctorate")
    expect(page.locator("#answer .figure")).to_have_text(said(education="Doctorate"))
    page.wait_for_url("**Doctorate**")
    assert "view=board" in page.url


def test_there_is_no_other_view(client, record):
    answer = client.get("/probability", query_string=record | {"view": "wall"})
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "view", "value": "wall", "message": "wall is not one of board"}]
    assert json.loads(client.get("/probability", query_string=record | {"view": "board"}).data)["record"] == record
