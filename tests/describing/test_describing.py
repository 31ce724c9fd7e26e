"""A table nobody has described: what is inferred of it, what is left out, and the pages that follow."""

import json
import re
import shutil
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

import model
import server
from glassform.describing import package as describe
from glassform.describing.columns import Undescribable, infer, title_of
from glassform.describing.files import USUAL_GAPS, add, read_table, table_name
from glassform.learning import command as learning
from glassform.learning.command import parse_options, tables_to_train
from glassform.limits import RESERVED
from glassform.records.messages import InvalidRecord
from glassform.records.names import names_taken
from glassform.records.parsing import Pairs
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry
from glassform.web.reading import OF_FORMS
from glassform.web.resource import HOW_TO_ANSWER
from server import create_app
from tests.conftest import ROOT

CHANCE = np.random.default_rng(0)
START = CHANCE.bit_generator.state


@pytest.fixture(autouse=True)
def start():
    """What a test draws does not hang on the tests before it."""
    CHANCE.bit_generator.state = START


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
            "age": np.where(CHANCE.random(rows) < 0.2, " ", CHANCE.integers(1, 80, rows).astype(str)),
            "fare": CHANCE.gamma(2, 15, rows).round(2),
            "embarked": CHANCE.choice(["S", "C", "Q", "", "NA"], rows, p=[0.7, 0.2, 0.07, 0.02, 0.01]),
            "deck": np.where(np.arange(rows) < 3, "Z", CHANCE.choice(["A", "B"], rows)),
            "ship": "Titanic",
            "alive": np.where(survived == "1", "yes", "no"),
        }
    )


def wide(rows: int = 2_000, columns: int = 100) -> pd.DataFrame:
    """A hundred columns, every third of them words."""
    table = measurements(rows, columns)
    for number in range(0, columns, 3):
        table[f"width {number}"] = pd.cut(table[f"width {number}"], 4, labels=["low", "mean", "high", "top"])
    return table


def prices(rows: int = 500) -> pd.DataFrame:
    """A number to predict, from numbers, words and a yes or no."""
    X = CHANCE.uniform(20, 200, size=rows).round(1)
    place, lift = CHANCE.choice(["city", "village"], rows), CHANCE.choice(["true", "false"], rows)
    price = 2_000 * X + 50_000 * (place == "city") + 20_000 * (lift == "true") + CHANCE.normal(0, 9_000, rows)
    return pd.DataFrame({"area": X, "place": place, "lift": lift, "price": price.round(0).astype(int)})


def animals(rows: int = 450) -> pd.DataFrame:
    """One of three classes, from numbers and a word."""
    kind = CHANCE.choice(["cat", "dog", "horse"], rows)
    weight = CHANCE.normal(pd.Series(kind).map({"cat": 4, "dog": 20, "horse": 500}), 3).round(1)
    return pd.DataFrame({"weight": weight, "tail": CHANCE.choice(["long", "short"], rows), "kind": kind})


def oddities(rows: int = 300) -> pd.DataFrame:
    """Columns that are called as other things are."""
    names = "class json copy model_year schema 2nd-floor Größe self def id record fields a.b count 温度 __init__"
    names += (
        " __proto__ constructor length action dataset rows select points... points_class उम्र उमर อายุ 🙂 🙃 % ראשון"
    )
    several = [*names.split(), "value (EUR)", "e\u0301te\u0301", "long " * 40]
    table = pd.DataFrame({name: CHANCE.normal(size=rows).round(2) for name in several})
    return table.assign(y=outcomes(2 * table["class"].to_numpy()))


TABLES = {
    "oddities": (oddities, "y"),
    "prices": (prices, "price"),
    "animals": (animals, "kind"),
    "measurements": (measurements, "Kind"),
    "counts": (counts, "bought"),
    "passengers": (passengers, "survived"),
    "wide": (wide, "Kind"),
}


def command(table: Path, *options: str) -> list[str]:
    folders = ["--data", str(table.parent / "data"), "--artifacts", str(table.parent / "artifacts")]
    return [sys.executable, str(ROOT / "model.py"), "--add", str(table), *folders, *options]


