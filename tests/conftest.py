"""What the tests share: one model trained for all of them, the application, a real server, a real browser."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import psycopg
import pytest
from filelock import FileLock
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from werkzeug.exceptions import HTTPException

# Before any module of ours is imported: the tests train a model of their own and leave the developer's alone.
os.environ["GLASSFORM_ARTIFACTS"] = tempfile.mkdtemp(prefix="glassform-")
os.environ["GLASSFORM_INSTANCE"] = tempfile.mkdtemp(prefix="glassform-")
# Before NumPy is, too: several trainings at once, each with a thread per core, wait for each other ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import model
from benchmarks.measuring import free_port
from glassform.accounts import database, migrating
from glassform.fitted.scorecard import Scorecard
from glassform.learning import table as rows
from glassform.learning.recipe import Recipe
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, INSTANCE, PACKAGE, read_settings
from glassform.web.addresses import in_braces
from server import create_app
from tests.people import PERSON

pytest_plugins = ["tests.needs", "tests.parallel"]

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would all that they start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
SHIPPED = [PACKAGE.parent / name / "datapackage.json" for name in ("diabetes", "iris")]  # beside the default table
CENSUS = PACKAGE.parent / "census" / "datapackage.json"  # the default table with more fields; it is large
PLAIN = Recipe("curve5")
# Without these flags a browser started by root does not run, and every browser asks its maker for news.
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=20_000)  # milliseconds: a machine that runs three tests at once is slow now and then
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing(part: str) -> NoReturn:
    """Skip the test for want of a part; fail it where all parts are promised."""
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"{part} is missing, and REQUIRE_ALL is set")
    pytest.skip(f"{part} is not installed here")


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all processes of a parallel run see, and no other run."""
    own: Path = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def quick_training(recipe: Recipe = PLAIN, rivals: dict[str, Any] | None = None) -> Iterator[None]:
    """Train with a given recipe: choosing and comparing one take most of the time, and are tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "chosen", lambda schema, training: recipe)
        patch.setattr(model, "cross_validated", lambda *_: rivals)
        yield


@pytest.fixture(scope="session")
def scorecard(shared) -> Iterator[Scorecard]:
    """The first model that was trained; one process of a run trains all tables, and each gets a copy to spoil."""
    trained, card = shared / "trained", shared / "trained.pickle"
    with FileLock(shared / "trained.lock"):
        if not card.exists():
            fitted = model.train(artifacts=trained)
            for package in SHIPPED:
                model.train(package, trained / package.parent.name)
            with quick_training(Recipe("curve10"), fitted.evaluation["rivals"]):
                model.train(CENSUS, trained / "census")
            card.write_bytes(pickle.dumps(fitted))
    shutil.copytree(trained, ARTIFACTS, dirs_exist_ok=True)
    ours = pickle.loads(card.read_bytes())
    assert isinstance(ours, Scorecard)
    yield ours
    shutil.rmtree(ARTIFACTS)
    shutil.rmtree(INSTANCE)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Schema.from_file(PACKAGE)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """An SQLite file with all tables and no rows, to copy: to make the tables starts a process each time."""
    path: Path = tmp_path_factory.mktemp("empty") / "empty.sqlite"
    assert not migrating.ensure_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def app(scorecard: Scorecard) -> Flask:
    assert not migrating.ensure_tables(read_settings().database_url)
    return create_app()


@pytest.fixture(scope="session")
def paths(app: Flask) -> dict[str, dict[str, Any]]:
    """What the OpenAPI document says, by path and method."""
    document: Any = app.test_client().get("/openapi.json").json
    return dict(document["paths"])


class Documented(FlaskClient):
    """A client that finds whatever it is answered in the OpenAPI document: the path, the method and the status."""

    paths: ClassVar[dict[str, dict[str, Any]]] = {}

    def open(self, *arguments, **options):
        response = super().open(*arguments, **options)
        asked, rules = response.request, self.application.url_map.bind("")
        assert asked is not None
        method, path = asked.method.lower(), asked.path
        try:
            found, _ = rules.match(path, asked.method, return_rule=True)
        except HTTPException:
            return response  # no address of ours, or none that answers to this method
        operations = self.paths.get(in_braces(found.rule), {})
        if method in operations:
            assert str(response.status_code) in operations[method]["responses"], (path, response.status)
        else:
            assert found.endpoint.endswith("static") or method in ("head", "options"), path
        return response


@pytest.fixture
def client(app: Flask, paths: dict[str, dict[str, Any]], monkeypatch) -> FlaskClient:
    monkeypatch.setattr(Documented, "paths", paths)
    monkeypatch.setattr(app, "test_client_class", Documented)
    return app.test_client()


@contextmanager
def documented(paths: dict[str, dict[str, Any]], *arguments: Any) -> Iterator[Flask]:
    """Make an application whose clients look up each answer, and close its database in the end."""
    app = create_app(*arguments)
    app.test_client_class = Documented
    Documented.paths = paths
    yield app
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture
def record() -> dict[str, int | str]:
    return dict(PERSON)


@pytest.fixture(scope="session")
def splits(schema: Schema) -> dict[str, rows.Split]:
    return {name: rows.read(schema, name, PACKAGE.parent) for name in ("adult", "adult_test")}


@contextmanager
def postgresql_cluster() -> Iterator[tuple[Callable[[str], object], str]]:
    """Make a real PostgreSQL server: how to start and stop it, and the URL of its database."""
    known = [Path(path)] if (path := shutil.which("pg_ctl")) else []
    found = known or sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))  # where Debian keeps it
    if not found:
        missing("PostgreSQL")
    folder, port = Path(tempfile.mkdtemp(prefix="glassform-pg-")), free_port()
    who: dict[str, Any] = {}
    if os.name == "posix" and os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        who = {"user": "postgres", "group": "postgres"}
    run = partial(subprocess.run, check=True, capture_output=True, cwd=folder, **who)
    run([str(found[-1].with_name("initdb")), "-D", f"{folder}/data", "-U", "glassform", "--auth=trust", "-E", "UTF8"])
    # the tests kill servers, not the machine: nothing has to reach the disk
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    command = [str(found[-1]), "-D", f"{folder}/data", "-o", options, "-w", "-l", f"{folder}/log", "-m", "immediate"]

    def control(verb: str) -> object:
        return run([*command, verb], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, capture_output=False)

    control("start")
    try:
        yield control, f"postgresql+psycopg://glassform@127.0.0.1:{port}/postgres"
    finally:
        control("stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that is always there."""
    with postgresql_cluster() as (_, url):
        yield url


