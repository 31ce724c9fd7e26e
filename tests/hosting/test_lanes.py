"""How the server's one loop reads bodies and hands requests to lanes, asked without a network."""

import asyncio
import errno
import json
import resource
import threading
import time
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Response
from werkzeug.exceptions import BadRequest

from benchmarks.measuring import address
from glassform.hosting import bodies, lanes, scratch, workers
from glassform.hosting.adapter import Adapter, environ_of
from glassform.limits import LARGEST_BODY
from glassform.records.field import Record
from server import create_app
from tests.people import PERSON as SOMEBODY

PERSON: Record = dict(SOMEBODY)


class Client:
    """A client of an ASGI application, whose body comes in parts and who may not take the answer."""

    def __init__(self, path: str, method: str = "GET", parts: Iterable[bytes] = (), **headers: Any) -> None:
        raw, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "server": ("127.0.0.1", 5000),
            "client": ("127.0.0.1", 50000),
        }
        self.parts, self.received = iter(parts), list[dict[str, Any]]()
        self.is_sent = False
        self.leaves: asyncio.Event | None = None  # when it goes away
        self.takes: asyncio.Event | None = None  # whether it takes more of its answer; always, if there is none

    async def receive(self) -> dict[str, Any]:
        """Send a part of the body; stay silent after an empty one, and go away after the end if told so."""
        part = next(self.parts, None)
        if part == b"" or (part is None and self.is_sent):
            await (self.leaves or asyncio.Event()).wait()
            return {"type": "http.disconnect"}
        self.is_sent = part is None
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a part of the answer."""
        if self.takes is not None and message["type"] == "http.response.body":  # the start waits for a part
            await self.takes.wait()
        self.received.append(message)

    async def ask(self, adapter: Adapter) -> "Client":
        await adapter(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.received[0]["status"]) if self.received else 0

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.received[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.received[1:])

    @property
    def is_whole(self) -> bool:
        return self.received[-1].get("more_body", self.received[-1]["type"] != "http.response.body") is False


@pytest.fixture(scope="module")
def own_app(app):
    """An application with an address that waits until it is told, and one that has much to say."""
    made = create_app()
    made.extensions["go"] = threading.Event()

    @made.route("/stuck")
    def stuck() -> str:
        assert made.extensions["go"].wait(20)
        return "done"

    @made.route("/long")
    def long() -> Response:
        return Response(b"x" * 10_000 for _ in range(100))

    return made


@pytest.fixture
def adapter(own_app) -> Adapter:
    own_app.extensions["go"].clear()
    return Adapter(own_app, threads=2)


def run(*asked: Any) -> Any:
    async def together() -> Any:
        return await asyncio.gather(*asked)

    return alone(together())


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: Playwright's loop may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(60)


def sent(
    parts: Iterable[bytes], path: str = "/probability", kind: str = "application/json", **headers: Any
) -> Client:
    return Client(path, "POST", parts, content_type=kind, **headers)


def test_a_body_arrives_in_parts(adapter):
    whole = json.dumps(PERSON).encode()
    (client,) = run(sent([whole[:30], whole[30:]], content_length=str(len(whole))).ask(adapter))
    assert (client.status, client.is_whole) == (200, True)
    assert json.loads(client.body)["probability"] == pytest.approx(0.127, abs=0.001)


@pytest.mark.parametrize("headers", [{"content_length": "1000"}, {"transfer_encoding": "chunked"}])
def test_a_body_that_comes_too_slowly_is_refused_and_the_next_request_works(adapter, monkeypatch, headers):
    monkeypatch.setattr(bodies, "SECONDS_TO_BEGIN", 0.1)
    slow, quick = run(sent([b'{"age"', b""], **headers).ask(adapter), Client(address(PERSON)).ask(adapter))
    assert (slow.status, quick.status) == (408, 200)
    assert json.loads(slow.body)["detail"] == "The body came too slowly."
    assert slow.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused_before_it_is_parsed(adapter, announced):
    parts = [b"a=b&" * 5_000] * 5
    headers = {"content_length": "100000"} if announced else {"transfer_encoding": "chunked"}
    form = "application/x-www-form-urlencoded"
    for client in run(*(sent(parts, path, form, **headers).ask(adapter) for path in ("/account", "/probability"))):
        assert client.status == 413, client.body


def test_an_address_that_reads_no_body_answers_all_the_same(adapter):
    body: dict[str, Any] = {"content_length": str(LARGEST_BODY + 1)}
    found, missing = run(Client("/model", **body).ask(adapter), Client("/nothing", "POST", **body).ask(adapter))
    assert (found.status, missing.status) == (200, 404)


def test_quick_answers_go_on_while_everything_else_is_stuck_and_a_full_lane_says_so(adapter, own_app, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_WAITING", 3)
    adapter = Adapter(own_app, threads=2)

    async def siege() -> tuple[list[Client], list[Client]]:
        stuck = [asyncio.create_task(Client("/stuck").ask(adapter)) for _ in range(10)]
        await asyncio.sleep(0.2)
        light = [await Client(path).ask(adapter) for path in (address(PERSON), "/health/live", "/health/ready")]
        own_app.extensions["go"].set()
        return light, await asyncio.gather(*stuck)

    light, stuck = alone(siege())
    assert [client.status for client in light] == [200] * 3
    refused = [client for client in stuck if client.status == 503]
    assert len(refused) == 5 and [client.status for client in stuck].count(200) == 5
    assert all(client.headers["retry-after"] for client in refused)
    assert json.loads(refused[0].body)["detail"].startswith("The server has too much to do")
    (again,) = run(Client("/stuck").ask(adapter))  # every place is free again
    assert again.status == 200


def test_an_answer_is_sent_in_parts_as_it_is_written(adapter):
    (client,) = run(Client("/long").ask(adapter))
    assert client.body == b"x" * 1_000_000 and client.is_whole
    assert max(len(message["body"]) for message in client.received[1:]) <= 16 * 1024


def test_a_client_that_takes_nothing_keeps_no_thread_and_is_cut_in_the_end(adapter, monkeypatch):
    monkeypatch.setattr(bodies, "SECONDS_TO_BEGIN", 0.5)

    async def siege() -> tuple[list[Client], Client]:
        idle = [Client("/long") for _ in range(20)]
        for client in idle:
            client.takes = asyncio.Event()
        asked = [asyncio.create_task(client.ask(adapter)) for client in idle]
        other = await Client("/long").ask(adapter)
        return await asyncio.gather(*asked), other

    begin = time.monotonic()
    idle, other = alone(siege())
    assert other.is_whole and other.status == 200
    assert not any(client.is_whole for client in idle) and time.monotonic() - begin < 10


def test_a_client_that_hangs_up_costs_no_more_work(own_app, adapter):
    made, waiting = [], Client("/model")

    def counting(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        for number in range(1000):
            made.append(number)
            time.sleep(0.005)
            yield b"x"

    adapter.application = counting

    async def siege() -> None:
        clients, leaving = [Client("/model") for _ in range(8)], asyncio.Event()
        for client in clients:
            client.leaves = leaving
        asked = [asyncio.create_task(client.ask(adapter)) for client in clients]
        await asyncio.sleep(0.2)
        leaving.set()
        await asyncio.gather(*asked)
        adapter.application = own_app.wsgi_app
        await waiting.ask(adapter)

    alone(siege())
    assert waiting.status == 200 and len(made) < 1000


def test_a_chunked_body_that_breaks_off_is_no_body():
    client = sent([json.dumps(PERSON).encode(), b""], transfer_encoding="chunked")

    async def read() -> bodies.Body:
        client.leaves = asyncio.Event()
        client.leaves.set()
        return await bodies.read_body(client.receive, 1000, None)

    with pytest.raises(BadRequest):
        alone(read()).file.read()


@pytest.mark.parametrize("path", ["/predict", "/v2/models/adult/infer", "/probabilities"])
def test_json_that_would_fill_the_memory_is_refused_before_it_is_parsed(adapter, path):
    body = b'{"inputs": [' + b"[]," * 1_500_000 + b"[]]}"
    (client,) = run(sent([body], path, content_length=str(len(body))).ask(adapter))
    assert client.status in (400, 413)
    if path != "/probabilities":  # which takes an array
        assert client.status == 413 and "more values" in json.loads(client.body)["detail"]


def test_blank_lines_count(client):
    answer = client.post("/probabilities", data=b"age\n" + b"\n" * 4_000_000, content_type="text/csv")
    assert answer.status_code == 413 and "3,000,000 lines" in answer.json["detail"]
    answer.close()


def test_a_full_disk_costs_the_request_that_fills_it(adapter, monkeypatch):
    rows = b"age,workclass,education,marital_status,race,sex,hours_per_week\n" + b"39,State-gov\n" * 20_000
    monkeypatch.setattr(scratch, "IN_MEMORY", 64 * 1024)
    monkeypatch.setattr(scratch, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(scratch, "LEFT_FREE", 1 << 60)
    upload = sent([rows], "/probabilities", "text/csv", content_length=str(len(rows)))
    long, body, light = run(*(each.ask(adapter) for each in (Client("/long"), upload, Client(address(PERSON)))))
    assert (long.status, body.status, light.status) == (507, 507, 200)
    assert body.headers["retry-after"] and json.loads(body.body)["detail"].startswith("There is no room")


def test_an_answer_that_fails_on_the_way_is_cut(own_app, adapter, caplog):
    def failing(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        yield b"x" * 200_000
        time.sleep(0.1)
        raise ZeroDivisionError

    adapter.application = failing
    client = Client("/model")
    with pytest.raises(ZeroDivisionError):
        run(client.ask(adapter))
    assert client.status == 200 and not client.is_whole


def test_a_header_with_an_underscore_is_none_of_a_proxys():
    client = Client("/", x_forwarded_for="9.9.9.9")
    client.scope["headers"] += [(b"x_forwarded_for", b"6.6.6.6")]
    assert environ_of(client.scope)["HTTP_X_FORWARDED_FOR"] == "9.9.9.9"


def test_a_request_is_described_as_wsgi_says():
    client = Client("/a%20b/%C3%A9?x=1", "POST", cookie="a=1", accept="text/csv", content_length="3")
    client.scope["headers"] += [(b"cookie", b"b=2"), (b"accept", b"text/html")]
    environ = environ_of(client.scope)
    assert environ["PATH_INFO"] == "/a b/é".encode().decode("latin-1")
    assert (environ["HTTP_COOKIE"], environ["HTTP_ACCEPT"]) == ("a=1; b=2", "text/csv,text/html")
    assert (environ["CONTENT_LENGTH"], environ["QUERY_STRING"]) == ("3", "x=1")


@pytest.mark.parametrize(
    ("path", "headers", "lane"),
    [
        ("/probability?age=1", {}, None),
        ("/probability.json?age=1", {}, None),
        ("/adult/probability?age=1", {}, None),
        ("/health/live", {}, None),
        ("/probability?age=1", {"accept": "text/html"}, "pages"),
        ("/probability?format=html", {}, "pages"),
        ("/probability?model=abc", {}, "pages"),
        ("/probability.html", {}, "pages"),
        (f"/probability?age={'9' * 5000}", {}, "pages"),
        ("/model", {}, "pages"),
        ("/static/style.css", {}, "pages"),
        ("/nothing", {}, "pages"),
        ("/nothing/probability", {}, "pages"),
        ("/keys/probability", {"method": "DELETE"}, "people"),
        ("/predictions/probability", {}, "people"),
        ("/probability?" + "a&" * 100, {}, "pages"),
        ("/probability?format=h%74ml", {}, "pages"),
        ("/probability?%6dodel=a", {}, "pages"),
        ("/probability?age=1", {"accept": "text/*"}, "pages"),
        ("/probability?age=1", {"accept": "application/XHTML+xml"}, "pages"),
        ("/probability?age=1", {"cookie": "a;" * 2000}, "pages"),
        ("/probability", {"method": "POST", "content_type": "application/x-www-form-urlencoded"}, "pages"),
        ("/session", {}, "people"),
        ("/adult/keys", {}, "people"),
        ("/v2/models/adult/infer", {"method": "POST"}, "batches"),
        ("/probabilities.csv", {"method": "POST"}, "batches"),
        ("/probabilities", {}, "pages"),
        ("/v2/models/adult/infer", {"method": "PUT"}, "pages"),
        ("/predictions/abc", {}, "people"),
    ],
)
def test_what_is_quick_is_answered_at_once_and_the_rest_in_its_lane(adapter, path, headers, lane):
    environ = environ_of(Client(path, **headers).scope)
    view, table = adapter.lanes.place_of(environ["PATH_INFO"], environ["REQUEST_METHOD"])
    found = adapter.lanes.lane_of(alone(adapter.lanes.resource_of(view)), table, environ)
    assert found is (adapter.lanes.lanes[lane] if lane else None)


def test_a_module_that_cannot_be_opened_now_is_imported_by_a_later_request(own_app, adapter, monkeypatch, caplog):
    view = own_app.view_functions["twins"]
    monkeypatch.setattr(view, "name", "glassform.resources.nowhere.Twins")
    failed, found = run(
        Client(address(PERSON).replace("probability", "twins")).ask(adapter), Client("/model").ask(adapter)
    )
    assert failed.status == 500 and b"logged" in failed.body and found.status == 200
    monkeypatch.undo()
    (again,) = run(Client(address(PERSON).replace("probability", "twins")).ask(adapter))
    assert again.status == 200


def test_scratch_files_lie_in_memory_as_long_as_all_together_are_small(monkeypatch):
    monkeypatch.setattr(scratch, "ALL_IN_MEMORY", 1000)
    before, (first, second) = scratch.ROOM.taken, (scratch.Scratch(), scratch.Scratch())
    first.write(b"x" * 900)
    second.write(b"y" * 90)
    second.write(b"z" * 90)
    assert (first.is_on_disk, second.is_on_disk) == (False, True)
    assert (first.read(0, 10), second.read(85, 10)) == (b"x" * 10, b"yyyyyzzzzz")
    assert scratch.ROOM.taken == before + 900
    first.close()
    second.close()
    assert scratch.ROOM.taken == before


def test_a_disk_that_fills_while_the_application_writes_is_no_failure_of_ours(client, monkeypatch, record):
    def full(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

    monkeypatch.setattr("glassform.resources.answers.probabilities.shutil.copyfileobj", full)
    answer = client.post("/probabilities", data="age\n39\n", content_type="text/csv")
    assert (answer.status_code, "secret" in answer.text) == (507, False)
    assert answer.headers["Retry-After"] == "5"
    answer.close()


@pytest.mark.parametrize(
    ("allowed", "connections"),
    [((64, 64), 32), ((64, 1024), 512), ((1024, 1 << 20), 1024), ((1 << 20, 1 << 20), 1024)],
)
def test_a_worker_takes_no_more_connections_than_leave_it_file_handles(monkeypatch, allowed, connections):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: allowed)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits))
    assert workers.connections_at_once() == connections
    assert all(soft <= allowed[1] for soft, _ in asked)
