"""What has to do with an account: kept by no cache, exported in parts, checked before it is asked for."""

import json
import os
import stat
import tracemalloc
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from glassform.accounts import database, migrating
from glassform.settings import ARTIFACTS, Settings
from server import create_app
from tests.conftest import documented

WHO = {"name": "ann", "password": "correct horse"}


@pytest.fixture(scope="module")
def private(scorecard, paths, empty_database, tmp_path_factory):
    file = tmp_path_factory.mktemp("private") / "test.sqlite"
    file.write_bytes(empty_database.read_bytes())
    with documented(paths, ARTIFACTS, Settings(database_url=f"sqlite:///{file}")) as app:
        yield app


@pytest.fixture
def client(private):
    return private.test_client()


@pytest.fixture(scope="module")
def header(private):
    client = private.test_client()
    client.post("/accounts", json=WHO)
    return {"Authorization": f"Bearer {client.post('/tokens', json=WHO).json['access_token']}"}


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/account", None), ("GET", "/account/export", None), ("GET", "/predictions", None),
        ("GET", "/predictions.csv", None), ("GET", "/predictions/x", None), ("GET", "/keys", None),
        ("GET", "/session", None), ("GET", "/accounts", None), ("GET", "/users", None), ("GET", "/versions", None),
        ("GET", "/drift", None), ("POST", "/tokens", WHO), ("POST", "/tokens", {"name": "x"}),
        ("POST", "/tokens", None),
        ("POST", "/tokens/refresh", None), ("POST", "/predictions", {}), ("PATCH", "/account", {}),
        ("POST", "/keys", {"title": "x", "scope": "read"}), ("DELETE", "/keys/x", None),
        ("GET", "/account?x=1", None),
        ("GET", "/account?format=csv", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_no_cache_keeps_what_has_to_do_with_an_account(client, header, method, path, sent, accept, signed_in):
    headers = {"Accept": accept} | (header if signed_in else {})
    answer = client.open(path, method=method, json=sent, headers=headers)
    assert answer.headers["Cache-Control"] == "private, no-store", answer.status
    assert {"Cookie", "Authorization", "X-API-Key"} <= {*answer.vary}, answer.status


def test_a_page_that_shows_who_is_signed_in_is_private_and_is_not_for_others(client, header, record):
    anyone = client.get("/", headers={"Accept": "text/html"})
    assert "private" not in anyone.headers["Cache-Control"] and "Cookie" in anyone.vary
    client.set_cookie("access_token_cookie", header["Authorization"].removeprefix("Bearer "))
    for path in ("/", "/model", "/scorecard"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert "ann" in page.text
        assert page.headers["Cache-Control"] == "private, no-store"
        assert {"Cookie", "Authorization", "X-API-Key"} <= {*page.vary}
    assert "private" not in client.get("/probability", query_string=record).headers["Cache-Control"]


def test_everything_is_exported_some_hundred_at_a_time(private, client, record):
    who = {"name": "exporter", "password": "correct horse"}
    client.post("/accounts", json=who)
    header = {"Authorization": f"Bearer {client.post('/tokens', json=who).json['access_token']}"}
    empty = client.get("/account/export", headers=header)
    assert empty.json["predictions"] == [] and empty.mimetype == "application/json"
    made = [client.post("/predictions", json=record | {"age": 20 + at}, headers=header).json for at in range(3)]
    assert client.get("/account/export", headers=header).json["predictions"] == made
    fill = (
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000) "
        "INSERT INTO predictions (id, user_id, created, record, probability, model, version) "
        "SELECT id || n, user_id, created, record, probability, model, version FROM predictions, numbers "
        "WHERE user_id = (SELECT id FROM users WHERE folded = 'exporter')"
    )
    with private.app_context(), database.writing() as session:
        session.execute(text(fill))
    tracemalloc.start()
    length, connections = 0, set()
    with private.app_context():
        pool: Any = database.db.engine.pool
    with client.get("/account/export", headers=header, buffered=False) as answer:
        parts = []
        for part in answer.response:
            length += len(part)
            parts.append(part)
            connections.add(pool.checkedout())
    assert answer.headers["Cache-Control"] == "private, no-store"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    exported = json.loads(b"".join(parts))
    assert exported["account"]["name"] == "exporter" and len(exported["predictions"]) == 12_003
    assert len({each["id"] for each in exported["predictions"]}) == 12_003
    assert len(parts) > 20 and peak - length < 6e6
    assert connections == {0}, "who reads slowly holds no connection"


@pytest.mark.parametrize("id", ["%00", "x%00y", "%00%00", "x" * 5000, "%F0%9F%99%82", "%FF", "a%0Ab", "'", "%25"])
@pytest.mark.parametrize("path", ["/predictions/", "/keys/", "/users/", "/versions/"])
@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_an_id_that_no_database_can_hold_is_not_found(private, request, name, path, id, both):
    client, header = both[name]
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.open(path + id, method=method, json={}, headers=header)
        assert answer.status_code in (404, 405), answer.text


@pytest.fixture(scope="module")
def both(private, postgresql, paths):
    """A client and a teacher's header, by kind of database."""
    migrating.upgrade(postgresql)
    with documented(paths, ARTIFACTS, Settings(database_url=postgresql)) as other:
        found = {}
        for name, app in (("sqlite", private), ("postgresql", other)):
            client, who = app.test_client(), {"name": "teacher", "password": "correct horse"}
            assert client.post("/accounts", json=who).status_code == 201
            with app.app_context(), database.writing() as session:
                session.execute(text("UPDATE users SET role = 'teacher'"))
            pair: Any = client.post("/tokens", json=who).json
            found[name] = client, {"Authorization": f"Bearer {pair['access_token']}"}
        yield found


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/accounts", {"name": "ΐ" * 60, "password": "correct horse"}),
        ("POST", "/accounts", {"name": "a\0b", "password": "correct horse"}),
        ("POST", "/accounts", {"name": "x" * 50_000, "password": "correct horse"}),
        ("POST", "/accounts", {"name": "ann", "password": "correct\0horse"}),
        ("POST", "/keys", {"title": "\0", "scope": "read"}), ("POST", "/keys", {"title": "x" * 61, "scope": "read"}),
        ("POST", "/keys", {"title": "x", "scope": "x" * 1000}), ("PATCH", "/users/x", {"role": "\0"}),
    ],
)  # fmt: skip
def test_what_a_column_cannot_hold_is_a_422(both, name, method, path, sent):
    client, header = both[name]
    answer = client.open(path, method=method, json=sent, headers=header)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_any_name_can_be_tried_at_sign_in(both, name):
    client, _ = both[name]
    for tried in ("x" * 50_000, "ΐ" * 180, "\u202e", "' OR 1=1 --", "ann\ufeff", "🙂"):
        assert client.post("/tokens", json={"name": tried, "password": "x"}).status_code == 401


@pytest.mark.skipif(os.name != "posix", reason="other systems keep rights in another way")
def test_only_the_owner_of_the_server_may_read_its_database(scorecard, tmp_path):
    file = tmp_path / "instance" / "test.sqlite"
    assert not migrating.ensure_tables(f"sqlite:///{file}")
    app = create_app(settings=Settings(database_url=f"sqlite:///{file}"))
    assert app.test_client().post("/accounts", json=WHO).status_code == 201
    made = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    assert {"test.sqlite", "test.sqlite-wal", "test.sqlite-counters"} <= {*made} and {*made.values()} == {0o600}
    with app.app_context():
        database.db.engine.dispose()
    for each in file.parent.iterdir():
        each.chmod(0o644)  # as an older version made it
    engine = create_engine(f"sqlite:///{file}")
    database.prepare(engine)
    engine.connect().close()
    engine.dispose()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
