"""The reasons of an answer: the fields that move it most away from a stated reference, as lenders have to name them.

A reason is one term of the sum: that of a field, or that of two fields together, which the ledger has as a line, too.
What counts is its points less those of the reference. Two references follow examples of the official interpretation
of Regulation B (12 CFR 1002.9, paragraph 9(b)(2)), which allows other ways, too: the average of all, and the average
of those at the threshold or just above it. For the latter, training fits a line, as few rows lie there. The third
one, the best, is what scorecards call points below the maximum.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glassform.fitted.additive import Additive, Points, Reason, ReasonsAnswer, Reference, columns_of_reasons, summed
from glassform.fitted.base import Fitted, Row
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.pairs import AND, Pair
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.titles import beside, pair_title, with_unit
from glassform.languages import gettext
from glassform.records.field import Field, Value
from glassform.records.messages import say, shown
from glassform.records.schema import BINARY, Schema
from glassform.records.values import NoNumber, number_in

REFERENCES = AVERAGE, THRESHOLD, BEST = ("average", "threshold", "best")
DIRECTIONS = DOWN, UP = ("down", "up")
SLOPES = "slopes"  # the fact about the training that the reference at a threshold is computed from
GRAIN = 1e-9  # of log-odds, or of a number's standard deviation: what differs by less is equal
FIELD, VALUE = "{field}", "{value}"  # in a sentence


class NoReasons(ValueError):
    """Reasons that a model does not have; `option` is what asks for them: reasons, against or threshold."""

    def __init__(self, option: str, message: str) -> None:
        self.option, self.message = option, message
        super().__init__(f"{option}: {message}")


@dataclass(frozen=True)
class Wanted:
    """How many reasons are wanted, against which reference, in which direction; `threshold` is a probability."""

    count: int
    against: str = AVERAGE
    direction: str = DOWN
    threshold: float = 0.5


@dataclass(frozen=True)
class Reasons:
    """The reasons of a model's answers. Its lists have an item per term: of every field, then of every pair."""

    card: Additive
    wanted: Wanted

    @classmethod
    def of(cls, card: Fitted, wanted: Wanted) -> "Reasons":
        """Return the reasons that are wanted.

        Raises
        ------
        NoReasons
            If the model has none like that.
        """
        if not isinstance(card, Additive):
            raise NoReasons("reasons", why_none(card))
        most, known = len(card.points), references(card.schema)
        if not 1 <= wanted.count <= most:
            raise NoReasons("reasons", say("page", value=wanted.count, most=most))
        if wanted.against not in known:
            raise NoReasons("against", say("option", value=wanted.against, known=", ".join(known)))
        if not 0.0 < wanted.threshold < 1.0:
            raise NoReasons("threshold", not_a_threshold(wanted.threshold))
        if wanted.against == THRESHOLD and SLOPES not in card.training:
            old = gettext("This version does not know the typical answers at a threshold. Train it again.")
            raise NoReasons("against", old)
        return cls(card, wanted)

    @cached_property
    def terms(self) -> list[tuple[str, tuple[str, ...]]]:
        """The name and the fields of every term."""
        own = [(name, (name,)) for name in self.card.points]
        return [*own, *((name, pair.features) for name, pair in self.card.pairs.items())]

    @cached_property
    def references(self) -> list[float]:
        """The points of the reference.

        The average person has 0 everywhere, as points are centred. The typical person at a threshold has the mean
        points of training rows with the threshold's log-odds, along a straight line. `best` is, in every line of the
        sum, the level that speaks most against the direction: the one with the most points, where reasons are those
        that lower the answer. With pairs these are more than any one record may have at once.
        """
        if self.wanted.against == BEST:
            best = max if self.wanted.direction == DOWN else min
            terms: list[Points | Pair] = [*self.card.points.values(), *self.card.pairs.values()]
            return [best(levels_of(each)) for each in terms]
        if self.wanted.against == AVERAGE:
            return [0.0] * len(self.terms)
        apart, slopes = self.log_odds_at_threshold - self.card.intercept, self.card.training[SLOPES]
        return [slopes[name] * apart for name, _ in self.terms]

    @property
    def log_odds_at_threshold(self) -> float:
        """The log-odds of the threshold."""
        return math.log(self.wanted.threshold / (1.0 - self.wanted.threshold))

    @cached_property
    def grain(self) -> float:
        """The step that differences are rounded to before they are compared."""
        return GRAIN * (float(self.card.training.get("deviation") or 1.0))

    @cached_property
    def protected(self) -> list[bool]:
        """Whether a term is that of a protected field, alone or with another."""
        groups = {field.name for field in self.card.schema.groups}
        return [not groups.isdisjoint(fields) for _, fields in self.terms]

    @cached_property
    def codes(self) -> list[str]:
        """The code of every term: that of its field, or those of both."""
        fields = self.card.schema.by_name
        codes = {name: fields[name].reasons.get("code") or name.upper() for name in self.card.points}
        return [AND.join(codes[each] for each in names) for _, names in self.terms]

    @property
    def columns(self) -> list[str]:
        """The columns that they add to a table: a code each, and how many of these are of protected fields."""
        return columns_of_reasons(self.wanted.count)

    def places(self, terms: Sequence[float]) -> list[int]:
        """Return where the strongest terms of an answer stand, the strongest first.

        Differences are compared in whole steps, so that every engine finds the same order: floor(x / grain + 1/2)
        is the same three operations on doubles everywhere. Equal ones keep the order of the fields.
        """
        sign = 1.0 if self.wanted.direction == DOWN else -1.0
        steps = [
            math.floor(sign * (term - reference) / self.grain + 0.5)
            for term, reference in zip(terms, self.references, strict=True)
        ]
        against = sorted((step, place) for place, step in enumerate(steps) if step < 0)
        return [place for _, place in against[: self.wanted.count]]

    def cells(self, row: Row) -> list[str]:
        """Return the cells of `columns`."""
        places = self.places(row.terms)
        empty = [""] * (self.wanted.count - len(places))
        return [*(self.codes[place] for place in places), *empty, str(sum(self.protected[each] for each in places))]

    def listed(self, row: Row, schema: Schema) -> list[Reason]:
        """Return the strongest reasons of a record with its terms, in a schema's language."""
        named = dict(zip(self.card.schema.by_name, row.values, strict=True))
        return [self.reason(place, named, row.terms[place], schema) for place in self.places(row.terms)]

    def reason(self, place: int, record: dict[str, Value], points: float, schema: Schema) -> Reason:
        """Return one term as a reason."""
        name, fields = self.terms[place]
        values = [record[each] for each in fields]
        said: dict[str, Any] = {"feature": name, "value": values[0]}
        if len(fields) > 1:
            said = {"feature": name, "features": [*fields], "value": values}
        return said | {  # type: ignore[return-value]
            "code": self.codes[place],
            "sentence": sentence(schema, fields, values),
            "difference": points - self.references[place],
            "protected": self.protected[place],
        }

    def answer(self, row: Row, schema: Schema) -> ReasonsAnswer:
        """Return the reasons of a record with what they are counted against, and a warning per protected field."""
        listed, wanted = self.listed(row, schema), self.wanted
        concerned = {name for each in listed for name in each.get("features", [each["feature"]])}
        answer: ReasonsAnswer = {
            "count": wanted.count,
            "against": wanted.against,
            "direction": wanted.direction,
            "reference": self.reference,
            "listed": listed,
            "warnings": [warning(field) for field in schema.groups if field.name in concerned],
        }
        return answer | {"threshold": wanted.threshold} if wanted.against == THRESHOLD else answer

    @property
    def reference(self) -> Reference:
        """The reference's own answer; none, where no record may be like it."""
        if self.wanted.against == BEST and self.card.pairs:
            return {}
        is_threshold = self.wanted.against == THRESHOLD
        total = self.log_odds_at_threshold if is_threshold else summed(self.card.intercept, self.references)
        members: Reference = self.card.target.members(total)  # type: ignore[assignment]
        return {**members, "log_odds": total} if isinstance(self.card, Scorecard) else members

    def for_script(self, schema: Schema) -> dict[str, Any]:
        """Return what the page's script finds and writes the same reasons with."""
        terms = [
            {
                "feature": name,
                "reference": reference,
                "sentence": template(schema, fields),
                "values": own_sentences(schema, fields),
                "groups": [field.name for field in schema.groups if field.name in fields],
            }
            for (name, fields), reference in zip(self.terms, self.references, strict=True)
        ]
        sign = 1 if self.wanted.direction == DOWN else -1
        return {"count": self.wanted.count, "sign": sign, "grain": self.grain, "terms": terms}


