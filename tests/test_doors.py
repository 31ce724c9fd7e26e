"""One table of cases through every door: what is written, and what it means, or that it is refused.

A case is a line of `cases/values.jsonl` (a value of a field) or of `cases/files.jsonl` (a whole file).
"""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask import Flask

import model
import score
from glassform.describing.columns import Undescribable
from glassform.describing.files import read_table
from glassform.fitted.scorecard import Scorecard
from glassform.records.messages import InvalidRecord
from glassform.records.parsing import Pairs
from glassform.tables.opening import open_file
from glassform.versions.registry import Registry
from server import create_app
from tests.conftest import quick_training
from tests.stranger import TYPICAL, write_stranger

CASES = Path(__file__).parent / "cases"
VALUES, FILES = (
    [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in ("values", "files")
)
TEXTS = [case for case in VALUES if isinstance(case["written"], str)]
TYPED = [case for case in VALUES if not isinstance(case["written"], str)]
TYPES = {"INT64": int, "FP64": float, "BYTES": str, "BOOL": bool}
REFUSED = "refused"


def named(case: dict[str, Any]) -> str:
    """A case's name in the report."""
    return case.get("name") or f"{case['field']}={json.dumps(case['written'], ensure_ascii=False)[:30]}"


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Path, Path]:
    """The folders of a stranger's described table and of its model."""
    folder: Path = tmp_path_factory.mktemp("stranger")
    package = write_stranger(folder)
    with quick_training():
        model.train(package, folder / "artifacts")
    return package, folder / "artifacts"


@pytest.fixture(scope="module")
def card(places) -> Scorecard:
    return cast(Scorecard, Registry(places[1]).load())


@pytest.fixture(scope="module")
def web(scorecard, places) -> Flask:
    """The application that serves the stranger's table and no other."""
    return create_app(artifacts=places[1])


def wanted(card: Scorecard, case: dict[str, Any]) -> float | str:
    """The answer that a case asks for."""
    if REFUSED in case:
        return REFUSED
    return card.probability(TYPICAL | {case["field"]: case["means"]})


def answer_of(response: Any) -> Any:
    """The probability in an answer, or that it is refused."""
    assert response.status_code in (200, 422), response.text
    if response.status_code == 422:
        return REFUSED
    body = response.json
    return (body[0] if isinstance(body, list) else body)["probability"]


def by_query(client: Any, record: dict[str, Any]) -> Any:
    return answer_of(client.get("/probability", query_string=record))


def by_form(client: Any, record: dict[str, Any]) -> Any:
    return answer_of(client.post("/probability", data=record))


def by_csv(client: Any, record: dict[str, Any]) -> Any:
    cells = ('"{}"'.format(str(value).replace('"', '""')) for value in record.values())
    body = f"{','.join(record)}\n{','.join(cells)}\n".encode()
    return answer_of(
        client.post(
            "/probabilities",
            data=body,
            content_type="text/csv",
            headers={"Accept": "application/json"},
            buffered=True,
        )
    )


def by_json(client: Any, record: dict[str, Any]) -> Any:
    return answer_of(client.post("/probability", json=record))


def by_array(client: Any, record: dict[str, Any]) -> Any:
    return answer_of(client.post("/probabilities", json=[record], buffered=True))


def by_lines(client: Any, record: dict[str, Any]) -> Any:
    return answer_of(
        client.post(
            "/probabilities",
            data=json.dumps(record),
            content_type="application/x-ndjson",
            headers={"Accept": "application/json"},
            buffered=True,
        )
    )


def tensor_of(name: str, value: Any) -> dict[str, Any]:
    """A tensor of one value, of the type that it has."""
    kind = type(value) if value is not None else float
    datatype = next(datatype for datatype, type_ in TYPES.items() if type_ is kind)
    return {"name": name, "datatype": datatype, "shape": [1], "data": [value]}


def by_tensors(client: Any, record: dict[str, Any]) -> Any:
    body = {"inputs": [tensor_of(name, value) for name, value in record.items()]}
    response = client.post("/v2/models/stranger/infer", json=body)
    assert response.status_code in (200, 422, 400), response.text
    if response.status_code != 200:
        return REFUSED
    return next(each["data"][0] for each in response.json["outputs"] if each["name"] == "probability")


def by_python(card: Scorecard, record: dict[str, Any]) -> Any:
    try:
        return card.probability(card.schema.read_json(Pairs(record.items())))
    except InvalidRecord:
        return REFUSED


