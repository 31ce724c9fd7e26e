"""Behind a proxy that takes the start of the path off: every address in every answer has it."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from glassform.settings import ARTIFACTS, Settings
from glassform.web.proxies import prefix_of
from tests.conftest import documented
from tests.test_pages import PAGES, addresses

PREFIXED = {"X-Forwarded-Prefix": "/glass", "X-Forwarded-Host": "example.org"}
LINKS = re.compile(r"""(?<=["'])(?:/(?!>)|https?:)[^"'<]*""")
IN_CODE = re.compile(r"""(?:https?://)?(?:example\.org|localhost)[^\s'"<&)]*""")


@pytest.fixture(scope="module")
def proxied(app, paths) -> Iterator[Any]:
    """An application that believes one proxy."""
    settings = Settings(database_url=app.extensions["settings"].database_url, trusted_proxies=1)
    with documented(paths, ARTIFACTS, settings) as made:
        yield made


@pytest.fixture
def ask(proxied) -> Any:
    client = proxied.test_client()

    def asking(path: str, method: str = "GET", accept: str = "text/html", **options: Any) -> Any:
        headers = PREFIXED | {"Accept": accept} | options.pop("headers", {})
        return client.open(path, method=method, headers=headers, **options)

    return asking


def own(addresses: list[str]) -> set[str]:
    """The paths of addresses that are ours."""
    parts = [urlsplit(f"//{each}" if each.startswith("example.org") else each) for each in addresses]
    return {each.path for each in parts if each.netloc in ("", "example.org", "localhost")}


def texts(answer: Any) -> Iterator[str]:
    """All texts of an answer, keys left out."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, dict | list):
        for each in answer.values() if isinstance(answer, dict) else answer:
            yield from texts(each)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_every_page_has_the_prefix(ask, record, name):
    page = ask(addresses(record)[name]).text
    found = own([*LINKS.findall(page), *IN_CODE.findall(page)])
    assert len(found) > 5
    assert {path for path in found if not path.startswith("/glass")} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_every_answer_has_the_prefix(ask, record, name):
    answer = ask(addresses(record)[name], accept="application/json").json
    links = {text for text in texts(answer) if text.startswith("/") or "example.org" in text}
    assert {link for link in links if not urlsplit(link).path.startswith("/glass")} == set()
    if name in ("form", "examples", "tables", "batch"):
        assert links


def test_openapi_names_the_prefix_as_its_server(ask):
    assert ask("/openapi.json", accept="*/*").json["servers"] == [{"url": "/glass"}]
    assert ask("/iris/openapi.json", accept="*/*").json["servers"] == [{"url": "/glass/iris"}]
    assert ask("/openapi.json", accept="*/*", headers={"X-Forwarded-Prefix": ""}).json["servers"] == [{"url": "/"}]


def test_cookies_and_redirects_have_the_prefix(ask, proxied):
    page = ask("/accounts")
    word = re.findall('name="csrf_token" value="([^"]*)"', page.text)[0]
    cookies = page.headers.getlist("Set-Cookie") + ask("/?lang=zh").headers.getlist("Set-Cookie")
    form = {"name": "prefixed", "password": "correct horse", "csrf_token": word}
    client = proxied.test_client()
    client.set_cookie("form", cookies[0].partition(";")[0].partition("=")[2])
    made = client.post("/accounts", data=form, headers=PREFIXED | {"Accept": "text/html"})
    assert (made.status_code, made.headers["Location"]) == (303, "/glass/account")
    cookies += made.headers.getlist("Set-Cookie")
    assert {each.partition("=")[0] for each in cookies} == {
        *("form", "lang", "access_token_cookie", "csrf_access_token"),
    }
    assert all(re.search("; Path=/glass(;|$)", each) for each in cookies), cookies
    assert urlsplit(ask("/health//live").headers["Location"]).path == "/glass/health/live"


def test_the_page_to_sign_in_on_leads_back_under_the_prefix(ask):
    assert 'name="next" value="/glass/predictions"' in ask("/predictions").text


def test_a_table_under_a_prefix_is_found_and_named(ask):
    answer = ask("/iris/", accept="application/json").json
    assert answer["links"]["self"] == "/glass/iris/"


def test_a_prefix_is_not_believed_without_a_proxy(client):
    assert client.get("/", headers=PREFIXED).json["links"]["self"] == "/"


@pytest.mark.parametrize(
    ("header", "hops", "expected"),
    [
        ("/glass", 1, "/glass"),
        ("/glass/", 1, "/glass"),
        (" /a/b_c.d-e~1 ", 1, "/a/b_c.d-e~1"),
        ("/forged, /glass", 1, "/glass"),
        ("/forged,/outer,/inner", 2, "/outer/inner"),
        ("/glass", 2, "/glass"),
        ("", 1, ""),
        ("/", 1, ""),
        ("glass", 1, ""),
        ("//evil.example", 1, ""),
        ("/a//evil.example", 1, ""),
        ("https://evil.example/", 1, ""),
        ("/a/../b", 1, ""),
        ("/.", 1, ""),
        ("/\\evil.example", 1, ""),
        ('/a"onload="', 1, ""),
        ("/a?b", 1, ""),
        ("/a#b", 1, ""),
        ("/a;Path=/", 1, ""),
        ("/gl%C3%A4s", 1, ""),
        ("/gläs", 1, ""),
        ("/a\n", 1, "/a"),
        ("/a\nb", 1, ""),
        ("/" + "a" * 300, 1, ""),
    ],
)
def test_a_prefix_is_a_plain_path(header, hops, expected):
    assert prefix_of(header, hops) == expected
