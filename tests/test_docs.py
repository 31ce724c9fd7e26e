"""The documents say what is so, and every command in the README runs."""

import json
import re
import subprocess
import sys

import pytest

from glassform.versions.registry import Registry
from tests.conftest import ROOT
from tests.test_architecture import GROUND, floors

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
DESIGN, CONTRIBUTING = (ROOT / "docs" / "design.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
MAKE_TARGETS = ["run", "test", "check"]


def commands(language: str) -> list[str]:
    return [line for kind, block in BLOCKS if kind == language for line in block.splitlines()]


PLAIN = [line for line in commands("sh") if line.startswith(("python3", ".venv"))][:3]
LARGE = [line for line in README.partition("## When one machine")[2].splitlines() if line.startswith(".venv")]


OWN = [line for line in commands("sh") if "--add" in line]


def test_the_command_for_a_table_of_ones_own_does_what_the_readme_says(tmp_path):
    (command,) = OWN
    folders = ["--data", str(tmp_path / "data"), "--artifacts", str(tmp_path)]
    done = subprocess.run([sys.executable, *command.split()[1:], *folders], cwd=ROOT, capture_output=True, text=True)
    assert "Open it at http://127.0.0.1:5000/flowers/" in done.stdout, done.stderr
    assert (tmp_path / "data" / "flowers" / "datapackage.json").exists() and "/flowers/" in README


def test_the_readme_is_short():
    assert len(README.splitlines()) < 120


def test_every_shell_command_is_one_this_file_runs():
    kinds = {line.split()[0] for line in commands("sh")}
    assert kinds == {"make", "curl", "python3", ".venv/bin/python"}
    assert [line for line in commands("sh") if line.startswith((".venv", "python3"))] == [*PLAIN, *OWN, *LARGE]
    assert {line for line in commands("sh") if line.startswith("make")} == {f"make {each}" for each in MAKE_TARGETS}


@pytest.mark.parametrize("command", [line for line in commands("sh") if line.startswith("curl")])
def test_every_curl_command_answers_as_the_readme_says(server, scorecard, record, command, tmp_path):
    command = command.replace("http://127.0.0.1:5000", server).replace("curl ", "curl --silent --fail ", 1)
    command = command.replace("scored.csv", str(tmp_path / "scored.csv"))
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    if "scored.csv" in command:
        sent, scored = (ROOT / "data" / "adult_test.csv").read_text(), (tmp_path / "scored.csv").read_text()
        assert len(scored.splitlines()) == len(sent.splitlines())
        assert scored.splitlines()[0] == f"{sent.splitlines()[0]},probability"
        return
    answer = json.loads(done.stdout)
    assert answer["probability"] == scorecard.probability(record)
    (shown,) = (json.loads(block) for kind, block in BLOCKS if kind == "json")
    assert list(shown) == list(answer)
    for member in ("probability", "log_odds", "intercept"):
        assert shown[member] == pytest.approx(answer[member], abs=5e-4)
    assert shown["interval"] == pytest.approx(answer["interval"], abs=5e-4)
    assert shown["contributions"][0]["log_odds"] == pytest.approx(answer["contributions"][0]["log_odds"], abs=5e-4)


@pytest.mark.parametrize("command", LARGE)
def test_every_command_for_large_tables_does_what_it_says(scorecard, command, tmp_path):
    words = command.replace("scored.csv", str(tmp_path / "scored.csv")).split()[1:]
    if words[:2] == ["-m", "pip"]:  # the tests run with what it installs
        assert (ROOT / words[-1]).exists() and "-r requirements.txt" in (ROOT / words[-1]).read_text()
        return
    trains = words[0] == "model.py"
    # the tests keep their model, and a table's siblings have tests of their own
    artifacts = ["--alone", "--artifacts", str(tmp_path)] if trains else []
    done = subprocess.run([sys.executable, *words, *artifacts], cwd=ROOT, capture_output=True, text=True, check=True)
    if trains:
        assert Registry(tmp_path).load().sums(scorecard.typical) == pytest.approx(
            scorecard.sums(scorecard.typical), abs=1e-6
        )
    elif "--sql" in words:
        assert scorecard.version in done.stdout and "SELECT" in done.stdout
    else:
        assert len((tmp_path / "scored.csv").read_text().splitlines()) == 16_282


def test_the_python_lines_print_the_probability(scorecard, record):
    (code,) = (block for kind, block in BLOCKS if kind == "python")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) == scorecard.probability(record)


