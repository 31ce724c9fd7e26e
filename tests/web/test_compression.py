"""Answers in Brotli and gzip: what is compressed, what is not, and that nothing but the bytes changes."""

import gzip
import io
import re
import tracemalloc
import zlib
from urllib.request import Request, urlopen

import brotli
import pytest

from glassform.web import compressing
from glassform.web.compressing import SHORTEST, chosen_coding

HTML = {"Accept": "text/html,*/*;q=0.5"}
UNPACKED = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
BOTH = ["br", "gzip"]


@pytest.fixture
def client(client):
    """A client that takes in each answer whole and closes it, as a server does."""
    opened = client.open
    client.open = lambda *arguments, **options: opened(*arguments, **{"buffered": True, **options})
    return client


def plain(response) -> bytes:
    """The body as it was before it was compressed."""
    unpacked: bytes = UNPACKED[response.headers.get("Content-Encoding")](response.data)
    return unpacked


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=1.0, gzip;q=0.5", "br"),
        ("br;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("br;q=0,*", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0", None),
        ("gzip;q=0.000", None),
        ("identity;q=0, *;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("deflate, zstd, x-gzip", None),
        ("gzip;q=x", None),
        ("", None),
        (",;=", None),
    ],
)
def test_the_header_chooses_the_coding(accepted, coding):
    assert chosen_coding(accepted) == coding


@pytest.mark.parametrize("coding", BOTH)
@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/", "text/html"),
        ("/model", "text/html"),
        ("/model", "application/json"),
        ("/scorecard", "text/csv"),
        ("/scorecard.sql", "*/*"),
        ("/openapi.json", "*/*"),
        ("/iris/examples", "application/json"),
        ("/nowhere", "text/html"),
        ("/static/style.css", "*/*"),
        ("/docs/assets/swagger-ui.css", "*/*"),
    ],
)
def test_pages_json_csv_and_files_come_compressed_and_are_the_same(client, path, accept, coding):
    asked = {"Accept": accept}
    whole = client.get(path, headers=asked)
    for _ in range(2):  # a file is at hand the second time
        small = client.get(path, headers=asked | {"Accept-Encoding": coding})
        assert small.headers["Content-Encoding"] == coding
        assert plain(small) == whole.data and len(small.data) < len(whole.data) / 2 + SHORTEST
        assert small.content_length == len(small.data)
        assert small.status_code == whole.status_code and small.content_type == whole.content_type
    assert "Content-Encoding" not in whole.headers
    assert "accept-encoding" in whole.vary.as_set() and small.vary.as_set() == whole.vary.as_set()


@pytest.mark.parametrize("path", ["/predict", "/health/ready", "/scorecard/schema", "/v2"])
def test_nothing_shorter_than_a_kilobyte_is_compressed(client, path):
    answer = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert ("Content-Encoding" in answer.headers) == (len(plain(answer)) >= SHORTEST)


def test_one_record_for_a_program_is_sent_as_it_is(client, record):
    for headers in ({}, {"Accept-Encoding": "gzip, br"}):
        answer = client.get("/probability", query_string=record, headers=headers)
        assert "Content-Encoding" not in answer.headers and "Accept-Encoding" in answer.headers["Vary"]
    page = client.get("/probability", query_string=record, headers=HTML | {"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/model", "/static/style.css", "/openapi.json"])
def test_a_compressed_answer_has_a_weak_tag_and_is_known_by_it(client, path):
    strong = client.get(path, headers=HTML).headers["ETag"]
    tags = {client.get(path, headers=HTML | {"Accept-Encoding": coding}).headers["ETag"] for coding in BOTH}
    assert tags == {f"W/{strong}"}
    for known in (strong, f"W/{strong}"):
        for coding in (*BOTH, "identity"):
            again = client.get(path, headers=HTML | {"Accept-Encoding": coding, "If-None-Match": known})
            assert again.status_code == 304 and again.data == b"" and "Content-Encoding" not in again.headers
            assert again.headers["ETag"] == (strong if coding == "identity" else known)
            assert "Accept-Encoding" in again.headers["Vary"]


