"""A range that was only seen is no rule: outside of it, every door answers as the fitted pipeline goes on."""

import csv
import io
import json
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import duckdb
import jsonschema
import numpy as np
import pandas as pd
import pytest
import sqlglot
from playwright.sync_api import Route, expect

import model
import score
from glassform.analysis.drift import drifts
from glassform.describing.files import add
from glassform.engines.dialects import DIALECTS
from glassform.engines.sql import statement
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.kinds import KINDS
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.target import sigmoid
from glassform.learning.saving import load_pipeline
from glassform.learning.table import read, with_seen
from glassform.learning.tabulate import coefficient_covariance, design_of
from glassform.records.datapackage import read_package
from glassform.records.field import Record
from glassform.records.messages import InvalidRecord
from glassform.records.parsing import Pairs
from glassform.settings import ARTIFACTS
from glassform.web.charts import percent
from server import create_app
from tests.resources.answers.test_what_if import ASK

CLOSE = 1e-9
TABLES = {"two": ("bought", None), "three": ("grade", None), "number": ("price", None), "opaque": ("bought", "svm")}


def bills(rows: int = 160) -> pd.DataFrame:
    """Real and whole numbers, dates, a number with gaps, a word, and a target of every kind."""
    chance = np.random.default_rng(3)
    days = pd.Timestamp("2015-01-01") + pd.to_timedelta(chance.integers(0, 3_500, rows), unit="D")
    size, count = chance.gamma(2, 15, rows).round(2), chance.integers(-5, 30, rows)
    worth = size / 30 + count / 10 - 1.5
    return pd.DataFrame(
        {
            "size": size,
            "count": count,
            "since": days.strftime("%Y-%m-%d"),
            "age": np.where(chance.random(rows) < 0.2, "", chance.integers(1, 60, rows).astype(str)),
            "kind": chance.choice(["a", "b"], rows),
            "bought": np.where(chance.random(rows) < 1 / (1 + np.exp(-worth)), "yes", "no"),
            "grade": np.select([worth > 0.5, worth > -0.3], ["high", "mean"], "low"),
            "price": (100 * worth + chance.normal(0, 5, rows)).round(2),
        }
    )


BILLS = bills()
# the smallest and the largest of every number in the file that is added
SEEN: dict[str, tuple[float, float]] = {
    "size": (BILLS["size"].min(), BILLS["size"].max()),
    "count": (int(BILLS["count"].min()), int(BILLS["count"].max())),
    "since": (int(BILLS["since"].min()[:4]), int(BILLS["since"].max()[:4])),
    "age": (int(pd.to_numeric(BILLS["age"]).min()), int(pd.to_numeric(BILLS["age"]).max())),
}


@dataclass
class Table:
    """A table that was added, and a client of a server that has it."""

    name: str
    package: Path
    artifacts: Path
    card: Fitted
    pipeline: Any
    client: Any

    def ask(self, path: str, **request: Any) -> Any:
        """Ask the table: with a body if there is one, else with a query."""
        how = self.client.post if {"json", "data"} & {*request} else self.client.get
        return how(f"/{self.name}{path}", **request)

    def taken(self, records: list[Record]) -> pd.DataFrame:
        """Records as the pipeline takes them, their numbers at most ten ranges out."""
        X = pd.DataFrame(records)
        for name, (low, high) in SEEN.items():
            far = 10 * (high - low)
            X[name] = pd.to_numeric(X[name].replace("?", np.nan)).clip(low - far, high + far)
        return X

    def expected(self, records: list[Record]) -> np.ndarray:
        """What the fitted pipeline gives records."""
        X = self.taken(records)
        if self.card.schema.task == "number":
            return np.array(self.pipeline.predict(X))
        if self.card.is_additive:
            return np.array(self.pipeline.decision_function(X))
        log = np.log(self.pipeline.predict_proba(X))
        return np.array(log[:, 1] - log[:, 0])

    def drawn(self, count: int, seed: int = 0) -> list[Record]:
        """Random records: their numbers inside of what was seen, just outside, and far outside."""
        chance, records = random.Random(seed), []
        for _ in range(count):
            record: Record = {"kind": chance.choice(["a", "b"])}
            for name, (low, high) in SEEN.items():
                farthest = 1e6 if name == "since" else 1e9  # a larger year is a moment in milliseconds
                far = chance.choice([0, 0.05, 5, 9.99, 30, farthest]) * (high - low)
                value = chance.choice([chance.uniform(low - far, high + far), low, high, low - far, high + far])
                record[name] = value if name == "size" else int(value)
            record["age"] = chance.choice(["?", record["age"]])
            records.append({name: record[name] for name in self.card.schema.by_name})
        return records

    def answer(self, sums: Any) -> float:
        """The first number of an answer."""
        return float(next(each for each in self.card.target.cells(sums) if not isinstance(each, str)))


