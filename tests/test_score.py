"""Many records through an engine give what the server gives, whole or not at all."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import psycopg
import pytest

import score
from glassform.engines.engine import EngineError
from glassform.engines.scoring import connect
from glassform.settings import ARTIFACTS
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.engine

GOOD = "39,State-gov,Bachelors,Never-married,White,Male,40"
HEADER = "age,workclass,education,marital_status,race,sex,hours_per_week"
TOLERANCE = 1e-9


@pytest.fixture(autouse=True)
def trained(scorecard):
    """Every command here reads the tests' own model."""


@pytest.fixture(params=["duckdb", "spark"])
def engine(request) -> str:
    if request.param == "spark":
        try:
            connect("spark", "local[2]")
        except EngineError as error:
            missing(str(error))
    return str(request.param)


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(engine, here):
    """Run the command in this process, in a folder of its own."""
    return lambda *words: score.main([*words, "--engine", engine, "--master", "local[2]"])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*unfinished*")]


def write(path: str, *lines: str, header: str = HEADER) -> Path:
    Path(path).write_text("\n".join([header, *lines]) + "\n")
    return Path(path)


@pytest.mark.parametrize("name", ["adult.csv", "adult_test.csv"])
def test_every_row_gets_what_the_server_gives_it(run, scorecard, name):
    run(str(ROOT / "data" / name), "scored.csv")
    sent, scored = rows(ROOT / "data" / name), rows(Path("scored.csv"))
    assert len(sent) == len(scored)
    for before, after in zip(sent, scored, strict=True):
        probability = float(after.pop("probability"))
        assert before == after
        record = scorecard.schema.read_fields(
            [(field.name, before[field.column]) for field in scorecard.schema.fields]
        )
        assert abs(probability - scorecard.probability(record)) <= TOLERANCE


def test_explained_rows_hold_every_term(run, scorecard, record):
    write("people.csv", GOOD)
    run("people.csv", "scored.csv", "--explain")
    (row,) = rows(Path("scored.csv"))
    explained = scorecard.explain(record)
    for each in explained["contributions"]:
        assert float(row[f"log_odds_{each['feature']}"]) == pytest.approx(each["log_odds"], abs=TOLERANCE)
    assert float(row["log_odds"]) == pytest.approx(explained["log_odds"], abs=TOLERANCE)


def test_parquet_keeps_its_types_and_whole_numbers_may_be_floats(run, scorecard, record):
    table = pd.DataFrame([record, record]).assign(note=["a", ""], age=[39.0, 40.0])
    table.to_parquet("people.parquet")
    run("people.parquet", "scored.parquet")
    scored = pd.read_parquet("scored.parquet")
    pd.testing.assert_frame_equal(scored.drop(columns="probability"), table)
    assert scored.probability[0] == pytest.approx(scorecard.probability(record), abs=TOLERANCE)


def test_a_csv_becomes_parquet_if_the_name_says_so(run, scorecard, record):
    write("people.csv", GOOD)
    run("people.csv", "scored.parquet")
    (row,) = pd.read_parquet("scored.parquet").to_dict("records")
    assert row["age"] == "39" and row["probability"] == pytest.approx(scorecard.probability(record), abs=TOLERANCE)


WRONG = {
    "too large": ("200,State-gov,Bachelors,Never-married,White,Male,40", "age 200 is not between 17 and 90"),
    "with a fraction": ("39.5,State-gov,Bachelors,Never-married,White,Male,40", "age 39.5 is not a whole number"),
    "in words": ("old,State-gov,Bachelors,Never-married,White,Male,40", "age old is not a whole number"),
    "empty": (",State-gov,Bachelors,Never-married,White,Male,40", "Enter age, a whole number"),
    "with a space": ("3 9,State-gov,Bachelors,Never-married,White,Male,40", "age 3 9 is not a whole number"),
    "unknown": ("39,State-gov,Bachelors,Never-married,White,male,40", "sex male is not a known sex; did you mean"),
    "foreign": ("39,State-gov,学士,Never-married,White,Male,40", "education 学士 is not a known education"),
    "quoted": ('39,"State-gov ""x""",Bachelors,Never-married,White,Male,40', "workclass State-gov \"x\" is not"),
    "two at once": ("16,State-gov,Bachelors,Never-married,White,Male,0", "hours_per_week 0 is not between 1 and 99"),
}  # fmt: skip


