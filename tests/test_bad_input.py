"""Over 200 bad inputs: each gets the right 4xx that names the field, and a good request right after works."""

import http.client
import json
import os
from contextlib import closing

import pytest

from glassform.records.parsing import parse_json

BAD_NUMBERS = [
    "", " ", "abc", "1_7", "39.5", "39,5", "1e2", "1E2", "0x27", "0b11", "0o47", "++39", "--39", ".", "39e",
    "3 9", "3\n9", "٣٩", "３９", "३९", "½", "Ⅻ", "NaN", "nan", "inf", "-inf", "Infinity", "None", "null", "true",
    "0", "-1", "-39", "100", "9" * 20, "9" * 200, "9" * 5_000, "39\0", "\0", "39;drop", "<b>39</b>", "{{7*7}}",
    "%s%n", "../../etc/passwd",
]  # fmt: skip
BAD_CATEGORIES = [
    "nothing", "male ", "Ma le", "white!", "PRIVATE", "\0", "Pri\0vate", "\u202ePrivate",
    "\ufeffPrivate", "💥", "x" * 101, "x" * 20_000, "<script>alert(1)</script>", "' OR 1=1 --", "{{config}}",
    "${7*7}", "%00", "\r\nSet-Cookie: a=b",
]  # fmt: skip
BAD_JSON = [
    "true", "false", "Infinity", "-Infinity", "1e999", "-1", "0", "1.5", "39.5", "1e400", "[]",
    "[39]", "{}", '{"a": 1}', '"39"', '"\\u0000"', '"\\ud800"', "123456789012345678901234567890",
]  # fmt: skip
NUMBERS = ["age", "hours_per_week"]
CATEGORIES = ["workclass", "education", "marital_status", "race", "sex"]


def cases():
    for field in NUMBERS:
        for value in BAD_NUMBERS:
            yield pytest.param("query", field, value, id=f"query-{field}-{value[:20]!r}")
    for field in CATEGORIES:
        # nothing at all says that the work class is not known, as ? does
        for value in BAD_CATEGORIES + ([] if field == "workclass" else ["", " "]):
            yield pytest.param("form", field, value, id=f"form-{field}-{value[:20]!r}")
    for field in NUMBERS + CATEGORIES:
        for value in BAD_JSON + ([] if field == "workclass" else ["null", "NaN", '""']):
            yield pytest.param("json", field, value, id=f"json-{field}-{value[:20]}")


def send(client, door, record):
    if door == "query":
        return client.get("/probability", query_string=record)
    if door == "form":
        return client.post("/probability", data=record)
    return client.post("/probability", data=record, content_type="application/json")


def test_there_are_more_than_two_hundred_cases():
    assert len([*cases()]) > 200


@pytest.mark.parametrize(("door", "field", "value"), [*cases()])
def test_a_bad_value_is_a_422_that_names_the_field(client, record, door, field, value):
    bad = record | {field: value}
    if door == "json":
        bad = json.dumps(record | {field: "here"}).replace('"here"', value)
    response = send(client, door, bad)
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    errors = parse_json(response.data)
    assert [dict(error)["field"] for error in dict(errors)["errors"]] == [field]
    assert all(dict(error)["message"] for error in dict(errors)["errors"])
    assert len(response.data) < 2_000, "a long value is not repeated whole"
    assert client.get("/probability", query_string=record).status_code == 200


@pytest.mark.parametrize("field", NUMBERS + CATEGORIES)
@pytest.mark.parametrize("door", ["query", "form", "json"])
def test_a_missing_field_is_named(client, record, door, field):
    del record[field]
    response = send(client, door, json.dumps(record) if door == "json" else record)
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == [field]


