"""Accounts, tokens, keys and what is remembered, on SQLite and PostgreSQL: the rules, and every way around them."""

import base64
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt as pyjwt
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from glassform.accounts import database, migrating
from glassform.accounts import signing_in as auth
from glassform.accounts.tables import new_name
from glassform.settings import ARTIFACTS, Settings
from glassform.versions.registry import Registry
from server import create_app
from tests.conftest import documented

PASSWORD = "correct horse"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def remembering(request, scorecard, tmp_path_factory, paths):
    """An application with a database of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        migrating.upgrade(url)
    assert not migrating.ensure_tables(url)
    with documented(paths, ARTIFACTS, Settings(database_url=url, login_limit="1000 per second")) as app:
        yield app


@pytest.fixture
def client(remembering):
    return remembering.test_client()


@pytest.fixture
def another(remembering):
    """Make further applications, with other settings, on the same database."""
    made, url = [], remembering.extensions["settings"].database_url

    def make(**settings):
        made.append(create_app(settings=Settings(database_url=url, **settings)))
        return made[-1].test_client()

    yield make
    for app in made:
        with app.app_context():
            database.db.engine.dispose()


def sign_up(app, name):
    """A new account's bearer header."""
    client = app.test_client()
    made = client.post("/accounts", json={"name": name, "password": PASSWORD})
    assert made.status_code in (201, 409), made.text
    return bearer(client.post("/tokens", json={"name": name, "password": PASSWORD}).json["access_token"])


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def ann(remembering):
    return sign_up(remembering, "ann")


@pytest.fixture
def bob(remembering):
    return sign_up(remembering, "bob")


@pytest.fixture
def teacher(remembering):
    header = sign_up(remembering, "teacher")
    with remembering.app_context(), database.writing() as session:
        session.execute(text("UPDATE users SET role = 'teacher' WHERE folded = 'teacher'"))
    return header


def test_nobody_is_let_in_without_an_account(client, record):
    for method, path in [
        ("GET", "/predictions"), ("POST", "/predictions"), ("GET", "/predictions/1"), ("DELETE", "/predictions/1"),
        ("GET", "/account"), ("PATCH", "/account"), ("DELETE", "/account"), ("GET", "/account/export"),
        ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/1"), ("DELETE", "/tokens"), ("GET", "/users"),
        ("PATCH", "/users/1"), ("DELETE", "/users/1"), ("POST", "/tokens/refresh"), ("DELETE", "/session"),
    ]:  # fmt: skip
        answer = client.open(path, method=method, json=record if method == "POST" else {})
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for path in ("/", "/probability.json", "/model", "/docs"):
        assert client.get(path, query_string=record if path == "/probability.json" else {}).status_code == 200


def test_a_prediction_is_kept_as_it_was_answered(client, ann, record, scorecard):
    made = client.post("/predictions", json=record, headers=ann)
    assert made.status_code == 201 and made.headers["Location"] == made.json["url"]
    kept = client.get(made.json["url"], headers=ann).json
    assert kept == made.json
    assert kept["record"] == record and kept["probability"] == scorecard.probability(record)
    assert kept["model"] == scorecard.model and (kept["outcome"], kept["note"]) == (None, None)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(kept["created"])) < timedelta(minutes=1)


def test_to_ask_without_remembering_stores_nothing(client, ann, record):
    before = client.get("/predictions", headers=ann).json["total"]
    client.get("/probability", query_string=record, headers=ann)
    client.post("/probability", json=record, headers=ann)
    client.post("/probabilities", json=[record], headers=ann)
    assert client.get("/predictions", headers=ann).json["total"] == before