@pytest.mark.parametrize("path", ["/model", "/openapi.json", "/static/style.css"])
def test_head_says_what_get_would(client, path):
    asked = HTML | {"Accept-Encoding": "br"}
    head, got = client.head(path, headers=asked), client.get(path, headers=asked)
    assert head.data == b""
    for name in ("Content-Encoding", "ETag", "Vary", "Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name], name


def test_a_part_of_a_file_is_sent_as_it_is(client):
    part = client.get("/static/style.css", headers={"Accept-Encoding": "br", "Range": "bytes=0-1999"})
    assert part.status_code == 206 and "Content-Encoding" not in part.headers and len(part.data) == 2000


def test_a_picture_is_sent_as_it_is(client):
    answer = client.get("/docs/assets/favicon-32x32.png", headers={"Accept-Encoding": "br"})
    assert answer.mimetype == "image/png" and "Content-Encoding" not in answer.headers


def csv_of(record, rows: int) -> bytes:
    line = ",".join(map(str, record.values()))
    return f"{','.join(record)}\n{f'{line}{chr(10)}' * rows}".encode()


@pytest.mark.parametrize("coding", BOTH)
@pytest.mark.parametrize("kind", ["text/csv", "application/json", "application/x-ndjson"])
def test_a_batch_is_compressed_while_it_is_made(client, record, kind, coding):
    def ask(**headers):
        return client.post(
            "/probabilities",
            data=csv_of(record, 3000),
            headers={"Content-Type": "text/csv", "Accept": kind, **headers},
        )

    whole = ask()
    small = ask(**{"Accept-Encoding": coding})
    assert small.headers["Content-Encoding"] == coding and "Content-Length" not in small.headers
    assert plain(small) == whole.data


def test_a_short_batch_is_sent_as_it_is(client, record):
    answer = client.post(
        "/probabilities",
        data=csv_of(record, 2),
        headers={"Content-Type": "text/csv", "Accept": "text/csv", "Accept-Encoding": "br"},
    )
    assert "Content-Encoding" not in answer.headers and answer.data.count(b"\n") == 3


@pytest.mark.parametrize("coding", BOTH)
def test_a_long_answer_is_never_in_memory_as_a_whole(coding):
    def parts():
        for number in range(2000):
            yield f"{number},".encode() * 2000

    tracemalloc.start()
    try:
        length = sum(len(part) for part in compressing.compressed_parts(parts(), coding))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000 < length * 100
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", BOTH)
def test_a_reader_sees_the_first_rows_before_the_last_are_made(coding):
    made = []

    def parts():
        for number in range(3000):
            made.append(number)
            yield f"{number * 7919 % 100_003},{number**3 % 9973}\n".encode() * 300

    first = next(iter(compressing.compressed_parts(parts(), coding)))
    assert first and len(made) < 2500


@pytest.mark.parametrize("path", ["/session", "/accounts", "/predictions?echo=abc"])
def test_a_page_with_a_secret_word_is_never_compressed(client, path):
    """Who puts text into such a page and sees its length could guess the word (BREACH)."""
    page = client.get(path, headers=HTML | {"Accept-Encoding": "br, gzip"})
    assert b"csrf_token" in page.data and "Content-Encoding" not in page.headers


def test_nothing_is_compressed_for_somebody_signed_in(client, record):
    page = client.get("/accounts", headers=HTML)
    (word,) = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)
    who = {"name": "breach1", "password": "correct horse staple", "csrf_token": word}
    made = client.post("/accounts", data=who, headers=HTML)
    assert made.status_code == 303, made.text
    for path in ("/model", "/account", "/openapi.json"):
        answer = client.get(path, headers=HTML | {"Accept-Encoding": "br, gzip"})
        assert answer.status_code == 200 and "Content-Encoding" not in answer.headers, path
    style = client.get("/static/style.css", headers={"Accept-Encoding": "br"})
    assert style.headers["Content-Encoding"] == "br"


def test_gzip_says_no_time_so_that_the_same_answer_is_the_same_bytes(client):
    bodies = {client.get("/model", headers=HTML | {"Accept-Encoding": "gzip"}).data for _ in range(2)}
    assert len(bodies) == 1


def test_a_long_header_is_read_as_far_as_others_are(client):
    asked = HTML | {"Accept-Encoding": "gzip," + "a;q=1," * 50_000}
    assert client.get("/model", headers=asked).headers["Content-Encoding"] == "gzip"


def test_a_server_sends_what_it_compressed(server, record):
    for path, unpack in (("/model.html", brotli.decompress), ("/static/style.css", brotli.decompress)):
        with urlopen(Request(server + path, headers={"Accept-Encoding": "br"})) as answer:
            assert b"</" in unpack(answer.read()) or path.endswith("css")
    request = Request(server + "/probabilities", csv_of(record, 5000))
    request.add_header("Content-Type", "text/csv")
    request.add_header("Accept-Encoding", "gzip")
    with urlopen(request) as answer:
        lines = io.BytesIO(zlib.decompress(answer.read(), wbits=31)).readlines()
    assert len(lines) == 5001
