"""The model as one SELECT gives, in every engine, what the server gives."""

import copy
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import duckdb
import jsonschema
import pandas as pd
import psycopg
import pytest
import sqlglot
from sqlglot import exp
from werkzeug.http import parse_options_header

from glassform.engines.dialects import DIALECTS, DUCKDB, Dialect
from glassform.engines.engine import EngineError
from glassform.engines.scoring import Task, connect
from glassform.engines.sql import Scoring, statement
from glassform.fitted.additive import Points
from glassform.fitted.scorecard import Scorecard
from glassform.records.names import identifier
from glassform.records.schema import Schema
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.engine

DATA = ROOT / "data"
TOLERANCE = 1e-9
FILES = ("adult.csv", "adult_test.csv")

Run = Callable[[str], Iterable[Any]]


@pytest.fixture(scope="session")
def people() -> pd.DataFrame:
    """All rows of both splits, numbered."""
    table = pd.concat([pd.read_csv(DATA / name, keep_default_na=False) for name in FILES], ignore_index=True)
    return table.assign(number=range(len(table)))


@pytest.fixture(scope="session")
def expected(scorecard, people) -> list[float]:
    """What the server gives each of them."""
    columns = [people[field.column].tolist() for field in scorecard.schema.fields]
    records = (dict(zip(scorecard.schema.by_name, row, strict=True)) for row in zip(*columns, strict=True))
    return [scorecard.probability(record) for record in records]


def in_duckdb(people) -> Run:
    connection = duckdb.connect()
    connection.register("people", people)
    return lambda query: connection.execute(query).fetchall()


def in_sqlite(people, connection) -> Run:
    people.to_sql("people", connection, index=False)
    return lambda query: connection.execute(query)


def in_postgresql(people, connection) -> Run:
    numbers = {name for name in people if people[name].dtype == "int64"}
    columns = ", ".join(f'"{name}" {"integer" if name in numbers else "text"}' for name in people)
    connection.execute(f"DROP TABLE IF EXISTS people; CREATE TABLE people ({columns})")
    with connection.cursor().copy("COPY people FROM STDIN") as copy:
        for row in people.itertuples(index=False):
            copy.write_row(row)
    return lambda query: connection.execute(query.rstrip().removesuffix(";"))


@pytest.fixture(scope="session")
def spark():
    """Spark for the tests, in this process."""
    try:
        return connect("spark", "local[2]")
    except EngineError as error:
        missing(str(error))


def in_spark(people, spark, folder) -> Run:
    people.to_parquet(folder / "people.parquet")
    spark.connection.read_parquet(str(folder / "people.parquet"), table_name="people")
    return lambda query: spark.session.sql(query.rstrip().removesuffix(";")).collect()


@pytest.fixture(params=["duckdb", "sqlite", "postgres", "spark"])
def engine(request, people, tmp_path) -> Iterator[tuple[str, Run]]:
    dialect: str = request.param
    if dialect == "duckdb":
        yield dialect, in_duckdb(people)
    elif dialect == "spark":
        yield dialect, in_spark(people, request.getfixturevalue("spark"), tmp_path)
    elif dialect == "sqlite":
        with closing(sqlite3.connect(":memory:")) as connection:
            yield dialect, in_sqlite(people, connection)
    else:
        url = request.getfixturevalue("postgresql").replace("+psycopg", "")
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            yield dialect, in_postgresql(people, connection)


def test_the_statement_gives_what_the_server_gives(client, engine, people, expected):
    dialect, run = engine
    response = client.get(f"/scorecard?format=sql&dialect={dialect}")
    assert response.mimetype == "application/sql"
    number = people.columns.get_loc("number")
    found = {row[number]: row[-1] for row in run(response.text)}
    assert len(found) == len(expected) == 48_842
    assert max(abs(found[place] - probability) for place, probability in enumerate(expected)) <= TOLERANCE


@pytest.mark.parametrize("dialect", sorted({*DIALECTS} - {"bigquery"}))
def test_the_other_dialects_say_the_same(scorecard, dialect, people, expected):
    # sqlglot reads each back into DuckDB's own words, and those run
    (read,) = sqlglot.transpile(statement(scorecard, DIALECTS[dialect]), read=dialect, write="duckdb")
    found = [row[-1] for row in in_duckdb(people)(read)]
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= TOLERANCE


