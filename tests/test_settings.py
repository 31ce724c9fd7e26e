"""The settings: read from the environment, or refused by name."""

import subprocess
import sys

import pytest

from server import create_app
from settings import InvalidSettings, Settings, read_settings
from tests.conftest import ROOT

PAGE = "https://page.example"


def test_nothing_is_set_by_default():
    assert read_settings({}) == Settings(cors_origins=[])


def test_origins_are_a_list_with_commas():
    assert read_settings({"CORS_ORIGINS": f"{PAGE}, http://localhost:8000"}).cors_origins == [
        PAGE,
        "http://localhost:8000",
    ]
    assert read_settings({"CORS_ORIGINS": "*"}).cors_origins == ["*"]


@pytest.mark.parametrize(
    "value", ["page.example", "https://page.example/path", "https://*.example", "x y", "ftp://a"]
)
def test_what_cannot_be_is_refused_by_name(value):
    with pytest.raises(InvalidSettings, match="CORS_ORIGINS: "):
        read_settings({"CORS_ORIGINS": f"{PAGE},{value}"})


def test_the_server_does_not_start_with_a_wrong_setting(scorecard):
    done = subprocess.run(
        [sys.executable, ROOT / "server.py"], env={"CORS_ORIGINS": "nonsense"}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("A setting cannot be followed: CORS_ORIGINS: nonsense")


def test_pages_of_other_origins_may_not_ask_by_default(client, record):
    for headers in ({"Origin": PAGE}, {"Origin": "null"}):
        answer = client.get("/probability", query_string=record, headers=headers)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    preflight = client.options("/probability", headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
    assert not [name for name, _ in preflight.headers if name.startswith("Access-Control")]


@pytest.fixture(scope="module")
def open_to_page(scorecard):
    return create_app(settings=Settings(cors_origins=[PAGE])).test_client()


def test_pages_of_an_origin_that_is_set_may_ask(open_to_page, record):
    answer = open_to_page.get("/probability", query_string=record, headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"] and "Accept" in answer.headers["Vary"]
    refused = open_to_page.get("/probability", headers={"Origin": PAGE})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (422, PAGE)


def test_a_browser_that_asks_first_is_told_what_it_may(open_to_page):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = open_to_page.options("/probabilities", headers={"Origin": PAGE} | asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
    assert answer.headers["Access-Control-Max-Age"] == "600"


def test_pages_of_any_other_origin_still_may_not(open_to_page, record):
    for origin in ("https://other.example", "https://page.example.evil.example", "null", "http://page.example"):
        answer = open_to_page.get("/probability", query_string=record, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
