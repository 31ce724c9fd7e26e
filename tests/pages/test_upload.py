"""The page for many rows: a bad file keeps the form, a good one can be downloaded without choosing it again."""

import io
import json
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from glassform.limits import MOST_BATCH_ERRORS
from glassform.web import resource
from tests.people import FLOWER, PATIENT

HTML = {"Accept": "text/html"}
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
KINDS = {
    "png": (PNG, "it looks like a picture"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "it looks like a picture"),
    "gif": (b"GIF89a\1\0\1\0", "it looks like a picture"),
    "excel": (b"PK\x03\x04" + b"\0" * 30, "a ZIP archive or an Excel workbook"),
    "pdf": (b"%PDF-1.7\n", "a PDF document"),
    "bzip2": (b"BZh91AY", "it is compressed by bzip2"),
    "latin": ("age,Größe\n1,2\n".encode("latin-1"), "is not UTF-8 text"),
}


def lines(record, rows: int = 1, **changed) -> bytes:
    line = ",".join(str(value) for value in (record | changed).values())
    return (",".join(record) + "\n" + f"{line}\n" * rows).encode()


def send(client, body: bytes | None, path: str = "/probabilities", **headers):
    sent = {} if body is None else {"file": (io.BytesIO(body), "people.csv")}
    return client.post(path, data=sent, content_type="multipart/form-data", headers=HTML | headers, buffered=True)


def keeps_the_form(page: str) -> bool:
    return 'type="file"' in page and 'id="errors"' in page and "Nothing was computed yet" in page


def test_a_file_with_errors_keeps_the_form_below_their_list(client, record):
    answer = send(client, lines(record, age=200, sex="x", race="y"))
    assert answer.status_code == 422 and keeps_the_form(answer.text)
    assert "<title>3 errors in your file" in answer.text
    assert "Row 1: <strong>Age</strong> 200 is not between 17 and 90" in answer.text
    assert "Unprocessable" not in answer.text and "To the form" not in answer.text


def test_one_error_is_one_and_more_than_are_listed_are_the_first(client, record):
    assert "<title>1 error in your file" in send(client, lines(record, age=200)).text
    many = send(client, lines(record, MOST_BATCH_ERRORS + 1, age=200)).text
    assert f"<title>The first {MOST_BATCH_ERRORS} errors in your file" in many


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_csv_is_told_by_how_it_begins(client, kind):
    body, told = KINDS[kind]
    answer = send(client, body)
    assert answer.status_code == 400 and keeps_the_form(answer.text)
    assert "<title>1 error in your file" in answer.text
    assert "This is not a CSV text file" in answer.text and told in answer.text, answer.text
    if "looks like" in told:
        assert f"This is not a CSV text file ({told}). Save it as CSV, UTF-8." in answer.text


def test_a_program_is_told_the_same_of_a_picture(client):
    answer = client.post("/probabilities", data=PNG, content_type="text/csv", buffered=True)
    assert answer.status_code == 400 and "it looks like a picture" in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "told"), [(None, "Choose one CSV file."), (b"", "header"), (b"age\n", "column missing")]
)
def test_a_missing_or_empty_file_keeps_the_form(client, body, told):
    answer = send(client, body)
    assert 400 <= answer.status_code < 500 and keeps_the_form(answer.text) and told in answer.text


def test_a_file_without_rows_keeps_the_form(client, record):
    answer = send(client, lines(record, 0))
    assert keeps_the_form(answer.text) and "there are no rows" in answer.text


def test_a_file_that_is_too_large_keeps_the_form(client, record, monkeypatch):
    limit = resource.limit_body
    monkeypatch.setattr(resource, "limit_body", lambda most: limit(1000))
    answer = send(client, lines(record, 1000))
    assert answer.status_code == 413 and keeps_the_form(answer.text)
    assert "Your file is too large" in answer.text


@pytest.mark.parametrize(
    ("table", "wrong"), [("iris", FLOWER | {"petal_width": "x"}), ("diabetes", PATIENT | {"s6": "x"})]
)
def test_other_tables_keep_their_form_too(client, table, wrong):
    answer = send(client, lines(wrong), f"/{table}/probabilities")
    assert keeps_the_form(answer.text) and "<title>1 error in your file" in answer.text
    assert f'action="/{table}/probabilities"' in answer.text


