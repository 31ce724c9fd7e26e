"""The model as one SELECT: the points of every field and pair joined to a table, in the dialect of any SQL engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise

from sqlglot import exp

from glassform.engines.dialects import Dialect
from glassform.engines.expressions import comment, double, in_list, line, made_harmless
from glassform.engines.table import Table
from glassform.files import harmless
from glassform.fitted.additive import Additive
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import NOT_KNOWN, Value

ROW = "row"  # the number of a row
VALUE, POINTS = "value", "points"  # the columns of a field's table of points
CELL = "cell"  # a further one, where the value stands in the tables of pairs
FIRST, SECOND = "first", "second"  # the cells in a pair's table of points
IN_QUOTES = "Names are in quotes, as in the file: capitals and small letters count."


@dataclass(frozen=True)
class Beside:
    """A column beside the values in a field's table: their points, or their cells in tables of pairs.

    `at` returns what stands there, `literal` writes it, `computed` finds it for a number that no table lists.
    """

    name: str
    at: Callable[[Value], float]
    literal: Callable[[float], exp.Expr]
    computed: Callable[[exp.Expr], exp.Expr]


@dataclass(frozen=True)
class Scoring(Table):
    """A table and the points to join to it.

    Parameters
    ----------
    spellings
        By field, other spellings of its values, such as 039 for 39.
    looks_up
        Whether to look points up in constant lists, as DuckDB's joins lose the order of rows.
    in_csv
        The table's columns, each with whether it is text, if the result is written as CSV, with every cell harmless.
    """

    spellings: Mapping[str, Mapping[Value, Value]] = field(default_factory=dict)
    looks_up: bool = False
    in_csv: Sequence[tuple[str, bool]] = ()

    def scored(
        self,
        explain: bool = False,
        only_records: bool = False,
        stop: tuple[str, str] | None = None,
    ) -> exp.Select:
        """Return every row with its probability or prediction; NULL where a value is invalid.

        Parameters
        ----------
        explain
            Add the log-odds, the intercept and every term, named as in the answers of the API.
        only_records
            Leave out rows without a probability.
        stop
            The engine's function to call at the first such row, and its message.
        """
        is_probability = isinstance(self.card, Scorecard)
        answer = self.probability if is_probability else self.log_odds
        if stop:
            answer = exp.Coalesce(this=answer, expressions=[exp.func(stop[0], exp.convert(stop[1]))])
        added = [answer]
        if explain:
            added += [self.log_odds] if is_probability else []
            added += [double(self.card.intercept), *self.terms]
        names = self.dialect.kept_apart(self.card.columns_added(explain))
        columns = [exp.alias_(each, self.name(name)) for name, each in zip(names, added, strict=True)]
        query = self.joined(*(self.harmless_cells or [self.everything]), *columns)
        return query.where(exp.Not(this=self.missing)) if only_records else query

    def wrong(self, numbered: bool = False) -> exp.Select:
        """Return the invalid rows unchanged, numbered from 1 if wanted."""
        query = self.joined(self.everything).where(self.missing)
        return self.numbered(query) if numbered else query

    def how_many_wrong(self) -> exp.Select:
        """Return the number of invalid rows."""
        count = exp.alias_(exp.Count(this=exp.Star()), self.name("count"))
        return exp.select(count).from_(self.wrong().subquery(self.name("wrong")))

    def numbered(self, query: exp.Select) -> exp.Select:
        """Return a query on the table with its rows numbered."""
        number = exp.alias_(exp.Window(this=exp.RowNumber()), self.name(ROW))
        table = exp.select("*", number).from_(exp.Table(this=self.name(self.table)))
        return query.from_(table.subquery(self.name(self.table)))

    @property
    def everything(self) -> exp.Expr:
        """All columns of the table."""
        return exp.Column(this=exp.Star(), table=self.name(self.table))

    @property
    def harmless_cells(self) -> list[exp.Expr]:
        """The columns of the table as CSV has them: a spreadsheet runs no cell and no header as a formula."""
        cells = []
        for name, is_text in self.in_csv:
            cell: exp.Expr = exp.column(self.name(name), table=self.name(self.table))
            cells.append(exp.alias_(made_harmless(cell) if is_text else cell, self.name(harmless(name))))
        return cells

    @property
    def missing(self) -> exp.Expr:
        """Whether a row has no log-odds."""
        return exp.Is(this=exp.paren(self.log_odds), expression=exp.null())

    def unknown(self, name: str) -> exp.Select:
        """Return the distinct invalid values of a field's column."""
        chosen = exp.alias_(self.column(name), self.name(VALUE))
        missing = exp.Is(this=self.term(name), expression=exp.null())
        return self.joined(chosen, only=name).where(missing).distinct()

    @property
    def log_odds(self) -> exp.Expr:
        """The intercept and all terms, summed in order."""
        total: exp.Expr = double(self.card.intercept)
        for term in self.terms:
            total = exp.Add(this=total, expression=term)
        return total

    @property
    def terms(self) -> list[exp.Expr]:
        """The points of a row: of every field, then of every pair."""
        return [*map(self.term, self.card.points), *map(self.pair_term, self.card.pairs.values())]

    @property
    def probability(self) -> exp.Expr:
        """The probability of the positive class, 0 to 1."""
        power = exp.Exp(this=exp.Neg(this=exp.paren(self.log_odds)))
        odds_against = exp.Add(this=exp.Literal.number(1), expression=power)
        return exp.Div(this=double(1.0), expression=exp.paren(odds_against))

    def term(self, name: str) -> exp.Expr:
        """Return the points of a row's value of one field."""
        return self.found(name, self.columns_beside(name)[0])

    def pair_term(self, pair: Pair) -> exp.Expr:
        """Return the points of a row's values of two fields together."""
        if not self.looks_up:
            return exp.column(self.name(POINTS), table=self.name(self.tables[pair.name]))
        row, column = map(self.cell, pair.sides)
        place = exp.Add(this=exp.Mul(this=row, expression=exp.convert(pair.second.number)), expression=column)
        place = exp.Add(this=place, expression=exp.convert(1))
        return in_list([double(each) for several in pair.log_odds for each in several], place)

    def cell(self, side: Side) -> exp.Expr:
        """Return the cell of a row's value in a pair, NULL where the value is invalid."""
        return self.found(side.feature, self.columns_beside(side.feature)[1 + self.sides[side.feature].index(side)])

    @cached_property
    def sides(self) -> dict[str, list[Side]]:
        """By field, its different divisions into cells: one, as models are trained."""
        found: dict[str, list[Side]] = {name: [] for name in self.card.points}
        for side in (side for pair in self.card.pairs.values() for side in pair.sides):
            if side not in found[side.feature]:
                found[side.feature].append(side)
        return found

    def columns_beside(self, name: str) -> list[Beside]:
        """Return the columns beside the values in a field's table: the points first."""
        cells = [
            Beside(f"{CELL}_{number}" if number > 1 else CELL, side.cell, exp.convert, partial(self.ranged, side))
            for number, side in enumerate(self.sides[name], start=1)
        ]
        return [Beside(POINTS, self.card.points[name].at, double, partial(self.interpolated, name)), *cells]

    def found(self, name: str, wanted: Beside) -> exp.Expr:
        """Return what stands beside a row's value of one field, NULL where the value is invalid."""
        known = self.found_beside_known(name, wanted)
        if self.card.points[name].gap is None:
            return known
        text = self.is_text(name)
        is_gap = exp.EQ(this=self.column(name), expression=exp.convert(NOT_KNOWN)) if text else self.is_null(name)
        return exp.Case().when(is_gap, wanted.literal(wanted.at(NOT_KNOWN))).else_(known)

    def found_beside_known(self, name: str, wanted: Beside) -> exp.Expr:
        """Return what stands beside a row's value of one field, NULL where that is a gap."""
        points = self.card.points[name]
        ways = [] if points.linear and not self.spellings.get(name) else [self.keyed(name, wanted)]
        if points.linear or points.before or points.after:
            ways.insert(0 if points.linear else 1, wanted.computed(self.number(name)))
        return exp.Coalesce(this=ways[0], expressions=ways[1:]) if ways[1:] else ways[0]

    def keyed(self, name: str, wanted: Beside) -> exp.Expr:
        """Return what stands beside a row's value in a table of values."""
        if self.looks_up:
            return in_list([wanted.literal(wanted.at(value)) for _, value in self.keys(name)], self.position(name))
        return exp.column(self.name(wanted.name), table=self.name(self.tables[name]))

    def position(self, name: str) -> exp.Expr:
        """Return where a row's value stands among the keys, counted from 1, as DuckDB finds it."""
        number = not self.is_text(name) and not self.card.schema.by_name[name].categories
        column = exp.cast(self.column(name), exp.DataType.Type.DOUBLE) if number else self.column(name)
        # compared as doubles, or 39.5 would match 40
        keys = [double(float(key)) if number else exp.convert(key) for key, _ in self.keys(name)]
        return exp.func("list_position", exp.array(*keys), column)

    @cached_property
    def tables(self) -> dict[str, str]:
        """The name of each field's and each pair's table of points."""
        named = {name: f"{POINTS}_{name}" for name in (*self.card.points, *self.card.pairs)}
        others = [f"{each}_" if each == self.table.lower() else each for each in named.values()]
        return dict(zip(named, self.dialect.kept_apart(others), strict=True))

    def joined(self, *chosen: exp.Expr, only: str = "") -> exp.Select:
        """Return a SELECT from the table joined to the points of one field, or of all fields and pairs."""
        query = exp.select(*chosen).from_(exp.Table(this=self.name(self.table)))
        if self.looks_up:
            return query
        for name, points in self.card.points.items():
            if only not in ("", name) or (points.linear and not self.spellings.get(name)):
                continue
            query = self.joined_to(query, self.tables[name], {VALUE: self.column(name)}, self.rows_of(name))
        for pair in () if only else self.card.pairs.values():
            cells = dict(zip((FIRST, SECOND), map(self.cell, pair.sides), strict=True))
            query = self.joined_to(query, self.tables[pair.name], cells, rows_of_pair(pair))
        return query

    def joined_to(
        self, query: exp.Select, table: str, keys: Mapping[str, exp.Expr], rows: Sequence[Mapping[str, Value]]
    ) -> exp.Select:
        """Return a query joined to a table of points, given with its rows, by what its keys equal."""
        equal = [
            exp.EQ(this=exp.column(self.name(key), table=self.name(table)), expression=each)
            for key, each in keys.items()
        ]
        query = query.join(exp.Table(this=self.name(table)), on=exp.and_(*equal), join_type="left", copy=False)
        columns, written = [*rows[0]], [[exp.convert(each) for each in row.values()] for row in rows]
        # one double makes a column of doubles; most engines take a literal for a decimal
        written[0][columns.index(POINTS)] = double(float(rows[0][POINTS]))
        outside = self.dialect.columns_outside
        values = exp.alias_(exp.values([*map(tuple, written)]), POINTS, table=outside or columns, quoted=True)
        alias = exp.TableAlias(this=self.name(table), columns=[*map(self.name, columns)] if outside else [])
        return query.with_(alias, exp.select("*").from_(values), copy=False)

    def rows_of(self, name: str) -> list[dict[str, Value]]:
        """Return the rows of one field's table: values, as its column holds them, and what stands beside them."""
        several = self.columns_beside(name)
        return [{VALUE: key} | {each.name: each.at(value) for each in several} for key, value in self.keys(name)]

    def keys(self, name: str) -> list[tuple[Value, Value]]:
        """Return a field's values, as the column holds them, with what they mean."""
        points, others = self.card.points[name], self.spellings.get(name, {})
        if points.linear:
            return [*others.items()]
        held: dict[Value, Value] = {
            str(value) if self.is_text(name) else value: value
            for value in points.by_value
            if value != NOT_KNOWN or points.gap is None
        }
        return [*(held | {**others}).items()]

    def interpolated(self, name: str, x: exp.Expr) -> exp.Expr:
        """Return the height of a curve made of straight lines; beyond its ends it stays, if no rule ends it there."""
        points, (_, highest) = self.card.points[name], self.card.schema.by_name[name].limits
        inside = list(zip(points.values, points.log_odds, strict=True))
        first, last = inside[0], inside[-1]
        case = self.guarded(name, x)
        if points.before:
            case = case.when(x < double(points.before[0][0]), double(points.before[0][1]))
        for left, right in pairwise([*points.before, first]):
            case = case.when(x < double(right[0]), line(x, left, right))
        for left, right in pairwise(inside if points.linear else ()):
            case = case.when(x <= double(right[0]) if right == last else x < double(right[0]), line(x, left, right))
        for left, right in pairwise([last, *points.after]):
            case = case.when(x <= double(right[0]), line(x, left, right))
        return case.when(x <= double(highest), double(points.after[-1][1])) if points.after else case

    def ranged(self, side: Side, x: exp.Expr) -> exp.Expr:
        """Return the cell that a number lies in."""
        case = self.guarded(side.feature, x)
        for cell, edge in enumerate(side.edges):
            case = case.when(x < double(edge), exp.convert(cell))
        return case.when(exp.Not(this=exp.Is(this=x, expression=exp.null())), exp.convert(len(side.edges)))

    def guarded(self, name: str, x: exp.Expr) -> exp.Case:
        """Return a CASE that is NULL where the field cannot be x and, of whole numbers, where x is looked up."""
        points, (lowest, highest) = self.card.points[name], self.card.schema.by_name[name].limits
        first, last = points.values[0], points.values[-1]
        low, high = lowest if points.before else first, highest if points.after else last
        case = exp.Case().when(exp.Or(this=x < double(low), expression=x > double(high)), exp.null())
        if points.linear:
            return case
        case = case.when(exp.NEQ(this=x.copy(), expression=exp.Floor(this=x.copy())), exp.null())
        return case.when(exp.Between(this=x.copy(), low=double(first), high=double(last)), exp.null())

    def text(self, query: exp.Expr, pretty: bool = False) -> str:
        """Write a query in the dialect."""
        return query.sql(dialect=self.dialect.name, pretty=pretty)


