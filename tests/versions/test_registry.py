"""Versions of the model: added, compared, promoted, gone back to, pruned; nothing altered is ever read."""

import errno
import json
import math
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace

import pytest

from benchmarks.faults import shifted
from glassform.fitted.additive import Points
from glassform.fitted.base import FILE, UnreadableArtifact
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.scorecard import Scorecard
from glassform.learning.command import verdict
from glassform.learning.saving import compare_versions, load_pipeline, register
from glassform.settings import ARTIFACTS
from glassform.versions import registry
from glassform.versions.__main__ import main, parse_options
from glassform.versions.listing import differences
from glassform.versions.manifest import Comparison, InUse, UnknownVersion, judge, passes
from glassform.versions.registry import Registry
from glassform.versions.served import MOST_PINNED, Served, Tables

FINE = Comparison(
    other="a",
    rows=1000,
    measures={
        "roc_auc": (0.88, 0.88),
        "brier_score": (0.11, 0.11),
        "largest_calibration_gap": (0.02, 0.02),
        "largest_group_gap": (0.3, 0.3),
    },
    raised=1,
    lowered=2,
)


def add(versions: Registry, card: Scorecard, comparison: Comparison | None = None) -> str:
    with versions.new_folder() as folder:
        card.save(folder)
        versions.add(folder, comparison)
    return card.version


@pytest.fixture(scope="module")
def scorecard(scorecard) -> Scorecard:
    """A copy of the first model, for registering another made of it writes into what they share."""
    copied: Scorecard = deepcopy(scorecard)
    return copied


@pytest.fixture
def versions(scorecard, tmp_path) -> Registry:
    """Three versions, a, b and c; each was promoted in turn."""
    made = Registry(tmp_path / "artifacts")
    for number, name in enumerate("abc"):
        made.promote(add(made, shifted(scorecard, number / 10, name)))
    return made


def test_the_version_promoted_last_is_current(versions):
    assert (versions.manifest().current, versions.manifest().previous) == ("c", "b")
    versions.promote("a")
    assert (versions.manifest().current, versions.manifest().previous) == ("a", "c")


def test_rolling_back_goes_one_step_after_the_other(versions):
    assert [versions.roll_back(), versions.roll_back()] == ["b", "a"]
    with pytest.raises(InUse, match="no version to go back to"):
        versions.roll_back()
    versions.promote("c")
    assert versions.roll_back() == "a"


def test_what_was_done_stays_written_down(versions):
    versions.roll_back("somebody")
    events = [(event.version, event.how, event.by) for event in versions.manifest().events]
    assert events[-2:] == [("c", "promoted", "command line"), ("b", "rolled back", "somebody")]


def test_promoting_the_current_version_changes_nothing(versions):
    versions.promote("c")
    assert len(versions.manifest().events) == 3


def test_rolling_back_passes_over_what_was_deleted(versions):
    versions.remove("b")
    assert versions.roll_back() == "a"


def test_the_current_version_cannot_be_deleted(versions):
    with pytest.raises(InUse, match="is being served"):
        versions.remove("c")


def test_the_version_that_stands_in_for_a_damaged_one_cannot_be_deleted(versions):
    (versions.folder / "c" / FILE).write_text("{}")
    with pytest.raises(InUse, match="Version b is being served"):
        versions.remove("b")
    assert versions.prune(keep=0) == ["a"]


def test_a_promotion_is_taken_back_once_however_often_that_is_asked(versions):
    assert versions.roll_back(leaving="c") == "b"
    with pytest.raises(InUse, match="Version c is not the current one"):
        versions.roll_back(leaving="c")


def test_deleting_leaves_what_is_registered_meanwhile(versions, scorecard, monkeypatch):
    """The folder of a version that is deleted is gone before anybody can register the same version again."""
    deleting = shutil.rmtree

    def register_first(path, **options):
        monkeypatch.setattr("shutil.rmtree", deleting)
        assert not (versions.folder / "a").exists()
        deleting(path, **options)

    monkeypatch.setattr("shutil.rmtree", register_first)
    versions.remove("a")
    add(versions, shifted(scorecard, 0, "a"))
    assert versions.load("a").version == "a"