@pytest.fixture
def wrong_rows(here) -> Path:
    return write("people.csv", GOOD, *(row for row, _ in WRONG.values()), GOOD)


def test_wrong_rows_stop_all_unless_asked_otherwise(wrong_rows, run, engine):
    with pytest.raises(SystemExit) as stopped:
        run("people.csv", "scored.csv")
    told = str(stopped.value)
    for place, (_, message) in enumerate(WRONG.values(), start=2):
        assert (f"row {place}: " in told) == (engine == "duckdb") and message in told
    assert "9 rows are invalid; nothing was written" in told
    assert not Path("scored.csv").exists() and not left(Path())


def test_cells_and_headers_that_look_like_formulas_are_made_harmless(run):
    header = f"{HEADER},=note,number"
    write("people.csv", f"{GOOD},=1+1,-7", f'{GOOD}," @a",+3.5', f"{GOOD},＝9,-x", f"{GOOD},,", header=header)
    run("people.csv", "scored.csv")
    found = rows(Path("scored.csv"))
    assert [row["'=note"] for row in found] == ["'=1+1", "' @a", "'＝9", ""]
    assert [row["number"] for row in found] == ["-7", "+3.5", "'-x", ""]
    write("people.csv", f"{GOOD.replace('39', '=39')},=1+1,-x", header=header)
    run("people.csv", "scored.csv", "--on-error", "report", "wrong.csv")
    (row,) = rows(Path("wrong.csv"))
    assert (row["age"], row["'=note"], row["number"]) == ("'=39", "'=1+1", "'-x")


def test_parquet_keeps_what_looks_like_a_formula(run, record):
    pd.DataFrame([record]).assign(**{"=note": "=1+1"}).to_parquet("people.parquet")
    run("people.parquet", "scored.parquet")
    assert pd.read_parquet("scored.parquet")["=note"].to_list() == ["=1+1"]
    run("people.parquet", "scored.csv")
    assert rows(Path("scored.csv"))[0]["'=note"] == "'=1+1"


def test_wrong_rows_can_be_left_empty(wrong_rows, run, scorecard, record):
    run("people.csv", "scored.csv", "--on-error", "null")
    first, *wrong, last = rows(Path("scored.csv"))
    assert [row["probability"] for row in wrong] == [""] * len(WRONG)
    for row in (first, last):
        assert float(row["probability"]) == pytest.approx(scorecard.probability(record), abs=TOLERANCE)
    sent = [[cell for name, cell in row.items() if name != "probability"] for row in wrong]
    assert sent == [next(csv.reader([row])) for row, _ in WRONG.values()]


def test_wrong_rows_can_be_reported(wrong_rows, run, engine):
    run("people.csv", "scored.csv", "--on-error", "report", "wrong.csv")
    assert len(rows(Path("scored.csv"))) == 2
    reported = rows(Path("wrong.csv"))
    for place, (row, (sent, message)) in enumerate(zip(reported, WRONG.values(), strict=True), start=2):
        assert message in row.pop("error")
        if engine == "duckdb":
            assert row.pop("row") == str(place)
        assert [*row.values()] == next(csv.reader([sent]))


def test_a_report_of_good_rows_is_empty(run):
    write("people.csv", GOOD)
    run("people.csv", "scored.csv", "--on-error", "report", "wrong.csv")
    assert len(rows(Path("scored.csv"))) == 1 and rows(Path("wrong.csv")) == []


def test_spellings_the_schema_knows_are_no_errors(run, scorecard, record):
    write(
        "people.csv",
        GOOD.replace("39", "039").replace(",40", ",0040").replace("White", " White"),
        header="age,work,education,status,race,sex,hours",
    )
    run("people.csv", "scored.csv")
    (row,) = rows(Path("scored.csv"))
    assert row["age"] == "039"
    assert float(row["probability"]) == pytest.approx(scorecard.probability(record), abs=TOLERANCE)