def references(schema: Schema) -> list[str]:
    """Return the references that there are: a number has no threshold."""
    return [each for each in REFERENCES if each != THRESHOLD or schema.task == BINARY]


def why_none(card: Fitted) -> str:
    """Say why a model has no reasons."""
    if isinstance(card, ClassesScorecard):
        return gettext("Several classes have no reasons: a field may count for one class and against another.")
    return gettext("This model does not add up one term per field, so it has no exact reasons.")


def read_threshold(text: str) -> float:
    """Read a threshold as any number is read.

    Raises
    ------
    ValueError
        If it is no probability above 0 and below 1.
    """
    with suppress(NoNumber):
        if 0.0 < (threshold := number_in(text)) < 1.0:
            return threshold
    raise ValueError(not_a_threshold(shown(text) or "''"))


def not_a_threshold(value: Any) -> str:
    """Say that a value is no threshold."""
    return gettext("%(value)s is not a probability above 0 and below 1, such as 0.5", value=value)


def warning(field: Field) -> str:
    """Warn that a protected field is among the reasons."""
    return gettext(
        "%(field)s is a protected field and among the strongest reasons. Do not base a decision about anyone on it.",
        field=field.title,
    )


def levels_of(term: Points | Pair) -> list[float]:
    """Return the points of every level of a field, without what lies outside of the values seen, or of every cell."""
    if isinstance(term, Pair):
        return [points for row in term.log_odds for points in row]
    return [*term.by_value.values()]