@pytest.fixture(scope="module", params=TABLES)
def table(request, scorecard, tmp_path_factory) -> Table:
    target, estimator = TABLES[request.param]
    folder: Path = tmp_path_factory.mktemp(request.param)
    BILLS[[*SEEN, "kind", target]].to_csv(folder / "bills.csv", index=False)
    package, _ = add(folder / "bills.csv", target, None, folder / "data", estimator)
    artifacts = shutil.copytree(ARTIFACTS, folder / "artifacts")
    card = model.train(package, artifacts / "bills")
    client = create_app(artifacts).test_client()
    return Table("bills", package, artifacts, card, load_pipeline(artifacts / "bills"), client)


def kinds(*names: str) -> Any:
    """Run a test with some of the tables only."""
    return pytest.mark.parametrize("table", names, indirect=True)


@pytest.fixture
def outside(table) -> Record:
    """A record of next years, with a size and a count that nobody has seen."""
    others: Record = {"size": 200.5, "count": -12, "since": 2031, "kind": "b", "age": 40}
    return {name: others[name] for name in table.card.schema.by_name}


def test_a_package_says_what_was_seen_and_states_no_rule(table):
    described = json.loads(table.package.read_text())["resources"][0]["schema"]["fields"]
    fields = {field["name"]: field for field in described}
    for name, (low, high) in SEEN.items():
        assert fields[name]["constraints"] == {"required": True}
        assert fields[name]["glassform"]["observed"] == {"minimum": low, "maximum": high}
    if table.card.schema.task == "number":
        assert fields["price"]["constraints"] == {"required": True}


def test_inside_just_outside_and_far_outside_it_is_the_pipeline_itself(table):
    records = table.drawn(400)
    found = np.array(table.card.all_sums([table.card.row(record) for record in records]))
    wanted = table.expected(records)
    assert np.isfinite(found).all()
    assert (np.abs(found - wanted) <= CLOSE * np.maximum(1, np.abs(wanted))).all()


def test_every_door_gives_the_same_answer_and_says_what_is_outside(table, outside):
    main, (sums,) = table.card.target.columns[0], table.expected([outside])
    wanted = pytest.approx(table.answer(sums), abs=CLOSE, rel=CLOSE)
    number = "probability" if main == "label" else main
    asked = [
        table.ask("/probability", query_string=outside).json,
        table.ask("/probability", query_string=outside | {"since": "2031-02-03"}).json,
        table.ask("/probability", json=outside).json,
        table.ask("/probabilities", json=[table.card.typical, outside]).json[1],
        table.ask("/predict", json=outside).json,
    ]
    for answer in asked:
        said = " ".join(answer["warnings"])
        assert "Size: 200.5 is outside of what was seen" in said and "Since: 2031" in said and "Count: -12" in said
        assert "Age" not in said and "kind" not in said.lower()
    if main != "label":  # of several classes, doors give all probabilities, each in its way
        assert [answer[number] for answer in asked] == [wanted] * len(asked)
    header, *rows = csv.reader(io.StringIO(batch(table, [table.card.typical, outside])))
    first, second = (dict(zip(header, row, strict=True)) for row in rows)
    assert first["warnings"] == "" and "Size: 200.5 is outside" in second["warnings"]
    assert float(second[number if main != "label" else f"probability_{table.card.schema.classes[0]}"]) == wanted


