"""What git refuses once `make hooks` has run; in a repository of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture
def repository(tmp_path) -> Path:
    """A git repository with the project's hooks and its environment."""
    folder: Path = tmp_path / "repository"
    folder.mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".pre-commit-config.yaml", "pyproject.toml")
    run(folder, sys.executable, "-m", "pre_commit", "install")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a repository, without the settings of this machine and of the hook that may run the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{who}_{what}": "tests@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    places = {"GIT_CONFIG_GLOBAL": os.devnull, "PRE_COMMIT_HOME": str(folder.parent / "cache")}
    return subprocess.run(
        command, cwd=folder, env=environment | who | places, capture_output=True, text=True, check=False
    )


def git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "git", *words)


def commit(folder: Path, name: str, content: bytes) -> subprocess.CompletedProcess[str]:
    """Try to commit a file."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    git(folder, "add", "--force", name)
    return git(folder, "commit", "--quiet", "--message", "A try")


def test_a_sound_file_is_committed(repository):
    done = commit(repository, "notes.md", b"A note.\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(repository, "log", "--format=%s").stdout == "A try\n"


@pytest.mark.parametrize(
    "name",
    ["notes.md.orig", "artifacts/x/scorecard.json", "secret.12.unfinished", "glassform.sqlite-wal", "notes.md~"],
)
def test_a_leftover_is_refused(repository, name):
    done = commit(repository, name, b"{}\n")
    assert done.returncode == 1 and "no leftovers" in done.stderr and name in done.stderr


def test_a_large_file_is_refused(repository):
    done = commit(repository, "people.csv", bytes(600 * 1024))
    assert done.returncode == 1 and "people.csv (600 KB) exceeds 500 KB" in done.stderr


def test_what_ruff_refuses_is_refused(repository):
    (repository / "wrong.py").write_text("import os\n")
    git(repository, "add", "wrong.py")
    done = run(repository, sys.executable, "-m", "pre_commit", "run", "ruff")
    assert done.returncode == 1 and "F401" in done.stdout


def test_the_files_of_the_project_pass(repository):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    git(repository, "add", ".")
    done = run(repository, sys.executable, "-m", "pre_commit", "run", "leftovers")
    assert done.returncode == 0, done.stdout
