"""A table to be scored: the columns of its fields, as every dialect writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from glassform.engines.dialects import Dialect
from glassform.engines.expressions import number_by_glob, part
from glassform.fitted.additive import Additive
from glassform.records.field import DATE, NOT_KNOWN
from glassform.records.values import NUMBER

TABLE = "people"  # unless another is named
NUMBER_IN_SQL = NUMBER.pattern.replace("{1,3}", "{1,2}")  # what is too large for a double, Python reads
WHOLE_IN_SQL = r"[-+]?[0-9]+"
WITH_COMMA_IN_SQL = r"^[-+]?[0-9]*,[0-9]+$"
YEAR_DIGITS = 4


@dataclass(frozen=True)
class Table:
    """A table with a column for each field of a model.

    Parameters
    ----------
    columns
        The table's column of each field; the field's name by default.
    texts
        The fields whose columns hold text, such as all those of a CSV file.
    booleans, reals
        The fields whose columns hold true or false, or numbers that may be NaN.
    typed
        Whether `texts` is complete; if not, categories are taken for text and numbers for numbers.
    decimal_comma
        Whether a comma in a text is the sign of decimals.
    """

    card: Additive
    dialect: Dialect
    table: str = TABLE
    columns: Mapping[str, str] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    reals: frozenset[str] = frozenset()
    typed: bool = False
    decimal_comma: bool = False

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

    def is_null(self, name: str) -> exp.Expr:
        """Return whether a row has no value of one field."""
        return exp.Is(this=self.column(name), expression=exp.null())

    def is_nan(self, number: exp.Expr) -> exp.Expr:
        """Return whether a real number is NaN."""
        if self.dialect.nan == "=":
            return exp.EQ(this=number, expression=exp.cast(exp.convert("NaN"), exp.DataType.Type.DOUBLE))
        return exp.func(self.dialect.nan, number)

    def name(self, name: str) -> exp.Identifier:
        """Return an identifier, always in quotes: any name may be a keyword somewhere."""
        return exp.to_identifier(name, quoted=True)