def batch(table: Table, records: list[Record]) -> str:
    body = pd.DataFrame(records).to_csv(index=False)
    with table.ask("/probabilities", data=body, headers={"Content-Type": "text/csv"}) as answer:
        return str(answer.text)


def test_tensors_say_it_in_the_parameters_of_the_response(table, outside):
    records = [table.card.typical, outside]
    answer = infer(table, records)
    assert answer["parameters"]["warnings"].startswith("row 2: Size: 200.5 is outside of what was seen")
    found = {each["name"]: each["data"] for each in answer["outputs"]}
    wanted = [table.answer(sums) for sums in table.expected(records)]
    (number,) = (found[name] for name in ("probability", "prediction", "probabilities") if name in found)
    assert number[:: len(number) // 2] == pytest.approx(wanted, abs=CLOSE, rel=CLOSE)
    assert "parameters" not in infer(table, [table.card.typical])


def infer(table: Table, records: list[Record]) -> Any:
    described = table.client.get("/v2/models/bills").json["inputs"]
    inputs = [
        {**each, "shape": [len(records)], "data": [record[each["name"]] for record in records]} for each in described
    ]
    return table.client.post("/v2/models/bills/infer", json={"inputs": inputs}).json


def test_what_was_seen_has_no_warning(table):
    inside = table.card.typical
    ours = [text for text in table.ask("/probability", json=inside).json["warnings"] if "seen" in text]
    assert ours == [] and table.ask("/probabilities", json=[inside]).json[0]["warnings"] == []
    assert "warnings" not in table.ask("/predict", json=inside).json


@pytest.mark.parametrize("value", [1e300, -1e300, 1e99, 2_000, 1_700.25])
def test_beyond_ten_ranges_it_stays_as_it_is_there(table, value):
    low, high = SEEN["size"]
    end = high + 10 * (high - low) if value > 0 else low - 10 * (high - low)
    far, there = (table.card.typical | {"size": size} for size in (value, end))
    answer = table.ask("/probability", json=far)
    assert answer.status_code == 200
    assert answer.json["record"]["size"] == value and f"It counts as {end:.15g}" in answer.json["warnings"][0]
    assert table.card.sums(far) == pytest.approx(table.card.sums(there), rel=1e-12)


@pytest.mark.parametrize("value", [10**18, -(10**18)])
def test_a_whole_number_may_have_sixty_four_bits_and_no_more(table, value):
    assert table.ask("/probability", json=table.card.typical | {"count": value}).json["record"]["count"] == value
    for wrong in (value * 10, value * 10**40):
        for door in ("json", "query_string"):
            refused = table.ask("/probability", **{door: table.card.typical | {"count": wrong}})
            assert refused.status_code == 422 and refused.json["errors"][0]["field"] == "count"


def test_what_is_no_number_of_the_field_is_still_refused(table):
    for name, wrong in (("count", 1.5), ("count", "x"), ("size", "nan"), ("size", "1e999"), ("since", "")):
        refused = table.ask("/probability", query_string=table.card.typical | {name: wrong})
        assert refused.status_code == 422 and refused.json["errors"][0]["field"] == name


def test_the_schema_announces_no_limit_and_takes_what_is_answered(table, outside):
    described = table.ask("/").json["schema"]
    for name, (low, high) in SEEN.items():
        assert not {"minimum", "maximum"} & {*described["properties"][name]}
        assert described["properties"][name]["x-observed"] == {"minimum": low, "maximum": high}
    document = table.ask("/openapi.json").json["components"]["schemas"]["Record"]
    assert not {"minimum", "maximum"} & {*document["properties"]["size"]}
    jsonschema.validate(outside, described)


@kinds("two", "three", "number")
def test_a_student_with_the_csv_file_recomputes_the_same_number(table):
    lines = [*csv.DictReader(io.StringIO(table.ask("/scorecard.csv").text))]
    columns = [column for column in lines[0] if column not in ("feature", "value", "odds_multiplier")]
    features = {each["feature"]: each for each in table.ask("/scorecard").json["features"]}
    assert features["size"]["before"] and features["size"]["after"] and "before" not in features["kind"]
    jsonschema.validate(table.ask("/scorecard").json, table.ask("/scorecard/schema").json)
    for record in table.drawn(60, seed=1):
        sums = [
            float(lines[0][column]) + sum(looked_up(lines, name, record[name], column) for name in record)
            for column in columns
        ]
        wanted = table.card.sums(record)
        assert sums == pytest.approx(wanted if isinstance(wanted, list) else [wanted], abs=CLOSE, rel=CLOSE)


def looked_up(lines: list[dict[str, str]], name: str, value: Any, column: str) -> float:
    """Look a value up as one does by hand: its own row, or the straight line between two; outside, the last row."""
    rows = {line["value"]: float(line[column]) for line in lines if line["feature"] == name}
    if isinstance(value, str):
        return rows[value]
    rows.pop("?", None)
    assert [*map(float, rows)] == sorted(map(float, rows))
    return float(np.interp(value, [*map(float, rows)], [*rows.values()]))


def typed(records: list[Record]) -> pd.DataFrame:
    """Records as a database has them: a gap is NULL."""
    X = pd.DataFrame(records)
    return X.assign(age=pd.to_numeric(X["age"].replace("?", np.nan)).astype("Int64"))


@kinds("two", "number")
@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgres"])
def test_the_exported_statement_gives_the_same(table, dialect):
    assert isinstance(table.card, Additive)
    records = table.drawn(80, seed=2)
    people = typed(records).assign(number=range(len(records)))
    text = statement(table.card, DIALECTS[dialect])
    if dialect == "sqlite":
        with closing(sqlite3.connect(":memory:")) as connection:
            people.to_sql("people", connection, index=False)
            rows = connection.execute(text).fetchall()
    else:
        if dialect == "postgres":
            (text,) = sqlglot.transpile(text, read="postgres", write="duckdb")
        rows = duckdb.connect().register("people", people).execute(text).fetchall()
    place = people.columns.get_loc("number")
    found = [answer for _, answer in sorted((row[place], row[-1]) for row in rows)]
    assert found == pytest.approx([*map(table.answer, table.expected(records))], abs=CLOSE, rel=CLOSE)


@kinds("two", "number")
def test_the_engine_scores_files_with_such_values_and_refuses_what_is_no_number(table, tmp_path):
    records = table.drawn(80, seed=3)
    texts = pd.DataFrame(records).astype(str).replace({"age": {"?": ""}})
    texts.loc[0, ["since", "count", "size"]] = ["2031-05-06", "-012", "1e2"]
    texts.to_csv(tmp_path / "texts.csv", index=False)
    rows = typed(records)
    rows.to_parquet(tmp_path / "typed.parquet")
    first = records[0] | {"since": 2031, "count": -12, "size": 100.0}
    wanted = [*map(table.answer, table.expected([first, *records[1:]]))]
    command = ["--artifacts", str(table.artifacts), "--table", "bills"]
    column = table.card.target.columns[0]
    score.main([*command, str(tmp_path / "texts.csv"), str(tmp_path / "out.csv")])
    assert pd.read_csv(tmp_path / "out.csv")[column].tolist() == pytest.approx(wanted, abs=CLOSE, rel=CLOSE)
    score.main([*command, str(tmp_path / "typed.parquet"), str(tmp_path / "out.parquet")])
    found = pd.read_parquet(tmp_path / "out.parquet")[column].tolist()
    assert found[1:] == pytest.approx(wanted[1:], abs=CLOSE, rel=CLOSE)
    bad = rows.head(4).astype({"count": float}).assign(count=[99.5, 99, 99, 99], size=[1.0, np.inf, -np.inf, 999])
    bad.to_parquet(tmp_path / "bad.parquet")
    score.main([*command, "--on-error", "null", str(tmp_path / "bad.parquet"), str(tmp_path / "left.parquet")])
    assert pd.read_parquet(tmp_path / "left.parquet")[column].isna().tolist() == [True, True, True, False]


@kinds("two")
def test_the_script_of_the_page_gives_the_same(table, visit):
    records = table.drawn(200, seed=4)
    answers = visit("/").evaluate(ASK, [table.ask("/scorecard").json, records])
    assert [each["log_odds"] for each in answers] == pytest.approx([*table.expected(records)], abs=CLOSE, rel=CLOSE)


@pytest.fixture
def shown(table, visit):
    """A page of the browser in which the table's own application answers the table's addresses."""
    page = visit("/")

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        with table.client.get(f"{address.path}?{address.query}", headers={"Accept": "text/html, */*;q=0.5"}) as found:
            route.fulfill(status=found.status_code, content_type=found.content_type, body=found.data)

    page.route("**/bills/**", answer)
    return page


@kinds("two")
def test_trying_a_number_that_nobody_has_seen_says_so(table, shown):
    page = shown
    page.goto(f"/bills/probability?{urlencode(table.card.typical)}")
    page.get_by_label("Since", exact=True).fill("2031")
    page.get_by_label("Size", exact=True).fill("5000")
    wanted = table.card.score(table.card.typical | {"since": 2031, "size": 5000.0})
    expect(page.locator(".sum tfoot strong")).to_have_text(percent(wanted))
    for text in ("Since is outside of what was seen", "Size is outside of what was seen"):
        expect(page.get_by_text(text)).to_be_visible()
    expect(page.get_by_text("Count is outside of what was seen")).to_be_hidden()
    page.get_by_label("Since", exact=True).fill("2020")
    expect(page.get_by_text("Since is outside of what was seen")).to_be_hidden()


def test_pages_say_it_and_draw_it(table, outside):
    html = {"Accept": "text/html"}
    for record in (outside, outside | {"size": 1e99, "count": -(10**18), "age": "?"}):
        page = table.ask("/probability", query_string=record, headers=html)
        assert page.status_code == 200 and "outside of what was seen" in page.text
    assert "-5 to 29 seen" in table.ask("/", headers=html).text
    body = pd.DataFrame([table.card.typical, outside]).to_csv(index=False)
    with table.ask("/probabilities", data=body, headers=html | {"Content-Type": "text/csv"}) as many:
        assert "1 row holds a number outside the training data" in many.text
    assert "-5 to 29 seen" in table.ask("/model", headers=html).text
    if table.card.is_additive:
        assert "and stay there" in table.ask("/scorecard", headers=html).text


def test_what_is_outside_counts_as_drift(table):
    inside = [table.card.typical] * 30
    steady = drifts(table.card, inside)["since"]
    years = [table.card.typical | {"since": year} for year in (2027, 2031, 1990)]
    moved = drifts(table.card, [*inside, *years * 10])["since"]
    assert [each.low for each in moved.bins] == [1990, *(each.low for each in steady.bins), 2027]
    assert [moved.bins[at].asked for at in (0, -1)] == [10, 20] and moved.bins[0].trained == 0
    assert moved.psi > 5 * 0.25 and moved.verdict == "shifted"


@kinds("two")
def test_the_interval_outside_is_the_pipelines_own(table):
    """Laplace's: the design row of the pipeline, times the covariance of its coefficients."""
    assert isinstance(table.card, Scorecard)
    training = read(table.card.schema, "bills", table.package.parent)
    covariance = coefficient_covariance(table.pipeline, training.X, training.weights)
    for record in table.drawn(20, seed=5):
        design = design_of(table.pipeline, table.taken([record]))[0]
        wanted = design @ covariance @ design
        assert table.card.variance(record) == pytest.approx(wanted, rel=1e-6)
        low, high = table.card.interval_of(record, table.card.sums(record))
        assert 0 <= low <= sigmoid(table.card.sums(record)) <= high <= 1


@kinds("two", "three", "number")
def test_an_artifact_without_outer_knots_still_loads_and_stays_at_its_ends(table):
    content = json.loads((table.artifacts / "bills" / table.card.version / "scorecard.json").read_text())
    content.pop("format")
    tables = content["tables"].values() if "tables" in content else [content]
    for each in tables:
        for points in each["points"].values():
            del points["before"], points["after"]
    old = KINDS[content["kind"]].of(content)
    inside = table.drawn(50, seed=6)[0] | table.card.typical
    assert old.sums(inside) == table.card.sums(inside)
    most = SEEN["count"][1]
    assert old.sums(inside | {"count": most + 3}) == old.sums(inside | {"count": most})
    assert old.sums(inside | {"size": -1e9}) == old.sums(inside | {"size": SEEN["size"][0]})


@kinds("two")
def test_a_package_that_add_wrote_before_is_read_so(table, outside, tmp_path):
    path = as_before(table.package, tmp_path / "before")
    assert {field.observed for field in read_package(path).fields} == {*SEEN.values(), None}
    # of which somebody has stated one end on purpose since
    path = as_before(table.package, tmp_path / "bills", size={"minimum": 0})
    card = model.train(path, tmp_path / "artifacts")
    assert card.explain(outside)["warnings"] == table.card.explain(outside)["warnings"]
    assert card.sums(outside) == pytest.approx(table.card.sums(outside), abs=CLOSE)
    assert card.schema.json_schema()["properties"]["size"]["minimum"] == 0
    for size, message in ((-0.5, "-0.5 is less than 0"), (None, "Enter size, a number from 0 up")):
        pairs = Pairs((name, value) for name, value in (card.typical | {"size": size}).items() if value is not None)
        with pytest.raises(InvalidRecord, match=message):
            card.schema.read_json(pairs)
    assert isinstance(card, Additive) and not card.points["size"].before
    people = pd.DataFrame([outside | {"size": size} for size in (-0.5, 500.0)])
    query = statement(card, DIALECTS["duckdb"])
    refused, scored = duckdb.connect().register("people", people).execute(query).fetchall()
    assert refused[-1] is None and scored[-1] == pytest.approx(card.score(outside | {"size": 500.0}), abs=CLOSE)


def as_before(package: Path, folder: Path, **changes: dict[str, int]) -> Path:
    """A copy of a package as `--add` wrote it before, with changed constraints of some fields."""
    shutil.copytree(package.parent, folder)
    content = json.loads((folder / package.name).read_text())
    for field in content["resources"][0]["schema"]["fields"]:
        field["constraints"] |= field["glassform"].pop("observed", {}) | changes.get(field["name"], {})
    (folder / package.name).write_text(json.dumps(content))
    return folder / package.name


@kinds("two")
def test_limits_that_somebody_stated_stay_rules(table, tmp_path):
    changes = {"size": {"minimum": 0}, "count": {"minimum": -9, "maximum": 40}}
    mended = read_package(as_before(table.package, tmp_path / "bills", **changes))
    size, count = mended.by_name["size"], mended.by_name["count"]
    assert (size.minimum, size.maximum, size.observed) == (0, None, SEEN["size"])
    assert (count.minimum, count.maximum, count.observed) == (-9, 40, None)
    assert mended.by_name["since"].observed == SEEN["since"]
    path = as_before(table.package, tmp_path / "described")
    content = json.loads(path.read_text())
    content["description"] = content["glassform"]["note"] = "Bills of a small town."
    path.write_text(json.dumps(content))
    assert not any(field.observed for field in read_package(path).fields)


@kinds("two")
def test_a_sample_that_has_grown_widens_what_was_seen(table, tmp_path):
    path = as_before(table.package, tmp_path / "bills")
    shutil.copy(table.package, path)
    rows = path.parent / "bills.csv"
    first = rows.read_text().splitlines()
    rows.write_text("\n".join([*first, first[1].replace(first[1].split(",")[0], "999.5", 1)]) + "\n")
    schema = read_package(path)
    wider = with_seen(schema, *(read(schema, name, path.parent) for name in ("bills", "bills_test")))
    assert wider.by_name["size"].observed == (SEEN["size"][0], 999.5)
    assert wider.by_name["count"].observed == SEEN["count"]


def test_the_census_keeps_its_limits(scorecard, client, record):
    assert not any(field.observed for field in scorecard.schema.fields)
    refused = client.post("/probability", json=record | {"age": 91})
    assert refused.status_code == 422 and refused.json["errors"][0]["message"] == "91 is not between 17 and 90"
    assert "warnings" not in client.post("/probabilities", json=[record]).json[0]
