"""Mistakes in a data package, each told with its place."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import model
from glassform.records.datapackage import InvalidPackage, read_package
from glassform.settings import PACKAGE
from glassform.versions.registry import Registry
from tests.conftest import ROOT

SOUND = {
    "name": "sizes",
    "title": "Sizes",
    "description": "A table.",
    "glassform": {
        "question": "Is it large?",
        "note": "A note.",
        "target": "large",
        "positive": "yes",
        "outcome": "is large",
        "features": ["size", "kind"],
        "groups": ["kind"],
        "estimator": "logistic",
        "train": "sizes",
        "test": "sizes_test",
    },
    "resources": [
        {
            "name": "sizes",
            "path": "sizes.csv",
            "schema": {
                "fields": [
                    {"name": "size", "type": "number", "constraints": {"minimum": 0, "maximum": 9}},
                    {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b"]}},
                    {"name": "large", "type": "string", "constraints": {"enum": ["no", "yes"]}},
                ]
            },
        },
        {"name": "sizes_test", "path": "sizes_test.csv"},
    ],
}
FIELDS = ("resources", 0, "schema", "fields")
GONE = object()


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The sound package with one thing in it changed, or taken out."""
    package: Any = copy.deepcopy(SOUND)
    inner = package
    for part in place[:-1]:
        inner = inner[part]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return dict(package)


def written(folder: Path, package: Any) -> Path:
    path = folder / "datapackage.json"
    path.write_text(package if isinstance(package, str) else json.dumps(package), encoding="utf-8")
    return path


def test_a_sound_package_and_those_that_ship_are_read(tmp_path):
    assert read_package(written(tmp_path, SOUND)).name == "sizes"
    for path in [PACKAGE, *PACKAGE.parent.glob("*/datapackage.json")]:
        assert read_package(path).fields


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("title",), GONE, "title: field required"),
        (("glassform",), GONE, "glassform: field required"),
        (("glassform", "target"), "larg", "glassform.target: 'larg' is no field; did you mean large?"),
        (("glassform", "features"), ["size", "kin"], "glassform.features[1]: 'kin' is no field; did you mean kind?"),
        (("glassform", "features"), [], "glassform.features: list should have at least 1 item"),
        (("glassform", "features"), ["size", "size"], "glassform.features: size stands there more than once"),
        (("glassform", "features"), ["size", "large"], "glassform.features: large is the target"),
        (("glassform", "groups"), ["size"], "glassform.groups: size has no categories"),
        (
            ("glassform", "pairs"),
            {"use": [["size", "kind"], ["kind", "size"]]},
            "glassform.pairs.use[1]: stands there more than once",
        ),
        (
            ("glassform", "pairs"),
            {"use": [["size", "size"]]},
            "glassform.pairs.use[0]: size makes no pair with itself",
        ),
        (("glassform", "positive"), "maybe", "glassform.positive: 'maybe' is not one of no, yes"),
        (("glassform", "train"), "size", "glassform.train: 'size' is no resource; did you mean sizes?"),
        (("glassform", "estimater"), "svm", "glassform.estimater: extra inputs are not permitted"),
        (("glassform", "noun"), {"one": "box"}, "glassform.noun.many: field required"),
        ((*FIELDS, 0, "type"), "float", "resources[0].schema.fields[0].type: input should be 'integer'"),
        ((*FIELDS, 0, "constraints"), {"minimum": 0}, "fields[0] (size).constraints.maximum: is missing"),
        ((*FIELDS, 0, "glassform"), {"observed": {"minimum": 0}}, "glassform.observed.maximum: field required"),
        ((*FIELDS, 0, "constraints", "minimum"), 10, "the minimum, 10, is not below the maximum, 9"),
        ((*FIELDS, 0, "constraints", "minimum"), "x", "constraints.minimum: input should be a valid number"),
        (
            (*FIELDS, 0, "constraints", "minimum"),
            float("nan"),
            "constraints.minimum: input should be a finite number",
        ),
        ((*FIELDS, 1, "constraints"), {}, "fields[1] (kind).constraints.enum: is missing"),
        ((*FIELDS, 1, "constraints", "enum"), ["a", "a"], "a category stands there more than once"),
        ((*FIELDS, 1, "constraints", "enum"), [1, 2], "constraints.enum[0]: input should be a valid string"),
        ((*FIELDS, 1, "type"), "integer", "fields[1] (kind).type: is integer, and constraints.enum lists categories"),
        ((*FIELDS, 1, "glassform"), {"titles": {"c": "C"}}, "glassform.titles: 'c' is no category of the field"),
        (
            (*FIELDS, 1, "glassform"),
            {"reasons": {"values": {"c": "C."}}},
            "glassform.reasons.values: 'c' is no category of the field",
        ),
        (
            (*FIELDS, 1, "glassform"),
            {"reasons": {"code": "=1"}},
            "glassform.reasons.code: string should match pattern",
        ),
        (
            (*FIELDS, 1, "glassform"),
            {"reasons": {"sentense": ""}},
            "reasons.sentense: extra inputs are not permitted",
        ),
        *(
            ((*FIELDS, 1, "glassform"), {"aliases": [name]}, f"fields[1] (kind).glassform.aliases: {name!r} means")
            for name in ("lang", "Model", "format")
        ),
        ((*FIELDS, 1, "glassform"), {"unti": "cm"}, "fields[1].glassform.unti: extra inputs are not permitted"),
        (("resources", 0, "schema"), GONE, "resources[0].schema: is missing"),
        (("resources", 0, "schema", "missingValues"), "NA", "schema.missingValues: input should be a valid list"),
        (("resources", 0, "schema", "missingValues"), ["", "a"], "(kind).constraints.enum: 'a' stands in"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, place, value, message):
    path = written(tmp_path, changed(place, value))
    with pytest.raises(InvalidPackage) as mistake:
        read_package(path)
    assert message in str(mistake.value) and str(path) in str(mistake.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"name": "x",}', "is not JSON: "), ("[]", "the whole: input should be"), ("", "(line 1, column 1)")],
)
def test_what_is_no_package_is_told_so(tmp_path, text, message):
    with pytest.raises(InvalidPackage) as mistake:
        read_package(written(tmp_path, text))
    assert message in str(mistake.value)


