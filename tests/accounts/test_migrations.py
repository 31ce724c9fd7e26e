"""Databases of older versions: what was in them is there after the upgrade, on SQLite and PostgreSQL."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from werkzeug.security import generate_password_hash

from glassform.accounts import database, migrating
from glassform.accounts.signing_in import digest
from glassform.settings import ARTIFACTS, Settings
from tests.conftest import ROOT, documented

PASSWORD = "12345678"  # as it was good enough for an older version
NAMES = {"ann": "ann", "Ａｎｎ": "ａｎｎ", "ﬁona": "ﬁona", "admın": "admın", "Straße": "strasse"}


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """A database as version 0002 left it, with accounts, a key and a prediction."""
    url = f"sqlite:///{tmp_path / 'test.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    migrating.alembic(url, "upgrade", "0002")
    engine = create_engine(url)
    user = "INSERT INTO users VALUES (:id, :name, :folded, :password, 'user', true, '2026-01-01 00:00:00', 'stamp')"
    with engine.begin() as connection:
        for at, (name, folded) in enumerate(NAMES.items()):
            kept = generate_password_hash(PASSWORD, "scrypt")
            values = {"id": f"user{at}", "name": name, "folded": folded, "password": kept}
            connection.execute(text(user), values)
        key = "INSERT INTO keys VALUES ('key', 'user0', 'x', :digest, 'write', '2026-01-01 00:00:00')"
        connection.execute(text(key), {"digest": digest("gf_old")})
        connection.execute(text("INSERT INTO revoked VALUES ('token', '2026-01-01 00:00:00')"))
        saved = "INSERT INTO predictions (id, user_id, created, record, probability, model, version)"
        one = "VALUES ('one', 'user0', '2026-01-01 00:00:00', '{\"age\": 39}', 0.5, 'adult', 'x')"
        connection.execute(text(f"{saved} {one}"))
    engine.dispose()
    yield url
    migrating.alembic(url, "downgrade", "base")


def test_an_older_database_is_brought_up_to_date_with_all_that_is_in_it(old, scorecard, paths):
    migrating.upgrade(old)
    assert migrating.is_current(old)
    with documented(paths, ARTIFACTS, Settings(database_url=old)) as app:
        client = app.test_client()
        for name in ("ann", "fiona", "ﬁona", "admin", "admın", "STRASSE"):
            signed = client.post("/tokens", json={"name": name, "password": PASSWORD})
            assert signed.status_code == 200, name
        key = {"X-API-Key": "gf_old"}
        assert client.post("/keys", json={"title": "x", "scope": "read"}, headers=key).status_code == 403
        with app.app_context():
            assert database.db.session.scalar(text("SELECT saved FROM users WHERE id = 'user0'")) == 1
        exported: Any = client.get("/account/export", headers=key).json
        assert [each["id"] for each in exported["predictions"]] == ["one"]


def test_an_upgrade_can_be_taken_back(old):
    migrating.upgrade(old)
    migrating.alembic(old, "downgrade", "0002")
    engine = create_engine(old)
    tables = {*inspect(engine).get_table_names()}
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users")) == len(NAMES)
    engine.dispose()
    assert "revoked" in tables and not tables & {"families", "places", "counters"}


def test_counts_cost_postgresql_no_write_to_its_log(postgresql):
    migrating.upgrade(postgresql)
    engine = create_engine(postgresql)
    with engine.connect() as connection:
        kind = connection.scalar(text("SELECT relpersistence FROM pg_class WHERE relname = 'counters'"))
    engine.dispose()
    assert kind == "u"


@pytest.mark.parametrize(
    "name", ["a b.sqlite", "a%20b.sqlite", "below/it.sqlite", "below/it.sqlite?timeout=3", "ä.sqlite"]
)
def test_the_tables_are_made_in_whatever_file_the_url_names(tmp_path, name):
    url = f"sqlite:///{tmp_path}/{name}"
    assert migrating.ensure_tables(url) == "" and migrating.is_current(url)
    assert [path.name for path in tmp_path.rglob("*.sqlite")] == [Path(make_url(url).database or "").name]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("mysql://user:hidden@host/x", "Invalid setting: DATABASE_URL: …"),
        ("postgresql://127.0.0.1:1/x", "There are no accounts: the database cannot be reached"),
        ("sqlite:////proc/nowhere/x.sqlite", "There are no accounts: the database cannot be reached"),
    ],
)
def test_who_names_a_teacher_where_no_account_can_be_is_told_why(url, wrong):
    command = [sys.executable, "-m", "glassform.accounts", "ann", "teacher"]
    done = subprocess.run(command, cwd=ROOT, env={"DATABASE_URL": url}, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith(wrong) and len(done.stderr.splitlines()) == 1