def test_the_list_has_the_newest_first_and_pages_and_times(client, remembering, record):
    header = sign_up(remembering, "lister")
    ids = [client.post("/predictions", json=record | {"age": 20 + at}, headers=header).json["id"] for at in range(5)]
    page = client.get("/predictions?per_page=2", headers=header).json
    assert [each["id"] for each in page["predictions"]] == [ids[4], ids[3]]
    assert (page["total"], page["pages"], "previous" in page["links"]) == (5, 3, False)
    second = client.get(page["links"]["next"], headers=header).json
    assert [each["id"] for each in second["predictions"]] == [ids[2], ids[1]]
    today = datetime.now(UTC).date()
    for query, count in [
        (f"since={today}", 5),
        (f"until={today}", 5),
        (f"since={today + timedelta(days=1)}", 0),
        (f"until={today - timedelta(days=1)}", 0),
        (f"since={today}T00:00:00Z&until={today}T23:59:59.999Z", 5),
    ]:
        assert client.get(f"/predictions?{query}", headers=header).json["total"] == count, query
    table = client.get("/predictions.csv", headers=header).text.splitlines()
    assert len(table) == 6 and table[0].startswith("id,created,age,workclass")
    empty = client.get("/predictions.csv?since=2999-01-01", headers=header).text.splitlines()
    assert empty == table[:1]


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "page=-1", "per_page=1001", "since=yesterday", "until=2026-13-01", "x=1", "page=1.5",
     "since=0001-01-01T00:00:00%2B23:59", "page=999999999999999999999", "page=1&page=2"],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_refused(client, ann, query):
    answer = client.get(f"/predictions?{query}", headers=ann)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_a_number_turns_out_true_as_a_number(client, ann):
    card = Registry(ARTIFACTS / "diabetes").load()
    url = client.post("/diabetes/predictions", json=card.typical, headers=ann).json["url"]
    for sent, kept in ((151, 151), (15.5, 15.5), ("72", 72), ("7e1", 70.0), (0, 0), (None, None)):
        changed = client.patch(url, json={"outcome": sent}, headers=ann).json["outcome"]
        assert changed == kept and type(changed) is type(kept)
    for wrong in ("many", True, [1], "1e999", 10**400):
        assert client.patch(url, json={"outcome": wrong}, headers=ann).status_code in (400, 422), wrong


def test_what_turned_out_true_and_a_note_are_written_down(client, ann, record):
    url = client.post("/predictions", json=record, headers=ann).json["url"]
    changed = client.patch(url, json={"outcome": ">50K", "note": "=SUM(A1)"}, headers=ann).json
    assert (changed["outcome"], changed["note"]) == (">50K", "=SUM(A1)")
    assert "'=SUM(A1)" in client.get("/predictions.csv", headers=ann).text
    assert client.patch(url, json={"outcome": None}, headers=ann).json["outcome"] is None
    assert client.get(url, headers=ann).json["note"] == "=SUM(A1)"
    wrong: Any
    for wrong in ({"outcome": "rich"}, {"note": "x" * 1001}, {"note": 1}, {"x": "1"}, {"note": "\0"}, [], 1):
        refused = client.patch(url, json=wrong, headers=ann)
        assert refused.status_code == 422, wrong
    half = client.patch(url, data='{"note": "\\ud800"}', content_type="application/json", headers=ann)
    assert half.status_code == 422


def test_many_are_kept_all_or_none(client, remembering, record):
    header = sign_up(remembering, "batcher")
    made = client.post("/predictions", json=[record, record | {"age": 40}], headers=header)
    assert made.status_code == 201 and len(made.json["predictions"]) == 2
    refused = client.post("/predictions", json=[record, record | {"age": 200}], headers=header)
    assert refused.status_code == 422
    assert [(error["row"], error["field"]) for error in refused.json["errors"]] == [(2, "age")]
    for wrong in ([], [record] * 1001, [1], None, "x"):
        answer = client.post("/predictions", data=json.dumps(wrong), content_type="application/json", headers=header)
        assert answer.status_code == 422
    assert client.get("/predictions", headers=header).json["total"] == 2


def test_a_request_sent_again_is_done_once(client, remembering, record):
    header = sign_up(remembering, "repeater")
    key = header | {"Idempotency-Key": "a"}
    first, again = (client.post("/predictions", json=record, headers=key) for _ in range(2))
    assert (again.status_code, again.json) == (201, first.json)
    other = client.post("/predictions", json=record | {"age": 40}, headers=key)
    assert other.status_code == 422 and other.json["errors"][0]["field"] == "Idempotency-Key"
    assert client.get("/predictions", headers=header).json["total"] == 1
    batch = [client.post("/predictions", json=[record] * 3, headers=header | {"Idempotency-Key": "b"}) for _ in "12"]
    assert batch[0].json == batch[1].json
    assert client.get("/predictions", headers=header).json["total"] == 4
    client.delete(first.json["url"], headers=header)
    assert client.post("/predictions", json=record, headers=key).status_code == 409
    long = client.post("/predictions", json=record, headers=header | {"Idempotency-Key": "x" * 201})
    assert long.status_code == 422