UNREADABLE = {
    "too few cells": (f"{HEADER}\n39,State-gov\n{GOOD}\n", "line 2 has 2 cells, and the header has 7"),
    "too many cells": (f"{HEADER}\n{GOOD},x\n", "line 2 has 8 cells, and the header has 7"),
    "no header": ("", "has no header"),
    "no column": (f"{HEADER.replace('age', 'years')}\n{GOOD}\n", "there is no column age"),
    "twice": (f"{HEADER},hours\n{GOOD},40\n", "hours_per_week is meant by column 8 too; column 7 is it already"),
    "taken": (f"{HEADER},probability\n{GOOD},1\n", "probability is the name of an added column"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_table_is_refused_in_a_sentence(run, case):
    content, message = UNREADABLE[case]
    Path("people.csv").write_text(content)
    with pytest.raises(SystemExit) as stopped:
        run("people.csv", "scored.csv")
    assert message in str(stopped.value) and "Traceback" not in str(stopped.value)
    assert not Path("scored.csv").exists() and not left(Path())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            f"{HEADER}\n{GOOD}\n".encode() + b"39,State-gov,Bachelors,\xff\xfe,White,Male,40\n" * 9_000,
            "line 3: byte 138 is not utf-8 text",
        ),
        (f'{HEADER}\n39,"State-gov,Bachelors\n'.encode(), "line 2: a quotation mark is never closed"),
        (f"{HEADER}\n{GOOD}\n".encode("utf-16")[:-1], "is not utf-16 text"),
        (b"\x01\x02", "there is no column"),
    ],
)
def test_bytes_that_are_no_csv_are_refused_in_a_sentence(here, content, message):
    Path("people.csv").write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        score.main(["people.csv", "scored.csv"])
    assert message in str(stopped.value).lower() and not Path("scored.csv").exists()


def test_the_order_is_kept_however_few_rows_there_are(here):
    for count in (1, 2, 3, 50, 3_000):
        ages = [17 + place % 74 for place in range(count)]
        write("people.csv", *(GOOD.replace("39", str(age)) for age in ages))
        score.main(["people.csv", "scored.csv"])
        assert [int(row["age"]) for row in rows(Path("scored.csv"))] == ages


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_byte_order_marks_and_line_ends_are_read(here, scorecard, record, delimiter):
    text = f"{HEADER}\n{GOOD}\n".replace(",", delimiter).replace("\n", "\r\n")
    Path("people.csv").write_text(f"\ufeff{text}", newline="")
    score.main(["people.csv", "scored.csv"])
    assert float(rows(Path("scored.csv"))[0]["probability"]) == pytest.approx(scorecard.probability(record))


def test_compressed_files_are_read_and_written(here, scorecard, record):
    table = pd.DataFrame([record])
    table.to_csv("people.csv.gz", index=False)
    score.main(["people.csv.gz", "scored.csv.gz"])
    assert pd.read_csv("scored.csv.gz").probability[0] == pytest.approx(scorecard.probability(record))


def test_files_of_a_pattern_become_one_table(here):
    for name in ("b", "a"):
        write(f"{name}.csv", GOOD.replace("39", "20" if name == "a" else "30"))
    score.main(["*.csv", "scored.parquet"])
    assert pd.read_parquet("scored.parquet").age.tolist() == ["20", "30"]


def test_files_with_other_columns_are_not_one_table(here):
    write("a.csv", GOOD)
    write("b.csv", f"{GOOD},1", header=f"{HEADER},note")
    with pytest.raises(SystemExit, match=r"b\.csv has other columns than a\.csv"):
        score.main(["*.csv", "scored.parquet"])


@pytest.fixture
def folder(here: Path) -> Path:
    Path("people").mkdir()
    for number in range(3):
        write(f"people/{number}.csv", GOOD, "200" + GOOD[2:] if number == 1 else GOOD)
    return here


def test_a_folder_is_scored_file_by_file_and_taken_up_where_it_stopped(folder, capfd):
    with pytest.raises(SystemExit, match="row 2: age 200"):
        score.main(["people", "scored"])
    assert sorted(path.name for path in Path("scored").glob("*.csv")) == ["0.csv"]
    write("people/1.csv", GOOD)
    score.main(["people", "scored"])
    assert "people/0.csv is done already" in capfd.readouterr().err
    assert [len(rows(Path("scored") / f"{number}.csv")) for number in range(3)] == [2, 1, 2]


def test_what_has_changed_is_scored_anew(folder, capfd):
    score.main(["people", "scored", "--on-error", "null"])
    write("people/0.csv", GOOD, GOOD, GOOD)
    score.main(["people", "scored", "--on-error", "null"])
    told = capfd.readouterr().err
    assert "people/0.csv is done already" not in told and "people/2.csv is done already" in told
    assert len(rows(Path("scored/0.csv"))) == 3
    score.main(["people", "scored", "--on-error", "null", "--explain"])
    assert "done before" not in capfd.readouterr().err


