"""What was acknowledged is kept, once, whatever dies; and what needs no memory goes on without it."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

import pytest

from benchmarks.measuring import free_port
from benchmarks.starting import tree
from glassform.accounts import migrating
from tests.conftest import serving, wait_for

KILLS, WRITES = 60, 1_000
OUTAGE = 30  # seconds


def ask(port, method, path, body=None, **headers):
    """One request on a connection of its own: the status and what came back."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = json.dumps(body) if body is not None else None
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def sign_up(port, name):
    who = {"name": name, "password": "correct horse"}
    assert ask(port, "POST", "/accounts", who)[0] == 201
    return {"Authorization": f"Bearer {ask(port, 'POST', '/tokens', who)[1]['access_token']}"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite'}"
    stops = "own_postgresql" in request.fixturenames
    found = request.getfixturevalue("own_postgresql")[1] if stops else request.getfixturevalue("postgresql")
    migrating.upgrade(found)
    return found


@pytest.fixture
def running(scorecard, url):
    """A server with two workers on a database of its own: its process and its port."""
    port = free_port()
    environment = {"DATABASE_URL": url, "LOG_LEVEL": "CRITICAL", "RATE_LIMIT": "1000000 per second"}
    with serving("--port", str(port), "--workers", "2", environment=environment) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield process, port


def everything(port, header):
    """All of somebody's predictions."""
    found, page = [], 1
    while True:
        _, answer = ask(port, "GET", f"/predictions?per_page=1000&page={page}", **header)
        found += answer["predictions"]
        if page >= answer["pages"]:
            return found
        page += 1


def test_sixty_killed_workers_lose_and_double_nothing(running, record):
    process, port = running
    header = sign_up(port, "survivor")
    acknowledged: dict[int, str] = {}

    def write(numbers):
        for number in numbers:
            key = {"Idempotency-Key": f"write {number}"}
            asked = record | {"age": 17 + number % 70}
            while number not in acknowledged:
                try:
                    status, answer = ask(port, "POST", "/predictions", asked, **header, **key)
                except (OSError, HTTPException):
                    time.sleep(0.01)
                    continue  # the worker died; nobody knows what became of it, so the same is asked again
                assert status in (201, 409, 503), answer
                if status == 201:
                    acknowledged[number] = answer["id"]

    def kill():
        for _ in range(KILLS):
            workers = [pid for pid in tree(process.pid) if pid != process.pid]
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(random.choice(workers), signal.SIGKILL)
            time.sleep(0.5)

    killer = threading.Thread(target=kill)
    killer.start()
    with ThreadPoolExecutor(4) as writers:
        half = list(writers.map(write, [range(at, WRITES // 2, 4) for at in range(4)]))
        killer.join()  # half of the writes at least happen while workers die, the others until the last has
        half += list(writers.map(write, [range(WRITES // 2 + at, WRITES, 4) for at in range(4)]))
    assert len(acknowledged) == WRITES
    wait_for(f"http://127.0.0.1:{port}/health/ready")
    stored = [each["id"] for each in everything(port, header)]
    assert len(stored) == WRITES, "none is lost, and none is there twice"
    assert {*stored} == {*acknowledged.values()}


def test_two_workers_write_side_by_side(running, record):
    _, port = running
    header = sign_up(port, "writer")

    def write(number):
        return ask(port, "POST", "/predictions", record, **header)[0]

    with ThreadPoolExecutor(2) as writers:
        statuses = [*writers.map(write, range(2_000))]
    assert {*statuses} == {201}
    assert len(everything(port, header)) == 2_000


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_locked_database_stops_no_prediction(running, url, record):
    _, port = running
    header = sign_up(port, "waiter")
    locked = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    assert ask(port, "POST", "/predictions", record, **header)[0] == 503
    assert ask(port, "GET", f"/probability?{urlencode(record)}")[0] == 200
    locked.execute("ROLLBACK")
    locked.close()
    assert ask(port, "POST", "/predictions", record, **header)[0] == 201
    assert len(everything(port, header)) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_database_that_is_away_for_half_a_minute_stops_no_prediction(running, record, own_postgresql):
    (_, port), (control, _) = running, own_postgresql
    header = sign_up(port, "patient")
    assert ask(port, "POST", "/predictions", record, **header)[0] == 201
    control("stop")
    until, predictions, writes = time.monotonic() + OUTAGE, [], []
    while time.monotonic() < until:
        predictions += [ask(port, "GET", f"/probability?{urlencode(record)}")[0] for _ in range(20)]
        writes.append(ask(port, "POST", "/predictions", record, **header)[0])
        time.sleep(0.1)  # other tests run beside this one
    control("start")
    assert {*predictions} == {200} and len(predictions) > 1_000
    assert {*writes} == {503}
    again = time.monotonic() + 20
    while ask(port, "POST", "/predictions", record, **header)[0] != 201:
        assert time.monotonic() < again, "it recovers without a restart"
    assert len(everything(port, header)) == 2


def test_a_full_disk_is_a_503_that_stored_nothing(scorecard, tmp_path, record):
    """The file may not grow: SQLite's own limit stands for the disk's."""
    url = f"sqlite:///{tmp_path / 'test.sqlite'}"
    port = free_port()
    # 8 blocks of 512 or 1,024 bytes fewer than any database has, so that the first write that needs room fails
    with serving("--port", str(port), environment={"DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        header = sign_up(port, "crowded")
        (worker,) = [pid for pid in tree(process.pid) if pid != process.pid]
        subprocess.run(["prlimit", "--pid", str(worker), "--fsize=4096:"], check=True)
        statuses = [ask(port, "POST", "/predictions", record, **header)[0] for _ in range(3)]
        assert {*statuses} == {503}
        assert ask(port, "GET", f"/probability?{urlencode(record)}")[0] == 200
        subprocess.run(["prlimit", "--pid", str(worker), "--fsize=unlimited:"], check=True)
        assert ask(port, "POST", "/predictions", record, **header)[0] == 201
        assert len(everything(port, header)) == 1
