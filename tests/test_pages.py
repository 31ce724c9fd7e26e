"""The pages in a real Chromium against a real server: with script and without, light and dark, wide and narrow."""

from urllib.parse import urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from glassform.web.charts import percent
from tests.conftest import follow, remember
from tests.people import FLOWER, PATIENT

QUESTION = "Does this person earn over $50K a year?"


def addresses(record) -> dict[str, str]:
    return {
        "form": "/",
        "result": f"/probability?{urlencode(record)}",
        "errors": f"/probability?{urlencode(record | {'age': 200, 'sex': 'x'})}",
        "changes": f"/changes?{urlencode(record)}&target=0.5&lock=age",
        "impossible": f"/changes?{urlencode(record)}&target=.999",
        "examples": "/examples",
        "scorecard": "/scorecard",
        "paper card": "/scorecard?points=5",
        "card": "/model",
        "setting": "/model?threshold=2",
        "batch": "/probabilities",
        "docs": "/docs",
        "sign in": "/session",
        "sign up": "/accounts",
        "refused": "/predictions",
        "wish": f"/changes?{urlencode(record)}&target=200&lock=age&lock=x",
        "missing": "/nowhere",
        "tables": "/tables",
        **{f"{table} {name}": f"/{table}{path}" for table in FURTHER for name, path in FURTHER_PAGES.items()},
        "diabetes scorecard": "/diabetes/scorecard",
        "iris scorecard": "/iris/scorecard",
        "flower": f"/iris/probability?{urlencode(FLOWER)}",
        "patient": f"/diabetes/probability?{urlencode(PATIENT)}",
    }


FURTHER = ("iris", "diabetes")
FURTHER_PAGES = {"form": "/", "card": "/model", "examples": "/examples", "batch": "/probabilities", "docs": "/docs"}
PAGES = [
    "form",
    "result",
    "errors",
    "changes",
    "impossible",
    "examples",
    "scorecard",
    "paper card",
    "card",
    "setting",
    "batch",
    "docs",
    "sign in",
    "sign up",
    "refused",
    "wish",
    "missing",
    "tables",
    *(f"{table} {name}" for table in FURTHER for name in FURTHER_PAGES),
    "diabetes scorecard",
    "iris scorecard",
    "flower",
    "patient",
]


def test_the_walk_through_the_tables(visit):
    """From the list of tables to a flower, with a mistake on the way, and on to a number with its interval."""
    page = visit("/tables")
    page.get_by_role("link", name="Which species of iris is this flower?").click()
    page.get_by_label("Petal width").fill("99")
    page.get_by_role("button", name="Show the answer").click()
    expect(page.locator("#petal_width-error")).to_contain_text("99 is not between 0.1 and 2.5")
    page.get_by_label("Petal width").fill("2.1")
    page.get_by_role("button").filter(has_text="Show").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Iris v")
    expect(page.locator(".warning")).to_contain_text("No exact explanation")
    page.locator(".menu summary", has_text="Iris").click()
    page.get_by_role("link", name="All tables").click()
    page.get_by_role("link", name="How far will the disease have progressed in a year?").click()
    page.get_by_role("button", name="Show the answer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The model's prediction")
    expect(page.locator(".sum tfoot")).to_contain_text("Prediction")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_the_walk(visit, scorecard, script):
    """Load, submit, error, correct, result, example, back."""
    page = visit("/", script=script)
    expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)

    page.get_by_role("button", name="Show the probability").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(percent(scorecard.probability(scorecard.typical)))

    page.get_by_label("Age", exact=True).fill("abc")
    page.get_by_label("Education").select_option("Doctorate")
    page.get_by_role("button").filter(has_text="Show").click()
    expect(page.locator("#age-error")).to_contain_text("abc is not a whole number in plain digits")
    expect(page.get_by_label("Age", exact=True)).to_have_value("abc")
    expect(page.get_by_label("Education")).to_have_value("Doctorate")
    expect(page.get_by_label("Age", exact=True)).to_be_focused()

    page.get_by_label("Age", exact=True).fill("45")
    page.get_by_role("button", name="Show the probability").click()
    record = scorecard.typical | {"age": 45, "education": "Doctorate"}
    expect(page.get_by_role("heading", level=1)).to_contain_text(percent(scorecard.probability(record)))
    expect(page.locator(".sum").get_by_role("rowheader", name="Education").locator("xpath=..")).to_contain_text(
        "Doctorate"
    )

    page.goto("/")
    page.get_by_role("link", name="More real people").click()
    page.get_by_role("link", name="See why of example 2").click()
    example = scorecard.examples[1]["record"]
    expect(page.get_by_role("heading", level=1)).to_contain_text(percent(scorecard.probability(example)))
    expect(page.get_by_label("Hours per week")).to_have_value(str(example["hours_per_week"]))

    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Real people to try")
    page.get_by_role("link", name="Load in the form example 3").click()
    expect(page.get_by_label("Age", exact=True)).to_have_value(str(scorecard.examples[2]["record"]["age"]))


