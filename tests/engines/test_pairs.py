"""The points of two fields together are the server's in every engine, and missing only where a field's are."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import product
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from glassform.engines.dialects import DIALECTS
from glassform.engines.engine import Engine, EngineError
from glassform.engines.files import NULL
from glassform.engines.scoring import Task, connect, score_files
from glassform.engines.sql import statement
from glassform.fitted.additive import NumberScorecard, Points
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record
from glassform.records.messages import InvalidRecord
from tests.conftest import missing

pytestmark = pytest.mark.engine

TOLERANCE = 1e-9
BEFORE_HALF = 0.49999999999999994  # the double before the edge

KIND = Side("kind", levels=("a", "b", "?"))
COUNT = Side("count", edges=(1.0, 3.0))
SIZE = Side("size", edges=(0.5, 2.0), has_gaps=True)
COARSE = Side("size", edges=(1.0,), has_gaps=True)  # no training divides a field twice, but a file may
SEEN = Side("last_seen", edges=(2000.0,), has_gaps=True)
PAID = Side("paid", levels=("yes", "no"))
SIDES = [(KIND, COUNT), (COUNT, SIZE), (KIND, COARSE), (SIZE, SEEN), (PAID, SEEN), (PAID, KIND)]


def pair_of(number: int, first: Side, second: Side) -> Pair:
    """Return a pair with different points in each cell."""
    cells = [[number + 0.1 * row - 0.01 * place for place in range(second.number)] for row in range(first.number)]
    return Pair(first, second, tuple(map(tuple, cells)))


def described(target: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    seen = {"minimum": 0, "maximum": 4}
    years = {"minimum": 1999, "maximum": 2001}
    fields = [
        {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b", "?"]}},
        {"name": "count", "type": "integer", "glassform": {"observed": seen}},
        {"name": "size", "type": "number", "glassform": {"observed": seen, "gaps": True}},
        {"name": "last seen", "type": "integer", "constraints": years, "glassform": {"years": True, "gaps": True}},
        {"name": "paid", "type": "string", "constraints": {"enum": ["yes", "no"]}},
    ]
    names = [each["name"] for each in fields]
    whole = {"target": target["name"], "features": names, "question": "Is it?"} | own
    return {"name": "t", "resources": [{"schema": {"fields": [*fields, target]}}], "glassform": whole}


@pytest.fixture(scope="module", params=["probability", "number"])
def card(request) -> Scorecard | NumberScorecard:
    """A model of every type of field, most of them in two pairs."""
    points = {
        "kind": Points(("a", "b", "?"), (0.5, -0.5, 0.125)),
        "count": Points((0, 1, 2, 3, 4), (0.0, 0.25, 0.5, 1.0, 2.0), before=((-5, -1.0),), after=((9, 3.0),)),
        "size": Points(
            (0.0, BEFORE_HALF, 0.5, 4.0), (0.0, 1.0, 5.0, -1.0), True, 0.75, ((-2.0, 0.5),), ((6.0, 0.0),)
        ),
        "last_seen": Points((1999, 2000, 2001), (0.1, 0.2, 0.3), gap=0.4),
        "paid": Points(("yes", "no"), (0.5, -0.25)),
    }
    pairs = {pair.name: pair for pair in (pair_of(place, *sides) for place, sides in enumerate(SIDES))}
    typical: Record = {"kind": "a", "count": 1, "size": 1.0, "last_seen": 2000, "paid": "yes"}
    if request.param == "number":
        package = described({"name": "y", "type": "number"}, {"task": "number"})
        return NumberScorecard("v", package, typical, [], None, {}, {}, 0.5, points, pairs=pairs)
    package = described({"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}, {"positive": "yes"})
    return Scorecard("v", package, typical, [], None, {}, {}, 0.5, points, [0.0], pairs=pairs)


HEADER = ["number", "kind", "count", "size", "last seen", "paid"]
PLAIN = {
    "kind": ["a", "b", "?", "c"],
    "count": ["0", "1", "2", "3", "4", "-3", "7", "12", "1.5"],
    "size": ["0", str(BEFORE_HALF), "0.5", "1.25", "2", "4", "", "-1", "-7", "5.5", "99", "x"],
    "last seen": ["1999", "2000-06-30", "2001", "", "2002"],
    "paid": ["yes", "no", ""],
}
SPELLED = {
    "kind": ["a", " b", ""],
    "count": ["02", "3.0", "-3.0", " 7", "two"],
    "size": ["1e0", "+0.5", "5E-1", "", "?", " 1.25"],
    "last seen": ["2000.0", " 2001", "?", "1999-12-31T10:00"],
    "paid": ["true", "No", "n"],
}


def texts(values: dict[str, list[str]]) -> list[list[str]]:
    """Return rows with every value of two neighbouring fields together."""
    columns = [*values.values()]
    rows = [
        [one if place == left else other if place == left + 1 else each[0] for place, each in enumerate(columns)]
        for left in range(len(columns) - 1)
        for one, other in product(columns[left], columns[left + 1])
    ]
    return [[str(number), *row] for number, row in enumerate(rows)]


def terms_wanted(card: Any, row: Sequence[str]) -> list[float | None]:
    """Return the points of every field and pair of a row; nothing where a value is invalid."""
    found: Record = {}
    for field, text in zip(card.schema.fields, row, strict=True):
        given = {each.name: str(card.typical[each.name]) for each in card.schema.fields} | {field.name: text}
        try:
            found[field.name] = card.schema.read_fields(given.items())[field.name]
        except InvalidRecord:
            continue
    own = [points.at(found[name]) if name in found else None for name, points in card.points.items()]
    return own + [pair.of(found) if found.keys() >= {*pair.features} else None for pair in card.pairs.values()]


def hold(card: Any, rows: list[list[str]], scored: dict[int, dict[str, Any]]) -> None:
    """Check the terms and the sum of every row."""
    assert len(scored) == len(rows)
    for number, *row in rows:
        terms = terms_wanted(card, row)
        found = scored[int(number)]
        given = [found[column] for column in card.term_columns[1:]]
        assert given == [None if each is None else pytest.approx(each, abs=TOLERANCE) for each in terms], row
        total = None if None in terms else pytest.approx(card.intercept + sum(filter(None, terms)), abs=TOLERANCE)
        assert found["log_odds" if isinstance(card, Scorecard) else "prediction"] == total, row


def number_of(text: str) -> float | None:
    return float(text) if text else None


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_a_file_gets_the_points_of_pairs(card, name, tmp_path):
    if name == "spark" and not isinstance(card, Scorecard):
        pytest.skip("Spark is slow, and the terms of both are written alike")
    rows = texts({field: [*values, *SPELLED[field]] for field, values in PLAIN.items()})
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    try:
        engine = connect(name, "local[2]")
    except EngineError as error:
        missing(str(error))
    with closing(engine):
        score_files(Task(card, engine, NULL, explain=True), [tmp_path / "rows.csv"], tmp_path / "scored.csv", None)
    with (tmp_path / "scored.csv").open(newline="") as file:
        scored = {
            int(row["number"]): {key: number_of(row[key]) for key in card.columns_added(explain=True)}
            for row in csv.DictReader(file)
        }
    hold(card, rows, scored)


TYPES = ["integer", "text", "integer", "double precision", "integer", "text"]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/own.sqlite"
    if request.param == "postgres":
        url = request.getfixturevalue("postgresql").replace("+psycopg", "")
    with closing(connect(url)) as engine:
        yield engine


def typed(rows: list[list[str]]) -> list[tuple[Any, ...]]:
    """Return rows with the numbers of a database; those with other texts left out."""
    kept = [row for row in rows if row[2].lstrip("-").isdigit() and row[3] != "x" and "-" not in row[4]]
    return [
        (int(number), kind, int(count), number_of(size), int(seen) if seen else None, paid)
        for number, kind, count, size, seen, paid in kept
    ]


def table_of(rows: list[tuple[Any, ...]], header: Sequence[str], dialect: str) -> list[str]:
    """Return the statements that make a table of rows."""
    names = [exp.to_identifier(name, quoted=True).sql(dialect=dialect) for name in header]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, TYPES, strict=True))
    values = exp.values(rows).sql(dialect=dialect)
    return ["DROP TABLE IF EXISTS people", f"CREATE TABLE people ({columns})", f"INSERT INTO people {values}"]


def test_numbers_of_a_database_get_the_points_of_pairs(card, database):
    rows = typed(texts(PLAIN))
    for query in table_of(rows, HEADER, database.dialect.name):
        database.connection.raw_sql(query)
    found: list[dict[str, Any]] = []
    task = Task(card, database, NULL, explain=True)
    task.run(database.table("people"), lambda query: found.extend(database.rows(query)), None)
    numbers = {number for number, *_ in rows}
    hold(card, [row for row in texts(PLAIN) if int(row[0]) in numbers], {row["number"]: row for row in found})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_says_the_same_of_pairs(card, dialect):
    rows = typed(texts(PLAIN))
    header = ["number", *card.schema.by_name] if DIALECTS[dialect].plain_columns else HEADER
    written = statement(card, DIALECTS[dialect], explain=True)
    (read,) = sqlglot.transpile(written, read=dialect, write="duckdb")
    with closing(duckdb.connect()) as connection:
        for query in table_of(rows, header, "duckdb"):
            connection.execute(query)
        answer = connection.execute(read)
        names = [each[0] for each in answer.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    numbers = {number for number, *_ in rows}
    hold(card, [row for row in texts(PLAIN) if int(row[0]) in numbers], {row["number"]: row for row in found})