@pytest.mark.parametrize(
    "name", ["agee", "Age", "AGE", "age[]", "age ", "", "fnlwgt", "__class__", "x" * 500, "a\0b", "💥"]
)
@pytest.mark.parametrize("door", ["query", "form", "json"])
def test_an_unknown_field_is_named(client, record, door, name):
    bad = record | {name: "1"}
    response = send(client, door, json.dumps(bad) if door == "json" else bad)
    assert response.status_code == 422
    (error,) = response.json["errors"]
    assert error["message"].startswith("is not a field")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("age=39&age=39", "age"),
        ("age=39&age=40", "age"),
        ("hours=40&hours_per_week=40", "hours_per_week"),
        ("work=Private&workclass=Private", "workclass"),
        ("status=Divorced&marital.status=Divorced", "marital_status"),
    ],
)
def test_a_repeated_parameter_is_named(client, record, query, field):
    names = {part.partition("=")[0] for part in query.split("&")}
    rest = "&".join(f"{name}={value}" for name, value in record.items() if name not in {*names, field})
    response = client.get(f"/probability?{query}&{rest}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"}", 400),
        (b"{'age': 39}", 400),
        (b'{"age": 39,}', 400),
        (b'{"age": 039}', 400),
        (b'{"age": 0x27}', 400),
        (b'{"age": 39} {"age": 39}', 400),
        (b'{"age": "39}', 400),
        (b'{"age": "\n"}', 400),
        (b"\x80\x81", 400),
        (b'{"sex": "\xff"}', 400),
        (b"age=39", 400),
        (b"<record/>", 400),
        (b"[" * 30_000, 400),
        (b'{"a":' * 10_000, 400),
        (b'{"age": ' + b"9" * 10_000 + b"}", 400),
        (b"[]", 422),
        (b"[{}]", 422),
        (b"39", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b"true", 422),
        (b"NaN", 422),
        (b"{}", 422),
        (b" " * 70_000, 413),
        (b'{"sex": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
def test_a_bad_body_is_unreadable_or_no_record(client, record, body, status):
    response = client.post("/probability", data=body, content_type="application/json")
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert response.json["detail"]
    assert client.post("/probability", json=record).status_code == 200


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "text/csv", "application/xml", "application/octet-stream", "x", "application/json2"],
)
def test_another_kind_of_body_is_refused(client, media_type):
    response = client.post("/probability", data=b"{}", headers={"Content-Type": media_type} if media_type else {})
    assert response.status_code == 415


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=x", '; boundary="\xff"'])
def test_a_broken_multipart_body_is_a_4xx(client, boundary):
    response = client.post(
        "/probability", data=b"--y\r\nnonsense", headers={"Content-Type": f"multipart/form-data{boundary}"}
    )
    assert response.status_code in (400, 415, 422)


def test_a_nameless_part_of_a_multipart_body_is_no_field(client):
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"
    response = client.post("/probability", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert response.status_code == 422
    assert response.json["errors"][-1]["field"] == ""


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_host_that_can_be_none_is_a_400(client, record, accept):
    headers = {"Host": "x" * 5_000, "Accept": accept}
    response = client.get("/probability", query_string=record, headers=headers)
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")


def test_a_thousand_unknown_fields_get_a_bounded_answer(client):
    response = client.get("/probability?" + "&".join(f"f{number}=1" for number in range(1_000)))
    assert response.status_code == 422 and len(response.data) < 20_000


def test_random_bytes_never_break_the_server(client, record):
    for _ in range(200):
        query, body = os.urandom(40), os.urandom(60)
        escaped = "".join(f"%{byte:02x}" for byte in query)
        for response in (
            client.get(f"/probability?age={escaped}"),
            client.get("/probability?" + escaped),
            client.post("/probability", data=body, content_type="application/json"),
            client.post("/probability", data=body, content_type="application/x-www-form-urlencoded"),
            client.get(f"/{escaped}"),
        ):
            assert 400 <= response.status_code < 500
    assert client.get("/probability", query_string=record).status_code == 200


@pytest.mark.parametrize("field", ["age", "sex"])
@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "\ud800", "\0", "x" * 5_000, "{{7*7}}"])
def test_a_browser_gets_the_form_again_with_what_was_typed_made_harmless(client, record, field, value):
    if "\ud800" in value:
        response = client.post("/probability", json=record | {field: value}, headers={"Accept": "text/html"})
    else:
        response = client.get("/probability", query_string=record | {field: value}, headers={"Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (422, "text/html")
    assert "<script>alert" not in response.text and "49" not in response.text.partition("<form")[0]
    assert f'id="{field}-error"' in response.text
    assert 'value="State-gov" selected' in response.text


def test_nested_values_in_json_do_not_break_the_page(client, record):
    for value in ({"a": 1}, [1], None, True, 1.5):
        response = client.post("/probability", json=record | {"sex": value}, headers={"Accept": "text/html"})
        assert response.status_code == 422 and 'id="sex-error"' in response.text


@pytest.mark.parametrize(
    ("size", "status"),
    [(65_000, 200), (66_000, 413), (200_000, 413), (1_000_000, 413)],
)
@pytest.mark.parametrize("announced", [False, True], ids=["chunks", "announced"])
def test_a_body_is_read_whole_or_refused_so_that_its_sender_sees_it(server, record, announced, size, status):
    body = json.dumps(record).encode() + b" " * (size - 200)
    connection = http.client.HTTPConnection(server.removeprefix("http://"))
    chunks = (body[begin : begin + 8_000] for begin in range(0, len(body), 8_000))
    headers = {"Content-Type": "application/json"} | ({"Content-Length": str(len(body))} if announced else {})
    with closing(connection):
        connection.request("POST", "/probability", chunks, headers, encode_chunked=not announced)
        assert connection.getresponse().status == status