def rows_of_pair(pair: Pair) -> list[dict[str, Value]]:
    """Return the rows of a pair's table: the cell of the first field, that of the second, their points."""
    return [
        {FIRST: row, SECOND: column, POINTS: log_odds}
        for row, several in enumerate(pair.log_odds)
        for column, log_odds in enumerate(several)
    ]


def on_people(card: Additive, dialect: Dialect) -> Scoring:
    """Return the join of the points to a table `people` with the columns of the file."""
    columns = {} if dialect.plain_columns else {each.name: each.column for each in card.schema.fields}
    return Scoring(card, dialect, columns=columns)


def statement(card: Additive, dialect: Dialect, explain: bool = False) -> str:
    """Return the model as one SELECT to read and to run, on a table `people` with the columns of the file."""
    scoring = on_people(card, dialect)
    return written(scoring, scoring.scored(explain))


def written(scoring: Scoring, query: exp.Expr) -> str:
    """Return a query to read and to run, below what it answers."""
    card, dialect = scoring.card, scoring.dialect
    title = f"{card.schema.own['question']} Model {card.schema.name} {card.version}."
    said = [comment(title), *([comment(IN_QUOTES)] if dialect.folds_up else [])]
    return "\n".join([*said, f"{scoring.text(query, pretty=True)};", ""])
