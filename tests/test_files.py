"""Files that are written whole or not at all."""

import fnmatch
import io
import sys

import pytest

from glassform.files import print_any_text, print_exactly, written_whole
from tests.conftest import ROOT


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file.json").write_text("old")
    return tmp_path / "file.json"


def test_a_written_file_takes_the_old_ones_place(path):
    with written_whole(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [*path.parent.iterdir()] == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path):
    with pytest.raises(ZeroDivisionError), written_whole(path) as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [*path.parent.iterdir()] == [path]


def test_the_first_of_two_writers_wins_if_the_existing_file_is_kept(tmp_path):
    path = tmp_path / "secret"
    with written_whole(path, keep_existing=True) as slow:
        slow.write_text("slow")
        with written_whole(path, keep_existing=True) as fast:
            fast.write_text("fast")
    assert path.read_text() == "fast"
    assert [*tmp_path.iterdir()] == [path]


def test_git_ignores_what_a_killed_writer_leaves(path):
    with written_whole(path) as unfinished:
        unfinished.touch()
        ignored = (ROOT / ".gitignore").read_text().split()
        assert any(fnmatch.fnmatch(unfinished.name, pattern) for pattern in ignored)


def test_a_console_prints_what_it_has_no_letter_for(monkeypatch):
    console = io.TextIOWrapper(written := io.BytesIO(), encoding="cp1252", newline="")
    monkeypatch.setattr(sys, "stdout", console)
    print_any_text()
    print("café 是")
    print_exactly("SELECT 1 ")
    print_exactly("是")
    assert written.getvalue() == "café \\u662f\nSELECT 1 ".encode("cp1252") + "是".encode()
