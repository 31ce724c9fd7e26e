"""The API page: code filled with a record, works as it stands; Swagger UI only when it is asked for."""

import json
import re
import shutil
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import follow, missing
from tests.people import FLOWER, PATIENT

HTML = {"Accept": "text/html"}
TABLES: dict[str, dict[str, Any]] = {"iris": FLOWER, "diabetes": PATIENT}
MOST_BYTES = 60 * 1024  # of the page as it is transferred, before "Try it here" is opened


def snippet(page: Page, language: str) -> str:
    return page.locator(f"code.{language}").inner_text()


RUNNERS = {
    "python": [sys.executable, "-c"],
    "curl": ["sh", "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
    "r": ["Rscript", "-e"],
}


def run(language: str, code: str, folder) -> str:
    """What a snippet prints."""
    command = RUNNERS[language]
    part = "curl" if language == "curl" else command[0]
    if not shutil.which(part):
        missing(part)
    done = subprocess.run([*command, code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", RUNNERS)
def test_the_copyable_calls_work_as_they_stand(visit, record, scorecard, language, tmp_path):
    asked = record | {"workclass": "?"}
    told = run(language, snippet(visit(f"/docs?{urlencode(asked)}#code"), language), tmp_path)
    found = json.loads(told)["probability"] if language == "curl" else float(told)
    assert found == pytest.approx(scorecard.probability(asked), abs=1e-15)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", RUNNERS)
def test_the_copyable_calls_of_further_tables_work_as_they_stand(visit, table, language, tmp_path):
    told = run(language, snippet(visit(f"/{table}/docs?{urlencode(TABLES[table])}"), language), tmp_path)
    member = "label" if table == "iris" else "prediction"
    answer = str(json.loads(told)[member]) if language == "curl" else told.strip()
    assert answer == "virginica" if table == "iris" else 0 < float(answer) < 346


def calculated(formula: str, folder) -> float:
    """What a spreadsheet makes of a formula."""
    if not shutil.which("soffice"):
        missing("LibreOffice Calc")
    (folder / "cell.csv").write_text(f'"{formula}"\n')
    # a folder of its own, so that no LibreOffice that is open takes the work over; the token asks for formulas
    office = ["soffice", f"-env:UserInstallation=file://{folder}/office", "--headless", "--convert-to", "fods"]
    subprocess.run(
        [*office, "--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,0,true", "cell.csv"],
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=120,
    )
    (value,) = re.findall(r'office:value="([^"]*)"', (folder / "cell.fods").read_text())
    return float(value)


def test_the_formula_gives_the_probability_in_a_spreadsheet(visit, record, scorecard, tmp_path):
    formula = snippet(visit(f"/docs?{urlencode(record)}"), "formula")
    assert calculated(formula, tmp_path) == pytest.approx(scorecard.probability(record), abs=1e-14)


def test_the_formula_of_a_number_adds_up_to_it_and_a_pipeline_has_none(client):
    page = client.get("/diabetes/docs", query_string=PATIENT, headers=HTML).text
    (formula,) = re.findall(r'<code class="formula">=([^<]*)<', page)
    said = client.get("/diabetes/probability", query_string=PATIENT).json
    assert eval(formula) == pytest.approx(said["prediction"], abs=1e-9)
    assert "formula" not in client.get("/iris/docs", query_string=FLOWER, headers=HTML).text


@pytest.mark.parametrize("language", ["curl", "batch", "simple", "notebook", "triton"])
def test_the_calls_for_programs_work_as_they_stand(visit, scorecard, language, tmp_path):
    expected = scorecard.probability(scorecard.typical)
    code = snippet(visit("/docs"), language)
    told = run("python" if language in ("notebook", "triton") else "curl", code, tmp_path)
    if language == "triton":
        assert float(told) == expected
    elif language == "curl":
        assert json.loads(told)["probability"] == expected
    elif language == "simple":
        assert json.loads(told)["probability"] == [expected]
    else:
        assert "probability" in told and len(told.splitlines()) >= 5


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", ["curl", "batch", "simple", "notebook", "triton"])
def test_the_calls_for_programs_work_for_further_tables(visit, table, language, tmp_path):
    code = snippet(visit(f"/{table}/docs"), language)
    assert run("python" if language in ("notebook", "triton") else "curl", code, tmp_path).strip()


def test_the_notebook_needs_ten_lines(visit):
    assert len([line for line in snippet(visit("/docs"), "notebook").splitlines() if line]) <= 10


def test_the_permanent_link_leads_to_the_answer(visit, record):
    page = visit(f"/docs?{urlencode(record)}")
    link = page.locator("#code pre a")
    address = link.get_attribute("href")
    follow(page, link)
    assert page.url == address and address.endswith(f"/probability?{urlencode(record)}")


def test_copy_puts_the_call_on_the_clipboard(visit, record):
    page = visit(f"/docs?{urlencode(record)}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == snippet(page, "curl")


def test_without_script_there_is_no_copy_button_to_disappoint(visit, record):
    page = visit(f"/docs?{urlencode(record)}", script=False)
    assert page.get_by_role("button", name="Copy").count() == 0
    assert "This part needs JavaScript." in page.content()
    expect(page.get_by_role("link", name="OpenAPI 3.1")).to_have_attribute("href", "/openapi.json")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "Filled with a typical person:"),
        ("age=200", "does not describe a whole person"),
        ("age=39", "does not describe a whole person"),
        ("age=39&age=40", "does not describe a whole person"),
        ("nonsense=1", "does not describe a whole person"),
        ("age=%ff%00&%3Cscript%3E=1", "does not describe a whole person"),
        ("utm_source=x", "Filled with a typical person:"),
        ("lang=en", "Filled with a typical person:"),
    ],
)
def test_what_is_no_record_shows_a_typical_one_and_never_an_error(client, scorecard, query, told):
    page = client.get(f"/docs?{query}", headers=HTML)
    assert page.status_code == 200 and told in page.text
    typical = urlencode(scorecard.typical).replace("&", "&amp;")
    assert f"/probability?{typical}" in page.text
    assert ("does not describe" in page.text) == ("does not describe" in told)


def test_a_record_fills_all_code_and_the_links_to_files(client, record):
    page = client.get("/docs", query_string=record, headers=HTML).text
    query = urlencode(record).replace("&", "&amp;")
    assert "Filled with this person:" in page and "<strong>State government</strong>" in page
    for address in ("probability", "curves.csv", "curves.json", "twins.csv", "twins.json", ""):
        assert f"/{address}?{query}" in page, address


def transferred(page: Page) -> int:
    """Return the bytes that a page has loaded, each request counted."""
    entries = "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
    size: int = page.evaluate(f"{entries}.reduce((sum, entry) => sum + entry.transferSize, 0)")
    return size


def test_swagger_ui_loads_when_it_is_opened_and_sends_a_request(visit, scorecard):
    page = visit("/docs")
    page.wait_for_load_state("networkidle")
    assert 0 < transferred(page) < MOST_BYTES
    assert not page.evaluate("'SwaggerUIBundle' in window")
    page.get_by_text("Try it here").click()
    page.locator("#operations-tag-predict").click()
    page.locator("#operations-predict-post_predict button.opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("textarea.body-param__text").fill(json.dumps(scorecard.typical))
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table tr.response").first
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer.locator(".response-col_description")).to_contain_text('"prediction": 0')
    assert transferred(page) > MOST_BYTES


def test_swagger_ui_opens_by_the_keyboard_and_by_its_address(visit):
    page = visit("/docs")
    page.locator("#try summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#operations-tag-predict")).to_be_visible()
    expect(visit("/docs#try").locator("#operations-tag-predict")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_list_of_operations_opens_and_no_method_is_broken(visit, scheme, width):
    page = visit("/docs", width=width, scheme=scheme)
    expect(page.locator(".addresses")).to_be_hidden()
    page.get_by_text("List of all").click()
    methods = page.locator(".addresses td:first-child code")
    assert methods.count() >= 64 and "DELETE" in methods.all_inner_texts()
    assert methods.evaluate_all("codes => codes.every(code => code.getClientRects().length === 1)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_text("Try it here").click()
    expect(page.locator("#operations-tag-predict")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