def test_nothing_of_one_is_seen_by_another(client, ann, bob, record):
    """Every address with a name in it, for two people and for a name that nobody has: the same answer."""
    url = client.post("/predictions", json=record, headers=ann).json["url"]
    key = client.post("/keys", json={"title": "x", "scope": "read"}, headers=ann).json["id"]
    nobodys = "0" * 24
    for address in (url, f"/keys/{key}"):
        unknown = address.rpartition("/")[0] + f"/{nobodys}"
        for method in ("GET", "PATCH", "DELETE", "POST"):
            sent = {"json": {}} if method != "POST" else {"data": {"method": "delete"}}
            theirs, noones = (client.open(each, method=method, headers=bob, **sent) for each in (address, unknown))
            assert theirs.status_code == noones.status_code and theirs.status_code in (404, 405), (method, address)
            assert theirs.data == noones.data
            assert {*theirs.headers.keys()} == {*noones.headers.keys()}
    assert client.get(url, headers=ann).status_code == 200
    assert key in [each["id"] for each in client.get("/keys", headers=ann).json["keys"]]
    assert url not in client.get("/predictions?per_page=1000", headers=bob).text
    assert url not in client.get("/account/export", headers=bob).text


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        ("ok.name-1@x_y", PASSWORD, 201), ("李小龙", PASSWORD, 201), ("ab", PASSWORD, 422), ("a" * 61, PASSWORD, 422),
        ("a b c", PASSWORD, 422), ("<b>", PASSWORD, 422), ("", PASSWORD, 422), (None, PASSWORD, 422),
        ("carol", "short", 422), ("carol", "x" * 201, 422), ("carolcarol", "CAROLCAROL", 422), ("carol", None, 422),
        ("carol", 12345678, 422), ("a\0bc", PASSWORD, 422),
    ],
)  # fmt: skip
def test_names_and_passwords_have_rules(client, name, password, status):
    answer = client.post("/accounts", json={"name": name, "password": password})
    assert answer.status_code in (status, 409 if status == 201 else status)
    assert "hunter" not in answer.text and PASSWORD not in answer.text


def test_a_name_is_taken_whatever_its_case(client, ann):
    for name in ("ann", "ANN", "Ann"):
        refused = client.post("/accounts", json={"name": name, "password": PASSWORD})
        assert refused.status_code == 409 and refused.json["errors"][0]["field"] == "name"


def test_no_accounts_are_made_where_that_is_turned_off(another):
    closed = another(registration=False)
    assert closed.post("/accounts", json={"name": "dave", "password": PASSWORD}).status_code == 403
    assert closed.get("/accounts").json["open"] is False


def test_passwords_and_keys_are_kept_only_hashed(client, remembering, ann):
    key = client.post("/keys", json={"title": "x", "scope": "read"}, headers=ann).json["key"]
    with remembering.app_context():
        kept = database.db.session.execute(text("SELECT password FROM users")).scalars().all()
        digests = database.db.session.execute(text("SELECT digest FROM keys")).scalars().all()
    assert kept and all(each.startswith("scrypt:32768:8:1$") for each in kept)
    assert key not in digests and auth.digest(key) in digests
    assert key not in client.get("/keys", headers=ann).text + client.get("/account/export", headers=ann).text


def test_a_changed_password_ends_all_that_was_open(client, remembering):
    header = sign_up(remembering, "changer")
    changed = client.patch("/account", json={"password": PASSWORD, "new_password": "battery staple"}, headers=header)
    assert changed.status_code == 200
    assert client.get("/account", headers=header).status_code == 401
    old, new = ({"name": "changer", "password": each} for each in (PASSWORD, "battery staple"))
    assert client.post("/tokens", json=old).status_code == 401
    header = bearer(client.post("/tokens", json=new).json["access_token"])
    wrong = client.patch("/account", json={"password": PASSWORD, "new_password": "battery staple"}, headers=header)
    assert wrong.status_code == 403 and wrong.json["errors"][0]["field"] == "password"
    assert client.delete("/account", json={"password": PASSWORD}, headers=header).status_code == 403
    assert client.delete("/account", json={"password": "battery staple"}, headers=header).status_code == 204
    assert client.post("/tokens", json=new).status_code == 401


