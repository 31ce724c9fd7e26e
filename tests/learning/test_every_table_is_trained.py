"""Which tables `python model.py` trains: the default one, and each that ships and has no model."""

import shutil
import sys

import pytest

import model
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry, untrained


@pytest.fixture
def train(scorecard, tmp_path, monkeypatch):
    """Run the command line on an empty folder of models; training puts in its place what was trained before."""
    trained = []

    def copied(package, artifacts, counted=None, promote=None, without=()):
        if without:
            SIBLINGS.append(without)
            return Registry(artifacts).load()
        trained.append(package)
        if package.parent.name in FAILING:
            raise ValueError("the table does not match")
        own = artifacts.relative_to(tmp_path)
        shutil.copytree(
            ARTIFACTS / own,
            artifacts,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("census", "iris", "diabetes"),
        )
        return Registry(artifacts).load()

    def run(*options):
        trained.clear()
        monkeypatch.setattr(sys, "argv", ["model.py", "--artifacts", str(tmp_path), *options])
        model.main()
        return [package.parent.name for package in trained]

    monkeypatch.setattr(model, "train", copied)
    yield run
    FAILING.clear()
    SIBLINGS.clear()


FAILING: set[str] = set()
SIBLINGS: list[list[str]] = []


def test_without_a_name_each_table_that_ships_is_trained(train, tmp_path, capsys):
    assert train() == [PACKAGE.parent.name, "census", "diabetes", "iris"]
    assert "Training the further tables too: census, diabetes, iris." in capsys.readouterr().out
    assert untrained(tmp_path) == []
    assert Schema.from_file(PACKAGE).own["siblings"] == SIBLINGS


def test_who_wants_a_table_alone_gets_no_siblings(train):
    train("--alone")
    assert SIBLINGS == []


def test_the_second_time_only_the_default_one_is_trained(train):
    train()
    assert train() == [PACKAGE.parent.name]


@pytest.mark.parametrize(
    "options", [["--table", "iris"], ["--package", str(PACKAGE)], ["--data", str(PACKAGE.parent)]]
)
def test_who_names_a_table_gets_no_other(train, options):
    assert len(train(*options)) == 1


def test_a_table_that_cannot_be_trained_stops_no_other(train, tmp_path):
    FAILING.add("diabetes")
    with pytest.raises(SystemExit, match="the table does not match"):
        train()
    assert untrained(tmp_path) == ["diabetes"]


def test_a_damaged_registry_counts_as_no_model(train, tmp_path):
    train()
    (tmp_path / "iris" / "registry.json").write_text("{")
    assert untrained(tmp_path) == ["iris"]


def test_versions_that_wait_for_somebody_are_left_alone(train, tmp_path):
    train()
    registry = Registry(tmp_path / "iris")
    waiting = registry.manifest().model_copy(update={"events": []})
    (tmp_path / "iris" / "registry.json").write_text(waiting.model_dump_json())
    assert registry.served() is None and untrained(tmp_path) == []
