"""What is installed: pyproject.toml, the requirements files and the lock file say the same."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = sorted(ROOT.glob("requirements*.txt"))
LOCK = (ROOT / "requirements.lock").read_text()
HASHED = re.compile(r"(\S+)==(\S+)(?: ; [^\\\n]+)?(?: \\\n +--hash=sha256:[0-9a-f]{64})+\n")


def requirements(path: Path) -> list[Requirement]:
    """The packages that a file names itself."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    return [Requirement(line) for line in lines]


def loosened(pinned: Requirement) -> str:
    """A requirement of the pinned release or a later one of the same major version."""
    (pin,) = pinned.specifier
    major, minor, *_ = pin.version.split(".")
    extras = f"[{','.join(sorted(pinned.extras))}]" if pinned.extras else ""
    where = f"; {pinned.marker}" if pinned.marker else ""
    return f"{pinned.name}{extras}~={major}.{minor}{where}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_requirement_is_pinned(path):
    for each in requirements(path):
        assert [pin.operator for pin in each.specifier] == ["=="], each


def test_the_wheel_asks_for_what_the_requirements_pin_or_a_later_minor_release():
    assert PROJECT["dependencies"] == [loosened(each) for each in requirements(ROOT / "requirements.txt")]
    extras = PROJECT["optional-dependencies"]
    for name, lower in (("engines", []), ("spark", ["glassform[engines]"]), ("tracing", [])):
        expected = [loosened(each) for each in requirements(ROOT / f"requirements-{name}.txt")]
        assert extras[name] == [*lower, *expected]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_lock_file_holds_every_requirement_as_it_is_pinned(path):
    locked = {(name, version) for name, version in HASHED.findall(LOCK)}
    for each in requirements(path):
        (pin,) = each.specifier
        assert (canonicalize_name(each.name), pin.version) in locked, f"{each} is not locked: run `make lock`"


def test_the_lock_file_holds_nothing_without_a_hash_and_names_no_place():
    comments = [line for line in LOCK.splitlines() if line.startswith("#")]
    left = HASHED.sub("", LOCK).splitlines()
    assert left == comments and "make lock" in comments[-1]
    assert "/" not in LOCK
