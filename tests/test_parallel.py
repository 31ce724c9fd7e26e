"""A parallel run takes together what shares something dear."""

import os
import re
import subprocess
import sys

from tests.conftest import ROOT
from tests.parallel import group

RAN = re.compile(r"\[(gw\d)\].* PASSED (\S+)::")


def test_a_file_is_run_by_one_process_and_a_spread_one_by_any(tmp_path):
    """A run that loses its groups does not fail; it makes each fixture in every process."""
    for name in ("test_whole.py", "test_another.py", "test_score.py"):
        (tmp_path / name).write_text("".join(f"def test_{number}(): pass\n" for number in range(20)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    options = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.parallel", *options, tmp_path],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    by_file = {
        file: {gw for gw, its in RAN.findall(done.stdout) if its == file} for _, file in RAN.findall(done.stdout)
    }
    assert {file: len(processes) for file, processes in by_file.items()} == {
        "test_whole.py": 1,
        "test_another.py": 1,
        "test_score.py": 2,
    }, done.stdout


def test_a_fixture_with_parameters_makes_a_group_of_each():
    names = [f"tests/accounts/test_at_once.py::test_{end}" for end in ("a[sqlite]", "b[sqlite-2]", "a[postgresql]")]
    assert [group(name) for name in names] == ["at_once sqlite", "at_once sqlite", "at_once postgresql"]