def test_reports_of_a_folder_are_a_folder(folder):
    score.main(["people", "scored", "--on-error", "report", "wrong"])
    assert [len(rows(Path("wrong") / f"{number}.csv.csv")) for number in range(3)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.csv", "x.csv"], "no such file"), (["people", "people"], "would overwrite the source"),
        (["people/0.csv", "people/0.csv"], "people/0.csv would overwrite the source people/0.csv"),
        (
            ["people/0.csv", "y.csv", "--on-error", "report", "people/0.csv"],
            "people/0.csv would overwrite the source people/0.csv",
        ),
        (["x.xls", "y.csv"], "only .csv"),
        (["people/0.csv", "x.parquet", "y.csv"], "cannot be read as one table"),
        (["people/0.csv", "people2/0.csv", "scored"], "same name"),
        (["people/0.csv", "y.csv", "--engine", "nosuch://x"], "nosuch"),
        (["people/0.csv", "y.csv", "--artifacts", "nowhere"], "no model yet"),
        (["people/0.csv", "y.csv", "--table", "nope"], "there is no table nope; there is adult, census, "),
        (["people/0.csv", "no/such/../../people/0.csv"], "would overwrite the source"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(folder, words, message):
    Path("x.xls").write_text("")
    Path("x.parquet").write_bytes(Path("x.xls").read_bytes())
    Path("people2").mkdir()
    write("people2/0.csv", GOOD)
    with pytest.raises(SystemExit) as stopped:
        score.main(words)
    assert message in str(stopped.value)


def test_a_wrong_command_line_shows_the_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        score.main(["only-one"])
    assert "a source and a destination are needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threshold", "0.3"], "--threshold goes with --reasons only"),
        (["--against", "average"], "--against goes with --reasons only"),
        (["--direction", "up", "--sql"], "--direction goes with --reasons only"),
        (["--reasons", "2", "--threshold", "0.3"], "--threshold goes with --against threshold only"),
        (
            ["--reasons", "2", "--against", "best", "--threshold", "0.5"],
            "--threshold goes with --against threshold only",
        ),
        (
            ["--reasons", "2", "--against", "threshold", "--threshold", "0_5"],
            "argument --threshold: 0_5 is not a probability above 0 and below 1",
        ),
    ],
)
def test_an_option_that_would_change_nothing_or_cannot_be_read_is_refused(capsys, words, message):
    with pytest.raises(SystemExit):
        score.main(["in.csv", "out.csv", *words])
    assert message in capsys.readouterr().err


def test_a_column_with_a_reserved_name_is_refused(here, record):
    write("in.csv", GOOD + ",1", header=f"{HEADER},Glassform_Step_1")
    score.main(["in.csv", "plain.csv"])
    with pytest.raises(SystemExit, match="Glassform_Step_1 is a reserved name; rename your column"):
        score.main(["in.csv", "out.csv", "--reasons", "1"])
    assert not (here / "out.csv").exists()


def test_a_parquet_file_that_is_none_is_refused(here):
    Path("people.parquet").write_text("x")
    with pytest.raises(SystemExit) as stopped:
        score.main(["people.parquet", "y.csv"])
    assert "people.parquet" in str(stopped.value)


@pytest.fixture
def large(here: Path) -> Path:
    """A file that takes some seconds."""
    with Path("people.csv").open("w") as file:
        file.write(f"{HEADER}\n")
        for _ in range(20):
            file.write(f"{GOOD}\n" * 100_000)
    return here


def command(*words: str, **how) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "score.py"), *words], text=True, stderr=subprocess.PIPE, **how
    )


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_no_half_file_and_the_next_one_is_whole(large, signal_):
    with command("people.csv", "scored.csv") as process:
        while not any((large / name).stat().st_size for name in left(large)):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal_)
        assert process.wait(20) != 0
        assert process.stderr is not None and "Traceback" not in process.stderr.read()
    assert not Path("scored.csv").exists()
    score.main(["people.csv", "scored.csv"])
    assert not left(large)
    assert Path("scored.csv").read_bytes().count(b"\n") == 2_000_001


def test_a_full_disk_is_said_and_leaves_no_half_file(large):
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))
    with command("people.csv", "scored.csv", preexec_fn=full) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told and "large" in told.lower()
    assert not Path("scored.csv").exists() and not left(large)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, here) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS people; DROP TABLE IF EXISTS scored")
        return url
    return f"sqlite://{here}/people.sqlite"