def test_a_deleted_account_takes_everything_along(client, remembering, record):
    header = sign_up(remembering, "leaver")
    client.post("/predictions", json=record, headers=header | {"Idempotency-Key": "k"})
    client.post("/keys", json={"title": "x", "scope": "write"}, headers=header)
    exported = client.get("/account/export", headers=header).json
    assert exported["account"]["name"] == "leaver" and exported["predictions"][0]["record"] == record
    counts = "SELECT (SELECT count(*) FROM {0} JOIN users ON users.id = {0}.user_id WHERE users.folded = 'leaver')"
    with remembering.app_context():
        for table in ("predictions", "keys", "repeats"):
            assert database.db.session.execute(text(counts.format(table))).scalar() == 1
    client.delete("/account", json={"password": PASSWORD}, headers=header)
    assert client.get("/account", headers=header).status_code == 401
    with remembering.app_context():
        for table in ("predictions", "keys", "repeats"):
            orphans = f"SELECT count(*) FROM {table} WHERE user_id NOT IN (SELECT id FROM users)"
            assert database.db.session.execute(text(orphans)).scalar() == 0


def test_tokens_are_renewed_once_and_taken_back(client, remembering):
    sign_up(remembering, "renewer")
    pair = client.post("/tokens", json={"name": "renewer", "password": PASSWORD}).json
    assert pair["expires_in"] == 900
    assert client.get("/account", headers=bearer(pair["refresh_token"])).status_code == 401
    assert client.post("/tokens/refresh", headers=bearer(pair["access_token"])).status_code == 401
    renewed = client.post("/tokens/refresh", headers=bearer(pair["refresh_token"])).json
    assert client.get("/account", headers=bearer(renewed["access_token"])).status_code == 200
    assert client.delete("/tokens", headers=bearer(renewed["access_token"])).status_code == 204
    assert client.get("/account", headers=bearer(renewed["access_token"])).status_code == 401
    assert client.post("/tokens/refresh", headers=bearer(renewed["refresh_token"])).status_code == 401


def test_a_refresh_token_that_is_used_again_ends_all_tokens_of_its_sign_in_and_no_others(client, remembering):
    sign_up(remembering, "reuser")
    who = {"name": "reuser", "password": PASSWORD}
    pair, other = (client.post("/tokens", json=who).json for _ in range(2))
    renewed = client.post("/tokens/refresh", headers=bearer(pair["refresh_token"])).json
    again = client.post("/tokens/refresh", headers=bearer(pair["refresh_token"]))
    assert again.status_code == 401 and "used before" in again.json["detail"]
    assert client.get("/account", headers=bearer(renewed["access_token"])).status_code == 401
    assert client.post("/tokens/refresh", headers=bearer(renewed["refresh_token"])).status_code == 401
    assert client.get("/account", headers=bearer(other["access_token"])).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_either_token_ends_both(client, remembering, kind):
    sign_up(remembering, "ender")
    pair = client.post("/tokens", json={"name": "ender", "password": PASSWORD}).json
    assert client.delete("/tokens", headers=bearer(pair[kind])).status_code == 204
    assert client.get("/account", headers=bearer(pair["access_token"])).status_code == 401
    assert client.post("/tokens/refresh", headers=bearer(pair["refresh_token"])).status_code == 401
    assert client.delete("/tokens", headers=bearer(pair[kind])).status_code == 401


def test_a_key_is_no_token(client, remembering, ann):
    key = client.post("/keys", json={"title": "x", "scope": "manage"}, headers=ann).json["key"]
    for method, path in (("DELETE", "/tokens"), ("DELETE", "/session"), ("POST", "/tokens/refresh")):
        for header, status in (({"X-API-Key": key}, 403), ({"X-API-Key": key} | ann, 403), ({"X-API-Key": "x"}, 401)):
            answer = client.open(path, method=method, headers=header)
            assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), (path, answer.text)
    assert client.get("/account", headers=ann).status_code == 200