def title_of(schema: Schema, fields: Sequence[str]) -> str:
    """Return the title of a field, or of two."""
    return pair_title(schema, fields) if len(fields) > 1 else schema.by_name[fields[0]].title


def template(schema: Schema, fields: Sequence[str]) -> str:
    """Return the sentence of a reason, with a place for the value or both values."""
    own = schema.by_name[fields[0]].reasons.get("sentence") if len(fields) == 1 else ""
    title = title_of(schema, fields)
    if own:
        return str(own).replace(FIELD, title)
    if len(fields) > 1:
        return gettext("%(fields)s together: %(values)s.", fields=title, values=VALUE)
    return gettext("%(field)s: %(value)s.", field=title, value=VALUE)


def sentence(schema: Schema, fields: Sequence[str], values: Sequence[Value]) -> str:
    """Return a reason in words; a value may have a sentence of its own in the data package."""
    text = beside(schema, fields, values) if len(fields) > 1 else with_unit(schema.by_name[fields[0]], values[0])
    own = own_sentences(schema, fields).get(values[0])
    return (own or template(schema, fields)).replace(VALUE, text)


def own_sentences(schema: Schema, fields: Sequence[str]) -> dict[Value, str]:
    """Return the sentences that the data package has for values of a field; a pair has none."""
    first = schema.by_name[fields[0]]
    own = first.reasons.get("values", {}) if len(fields) == 1 else {}
    return {value: text.replace(FIELD, first.title) for value, text in own.items()}