PYTHON = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("code", PYTHON, ids=["load", "explain", "fit"])
def test_every_example_of_the_python_document_runs(scorecard, code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    if "explain(" in code and " = " in done.stdout:
        added, log_odds = map(float, done.stdout.split(" = "))
        assert added == pytest.approx(log_odds, abs=1e-12)
    assert 0 <= float(said[0].split()[0].lstrip("-")) < 3


def steps(target: str, folder) -> list[str]:
    """What make would do for a target in a fresh clone."""
    for name in ("Makefile", *(path.name for path in ROOT.glob("requirements*.txt"))):
        (folder / name).write_text((ROOT / name).read_text())
    # the make that may be running these tests must not speak through its variables
    command = ["env", "-u", "MAKELEVEL", "-u", "MAKEFLAGS", "make", "--dry-run", target]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_make_run_does_what_the_plain_lines_do(tmp_path):
    made = [step.partition(" ||")[0] for step in steps("run", tmp_path) if not step.startswith("touch")]
    assert [step.replace(" --disable-pip-version-check", "") for step in made] == PLAIN


def test_the_windows_lines_are_the_plain_lines():
    windows = [line.replace("py ", "python3 ", 1) if line.startswith("py ") else line for line in commands("bat")]
    assert [line.replace("\\", "/").replace(".venv/Scripts", ".venv/bin") for line in windows] == PLAIN


@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_make_installs_before_it_runs(tmp_path, target):
    done = steps(target, tmp_path)
    assert done[0].startswith("python3 -m venv .venv")
    assert any("pip install" in step for step in done[1:-1])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_local_link_leads_somewhere(document):
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)", document.read_text()):
        assert not target or (document.parent / target).exists(), target


def test_the_files_the_design_lists_are_the_files_there_are():
    programs = {path.name for path in ROOT.glob("*.py")}
    rooms = {f"{path.name}/" for path in (ROOT / "glassform").iterdir() if (path / "__init__.py").exists()}
    for document in (DESIGN, CONTRIBUTING):
        assert programs | rooms <= set(re.findall(r"(?<= )[a-z]+(?:\.py|/)(?= )", document))


def test_the_diagram_of_the_house_shows_every_room_on_its_floor():
    drawn = re.findall(r"^    (\d)  ([a-z ]+)$", DESIGN, flags=re.MULTILINE)
    shown = {name: int(floor) for floor, names in drawn for name in names.split()}
    assert shown == floors() | dict.fromkeys(GROUND, 1)


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=lambda path: path.name
)
def test_every_file_a_document_names_is_there(document):
    for name in re.findall(r"`([\w/]+\.(?:py|js|html))`", document.read_text()):
        folders = (ROOT, ROOT / "glassform", document.parent)
        assert "/" not in name or any((folder / name).exists() for folder in folders), name


def test_nothing_takes_more_than_three_places_to_add():
    rows = re.findall(r"^\| an? [\w ]+ \| (.*) \|$", CONTRIBUTING, flags=re.MULTILINE)
    assert len(rows) == 7
    assert all(len(way.split(";")) <= 3 for way in rows)


def test_no_document_holds_a_blank():
    for document in DOCUMENTS:
        assert not re.search(r"TODO|FIXME|XXX", document.read_text()), document.name


def test_the_licence_names_the_data():
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License") and "CC BY 4.0" in text and "10.24432/C5XW20" in text