@pytest.fixture(scope="module")
def postgresql(postgresql_server) -> str:
    """The URL of a database there that no other file has, so that it does not matter which comes first."""
    name = f"test_{time.time_ns()}"
    with psycopg.connect(postgresql_server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgresql_server.removesuffix('/postgres')}/{name}"


@pytest.fixture
def own_postgresql() -> Iterator[tuple[Callable[[str], object], str]]:
    """One more PostgreSQL server, for a test that stops it: how to, and its URL."""
    with postgresql_cluster() as made:
        yield made


@contextmanager
def serving(
    *options: str, environment: dict[str, str] | None = None, new_group: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run `python server.py` and end it by SIGTERM; its output is one text."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "server.py", *options],
        cwd=tempfile.gettempdir(),
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0 if new_group else None,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def lines_of(told: str) -> list[str]:
    """Return what a server printed, without granian's word on a worker that a slow machine kept too long."""
    return [line for line in told.splitlines() if "after it refused to gracefully stop" not in line]


def wait_for(url: str, seconds: float = 60) -> None:
    """Wait until a URL answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            urlopen(url).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.fixture(scope="session")
def server(scorecard: Scorecard) -> Iterator[str]:
    """The address of a real server with two workers."""
    port = free_port()
    # nobody reads what it prints, and a full pipe would stop it
    with serving("--port", str(port), "--workers", "2", environment={"LOG_LEVEL": "CRITICAL"}):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


def watch(page: Page, requests: list[str], complaints: list[str]) -> None:
    """Note what a page asks for, and what it complains of."""
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))


@pytest.fixture
def visit(browser, server):
    """Open a page of the server in a fresh context; afterwards nothing may have gone to another host or failed."""
    contexts, requests, complaints = list[BrowserContext](), list[str](), list[str]()

    def open_page(
        path: str = "/", script: bool = True, width: int = 1280, height: int = 900, scheme="light", language="en-GB"
    ) -> Page:
        context = browser.new_context(
            base_url=server,
            java_script_enabled=script,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
        )
        contexts.append(context)
        page: Page = context.new_page()
        watch(page, requests, complaints)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert requests and {urlsplit(url).netloc for url in requests} == {urlsplit(server).netloc}
    # Chromium counts a 422 or 404 page as an error of the network; that is all it may complain of
    assert not [text for text in complaints if "status of 4" not in text]


@pytest.fixture
def visit_as(visit, server):
    """Sign up by the form, remember two answers and write down what became of one; then open a page."""
    made: list[str] = []

    def sign_up(role: str = "user", **options) -> Page:
        page: Page = visit("/accounts", **options)
        name = f"visitor{len(made)}{int(time.time() * 1000)}"
        made.append(name)
        page.locator("#name").fill(name)
        page.locator("#password").fill("correct horse")
        follow(page, page.locator("main form button"))
        if role != "user":
            command = [sys.executable, "-m", "glassform.accounts", name, role]
            subprocess.run(command, check=True, capture_output=True)
            page.goto("/session")
            page.locator("#name").fill(name)
            page.locator("#password").fill("correct horse")
            follow(page, page.locator("main form button"))
        return page

    return sign_up


def follow(page: Page, button: Locator) -> None:
    """Click a button or link and wait for the page that it leads to; `click` alone may return before."""
    with page.expect_navigation():
        button.click()


def remember(page: Page, record) -> None:
    page.goto(f"/probability?{urlencode(record)}")
    follow(page, page.locator("form[action='/predictions'] button"))
