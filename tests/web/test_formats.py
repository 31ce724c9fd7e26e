import csv
import io
import json
from codecs import BOM_UTF8
from urllib.parse import urlencode

import pytest

from glassform.fitted.scorecard import Scorecard
from glassform.web.formats import as_csv, as_json, negotiated
from glassform.web.problems import HEADINGS
from tests.conftest import ROOT

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
ALL = ("json", "html", "csv")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "json"),
        ("", "json"),
        (BROWSER, "html"),
        ("text/html", "html"),
        ("text/*", "html"),
        ("text/csv", "csv"),
        ("application/json, text/html;q=0.9", "json"),
        ("application/json;q=0.5, text/html;q=0.9", "html"),
        ("text/csv;q=0.1, */*;q=0.01", "csv"),
        ("image/png", None),
        ("application/json;q=0", None),
    ],
)
def test_the_accept_header_chooses_and_json_wins_a_tie(accept, expected):
    assert negotiated(accept, ALL) == expected


@pytest.mark.parametrize("url", ["/", "/probability", "/scorecard", "/examples"])
def test_one_url_has_many_readers(client, record, url):
    query = record if url == "/probability" else {}
    program = client.get(url, query_string=query)
    browser = client.get(url, query_string=query, headers={"Accept": BROWSER})
    assert (program.content_type, browser.content_type) == ("application/json", "text/html; charset=utf-8")
    told = {"accept", "accept-encoding", "accept-language", "cookie"}
    assert program.vary.as_set() == browser.vary.as_set() == told
    assert program.headers["ETag"] != browser.headers["ETag"]


@pytest.mark.parametrize("url", ["/probability", "/scorecard", "/examples"])
@pytest.mark.parametrize(
    ("form", "media_type"), [("json", "application/json"), ("html", "text/html"), ("csv", "text/csv")]
)
def test_a_suffix_or_a_parameter_overrides_the_accept_header(client, record, url, form, media_type):
    query = record if url == "/probability" else {}
    for address, more in ((f"{url}.{form}", {}), (url, {"format": form})):
        for accept in (BROWSER, "image/png"):
            response = client.get(address, query_string={**query, **more}, headers={"Accept": accept})
            assert (response.status_code, response.mimetype) == (200, media_type)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/?format=csv", 406),
        ("/?format=xml", 406),
        ("/?format=", 406),
        ("/?format", 406),
        ("/?f%6Frmat=xml", 406),
        ("/?format=json&format=html", 400),
    ],
)
def test_a_format_not_offered_is_refused(client, url, status):
    response = client.get(url)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")


