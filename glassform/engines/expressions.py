"""The parts of a query: numbers, lines, patterns, texts that no spreadsheet runs."""

from collections.abc import Sequence

from sqlglot import exp

from glassform.files import APOSTROPHE, FORMULA, SIGNED_NUMBER


def line(x: exp.Expr, left: tuple[float, float], right: tuple[float, float]) -> exp.Expr:
    """Return the height at x of the straight line through two points."""
    share = exp.Div(this=exp.paren(x - double(left[0])), expression=double(right[0] - left[0]))
    rise = exp.Mul(this=double(right[1] - left[1]), expression=exp.paren(share))
    return exp.Add(this=double(left[1]), expression=rise)


def double(number: float) -> exp.Expr:
    """Return a number as a double, whatever type the engine gives its literal."""
    return exp.cast(exp.convert(float(number)), exp.DataType.Type.DOUBLE)


def in_list(values: Sequence[exp.Expr], place: exp.Expr) -> exp.Expr:
    """Return the value at a place of a list, counted from 1, as DuckDB finds it; NULL, if the place is."""
    return exp.func("list_extract", exp.array(*values), place)


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
