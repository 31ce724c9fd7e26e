"""Redirects lead to our own paths, whole addresses name trusted hosts, and what travels by HTTPS stays there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from glassform.settings import ARTIFACTS, InvalidSettings, Settings, read_settings
from glassform.web.addresses import is_near, own_path, without_host
from server import create_app

OWN = ["/", "/predictions", "/iris/predictions", "/probability?age=39&note=a//b", "/a#b", "/predictions/a%20b", "/ä"]
ELSEWHERE = [
    None,
    "",
    "predictions",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "/%2fevil.example",
    "/%252fevil.example",
    "/%25252525252525252fevil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/a//evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b",
    " /predictions",
    "/" + "a" * 5_000,
]


@pytest.mark.parametrize("address", OWN)
def test_our_own_paths_may_be_gone_to(address):
    assert own_path(address) == address


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nothing_else_may_be_gone_to(address):
    assert own_path(address) == ""


@pytest.mark.parametrize("address", ["/", "/other", "/glassy/predictions", "/glass//evil.example", "/%67lass/a"])
def test_paths_of_others_on_the_host_are_not_our_own(address):
    assert own_path("/glass/predictions", "/glass") == "/glass/predictions"
    assert own_path(address, "/glass") == ""


@pytest.mark.parametrize("address", ["/predictions", "////evil.example", "/%2fevil.example", "https://evil.example"])
def test_signing_in_leads_to_a_path_of_ours(client, address):
    name = f"led{abs(hash(address))}"
    client.post("/accounts", json={"name": name, "password": "correct horse"})
    page = client.get("/session", headers={"Accept": "text/html"})
    word = re.findall('name="csrf_token" value="([^"]*)"', page.text)[0]
    form = {"name": name, "password": "correct horse", "csrf_token": word, "next": address or ""}
    answer = client.post("/session", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/predictions")


PATHS = ["/health//live", "///health//live", "/health///live"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:99", "127.0.0.1"])
@pytest.mark.parametrize("path", PATHS)
def test_a_doubled_slash_leads_to_the_path_alone_whatever_the_host(client, path, host):
    answer = client.get("/", headers={"Host": host}, query_string="a=//b", environ_overrides={"PATH_INFO": path})
    assert (answer.status_code, answer.headers["Location"]) == (308, "/health/live?a=//b")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://evil.example/a?b#c", "/a?b#c"),
        ("https://evil.example", "/"),
        ("//evil.example/a", "/a"),
        ("http://evil.example//other.example/a", "/other.example/a"),
        ("/a", "/a"),
        ("/a?next=http://b", "/a?next=http://b"),
    ],
)
def test_a_redirect_loses_its_host(address, path):
    assert without_host(address) == path


@contextmanager
def client_of(app: Flask, **settings: Any) -> Iterator[Any]:
    """A client of an application with other settings."""
    database = app.extensions["settings"].database_url
    yield create_app(ARTIFACTS, Settings(database_url=database, **settings)).test_client()


PAGES = ["/docs", "/probability", "/scorecard/schema", "/model", "/openapi.json"]


def page_at(client: Any, path: str, record: Any, host: str) -> str:
    query = record if path == "/probability" else None
    accept = "text/html" if path in ("/docs", "/probability", "/model") else "*/*"
    return str(client.get(path, query_string=query, headers={"Host": host, "Accept": accept}).text)


@pytest.mark.parametrize("path", PAGES)
def test_a_foreign_host_is_written_into_no_answer(client, record, path):
    assert "evil.example" not in page_at(client, path, record, "evil.example")


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "192.168.1.5", "[::1]:5000"])
def test_code_to_copy_names_this_machine_and_its_network(client, record, host):
    assert f"http://{host}/probability?" in page_at(client, "/probability", record, host)


@pytest.mark.parametrize("host", ["8.8.8.8", "localhost.evil.example", "127.0.0.1.evil.example", "", "ä"])
def test_other_hosts_are_not_near(host):
    assert not is_near(host)


def test_hosts_outside_of_the_list_are_refused_and_those_in_it_named(app, record):
    with client_of(app, trusted_hosts=["example.org", ".below.example"]) as client:
        for host in ("example.org", "a.below.example", "example.org:8000"):
            assert f"http://{host}/probability" in page_at(client, "/probability", record, host)
        for accept in ("text/html", "*/*"):
            refused = client.get("/", headers={"Host": "evil.example", "Accept": accept})
            assert refused.status_code == 400 and "evil.example" not in refused.text


@pytest.mark.parametrize("hosts", ["https://example.org", "*", "exa mple.org", "example.org/a"])
def test_what_is_no_host_is_no_trusted_one(hosts):
    with pytest.raises(InvalidSettings, match="TRUSTED_HOSTS"):
        read_settings({"TRUSTED_HOSTS": hosts})


BY_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.org", "Accept": "text/html"}


def cookies_of(client: Any, headers: dict[str, str]) -> list[str]:
    """All cookies that a visitor gets who chooses a language and signs up."""
    page = client.get("/accounts?lang=zh", headers=headers)
    word = re.findall('name="csrf_token" value="([^"]*)"', page.text)[0]
    form = {"name": f"https{id(client)}", "password": "correct horse", "csrf_token": word}
    client.set_cookie("form", word)
    made = client.post("/accounts", data=form, headers=headers)
    assert made.status_code == 303
    return [*page.headers.getlist("Set-Cookie"), *made.headers.getlist("Set-Cookie")]


@pytest.mark.parametrize(
    ("settings", "headers", "kept"),
    [
        ({"trusted_proxies": 1}, BY_HTTPS, True),
        ({"trusted_proxies": 1}, BY_HTTPS | {"X-Forwarded-Proto": "http"}, False),
        ({}, BY_HTTPS, False),
        ({"secure_cookies": True}, {"Accept": "text/html"}, True),
    ],
)
def test_what_came_by_https_stays_there(app, settings, headers, kept):
    with client_of(app, **settings) as client:
        answer = client.get("/", headers=headers)
        assert (answer.headers.get("Strict-Transport-Security") == "max-age=31536000") == kept
        cookies = cookies_of(client, headers)
        assert {each.partition("=")[0] for each in cookies} >= {"form", "lang", "access_token_cookie"}
        for each in cookies:
            assert len(re.findall("; *Secure(?=;|$)", each)) == kept, each


@pytest.mark.parametrize("path", ["/", "/health/live", "/nothing", "/static/style.css", "/health//live"])
def test_every_answer_turns_off_what_our_pages_do_not_use(client, path):
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "geolocation=()", "microphone=()"} <= {*headers["Permissions-Policy"].split(", ")}
    assert "clipboard-write" not in headers["Permissions-Policy"], "which our pages use"


def test_where_others_may_ask_they_may_read(app):
    with client_of(app, cors_origins=["https://example.org"]) as client:
        assert client.get("/").headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/model.csv", "GET"), ("/predictions", "GET"), ("/session", "POST")]
)
def test_every_answer_says_what_it_depends_on(client, path, method):
    for accept in ("text/html", "*/*"):
        vary = {*client.open(path, method=method, headers={"Accept": accept}).headers["Vary"].split(", ")}
        assert vary >= {"Accept", "Accept-Language", "Cookie"}