def test_pruning_leaves_the_newest_the_current_and_the_one_before(versions, scorecard):
    for name in ("d", "e"):
        add(versions, shifted(scorecard, 1, name))
    assert versions.prune(keep=1) == ["a", "d"]
    assert sorted(path.name for path in versions.folder.iterdir() if path.is_dir()) == ["b", "c", "e"]
    assert versions.prune(keep=0) == ["e"]


def test_a_version_comes_back_as_it_was(versions, scorecard):
    assert versions.load("b") == shifted(scorecard, 0.1, "b")
    assert versions.load() == versions.load("c")


def test_no_folder_is_left_over(versions):
    assert not [path for path in versions.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path, other: path.write_bytes(path.read_bytes().replace(b"0.", b"1.", 1)), "was altered"),
        (lambda path, other: path.write_bytes(path.read_bytes()[:-100]), "was altered"),
        (lambda path, other: path.write_bytes(other.read_bytes()), "was altered"),
        (lambda path, other: path.unlink(), "has no scorecard.json"),
        (lambda path, other: (path.unlink(), path.mkdir()), "has no scorecard.json"),
    ],
    ids=["altered", "truncated", "foreign", "gone", "a folder"],
)
def test_a_version_that_is_not_what_was_registered_is_refused_before_it_is_read(versions, monkeypatch, harm, message):
    harm(versions.folder / "c" / FILE, versions.folder / "b" / FILE)
    monkeypatch.setattr(registry, "parse", lambda text, folder: pytest.fail("it was read"))
    for attempt in (versions.load, lambda: versions.load("c"), lambda: versions.promote("c")):
        with pytest.raises(UnreadableArtifact, match=message):
            attempt()


def test_a_folder_that_was_never_registered_is_no_version(versions, scorecard):
    shutil.copytree(versions.folder / "a", versions.folder / "x")
    with pytest.raises(UnknownVersion, match="no version x here; there is a, b, c"):
        versions.load("x")
    with pytest.raises(UnknownVersion):
        versions.promote("x")


def test_a_version_in_the_folder_of_another_is_refused(versions):
    content = json.loads((versions.folder / registry.FILE).read_text())
    content["versions"]["c"]["sha256"] = content["versions"]["b"]["sha256"]
    (versions.folder / registry.FILE).write_text(json.dumps(content))
    shutil.copy(versions.folder / "b" / FILE, versions.folder / "c" / FILE)
    with pytest.raises(UnreadableArtifact, match="it is b"):
        versions.load("c")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 2}', '{"versions": {"../x": {}}}', '{"versions": {"a": {}}}', '{"what": 1}', "\xff"],
)
def test_a_damaged_registry_is_refused(tmp_path, text):
    (tmp_path / registry.FILE).write_text(text, encoding="latin-1")
    with pytest.raises(UnreadableArtifact, match=r"registry\.json is damaged"):
        Registry(tmp_path).load()


def test_a_damaged_registry_is_laid_aside_by_the_next_training(tmp_path, scorecard):
    (tmp_path / registry.FILE).write_text("{")
    versions = Registry(tmp_path)
    with pytest.raises(UnreadableArtifact):
        versions.promote("a")
    versions.promote(add(versions, scorecard))
    assert versions.load() == scorecard
    assert (tmp_path / "registry.json.damaged").read_text() == "{"


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a" * 65])
def test_a_version_with_a_name_that_is_a_path_is_not_added(tmp_path, scorecard, name):
    with pytest.raises(UnreadableArtifact, match="is no name of a version"):
        add(Registry(tmp_path), replace(scorecard, version=name))
    assert not (tmp_path / registry.FILE).exists()


