"""The reasons of an answer, as a request asks for them: how many, against what, in which direction."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from glassform.fitted.additive import Additive
from glassform.fitted.reasons import (
    AVERAGE,
    DIRECTIONS,
    DOWN,
    SLOPES,
    THRESHOLD,
    NoReasons,
    Reasons,
    Wanted,
    read_threshold,
    references,
    warning,
    why_none,
)
from glassform.fitted.scorecard import Explanation
from glassform.languages import gettext
from glassform.records.messages import FieldError, InvalidQuery, InvalidRecord, say, shown
from glassform.records.schema import CLASSES, Schema
from glassform.web.asked import asked, fitted, schema
from glassform.web.charts import plain
from glassform.web.openapi import TEXT, in_query
from glassform.web.reading import Reader, given_fields, one_of, read_options, read_record

COUNT, AGAINST, DIRECTION, AT = "reasons", "against", "direction", "threshold"  # the query parameters
CSV = "csv"
WHOLE = re.compile(r"[0-9]{1,6}")
PLAIN_THRESHOLD = 0.5
ON_A_PAGE = 3  # reasons that the page offers to list


def reasons_in_query(schema: Schema) -> list[dict[str, Any]]:
    """Describe the parameters that ask for reasons; a field of the same name leaves no room for one."""
    if schema.task == CLASSES or COUNT in schema.names:
        return []
    return [in_query(name, *each) for name, each in options_described(schema).items() if name not in schema.names]


def options_described(schema: Schema) -> dict[str, tuple[dict[str, Any], str]]:
    """Return what asks for reasons: the schema of each value, and what it means."""
    known = references(schema)
    count = {"type": "integer", "minimum": 1, "maximum": len(schema.used)}
    at = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": PLAIN_THRESHOLD}
    directions = {"enum": [*DIRECTIONS], "default": DOWN}
    found: dict[str, tuple[dict[str, Any], str]] = {
        COUNT: (count, "How many of the strongest reasons to add to the answer."),
        AGAINST: (TEXT | {"enum": known, "default": AVERAGE}, "The reference that reasons are counted against."),
        DIRECTION: (TEXT | directions, "Reasons that lower the answer, or raise it."),
    }
    if THRESHOLD in known:
        found[AT] = (at, "The probability of the reference, against a threshold.")
    return found


def with_reasons(options: Set[str]) -> Explanation:
    """Return the answer for the request's record with its reasons, if it asks for any; `options` are no fields.

    Raises
    ------
    InvalidQuery
        With every error of what asks for reasons.
    InvalidRecord
        With every error of every field.
    """
    card, dictionary, names = fitted(), schema(), names_free(schema())
    reasons = read_reasons(given_fields())
    if reasons is None:
        alone: Explanation = card.explain(read_record(options))
        return alone
    if asked().format.name == CSV:
        refuse_taken(reasons, dictionary)
    try:
        record = read_record(options | names)
    except InvalidRecord as invalid:
        if invalid.fields:  # the form to mend it on goes on asking for them
            invalid.fields = {**invalid.fields, **in_address(reasons.wanted, names)}
        raise
    answer: Explanation = card.explain(record)
    return answer | {"reasons": reasons.answer(card.row(record), dictionary)}


def refuse_taken(reasons: Reasons, schema: Schema) -> None:
    """Refuse reasons as columns of a table whose fields have the names of these.

    Raises
    ------
    InvalidQuery
        With every such field.
    """
    if taken := [name for name in reasons.columns if name in schema.by_name]:
        raise InvalidQuery([FieldError(name, None, say("taken")) for name in taken], {})


def names_free(schema: Schema) -> set[str]:
    """Return the parameters whose names no field has."""
    return {COUNT, AGAINST, DIRECTION, AT} - set(schema.names)


def without_options(given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters that have nothing to do with reasons."""
    names = names_free(schema())
    return [pair for pair in given if pair[0] not in names]