def test_an_accept_header_nobody_can_meet_is_refused_with_the_formats_there_are(client):
    response = client.get("/", headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert response.json["detail"] == "Formats offered here: json, html."


def test_a_known_etag_is_answered_with_304_and_no_body(client, record):
    first = client.get("/probability", query_string=record)
    for known in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        again = client.get("/probability", query_string=record, headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Vary"] == first.headers["Vary"]
    other = client.get("/probability", query_string=record, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_the_etag_is_of_the_canonical_record(client, record):
    older = {"work": "workclass", "status": "marital_status", "hours": "hours_per_week"}
    alias = {name: alias for alias, name in older.items()}
    swapped = {alias.get(name, name): value for name, value in reversed(record.items())}
    tags = {client.get("/probability", query_string=query).headers["ETag"] for query in (record, swapped)}
    assert len(tags) == 1
    other = client.get("/probability", query_string=record | {"age": 40})
    assert other.headers["ETag"] not in tags


def test_a_posted_answer_is_not_stored_and_a_got_one_is_revalidated(client, record):
    assert client.get("/probability", query_string=record).headers["Cache-Control"] == "no-cache"
    posted = client.post("/probability", json=record)
    assert posted.headers["Cache-Control"] == "no-store" and "ETag" not in posted.headers


def test_head_answers_as_get_without_the_body(client, record):
    got, head = (method("/probability", query_string=record) for method in (client.get, client.head))
    assert head.data == b"" and head.status_code == 200
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["ETag"] == got.headers["ETag"]


def test_json_ends_its_line_and_has_no_nan():
    assert as_json({"a": float("nan")}) == b'{"a":null}\n'


def test_csv_quotes_what_needs_it():
    rows = [{"a": 'say "hi", you', "b": 1.5}, {"a": "é", "b": 2}]
    assert [*csv.DictReader(io.StringIO(as_csv(rows).decode()))] == [
        {"a": 'say "hi", you', "b": "1.5"},
        {"a": "é", "b": "2"},
    ]


@pytest.mark.parametrize(
    ("method", "url", "status", "title"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/probability/", 404, "Not Found"),
        ("GET", "/probability.xml", 404, "Not Found"),
        ("GET", "/static/nothing.css", 404, "Not Found"),
        ("GET", "/static/../server.py", 404, "Not Found"),
        ("DELETE", "/probability", 405, "Method Not Allowed"),
        ("POST", "/", 405, "Method Not Allowed"),
        ("POST", "/probability", 415, "Unsupported Media Type"),
    ],
)
def test_every_error_is_a_problem_to_a_program_and_a_page_to_a_browser(client, method, url, status, title):
    program = client.open(url, method=method)
    assert (program.status_code, program.mimetype) == (status, "application/problem+json")
    problem = json.loads(program.data)
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    browser = client.open(url, method=method, headers={"Accept": BROWSER})
    assert (browser.status_code, browser.mimetype) == (status, "text/html")
    assert f"<h1>{HEADINGS[status]}</h1>" in browser.text and problem["detail"][:20] in browser.text


def test_a_refused_method_names_the_allowed_ones(client):
    response = client.delete("/probability")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert set(client.options("/probability").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_fault_of_ours_shows_no_trace_and_the_next_request_works(app, client, record, monkeypatch):
    app.testing = False
    with monkeypatch.context() as broken:
        broken.setattr(app, "test_client_class", None)  # one that does not look for the status among those described
        broken.setattr(Scorecard, "explain", lambda card, record: None + record)
        failed = app.test_client().get("/probability", query_string=record)
    assert failed.status_code == 500 and failed.mimetype == "application/problem+json"
    assert "Traceback" not in failed.text and str(ROOT) not in failed.text and "NoneType" not in failed.text
    assert client.get("/probability", query_string=record).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json; charset=utf-8", "application/json"),
        ("text/html;level=1", "text/html"),
        ('text/html; a="b,c";q=0.9, application/json;q=0.8', "text/html"),
        ("text/html;charset=utf-8;q=0.1, */*;q=0.5", "application/json"),
    ],
)
def test_parameters_of_a_media_type_are_passed_over(client, accept, kind):
    response = client.get("/examples", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, kind)


def test_a_304_keeps_the_language_too(client):
    page = {"Accept": "text/html"}
    first = client.get("/?lang=zh", headers=page)
    again = client.get("/?lang=zh", headers=page | {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["Set-Cookie"].startswith("lang=zh;")


@pytest.mark.parametrize("host", ["", "a b", "evil.com:abc", "a@b", "evil.com/x"])
def test_a_page_needs_a_host_to_link_to(client, record, host):
    response = client.get("/probability.html", query_string=record, headers={"Host": host})
    assert response.status_code == 400 and response.mimetype == "application/problem+json"


def test_head_is_get_without_the_body(client, record):
    for path in ("/", "/probability", "/model", "/examples"):
        query = record if path == "/probability" else {}
        answers = [
            method(f"{path}.html" if path != "/" else "/?format=html", query_string=query or None)
            for method in (client.get, client.head)
        ]
        assert answers[0].headers["Content-Length"] == answers[1].headers["Content-Length"]
        assert answers[1].data == b""


def test_error_lists_are_bounded_and_counted_everywhere(client, record):
    query = "&".join(f"x{number}=1" for number in range(2000))
    for path in (
        f"/model?{query}",
        f"/probability?{query}",
        f"/changes?{urlencode(record)}&lock=x" + "&lock=x" * 2000,
    ):
        answer = client.get(path).json
        assert len(answer["errors"]) == 51
    detail = client.get(f"/probability?{query}&{urlencode(record)}").json["detail"]
    assert detail == "The record has 2000 errors; nothing was computed."


def test_raw_utf_8_in_an_address_is_text(client, record):
    query = urlencode(record).replace("sex=Male", "sex=\xe7\x94\xb7")
    response = client.get("/probability", environ_overrides={"QUERY_STRING": query})
    (error,) = response.json["errors"]
    assert error["value"] == "男"


@pytest.mark.parametrize("path", ["/scorecard.csv", "/examples?format=csv", "/probabilities.csv"])
@pytest.mark.parametrize("accept", [BROWSER, "*/*", None])
def test_csv_begins_with_a_byte_order_mark_for_people_alone(client, path, accept):
    response = client.get(path, headers={"Accept": accept} if accept else {})
    assert response.data.startswith(BOM_UTF8) == (accept == BROWSER)
    assert response.mimetype == "text/csv" and "Accept" in response.vary
    asked = client.get(f"{path.split('?')[0].removesuffix('.csv')}?format=excel")
    assert asked.data == BOM_UTF8 + response.data.removeprefix(BOM_UTF8)


def test_a_download_by_the_form_of_a_page_opens_in_excel(client):
    sample = client.get("/probabilities.csv").data
    for accept, begin in ((BROWSER, BOM_UTF8), ("text/csv", b"")):
        body = {"file": (io.BytesIO(BOM_UTF8 + sample), "people.csv")}
        response = client.post("/probabilities.csv", data=body, headers={"Accept": accept})
        assert response.status_code == 200 and response.data.startswith(begin + b"age,")
        response.close()


def test_the_tags_of_both_kinds_of_csv_differ(client):
    tags = {client.get("/scorecard.csv", headers={"Accept": accept}).headers["ETag"] for accept in (BROWSER, "*/*")}
    assert len(tags) == 2


def test_only_tables_are_written_for_spreadsheets(client):
    assert client.get("/health/live?format=excel").status_code == 406