@pytest.fixture(scope="module", params=TABLES)
def described(request, tmp_path_factory) -> Path:
    """The data package of a table, described and trained by one command."""
    CHANCE.bit_generator.state = START
    make, target = TABLES[request.param]
    folder: Path = tmp_path_factory.mktemp(request.param)
    table = folder / f"{request.param}.csv"
    make().to_csv(table, index=False)
    done = subprocess.run(command(table, "--target", target), capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["column", "used"]
    assert f"Open it at http://127.0.0.1:5000/{request.param}/" in done.stdout
    package: Path = folder / "data" / request.param / "datapackage.json"
    return package


def served(described: Path, folder: Path) -> tuple[Any, Any]:
    """A client of a server that has the described table beside the others, and the table's model."""
    name = described.parent.name
    shutil.copytree(ARTIFACTS, folder, dirs_exist_ok=True)
    shutil.copytree(described.parents[2] / "artifacts" / name, folder / name)
    return create_app(folder).test_client(), Registry(folder / name).load()


def scoring(described: Path) -> list[str]:
    """The command that scores files by the described table's model."""
    folders = ["--artifacts", str(described.parents[2] / "artifacts"), "--table", described.parent.name]
    return [sys.executable, str(ROOT / "score.py"), *folders]


def test_a_described_table_is_served_without_an_edit(scorecard, described, tmp_path):
    name = described.parent.name
    client, card = served(described, tmp_path)
    query = urlencode(card.typical)
    paths = ["/", "/probabilities", "/model", "/examples", "/docs", "/openapi.json", f"/v2/models/{name}"]
    paths += [f"/probability?{query}", f"/curves?{query}", f"/twins?{query}", *["/scorecard"] * card.is_additive]
    for path in paths:
        for accept in ("text/html", "application/json"):
            answer = client.get(f"/{name}{path}", headers={"Accept": accept})
            assert answer.status_code in ((200, 406) if accept == "text/html" else (200,)), (path, answer.text[:300])
    assert client.get(f"/{name}/health/ready").status_code == 200
    rows = (described.parent / f"{card.schema.name}_test.csv").read_bytes()
    scored = client.post(
        f"/{name}/probabilities", data=rows, headers={"Content-Type": "text/csv", "Accept": "text/csv"}
    )
    assert scored.text.count("\n") == rows.count(b"\n") and scored.status_code == 200
    scored.close()
    wrong = client.get(f"/{name}/probability?{query}&what=1")
    problem: Any = wrong.json
    assert wrong.status_code == 422 and problem["errors"][0]["field"] == "what"


def test_the_file_that_was_added_is_scored_alike_by_server_and_engine(described, tmp_path):
    name, folder = described.parent.name, described.parents[2]
    card: Any = Registry(folder / "artifacts" / name).load()
    raw, out = folder / f"{name}.csv", tmp_path / "out.csv"
    score = scoring(described)
    if card.schema.task == "classes":
        done = subprocess.run([*score, str(raw), str(out)], capture_output=True, text=True)
        assert done.returncode and "is not one table of points" in done.stderr
        return
    added, column = (
        pd.read_csv(raw, dtype=str, keep_default_na=False).rename(columns=str.strip),
        card.target.columns[0],
    )
    wanted = [
        card.score(card.schema.read_fields((field.name, row[field.column]) for field in card.schema.fields))
        for row in added.to_dict("records")
    ]
    subprocess.run([*score, str(raw), str(out)], check=True, capture_output=True)
    assert pd.read_csv(out)[column].tolist() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("described", ["counts", "passengers"], indirect=True)
def test_a_table_with_real_dates_and_nulls_is_scored_alike(described, tmp_path):
    """Not texts, as in a CSV file, but a column of dates, and numbers that are NULL."""
    name, folder = described.parent.name, described.parents[2]
    card: Any = Registry(folder / "artifacts" / name).load()
    typed = pd.read_csv(folder / f"{name}.csv", na_values=[" "])
    dates = [field.column for field in card.schema.fields if field.is_year]
    assert dates or typed.isna().any(axis=None)
    typed.assign(**{column: pd.to_datetime(typed[column]).dt.date for column in dates}).to_parquet(
        tmp_path / "typed.parquet"
    )
    score = scoring(described)
    for source in (folder / f"{name}.csv", tmp_path / "typed.parquet"):
        subprocess.run([*score, str(source), str(tmp_path / f"{source.suffix[1:]}.csv")], check=True)
    found = [pd.read_csv(tmp_path / f"{each}.csv")[card.target.columns[0]].tolist() for each in ("csv", "parquet")]
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize("described", ["oddities", "prices", "counts"], indirect=True)
def test_the_file_that_was_added_is_scored_as_the_records_of_a_data_frame(scorecard, described, tmp_path):
    client, card = served(described, tmp_path)
    name, file = described.parent.name, described.parents[2] / f"{described.parent.name}.csv"
    dates = [field.column for field in card.schema.fields if field.is_year]
    address, accepted = f"/{name}/probabilities", {"Accept": "application/json"}
    table = {"data": file.read_bytes(), "content_type": "text/csv"}
    wanted = client.post(address, headers=accepted, buffered=True, **table)
    parsed = pd.read_csv(file, parse_dates=dates)
    # as pandas writes them in JSON
    moments = {column: parsed[column].astype("datetime64[ms]").astype("int64") for column in dates}
    for frame in (pd.read_csv(file), parsed.assign(**moments)):
        for lines, kind in ((False, "application/json"), (True, "application/jsonl")):
            body = frame.to_json(orient="records", lines=lines)
            found = client.post(address, data=body, content_type=kind, buffered=True)
            answers = [json.loads(line) for line in found.text.splitlines()] if lines else found.json
            assert answers == wanted.json


@pytest.mark.parametrize("described", ["passengers"], indirect=True)
def test_a_gap_can_be_said_in_every_format(scorecard, described, tmp_path):
    client, card = served(described, tmp_path)
    assert json.loads(described.read_text())["resources"][0]["schema"]["missingValues"] == sorted(USUAL_GAPS)
    record: dict[str, Any]
    gaps = {name: "?" for name, field in card.schema.by_name.items() if field.missing}
    assert {"age", "embarked"} == {*gaps}
    wanted = pytest.approx(card.score({**card.typical, **gaps}), rel=1e-12)
    for word in ("", "NA", " NA ", "?"):
        record = {**card.typical, **dict.fromkeys(gaps, word)}
        assert client.get("/passengers/probability", query_string=record).json["probability"] == wanted, word
    for null in (None, "?", "NA", ""):
        record = {**card.typical, **dict.fromkeys(gaps, null)}
        for path in ("/probability", "/predict"):
            assert client.post(f"/passengers{path}", json=record).json["probability"] == wanted, (path, null)
        assert client.post("/passengers/probabilities", json=[record]).json[0]["probability"] == wanted
        inputs = [
            {"name": each["name"], "datatype": each["datatype"], "shape": [1], "data": [record[each["name"]]]}
            for each in client.get("/v2/models/passengers").json["inputs"]
        ]
        assert infer_one(client, {"inputs": inputs}) == wanted
    for name, wrong in (("sex", None), ("fare", "NA"), ("age", "none")):
        refused = client.post("/passengers/probability", json={**card.typical, name: wrong})
        assert refused.status_code == 422 and refused.json["errors"][0]["field"] == name


@pytest.mark.parametrize("described", ["passengers"], indirect=True)
def test_nan_in_a_binary_tensor_is_a_gap_where_there_can_be_one(scorecard, described, tmp_path):
    client, card = served(described, tmp_path)

    def asked(**numbers: float) -> Any:
        header = json.dumps(
            {
                "inputs": [
                    {"name": name, "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}
                    if name in numbers
                    else {"name": name, "datatype": "BYTES", "shape": [1], "data": [value]}
                    for name, value in card.typical.items()
                ]
            }
        ).encode()
        binary = b"".join(struct.pack("<d", numbers[name]) for name in card.typical if name in numbers)
        return infer_one(client, header + binary, {"Inference-Header-Content-Length": str(len(header))})

    known: dict[str, Any] = {"age": 30.0, "fare": 12.5}
    assert asked(**known) == pytest.approx(card.score(card.typical | {"age": 30, "fare": 12.5}), rel=1e-12)
    assert asked(**known | {"age": np.nan}) == pytest.approx(
        card.score(card.typical | {"age": "?", "fare": 12.5}), rel=1e-12
    )
    assert asked(**known | {"fare": np.nan}) == asked(**known | {"age": 30.5}) == 422


def infer_one(client: Any, body: Any, headers: dict[str, str] | None = None) -> float | int:
    """The one probability that the inference protocol gives, or the status of a refusal."""
    sent = {"json": body} if isinstance(body, dict) else {"data": body, "content_type": "application/json"}
    answer = client.post("/v2/models/passengers/infer", headers=headers, **sent)
    if answer.status_code != 200:
        return int(answer.status_code)
    outputs = {each["name"]: each["data"] for each in answer.json["outputs"]}
    return float(outputs["probability"][0])


def test_the_package_is_sound_and_names_its_files(described):
    package = json.loads(described.read_text())
    schema = Schema.from_file(described)
    train, test = (pd.read_csv(described.parent / each["path"], dtype=str) for each in package["resources"])
    assert len(test) / (len(train) + len(test)) == pytest.approx(0.2, abs=0.01)
    assert list(train) == [*(field.column for field in schema.fields), schema.target.column]
    for label in schema.classes:
        shares = [(split[schema.target.column] == label).mean() for split in (train, test)]
        assert shares[0] == pytest.approx(shares[1], abs=0.01)


def test_what_is_inferred_of_the_passengers(tmp_path):
    package, columns = describe.describe(read(passengers(), tmp_path), "survived", "passengers")
    left_out = {column.name: column.left_out for column in columns if column.left_out}
    assert set(left_out) == {"Passenger Id", "name", "ship", "alive"}
    assert left_out["Passenger Id"] == "it numbers the rows"
    assert "copy of the target" in left_out["alive"] and left_out["ship"] == "all its values are the same"
    found = {column.name: column for column in columns}
    assert found["embarked"].constraints == {"enum": ["C", "Q", "S", "?"]} and found["embarked"].missing
    assert found["fare"].type == "number" and found["sex"].constraints == {"enum": ["female", "male"]}
    assert found["age"].missing and found["age"].described["glassform"]["gaps"]
    assert found["deck"].note == "Z: fewer than 10 rows"
    assert package["glassform"]["positive"] == "1"


def read(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The table as the command reads it."""
    table.to_csv(folder / "table.csv", index=False)
    return read_table(folder / "table.csv").table


@pytest.mark.parametrize(
    ("values", "type_", "constraints"),
    [
        (["1", "2", "30"], "integer", {"minimum": 1, "maximum": 30}),
        (["1.5", "2", "-3"], "number", {"minimum": -3.0, "maximum": 2.0}),
        (["1999-12-31", "2001-01-01T10:00", "2000-02-03"], "integer", {"minimum": 1999, "maximum": 2001}),
        (["true", "false", "true"], "string", {"enum": ["false", "true"]}),
        (["0", "1", "?"], "string", {"enum": ["0", "1", "?"]}),
        (["10", "9", "x"], "string", {"enum": ["9", "10", "x"]}),
        (["2024-13-01", "2025-01-01", "x"], "string", {"enum": ["2024-13-01", "2025-01-01", "x"]}),
        (["1e3", "2.5", "3"], "number", {"minimum": 2.5, "maximum": 1000.0}),
        (["1e3x", "2", "3"], "string", {"enum": ["2", "3", "1e3x"]}),
    ],
)
def test_a_column_is_what_all_its_values_are(values, type_, constraints):
    found = infer(pd.Series(values * 20, name="column"))
    assert (found.type, found.constraints, found.left_out) == (type_, constraints, "")


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("", "y", "table.csv cannot be read: it has no header"),
        ("x,y\n" + "1,0\n" * 10, "y", "has 10 rows"),
        ("x,y\n" + "1,0\n2,1\n" * 40, "z", "there is no column z; there are x, y"),
        ("x,y\n" + "1,a\n2,a\n" * 40, "y", "all values of the target y are the same"),
        ("x,y\n" + "1,a\n2,b\n" * 40 + "3,c\n", "y", "is c in 1 rows; each class needs 5"),
        ("x,y\n" + "".join(f"{row % 7},t{row}\n" for row in range(60)), "y", "has 60 different texts"),
        ("x,y\n" + "1,0\n2,1\n" * 40, "y", "no column is left to learn from"),
        ("x,x,y\n" + "1,3,0\n2,4,1\n" * 40, "y", "2 columns are called x; give each"),
        ("x,y\n" + "".join(f"{row},{min(row % 13, 11)}\n" for row in range(60)), "y", "say --estimator linear"),
        ("a b,a_b,y\n" + "1,3,0\n2,4,1\n1,4,1\n" * 40, "y", "would be called a_b"),
        ("x,y\n" + "1,0\n2,1,5,6\n" * 40, "y", "line 3 has 4 cells, and the header has 2"),
        ("x,y\n" + "1,0\n2,1\n" * 40 + "3\n", "y", "line 82 has 1 cell, and the header has 2"),
        ("y,a,b\n" + "no,1,2,\nyes,2,3,4\n" * 40, "y", "line 3 has 4 cells, and the header has 3"),
        ("y,a,b\n" + "r1,no,1,\nr2,yes,2,3\n" * 40, "y", "if the first column holds row names, give it a name"),
        ("# made in May\nx,y\n" + "1,0\n2,1\n" * 40, "y", "line 1 is a comment; delete all lines before"),
    ],
)
def test_a_table_nothing_can_be_learned_from_is_refused_in_a_sentence(tmp_path, content, target, message):
    (tmp_path / "table.csv").write_text(content)
    refused(tmp_path / "table.csv", target, message)
    assert not (tmp_path / "data").exists()


def refused(table: Path, target: str, message: str, *options: str) -> None:
    """See that the command, in this process, says what is wrong in a sentence; a text is an exit status of 1."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(sys, "argv", command(table, "--target", target, *options)[1:])
        model.main()
    assert isinstance(stopped.value.code, str) and message in stopped.value.code


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    words = command(tmp_path / "none.csv", "--target", "y")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "No such file" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["model", "tables", "42", "..", "v2", "adult", "größe"])
def test_no_table_can_have_the_name_of_an_address(tmp_path, name):
    measurements().to_csv(tmp_path / "table.csv", index=False)
    refused(tmp_path / "table.csv", "Kind", "choose another --name", "--name", name)


def test_a_table_that_is_there_is_not_added_again(tmp_path):
    (tmp_path / "data" / "table").mkdir(parents=True)
    measurements().to_csv(tmp_path / "table.csv", index=False)
    refused(tmp_path / "table.csv", "Kind", "there is a table table already")


def test_a_table_that_is_shipped_is_not_taken_over(tmp_path, monkeypatch):
    # where the code is installed, tables are added elsewhere than those that it ships
    monkeypatch.setattr(learning, "ADDED", tmp_path / "home" / "instance" / "data")
    measurements().to_csv(tmp_path / "iris.csv", index=False)
    for name in ("iris", "diabetes"):
        words = ["--target", "Kind", "--artifacts", str(tmp_path / "artifacts"), "--name", name]
        monkeypatch.setattr(sys, "argv", ["model.py", "--add", str(tmp_path / "iris.csv"), *words])
        with pytest.raises(SystemExit, match=f"there is a table {name} already"):
            model.main()
    assert [path.name for path in tmp_path.iterdir()] == ["iris.csv"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        *(("Kunden Liste (ü) 2024", "kunden_liste_u_2024"), ("Größe", "grosse"), ("iris.data", "iris_data")),
        *(("Sales – 2024", "sales_2024"), ("客户 list", "list"), ("x" * 99, "x" * 64)),
    ],
)
def test_the_name_of_a_file_is_spelled_in_plain_letters(file, name):
    for form in ("NFC", "NFD"):
        assert table_name(None, Path(f"{unicodedata.normalize(form, file)}.csv")) == name


@pytest.mark.parametrize("file", ["客户", "2024 sales", "(1)"])
def test_a_file_whose_name_gives_none_is_added_by_a_name(tmp_path, file):
    said = f"{file}.csv gives the table no name; choose one by --name: a name has small letters a to z"
    refused(tmp_path / f"{file}.csv", "Kind", said)
    assert table_name("Sales 2024", tmp_path / f"{file}.csv") == "sales_2024"
    with pytest.raises(Undescribable, match=r"^größe cannot be a table's name; choose another --name: .* a to z"):
        table_name("größe", tmp_path / f"{file}.csv")


def test_a_table_that_cannot_be_added_leaves_no_folder_behind(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    refused(tmp_path / "table.csv", "b", "training needs at least")
    refused(tmp_path / "none.csv", "b", f"{tmp_path / 'none.csv'}: No such file or directory")
    refused(tmp_path, "b", f"{tmp_path}: Is a directory")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_who_trains_a_table_that_is_not_there_is_told_which_are(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["model.py", "--table", "nope"])
    with pytest.raises(SystemExit) as stopped:
        model.main()
    assert stopped.value.code == (
        "\nthere is no table nope; there is adult, census, diabetes, iris; "
        "`python model.py --add` describes a CSV file"
    )


def test_the_default_table_may_be_called_by_its_name(monkeypatch):
    for name, expected in (
        ("adult", (PACKAGE, ARTIFACTS)),
        ("iris", (PACKAGE.parent / "iris" / PACKAGE.name, ARTIFACTS / "iris")),
    ):
        monkeypatch.setattr(sys, "argv", ["model.py", "--table", name])
        assert [*tables_to_train(parse_options(["logistic"]))] == [expected]


def test_the_reserved_names_are_those_addresses_begin_with():
    beginnings = {re.split(r"[.[]", url.split("/")[1])[0] for url in server.RESOURCES | server.OF_CLASSES}
    assert beginnings | {"static"} == RESERVED | {""}


def test_names_that_mean_something_else_are_taken():
    assert names_taken([]) >= HOW_TO_ANSWER | OF_FORMS


def test_a_column_whose_name_is_taken_is_left_out(tmp_path):
    table = measurements().rename(columns={"width 0": "Model"})
    _, columns = describe.describe(read(table, tmp_path), "Kind", "x")
    assert [column.name for column in columns if column.left_out] == ["Model"]


def test_whole_numbers_over_a_wide_range_are_taken_for_real_ones(tmp_path):
    table = measurements().assign(id=CHANCE.integers(0, 10**7, 600), age=CHANCE.integers(1, 99, 600))
    table["big"] = 10**17 + np.arange(600)
    _, columns = describe.describe(read(table, tmp_path), "Kind", "x")
    found = {column.name: column for column in columns}
    assert (found["id"].type, found["age"].type) == ("number", "integer")
    assert found["big"].left_out == "it has whole numbers of more than 15 digits"


def test_a_short_column_of_different_numbers_is_no_copy_of_the_target(tmp_path):
    _, columns = describe.describe(read(measurements(55), tmp_path), "Kind", "x")
    assert not [column.left_out for column in columns if column.left_out]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_read(tmp_path, delimiter):
    measurements().to_csv(tmp_path / "table.csv", sep=delimiter, index=False)
    assert list(read_table(tmp_path / "table.csv").table) == list(measurements())


def test_a_file_in_another_encoding_is_told_so(tmp_path):
    (tmp_path / "table.csv").write_bytes("größe,y\n".encode("latin-1") + b"1,0\n" * 60)
    refused(tmp_path / "table.csv", "y", "save the file as UTF-8")


def test_few_different_numbers_are_classes_unless_the_estimator_says_otherwise(tmp_path):
    table = measurements().assign(Kind=CHANCE.integers(0, 8, 600))
    for estimator, task in ((None, "classes"), ("linear", "number")):
        package, _ = describe.describe(read(table, tmp_path), "Kind", "x", estimator)
        package["resources"][0] |= {"path": "x.csv"}
        assert Schema(package).task == task


def test_a_table_that_cannot_be_trained_leaves_nothing_behind(tmp_path):
    measurements().to_csv(tmp_path / "table.csv", index=False)
    refused(tmp_path / "table.csv", "Kind", "'linear' is not one of", "--estimator", "linear")
    assert not (tmp_path / "data" / "table").exists()


def test_the_file_that_was_added_can_be_scored_as_it_is(tmp_path):
    """Dates as they were, and empty cells where something is not known."""
    table = counts().assign(age=np.where(CHANCE.random(400) < 0.2, "", "41"), port=CHANCE.choice(["S", "C", ""], 400))
    table.loc[::7, "age"] = "17"
    table.to_csv(tmp_path / "own.csv", index=False)
    done = subprocess.run(command(tmp_path / "own.csv", "--target", "bought"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    card = Registry(tmp_path / "artifacts" / "own").load()
    rows = [{str(name): str(value) for name, value in row.items()} for row in table.head(50).to_dict("records")]
    for row in rows:
        record = card.schema.read_fields((name, row[field.column]) for name, field in card.schema.by_name.items())
        assert record["since"] == int(row["since"][:4]) and (record["port"] == "?") == (row["port"] == "")
        assert (record["age"] == "?") == (row["age"] == "")


def test_numbers_written_with_signs_are_pointed_out(tmp_path):
    table = measurements().assign(
        price=[f"${number}" for number in range(600)],
        share=CHANCE.choice(["5%", "10%", ".5"], 600),
        code=CHANCE.choice(["5a", "6b", "7"], 600),
        day=[f"{1 + number % 28:02}/{1 + number % 12:02}/{number % 20:02}" for number in range(600)],
        limit=CHANCE.choice(["1.5", "inf", "2"], 600),
    )
    _, columns = describe.describe(read(table, tmp_path), "Kind", "x")
    said = {column.name: column.left_out or column.note for column in columns}
    assert "numbers with signs?" in said["price"] and "numbers with signs?" in said["share"]
    assert "dates?" in said["day"] and "numbers with signs?" in said["limit"] and not said["code"]


def test_dates_are_years_and_are_said_to_be(tmp_path):
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(600), unit="D")
    table = measurements().assign(taken=dates.strftime("%Y-%m-%d"), within=dates.strftime("2024-%m-%dT%H:%M:%S+0100"))
    package, columns = describe.describe(read(table, tmp_path), "Kind", "x")
    said = {column.name: column.left_out or column.note for column in columns}
    assert said["taken"] == "dates; only the year is used"
    assert said["within"] == "all its dates are in the year 2024"
    schema = Schema(package)
    typical = {name: field.bounds[0] for name, field in schema.by_name.items()}
    for text in ("2025-06-01", "2025-06-01T10:00"):
        assert schema.read_json(Pairs({**typical, "taken": text}.items()))["taken"] == 2025
        assert schema.read_fields((name, str(value)) for name, value in {**typical, "taken": text}.items())
    for moment in (pd.Timestamp(text).value // 1_000_000 for text in ("2025-01-01", "2025-12-31T23:59:59.999")):
        assert schema.read_json(Pairs({**typical, "taken": moment}.items()))["taken"] == 2025
        assert schema.read_json(Pairs({**typical, "taken": float(moment)}.items()))["taken"] == 2025
    assert schema.read_json(Pairs({**typical, "taken": "2031-01-01"}.items()))["taken"] == 2031
    for wrong in ("2025-13-01", "2025-01-45", "2025", True, 10**30):
        with pytest.raises(InvalidRecord):
            schema.read_json(Pairs({**typical, "taken": wrong}.items()))


def test_titles_keep_their_capitals():
    titles = {"temp °C": "Temp °C", "SibSp": "SibSp", "hours_per.week": "Hours per week", "_": ""}
    assert {name: title_of(name) for name in titles} == titles


def test_a_description_with_its_own_words_for_gaps_trains_on_the_file_as_it_is(tmp_path):
    table = measurements()
    table["width 1"] = table["width 1"].astype(str)
    table.loc[::5, "width 1"] = "?"
    table.to_csv(tmp_path / "own.csv", index=False)
    package, _ = add(tmp_path / "own.csv", "Kind", None, tmp_path / "data")
    wanted: Any = model.train(package, tmp_path / "first")
    described = json.loads(package.read_text())
    described["resources"][0]["schema"]["missingValues"] = ["-", "n.a."]
    package.write_text(json.dumps(described))
    for path in package.parent.glob("*.csv"):
        rows = pd.read_csv(path, dtype=str)
        rows.assign(**{"width 1": rows["width 1"].replace("?", "n.a.")}).to_csv(path, index=False)
    again: Any = model.train(package, tmp_path / "second")
    assert again.points == wanted.points and again.schema.by_name["width_1"].missing == {"-", "n.a."}


def test_a_model_that_is_too_good_is_suspected(tmp_path):
    table = measurements().assign(
        twice=lambda table: np.where(table["Kind"] == "benign", 0, CHANCE.uniform(5, 9, 600))
    )
    table["twice"] += CHANCE.uniform(0, 1, 600)
    table.to_csv(tmp_path / "good.csv", index=False)
    done = subprocess.run(
        command(tmp_path / "good.csv", "--target", "Kind"), capture_output=True, text=True, check=True
    )
    assert "does a column copy the outcome" in done.stdout


def test_rows_without_a_target_are_left_out_and_counted(tmp_path):
    table = measurements()
    table.loc[:29, "Kind"] = ""
    table.to_csv(tmp_path / "gaps.csv", index=False)
    package, inferred = add(tmp_path / "gaps.csv", "Kind", None, tmp_path / "data")
    assert "30 rows are left out because their Kind is missing." in inferred
    rows = [len(pd.read_csv(package.parent / f"gaps{part}.csv")) for part in ("", "_test")]
    assert sum(rows) == 570