def test_a_table_of_a_database_is_scored_there(database, scorecard, record, here):
    connection: Any = ibis.connect(database)
    columns = ", ".join(f"{name} {'text' if isinstance(value, str) else 'integer'}" for name, value in record.items())
    connection.raw_sql(f"CREATE TABLE people ({columns})")
    for each in (record, record | {"age": 200}):
        connection.raw_sql(f"INSERT INTO people VALUES {tuple(each.values())}")
    connection.con.commit()
    with pytest.raises(SystemExit, match="1 row is invalid"):
        score.main(["people", "scored", "--engine", database])
    assert "scored" not in connection.list_tables()
    score.main(["people", "scored", "--engine", database, "--on-error", "report", "wrong.csv"])
    (row,) = connection.raw_sql("SELECT probability FROM scored").fetchall()
    assert row[0] == pytest.approx(scorecard.probability(record), abs=TOLERANCE)
    (reported,) = rows(Path("wrong.csv"))
    assert reported["error"] == "age 200 is not between 17 and 90"
    with pytest.raises(SystemExit, match="there is a table scored"):
        score.main(["people", "scored", "--engine", database])
    with pytest.raises(SystemExit, match="no table nobody"):
        score.main(["nobody", "elsewhere", "--engine", database])
    connection.disconnect()


def test_spark_writes_a_folder_of_parts(here, scorecard):
    try:
        connect("spark", "local[2]")
    except EngineError as error:
        missing(str(error))
    write("people.csv", GOOD, GOOD)
    score.main(["people.csv", "scored", "--engine", "spark"])
    assert (Path("scored") / "_SUCCESS").exists()
    assert sum(len(rows(path)) for path in Path("scored").glob("part-*.csv")) == 2


def test_spark_on_a_cluster_of_its_own_processes_gives_the_same(here, scorecard, record):
    write("people.csv", GOOD)
    environment = os.environ | {"GLASSFORM_ARTIFACTS": str(ARTIFACTS)}
    words = ["people.csv", "scored.csv", "--engine", "spark", "--master", "local-cluster[2,1,1024]"]
    with command(*words, env=environment) as process:
        _, told = process.communicate(timeout=180)
    if "not installed" in told or "needs Java" in told:
        missing(told)
    assert process.returncode == 0, told
    assert float(rows(Path("scored.csv"))[0]["probability"]) == pytest.approx(scorecard.probability(record))


def test_the_statement_is_printed(capsys, scorecard):
    score.main(["--sql", "--dialect", "postgres"])
    assert scorecard.version in capsys.readouterr().out


def test_what_a_folder_was_made_from_is_written_down(folder, scorecard):
    score.main(["people", "scored", "--on-error", "null"])
    journal = json.loads(Path("scored/.glassform.json").read_text())
    assert {made_from[0] for made_from in journal.values()} == {scorecard.version}


def test_files_of_several_folders_are_read_together(run):
    for name in ("a", "b [x], {y}"):
        Path(name).mkdir()
        write(f"{name}/people.csv", GOOD)
    pd.DataFrame(rows(Path("a/people.csv"))).to_parquet("a/people.parquet")
    pd.DataFrame(rows(Path("a/people.csv"))).to_parquet("b [x], {y}/people.parquet")
    run("a/people.csv", "b [x], {y}/people.csv", "scored.csv")
    run("a/people.parquet", "b [x], {y}/people.parquet", "scored.parquet")
    assert len(rows(Path("scored.csv"))) == len(pd.read_parquet("scored.parquet")) == 2


def test_categories_kept_as_numbers_are_read_as_text(run, record):
    pd.DataFrame([record | {"sex": 1}]).to_parquet("people.parquet")
    with pytest.raises(SystemExit, match="sex 1 is not a known sex"):
        run("people.parquet", "scored.csv")


def test_the_order_of_a_large_file_is_kept(here):
    with Path("people.csv").open("w") as file:
        file.write(f"id,{HEADER}\n")
        file.writelines(f"{number},{17 + number % 74},{GOOD[3:]}\n" for number in range(400_000))
    for words in (["scored.csv"], ["scored.parquet"], ["scored.csv", "--on-error", "null"]):
        score.main(["people.csv", *words])
        table = pd.read_parquet(words[0]) if words[0].endswith("parquet") else pd.read_csv(words[0])
        assert table["id"].astype(int).tolist() == list(range(400_000))
        assert (table.age.astype(int) == 17 + table["id"].astype(int) % 74).all()