def test_the_same_version_added_again_stays_as_it_is_unless_it_is_damaged(versions, scorecard):
    before = (versions.folder / "c" / FILE).stat().st_ino
    add(versions, shifted(scorecard, 0.2, "c"))
    assert (versions.folder / "c" / FILE).stat().st_ino == before
    (versions.folder / "c" / FILE).write_text("{")
    add(versions, shifted(scorecard, 0.2, "c"))
    assert versions.load("c") == shifted(scorecard, 0.2, "c")


def test_many_processes_can_change_it_at_once(versions):
    command = [sys.executable, "-m", "glassform.versions", "--artifacts", str(versions.folder), "promote"]
    running = [subprocess.Popen([*command, name], stdout=subprocess.DEVNULL) for name in "abababab"]
    assert [process.wait(timeout=60) for process in running] == [0] * 8
    assert versions.manifest().current in "ab"


# The gates.


def test_a_version_as_good_passes_every_gate():
    assert passes(FINE) and len(judge(FINE)) == 5


@pytest.mark.parametrize(
    ("measure", "older", "newer"),
    [
        ("roc_auc", 0.88, 0.877),
        ("brier_score", 0.11, 0.112),
        ("largest_calibration_gap", 0.02, 0.04),
        ("largest_group_gap", 0.3, 0.33),
    ],
)
def test_each_gate_stops_what_is_worse_and_lets_through_what_is_better(measure, older, newer):
    worse = FINE.model_copy(update={"measures": FINE.measures | {measure: (older, newer)}})
    assert [gate["measure"] for gate in judge(worse) if not gate["passed"]] == [measure]
    assert passes(FINE.model_copy(update={"measures": FINE.measures | {measure: (newer, older)}}))


def test_too_many_changed_answers_stop_a_version():
    assert not passes(FINE.model_copy(update={"raised": 40, "lowered": 20}))


def test_a_version_that_could_not_be_compared_does_not_pass():
    assert not passes(None)


def test_two_versions_are_compared_on_the_same_test_rows(scorecard, splits):
    test, other = splits["adult_test"], shifted(scorecard, -0.5, "other")
    found = compare_versions(other, scorecard, test.X, test.y)
    assert found is not None
    rows = test.X.to_dict("records")
    before = [other.probability(row) >= 0.5 for row in rows]
    after = [scorecard.probability(row) >= 0.5 for row in rows]
    assert found.raised == sum(b and not a for a, b in zip(before, after, strict=True)) > 100
    assert (found.lowered, found.rows, found.other) == (0, 16_281, "other")
    assert found.measures["roc_auc"][1] == pytest.approx(scorecard.evaluation["roc_auc"])
    assert found.measures["brier_score"][0] > found.measures["brier_score"][1]
    groups = scorecard.evaluation["groups"]["sex"].values()
    rates = [sum(b for b, r, y in zip(after, rows, test.y, strict=True) if r["sex"] == s and y) / g["positives"]
             for s, g in zip(scorecard.evaluation["groups"]["sex"], groups, strict=True)]  # fmt: skip
    assert found.measures["largest_group_gap"][1] >= max(rates) - min(rates)


def test_versions_of_different_fields_are_not_compared(scorecard, splits):
    test = splits["adult_test"]
    other = replace(scorecard, points={**scorecard.points, "another": next(iter(scorecard.points.values()))})
    assert compare_versions(other, scorecard, test.X, test.y) is None


@pytest.fixture(scope="module")
def trained(scorecard, splits):
    """A fitted pipeline and the test rows, to register versions with."""
    return load_pipeline(ARTIFACTS), splits["adult_test"]


@pytest.mark.parametrize(
    ("by", "promote", "current"),
    [(0.01, None, "next"), (1.5, None, "first"), (1.5, True, "next"), (0.01, False, "first")],
)
def test_training_promotes_what_passes_the_gates_or_what_it_is_told_to(
    scorecard, trained, tmp_path, capsys, by, promote, current
):
    versions = Registry(tmp_path)
    pipeline, test = trained
    register(shifted(scorecard, 0, "first"), pipeline, test, versions)
    register(shifted(scorecard, by, "next"), pipeline, test, versions, promote)
    assert versions.manifest().current == current
    assert [*versions.manifest().versions] == ["first", "next"]
    printed = verdict(versions, "next")
    assert f"ersion {current}" in printed
    assert ("python -m glassform.versions promote next" in printed) == (current == "first")