@pytest.mark.parametrize("door", [by_query, by_form, by_csv], ids=lambda door: door.__name__)
@pytest.mark.parametrize("case", TEXTS, ids=named)
def test_a_text_means_the_same_at_every_door(web, card, case, door):
    record = TYPICAL | {case["field"]: case["written"]}
    assert door(web.test_client(), record) == wanted(card, case)


def in_json(case: dict[str, Any], card: Scorecard) -> bool:
    """Whether JSON can carry a text: it writes numbers without quotes."""
    field = card.schema.by_name[case["field"]]
    return bool(field.categories) or case.get("means") == "?" or REFUSED in case


@pytest.mark.parametrize("door", [by_json, by_array, by_lines, by_tensors], ids=lambda door: door.__name__)
@pytest.mark.parametrize("case", VALUES, ids=named)
def test_a_json_value_means_the_same_at_every_door(web, card, case, door):
    if isinstance(case["written"], str) and not in_json(case, card):
        return
    if door is by_tensors and isinstance(case["written"], list | dict):
        return
    record = TYPICAL | {case["field"]: case["written"]}
    assert door(web.test_client(), record) == wanted(card, case)


def test_python_reads_what_json_does(card):
    for case in TYPED:
        assert by_python(card, TYPICAL | {case["field"]: case["written"]}) == wanted(card, case), named(case)


def scored(source: Path, artifacts: Path) -> list[float | None]:
    """The engine's answers to the rows of a file."""
    out = source.with_name("out.parquet")
    score.main([str(source), str(out), "--on-error", "null", "--artifacts", str(artifacts)])
    return cast(list[float | None], pq.read_table(out)["probability"].to_pylist())


def agrees(card: Scorecard, cases: list[dict[str, Any]], found: list[float | None]) -> None:
    """See that the engine gave every case its answer."""
    for case, probability in zip(cases, found, strict=True):
        expected = wanted(card, case)
        told = None if expected == REFUSED else pytest.approx(expected, abs=1e-9)
        assert probability == told, named(case)


def test_an_engine_reads_texts_as_the_other_doors_do(places, card, tmp_path):
    write_csv([TYPICAL | {case["field"]: case["written"]} for case in TEXTS], tmp_path / "cases.csv")
    agrees(card, TEXTS, scored(tmp_path / "cases.csv", places[1]))


@pytest.mark.parametrize("type_", [int, float, bool, type(None)], ids=lambda type_: type_.__name__)
def test_an_engine_reads_its_own_types_as_the_other_doors_do(places, card, tmp_path, type_):
    """The cases of each field in a table of their own: a column holds values of one type."""
    for field in TYPICAL:
        cases = [case for case in TYPED if case["field"] == field and type(case["written"]) is type_]
        if cases:
            table = pa.table({name: [value] * len(cases) for name, value in TYPICAL.items() if name != field})
            table = table.append_column(field, [[case["written"] for case in cases]])
            pq.write_table(table, tmp_path / "cases.parquet")
            agrees(card, cases, scored(tmp_path / "cases.parquet", places[1]))