def test_bigquery_has_columns_without_dots(scorecard, people, expected):
    (read,) = sqlglot.transpile(statement(scorecard, DIALECTS["bigquery"]), read="bigquery", write="duckdb")
    renamed = people.rename(columns={field.column: field.name for field in scorecard.schema.fields})
    found = [row[-1] for row in in_duckdb(renamed)(read)]
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= TOLERANCE


def test_the_terms_are_those_of_the_explanation(scorecard, people):
    row = people.head(1)
    record = {field.name: row[field.column].item() for field in scorecard.schema.fields}
    explained = scorecard.explain(record)
    (found,) = in_duckdb(row)(statement(scorecard, DUCKDB, explain=True))
    terms = [each["log_odds"] for each in explained["contributions"]]
    wanted = [explained["probability"], explained["log_odds"], explained["intercept"], *terms]
    assert list(found[people.shape[1] :]) == pytest.approx(wanted, abs=TOLERANCE)


def test_a_value_that_is_none_gets_no_probability(scorecard, people):
    column = scorecard.schema.fields[0].column
    row = people.head(2).assign(**{column: [200, 39]})
    found = {each[-2]: each[-1] for each in in_duckdb(row)(statement(scorecard, DUCKDB))}
    assert found[0] is None and found[1] is not None


def test_the_statement_names_the_model(client, scorecard):
    assert scorecard.version in client.get("/scorecard.sql").text.splitlines()[0]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [("dialect=oracle", 422, "duckdb, postgres"), ("dialect=duckdb&dialect=spark", 422, "more than once"),
     ("dialekt=duckdb", 422, "dialect"), ("format=xml", 406, "sql")],
)  # fmt: skip
def test_a_dialect_nobody_writes_is_refused(client, query, status, word):
    response = client.get(f"/scorecard?{query}")
    assert response.status_code == status and word in response.text


def test_the_json_is_as_its_schema_says(client, scorecard):
    response = client.get("/scorecard")
    link = parse_options_header(response.headers["Link"])
    assert link == ("</scorecard/schema>", {"rel": "describedby"})
    schema = client.get("/scorecard/schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(response.json, schema)
    good: Any = response.json
    wrong: list[dict[str, Any]] = [{"x": 1}, {"intercept": "0"}, {"features": {}}]
    for change in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | change, schema)


