"""The wheel: what it holds, and that what it installs works in an empty folder, with no checkout in sight."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from zipfile import ZipFile

import pytest
import yaml

import model
from benchmarks.measuring import free_port
from glassform import __main__ as command
from glassform import programs
from glassform.fitted.scorecard import Scorecard
from glassform.learning.command import parse_options
from glassform.learning.table import count
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry
from server import ANY_FORMAT, RESOURCES
from tests.conftest import ROOT, lines_of, missing, wait_for

BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# the tests have settings of their own, and a checkout on Python's path
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("GLASSFORM_", "PYTHON"))}
# the releases that the other tests use
ENVIRONMENT = PLAIN | {"UV_CONSTRAINT": str(ROOT / "requirements-engines.txt"), "UV_PYTHON": sys.executable}


def run(*words: object, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a stranger would."""
    given = [str(word) for word in words]
    return subprocess.run(given, cwd=cwd, env=ENVIRONMENT | variables, capture_output=True, text=True, check=False)


def told(*words: object, cwd: Path = ROOT, **variables: str) -> str:
    """What a command says; it must end well."""
    done = run(*words, cwd=cwd, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and of the source it can be built from."""
    folder: Path = tmp_path_factory.mktemp("distributions")
    told(sys.executable, "-m", "hatchling", "build", "-d", folder)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (built,) = distributions.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The programs of an empty environment in which the wheel is installed, with all it asks for."""
    folder: Path = tmp_path_factory.mktemp("environment") / "venv"
    told(BIN / "uv", "venv", "-q", folder)
    done = run(BIN / "uv", "pip", "install", "-q", "--python", folder / "bin" / "python", wheel, "waitress")
    if done.returncode:
        assert "Failed to fetch" in done.stderr or "network" in done.stderr, done.stderr
        missing("the package index")
    return folder / "bin"


@pytest.fixture(scope="module")
def glassform(installed: Path) -> Path:
    return installed / "glassform"


def kept(folder: Path) -> dict[str, tuple[int, int]]:
    """The size and the time of each file, but for what Python compiled for itself."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@contextmanager
def served(
    port: int, *words: object, cwd: Path, log: Path = Path(os.devnull), seconds: float = 60, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that answers on a port as a stranger would, and end it by SIGTERM."""
    with log.open("w") as file:
        server = subprocess.Popen(
            [str(word) for word in words], cwd=cwd, env=ENVIRONMENT | variables, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health/ready", seconds)
            yield server
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(scope="module")
def running(glassform, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """`glassform serve` in an empty folder: where it answers and writes, and what was installed before it began."""
    folder, person = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("person")
    before, log = kept(glassform.parent.parent), tmp_path_factory.mktemp("log") / "log"
    port = free_port()
    with served(
        port, glassform, "serve", cwd=folder, log=log, seconds=120, HOME=str(person), PORT=str(port)
    ) as server:
        url = f"http://127.0.0.1:{port}"
        yield SimpleNamespace(url=url, folder=folder, person=person, before=before, log=log, process=server)


def ask(url: str, accept: str = "text/html") -> tuple[int, Message, str]:
    """Ask as a browser does."""
    try:
        with urlopen(Request(url, headers={"Accept": accept})) as answer:
            return answer.status, answer.headers, answer.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode(errors="replace")


# What is inside.


def test_a_wheel_holds_all_that_serves_and_trains_inside_the_package(wheel):
    names = set(ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"glassform", f"glassform-{PROJECT['version']}.dist-info"}
    beside = [*ROOT.glob("*.py"), *ROOT.glob("templates/**/*.*"), *ROOT.glob("static/**/*.*")]
    shipped = [ROOT / "data" / name for name in ("datapackage.json", "adult.csv", "adult_test.csv")]
    tables = [path for name in ("census", "diabetes", "iris", "lessons") for path in ROOT.glob(f"data/{name}/*")]
    assert {f"glassform/{path.relative_to(ROOT).as_posix()}" for path in (*beside, *shipped, *tables)} <= names
    inside = [path for path in (ROOT / "glassform").rglob("*.*") if "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in inside} <= names
    assert "glassform/translations/zh/LC_MESSAGES/messages.mo" in names
    assert "glassform/accounts/migrations/alembic.ini" in names
    assert not [name for name in names if "data/recipe.py" in name or "tests/" in name or "__pycache__" in name]


def test_the_source_gives_the_same_wheel_and_holds_nothing_of_a_folder_in_use(distributions, wheel, tmp_path):
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    names = {path.name for path in unpacked.iterdir()}
    assert {"server.py", "tests", "LICENSE", "README.md", "CITATION.cff"} <= names
    assert not names & {"artifacts", "instance", "dist", ".venv", ".git", ".ci"}
    assert {path.name for path in (unpacked / "data").iterdir() if path.is_dir()} == {
        *("census", "diabetes", "iris", "lessons")
    }
    told(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert held(again) == held(wheel)


def held(wheel: Path) -> dict[str, int]:
    """The files of a wheel, each with a sum of its content."""
    return {each.filename: each.CRC for each in ZipFile(wheel).infolist()}


# The command.


def test_the_command_names_its_subcommands_and_each_knows_its_name(glassform, tmp_path):
    overview = told(glassform, "--help", cwd=tmp_path)
    for subcommand in command.SUBCOMMANDS:
        assert f"\n    {subcommand} " in overview
    assert told(glassform, "serve", "--help", cwd=tmp_path).startswith("usage: glassform serve [-h] [--home DIR] ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("subcommand", command.SUBCOMMANDS)
def test_the_help_of_a_subcommand_speaks_of_it_alone(subcommand, monkeypatch, capsys):
    module = command.place_of(subcommand)
    monkeypatch.setattr(sys, "argv", [f"glassform {subcommand}", "--help"])
    with pytest.raises(SystemExit) as ended:
        import_module(module).main()
    shown = capsys.readouterr().out
    assert ended.value.code == 0 and " ".join(shown.split()).startswith(
        f"usage: glassform {subcommand} [-h] [--home DIR]"
    )
    assert not re.search(r"\w\.py|python ", shown), shown


def test_the_command_says_its_version_also_as_a_module(glassform, installed, tmp_path):
    expected = f"glassform {PROJECT['version']}\n"
    assert told(glassform, "--version", cwd=tmp_path) == expected
    assert told(installed / "python", "-m", "glassform", "--version", cwd=tmp_path) == expected


def test_a_checkout_has_the_same_command():
    assert told(sys.executable, "-m", "glassform", "score", "--help").startswith(
        "usage: glassform score [-h] [--home "
    )
    assert told(sys.executable, "-m", "glassform", "--version") == f"glassform {PROJECT['version']}\n"


@pytest.mark.parametrize(
    ("given", "variable", "message"),
    [
        (["--home", "{file}", "serve"], "", "{file} cannot be a folder: taken is a file"),
        (["versions", "list", "--home={file}/below"], "", "{file}/below cannot be a folder: taken is a file"),
        (["train"], "{file}", "{file} cannot be a folder: taken is a file"),
        (["train", "--home", ""], "", "an empty name is no folder"),
        (["train", "--home", "x" * 300], "", "File name too long"),
        (["train", "--home"], "", "argument --home: expected one argument"),
        (["--home", "new"], "", "the following arguments are required: COMMAND"),
        (["bake"], "", "invalid choice: 'bake'"),
        (["--bogus", "serve"], "", "unrecognized arguments: --bogus"),
    ],
)
def test_what_the_command_cannot_do_is_refused_in_a_line(given, variable, message, tmp_path):
    file = tmp_path / "taken"
    file.touch()
    words = [word.format(file=file) for word in given]
    # a checkout's command is the wheel's; a value that is refused has no other consequence
    done = run(sys.executable, "-m", "glassform", *words, GLASSFORM_HOME=variable.format(file=file))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message.format(file=file) in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_home_is_read_before_and_after_the_subcommand_and_nothing_else_is_taken(monkeypatch, tmp_path):
    monkeypatch.delenv(command.HOME, raising=False)
    for given in (["--home", str(tmp_path), "score", "a.csv"], ["score", "a.csv", f"--home={tmp_path}"]):
        monkeypatch.setenv(command.HOME, "")
        assert command.parse(given) == ("score", ["a.csv"])
        assert os.environ[command.HOME] == str(tmp_path)
    assert command.parse(["serve", "--ho", "::1", "--", "--home", "x"])[1] == ["--ho", "::1", "--", "--home", "x"]


def test_home_wins_over_the_variable(glassform, tmp_path):
    told(glassform, "upgrade", "--home", "chosen", cwd=tmp_path, GLASSFORM_HOME="other")
    assert (tmp_path / "chosen" / "instance" / "glassform.sqlite").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["chosen"]


def test_who_is_told_to_run_something_is_told_what_there_is(glassform, tmp_path, monkeypatch):
    assert (
        told(glassform, "versions", "list", cwd=tmp_path)
        == "There is no version yet; `glassform train` trains one.\n"
    )
    monkeypatch.setattr(programs, "IS_INSTALLED", True)
    for subcommand in programs.IN_A_CHECKOUT:
        assert programs.how_to(subcommand) == f"glassform {subcommand}" and subcommand in command.SUBCOMMANDS
    assert programs.IN_A_CHECKOUT.keys() == command.SUBCOMMANDS.keys()


def test_no_other_place_says_how_a_program_is_run():
    spoken = re.compile(r"[\"'`>](python (-m glassform|\w+\.py)|alembic upgrade)|requirements-\w+\.txt")
    texts = [*(ROOT / "glassform").rglob("*.py"), *(ROOT / "templates").rglob("*.*")]
    found = {
        (path.name, line.strip())
        for path in texts
        for line in path.read_text().splitlines()
        if spoken.search(line) and not line.strip().startswith('"""') and path.name != "programs.py"
    }
    assert {name for name, _ in found} <= {"settings.py"}, found  # a comment on a variable


def test_add_takes_a_file_and_needs_the_column_to_predict(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["glassform add", "people.csv", "--target", "age"])
    options = parse_options(["logistic"])
    assert (options.add, options.target) == (Path("people.csv"), "age")
    monkeypatch.setattr(sys, "argv", ["glassform add", "people.csv"])
    with pytest.raises(SystemExit):
        parse_options(["logistic"])
    assert "glassform add: error: the following arguments are required: --target\n" in capsys.readouterr().err


def test_a_folder_nobody_may_write_to_is_told_before_anything_is_read(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["model.py", "--artifacts", str(tmp_path / "below" / "artifacts")])
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may write anywhere
    with pytest.raises(SystemExit, match="artifacts cannot be written to, and models are saved there"):
        model.main()
    assert not capsys.readouterr().out and not list(tmp_path.iterdir())


def test_upgrade_says_why_there_are_no_tables(tmp_path):
    (tmp_path / "file").touch()
    for url, reason in (
        (f"sqlite:///{tmp_path}/file/own.sqlite", "the database cannot be reached: "),
        ("postgresql://nobody@127.0.0.1:1/none", "Connection refused"),
        ("mysql://somewhere", "Invalid setting: DATABASE_URL"),
    ):
        done = run(sys.executable, "-m", "glassform", "upgrade", DATABASE_URL=url)
        assert done.returncode == 1 and reason in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


# The extras.


def test_without_the_engines_the_command_names_what_to_install(glassform, tmp_path):
    scored = run(glassform, "score", "people.csv", "scored.csv", cwd=tmp_path)
    assert scored.returncode == 1
    assert scored.stderr == "glassform score needs ibis and duckdb: install glassform[engines].\n"
    assert told(glassform, "score", "--help", cwd=tmp_path).startswith("usage: glassform score ")
    assert not list(tmp_path.iterdir())


def test_without_the_engines_the_options_of_scoring_are_read_and_sql_is_written(scorecard):
    sql = ["--sql", "--artifacts", str(ARTIFACTS)]
    code = (
        "import sys; sys.modules.update(ibis=None, duckdb=None); import score\n"
        f"for words in ['--help'], ['--bogus'], ['--on-error', 'report'], ['a.csv', 'b.csv'], {sql}:\n"
        "    try: score.main(words)\n"
        "    except SystemExit as ended: print('ended by', ended)"
    )
    done = run(sys.executable, "-c", code)
    helped, *_, refused = done.stdout.partition("ended by 0\nended by 2\nended by 2\n")
    assert helped.startswith("usage: ") and "unrecognized arguments: --bogus" in done.stderr
    said, _, query = refused.partition("\n")
    assert "argument --on-error: report needs a FILE" in done.stderr
    assert said == "ended by python score.py needs ibis and duckdb: install requirements-engines.txt."
    assert "SELECT" in query and not done.returncode


def test_without_the_engines_training_names_what_to_install(schema, monkeypatch):
    monkeypatch.setitem(sys.modules, "glassform.engines.scoring", None)
    with pytest.raises(ValueError, match=r"to count rows in an engine, install requirements-engines.txt"):
        count(schema, ["people.csv"], "duckdb", "")


# The server.


def test_a_server_in_an_empty_folder_trains_and_answers_exactly(running, record):
    told_so = running.log.read_text()
    assert "There is no model yet; training one first." in told_so and "is the current one." in told_so
    _, _, text = ask(f"{running.url}/probability?{urlencode(record)}", "application/json")
    card = Registry(running.folder / "artifacts").load()
    assert isinstance(card, Scorecard)
    assert json.loads(text)["probability"] == card.probability(record)


def test_all_pages_are_there_in_both_languages(running, record):
    for path in (url.removesuffix(ANY_FORMAT) for url in RESOURCES if "<" not in url):
        asked = record if path in {"/probability", "/curves", "/twins", "/changes"} else {}
        for language in ("en", "zh"):
            status, headers, text = ask(f"{running.url}{path}?{urlencode(asked | {'lang': language})}")
            if headers.get_content_type() == "text/html" and path != "/take-home.html":
                assert f'<html lang="{language}' in text, path
            # some need an account, another method or another format
            assert status in {200, 401, 403, 405, 406}, (path, status)


def test_the_files_of_the_pages_are_there(running):
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "static").rglob("*.*")]
    for path in (*paths, "docs/assets/swagger-ui-bundle.js", "docs/assets/swagger-ui.css"):
        assert ask(f"{running.url}/{path}")[0] == 200, path
    status, headers, text = ask(f"{running.url}/take-home.html")
    assert status == 200 and "attachment" in headers["Content-Disposition"] and "<script" in text


def test_the_page_of_tables_shows_the_installed_command(running):
    assert "<code>glassform add flowers.csv --target species</code>" in ask(f"{running.url}/tables")[2]


def test_a_sibling_comes_and_so_does_a_table_that_is_added(glassform, running, tmp_path):
    table = PACKAGE.parent / "iris" / "iris.csv"
    words = ["--home", running.folder, "add", table, "--target", "species", "--name", "flowers"]
    assert "edit " + str(running.folder / "instance" / "data" / "flowers") in told(glassform, *words, cwd=tmp_path)
    wait_for(f"{running.url}/flowers/model.json")
    wait_until(lambda: Registry(running.folder / "artifacts").manifest().siblings)
    (sibling, *_) = Registry(running.folder / "artifacts").manifest().siblings
    assert ask(f"{running.url}/model?model={sibling}")[0] == 200
    assert "\nTraining the further tables too: census, diabetes, iris.\n" in running.log.read_text()
    assert not list(tmp_path.iterdir())


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_the_server_stops_what_it_trains_and_has_written_only_where_it_belongs(glassform, running):
    running.process.terminate()
    assert running.process.wait(timeout=20) == 0
    assert {path.name for path in running.folder.iterdir()} == {"artifacts", "instance"}
    assert not list(running.person.iterdir())
    assert kept(glassform.parent.parent) == running.before


# With a model that is there.


@pytest.fixture(scope="module")
def trained(scorecard, tmp_path_factory) -> Path:
    """A folder with a model of every table."""
    folder: Path = tmp_path_factory.mktemp("home")
    shutil.copytree(ARTIFACTS, folder / "artifacts")
    return folder


def test_a_class_is_held_with_its_lesson(glassform, trained, tmp_path):
    port = free_port()
    words = ["serve", "--class", "--host", "127.0.0.1", "--no-browser", "--port", str(port), "--home", trained]
    with served(port, glassform, *words, cwd=tmp_path, log=tmp_path / "log") as server:
        assert ask(f"http://127.0.0.1:{port}/join")[0] == 200
        wait_until(lambda: "/board" in (tmp_path / "log").read_text())
    assert server.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_uvx_serves_the_wheel_and_stops_it(wheel, trained, scorecard, record, tmp_path):
    port = free_port()
    words = [BIN / "uvx", "-q", "--from", wheel, "glassform", "--home", trained, "serve", "--port", str(port)]
    with served(port, *words, cwd=tmp_path, log=tmp_path / "log") as server:
        _, _, text = ask(f"http://127.0.0.1:{port}/probability?{urlencode(record)}", "application/json")
        assert json.loads(text)["probability"] == scorecard.probability(record)
    assert server.returncode == 0
    (line,) = lines_of((tmp_path / "log").read_text())
    assert line.endswith(f"http://127.0.0.1:{port} (Ctrl-C stops)")
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/health/live")


def test_waitress_serves_what_the_wheel_installs(installed, trained, scorecard, record, tmp_path):
    port = free_port()
    words = [installed / "waitress-serve", f"--listen=127.0.0.1:{port}", "--call", "glassform.server:create_app"]
    with served(port, *words, cwd=tmp_path, GLASSFORM_HOME=str(trained)):
        _, _, text = ask(f"http://127.0.0.1:{port}/probability?{urlencode(record)}", "application/json")
        assert json.loads(text)["probability"] == scorecard.probability(record)
    assert not list(tmp_path.iterdir())


def test_with_the_extra_the_command_scores_a_table(glassform, wheel, trained, tmp_path):
    told(BIN / "uv", "pip", "install", "-q", "--python", glassform.with_name("python"), f"{wheel}[engines]")
    source = PACKAGE.parent / "adult_test.csv"
    told(glassform, "score", source, "scored.csv", "--home", trained, cwd=tmp_path)
    lines = (tmp_path / "scored.csv").read_text().splitlines()
    assert len(lines) == len(source.read_text().splitlines()) and lines[0].endswith(",probability")
    assert [path.name for path in tmp_path.iterdir()] == ["scored.csv"]


# How to cite it.


def test_the_citation_is_valid_and_says_what_the_project_says():
    told(BIN / "check-jsonschema", "--builtin-schema", "vendor.citation-file-format", ROOT / "CITATION.cff")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert (citation["title"].lower(), str(citation["version"])) == (PROJECT["name"], PROJECT["version"])
    holder = re.findall(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text())
    assert [author["name"] for author in citation["authors"]] == holder
    licences = {citation["license"], *(each["license"] for each in citation["references"])}
    assert licences == set(PROJECT["license"].split(" AND "))


def test_every_table_that_ships_is_cited_with_its_licence():
    cited = {(f"https://doi.org/{each['doi']}", each["license"]) for each in citation_references()}
    for path in (PACKAGE, *PACKAGE.parent.glob(f"*/{PACKAGE.name}")):
        package = json.loads(path.read_text())
        for source in package["sources"]:
            assert (source["path"], package["licenses"][0]["name"]) in cited, path.parent.name


def citation_references() -> list[dict[str, str]]:
    """What the citation names beside the software."""
    found: list[dict[str, str]] = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    return found