def test_a_damaged_current_version_does_not_open_the_gates(scorecard, trained, tmp_path):
    versions, (pipeline, test) = Registry(tmp_path), trained
    for name in ("first", "second"):
        register(shifted(scorecard, 0, name), pipeline, test, versions)
    (tmp_path / "second" / FILE).write_text("{}")
    register(shifted(scorecard, 2, "worse"), pipeline, test, versions)
    assert versions.manifest().current == "second"
    comparison = versions.manifest().versions["worse"].comparison
    assert comparison is not None and comparison.other == "first"
    (tmp_path / "first" / FILE).write_text("{}")
    register(shifted(scorecard, 2, "kept"), pipeline, test, versions, promote=False)
    assert versions.manifest().current == "second"
    register(shifted(scorecard, 2, "only"), pipeline, test, versions)
    assert versions.manifest().current == "only"


def test_training_a_known_version_again_does_not_promote_it(scorecard, trained, tmp_path):
    versions, (pipeline, test) = Registry(tmp_path), trained
    for name in ("first", "second"):
        register(shifted(scorecard, 0, name), pipeline, test, versions)
    versions.roll_back()
    register(shifted(scorecard, 0, "second"), pipeline, test, versions)
    assert versions.manifest().current == "first"
    register(shifted(scorecard, 0, "second"), pipeline, test, versions, promote=True)
    assert versions.manifest().current == "second"


# Where points differ.


def test_differences_come_with_the_largest_first_and_name_what_one_does_not_know(scorecard):
    name, points = next(iter(scorecard.points.items()))
    fewer = replace(points, values=points.values[1:], log_odds=tuple(y + 0.5 for y in points.log_odds[1:]))
    other = replace(scorecard, points={**scorecard.points, name: fewer})
    found = differences(scorecard, other)
    assert (found[0].feature, found[0].value, found[0].candidate) == (name, points.values[0], None)
    assert found[1].size == pytest.approx(0.5) and found[-1].size == 0
    cells = sum(pair.size for pair in scorecard.pairs.values())
    assert len(found) == 1 + sum(len(each.values) for each in scorecard.points.values()) + cells


def test_differences_of_pairs_are_told_cell_by_cell(scorecard):
    name = "marital_status:hours_per_week"
    side = Side("hours_per_week", edges=(40.0, 45.0))
    other = Pair(Side("marital_status", levels=("Divorced", "Unheard-of")), side, ((0.5, -1.0, 2.0), (0.0, 0.0, 0.0)))
    older = replace(scorecard, pairs={name: replace(other, second=Side("hours_per_week", edges=(40.0,)))})
    older = replace(older, pairs={name: replace(older.pairs[name], log_odds=((0.5, 1.0), (0.0, 0.0)))})
    found = differences(older, replace(scorecard, pairs={name: other}))
    assert [(each.feature, each.value, each.current, each.candidate) for each in found[:2]] == [
        (name, "Divorced, [40, 45)", 1.0, -1.0),
        (name, "Divorced, [45, inf)", 1.0, 2.0),
    ]
    assert found[0].title == "Divorced and 40 to 44" and found[1].title == "Divorced and 45 and more"
    absent = differences(replace(scorecard, pairs={}), replace(scorecard, pairs={name: other}))
    assert (absent[0].value, absent[0].current, absent[0].candidate) == ("Divorced, [45, inf)", 0.0, 2.0)