def forged(remembering, token, header=None, secret=None, **changes):
    """A token with other claims, signed with a secret or with none."""
    claims = pyjwt.decode(token, options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    algorithm = (header or {}).get("alg", "HS256")
    secret = remembering.config["JWT_SECRET_KEY"] if secret is None else secret
    return pyjwt.encode(claims, "" if algorithm == "none" else secret, algorithm, headers=header)


def family_of(header):
    token = header["Authorization"].removeprefix("Bearer ")
    return pyjwt.decode(token, options={"verify_signature": False})["family"]


def test_only_our_own_tokens_of_today_are_believed(client, remembering, ann, bob):
    good = ann["Authorization"].removeprefix("Bearer ")
    assert client.get("/account", headers=bearer(forged(remembering, good))).status_code == 200
    past = int(datetime.now(UTC).timestamp()) - 10
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    bad = {
        "no algorithm": forged(remembering, good, header={"alg": "none"}),
        "no signature": f"{none}.{body}.",
        "another's signature": f"{head}.{body}.{signature[::-1]}",
        "another algorithm": forged(remembering, good, header={"alg": "HS512"}),
        "another secret": forged(remembering, good, secret="x" * 64),
        "expired": forged(remembering, good, exp=past),
        "not yet": forged(remembering, good, nbf=past + 1000),
        "another audience": forged(remembering, good, aud="elsewhere"),
        "no audience": forged(remembering, good, aud=None),
        "another issuer": forged(remembering, good, iss="elsewhere"),
        "no issuer": forged(remembering, good, iss=None),
        "another's stamp": forged(remembering, good, stamp="x"),
        "nobody": forged(remembering, good, sub="x"),
        "no subject": forged(remembering, good, sub=None),
        "no id": forged(remembering, good, jti=None),
        "no end": forged(remembering, good, exp=None),
        "no family": forged(remembering, good, family=None),
        "another's family": forged(remembering, good, family=family_of(bob)),
        "another type": forged(remembering, good, type="refresh"),
        "rubbish": "a.b.c",
        "empty": "",
        "a key": "gf_x",
    }
    for name, token in bad.items():
        answer = client.get("/account", headers=bearer(token))
        assert answer.status_code == 401, name
    for header in ("Basic YTpi", "Bearer", "Bearer a b", "bearer", good):
        assert client.get("/account", headers={"Authorization": header}).status_code == 401


def test_a_key_does_what_it_may_until_it_is_taken_back(client, ann, record):
    made = {scope: client.post("/keys", json={"title": scope, "scope": scope}, headers=ann) for scope in auth.SCOPES}
    assert {each.status_code for each in made.values()} == {201}
    read, write, manage = ({"X-API-Key": made[scope].json["key"]} for scope in auth.SCOPES)
    assert client.get("/predictions", headers=read).status_code == 200
    assert client.post("/predictions", json=record, headers=read).status_code == 403
    assert client.post("/predictions", json=record, headers=write).status_code == 201
    for header in ({"X-API-Key": "gf_x"}, {"X-API-Key": ""}):
        assert client.get("/predictions", headers=header).status_code == 401
    for header, status in ((read, 403), (write, 403), (manage, 201)):
        assert client.post("/keys", json={"title": "y", "scope": "read"}, headers=header).status_code == status
    one = f"/keys/{made['read'].json['id']}"
    for method, path in (("DELETE", one), ("PATCH", "/account"), ("DELETE", "/account")):
        assert client.open(path, method=method, json={}, headers=write).status_code == 403
    assert client.delete(one, headers=manage).status_code == 204
    assert client.delete(f"/keys/{made['write'].json['id']}", headers=ann).status_code == 204
    assert client.post("/predictions", json=record, headers=write).status_code == 401


def test_a_teacher_sees_figures_and_manages_accounts(client, remembering, teacher, record):
    header = sign_up(remembering, "pupil")
    url = client.post("/predictions", json=record, headers=header).json["url"]
    client.patch(url, json={"outcome": ">50K"}, headers=header)
    seen = client.get("/users", headers=teacher).json
    (pupil,) = (user for user in seen["users"] if user["name"] == "pupil")
    assert pupil["predictions"] == 1 and pupil["role"] == "user" and seen["outcomes_positive"] >= 1
    assert url not in json.dumps(seen) and client.get(url, headers=teacher).status_code == 404
    address = f"/users/{pupil['id']}"
    for method in ("PATCH", "DELETE"):
        assert client.open(address, method=method, json={}, headers=header).status_code == 403
        assert client.open("/users/x", method=method, json={}, headers=header).status_code == 403
        assert client.open("/users/x", method=method, json={}, headers=teacher).status_code == 404
    assert client.get("/users", headers=header).status_code == 403
    assert client.patch(address, json={"active": "no"}, headers=teacher).json["active"] is False
    assert client.get("/account", headers=header).status_code == 401
    assert client.post("/tokens", json={"name": "pupil", "password": PASSWORD}).status_code == 401
    assert client.patch(address, json={"active": "yes", "role": "teacher"}, headers=teacher).json["role"] == "teacher"
    assert client.patch(address, json={"role": "king"}, headers=teacher).status_code == 422
    (own,) = (user["id"] for user in seen["users"] if user["name"] == "teacher")
    assert client.patch(f"/users/{own}", json={"role": "user"}, headers=teacher).status_code == 422
    assert client.delete(address, headers=teacher).status_code == 204
    key = client.post("/keys", json={"title": "x", "scope": "write"}, headers=teacher).json["key"]
    assert client.get("/users", headers={"X-API-Key": key}).status_code == 403


def page_forms(html):
    """The forms of a page: where each goes, how, and what is in it."""
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        (action,), (method,) = re.findall('action="([^"]*)"', form), re.findall('method="([^"]*)"', form)
        yield action, method, dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))