def test_the_keyboard_alone_is_enough(visit, scorecard):
    page = visit("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "age":
            break
    page.keyboard.type("50")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.type") == "submit":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    record = scorecard.typical | {"age": 50, "workclass": "Self-emp-not-inc"}
    expect(page.get_by_role("heading", level=1)).to_contain_text(percent(scorecard.probability(record)))


def complaints(page) -> str:
    """Return what axe finds on a page, light and then dark: themes are styles, so they change colours only."""
    found = []
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        looked = Axe().run(page, options=rules)
        found += [looked.generate_report()] if looked.violations_count else []
    page.emulate_media(color_scheme="light")
    return "\n".join(found)


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit, record, name, language):
    for width in (1280, 390):
        assert not complaints(visit(addresses(record)[name], width=width, language=language))


def test_axe_would_see_colours_that_are_too_near(visit):
    """In the dark theme alone: so that the look at it can fail."""
    page = visit("/")
    page.evaluate("document.querySelector('h1').style.color = 'light-dark(#000, #222)'")
    assert "color-contrast" in complaints(page)


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(visit, record, name, language):
    page = visit(addresses(record)[name], width=390, language=language)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", PAGES)
def test_every_input_has_its_label_and_every_id_is_its_own(visit, record, name):
    page = visit(addresses(record)[name])
    inputs = "[...document.querySelectorAll('input:not([type=hidden]), select')]"
    assert page.evaluate(f"{inputs}.every(input => input.labels.length === 1)")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))


def test_every_error_stands_beside_its_field_and_leads_to_it(visit, record):
    page = visit(addresses(record)["errors"])
    for name, label in (("age", "Age"), ("sex", "Sex")):
        field = page.get_by_label(label, exact=True)
        assert field.get_attribute("aria-invalid") == "true"
        assert f"{name}-error" in field.get_attribute("aria-describedby").split()
        expect(page.locator(f".summary a[href='#{name}']")).to_be_visible()
    expect(page.get_by_label("Sex", exact=True)).to_have_value("x")
    assert page.locator(".error").count() == 2


def test_the_theme_follows_the_system(visit):
    grounds = {
        scheme: visit("/", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert grounds["light"] != grounds["dark"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_target_leads_to_changes_and_those_to_the_target(visit, record, script):
    page = visit(f"/changes?{urlencode(record)}", script=script)
    page.get_by_role("checkbox", name="Marital status").check()
    page.get_by_label("Target probability").fill("0,4")
    page.get_by_role("button", name="Find the smallest changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would have to change?")
    expect(page.get_by_role("checkbox", name="Marital status")).to_be_checked()
    expect(page.locator("#found h2")).to_contain_text("to 40%")
    follow(page, page.get_by_role("link", name="Open").first)
    figure = page.locator("#answer .figure").inner_text()
    assert 40 <= float(figure.removesuffix("%")) < 45


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_the_walk_of_somebody_with_an_account(visit_as, record, scorecard, script):
    page = visit_as(script=script)
    expect(page.get_by_role("heading", level=1)).to_contain_text("visitor")
    remember(page, record)
    expect(page.locator(".figure")).to_have_text(percent(scorecard.probability(record)))
    page.get_by_label("Actual outcome").select_option(">50K")
    page.get_by_label("Note").fill("met again")
    page.get_by_role("button", name="Record what happened").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("met again")
    page.get_by_role("link", name="History").first.click()
    expect(page.locator(".remembered tbody tr")).to_have_count(1)
    expect(page.locator(".history circle.true")).to_have_count(1)
    page.locator(".remembered a").first.click()
    page.get_by_role("button", name="Delete this prediction").click()
    expect(page.locator(".lead")).to_contain_text("0 saved predictions.")
    page.goto("/account")
    page.get_by_label("What it is for").fill("notebook")
    page.get_by_role("button", name="Create a key").click()
    expect(page.locator("code.secret")).to_contain_text("gf_")
    page.goto("/account")
    page.get_by_role("button", name="Revoke notebook").click()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.goto("/predictions")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_wrong_name_stands_beside_its_field(visit):
    page = visit("/accounts")
    page.locator("#name").fill("x y")
    page.locator("#password").fill("short")
    page.locator("main form button").click()
    expect(page.locator("#name-error")).to_contain_text("x y is not a name")
    expect(page.locator("#password-error")).to_contain_text("use 8 to 200 characters")
    expect(page.locator("#name")).to_have_value("x y")


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_axe_finds_nothing_on_the_pages_of_an_account(visit_as, record, language):
    page = visit_as("teacher", language=language)
    for age in (30, 40, 50):
        remember(page, record | {"age": age})
    one = urlsplit(page.url).path
    page.goto("/account")
    page.locator("#title").fill("notebook")
    follow(page, page.locator("form[action='/keys'] button"))
    for path in ("", "/account", "/predictions", "/predictions?per_page=1", one, "/users"):
        if path:
            page.goto(path)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert not complaints(page)
