"""The reasons of every row in SQL: the terms are compared with the reference, ranked, and the strongest named.

Three SELECTs, one around the other: the inmost one finds the points of each term, less those of the reference, in
whole steps; the next one counts how many terms come before each; the outer one writes the codes.
"""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from glassform.engines.dialects import Dialect
from glassform.engines.expressions import double
from glassform.engines.sql import Scoring, on_people, written
from glassform.fitted.additive import Additive
from glassform.fitted.reasons import DOWN, Reasons

# Of a term against the reference, and among all terms; whatever begins like that is ours.
RESERVED = "glassform_"
STEP, RANK = f"{RESERVED}step_{{number}}", f"{RESERVED}rank_{{number}}"
STEPPED, RANKED = "stepped", "ranked"  # what the inner queries are called


def with_reasons(
    scoring: Scoring,
    reasons: Reasons,
    explain: bool = False,
    only_records: bool = False,
    stop: tuple[str, str] | None = None,
    columns: Sequence[str] = (),
) -> exp.Select:
    """Return what `Scoring.scored` returns, with the columns of reasons after it; NULL where a value is invalid.

    `columns` are those of the table. Where they are not known, as in a SELECT to read, steps and ranks stay in sight.
    """
    scored = scoring.scored(explain, only_records, stop)
    steps = [
        exp.alias_(step(term, reference, reasons), scoring.name(name))
        for term, reference, name in zip(scoring.terms, reasons.references, names(STEP, reasons), strict=True)
    ]
    inner = scored.select(*steps, copy=False).subquery(scoring.name(STEPPED))
    ranks = [
        exp.alias_(each, scoring.name(name))
        for name, each in zip(names(RANK, reasons), ranked(scoring, reasons), strict=True)
    ]
    middle = exp.select("*", *ranks).from_(inner).subquery(scoring.name(RANKED))
    found = [*codes(scoring, reasons), how_many_protected(scoring, reasons)]
    said = [exp.alias_(each, scoring.name(name)) for name, each in zip(reasons.columns, found, strict=True)]
    return exp.select(*kept(scoring, explain, columns), *said).from_(middle)


def step(term: exp.Expr, reference: float, reasons: Reasons) -> exp.Expr:
    """Return how many steps a term lies above the reference, or below it, where reasons raise the answer."""
    apart = exp.paren(exp.Sub(this=exp.paren(term), expression=double(reference)))
    sign = double(1.0 if reasons.wanted.direction == DOWN else -1.0)
    steps = exp.Div(this=exp.Mul(this=sign, expression=apart), expression=double(reasons.grain))
    return exp.Floor(this=exp.Add(this=steps, expression=double(0.5)))


def names(pattern: str, reasons: Reasons) -> list[str]:
    """Return the name of each term's step or rank."""
    return [pattern.format(number=number) for number in range(1, len(reasons.terms) + 1)]


def hidden_columns(reasons: Reasons) -> list[str]:
    """Return the columns of the inner queries, which no table may have."""
    return [*names(STEP, reasons), *names(RANK, reasons)]


def steps_of(scoring: Scoring, reasons: Reasons) -> list[exp.Column]:
    """Return the step of every term, as the query around the inmost one finds it."""
    return [exp.column(scoring.name(name), table=scoring.name(STEPPED)) for name in names(STEP, reasons)]


def ranked(scoring: Scoring, reasons: Reasons) -> Iterator[exp.Expr]:
    """Return the rank of every term: 1 and how many come before it, equal ones in the order of the fields.

    It is NULL where a value is invalid, as then a step is.
    """
    steps = steps_of(scoring, reasons)
    are_known = exp.and_(*(exp.Not(this=exp.Is(this=each.copy(), expression=exp.null())) for each in steps))
    for place, own in enumerate(steps):
        rank: exp.Expr = exp.convert(1)
        for other, each in enumerate(steps):
            if other != place:
                before = exp.LTE if other < place else exp.LT
                rank = exp.Add(this=rank, expression=one_if(before(this=each.copy(), expression=own.copy())))
        yield exp.Case().when(are_known.copy(), rank)


def codes(scoring: Scoring, reasons: Reasons) -> Iterator[exp.Expr]:
    """Return the code of the first, second, ... reason; NULL where there are fewer."""
    for wanted in range(1, reasons.wanted.count + 1):
        case = exp.Case()
        for place, code in enumerate(reasons.codes):
            is_next = exp.EQ(this=outside(scoring, RANK, place), expression=exp.convert(wanted))
            case = case.when(exp.and_(counts(scoring, place), is_next), exp.convert(code))
        yield case


def how_many_protected(scoring: Scoring, reasons: Reasons) -> exp.Expr:
    """Return how many of the reasons are of protected fields; NULL where a value is invalid."""
    total: exp.Expr = exp.convert(0)
    for place, protected in enumerate(reasons.protected):
        if protected:
            is_listed = exp.LTE(this=outside(scoring, RANK, place), expression=exp.convert(reasons.wanted.count))
            total = exp.Add(this=total, expression=one_if(exp.and_(counts(scoring, place), is_listed)))
    is_invalid = exp.Is(this=outside(scoring, RANK, 0), expression=exp.null())
    return exp.Case().when(exp.Not(this=is_invalid), total)


def counts(scoring: Scoring, place: int) -> exp.Expr:
    """Return whether a term goes in the direction of the reasons."""
    return outside(scoring, STEP, place) < exp.convert(0)


def outside(scoring: Scoring, pattern: str, place: int) -> exp.Column:
    """Return the step or rank of a term, as the outer query finds it."""
    return exp.column(scoring.name(pattern.format(number=place + 1)), table=scoring.name(RANKED))


def one_if(condition: exp.Expr) -> exp.Expr:
    """Return 1 where a condition holds, else 0."""
    return exp.paren(exp.Case().when(condition, exp.convert(1)).else_(exp.convert(0)))


def kept(scoring: Scoring, explain: bool, columns: Sequence[str]) -> Sequence[exp.Expr]:
    """Return the columns that scoring gives; all of the inner query, where those of the table are not known."""
    if not columns:
        return [exp.Star()]
    added = scoring.dialect.kept_apart(scoring.card.columns_added(explain))
    return [exp.column(scoring.name(name)) for name in (*columns, *added)]


def statement_with_reasons(card: Additive, dialect: Dialect, reasons: Reasons, explain: bool = False) -> str:
    """Return the model with its reasons as one SELECT to read and to run."""
    scoring = on_people(card, dialect)
    return written(scoring, with_reasons(scoring, reasons, explain))