PAGE = {"Accept": "text/html"}


def browser_of(remembering, name):
    """A client that signed up by the page's own form."""
    client = remembering.test_client()
    ((action, _, hidden),) = page_forms(client.get("/accounts", headers=PAGE).text)
    made = client.post(action, data=hidden | {"name": name, "password": PASSWORD}, headers=PAGE)
    assert (made.status_code, made.headers["Location"]) == (303, "/account"), made.text
    return client


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(remembering, request):
    client = remembering.test_client()
    ((action, _, hidden),) = page_forms(client.get("/accounts", headers=PAGE).text)
    name = f"cookie{request.node.callspec.id}"
    made = client.post(action, data=hidden | {"name": name, "password": PASSWORD}, headers=PAGE)
    cookies = {cookie.partition("=")[0]: cookie for cookie in made.headers.getlist("Set-Cookie")}
    assert "HttpOnly" in cookies["access_token_cookie"] and "SameSite=Lax" in cookies["access_token_cookie"]


def test_no_form_works_without_the_word_from_its_page(remembering, record, request):
    name = f"former{request.node.callspec.id}"
    client = browser_of(remembering, name)
    client.post("/predictions", data=record | csrf(client), headers=PAGE)
    listed = client.get("/predictions", headers=PAGE).text
    one = re.findall(r'href="(/predictions/\w{24})"', listed)[0]
    client.post("/keys", data={"title": "x", "scope": "read"} | csrf(client), headers=PAGE)
    pages = ["/account", one, f"/probability?{'&'.join(f'{name}={value}' for name, value in record.items())}"]
    forms = [form for page in pages for form in page_forms(client.get(page, headers=PAGE).text)]
    changing = [(action, hidden) for action, method, hidden in forms if method == "post"]
    assert len(changing) >= 8
    for action, hidden in changing:
        for word in (None, "", "x", hidden["csrf_token"][::-1]):
            sent = {key: value for key, value in hidden.items() if key != "csrf_token"}
            sent |= {"csrf_token": word} if word is not None else {}
            refused = client.post(action, data=sent, headers=PAGE)
            assert refused.status_code == 403, (action, sent)
    for path in ("/session", "/accounts"):
        fresh = remembering.test_client()
        for sent in ({}, {"csrf_token": ""}, {"csrf_token": "x"}):
            answer = fresh.post(path, data=sent | {"name": name, "password": PASSWORD}, headers=PAGE)
            assert answer.status_code == 403, path
        fresh.set_cookie("form", "x")
        assert fresh.post(path, data={"csrf_token": "x", "name": name, "password": PASSWORD}).status_code == 403
    assert client.get("/account", headers=PAGE).status_code == 200


def test_a_form_that_is_too_old_is_refused(remembering, monkeypatch):
    client = remembering.test_client()
    ((action, _, hidden),) = page_forms(client.get("/accounts", headers=PAGE).text)
    monkeypatch.setattr("glassform.web.forms.FORM_AGE", -1)
    late = client.post(action, data=hidden | {"name": "latecomer", "password": PASSWORD}, headers=PAGE)
    assert late.status_code == 403


def csrf(client):
    return {"csrf_token": client.get_cookie("csrf_access_token").value}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/keys", {"title": "x" * 61, "scope": "all"}),
        ("/account", {"method": "patch", "password": "wrong word", "new_password": "battery staple"}),
    ],
)
def test_a_form_of_the_account_that_is_refused_comes_back_with_the_reason(remembering, request, path, sent):
    client = browser_of(remembering, f"refused{request.node.callspec.id}"[:40].replace("/", ""))
    refused = client.post(path, data=sent | csrf(client), headers=PAGE)
    assert refused.status_code in (403, 422)
    assert 'class="error"' in refused.text and 'action="/keys"' in refused.text


