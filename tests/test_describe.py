"""A table nobody has described: what is inferred of it, what is left out, and the pages that follow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

import describe
import model
from describe import Undescribable, infer
from schema import Schema
from server import create_app
from tests.conftest import ROOT

CHANCE = np.random.default_rng(0)


def outcomes(log_odds: np.ndarray, classes=("no", "yes")) -> np.ndarray:
    drawn: np.ndarray = np.where(CHANCE.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds)), classes[1], classes[0])
    return drawn


def measurements(rows: int = 600, columns: int = 4) -> pd.DataFrame:
    """Numbers alone."""
    X = CHANCE.normal(size=(rows, columns)).round(3)
    table = pd.DataFrame(X, columns=[f"width {number}" for number in range(columns)])
    return table.assign(Kind=outcomes(X[:, 0] - 2 * X[:, 1], ("benign", "malign")))


def counts(rows: int = 400) -> pd.DataFrame:
    """Whole numbers, one of them negative, and dates."""
    X = CHANCE.integers(-5, 30, size=(rows, 3))
    days = pd.Timestamp("1990-01-01") + pd.to_timedelta(CHANCE.integers(0, 9000, rows), unit="D")
    table = pd.DataFrame(X, columns=["gain", "visits", "steps"]).assign(since=days.strftime("%Y-%m-%d"))
    return table.assign(bought=outcomes(X[:, 0] / 10, ("0", "1")))


def passengers(rows: int = 891) -> pd.DataFrame:
    """Words, numbers, gaps, an identifier, a constant, free text and a copy of the target."""
    sex = CHANCE.choice(["male", "female"], rows)
    survived = outcomes(np.where(sex == "female", 1.5, -1.5), ("0", "1"))
    return pd.DataFrame(
        {
            "Passenger Id": range(1, rows + 1),
            "survived": survived,
            "name": [f"Somebody {number}" for number in range(rows)],
            "sex": sex,
            "age": np.where(CHANCE.random(rows) < 0.2, "", CHANCE.integers(1, 80, rows).astype(str)),
            "fare": CHANCE.gamma(2, 15, rows).round(2),
            "embarked": CHANCE.choice(["S", "C", "Q", "", "NA"], rows, p=[0.7, 0.2, 0.07, 0.02, 0.01]),
            "deck": np.where(np.arange(rows) < 3, "Z", CHANCE.choice(["A", "B"], rows)),
            "ship": "Titanic",
            "alive": np.where(survived == "1", "yes", "no"),
        }
    )


def wide(rows: int = 1_000, columns: int = 20) -> pd.DataFrame:
    """Twenty columns, every third of them words; a hundred take minutes to tabulate yet."""
    table = measurements(rows, columns)
    for number in range(0, columns, 3):
        table[f"width {number}"] = pd.cut(table[f"width {number}"], 4, labels=["low", "mean", "high", "top"])
    return table


TABLES = {
    "measurements": (measurements, "Kind"),
    "counts": (counts, "bought"),
    "passengers": (passengers, "survived"),
    "wide": (wide, "Kind"),
}


@pytest.fixture(scope="module", params=TABLES)
def described(request, tmp_path_factory) -> Path:
    """The data package of a table, made by the command."""
    make, target = TABLES[request.param]
    folder: Path = tmp_path_factory.mktemp(request.param)
    make().to_csv(folder / f"{request.param}.csv", index=False)
    command = [sys.executable, str(ROOT / "describe.py"), str(folder / f"{request.param}.csv"), "--target", target]
    done = subprocess.run([*command, "--to", str(folder / "to")], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["column", "used"]
    assert "python model.py --package" in done.stdout
    return folder / "to" / "datapackage.json"


def test_a_described_table_is_trained_and_served_without_an_edit(described, tmp_path):
    card = model.train(described, tmp_path)
    assert card.evaluation["roc_auc"] > 0.6
    client, query = create_app(tmp_path).test_client(), urlencode(card.typical)
    paths = ["/", "/probabilities", "/model", "/scorecard", "/examples", "/docs"]
    paths += [f"/probability?{query}", f"/curves?{query}", f"/twins?{query}", f"/changes?{query}&target=.6"]
    for path in paths:
        for accept in ("text/html", "application/json"):
            answer = client.get(path, headers={"Accept": accept})
            assert answer.status_code in ((200, 406) if accept == "text/html" else (200,)), (path, answer.text[:300])
    assert client.get("/health/ready").status_code == 200
    rows = (described.parent / f"{card.schema.name}_test.csv").read_bytes()
    scored = client.post("/probabilities", data=rows, headers={"Content-Type": "text/csv", "Accept": "text/csv"})
    assert scored.text.count("\n") == rows.count(b"\n") and scored.status_code == 200
    scored.close()
    wrong = client.get(f"/probability?{query}&what=1")
    problem: Any = wrong.json
    assert wrong.status_code == 422 and problem["errors"][0]["field"] == "what"


def test_the_package_is_sound_and_names_its_files(described):
    package = json.loads(described.read_text())
    schema = Schema.from_file(described)
    train, test = (pd.read_csv(described.parent / each["path"], dtype=str) for each in package["resources"])
    assert len(test) / (len(train) + len(test)) == pytest.approx(0.2, abs=0.01)
    assert list(train) == [*(field.column for field in schema.fields), schema.target.column]
    shares = [(split[schema.target.column] == schema.own["positive"]).mean() for split in (train, test)]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)


def test_what_is_inferred_of_the_passengers(tmp_path):
    package, columns = describe.describe(read(passengers(), tmp_path), "survived", "passengers")
    left_out = {column.name: column.left_out for column in columns if column.left_out}
    assert set(left_out) == {"Passenger Id", "name", "age", "ship", "alive"}
    assert left_out["Passenger Id"] == "it numbers the rows" and "gaps" in left_out["age"]
    assert "copy of the target" in left_out["alive"] and left_out["ship"] == "all its values are the same"
    found = {column.name: column for column in columns}
    assert found["embarked"].constraints == {"enum": ["C", "Q", "S", "?"]} and found["embarked"].missing
    assert found["fare"].type == "number" and found["sex"].constraints == {"enum": ["female", "male"]}
    assert found["deck"].note == "Z: fewer than 10 rows"
    assert package["glassform"]["positive"] == "1"


def read(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The table as the command reads it."""
    table.to_csv(folder / "table.csv", index=False)
    return describe.read_table(folder / "table.csv")