def write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows with every cell in quotes."""
    lines = [",".join('"{}"'.format(str(cell).replace('"', '""')) for cell in row.values()) for row in rows]
    path.write_text("\n".join([",".join(rows[0]), *lines]) + "\n", encoding="utf-8", newline="")


# Whole files.


def content(case: dict[str, Any]) -> bytes:
    """The bytes of a file."""
    if "bytes" in case:
        return bytes.fromhex(case["bytes"])
    text, encoding = case["text"], case.get("encoding", "utf-8")
    if encoding == "gzip":
        return gzip.compress(text.encode())
    if encoding in WRITERS:
        names, *rows = (line.split(",") for line in text.splitlines())
        count, weight = zip(*rows, strict=True)
        return WRITERS[encoding](pa.table({names[0]: [*map(int, count)], names[1]: [*map(float, weight)]}))
    return cast(bytes, text.encode(encoding))


def as_parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def as_arrow(table: pa.Table, new: Callable[..., Any] = pa.ipc.new_file) -> bytes:
    file = io.BytesIO()
    with new(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {
    "parquet": as_parquet,
    "arrow": as_arrow,
    "stream": lambda table: as_arrow(table, pa.ipc.new_stream),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Path, Scorecard, Flask]:
    """A model of two fields, its folder, and what serves it."""
    folder: Path = tmp_path_factory.mktemp("small")
    package = write_stranger(folder, ["count", "weight"])
    with quick_training():
        model.train(package, folder / "artifacts")
    return (
        folder / "artifacts",
        cast(Scorecard, Registry(folder / "artifacts").load()),
        create_app(folder / "artifacts"),
    )


def expected(card: Scorecard, case: dict[str, Any]) -> list[float]:
    """The answers that a file asks for."""
    return [card.probability({"count": int(count), "weight": float(weight)}) for count, weight in case["rows"]]


@pytest.mark.parametrize("upload", [False, True], ids=["body", "upload"])
@pytest.mark.parametrize("case", FILES, ids=named)
def test_a_file_is_read_at_the_web(small, case, upload):
    _, card, app = small
    stated = f"; charset={case['stated']}" if "stated" in case else ""
    body: Any = content(case)
    if upload:
        file = (io.BytesIO(body), "table.csv", f"text/csv{stated}")
        sent = {"data": {"file": file}, "content_type": "multipart/form-data"}
    else:
        sent = {"data": body, "content_type": f"text/csv{stated}"}
    response = app.test_client().post("/probabilities", headers={"Accept": "application/json"}, buffered=True, **sent)
    if REFUSED in case:
        assert response.status_code in (400, 422), response.text
        told = [response.json.get("detail") or ""]
        told += [f"{error['field']} {error['message']}" for error in response.json.get("errors", [])]
        assert case[REFUSED] in " ".join(told)
    else:
        assert [each["probability"] for each in response.json] == expected(card, case), response.text


@pytest.mark.parametrize("case", FILES, ids=named)
def test_a_file_is_read_by_score(small, tmp_path, case, capsys):
    artifacts, card, _ = small
    kind = case.get("encoding", "") if case.get("encoding") in ("parquet", "arrow") else "csv"
    source, out = (
        tmp_path / f"table.{kind}{'.gz' if case.get('encoding') == 'gzip' else ''}",
        tmp_path / "out.parquet",
    )
    source.write_bytes(content(case))
    words = [str(source), str(out), "--artifacts", str(artifacts)]
    words += ["--encoding", case["stated"]] if "stated" in case else []
    if REFUSED in case:
        with pytest.raises(SystemExit) as stopped:
            score.main(words)
        assert case[REFUSED] in str(stopped.value) and "Traceback" not in str(stopped.value)
        assert not out.exists()
    else:
        score.main(words)
        assert pq.read_table(out)["probability"].to_pylist() == pytest.approx(expected(card, case), abs=1e-12)


@pytest.mark.parametrize("case", FILES, ids=named)
def test_a_file_is_read_to_be_added(tmp_path, monkeypatch, case):
    monkeypatch.setattr("glassform.describing.files.FEWEST_ROWS", 2)
    path = tmp_path / "table.csv"
    path.write_bytes(content(case))
    if REFUSED in case and case[REFUSED].startswith("count"):
        return  # it is no field yet
    if REFUSED in case:
        with pytest.raises(Undescribable) as told:
            read_table(path, case.get("stated"))
        assert case[REFUSED] in str(told.value)
        return
    if case["name"] == "other columns twice":
        with pytest.raises(Undescribable, match="2 columns are called x"):
            read_table(path)
        return
    found = read_table(path, case.get("stated"))
    assert len(found.table) == len(case["rows"])
    said = " ".join(found.noticed)
    assert case.get("noticed", "") in said and bool(said) >= bool(case.get("noticed"))


@pytest.mark.parametrize("stated", ["zip", "idna", "unicode_escape", "undefined", "klingon"])
def test_what_is_no_encoding_of_files_is_none_at_any_door(small, tmp_path, stated):
    path = tmp_path / "table.csv"
    path.write_text("count,weight\n39,2.5\n")
    with pytest.raises(Undescribable, match=f"{stated} is not an encoding that is known here"):
        read_table(path, stated)
    sent = {"data": path.read_bytes(), "content_type": f"text/csv; charset={stated}"}
    assert small[2].test_client().post("/probabilities", buffered=True, **sent).status_code == 415


def test_what_is_noticed_is_said_of_what_was_there_alone(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("a,b\n1,2\n")
    with open_file(path) as table:
        assert [*table.checked_rows()] == [["1", "2"]] and table.noticed == []


def test_json_form_and_python_give_identical_numbers_on_a_thousand_people(client, scorecard, splits):
    people = splits["adult_test"].X.sample(1_000, random_state=0).to_dict("records")
    for record in people:
        expected = model.predict_probability(**record)
        by_query = client.get("/probability", query_string=record).json["probability"]
        by_form = client.post("/probability", data=record).json["probability"]
        by_json = client.post("/probability", json=record).json["probability"]
        assert by_query == by_form == by_json == expected


def test_there_are_enough_cases():
    assert len(VALUES) + len(FILES) >= 300