def test_a_cookie_alone_changes_nothing_by_json_either(remembering, record, request):
    client = browser_of(remembering, f"jsoner{request.node.callspec.id}")
    assert client.get("/predictions").status_code == 200
    assert client.post("/predictions", json=record).status_code == 403
    word = {"X-CSRF-TOKEN": csrf(client)["csrf_token"]}
    assert client.post("/predictions", json=record, headers=word).status_code == 201


def test_signing_out_ends_the_visit_for_good(remembering, request):
    client = browser_of(remembering, f"outer{request.node.callspec.id}")
    stolen = client.get_cookie("access_token_cookie").value
    out = client.post("/session", data={"method": "delete"} | csrf(client), headers=PAGE)
    assert (out.status_code, out.headers["Location"]) == (303, "/")
    assert client.get_cookie("access_token_cookie") is None
    assert client.get("/account", headers=bearer(stolen)).status_code == 401


@pytest.mark.parametrize(
    ("address", "led"),
    [("/account", "/account"), ("https://evil.example", "/predictions"), ("//evil.example", "/predictions"),
     ("/\\evil.example", "/predictions"), ("/\n/evil.example", "/predictions"), ("javascript:x", "/predictions"),
     ("", "/predictions")],
)  # fmt: skip
def test_signing_in_leads_on_but_never_elsewhere(remembering, ann, address, led):
    client = remembering.test_client()
    ((action, _, hidden),) = page_forms(client.get("/session", headers=PAGE).text)
    answer = client.post(action, data=hidden | {"name": "Ann", "password": PASSWORD, "next": address}, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, led)


def test_a_wrong_password_shows_the_form_again(remembering, ann):
    client = remembering.test_client()
    ((action, _, hidden),) = page_forms(client.get("/session", headers=PAGE).text)
    answer = client.post(action, data=hidden | {"name": "ann", "password": "wrong"}, headers=PAGE)
    assert answer.status_code == 401 and "name or password is wrong" in answer.text
    assert 'value="ann"' in answer.text and "wrong horse" not in answer.text


def test_logs_hold_no_secret_and_no_record(client, remembering, ann, record, caplog):
    with caplog.at_level(logging.INFO):
        client.post("/tokens", json={"name": "ann", "password": "a wrong secret"})
        client.post("/predictions", json=record, headers=ann)
        client.get("/predictions", headers={"X-API-Key": "gf_secretsecret"})
    told = caplog.text
    assert '"path":"/predictions"' in told
    for secret in ("a wrong secret", "State-gov", "gf_secretsecret", ann["Authorization"][7:40]):
        assert secret not in told


def test_wrong_passwords_run_out_by_address_and_by_account(another, ann):
    client = another(login_limit="3 per minute")
    wrong, right = ({"name": "ann", "password": each} for each in ("wrong", PASSWORD))
    assert client.post("/tokens", json=right).status_code == 200
    assert [client.post("/tokens", json=wrong).status_code for _ in range(4)] == [401, 401, 401, 429]
    refused = client.post("/tokens", json=right)
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.mimetype == "application/problem+json"
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    assert client.post("/tokens", json=right, **elsewhere).status_code == 429, "the account is counted, too"
    spoofed = {"X-Forwarded-For": "192.0.2.8"}
    other = {"name": "nobody-else", "password": "wrong"}
    assert client.post("/tokens", json=other, headers=spoofed).status_code == 429, "a header is not believed"
    assert client.post("/tokens", json=other, **elsewhere).status_code == 401


def test_requests_run_out_and_say_so(another, ann, record):
    strict = another(rate_limit="3 per minute")
    answers = [strict.get("/predictions", headers=ann) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert "Retry-After" in answers[3].headers and "Retry-After" not in answers[0].headers
    assert answers[3].mimetype == "application/problem+json"
    assert strict.get("/probability", query_string=record).status_code == 200


def test_a_proxy_is_believed_only_where_it_stands(another):
    behind = another(rate_limit="1 per minute", trusted_proxies=1)
    addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "6.6.6.6, 192.0.2.2"]
    codes = [behind.get("/session", headers={"X-Forwarded-For": address}).status_code for address in addresses]
    assert codes == [200, 200, 429, 429]


def test_the_tables_are_those_the_migrations_make(remembering):
    url = remembering.extensions["settings"].database_url
    assert "No new upgrade operations detected" in migrating.alembic(url, "check")
    assert f"{migrating.REVISION} (head)" in migrating.alembic(url, "current")