def test_a_program_still_gets_a_problem(client, record):
    answer = client.post("/probabilities", data=lines(record, age=200), content_type="text/csv", buffered=True)
    assert answer.mimetype == "application/problem+json" and answer.json["errors"][0]["row"] == 1


@pytest.mark.parametrize(
    ("path", "row"), [("", {}), ("/iris", FLOWER), ("/diabetes", PATIENT)], ids=["census", "classes", "number"]
)
def test_each_row_leads_to_its_arithmetic(client, record, path, row):
    row = row or record | {"workclass": "?"}
    page = send(client, lines(row, 3), f"{path}/probabilities").text
    query = urlencode(row, safe="?").replace("&", "&amp;")
    assert page.count(f'href="{path}/probability?{query}"') == 3
    assert client.get(f"{path}/probability", query_string=row).status_code == 200


def chosen(page: Page, body: bytes, name: str = "people.csv") -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": body})


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_from_a_bad_file_to_a_good_one(visit, record, script):
    page = visit("/probabilities", script=script)
    chosen(page, lines(record, age=200, sex="x"))
    page.get_by_role("button", name="Show the result").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 errors in your file")
    expect(page).to_have_title("2 errors in your file · Glassform")
    expect(page.locator("#errors li").first).to_contain_text("200 is not between 17 and 90")
    if script:
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        assert Axe().run(page).violations_count == 0
    chosen(page, PNG, "picture.csv")
    page.get_by_role("button", name="Show the result").click()
    expect(page.locator("#errors li").first).to_have_text(
        "This is not a CSV text file (it looks like a picture). Save it as CSV, UTF-8."
    )
    chosen(page, lines(record, 55))
    page.get_by_role("button", name="Show the result").click()
    expect(page.locator("#result-title")).to_contain_text("55")
    expect(page.locator(".sideways tbody tr")).to_have_count(50)
    expect(page.get_by_text("Upload again and choose Download for all.")).to_be_visible(visible=not script)
    expect(page.get_by_role("button", name="Download all")).to_be_visible(visible=script)
    box = page.locator(".sideways")
    assert box.evaluate("box => box.scrollHeight <= box.clientHeight + 1"), "no row is cut"
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if script:  # without it, axe cannot run
        assert Axe().run(page).violations_count == 0


def test_all_rows_are_downloaded_without_choosing_the_file_again(visit, record):
    page = visit("/probabilities")
    chosen(page, lines(record, 60) + lines(record, age=200).splitlines()[1] + b"\n")
    page.get_by_label("Score the good rows even if others have errors").check()
    page.get_by_role("button", name="Show the result").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all 61 rows").click()
    rows = download.value.path().read_text().splitlines()
    assert len(rows) == 62 and "probability" in rows[0] and "200 is not between" in rows[-1]


def test_a_file_that_cannot_be_sent_says_so_and_keeps_the_page(visit, record):
    page = visit("/probabilities")
    chosen(page, lines(record))
    # as if the file could not be read; a request that is cut off in earnest counts as a failure of the page
    page.evaluate(
        "() => { window.sent = XMLHttpRequest.prototype.send;"
        " XMLHttpRequest.prototype.send = function () { this.dispatchEvent(new Event('error')); }; }"
    )
    page.get_by_role("button", name="Show the result").click()
    expect(page.get_by_role("alert")).to_contain_text("choose it again")
    page.evaluate("() => { XMLHttpRequest.prototype.send = window.sent; }")
    page.get_by_role("button", name="Show the result").click()
    expect(page.locator("#result-title")).to_contain_text("1")


def test_a_file_dropped_on_the_zone_is_chosen(visit, record):
    page = visit("/probabilities")
    expect(page.get_by_text("or drop a file here")).to_be_visible()
    text = json.dumps(lines(record, 2).decode())
    held = page.evaluate_handle(
        f"() => {{ const held = new DataTransfer(); held.items.add(new File([{text}], 'a.csv')); return held; }}"
    )
    page.dispatch_event("form.upload", "drop", {"dataTransfer": held})
    page.get_by_role("button", name="Show the result").click()
    expect(page.locator("#result-title")).to_contain_text("2")
    plain = visit("/probabilities", script=False)
    expect(plain.get_by_text("or drop a file here")).to_be_hidden()