@pytest.mark.parametrize(
    ("values", "type_", "constraints"),
    [
        (["1", "2", "30"], "integer", {"minimum": 1, "maximum": 30}),
        (["1.5", "2", "-3"], "number", {"minimum": -3.0, "maximum": 2.0}),
        (["1999-12-31", "2001-01-01T10:00", "2000-02-03"], "integer", {"minimum": 1999, "maximum": 2001}),
        (["true", "false", "true"], "string", {"enum": ["false", "true"]}),
        (["0", "1", "?"], "string", {"enum": ["0", "1", "?"]}),
        (["10", "9", "x"], "string", {"enum": ["9", "10", "x"]}),
        (["1e3", "2", "3"], "string", {"enum": ["2", "3", "1e3"]}),
    ],
)
def test_a_column_is_what_all_its_values_are(values, type_, constraints):
    found = infer(pd.Series(values * 20, name="column"))
    assert (found.type, found.constraints, found.left_out) == (type_, constraints, "")


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("", "y", "is not a CSV file"),
        ("x,y\n" + "1,0\n" * 10, "y", "has 10 rows"),
        ("x,y\n" + "1,0\n2,1\n" * 40, "z", "there is no column z; there are x, y"),
        ("x,y\n" + "1,0\n2,1\n3,2\n" * 40, "y", "has 3 different values"),
        ("x,y\n" + "1,0\n2,1\n3,\n" * 40, "y", "is missing in 40 rows"),
        ("x,y\n" + "1,0\n2,1\n" * 40, "y", "no column is left to learn from"),
        ("a b,a_b,y\n" + "1,3,0\n2,4,1\n1,4,1\n" * 40, "y", "would be called a_b"),
        ("x,y\n" + "1,0\n2,1,5,6\n" * 40, "y", "is not a CSV file"),
    ],
)
def test_a_table_nothing_can_be_learned_from_is_refused_in_a_sentence(tmp_path, content, target, message):
    (tmp_path / "table.csv").write_text(content)
    command = [sys.executable, str(ROOT / "describe.py"), str(tmp_path / "table.csv"), "--target", target]
    done = subprocess.run([*command, "--to", str(tmp_path / "to")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "to").exists()


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match="No such file"):
        describe.main([str(tmp_path / "none.csv"), "--target", "y"])


def test_undescribable_is_said_by_name(tmp_path):
    with pytest.raises(Undescribable, match="different values"):
        describe.describe(read(measurements().assign(Kind=range(600)), tmp_path), "Kind", "x")