def test_several_mistakes_are_told_at_once_by_the_command(tmp_path):
    wrong = changed(("glassform", "features"), ["sze", "kind", "knd"])
    command = [sys.executable, str(ROOT / "model.py"), "--package", str(written(tmp_path, wrong))]
    done = subprocess.run([*command, "--artifacts", str(tmp_path / "a")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "features[0]" in done.stderr and "features[2]" in done.stderr


def test_an_estimator_that_is_none_for_the_target_is_refused_by_name(tmp_path):
    rows = "".join(f"{number % 9},{'ab'[number % 2]},{'no' if number % 3 else 'yes'}\n" for number in range(60))
    for name in ("sizes.csv", "sizes_test.csv"):
        (tmp_path / name).write_text(f"size,kind,large\n{rows}")
    path = written(tmp_path, changed(("glassform", "estimator"), "linear"))
    with pytest.raises(ValueError, match="'linear' is not one of logistic, svm, boosting, which binary targets"):
        model.train(path, tmp_path / "artifacts")


def test_a_description_can_be_edited_and_trained_again(tmp_path):
    rows = "".join(f"{number % 9},{'ab'[number % 2]},{'no' if number % 3 else 'yes'}\n" for number in range(60))
    for name in ("sizes.csv", "sizes_test.csv"):
        (tmp_path / "data" / "sizes").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "sizes" / name).write_text(f"size,kind,large\n{rows}")
    options = ["--table", "sizes", "--data", str(tmp_path / "data"), "--artifacts", str(tmp_path)]
    versions: list[str] = []
    for estimator in ("logistic", "boosting", "svm", "logistic"):
        written(tmp_path / "data" / "sizes", changed(("glassform", "estimator"), estimator))
        command = [sys.executable, str(ROOT / "model.py"), *options, "--promote"]
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        card = Registry(tmp_path / "sizes").load()
        versions.append(card.version)
        assert card.is_additive == (estimator == "logistic")
        assert f"Version {card.version} is the current one." in said
    fresh = [*command[:-3], "--artifacts", str(tmp_path / "fresh"), "--no-promote"]
    first = subprocess.run(fresh, capture_output=True, check=True, text=True).stdout
    assert f"Version {versions[0]} is saved, but no version is current: --no-promote was given." in first
    assert "Open it at" in said and "Open it at" not in first
    assert len({*versions}) == 3 and versions[0] == versions[-1]
    written(tmp_path / "data" / "sizes", changed(("glassform", "estimator"), "svm"))
    again = subprocess.run(command[:-1], capture_output=True, check=True, text=True).stdout
    assert f"python -m glassform.versions --table sizes promote {versions[2]}\n" in again


@pytest.mark.parametrize(
    "path",
    [
        "../sizes.csv",
        "../../data/sizes.csv",
        "parts/../../sizes.csv",
        "..",
        "/etc/hostname",
        "C:/sizes.csv",
        r"..\sizes.csv",
        "https://example.org/sizes.csv",
        "file:///etc/hostname",
    ],
)
def test_a_file_outside_of_the_packages_folder_is_refused(tmp_path, path):
    (tmp_path / "sizes.csv").write_text("size,kind,large\n1,a,no\n")
    folder = tmp_path / "sizes"
    folder.mkdir()
    with pytest.raises(InvalidPackage, match=r"resources\[0\]\.path: .* folder"):
        read_package(written(folder, changed(("resources", 0, "path"), path)))


def test_a_file_of_the_package_above_is_shared(tmp_path):
    """Several tables can be made of one file, as `census` and the default table are."""
    written(tmp_path, SOUND)
    folder = tmp_path / "few"
    folder.mkdir()
    assert read_package(written(folder, changed(("resources", 0, "path"), "../sizes.csv"))).name == "sizes"
    with pytest.raises(InvalidPackage, match="is no file of the package above it"):
        read_package(written(folder, changed(("resources", 0, "path"), "../others.csv")))


def test_a_file_cannot_be_passed_on_from_further_above(tmp_path):
    """A package between names what lies above it: one below may not follow."""
    middle, below = tmp_path / "middle", tmp_path / "middle" / "below"
    below.mkdir(parents=True)
    written(tmp_path, SOUND)
    written(middle, changed(("resources", 0, "path"), "../sizes.csv"))
    with pytest.raises(InvalidPackage, match="leads out of the package's folder"):
        read_package(written(below, changed(("resources", 0, "path"), "../../sizes.csv")))


@pytest.mark.parametrize("name", ["lang", "Model", "format"])
def test_a_field_cannot_have_a_name_that_means_something_else(tmp_path, name):
    package = changed((*FIELDS, 0, "name"), name)
    package["glassform"]["features"] = [name, "kind"]
    with pytest.raises(InvalidPackage, match=rf"fields\[0\] \({name}\).name: '{name}' means something else"):
        read_package(written(tmp_path, package))
