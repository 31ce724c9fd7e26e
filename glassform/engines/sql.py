"""The model as one SELECT: the points of every field joined to a table, in the dialect of any SQL engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from sqlglot import exp

from glassform.engines.dialects import Dialect
from glassform.files import APOSTROPHE, FORMULA, SIGNED_NUMBER, harmless
from glassform.fitted.additive import Additive
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import DATE, NOT_KNOWN, Value
from glassform.records.values import NUMBER

TABLE = "people"  # unless another is named
ROW = "row"  # the number of a row
NUMBER_IN_SQL = NUMBER.pattern.replace("{1,3}", "{1,2}")  # what is too large for a double, Python reads
WHOLE_IN_SQL = r"[-+]?[0-9]+"
WITH_COMMA_IN_SQL = r"^[-+]?[0-9]*,[0-9]+$"
VALUE, POINTS = "value", "points"  # the columns of a field's table of points
YEAR_DIGITS = 4
IN_QUOTES = "Names are in quotes, as in the file: capitals and small letters count."


@dataclass(frozen=True)
class Scoring:
    """A table and the points to join to it.

    Parameters
    ----------
    columns
        The table's column of each field; the field's name by default.
    spellings
        By field, other spellings of its values, such as 039 for 39.
    texts
        The fields whose columns hold text, such as all those of a CSV file.
    booleans, reals
        The fields whose columns hold true or false, or numbers that may be NaN.
    typed
        Whether `texts` is complete; if not, categories are taken for text and numbers for numbers.
    looks_up
        Whether to look points up in DuckDB's constant maps, since its joins lose the order of rows.
    decimal_comma
        Whether a comma in a text is the sign of decimals.
    in_csv
        The table's columns, each with whether it is text, if the result is written as CSV, with every cell harmless.
    """

    card: Additive
    dialect: Dialect
    table: str = TABLE
    columns: Mapping[str, str] = field(default_factory=dict)
    spellings: Mapping[str, Mapping[Value, Value]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    reals: frozenset[str] = frozenset()
    typed: bool = False
    looks_up: bool = False
    decimal_comma: bool = False
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
            added += [double(self.card.intercept), *map(self.term, self.card.points)]
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
        for name in self.card.points:
            total = exp.Add(this=total, expression=self.term(name))
        return total

    @property
    def probability(self) -> exp.Expr:
        """The probability of the positive class, 0 to 1."""
        power = exp.Exp(this=exp.Neg(this=exp.paren(self.log_odds)))
        odds_against = exp.Add(this=exp.Literal.number(1), expression=power)
        return exp.Div(this=double(1.0), expression=exp.paren(odds_against))

    def term(self, name: str) -> exp.Expr:
        """Return the points of a row's value of one field."""
        points = self.card.points[name]
        if points.gap is not None:
            text = self.is_text(name)
            gap = exp.EQ(this=self.column(name), expression=exp.convert(NOT_KNOWN)) if text else self.is_null(name)
            return exp.Case().when(gap, double(points.gap)).else_(self.known_term(name))
        return self.known_term(name)

    def is_null(self, name: str) -> exp.Expr:
        """Return whether a row has no value of one field."""
        return exp.Is(this=self.column(name), expression=exp.null())

    def is_nan(self, number: exp.Expr) -> exp.Expr:
        """Return whether a real number is NaN."""
        if self.dialect.nan == "=":
            return exp.EQ(this=number, expression=exp.cast(exp.convert("NaN"), exp.DataType.Type.DOUBLE))
        return exp.func(self.dialect.nan, number)

    def known_term(self, name: str) -> exp.Expr:
        """Return the points of a row's value of one field, NULL where that is a gap."""
        points = self.card.points[name]
        if points.linear:
            height = self.interpolated(name, self.number(name))
            return exp.Coalesce(this=height, expressions=[self.keyed(name)]) if self.spellings.get(name) else height
        known = self.keyed(name)
        if not (points.before or points.after):
            return known
        return exp.Coalesce(this=known, expressions=[self.interpolated(name, self.number(name))])

    def keyed(self, name: str) -> exp.Expr:
        """Return the points that stand beside a row's value in a table of values."""
        if self.looks_up:
            return self.looked_up(name)
        return exp.column(self.name(POINTS), table=self.name(self.tables[name]))

    @cached_property
    def tables(self) -> dict[str, str]:
        """The name of each field's table of points."""
        named = {name: f"{POINTS}_{name}" for name in self.card.points}
        others = [f"{each}_" if each == self.table.lower() else each for each in named.values()]
        return dict(zip(named, self.dialect.kept_apart(others), strict=True))

    def looked_up(self, name: str) -> exp.Expr:
        """Return the points of a row's value from a constant map, as DuckDB has it."""
        number = not self.is_text(name) and not self.card.schema.by_name[name].categories
        column = exp.cast(self.column(name), exp.DataType.Type.DOUBLE) if number else self.column(name)
        # compared as doubles, or 39.5 would match 40
        keys = exp.array(*(double(float(key)) if number else exp.convert(key) for key, _ in self.keys(name)))
        values = exp.array(*(double(log_odds) for _, log_odds in self.keys(name)))
        return exp.func("map_extract_value", exp.func("map", keys, values), column)

    def joined(self, *chosen: exp.Expr, only: str = "") -> exp.Select:
        """Return a SELECT from the table joined to the points of one field or of all."""
        query = exp.select(*chosen).from_(exp.Table(this=self.name(self.table)))
        for name, points in self.card.points.items():
            if self.looks_up or only not in ("", name) or (points.linear and not self.spellings.get(name)):
                continue
            table = self.tables[name]
            value = exp.column(self.name(VALUE), table=self.name(table))
            equal = exp.EQ(this=value, expression=self.column(name))
            query = query.join(exp.Table(this=self.name(table)), on=equal, join_type="left", copy=False)
            query = query.with_(*self.table_of_points(table, self.keys(name)), copy=False)
        return query

    def table_of_points(self, table: str, keys: Sequence[tuple[Value, float]]) -> tuple[exp.Expr, exp.Select]:
        """Return the alias and the content of one field's table of values and points."""
        rows = [(exp.convert(value), exp.convert(log_odds)) for value, log_odds in keys]
        # one double makes a column of doubles; most engines take a literal for a decimal
        rows[0] = rows[0][0], double(keys[0][1])
        outside = self.dialect.columns_outside
        values = exp.alias_(exp.values(rows), POINTS, table=outside or [VALUE, POINTS], quoted=True)
        alias = exp.TableAlias(this=self.name(table), columns=[*map(self.name, (VALUE, POINTS))] if outside else [])
        return alias, exp.select("*").from_(values)

    def keys(self, name: str) -> list[tuple[Value, float]]:
        """Return a field's values, as the column holds them, with their points."""
        points, others = self.card.points[name], self.spellings.get(name, {})
        if points.linear:
            return [(text, points.at(value)) for text, value in others.items()]
        held = {
            str(value) if self.is_text(name) else value: log_odds
            for value, log_odds in points.by_value.items()
            if value != NOT_KNOWN or points.gap is None
        }
        return [*(held | {other: points.at(value) for other, value in others.items()}).items()]

    def column(self, name: str) -> exp.Expr:
        """Return a field's column, cast to text for categories and dates.

        Missing values become the sign of a gap, dates their year.
        """
        field = self.card.schema.by_name[name]
        column: exp.Expr = exp.column(self.name(self.columns.get(name, name)), table=self.name(self.table))
        if name in self.reals and self.dialect.nan:
            column = exp.Case().when(self.is_nan(column), exp.null()).else_(column.copy())
        if not (field.categories or self.is_text(name)):
            return column
        if name not in self.texts and (self.typed or field.is_year or name in self.booleans):
            column = exp.cast(column, exp.DataType.Type.TEXT)
        cases = []
        if field.missing:
            written = exp.In(this=exp.Trim(this=column), expressions=[*map(exp.convert, sorted(field.missing))])
            is_missing = exp.Or(this=exp.Is(this=column.copy(), expression=exp.null()), expression=written)
            cases.append(exp.If(this=is_missing, true=exp.convert(NOT_KNOWN)))
        if field.is_year:
            cases.append(exp.If(this=self.has_year(column), true=part(column, 1, YEAR_DIGITS)))
        return exp.Case(ifs=cases, default=column.copy()) if cases else column

    def is_text(self, name: str) -> bool:
        """Return whether a field is compared as text, as in CSV files and for dates."""
        return name in (self.texts | self.booleans) or self.card.schema.by_name[name].is_year

    def has_year(self, text: exp.Expr) -> exp.Expr:
        """Return whether a text is a date, or a year that became a real number, as beside a gap."""
        real = exp.Like(this=text.copy(), expression=exp.convert("____.0"))
        if not self.dialect.globs:
            pattern = exp.convert(f"^{DATE.pattern}$")
            return exp.Or(this=exp.RegexpLike(this=text.copy(), expression=pattern), expression=real)
        day = exp.Glob(this=text.copy(), expression=exp.convert(f"{'[0-9]' * YEAR_DIGITS}-[01][0-9]-[0-3][0-9]*"))
        month = exp.Between(this=part(text, 6, 2), low=exp.convert("01"), high=exp.convert("12"))
        date = exp.Between(this=part(text, 9, 2), low=exp.convert("01"), high=exp.convert("31"))
        end = exp.In(this=part(text, 11, 1), expressions=[*map(exp.convert, ("", "T", " "))])
        return exp.or_(exp.and_(day, month, date, end), real)

    def number(self, name: str) -> exp.Expr:
        """Return a field's column as a number; NULL for other text."""
        column, field = self.column(name), self.card.schema.by_name[name]
        if not self.is_text(name):
            return column
        column = exp.Trim(this=column)
        if self.dialect.globs and field.is_year:
            plain: exp.Expr = number_by_glob(column)
            return exp.Case().when(plain, exp.cast(column.copy(), exp.DataType.Type.DOUBLE))
        comma = field.decimal_sign == "," or (self.decimal_comma and field.group_sign != ",")
        # a point between thousands is none before decimals
        digits = WHOLE_IN_SQL if field.group_sign == "." else NUMBER_IN_SQL
        plain = exp.RegexpLike(this=column, expression=exp.convert(f"^{digits}$"))
        case = exp.Case().when(plain, exp.cast(column.copy(), exp.DataType.Type.DOUBLE))
        if comma and not field.group_sign:
            with_comma = exp.RegexpLike(this=column.copy(), expression=exp.convert(WITH_COMMA_IN_SQL))
            dotted = exp.func("REPLACE", column.copy(), exp.convert(","), exp.convert("."))
            case = case.when(with_comma, exp.cast(dotted, exp.DataType.Type.DOUBLE))
        return case

    def interpolated(self, name: str, x: exp.Expr) -> exp.Expr:
        """Return the height of a curve made of straight lines.

        Beyond its ends it stays, if no rule ends it there. NULL is what the field cannot hold and, of whole numbers,
        what is looked up.
        """
        points, (lowest, highest) = self.card.points[name], self.card.schema.by_name[name].limits
        inside = list(zip(points.values, points.log_odds, strict=True))
        first, last = inside[0], inside[-1]
        low, high = lowest if points.before else first[0], highest if points.after else last[0]
        case = exp.Case().when(exp.Or(this=x < double(low), expression=x > double(high)), exp.null())
        if not points.linear:
            case = case.when(exp.NEQ(this=x.copy(), expression=exp.Floor(this=x.copy())), exp.null())
        if points.before:
            case = case.when(x < double(points.before[0][0]), double(points.before[0][1]))
        for left, right in pairwise([*points.before, first]):
            case = case.when(x < double(right[0]), line(x, left, right))
        for left, right in pairwise(inside if points.linear else ()):
            case = case.when(x <= double(right[0]) if right == last else x < double(right[0]), line(x, left, right))
        case = case if points.linear else case.when(x <= double(last[0]), exp.null())
        for left, right in pairwise([last, *points.after]):
            case = case.when(x <= double(right[0]), line(x, left, right))
        return case.when(x <= double(high), double(points.after[-1][1])) if points.after else case

    def name(self, name: str) -> exp.Identifier:
        """Return an identifier, always in quotes: any name may be a keyword somewhere."""
        return exp.to_identifier(name, quoted=True)

    def text(self, query: exp.Expr, pretty: bool = False) -> str:
        """Write a query in the dialect."""
        return query.sql(dialect=self.dialect.name, pretty=pretty)


