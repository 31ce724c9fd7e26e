"""`load`: the served version of a table, asked in Python, at no cost to who does not train."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glassform
from glassform import load
from glassform.notebook import loading
from glassform.records.messages import InvalidRecord
from glassform.settings import ARTIFACTS
from glassform.versions.manifest import UnknownVersion
from model import predict_probability
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("scorecard")


def test_the_default_table_is_found_by_its_name_by_none_and_by_its_folder(scorecard):
    for model in (load(), load(scorecard.schema.name), load(ARTIFACTS), load(str(ARTIFACTS))):
        assert model.version == scorecard.version and [*model.schema.by_name] == [*scorecard.schema.by_name]
    assert load(version=scorecard.version).version == scorecard.version
    assert repr(load()) == f"<Model {scorecard.schema.name}, version {scorecard.version}>"


def test_fields_are_given_by_name_in_order_or_both(scorecard, record):
    model = load()
    first, *others = record.values()
    rest = dict(zip([*record][1:], others, strict=True))
    expected = scorecard.probability(record)
    assert model.predict_probability(**record) == model.predict_probability(*record.values()) == expected
    assert model.predict_probability(first, **rest) == predict_probability(**record) == expected
    assert model.predict(**record) == scorecard.schema.classes[expected > 0.5]


def test_an_explanation_is_the_answer_of_the_server(client, record):
    answer = load().explain(**record)
    assert json.loads(json.dumps(answer)) == client.post("/probability", json=record).json


def test_many_records_are_dictionaries_or_a_data_frame(client, record):
    rows = [record, {name: np.int64(value) if isinstance(value, int) else value for name, value in record.items()}]
    expected = [
        {"probability": each["probability"]} for each in client.post("/probabilities", json=[record] * 2).json
    ]
    assert load().answers(rows) == load().answers(pd.DataFrame(rows).assign(more=1)) == expected


def test_each_kind_of_target_answers_in_its_way():
    flowers, number = load("iris"), load("diabetes")
    flower = {field.name: field.bounds[0] for field in flowers.schema.fields}
    shares = flowers.predict_probability(**flower)
    assert shares[flowers.predict(**flower)] == max(shares.values()) and [*shares] == flowers.schema.classes
    person = number.fitted.typical
    assert number.predict(**person) == number.explain(**person)["prediction"]
    with pytest.raises(TypeError, match="diabetes predicts a number, and no probability; use predict"):
        number.predict_probability(**person)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"age": 200}, "age: 200 is not between 17 and 90"), ({"shoe": 1}, "shoe: ")],
)
def test_a_record_that_is_none_is_refused_with_its_field_value_and_rule(record, change, message):
    with pytest.raises(InvalidRecord, match=message):
        load().predict_probability(**record | change)


def test_an_invalid_row_of_many_is_named(record):
    with pytest.raises(InvalidRecord, match="age: none is not a whole number in plain digits\\nin row 2"):
        load().answers([record, record | {"age": "none"}])


def test_a_frame_may_have_columns_called_by_numbers_and_gaps_of_pandas(record):
    table = pd.DataFrame([record] * 2)
    expected = load().answers(table)
    odd = table.assign(more=pd.array([pd.NA, 1], dtype="Int64")).rename(columns={"more": 7})
    assert load().answers(odd) == expected
    with pytest.raises(InvalidRecord, match="age: null is not a whole number"):
        load().answers(table.assign(age=pd.array([39, pd.NA], dtype="Int64")))
    with pytest.raises(InvalidRecord, match="age: null is not a whole number"):
        load().answers([record | {"age": pd.NA}])


def test_two_columns_of_one_name_are_refused(record):
    table = pd.DataFrame([record]).assign(more=1)
    with pytest.raises(ValueError, match="two columns of the data frame are called more"):
        load().answers(pd.concat([table, table[["more"]]], axis=1))


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ({"age": 39}, "this is of type dict"),
        (39, "this is of type int"),
        ([{"age": 39}, [39]], "row 2 is of type list"),
        (np.ones((2, 7)), "row 1 is of type ndarray"),
        (pd.Series([39]), "row 1 is of type int"),
    ],
)
def test_what_is_neither_dictionaries_nor_a_data_frame_is_refused(rows, what):
    with pytest.raises(TypeError, match=f"^rows are dictionaries or a data frame, and {what}$"):
        load().answers(rows)


@pytest.mark.parametrize("table", ["", "iris", "diabetes", "census"])
def test_a_loaded_model_can_be_pickled_once_it_was_asked(table):
    model = load(table)
    typical = model.fitted.typical
    before = model.explain(**typical)
    again = pickle.loads(pickle.dumps(model))
    assert again.explain(**typical) == before and again.predict(**typical) == model.predict(**typical)


def test_a_wrong_number_of_values_is_refused(record):
    with pytest.raises(TypeError, match="8 values were given, and a record has 7: age, "):
        load().predict_probability(*record.values(), 1)
    with pytest.raises(InvalidRecord, match="age: "):
        load().predict_probability(1, **record)


def test_a_table_or_version_that_is_not_there_is_refused(tmp_path):
    for name in ("shoes", "Adult", "adult ", "my-table", "no/folder"):
        with pytest.raises(FileNotFoundError, match=f"there is no table '{name}'; there are adult, .*iris"):
            load(name)
    for folder in (tmp_path, str(tmp_path), tmp_path / "shoes"):
        with pytest.raises(FileNotFoundError, match=re.escape(f"{folder} is no folder of a model's versions")):
            load(folder)
    with pytest.raises(UnknownVersion):
        load(version="0123456789ab")


@pytest.mark.parametrize(
    ("table", "options"), [("", ("--alone", "--package")), ("iris", ("--alone", "--table", "iris"))]
)
def test_a_table_that_was_never_trained_is_trained_first(tmp_path, monkeypatch, table, options):
    asked: list[tuple[str, ...]] = []

    def train(*given: str) -> None:
        asked.append(given)
        (tmp_path / "models").symlink_to(ARTIFACTS)

    for module in ("registry", ""):
        target = f"glassform.versions.{module}" if module else "glassform.notebook.loading"
        monkeypatch.setattr(f"{target}.ARTIFACTS", tmp_path / "models")
    monkeypatch.setattr(loading, "train", train)
    assert load(table).version == load(ARTIFACTS / table).version
    assert [given[: len(options)] for given in asked] == [options]


def in_fresh_process(code: str, cwd: Path = ROOT) -> set[str]:
    """The modules that a new process has after some code."""
    code += "; import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.replace("'", '"')))


def test_importing_the_package_loads_nothing_of_it():
    found = in_fresh_process("import glassform")
    assert {name for name in found if name.startswith("glassform")} == {"glassform"}


def test_a_table_of_points_is_loaded_and_asked_without_what_trains(record):
    code = f"from glassform import load; m = load(); m.predict_probability(**{record!r})"
    found = {name.partition(".")[0] for name in in_fresh_process(f"{code}; m.explain(**{record!r})._repr_html_()")}
    assert not found & {"sklearn", "numpy", "pandas", "scipy", "joblib", "flask_restful", "sqlalchemy"}


def test_a_server_loads_nothing_of_notebooks(scorecard):
    found = in_fresh_process("import server; server.create_app()")
    assert not [name for name in found if name.startswith(("glassform.notebook", "glassform.learning"))]


def test_the_public_names_are_listed_and_no_other_is_there():
    assert {"load", "GlassClassifier", "GlassRegressor"} <= {*dir(glassform)}
    with pytest.raises(AttributeError, match="module 'glassform' has no attribute 'shoes'"):
        glassform.shoes  # noqa: B018
