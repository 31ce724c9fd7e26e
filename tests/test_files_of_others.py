"""A table as other programs and as chance write it: added, and then scored as the very same file at every door."""

import io
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import model
import score
from glassform.describing.files import add
from glassform.fitted.scorecard import Scorecard
from glassform.versions.registry import Registry
from server import create_app
from tests.conftest import missing, quick_training

ROWS = 80
CITIES = ["Zürich", "São Paulo", "东京", 'the "Hague"', "York, new"]


def frame(seed: int, columns: int = 7) -> pd.DataFrame:
    """A frame with columns of every kind, and an outcome."""
    chance = random.Random(seed)
    count = [chance.randint(0, 60) for _ in range(ROWS)]
    made: dict[str, list[Any]] = {
        "Count of it": count,
        "weight (kg)": [round(chance.uniform(0, 100), 2) for _ in range(ROWS)],
        "city": [chance.choice(CITIES) for _ in range(ROWS)],
        "since": [
            f"{chance.randint(2001, 2020)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}" for _ in range(ROWS)
        ],
        "member": [chance.choice([True, False]) for _ in range(ROWS)],
        "income": [chance.choice([None, round(chance.uniform(0, 9), 1)]) for _ in range(ROWS)],
        "code": [chance.choice(["007", "042", "100"]) for _ in range(ROWS)],
    }
    outcome = ["yes" if each + chance.gauss(0, 15) > 30 else "no" for each in count]
    return pd.DataFrame({name: made[name] for name in list(made)[:columns]} | {"y": outcome})


def added(path: Path, folder: Path, encoding: str | None = None) -> Scorecard:
    """The model of a file that was added."""
    with redirect_stdout(io.StringIO()), quick_training():
        package, _ = add(path, "y", "own", folder / "data", encoding=encoding)
        model.train(package, folder / "artifacts")
    return cast(Scorecard, Registry(folder / "artifacts").load())


