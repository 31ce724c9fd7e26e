"""A table too large for memory is counted in an engine, and the counts are the training rows."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import model
from glassform.engines.engine import EngineError
from glassform.engines.scoring import connect
from glassform.learning import table as rows
from glassform.learning.estimators import fit
from glassform.learning.recipe import Recipe
from glassform.versions.registry import Registry
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.engine

REPEATED = 20
TOLERANCE = 1e-6


def coefficients(pipeline) -> np.ndarray:
    return np.append(pipeline[-1].intercept_, pipeline[-1].coef_)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The training split many times over, in four files."""
    folder = tmp_path_factory.mktemp("large")
    table = pd.read_csv(ROOT / "data" / "adult.csv", keep_default_na=False)
    for number in range(4):
        pd.concat([table] * (REPEATED // 4)).to_parquet(folder / f"{number}.parquet", index=False)
    return folder


@pytest.fixture(params=["duckdb", "spark"])
def counted(request, schema, large) -> rows.Split:
    if request.param == "spark":
        try:
            connect("spark", "local[2]")
        except EngineError as error:
            missing(str(error))
    return rows.count(schema, [f"{large}/*.parquet"], request.param, "local[2]")


@pytest.fixture(scope="module")
def direct(schema, splits) -> np.ndarray:
    """The coefficients of a fit on every row."""
    X = pd.concat([splits["adult"].X] * REPEATED, ignore_index=True)
    return coefficients(model.build_pipeline(schema, Recipe()).fit(X, np.tile(splits["adult"].y, REPEATED)))


def test_counting_gives_the_coefficients_of_a_direct_fit(schema, counted, direct):
    found = fit(model.build_pipeline(schema, Recipe()), counted)
    assert counted.rows == REPEATED * 32_561 and len(counted.X) < 32_561
    assert np.abs(coefficients(found) - direct).max() <= TOLERANCE


def test_a_counted_model_is_the_model(schema, splits, scorecard, tmp_path):
    count = partial(rows.count, sources=[str(ROOT / "data" / "adult.csv")], engine="duckdb", master="")
    card = model.train(artifacts=tmp_path, counted=count)
    assert card.typical == scorecard.typical
    for member in ("rows", "positives", "groups"):
        assert card.training[member] == scorecard.training[member]
    assert card.training["duplicates"] is None
    people = splits["adult_test"].X.head(300).to_dict("records")
    for record in people:
        ours, theirs = card.explain(record), scorecard.explain(record)
        assert ours["probability"] == pytest.approx(theirs["probability"], abs=TOLERANCE)
        assert ours["interval"] == pytest.approx(theirs["interval"], abs=TOLERANCE)
        assert ours["support"] == theirs["support"]


def test_the_command_learns_from_files_and_the_server_serves_the_model(large, tmp_path):
    sources = ["--from", f"{large}/0.parquet", f"{large}/1.parquet"]
    command = [sys.executable, str(ROOT / "model.py"), *sources, "--alone", "--artifacts", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    card = Registry(tmp_path).load()
    assert card.training["rows"] == REPEATED // 2 * 32_561 and card.version in done.stdout
    code = "from server import create_app; print(create_app().test_client().get('/model', headers=HTML).text)"
    page = subprocess.run(
        [sys.executable, "-c", f"HTML = {{'Accept': 'text/html'}}; {code}"],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "GLASSFORM_ARTIFACTS": str(tmp_path)},
    )  # fmt: skip
    assert f"{REPEATED // 2 * 32_561:,}" in page.stdout and "exact copies" not in page.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="age"), "there is no column age"),
        (lambda table: table.assign(age=table.age.where(table.age != 39, 200)), "is not a known age"),
        (lambda table: table.assign(sex=table.sex.where(table.age != 39, None)), "'' is not a known sex"),
        (lambda table: table.assign(income=table.income.str.lower()), "is not a known income"),
        (lambda table: table.assign(**{"hours.per.week": table["hours.per.week"] + 0.5}), "is not a known hours.per"),
    ],
)
def test_a_table_that_is_not_as_described_is_refused_in_a_sentence(tmp_path, change, message, monkeypatch):
    change(pd.read_csv(ROOT / "data" / "adult.csv", keep_default_na=False)).to_parquet(tmp_path / "wrong.parquet")
    words = ["model.py", "--from", str(tmp_path), "--artifacts", str(tmp_path / "new")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        model.main()
    assert isinstance(stopped.value.code, str) and message in stopped.value.code
    assert not (tmp_path / "new").exists()


def test_memory_grows_with_the_profiles_and_not_with_the_rows(schema, tmp_path):
    table = pd.read_csv(ROOT / "data" / "adult.csv", keep_default_na=False)
    peaks = []
    for times in (10, 100):
        pd.concat([table] * times).to_parquet(tmp_path / f"{times}.parquet", index=False)
        code = (
            "import json; from pathlib import Path; from glassform.learning.table import count\n"
            "from glassform.records.schema import Schema; from glassform.settings import PACKAGE\n"
            f"split = count(Schema.from_file(PACKAGE), [r'{tmp_path}/{times}.parquet'], 'duckdb', '')\n"
            # not getrusage, which counts what the process that started this one held
            "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
            "print(json.dumps([split.rows, int(peak) / 1024]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        rows, peak = json.loads(done.stdout)
        assert rows == times * len(table)
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 100  # MB; the larger table alone would take a thousand


def with_age(text: str, folder: Path) -> Path:
    """Fifty people, the age of the first written in some way."""
    table = pd.read_csv(ROOT / "data" / "adult.csv", keep_default_na=False, dtype=str, nrows=50)
    table.loc[0, "age"] = text
    table.to_csv(folder / "people.csv", index=False)
    return folder / "people.csv"


@pytest.mark.parametrize("text", ["39.5", "1_0", "0x27", "x"])
def test_what_is_no_number_at_any_door_is_none_to_learn_from(tmp_path, schema, text):
    with pytest.raises(ValueError, match="is not a known age"):
        rows.count(schema, [str(with_age(text, tmp_path))], "duckdb", "")


@pytest.mark.parametrize("text", ["+39", " 39", "3.9e1", "39.0"])
def test_numbers_are_read_as_at_every_door(tmp_path, schema, text):
    first = rows.count(schema, [str(with_age("39", tmp_path))], "duckdb", "")
    again = rows.count(schema, [str(with_age(text, tmp_path))], "duckdb", "")
    assert again.sha256 == first.sha256 and again.rows == 50


def test_the_older_names_of_columns_are_known(tmp_path, schema):
    table = pd.read_csv(ROOT / "data" / "adult.csv", keep_default_na=False, nrows=50)
    table.rename(columns={"hours.per.week": "hours", "workclass": "work"}).to_csv(
        tmp_path / "people.csv", index=False
    )
    assert rows.count(schema, [str(tmp_path / "people.csv")], "duckdb", "").rows == 50