def test_the_points_of_a_curve_are_compared_where_either_version_bends(scorecard):
    jump = math.nextafter(40.0, -math.inf)
    older, newer = (
        Points((17.0, 90.0), (0.0, 73.0), True),
        Points((17.0, jump, 40.0, 90.0), (0.0, 23.0, 30.0, 80.0), True),
    )
    cards = [replace(scorecard, points={**scorecard.points, "age": each}) for each in (older, newer)]
    found = {each.title: each.size for each in differences(*cards) if each.feature == "age"}
    assert found == pytest.approx({"17": 0.0, "below 40": 0.0, "40": 7.0, "90": 7.0})


# What a process serves.


@pytest.fixture
def served(versions, monkeypatch) -> Served:
    monkeypatch.setattr("glassform.versions.served.SECONDS_BETWEEN_LOOKS", 0)
    return Served(versions)


def test_a_promotion_is_taken_without_a_restart(served, versions):
    versions.promote("a")
    served.renew()
    assert served.current.version == "a" and not served.refused


def test_nothing_is_read_while_nothing_changes(served, monkeypatch):
    monkeypatch.setattr(Registry, "manifest", lambda self: pytest.fail("it was read"))
    for _ in range(3):
        served.renew()


def test_a_process_looks_once_a_second_at_most(versions, monkeypatch):
    served = Served(versions)
    monkeypatch.setattr(Registry, "mark", lambda self, version: pytest.fail("it looked"))
    served.renew()


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / registry.FILE).write_text("{"),
        lambda folder: (folder / registry.FILE).unlink(),
        lambda folder: (folder / "a" / FILE).write_text("{}"),
    ],
)
def test_the_old_version_keeps_serving_until_the_harm_is_mended(served, versions, harm):
    versions.promote("a")
    kept = {path: path.read_bytes() for path in versions.folder.rglob("*.json")}
    harm(versions.folder)
    served.renew()
    assert served.current.version == "c" and served.refused
    for path, content in kept.items():
        path.write_bytes(content)
    served.renew()
    assert served.current.version == "a" and not served.refused


def test_harm_to_the_version_being_served_is_told_while_it_is_served(served, versions):
    path = versions.folder / "c" / FILE
    kept = path.read_bytes()
    path.write_text("{}")
    served.renew()
    assert served.current.version == "c" and "version c was altered" in served.refused
    path.write_bytes(kept)
    served.renew()
    assert not served.refused


def test_a_promotion_that_ends_late_does_not_undo_a_later_one(served, versions, monkeypatch):
    """While one thread takes a version, another that was promoted meanwhile waits its turn."""
    reading, later = Registry.read, threading.Thread(target=lambda: (versions.promote("b"), served.take()))

    def slow_read(self, version, registered):
        if version == "a" and not later.ident:
            later.start()
            later.join(timeout=0.5)
        return reading(self, version, registered)

    versions.promote("a")
    monkeypatch.setattr(Registry, "read", slow_read)
    served.take()
    later.join()
    served.renew()
    assert served.current.version == versions.manifest().current == "b"


def test_a_process_that_starts_beside_a_damaged_version_serves_the_one_before(versions):
    (versions.folder / "c" / FILE).write_text("{}")
    served = Served(versions)
    assert served.current.version == "b" and "version c was altered" in served.refused


def test_a_process_does_not_start_with_nothing_to_serve(versions, tmp_path):
    with pytest.raises(FileNotFoundError):
        Served(Registry(tmp_path / "none"))
    for name in "abc":
        (versions.folder / name / FILE).write_text("{}")
    with pytest.raises(UnreadableArtifact, match="version c was altered"):
        Served(versions)


def test_older_versions_are_held_but_not_too_many(served, versions, scorecard):
    names = [add(versions, shifted(scorecard, 1, f"v{number}")) for number in range(8)]
    served.take()
    for name in names:
        assert served.version(name).version == name
    assert len(served.pinned) <= MOST_PINNED
    versions.remove("v7")
    served.take()
    with pytest.raises(UnknownVersion):
        served.version("v7")


def test_only_one_thread_renews(served, versions):
    versions.promote("a")
    with served.lock:
        other = threading.Thread(target=served.renew)
        other.start()
        other.join(timeout=10)
    assert served.current.version == "c"