def wanted(card: Scorecard, table: pd.DataFrame) -> list[float]:
    """The answers to the rows of a frame, value by value."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [
        card.probability(
            card.schema.read_fields((name, written(row[field.column])) for name, field in card.schema.by_name.items())
        )
        for row in rows
    ]


def written(value: Any) -> str:
    """A value as text."""
    return "" if value is None else str(value)


def check(path: Path, folder: Path, card: Scorecard, expected: list[float], stated: str | None = None) -> None:
    """See that a file gets the expected answers at every door."""
    assert by_web(path, folder, stated) == pytest.approx(expected, abs=1e-12)
    out = folder / "out.parquet"
    words = [str(path), str(out), "--artifacts", str(folder / "artifacts")]
    score.main([*words, "--encoding", stated] if stated else words)
    assert pq.read_table(out)["probability"].to_pylist() == pytest.approx(expected, abs=1e-12)


def by_web(path: Path, folder: Path, stated: str | None = None) -> list[float]:
    """The answers to a file as a body and, which must be the same, as an upload."""
    client, body = create_app(folder / "artifacts").test_client(), path.read_bytes()
    kind = "text/csv" if stated is None else f"text/csv; charset={stated}"
    file = (io.BytesIO(body), path.name, kind)
    how: dict[str, Any] = {"headers": {"Accept": "application/json"}, "buffered": True}
    sent = client.post("/probabilities", data=body, content_type=kind, **how)
    uploaded = client.post("/probabilities", data={"file": file}, **how)
    assert sent.status_code == 200, sent.text
    assert sent.json == uploaded.json
    answers: Any = sent.json
    return [answer["probability"] for answer in answers]


DIALECTS = st.fixed_dictionaries(
    {
        "sep": st.sampled_from([",", ";", "\t", "|"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([0, 1, 2]),
        "na_rep": st.sampled_from(["", "NA", "n/a", "?"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
        "index": st.booleans(),
    }
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(
    dialect=DIALECTS,
    comma=st.booleans(),
    ends=st.sampled_from(["", "delimiter", "blank"]),
    seed=st.integers(0, 99),
    columns=st.integers(1, 7),
)
def test_a_file_in_any_dialect_is_scored_as_it_was_added(
    scorecard, tmp_path_factory, dialect, comma, ends, seed, columns
):
    table, folder = frame(seed, columns), tmp_path_factory.mktemp("any")
    decimal = "," if comma and dialect["sep"] in ";\t" else "."
    path, stated = folder / "own.csv", "gb18030" if dialect["encoding"] == "gb18030" else None
    ready = table.replace({"São Paulo": "Paris", "Zürich": "Bern"}) if stated else table
    text = ready.to_csv(None, decimal=decimal, **{key: each for key, each in dialect.items() if key != "encoding"})
    end = dialect["lineterminator"]
    if ends == "delimiter":
        header, _, rows = text.partition(end)
        text = header + end + rows.replace(end, dialect["sep"] + end)
    text = text.replace(end, end * 2) if ends == "blank" else text
    path.write_bytes(text.encode(dialect["encoding"]))
    card = added(path, folder, stated)
    check(path, folder, card, wanted(card, ready), stated)


def by_pandas(table: pd.DataFrame, folder: Path) -> Iterator[Path]:
    table.to_csv(folder / "1.csv", index=False)
    table.to_csv(folder / "2.csv")
    table.to_csv(folder / "3.csv.gz", index=False, encoding="utf-8-sig")
    table.to_parquet(folder / "4.parquet")
    table.to_csv(folder / "5.csv", sep=";", decimal=",", index=False, na_rep="NA")
    yield from (folder / name for name in ("1.csv", "2.csv", "3.csv.gz", "4.parquet", "5.csv"))


def by_polars(table: pd.DataFrame, folder: Path) -> Iterator[Path]:
    own = pl.DataFrame({str(name): table[name].to_list() for name in table}, strict=False)
    dated = own.with_columns(pl.col("since").str.to_date())
    own.write_csv(folder / "1.csv")
    dated.write_csv(folder / "2.csv", include_bom=True, line_terminator="\r\n")
    dated.write_parquet(folder / "3.parquet")
    dated.write_ipc(folder / "4.arrow")
    own.write_csv(folder / "5.csv", separator="\t", quote_style="always", null_value="null")
    yield from (folder / name for name in ("1.csv", "2.csv", "3.parquet", "4.arrow", "5.csv"))


def by_duckdb(table: pd.DataFrame, folder: Path) -> Iterator[Path]:
    session = duckdb.connect()
    session.register("own", table)
    dated = 'SELECT * REPLACE (CAST("since" AS TIMESTAMP) AS "since") FROM own'
    for name, query, how in (
        ("1.csv", "FROM own", "HEADER"),
        ("2.csv", dated, "HEADER, DELIM ';'"),
        ("3.parquet", dated, "FORMAT parquet"),
        ("4.csv", "FROM own", "HEADER, FORCE_QUOTE *, NULLSTR 'NULL'"),
        ("5.csv.gz", "FROM own", "HEADER, DELIM '|', COMPRESSION gzip"),
    ):
        session.execute(f"COPY ({query}) TO '{folder / name}' ({how})")
        yield folder / name


R = """
t <- read.csv("given.csv", check.names = FALSE, colClasses = c(code = "character"), na.strings = "")
write.csv(t, "1.csv", row.names = FALSE)
write.csv(t, "2.csv")
write.csv2(t, "3.csv", row.names = FALSE, na = "")
write.table(t, "4.csv", sep = "\\t", row.names = FALSE, fileEncoding = "UTF-16LE", qmethod = "double")
write.table(t, "5.csv", sep = ",", row.names = FALSE, eol = "\\r\\n", qmethod = "double")
"""


def by_r(table: pd.DataFrame, folder: Path) -> Iterator[Path]:
    if not shutil.which("Rscript"):
        missing("R")
    table.to_csv(folder / "given.csv", index=False)
    done = subprocess.run(["Rscript", "-e", R], cwd=folder, capture_output=True, text=True, env={"LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    marked = folder / "4.csv"  # R writes no byte order mark
    marked.write_bytes(b"\xff\xfe" + marked.read_bytes())
    yield from (folder / f"{number}.csv" for number in range(1, 6))


def by_libreoffice(table: pd.DataFrame, folder: Path) -> Iterator[Path]:
    if not shutil.which("soffice"):
        missing("LibreOffice Calc")
    table.to_csv(folder / "given.csv", index=False)
    # the signs between cells and around them, the encoding, and whether all texts are quoted
    for number, token in enumerate(("44,34,76", "59,34,76", "9,34,76", "124,34,76", "44,34,65535"), start=1):
        office = ["soffice", f"-env:UserInstallation=file://{folder}/office", "--headless", "--infilter=CSV:44,34,76"]
        filter_ = f"csv:Text - txt - csv (StarCalc):{token},1,,0,{'true' if number % 2 else 'false'},true,false"
        subprocess.run(
            [*office, "--convert-to", filter_, "--outdir", str(folder / str(number)), "given.csv"],
            cwd=folder,
            capture_output=True,
            check=True,
            timeout=120,
        )
        yield folder / str(number) / "given.csv"


@pytest.mark.parametrize(
    "write", [by_pandas, by_polars, by_duckdb, by_r, by_libreoffice], ids=lambda each: each.__name__
)
def test_what_other_programs_write_is_scored_alike(scorecard, tmp_path, write):
    table = frame(7)
    if write is by_libreoffice:
        table["code"] = table["code"].map({"007": "a7", "042": "b42", "100": "c100"})  # it takes them for numbers
    first, *others = write(table, tmp_path)
    card = added(first, tmp_path)
    expected = wanted(card, table)
    assert len(card.schema.fields) == 7
    for path in (first, *others):
        check(path, tmp_path, card, expected)


@pytest.mark.parametrize(("decimal", "group"), [(".", ","), (",", "."), (",", " ")])
def test_thousands_are_read_alike_at_every_door(scorecard, tmp_path, decimal, group):
    table = frame(9)
    grouped = (table["weight (kg)"] * 100).map("{:,.2f}".format)
    signs = str.maketrans({",": group, ".": decimal})
    table["weight (kg)"] = [
        "1" + group + "234" if number % 9 == 0 else each.translate(signs) for number, each in enumerate(grouped)
    ]
    table.to_csv(tmp_path / "own.csv", index=False)
    card = added(tmp_path / "own.csv", tmp_path)
    check(tmp_path / "own.csv", tmp_path, card, wanted(card, table))
    assert card.schema.by_name["weight_kg"].type == "number"


def test_the_very_records_of_a_frame_are_scored_alike(scorecard, tmp_path):
    table = frame(8)
    table.to_csv(tmp_path / "own.csv", index=False)
    card = added(tmp_path / "own.csv", tmp_path)
    client = create_app(tmp_path / "artifacts").test_client()
    records = json.loads(table.to_json(orient="records"))
    moments = (pd.to_datetime(table["since"]) - pd.Timestamp(0)) // pd.Timedelta(milliseconds=1)
    for body in (
        records,
        [record | {"since": since} for record, since in zip(records, moments.tolist(), strict=True)],
    ):
        answers: Any = client.post("/probabilities", json=body, buffered=True).json
        assert [answer["probability"] for answer in answers] == pytest.approx(wanted(card, table), abs=1e-12)
