"""What is kept of a client's words is bounded in bytes, whatever they are."""

import codecs
import http.client
import io
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psutil
import pytest

from benchmarks.measuring import free_port
from glassform.limits import LONGEST_ACCEPT, LONGEST_MEDIA_TYPE
from glassform.tables.text import KNOWN, charset_named
from glassform.web import formats
from tests.conftest import serving, wait_for

MB = 1024 * 1024
HEADERS = 400
LENGTH = 300_000


@pytest.fixture(scope="module")
def worker(scorecard) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a server with one worker, and that worker."""
    port = free_port()
    with serving("--port", str(port), environment={"LOG_LEVEL": "CRITICAL"}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        several = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        yield f"http://127.0.0.1:{port}", max(map(psutil.Process, several), key=lambda each: each.memory_info().rss)


@pytest.mark.server
@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Cookie"])
def test_long_headers_leave_nothing_behind(worker, name):
    address, process = worker

    def ask(number: int) -> int:
        words = f"text/html,a/{number}" + ",a/b" * (LENGTH // 4)
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        with closing(connection):
            connection.request("GET", "/health/live", headers={"Accept": "*/*", name: words})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    # some before the first look: the first of their size make room that is used again
    assert all(ask(number) < 500 for number in range(20))
    before = process.memory_info().rss
    for number in range(HEADERS if name == "Accept" else 100):
        ask(number)
    assert process.memory_info().rss - before <= 30 * MB


@pytest.mark.parametrize(
    ("header", "value", "path", "found"),
    [("Accept", "text/html", "/model", "<html"), ("Accept-Language", "zh", "/health/nothing", "没有")],
)
def test_the_beginning_of_a_long_list_decides(client, header, value, path, found):
    others = ", a-b" * LONGEST_ACCEPT
    assert found in client.get(path, headers={header: value + others}).text
    assert found not in client.get(path, headers={header: f"b-a{others}, {value}"}).text


def test_formats_of_short_accept_headers_alone_are_kept(client):
    formats.kept_negotiated.cache_clear()
    for number in range(2 * formats.MOST_KEPT):
        assert client.get("/health/live", headers={"Accept": f"a/{number};q=0.1, */*"}).status_code == 200
    assert formats.kept_negotiated.cache_info().currsize == formats.MOST_KEPT
    formats.kept_negotiated.cache_clear()
    long = "text/html" + ", a/b" * formats.LONGEST_KEPT
    assert client.get("/model", headers={"Accept": long}).mimetype == "text/html"
    assert formats.kept_negotiated.cache_info().currsize == 0


def test_python_is_asked_for_no_encoding_but_its_own(monkeypatch):
    asked = []
    look = codecs.lookup

    def noted(name: str) -> codecs.CodecInfo:
        asked.append(name)
        return look(name)

    monkeypatch.setattr(codecs, "lookup", noted)
    for number in range(100):
        assert charset_named(f"made-up-{number}") is None
        assert charset_named("windows" + "-" * number + "_1252") in ("cp1252", None)
        assert charset_named("Latin" + " " * number + "-1") in ("iso8859-1", None)
    assert {*asked} <= KNOWN and len({*asked}) <= 4


@pytest.mark.parametrize("name", ["windows-1252", "UTF-8", "utf8", "Shift_JIS", "latin-1", "iso-8859-1:1987"])
def test_every_usual_name_of_an_encoding_is_known(name):
    assert charset_named(name) == codecs.lookup(name).name


@pytest.mark.parametrize("path", ["/session", "/accounts", "/probabilities", "/probability", "/predictions"])
def test_a_media_type_with_a_long_boundary_is_refused_before_its_form_is_read(client, path):
    boundary = "b" * LONGEST_MEDIA_TYPE
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--{boundary}--\r\n'
    sent = {"input_stream": io.BytesIO(body.encode()), "content_length": len(body)}
    answer = client.post(path, content_type=f"multipart/form-data; boundary={boundary}", **sent)
    assert answer.status_code == 415 and "256 characters" in answer.json["detail"]