def test_all_who_first_ask_for_a_further_table_find_it(scorecard):
    tables = Tables(ARTIFACTS, set())
    names = ["iris", "diabetes", "census"] * 8
    together = threading.Barrier(len(names))

    def find(name: str) -> Served | None:
        together.wait()
        return tables.find(name)

    with ThreadPoolExecutor(len(names)) as threads:
        assert all(threads.map(find, names))


# The command line.


def run(versions: Registry, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glassform.versions", "--artifacts", str(versions.folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_commands_do_what_they_say(versions, scorecard):
    listed = run(versions, "list").stdout.splitlines()
    assert [line[:3] for line in listed] == ["  a", "  b", "* c"]
    assert "32,561 rows  ROC AUC 0.8865  Brier 0.1121" in listed[0]
    assert run(versions, "promote", "a").stdout == "Version a is the current one.\n"
    assert run(versions, "rollback").stdout == "Version c is the current one again.\n"
    add(versions, shifted(scorecard, 1, "d"), FINE)
    assert "passes the gates" in run(versions, "list").stdout
    assert verdict(versions, "d").endswith(
        "version c stays current: it existed before. To promote it:\npython -m glassform.versions promote d"
    )
    assert "version c stays current: --no-promote was given." in verdict(versions, "d", promote=False)
    shown = run(versions, "show", "d").stdout
    assert "ok   roc_auc" in shown and "beside version a" in shown and "1 of them rise" in shown
    assert run(versions, "prune", "--keep", "0").stdout == "Deleted: a, d.\n"


def test_a_command_that_cannot_be_done_says_why_in_a_line(versions, tmp_path):
    for words, message in [(["show", "x"], "no version x"), (["promote", "x"], "no version x")]:
        done = run(versions, *words)
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    there = run(versions, "--table", "nope", "list")
    assert there.returncode == 1 and there.stderr == "there is no table nope; there is adult\n"
    assert run(Registry(tmp_path / "none"), "show", "x").stderr == (
        "There is no version x: no model is trained yet.\n"
    )
    assert "no version to go back to" in run(Registry(tmp_path / "none"), "rollback").stderr
    assert (
        run(Registry(tmp_path / "none"), "list").stdout == "There is no version yet; `python model.py` trains one.\n"
    )


@pytest.mark.parametrize("words", ["--table iris list", "list --table iris", "prune --table iris --keep 3"])
def test_the_table_stands_before_a_command_or_after_it(words):
    assert (parse_options(words.split()).table, parse_options(words.split()).artifacts) == ("iris", ARTIFACTS)
    assert parse_options(words.replace("iris", "adult").split()).table == ""  # the default one by its name


@pytest.mark.parametrize("number", ["-1", "1000", "many"])
def test_how_many_versions_to_keep_is_refused_in_a_line(number, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["glassform/versions/__main__.py"])
    with pytest.raises(SystemExit):
        parse_options(["prune", "--keep", number])
    usage, *_, said = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: python -m glassform.versions prune ")
    assert said.endswith(f" prune: error: argument --keep: {number} is not between 0 and 999")


def test_a_folder_that_cannot_be_written_to_is_named_with_the_reason(monkeypatch, tmp_path):
    def refuse(registry: Registry) -> str:
        raise OSError(errno.EROFS, "Read-only file system", str(registry.folder / "registry.lock"))

    monkeypatch.setattr(Registry, "roll_back", refuse)
    with pytest.raises(SystemExit) as stopped:
        main(["rollback", "--artifacts", str(tmp_path)])
    assert stopped.value.code == f"{tmp_path / 'registry.lock'}: Read-only file system"


@pytest.mark.parametrize("name", ["aß", "versión", "a b", "-a", "", "a" * 65, "a/b", "a\n"])
def test_a_name_of_other_letters_is_no_version(name):
    with pytest.raises(ValueError):
        Comparison(other=name, rows=1, measures={}, raised=0, lowered=0)