@pytest.mark.parametrize(
    "name", ["a[1].csv", "a*.csv", "a?.csv", "~a.csv", "age=50/a.csv", "y=1/a.csv", "a 'b' \"c\".csv"]
)
def test_a_file_is_read_by_its_own_name_alone(here, name):
    write("a1.csv", GOOD, GOOD, GOOD)
    write("ab.csv", GOOD, GOOD, GOOD)
    Path(name).parent.mkdir(exist_ok=True)
    write(name, GOOD)
    pd.DataFrame(rows(Path(name))).to_parquet(Path(name).with_suffix(".parquet"))
    score.main([name, "scored.csv"])
    score.main([str(Path(name).with_suffix(".parquet")), "scored2.csv"])
    for scored in ("scored.csv", "scored2.csv"):
        (row,) = rows(Path(scored))
        assert [*row] == [*HEADER.split(","), "probability"] and row["age"] == "39"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["people/1.csv", "o.csv", "--on-error", "report", "people/1.csv"], "would overwrite the source"),
        (["people/1.csv", "o.csv", "--on-error", "report", "o.csv"], "would overwrite the result"),
        (["people/0.csv", "full.csv"], "it is kept"), (["row.csv", "o.csv"], "Row is the name of an added column"),
        (["probability.csv", "o.csv"], "Probability is the name of an added column"),

        (["a.parquet", "b.parquet", "o.csv"], "b.parquet has other columns than a.parquet"),
        (["a.parquet", "c.parquet", "o.csv"], "c.parquet has other columns than a.parquet"),
    ],
)  # fmt: skip
def test_nothing_is_lost_or_renamed_unasked(folder, words, message, record):
    Path("full.csv").mkdir()
    write("full.csv/kept", "x")
    for name, column in {
        "row": "Row,",
        "probability": "Probability,",
    }.items():
        write(f"{name}.csv", "1," * column.count(",") + GOOD, header=column + HEADER)
    pd.DataFrame([record]).to_parquet("a.parquet")
    pd.DataFrame([record | {"extra": 7}]).to_parquet("b.parquet")
    pd.DataFrame([record | {"age": 25.5}]).to_parquet("c.parquet")
    before = {path: path.read_bytes() for path in Path().rglob("*.csv") if path.is_file()}
    with pytest.raises(SystemExit) as stopped:
        score.main(words)
    assert message in str(stopped.value)
    assert before == {path: path.read_bytes() for path in Path().rglob("*.csv") if path.is_file()}
    assert (Path("full.csv") / "kept").exists()


@pytest.mark.parametrize("columns", [",", "x,x,", "X,x,"])
def test_columns_of_no_field_may_be_called_anything(here, scorecard, record, columns):
    write("people.csv", "1," * columns.count(",") + GOOD, header=columns + HEADER)
    score.main(["people.csv", "scored.csv"])
    header, row = csv.reader(Path("scored.csv").read_text().splitlines())
    assert header == [*columns.split(",")[:-1], *HEADER.split(","), "probability"]
    assert row[0] == "1" and float(row[-1]) == pytest.approx(scorecard.probability(record))


def test_a_number_with_a_fraction_is_not_rounded_to_a_known_one(run, record):
    pd.DataFrame([record | {"age": 25.5}]).to_parquet("people.parquet")
    with pytest.raises(SystemExit, match=r"age 25\.5 is not a whole number"):
        run("people.parquet", "scored.csv")


@pytest.mark.parametrize("damage", ["xx", "[]", ""])
def test_a_damaged_journal_means_nothing_was_done(folder, damage):
    score.main(["people", "scored", "--on-error", "null"])
    (folder / "scored" / ".glassform.json").write_text(damage)
    score.main(["people", "scored", "--on-error", "null"])
    assert len(rows(Path("scored/0.csv"))) == 2


def test_a_report_is_written_before_the_result(here):
    write("people.csv", GOOD, "200" + GOOD[2:])
    Path("file").write_text("")
    with pytest.raises(SystemExit):
        score.main(["people.csv", "scored.csv", "--on-error", "report", "file/wrong.csv"])
    assert not Path("scored.csv").exists()
    score.main(["people.csv", "scored.csv", "--on-error", "report", "new/wrong.csv"])
    assert len(rows(Path("new/wrong.csv"))) == 1
