"""No cell and no header of a CSV file that we write is run as a formula, and what comes back means the same."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import model
import score
from glassform.describing.files import add
from glassform.files import csv_of, harmless, without_apostrophe
from glassform.fitted.scorecard import Scorecard
from glassform.records.messages import InvalidRecord
from glassform.records.schema import Schema
from glassform.settings import Settings
from glassform.versions.registry import Registry
from server import create_app
from tests.conftest import quick_training

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "＝1+1", " =1", "\n=1", "\t=1", "\ufeff=1"]
KINDS = ["=1+1", "-b", "@c"]
HEADERS = ["=kind", "+size", "-grade"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        *((text, f"'{text}") for text in FORMULAS),
        ("+cmd", "'+cmd"),
        ("-x", "'-x"),
        ("-", "'-"),
        ("\tplain", "'\tplain"),
        ("\rplain", "'\rplain"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠x", "'＠x"),
        ("\u3000＝x", "'\u3000＝x"),
        ("\0=x", "'\0=x"),
        ("-5", "-5"),
        ("+3.5", "+3.5"),
        (" -5", " -5"),
        ("-1e-05", "-1e-05"),
        ("+3.2e5", "+3.2e5"),
        ("-12,5", "-12,5"),
        ("-1e5+A1", "'-1e5+A1"),
        ("a=b", "a=b"),
        ("'=1", "'=1"),
        ("plain", "plain"),
        (" plain", " plain"),
        ("", ""),
    ],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text, safe):
    assert harmless(text) == safe and harmless(safe) == safe
    if safe != text:
        assert without_apostrophe(safe) == text


WORDS = st.one_of(st.text(max_size=5), st.text("=+-@ \t\r\n',\"1.e;＝a", max_size=5))
CELLS = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), WORDS)


@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)))
@hypothesis_settings(max_examples=300, deadline=None, derandomize=True)
def test_the_writer_makes_every_text_harmless_and_changes_nothing_else(rows):
    expected = io.StringIO()
    csv.writer(expected).writerows(
        [[harmless(each) if isinstance(each, str) else each for each in row] for row in rows]
    )
    assert csv_of(rows) == expected.getvalue().encode(errors="replace")


@dataclass
class Hostile:
    """A table whose headers and categories look like formulas, and a client of its server."""

    artifacts: Path
    card: Scorecard
    client: FlaskClient


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, empty_database) -> Hostile:
    folder: Path = tmp_path_factory.mktemp("hostile")
    rows = [
        [KINDS[at % 3], "" if at % 7 == 0 else at % 40 - 5, "+x" if at % 2 else "=y", "yes" if at % 5 < 2 else "no"]
        for at in range(120)
    ]
    path = folder / "hostile.csv"
    pd.DataFrame(rows, columns=[*HEADERS, "target"]).to_csv(path, index=False)
    package, _ = add(path, "target", None, folder)
    with quick_training():
        model.train(package, folder / "artifacts")
    (folder / "own.sqlite").write_bytes(empty_database.read_bytes())
    app = create_app(folder / "artifacts", Settings(database_url=f"sqlite:///{folder / 'own.sqlite'}"))
    return Hostile(folder / "artifacts", cast(Scorecard, Registry(folder / "artifacts").load()), app.test_client())


def cells_of(text: str) -> list[list[str]]:
    """The cells of a CSV file, which are all harmless."""
    rows = [*csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))]
    assert rows and all(harmless(cell) == cell for row in rows for cell in row), text
    return rows


def posted(hostile: Hostile, body: bytes, query: str = "", **headers: str) -> Any:
    return hostile.client.post(
        f"/probabilities{query}", data=body, content_type="text/csv", headers=headers, buffered=True
    )


def test_the_table_looks_like_formulas(hostile):
    assert {*hostile.card.schema.by_name["kind"].categories} == {*KINDS}
    assert hostile.card.schema.by_name["size"].has_gaps


def test_every_address_with_csv_writes_harmless_cells(hostile):
    record: dict[str, Any] = {"kind": "=1+1", "size": 2, "grade": "=y"}
    sent = {"name": "harmless", "password": "correct horse"}
    assert hostile.client.post("/accounts", json=sent).status_code == 201
    token = hostile.client.post("/tokens", json=sent).json["access_token"]
    who = {"Authorization": f"Bearer {token}"}
    url = hostile.client.post("/predictions", json=record, headers=who).headers["Location"]
    assert hostile.client.patch(url, json={"note": "=1+1"}, headers=who).status_code == 200
    asked = []
    for rule in hostile.client.application.url_map.iter_rules():
        resource = getattr(hostile.client.application.view_functions[rule.endpoint], "view_class", None)
        if resource is None or "csv" not in resource.formats or not {*rule.arguments} <= {"suffix"}:
            continue
        path = rule.rule.replace("<any(json, html, csv, sql):suffix>", "csv")
        for query in (record, {}):
            answer = hostile.client.get(path, query_string=query | {"format": "csv"}, headers=who)
            if answer.mimetype == "text/csv":
                cells_of(answer.text)
                asked.append(path)
                break
    assert {"/examples", "/scorecard", "/curves", "/predictions", "/probabilities"} <= {*asked}
    listed = hostile.client.get("/predictions.csv", headers=who).text
    assert "'=1+1" in cells_of(listed)[1]


@pytest.mark.parametrize("query", ["", "?explain=1", "?on_error=report", "?format=excel"])
def test_an_uploaded_file_comes_back_harmless_in_every_cell(hostile, query):
    header = "=kind,+size,-grade,=HYPERLINK(1),note"
    rows = [f'"=1+1",{at},"=y","{text}",a' for at, text in enumerate(FORMULAS, -4)]
    answer = posted(hostile, "\n".join([header, *rows]).encode(), query)
    assert answer.status_code == 200, answer.text
    first, *others = cells_of(answer.text)
    assert first[:5] == ["'=kind", "'+size", "'-grade", "'=HYPERLINK(1)", "note"]
    assert [row[0] for row in others] == ["'=1+1"] * len(FORMULAS)
    assert [row[1] for row in others] == [str(at - 4) for at in range(len(FORMULAS))]


def test_what_was_written_comes_back_in_and_means_the_same(hostile):
    sample = hostile.client.get("/probabilities.csv").text
    header = cells_of(sample)[0]
    once = posted(hostile, sample.encode())
    assert once.status_code == 200, once.text
    again = [row[: len(header)] for row in cells_of(once.text)]
    assert again == [row[: len(header)] for row in cells_of(sample)]
    people = [each["record"] for each in hostile.client.get("/examples").json["examples"]]
    wanted = [hostile.card.probability(person) for person in people]
    first, *rows = cells_of(once.text)
    assert [float(row[first.index("probability")]) for row in rows] == wanted
    assert any(cell.startswith("'") for row in again for cell in row)


def test_a_cell_with_our_apostrophe_is_the_value_itself(hostile):
    record = {"kind": "@c", "size": "3", "grade": "+x"}
    read = hostile.card.schema.read_fields
    assert read({**record, "kind": "'=1+1"}.items())["kind"] == "=1+1"
    assert read({**record, "kind": "'-b"}.items())["kind"] == "-b"
    with pytest.raises(InvalidRecord):
        read({**record, "grade": "'other"}.items())


def test_a_sign_for_a_gap_may_have_our_apostrophe():
    size = {
        "name": "size",
        "type": "number",
        "constraints": {"minimum": 0, "maximum": 9},
        "glassform": {"gaps": True},
    }
    target = {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}
    table = {"fields": [size, target], "missingValues": ["", "-"]}
    own = {"target": "y", "features": ["size"]}
    schema = Schema({"name": "gaps", "resources": [{"schema": table}], "glassform": own})
    for text in ("-", "'-", ""):
        assert schema.read_fields([("size", text)]) == {"size": "?"}
    with pytest.raises(InvalidRecord):
        schema.read_fields([("size", "'5")])


@pytest.mark.engine
@pytest.mark.parametrize("more", [(), ("--explain",), ("--on-error", "report", "wrong.csv")])
def test_an_engine_writes_harmless_cells_and_reads_them_again(hostile, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path)
    lines = [f'=1+1,{at},=y,"{text}"' for at, text in enumerate(FORMULAS, -4)]
    wrong = ["=2,1,=y,=1+1"] if "report" in more else []
    Path("in.csv").write_text("\n".join(["=kind,+size,-grade,=note", *lines, *wrong]) + "\n", encoding="utf-8")
    how = ["--artifacts", str(hostile.artifacts)]
    score.main(["in.csv", "out.csv", *more, *how])
    written = Path("out.csv").read_text(encoding="utf-8")
    first, *rows = cells_of(written)
    assert first[:4] == ["'=kind", "'+size", "'-grade", "'=note"]
    assert [row[3] for row in rows] == [f"'{text}" for text in FORMULAS]
    if wrong:
        assert cells_of(Path("wrong.csv").read_text(encoding="utf-8"))[1][:5] == ["10", "'=2", "1", "'=y", "'=1+1"]
    pd.read_csv("out.csv", dtype=str).iloc[:, :4].to_csv("again.csv", index=False)
    score.main(["again.csv", "twice.csv", *how])
    place = first.index("probability")
    assert [row[-1] for row in cells_of(Path("twice.csv").read_text(encoding="utf-8"))[1:]] == [
        row[place] for row in rows
    ]
