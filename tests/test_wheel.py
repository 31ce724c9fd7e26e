"""The wheel: what it holds, and that what it installs trains and serves from an empty folder."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

from benchmarks.measuring import free_port
from tests.conftest import ROOT, lines_of, wait_for

# where the tests' own packages lie, so that the installation needs no network
SHARED = [path for path in sys.path if path.endswith("site-packages")]
# the tests have settings of their own, and a checkout on Python's path
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("GLASSFORM_", "PYTHON"))}


def told(*command: object, cwd: Path = ROOT) -> str:
    """What a command says; it must end well."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("wheel")
    told(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def glassform(wheel, tmp_path_factory) -> Path:
    """The command, as the wheel installs it."""
    folder: Path = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text("\n".join(SHARED))
    python = folder / "bin" / "python"
    told(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    return folder / "bin" / "glassform"


def test_a_wheel_holds_all_that_serves_and_trains_inside_the_package(wheel):
    names = set(ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"glassform", "glassform-0.1.0.dist-info"}
    beside = [*ROOT.glob("*.py"), *ROOT.glob("templates/**/*.*"), *ROOT.glob("static/**/*.*")]
    shipped = [ROOT / "data" / name for name in ("datapackage.json", "adult.csv", "adult_test.csv")]
    tables = [path for name in ("census", "diabetes", "iris") for path in ROOT.glob(f"data/{name}/*")]
    assert {f"glassform/{path.relative_to(ROOT).as_posix()}" for path in (*beside, *shipped, *tables)} <= names
    inside = [path for path in (ROOT / "glassform").rglob("*.*") if "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in inside} <= names
    assert "glassform/translations/zh/LC_MESSAGES/messages.mo" in names
    assert "glassform/accounts/migrations/alembic.ini" in names
    assert not [name for name in names if "data/recipe.py" in name or "tests/" in name or "__pycache__" in name]


def test_the_command_names_its_subcommands_and_each_knows_its_name(glassform, tmp_path):
    overview = told(glassform, "--help", cwd=tmp_path)
    for subcommand in ("serve", "train", "score", "add"):
        assert f"\n    {subcommand} " in overview
        assert told(glassform, subcommand, "--help", cwd=tmp_path).startswith(f"usage: glassform {subcommand} ")
    assert not list(tmp_path.iterdir())


def test_a_checkout_has_the_same_command():
    assert told(sys.executable, "-m", "glassform", "score", "--help").startswith("usage: glassform score ")


def test_what_a_wheel_installs_trains_and_serves_in_an_empty_folder(glassform, record, tmp_path):
    assert "is the current one." in told(glassform, "train", cwd=tmp_path)
    table = ROOT / "data" / "iris" / "iris.csv"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [glassform, "serve", "--port", str(port)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(f"{url}/health/ready")
        assert json.load(urlopen(f"{url}/health/ready"))["status"] == "ready"
        with urlopen(f"{url}/probability.html?{urlencode(record)}&lang=zh") as page:
            assert '<html lang="zh' in page.read().decode()
        with urlopen(f"{url}/static/style.css") as style:
            assert style.status == 200
        assert json.load(urlopen(f"{url}/probability.json?{urlencode(record)}"))["probability"] < 0.5
        assert {path.name for path in tmp_path.iterdir()} == {"artifacts", "instance"}
        told(glassform, "add", table, "--target", "species", "--name", "flowers", cwd=tmp_path)
        wait_for(f"{url}/flowers/model.json")
    finally:
        server.terminate()
        output, _ = server.communicate(timeout=20)
    assert server.returncode == 0, output
    # one line only: no warning that the database's tables could not be made
    (line,) = lines_of(output)
    assert line.endswith(f"{url} (Ctrl-C stops)")
    assert {path.name for path in tmp_path.iterdir()} == {"artifacts", "instance", "data"}