@pytest.fixture
def real_numbers(scorecard) -> Scorecard:
    """A model of a real number, with a bend, a jump and a name that is a word of SQL."""
    fields = [
        {"name": "order", "type": "number", "constraints": {"minimum": 0, "maximum": 10}},
        {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
    ]
    own = {"target": "y", "positive": "yes", "features": ["order"], "question": "Is it?"}
    package = {"name": "t", "resources": [{"schema": {"fields": fields}}], "glassform": own}
    points = {"order": Points((0.0, 4.0, 4.000000000000001, 10.0), (-1.0, 1.0, 2.0, -2.0), linear=True)}
    return Scorecard("v", package, {"order": 1.0}, [], None, {}, {}, 0.5, points, [0.0])


VALUES = [0, 0.3, 3.999, 4.0, 4.000000000000001, 7.25, 10.0]


@pytest.mark.parametrize("texts", [False, True])
def test_real_numbers_keep_to_their_curve(real_numbers, texts):
    values = [*map(str, VALUES), "-1", "11", "1e", "e1", "", "x"] if texts else [*VALUES, -1.0, 11.0, None]
    table = pd.DataFrame({"order": pd.Series(values, dtype="str" if texts else "float64")})
    scoring = Scoring(real_numbers, DUCKDB, texts=frozenset({"order"} if texts else ()))
    found = [row[-1] for row in in_duckdb(table)(scoring.text(scoring.scored()))]
    wanted = [real_numbers.probability({"order": value}) for value in VALUES]
    assert found[: len(VALUES)] == pytest.approx(wanted, abs=TOLERANCE)
    assert set(found[len(VALUES) :]) == {None}


def test_an_exponent_is_read_as_the_server_reads_it(real_numbers):
    table = pd.DataFrame({"order": ["1e1", "7.25E0", "725e-2", "1e2", "1e999"]})
    scoring = Scoring(real_numbers, DUCKDB, texts=frozenset({"order"}))
    found = [row[-1] for row in in_duckdb(table)(scoring.text(scoring.scored()))]
    wanted = [real_numbers.probability({"order": value}) for value in (10.0, 7.25, 7.25)]
    assert found[:3] == pytest.approx(wanted, abs=TOLERANCE)
    assert found[3:] == [None, None]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_name_that_is_a_word_of_sql_is_quoted(real_numbers, dialect):
    assert ".order" not in statement(real_numbers, DIALECTS[dialect])


LONG = "a rather long name of a column, as questionnaires have it, "  # 59 letters: with a prefix, no longer whole
HOSTILE = [
    *("value (EUR)", "rows", "points...", "points_class", "select", "class", "__proto__", "people", "order", "100%"),
    *('say "a"', "it's", "a`b", "उम्र", "उमर", "อายุ", "🙂", "שם", "e\u0301te\u0301", f"{LONG}1", f"{LONG}2"),
]


@pytest.fixture(scope="module")
def hostile() -> Scorecard:
    """A model whose fields have names that no language of databases likes, and dates."""
    numbers = [{"name": name, "type": "integer", "constraints": {"minimum": 0, "maximum": 1}} for name in HOSTILE]
    dates = [
        {"name": "day", "type": "integer", "glassform": {"years": True}},
        {"name": "last seen", "type": "integer", "glassform": {"years": True, "gaps": True}},
    ]
    fields = [*numbers, *(date | {"constraints": {"minimum": 1999, "maximum": 2001}} for date in dates)]
    target = {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}
    own = {"target": "y", "positive": "yes", "features": [each["name"] for each in fields], "question": "Is\nit?"}
    package = {"name": "t", "resources": [{"schema": {"fields": [*fields, target]}}], "glassform": own}
    schema = Schema(package)
    points = {name: Points((0, 1), (0.0, 0.1 * 2**-place)) for place, name in enumerate(schema.by_name)}
    points["day"] = Points((1999, 2000, 2001), (0.1, 0.2, 0.3))
    points["last_seen"] = Points((1999.0, 2001.0), (-0.5, 0.5), linear=True, gap=0.25)
    return Scorecard("v", package, dict.fromkeys(schema.by_name, 0), [], None, {}, {}, 0.5, points, [0.0])


DAYS = ["1999-12-31", "2000-01-01", "2001-02-28 10:00:00", "2000-13-01", "long ago"]
SEEN = ["2000-06-30", None, "1999-01-01", "2000-06-30", "2000-06-30"]


@pytest.fixture(scope="module")
def rows_of_hostile(hostile) -> tuple[list[tuple[Any, ...]], list[float | None]]:
    """Rows of its columns, dates as texts, and the probability of each; None where a date is none."""
    rows = [(*((number >> place) & 1 for place in range(len(HOSTILE))), *days)
            for number, days in zip((5, 77, 1023, 3, 4), zip(DAYS, SEEN, strict=True), strict=True)]  # fmt: skip
    records = [dict(zip(hostile.schema.by_name, row, strict=True)) for row in rows]
    years = [
        {"day": int(day[:4]), "last_seen": int(seen[:4]) if seen else "?"}
        for day, seen in zip(DAYS[:3], SEEN, strict=False)
    ]
    known = [hostile.probability(record | year) for record, year in zip(records, years, strict=False)]
    return rows, [*known, None, None]


def ask(run: Callable[..., Any], text: str, rows: Sequence[tuple[Any, ...]], sign: str, types: str = "text") -> Any:
    """Make a table of the rows in a database, and return what it answers."""
    columns = [f'"{name.replace(chr(34), chr(34) * 2)}" integer' for name in HOSTILE]
    run("DROP TABLE IF EXISTS people")
    run(f"CREATE TABLE people ({', '.join([*columns, f'day {types}', f'{chr(34)}last seen{chr(34)} {types}'])})")
    for row in rows:
        run(f"INSERT INTO people VALUES ({', '.join([sign] * len(row))})", row)
    return run(text.rstrip().removesuffix(";")).fetchall()


@contextmanager
def database(dialect: str, request) -> Iterator[tuple[Callable[..., Any], str]]:
    """What runs a query in a database of that dialect, and its sign of a parameter."""
    if dialect == "duckdb":
        with closing(duckdb.connect()) as connection:
            yield connection.execute, "?"
    elif dialect == "sqlite":
        with closing(sqlite3.connect(":memory:")) as connection:
            yield connection.execute, "?"
    else:
        url = request.getfixturevalue("postgresql").replace("+psycopg", "")
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            yield connection.execute, "%s"


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgres"])
def test_any_names_and_dates_are_scored_as_at_the_other_doors(hostile, rows_of_hostile, dialect, request):
    rows, wanted = rows_of_hostile
    with database(dialect, request) as (run, sign):
        found = sorted(ask(run, statement(hostile, DIALECTS[dialect]), rows, sign))
        assert [row[-1] for row in found] == [
            None if each is None else pytest.approx(each, abs=TOLERANCE)
            for _, each in sorted(zip(rows, wanted, strict=True))
        ]
        if dialect != "sqlite":  # which has no dates
            real = ask(run, statement(hostile, DIALECTS[dialect]), rows[:3], sign, "timestamp")
            assert sorted(row[-1] for row in real) == pytest.approx(sorted(wanted[:3]), abs=TOLERANCE)
        # so that a table can be made of it, no two of its columns have the same name
        explained = statement(hostile, DIALECTS[dialect], explain=True).rstrip().removesuffix(";")
        query = ask(lambda *given: run(*given), f"SELECT 1 FROM ({explained}) AS scored", rows[:1], sign)
        assert query == [(1,)]
        run(f"CREATE TABLE scored_{dialect} AS {explained}")
        run(f"DROP TABLE scored_{dialect}")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_name_is_quoted_in_every_dialect(hostile, dialect):
    text = statement(hostile, DIALECTS[dialect], explain=True)
    (tree,) = sqlglot.parse(text, read=dialect)
    assert tree and not [each.name for each in tree.find_all(exp.Identifier) if not each.args.get("quoted")]
    names = {each.name for each in tree.find_all(exp.Identifier)}
    longest = DIALECTS[dialect].longest_name
    assert not longest or all(len(name.encode()) <= longest for name in names)
    if not DIALECTS[dialect].plain_columns:
        assert {*HOSTILE} <= names


def test_sqlite_scores_the_dates_of_its_own_tables(hostile, rows_of_hostile, tmp_path):
    rows, wanted = rows_of_hostile
    with closing(sqlite3.connect(tmp_path / "own.sqlite")) as connection:
        ask(connection.execute, "SELECT 1", rows[:3], "?")
        connection.commit()
    with closing(connect(f"sqlite:///{tmp_path}/own.sqlite")) as engine:
        Task(hostile, engine).run(engine.table("people"), partial(engine.create, table="scored"), None)
        found = [row["probability"] for row in engine.rows("SELECT * FROM scored")]
    assert sorted(found) == pytest.approx(sorted(wanted[:3]), abs=TOLERANCE)


def test_a_table_that_is_called_as_the_points_are_is_still_read(hostile):
    scoring = Scoring(hostile, DUCKDB, table="points_rows")
    assert scoring.tables["rows"] == "points_rows_" and '"points_rows".*' in scoring.text(scoring.scored())


def test_names_cut_short_stay_different():
    cut = Dialect("x", longest_name=10)
    assert cut.kept_apart(["points_abc", "points_abcd", "points_abce", "उम्रउम्र"]) == [
        *("points_abc", "points_a_2", "points_a_3", "उम_4"),
    ]


LINE_ENDS = ["\n", "\r", "\r\n", "\v", "\f", "\0", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", LINE_ENDS, ids=repr)
def test_a_question_with_a_line_end_stays_in_its_comment(real_numbers, dialect, end):
    package = copy.deepcopy(real_numbers.package)
    package["glassform"]["question"] = f"Is it?{end}DROP TABLE people; --"
    written = statement(replace(real_numbers, package=package), DIALECTS[dialect])
    comment, *_ = written.split("\n")
    assert comment.startswith("-- Is it? DROP TABLE people; -- Model") and comment.isprintable()
    assert "DROP" not in written.removeprefix(comment)
    assert len([each for each in sqlglot.parse(written, dialect=dialect) if each]) == 1


NAMES = [
    'q"; DROP TABLE x; --',
    "q`; DROP TABLE x; --",
    "q'; DROP TABLE x; --",
    "q\\'; DROP TABLE x; --",
    "q\n-- x",
    "*/ x",
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_or_a_category_is_never_a_statement(dialect, name):
    fields: list[dict[str, Any]] = [
        {"name": name, "type": "string", "constraints": {"enum": [name, "other"]}},
        {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}},
    ]
    own = {"target": "y", "positive": "yes", "features": [name], "question": "Is it?"}
    package = {"name": "names", "resources": [{"schema": {"fields": fields}}], "glassform": own}
    points = {identifier(name): Points((name, "other"), (1.0, 2.0))}
    written = statement(Scorecard("1", package, {}, [], None, {}, {}, 0.0, points, [0.0]), DIALECTS[dialect])
    (read,) = [each for each in sqlglot.parse(written, dialect=dialect) if each]
    assert name in {each.this for each in read.find_all(exp.Literal)}
