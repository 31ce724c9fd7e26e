"""What is limited, asked a hundred times at once of a real server with two workers: what is allowed passes."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from sqlalchemy import create_engine, text

from benchmarks.measuring import free_port
from glassform.accounts import migrating
from glassform.limits import MOST_KEYS, MOST_SAVED
from tests.conftest import serving, wait_for

PASSWORD = "correct horse"
AT_ONCE = 100


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request, tmp_path_factory):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('at_once') / 'test.sqlite'}"
    found = request.getfixturevalue("postgresql")
    migrating.upgrade(found)
    return found


@pytest.fixture(scope="module")
def running(scorecard, url):
    """The port of a server with two workers and the default limits, on a database of its own."""
    port = free_port()
    environment = {"DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"}
    with serving("--port", str(port), "--workers", "2", environment=environment):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield port


def ask(port, method, path, body=None, **headers):
    """One request on a connection of its own: the status, the headers and what came back."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = json.dumps(body) if body is not None else None
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def at_once(port, *request, times=AT_ONCE, **headers):
    """What as many requests at once were answered: how often each status."""
    start = threading.Barrier(times)

    def one(_):
        start.wait()
        return ask(port, *request, **headers)

    with ThreadPoolExecutor(times) as threads:
        answers = [*threads.map(one, range(times))]
    assert all(int(headers["Retry-After"]) > 0 for status, headers, _ in answers if status in (429, 503))
    return Counter(status for status, _, _ in answers)


def sign_up(port, name):
    who = {"name": name, "password": PASSWORD}
    status, _, answer = ask(port, "POST", "/accounts", who)
    assert status == 201, answer
    return ask(port, "POST", "/tokens", who)[2]


def bearer(pair, kind="access_token"):
    return {"Authorization": f"Bearer {pair[kind]}"}


def test_one_name_is_registered_once(running):
    statuses = at_once(running, "POST", "/accounts", {"name": "only", "password": PASSWORD}, times=12)
    assert statuses[201] == 1 and {*statuses} <= {201, 409, 503}


def test_as_many_keys_are_made_as_an_account_may_have(running):
    header = bearer(sign_up(running, "keeper"))
    statuses = at_once(running, "POST", "/keys", {"title": "x", "scope": "read"}, **header)
    assert statuses == {201: MOST_KEYS, 422: AT_ONCE - MOST_KEYS}
    assert len(ask(running, "GET", "/keys", **header)[2]["keys"]) == MOST_KEYS


def test_a_refresh_token_works_once_and_the_others_end_its_family(running):
    pair = sign_up(running, "refresher")
    statuses = at_once(running, "POST", "/tokens/refresh", **bearer(pair, "refresh_token"))
    assert statuses == {200: 1, 401: AT_ONCE - 1}
    assert ask(running, "GET", "/account", **bearer(pair))[0] == 401


def test_predictions_posted_at_once_are_all_saved(running, record):
    header = bearer(sign_up(running, "poster"))
    assert at_once(running, "POST", "/predictions", record, times=64, **header) == {201: 64}
    assert ask(running, "GET", "/predictions", **header)[2]["total"] == 64


def test_the_same_request_sent_at_once_is_done_once(running, record):
    header = bearer(sign_up(running, "repeater")) | {"Idempotency-Key": "one"}
    assert at_once(running, "POST", "/predictions", record, **header) == {201: AT_ONCE}
    assert ask(running, "GET", "/predictions", **header)[2]["total"] == 1


def test_an_account_is_filled_to_its_quota_and_no_further(running, url, record):
    header = bearer(sign_up(running, "filler"))
    assert ask(running, "POST", "/predictions", record, **header)[0] == 201
    room = 7
    fill = (
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :wanted) "
        "INSERT INTO predictions (id, user_id, created, record, probability, model, version) "
        "SELECT 'copy' || n, user_id, created, record, probability, model, version FROM predictions, numbers "
        "WHERE user_id = (SELECT id FROM users WHERE folded = 'filler')"
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(fill), {"wanted": MOST_SAVED - room - 1})
        connection.execute(
            text("UPDATE users SET saved = :saved WHERE folded = 'filler'"), {"saved": MOST_SAVED - room}
        )
    engine.dispose()
    assert at_once(running, "POST", "/predictions", record, **header) == {201: room, 409: AT_ONCE - room}
    assert ask(running, "GET", "/predictions", **header)[2]["total"] == MOST_SAVED
    refused = ask(running, "POST", "/predictions", record, **header)[2]
    assert f"{MOST_SAVED:,}" in refused["detail"]
    one = ask(running, "GET", "/predictions?per_page=1", **header)[2]["predictions"][0]["url"]
    statuses = at_once(running, "DELETE", one, times=10, **header)
    assert statuses == {204: 1, 404: 9}
    assert at_once(running, "POST", "/predictions", record, times=10, **header) == {201: 1, 409: 9}


def test_a_password_is_changed_once_with_the_same_old_one(running):
    header = bearer(sign_up(running, "changer"))
    change = {"password": PASSWORD, "new_password": "battery staple"}
    statuses = at_once(running, "PATCH", "/account", change, times=4, **header)
    assert statuses[200] == 1 and {*statuses} <= {200, 401, 403}


def test_as_many_passwords_are_tried_as_may_be(running):
    """The last of this file: it uses up what this address may guess."""
    pair = sign_up(running, "guessed")
    wrong = {"name": "guessed", "password": "wrong"}
    assert at_once(running, "POST", "/tokens", wrong, times=2 * AT_ONCE) == {401: 10, 429: 2 * AT_ONCE - 10}
    assert ask(running, "POST", "/tokens", {"name": "guessed", "password": PASSWORD})[0] == 429
    assert ask(running, "GET", "/account", **bearer(pair))[0] == 200, "who is signed in goes on"
    assert ask(running, "POST", "/tokens/refresh", **bearer(pair, "refresh_token"))[0] == 200
