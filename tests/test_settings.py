"""The settings: read from the environment, or refused by name."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from benchmarks.measuring import free_port
from glassform.settings import InvalidSettings, Settings, read_secret, read_settings
from server import create_app
from tests.conftest import ROOT, missing, serving, wait_for

PAGE = "https://page.example"


def test_nothing_is_set_by_default():
    assert read_settings({}) == Settings()


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
    assert done.stderr.startswith("Invalid setting: CORS_ORIGINS: nonsense")


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


LONG = "x" * 40
NOWHERE = {"GLASSFORM_INSTANCE": "/proc/nowhere"}  # where nothing can be written


@pytest.mark.parametrize(
    ("options", "environment", "sentence"),
    [
        (
            ["--host", "0.0.0.0"],
            NOWHERE,
            "To listen on 0.0.0.0, a secret has to be kept, but /proc/nowhere cannot be",
        ),
        (["--host", "::"], NOWHERE, "Set SECRET_KEY to 32 or more random characters."),
        (["--class"], NOWHERE, "To listen on 0.0.0.0, a secret has to be kept"),
        (["--host", "0.0.0.0"], {"SECRET_KEY": "short"}, "SECRET_KEY is too short: it needs"),
        ([], {"SECRET_KEY": "short"}, "SECRET_KEY is too short: it needs"),
        (
            ["--host", "0.0.0.0", "--debug"],
            {"SECRET_KEY": LONG},
            "--debug lets anyone who reaches 0.0.0.0",
        ),
        (["--class", "--debug"], {}, "use it on this machine only (--host 127.0.0.1)."),
        ([], {"DATABASE_URL": "mysql://user:hidden@host/x"}, "DATABASE_URL: … (Value error, is neither SQLite nor"),
        (
            [],
            {"DATABASE_URL": "postgresql://user:hidden@host:port/x"},
            "DATABASE_URL: … (Value error, Port could not",
        ),
        ([], {"DATABASE_URL": "sqlite://"}, "DATABASE_URL: … (Value error, names no file)"),
        ([], {"RATE_LIMIT_STORAGE": "redis://host:port"}, "RATE_LIMIT_STORAGE: … (Value error, Port could not"),
        ([], {"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES: -1"),
        ([], {"REGISTRATION": "perhaps"}, "REGISTRATION: perhaps"),
        ([], {"RATE_LIMIT": "often"}, "RATE_LIMIT: often"),
        ([], {"CLASS_ADDRESSES": "192.168.1.5"}, "CLASS_ADDRESSES: 192.168.1.5"),
    ],
)
def test_what_would_be_dangerous_is_refused_at_start(scorecard, options, environment, sentence):
    done = subprocess.run(
        [sys.executable, ROOT / "server.py", *options],
        env={"GLASSFORM_ARTIFACTS": os.environ["GLASSFORM_ARTIFACTS"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and sentence in done.stderr
    assert "hidden" not in done.stderr and "Traceback" not in done.stderr


def test_workers_that_count_for_themselves_are_warned_of(scorecard, tmp_path):
    told = {}
    for workers, storage in (("1", "memory://"), ("2", "memory://"), ("2", "database")):
        port, environment = free_port(), {"RATE_LIMIT_STORAGE": storage}
        with serving("--port", str(port), "--workers", workers, environment=environment) as process:
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            process.terminate()
            told[workers, storage] = process.stdout.read() if process.stdout else ""
    warned = [each for each, text in told.items() if "Each worker counts requests alone" in text]
    assert warned == [("2", "memory://")]


def test_class_mode_is_off_and_its_addresses_are_a_list_with_commas():
    assert not read_settings({}).classroom and not read_settings({"CLASS_ADDRESSES": ""}).class_addresses
    told = read_settings({"CLASSROOM": "1", "CLASS_ADDRESSES": "http://192.168.1.5:5000,http://[fd00::2]:5000"})
    assert told.classroom and told.class_addresses == ["http://192.168.1.5:5000", "http://[fd00::2]:5000"]


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    first, again = (read_secret(Settings(), tmp_path / "instance") for _ in range(2))
    assert first == again and len(first) == 64
    assert (tmp_path / "instance" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "instance").iterdir()] == ["secret"]
    assert read_secret(Settings(secret_key=LONG), tmp_path / "other") == LONG and not (tmp_path / "other").exists()


@pytest.fixture
def redis(tmp_path):
    """A real Redis server: its URL, and how to end it."""
    if not shutil.which("redis-server"):
        missing("Redis")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}", process
        process.terminate()


def test_limits_in_redis_are_counted_once_for_all_and_survive_its_end(app, redis, record):
    url, process = redis
    settings = Settings(rate_limit="2 per minute", rate_limit_storage=url)
    workers = [create_app(settings=settings).test_client() for _ in range(2)]
    codes = [worker.get("/session").status_code for worker in (*workers, workers[0])]
    assert codes == [200, 200, 429]
    process.terminate()
    process.wait()
    assert workers[0].get("/session").status_code in (200, 429), "each counts for itself until it is back"
    assert workers[0].get("/probability", query_string=record).status_code == 200
