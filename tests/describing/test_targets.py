"""The target of a table that nobody has described: its positive class, its copies, and what nothing can predict."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

import model
import score
import server
from glassform import __main__ as command
from glassform.describing import package as describe
from glassform.describing.columns import Undescribable, infer
from glassform.describing.files import TEST_SHARE, read_table
from glassform.describing.positive import by_meaning
from glassform.versions import __main__ as versions
from glassform.versions.registry import Registry

ROWS = 120
CHANCE = np.random.default_rng(3)
X = CHANCE.normal(size=ROWS).round(3)
NOISE = CHANCE.normal(size=ROWS)
Y = (3 * X + NOISE).round(3)


def written(folder: Path, name: str = "table", **columns: Any) -> Path:
    path = folder / f"{name}.csv"
    pd.DataFrame({"x": X, **columns}).to_csv(path, index=False)
    return path


def add(path: Path, *options: str, target: str = "y") -> None:
    """Add a table in this process."""
    folders = ["--data", str(path.parent / "data"), "--artifacts", str(path.parent / "artifacts")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["model.py", "--add", str(path), "--target", target, *folders, *options])
        model.main()


def refused(path: Path, *options: str) -> str:
    """What is said of a table that cannot be added; nothing of it may be left."""
    with pytest.raises(SystemExit) as stopped:
        add(path, *options)
    assert not (path.parent / "data").exists() and not [*path.parent.glob("artifacts/*")]
    return str(stopped.value.code)


@pytest.mark.parametrize(
    ("positive", "other"),
    [
        *(("1", "0"), ("yes", "no"), ("TRUE", "FALSE"), ("Ja", "Nein"), ("oui", "non"), ("si", "no"), ("sí", "no")),
        *(("是", "否"), ("да", "нет"), ("high", "low"), ("good", "bad"), ("positive", "negative"), ("M", "B")),
        *(("malignant", "benign"), ("High risk", "Low risk"), ("risk_high", "risk_low"), (">50K", "<=50K")),
        *(("1", "-1"), ("1.0", "0.0"), ("4", "2"), ("churned", "not churned"), ("disease", "no disease")),
        *(("阳性", "阴性"), ("患病", "未患病"), ("GROSS", "klein"), ("spam", "ham"), ("pneumonia", "normal")),
    ],
)
def test_the_positive_class_is_chosen_by_its_meaning(positive, other):
    for classes in ((positive, other), (other, positive)):  # however many rows each has
        assert by_meaning(*classes) == positive


@pytest.mark.parametrize("classes", [("male", "female"), ("cat", "dog"), ("A", "B")])
def test_where_classes_mean_nothing_the_rarer_one_is_positive(tmp_path, classes):
    assert by_meaning(*classes) == "" == by_meaning(*classes[::-1])
    y = np.where(np.arange(ROWS) % 3, *classes)
    package, columns = describe.describe(read_table(written(tmp_path, y=y)).table, "y", "x")
    assert package["glassform"]["positive"] == classes[1]
    assert columns[-1].note == (
        f"the target; {classes[1]} is the positive class, the rarer one (or say --positive {classes[0]!r})"
    )


def test_the_positive_class_is_printed_and_can_be_named(tmp_path, capsys):
    path = written(tmp_path, y=np.where(Y > -2, "low", "high"))
    add(path)
    assert "high is the positive class, by its meaning" in capsys.readouterr().out
    add(path, "--positive", "LOW", "--name", "other")
    assert "low is the positive class, as --positive says" in capsys.readouterr().out
    found = {name: Registry(tmp_path / "artifacts" / name).load() for name in ("table", "other")}
    assert {name: card.schema.own["positive"] for name, card in found.items()} == {"table": "high", "other": "low"}
    assert sum(float(card.score({"x": 0.5})) for card in found.values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.where(Y > 0, "yes", "no"), "maybe is no class of y; its classes are no, yes"),
        (
            np.array(["a", "b", "c"] * 40),
            "maybe is for a target of two classes; y has the classes a, b, c",
        ),
        (Y, "maybe is for a target of two classes; y is a number"),
    ],
)
def test_a_positive_class_that_is_none_is_refused_with_those_there_are(tmp_path, y, message):
    assert message in refused(written(tmp_path, y=y), "--positive", "maybe")


def test_a_positive_class_goes_with_a_new_table_only(capsys):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(sys, "argv", ["model.py", "--positive", "yes"])
        model.main()
    assert "--positive goes with --add" in capsys.readouterr().err


DAYS = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")).strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (DAYS, [], "all dates of the target y are in the year 2024"),
        (np.array([*DAYS[:2]] * 60), [], "all dates of the target y are in the year 2024"),
        (["7"] * ROWS, [], "all values of the target y are the same"),
        (["1.0", "1", "1.00"] * 40, ["--estimator", "linear"], "all values of the target y are the same"),
        (["YES", "yes", "Yes"] * 40, [], "all values of the target y are the same"),
        ([""] * ROWS, [], "all values of the target y are missing"),
        ([f"{number}e150" for number in range(ROWS)], [], "has numbers beyond 1e+100"),
        ([f"{number}{'0' * 120}.5" for number in range(1, ROWS + 1)], [], "has numbers beyond 1e+100"),
        (np.where(Y > 0, "yes", "no"), ["--estimator", "linear"], "'linear' is not one of"),
    ],
)
def test_a_target_that_nothing_can_predict_is_refused_in_a_sentence(tmp_path, y, options, message):
    assert message in refused(written(tmp_path, y=y), *options)


def test_a_table_that_failed_can_be_added_once_it_is_mended(tmp_path):
    refused(written(tmp_path, y=np.where(Y > 0, "yes", "no")), "--estimator", "linear")
    add(written(tmp_path, y=np.where(Y > 0, "yes", "no")))
    assert Registry(tmp_path / "artifacts" / "table").manifest().current
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["table"]
    with pytest.raises(SystemExit, match="there is a table table already"):
        add(tmp_path / "table.csv")


def test_a_model_that_an_outlier_spoils_is_said_to_be_and_not_served(tmp_path, capsys):
    learned_from, _ = train_test_split(range(ROWS), test_size=TEST_SHARE, random_state=0)
    y = [*map(str, Y)]
    y[learned_from[0]] = "1e12"  # among the rows to test with it would spoil nothing
    add(written(tmp_path, y=y))
    said = capsys.readouterr().out
    assert "1e+12 lies far from all others: an error?" in said
    assert "no version is current: it predicts far worse than the mean alone (R2 -" in said
    manifest = Registry(tmp_path / "artifacts" / "table").manifest()
    assert manifest.versions and manifest.current is None
    add(written(tmp_path, y=Y))  # the mended table takes its place
    assert "is the current one." in capsys.readouterr().out


def noted(tmp_path: Path, y: Any, copy: Any, estimator: str | None = None) -> str:
    """What is said of a column beside a target."""
    table = read_table(written(tmp_path, copy=copy, y=y)).table
    found = {column.name: column for column in describe.describe(table, "y", "x", estimator)[1]}
    assert not found["x"].left_out and "copy" not in found["x"].note
    return found["copy"].left_out or found["copy"].note


TWO, THREE = np.where(Y > 0, "yes", "no"), pd.cut(Y, 3, labels=["a", "b", "c"]).astype(str)


@pytest.mark.parametrize(
    ("y", "copy"),
    [
        (Y, Y), (Y, 2.54 * Y + 7), (Y, -Y), (Y, np.exp(Y)), (Y, Y.round()), (Y, (10 * Y).round().astype(int)),
        (Y, Y + 0.001 * NOISE), (Y, np.where(CHANCE.random(ROWS) < 0.3, "", Y.astype(str))),
        (Y, pd.cut(Y, 5, labels=list("pqrst")).astype(str)),
        (TWO, np.where(TWO == "yes", 1, 0)), (TWO, np.where(TWO == "yes", 100, 0) + NOISE), (TWO, Y),
        (TWO, np.where(np.arange(ROWS) % 4, np.where(TWO == "yes", "p", "n"), "")),
        (THREE, pd.Series(THREE).map({"a": 7, "b": 3, "c": 5})), (THREE, Y),
        (THREE, pd.Series(THREE).map({"a": 900, "b": -900, "c": 0}) + NOISE),
    ],
)  # fmt: skip
def test_a_copy_of_the_target_is_pointed_out_whatever_its_number_of_values(tmp_path, y, copy):
    assert "a copy of the target" in noted(tmp_path, y, copy)


@pytest.mark.parametrize(
    ("y", "column"),
    [
        (Y, 3 * X + 0.5 * CHANCE.normal(size=ROWS)),
        (Y, CHANCE.choice(["a", "b"], ROWS)),
        (Y, np.where(np.arange(ROWS) == Y.argmax(), 1, CHANCE.choice([0.5, 0], ROWS))),
        (Y, np.where(np.arange(ROWS) < 3, Y, "").astype(str)),
        (TWO, Y + 2 * CHANCE.normal(size=ROWS)),
        (TWO, np.where(np.arange(ROWS) < 4, "late", CHANCE.choice(["a", "b"], ROWS))),
        (THREE, CHANCE.integers(0, 3, ROWS)),
    ],
)
def test_a_column_that_only_helps_is_no_copy(tmp_path, y, column):
    assert "copy" not in noted(tmp_path, y, column)


def test_codes_with_leading_zeros_stay_text(tmp_path):
    code = pd.Series(CHANCE.choice(["00501", "01001", "10001"], ROWS), name="code")
    assert infer(code).constraints == {"enum": ["00501", "01001", "10001"]} and "leading zeros" in infer(code).note
    many = pd.Series([f"{number:05}" for number in range(ROWS)], name="many")
    assert infer(many).left_out == "every row has its own value; codes with leading zeros, kept as text"
    plain = pd.Series(["0", "-5", "10"] * 40, name="plain")
    assert infer(plain).type == "integer" and infer(pd.Series(["0.5", "0", "2"] * 40, name="x")).type == "number"
    package, _ = describe.describe(read_table(written(tmp_path, y=code)).table, "y", "x")
    assert package["resources"][0]["schema"]["fields"][-1]["constraints"]["enum"] == ["00501", "01001", "10001"]


def test_spellings_of_one_class_are_one_and_said_to_be(tmp_path, capsys):
    y = np.where(Y > 0, "YES", "No")
    y[:3], y[3:6] = "yes", "NO"
    add(written(tmp_path, y=y))
    assert "Spellings of one class are read as one: " in (said := capsys.readouterr().out)
    assert "yes (3) as YES" in said or "NO (3) as No" in said
    card = Registry(tmp_path / "artifacts" / "table").load()
    assert card.schema.classes == ["No", "YES"]


def test_two_columns_of_one_name_are_refused_by_both_their_names():
    table = pd.DataFrame({"a b": ["1"], "a_b": ["1"], "y": ["1"]})
    with pytest.raises(Undescribable, match="'a b' and 'a_b' would be called a_b; rename one of them"):
        describe.describe(table, "y", "x")


def plain_letters(monkeypatch) -> io.BytesIO:
    """Print on a console that knows no letters but the plain ones, from now on; return what it gets."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    return written


def test_a_narrow_console_ends_no_command_half_way(tmp_path, monkeypatch):
    printed = plain_letters(monkeypatch)
    columns: dict[str, Any] = {"उम्र": CHANCE.choice(["ä", "🙂"], ROWS), "结果": np.where(Y > 0, "是", "否")}
    add(written(tmp_path, **columns), target="结果")
    sys.stdout.flush()
    assert b"\\u662f is the positive class" in printed.getvalue()
    assert b"is the current one." in printed.getvalue()
    score.main(["--sql", "--artifacts", str(tmp_path / "artifacts"), "--table", "table"])
    assert '"उम्र"'.encode() in printed.getvalue()


@pytest.mark.parametrize("main", [model.main, server.main, command.main, versions.main])
def test_every_command_prints_anything(main, monkeypatch):
    plain_letters(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["command", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert sys.stdout.errors == "backslashreplace"