def line(x: exp.Expr, left: tuple[float, float], right: tuple[float, float]) -> exp.Expr:
    """Return the height at x of the straight line through two points."""
    share = exp.Div(this=exp.paren(x - double(left[0])), expression=double(right[0] - left[0]))
    rise = exp.Mul(this=double(right[1] - left[1]), expression=exp.paren(share))
    return exp.Add(this=double(left[1]), expression=rise)


def double(number: float) -> exp.Expr:
    """Return a number as a double, whatever type the engine gives its literal."""
    return exp.cast(exp.convert(float(number)), exp.DataType.Type.DOUBLE)


def number_by_glob(text: exp.Expr) -> exp.Expr:
    """Return whether a text is a number in plain digits, where there are no regular expressions."""

    def fits(pattern: str) -> exp.Expr:
        return exp.Glob(this=text.copy(), expression=exp.convert(pattern))

    begins = exp.paren(exp.Or(this=fits("[0-9]*"), expression=fits("-[0-9]*")))
    return exp.and_(begins, exp.Not(this=fits("*[^-0-9.]*")), exp.Not(this=fits("?*-*")))


def made_harmless(text: exp.Expr) -> exp.Expr:
    """Return a text with an apostrophe, if a spreadsheet would run it as a formula."""

    def fits(pattern: str) -> exp.Expr:
        numbered = "".join(each if " " < each <= "~" else rf"\x{{{ord(each):x}}}" for each in pattern)
        return exp.RegexpLike(this=text.copy(), expression=exp.convert(numbered))

    # most texts begin with a digit or a letter, which takes less time to see
    before_digits, after_digits = text < "0", exp.and_(text >= "=", text < "A")
    may_be = exp.or_(before_digits, after_digits, text > "~")
    is_formula = exp.and_(may_be, fits(f"^({FORMULA})"), exp.Not(this=fits(f"^{SIGNED_NUMBER}$")))
    marked = exp.Concat(expressions=[exp.convert(APOSTROPHE), text.copy()])
    return exp.Case().when(is_formula, marked).else_(text.copy())


def part(text: exp.Expr, start: int, length: int) -> exp.Expr:
    """Return a part of a text, counted from 1."""
    return exp.Substring(this=text.copy(), start=exp.convert(start), length=exp.convert(length))


def comment(text: str) -> str:
    """Return a text as a comment: one line, whatever ends a line in it, so that none of it is a statement."""
    return f"-- {' '.join(''.join(each if each.isprintable() else ' ' for each in text).split())}"


def statement(card: Additive, dialect: Dialect, explain: bool = False) -> str:
    """Return the model as one SELECT to read and to run, on a table `people` with the columns of the file."""
    columns = {} if dialect.plain_columns else {each.name: each.column for each in card.schema.fields}
    scoring = Scoring(card, dialect, columns=columns)
    title = f"{card.schema.own['question']} Model {card.schema.name} {card.version}."
    said = [comment(title), *([comment(IN_QUOTES)] if dialect.folds_up else [])]
    return "\n".join([*said, f"{scoring.text(scoring.scored(explain), pretty=True)};", ""])