def read_reasons(parameters: Iterable[tuple[str, str]]) -> Reasons | None:
    """Return the reasons that some parameters ask for; None if none of them has to do with reasons.

    Raises
    ------
    InvalidQuery
        With every error, or if the model has no such reasons.
    """
    names = names_free(schema())
    given = [pair for pair in parameters if pair[0] in names]
    return reasons_given(given) if given and COUNT in names else None


def reasons_given(parameters: Iterable[tuple[str, str]]) -> Reasons:
    """Return the reasons that parameters ask for, one of which has to say how many.

    Raises
    ------
    InvalidQuery
        With every error, or if the model has no such reasons.
    """
    card, given = fitted(), [*parameters]
    texts = dict(given)
    if COUNT not in texts:
        alone = gettext("goes with reasons only")
        raise InvalidQuery([FieldError(name, shown(text), alone) for name, text in texts.items()], {})
    if not isinstance(card, Additive):
        raise refused(COUNT, texts[COUNT], why_none(card))
    options = read_options(readers(card), given)
    if AT in options and options.get(AGAINST) != THRESHOLD:
        raise refused(AT, texts[AT], gettext("goes with against=threshold only"))
    try:
        return Reasons.of(card, Wanted(options.pop(COUNT), **options))
    except NoReasons as error:
        raise refused(error.option, texts[error.option], error.message) from error


def readers(card: Additive) -> Mapping[str, Reader]:
    """Return how each parameter is read."""
    most = len(card.points)

    def count(text: str) -> int:
        if not WHOLE.fullmatch(text) or not 1 <= int(text) <= most:
            raise ValueError(say("page", value=shown(text) or "''", most=most))
        return int(text)

    return {COUNT: count, AGAINST: one_of(references(card.schema)), DIRECTION: one_of(DIRECTIONS), AT: read_threshold}


def refused(name: str, text: str, message: str) -> InvalidQuery:
    """Return the error of one parameter."""
    return InvalidQuery([FieldError(name, shown(text), message)], {})


def shown_with_reasons(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of the reasons: what its form keeps, the ways to others, what its script reads."""
    card, dictionary, record = fitted(), schema(), answer["record"]
    free, reasons = names_free(dictionary), read_reasons(given_fields())
    if reasons is None:
        can_ask = isinstance(card, Additive) and COUNT in free
        return {"reasons_link": record | {COUNT: min(ON_A_PAGE, len(card.used))} if can_ask else None}
    ways = other_ways(reasons, free)
    return {
        "reasons_asked": reasons.wanted,
        "reasons_kept": in_address(reasons.wanted, free),
        "reasons_ways": [(way, each == reasons.wanted, record | in_address(each, free)) for way, each in ways],
        "reasons_for_script": reasons.for_script(dictionary),
        "reasons_warnings": [(field.name, warning(field)) for field in dictionary.used_groups],
    }


def other_ways(reasons: Reasons, free: Set[str]) -> Iterator[tuple[str, Wanted]]:
    """Return every reference and direction that can be asked for, by what it is called."""
    card, wanted = reasons.card, reasons.wanted
    for against in references(card.schema) if AGAINST in free else ():
        if against != THRESHOLD or SLOPES in card.training:
            at = wanted.threshold if against == THRESHOLD else PLAIN_THRESHOLD
            yield against, replace(wanted, against=against, threshold=at)
    for direction in DIRECTIONS if DIRECTION in free else ():
        yield direction, replace(wanted, direction=direction)


def in_address(wanted: Wanted, free: Set[str]) -> dict[str, Any]:
    """Return the parameters that ask for the same again; those that have their default are left out."""
    own = {AGAINST: wanted.against, DIRECTION: wanted.direction, AT: exactly(wanted.threshold)}
    default = {AGAINST: AVERAGE, DIRECTION: DOWN, AT: exactly(PLAIN_THRESHOLD)}
    return {COUNT: wanted.count} | {name: own[name] for name in own if own[name] != default[name] and name in free}


def exactly(number: float) -> str:
    """Write a number so that it is read again as the same one, without an exponent where that is short."""
    text = plain(number)
    return text if float(text) == number else repr(number)