def test_a_database_that_fails_stops_nothing_else(remembering, ann, record, monkeypatch):
    client = remembering.test_client()

    def lost(*arguments, **named):
        raise DBAPIError("SELECT", {}, Exception("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr("sqlalchemy.orm.session.SessionTransaction.commit", lost)
        failed = client.post("/predictions", json=record, headers=ann)
        assert failed.status_code == 503 and int(failed.headers["Retry-After"]) > 0
        assert "nothing was saved" in failed.json["detail"] and "disk" not in failed.text
        assert client.get("/probability", query_string=record).status_code == 200
    assert client.post("/predictions", json=record, headers=ann).status_code == 201


def test_no_answer_keeps_a_connection_to_the_database(remembering, ann, record):
    client = remembering.test_client()
    made = client.post("/predictions", json=record, headers=ann).json["url"]
    asked = ["/account", "/keys", "/predictions", "/session", made, f"{made}x", "/users", "/account/export"]
    with remembering.app_context():
        pool: Any = database.db.engine.pool
    for address in asked:
        for _ in range(3):
            client.get(address, headers=ann).get_data()
            client.patch(address, json={"note": "x"}, headers=ann)
            assert pool.checkedout() == 0, address


def test_a_failed_write_is_logged_without_what_it_was_to_write(client, remembering, ann, record, caplog):
    with remembering.app_context(), database.writing() as session:
        session.execute(text("ALTER TABLE predictions RENAME TO elsewhere"))
    failed = client.post("/predictions", json=record | {"workclass": "Never-worked"}, headers=ann)
    with remembering.app_context(), database.writing() as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO predictions"))
    assert failed.status_code == 503 and "the database failed" in caplog.text
    assert "Never-worked" not in caplog.text and "elsewhere" not in failed.text
    assert client.post("/predictions", json=record, headers=ann).status_code == 201


@pytest.mark.parametrize(
    ("sent", "status", "then"),
    [({}, 200, 401), ({"keys": "end"}, 200, 401), ({"keys": "keep"}, 200, 200), ({"keys": "all"}, 422, 200)],
)
def test_a_changed_password_ends_the_keys_unless_they_are_kept(client, remembering, sent, status, then):
    header = sign_up(remembering, f"locksmith{sent.get('keys', '')}")
    key = client.post("/keys", json={"title": "x", "scope": "read"}, headers=header).json["key"]
    change = {"password": PASSWORD, "new_password": "battery staple", **sent}
    assert client.patch("/account", json=change, headers=header).status_code == status
    assert client.get("/account", headers={"X-API-Key": key}).status_code == then


def test_a_further_sign_in_past_the_limit_signs_out_the_oldest(client, remembering, monkeypatch):
    monkeypatch.setattr("glassform.accounts.tokens.MOST_SIGNED_IN", 3)
    headers = [sign_up(remembering, "everywhere") for _ in range(5)]
    assert [client.get("/account", headers=each).status_code for each in headers] == [401, 401, 200, 200, 200]


def test_a_request_can_be_sent_again_for_a_month_and_so_many_can(client, remembering, record, monkeypatch):
    header = sign_up(remembering, "forgetful")
    monkeypatch.setattr("glassform.accounts.history.MOST_REPEATABLE", 2)
    codes = [
        client.post("/predictions", json=record, headers=header | {"Idempotency-Key": key}).status_code
        for key in "abac"
    ]
    assert codes == [201, 201, 201, 409]
    with remembering.app_context(), database.writing() as session:
        session.execute(text("UPDATE repeats SET created = '2020-01-01 00:00:00'"))
    assert client.post("/predictions", json=record, headers=header | {"Idempotency-Key": "c"}).status_code == 201
    assert client.get("/predictions", headers=header).json["total"] == 3


def test_what_was_under_way_when_the_password_changed_is_not_done(client, remembering, ann, record, monkeypatch):
    """The account is looked at once more in the transaction that writes."""
    header = sign_up(remembering, "racer")
    real = auth.signed_in

    def change_first(*arguments):
        user = real(*arguments)
        with database.writing() as session:
            session.execute(text("UPDATE users SET stamp = :new WHERE folded = 'racer'"), {"new": new_name()})
        return user

    for module in ("keys", "predictions"):
        monkeypatch.setattr(f"glassform.resources.people.{module}.signed_in", change_first)
    assert client.post("/predictions", json=record, headers=header).status_code == 401
    header = sign_up(remembering, "racer")
    assert client.post("/keys", json={"title": "x", "scope": "read"}, headers=header).status_code == 401
