import csv
import hashlib
import json
import runpy
from types import SimpleNamespace

import pytest

from glassform.learning.table import read
from glassform.records.datapackage import read_package
from glassform.records.schema import Schema, localised
from tests.conftest import ROOT

DATA = ROOT / "data"
KAGGLE = (
    "age,workclass,fnlwgt,education,education.num,marital.status,occupation,relationship,"
    "race,sex,capital.gain,capital.loss,hours.per.week,native.country,income"
)


@pytest.fixture(scope="module")
def package():
    return json.loads((DATA / "datapackage.json").read_text())


@pytest.fixture(scope="module")
def recipe():
    return SimpleNamespace(**runpy.run_path(str(DATA / "recipe.py")))


@pytest.mark.parametrize(("name", "rows"), [("adult", 32_561), ("adult_test", 16_281)])
def test_each_table_is_the_one_described(package, name, rows):
    (resource,) = (each for each in package["resources"] if each["name"] == name)
    content = (DATA / resource["path"]).read_bytes()
    assert len(content) == resource["bytes"]
    assert "sha256:" + hashlib.sha256(content).hexdigest() == resource["hash"]
    header, *lines = content.decode().splitlines()
    assert (header, len(lines)) == (KAGGLE, rows)


def test_all_columns_are_described_with_title_description_and_rule(package):
    fields = package["resources"][0]["schema"]["fields"]
    assert [field["name"] for field in fields] == KAGGLE.split(",")
    for field in fields:
        assert field["title"] and field["description"] and field["constraints"]["required"]


def test_every_value_of_both_tables_fits_its_description(package):
    for resource in package["resources"]:
        with (DATA / resource["path"]).open(newline="") as file:
            rows = [*csv.DictReader(file)]
        for field in package["resources"][0]["schema"]["fields"]:
            values = {row[field["name"]] for row in rows}
            rule = field["constraints"]
            if field["type"] == "string":
                assert values <= set(rule["enum"]), field["name"]
                assert set(rule["enum"]) == set(field["glassform"]["titles"]), field["name"]
            else:
                assert rule["minimum"] <= min(map(int, values)), field["name"]
                assert max(map(int, values)) <= rule.get("maximum", float("inf")), field["name"]


def test_source_and_licence_are_named(package):
    assert package["sources"][0]["path"] == "https://doi.org/10.24432/C5XW20"
    assert package["licenses"][0]["name"] == "CC-BY-4.0"


def test_the_recipe_cleans_the_original_lines(recipe):
    text = "|1x3 Cross validator\n25, Private, 226802, <=50K.\n38, ?, 89814, >50K.\n\n"
    assert [*recipe.rows(text, skip=1)] == [["25", "Private", "226802", "<=50K"], ["38", "?", "89814", ">50K"]]


def test_the_recipe_takes_the_header_from_the_description(recipe):
    assert ",".join(recipe.header()) == KAGGLE


def test_the_recipe_refuses_another_file(recipe):
    with pytest.raises(ValueError, match="SHA-256"):
        recipe.verified(b"another file", "0" * 64)
    content = b"39, State-gov"
    assert recipe.verified(content, hashlib.sha256(content).hexdigest()) == content.decode()


def test_the_second_census_has_the_same_rows_and_five_fields_more(package):
    second = json.loads((DATA / "census" / "datapackage.json").read_text())
    for one, other in zip(package["resources"], second["resources"], strict=True):
        assert other["path"] == f"../{one['path']}" and other["hash"] == one["hash"]
        assert not (DATA / "census" / one["path"]).exists(), "one copy is enough"
    schema = read_package(DATA / "census" / "datapackage.json")
    columns = [column for column in KAGGLE.split(",") if column not in ("fnlwgt", "education.num", "income")]
    assert [field.column for field in schema.fields] == columns
    assert schema.by_name["capital_gain"].type == schema.by_name["capital_loss"].type == "number"
    assert len(read(schema, "adult_test", DATA / "census").y) == 16_281, "every row fits the description"


def test_both_censuses_say_the_same_of_the_fields_that_they_share(package):
    """Who changes a label of one changes that of the other."""
    second = json.loads((DATA / "census" / "datapackage.json").read_text())
    fields = ({each["name"]: each for each in one["resources"][0]["schema"]["fields"]} for one in (package, second))
    first, other = fields
    for name in package["glassform"]["features"]:
        assert other[name] == first[name]


def test_the_second_census_is_all_in_chinese_too():
    own = json.loads((DATA / "census" / "datapackage.json").read_text())
    chinese, english = Schema(localised(own, "zh")), Schema(own)
    for name, field in english.by_name.items():
        theirs = chinese.by_name[name]
        assert field.title != theirs.title and field.description != theirs.description
        assert not field.unit or field.unit != theirs.unit
        same = [value for value, title in field.categories.items() if theirs.categories[value] == title]
        assert not same
    assert len(chinese.own["card"]["limits"]) == len(english.own["card"]["limits"])
