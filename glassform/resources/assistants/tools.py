"""The tools of an assistant: predict, explain, what if, changes, and many rows at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import orjson
from pydantic import TypeAdapter

from glassform.analysis.ways import ChangesAnswer, changes_answer
from glassform.fitted.additive import Additive
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Scorecard
from glassform.languages import gettext
from glassform.limits import MOST_BATCH_ERRORS, MOST_ROWS_ASKED
from glassform.records.field import Record
from glassform.records.messages import FieldError, InvalidQuery, InvalidRecord, say, shown, unknown
from glassform.records.parsing import Pairs, is_array
from glassform.refusals import Refusal
from glassform.resources.assistants import schemas
from glassform.resources.assistants.messages import INVALID_PARAMS, ProtocolError
from glassform.resources.assistants.schemas import Described
from glassform.resources.reasons import AGAINST, AT, COUNT, DIRECTION, options_described, reasons_given
from glassform.web.asked import fitted, schema

Given = Mapping[str, Any]  # the arguments of a call
SHORT = ("label", "probability", "probabilities", "prediction", "interval", "warnings", "model")
HALF = 0.5
OF_REASONS = (COUNT, AGAINST, DIRECTION, AT)
READ_ONLY = {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False, "destructiveHint": False}


@dataclass(frozen=True)
class Tool:
    """A tool: what it does, the schemas of its arguments and of its answer, and how it is called.

    Attributes
    ----------
    needed, others
        The names of the arguments that must be there, and of those that may be.
    fits
        Tells whether a model has it.
    lane
        The threads that answer it; light, if it takes no longer than a probability.
    """

    title: str
    says: str
    takes: Callable[[Fitted], Described]
    needed: tuple[str, ...]
    gives: Callable[[Fitted], Described]
    call: Callable[[Fitted, Given], Any]
    others: tuple[str, ...] = ()
    fits: Callable[[Fitted], bool] = lambda card: True
    lane: str = "pages"


def predict(card: Fitted, given: Given) -> Any:
    """Return the answer for a record, in short."""
    answer = card.explain(read_record(given["record"]))
    return {name: answer[name] for name in SHORT if name in answer}


def explain(card: Fitted, given: Given) -> Any:
    """Return the answer for a record, with every term, and with its reasons if any are wanted."""
    asked = {name: as_text(given[name]) for name in OF_REASONS if name in given}
    wanted, errors = None, list[FieldError]()
    try:
        wanted = reasons_given(asked.items()) if asked else None
    except InvalidQuery as invalid:
        errors = invalid.errors
    record = read_record(given["record"], errors)
    answer = card.explain(record)
    return answer | {"reasons": wanted.answer(card.row(record), schema())} if wanted else answer


def as_text(value: Any) -> str:
    """Return the value of an option of reasons as an address has it: a number with all its digits."""
    if isinstance(value, str):
        return value
    return repr(value).removesuffix(".0") if isinstance(value, float) and isfinite(value) else shown(value)


def what_if(card: Fitted, given: Given) -> Any:
    """Return the answer at each value of a field, or of every field, the rest of the record held fixed."""
    record, name = read_record(given["record"]), read_field(card, given)
    return {
        **card.members(record),
        "curves": [curve(card, record, each) for each in ([name] if name else card.used)],
        "warnings": card.cautions([*record.values()]) if card.warns else [],
        "model": card.model,
    }


def curve(card: Fitted, record: Record, name: str) -> Any:
    """Return the answer at each value of one field."""
    values = card.grid(name)
    found = card.several([record | {name: value} for value in values])
    return {
        "field": name,
        "points": [{"value": value, **members} for value, members in zip(values, found, strict=True)],
    }


def changes(card: Fitted, given: Given) -> Any:
    """Return the smallest changes that lead to a probability."""
    assert isinstance(card, Scorecard)  # or it has no such tool
    errors = list[FieldError]()
    target = given.get("target", HALF)
    if not (type(target) in (int, float) and 0 < target < 1):
        rule = say("target", value=shown(target), low="0", high="1", example="0.25")
        errors.append(FieldError("target", shown(target), rule))
    locked, wrong = read_locked(given)
    record = read_record(given["record"], [*errors, *wrong])
    return changes_answer(card, record, target, locked)


def read_locked(given: Given) -> tuple[list[str], list[FieldError]]:
    """Return the fields that stay as they are: those given, else the data package's own; and what is wrong."""
    dictionary = schema()
    if "locked" not in given:
        return dictionary.locked, []
    several = given["locked"]
    if not is_array(several):
        return [], [FieldError("locked", shown(several), say("names", value=shown(several)))]
    names, errors = list[str](), list[FieldError]()
    for each in several[: len(dictionary.names) + 1]:
        name = dictionary.names.get(each) if isinstance(each, str) else None
        if name is None:
            text = each if isinstance(each, str) else shown(each)
            errors.append(unknown(text, dictionary.names, len(errors), key="lock", field="locked", value=shown(each)))
        else:
            names.append(name)
    return [*dict.fromkeys(names)], errors


def score_rows(card: Fitted, given: Given) -> Any:
    """Return the answers for several records in order, or what is wrong with one."""
    rows = given["records"]
    if not is_array(rows):
        raise InvalidQuery([FieldError("records", shown(rows), say("array", value=shown(rows)))], {})
    if not rows or len(rows) > MOST_ROWS_ASKED:
        most = gettext("At most %(most)s rows are read.", most=f"{MOST_ROWS_ASKED:,}")
        raise InvalidQuery([FieldError("records", None, most if rows else say("no_rows"))], {})
    dictionary, records, answers = schema(), list[Record](), list[dict[str, Any]]()
    wrong, told = set[int](), 0
    for number, row in enumerate(rows, start=1):
        is_enough = told >= MOST_BATCH_ERRORS
        answers.append({"row": number})
        try:
            records.append(dictionary.read_json(row, hints=not is_enough, brief=is_enough))
        except InvalidRecord as invalid:
            wrong.add(number)
            answers[-1] |= {} if is_enough else {"errors": invalid.listed}
            told += len(invalid.listed)
    scored = iter(card.several(records) if records else ())
    for answer in answers:
        answer |= {} if answer["row"] in wrong else next(scored)
    return {"answers": answers, "rows": len(rows), "invalid": len(wrong), "model": card.model}


def rows_of(message: Any) -> int:
    """Return how many records a message asks for at once, before it is read."""
    given = message
    for name in ("params", "arguments", "records"):
        given = dict(given).get(name) if isinstance(given, Pairs) else None
    return len(given) if is_array(given) else 0


def read_arguments(card: Fitted, given: Pairs, tool: Tool) -> dict[str, Any]:
    """Return the arguments of a call by name; null counts as absent.

    Raises
    ------
    InvalidQuery
        With every name that is unknown, repeated or missing.
    """
    known, found, errors = (*tool.needed, *tool.others), dict[str, Any](), list[FieldError]()
    for name, value in given:
        if name not in known:
            rule = say("option", value=shown(name) or "''", known=", ".join(tool.takes(card)))
            errors.append(FieldError(shown(name), shown(value), rule))
        elif name in found:
            errors.append(FieldError(name, shown(value), say("repeated")))
        elif value is not None:
            found[name] = value
    errors += [FieldError(name, None, say("absent")) for name in tool.needed if name not in found]
    if errors:
        raise InvalidQuery(errors, {})
    return found


def in_lines(refusal: Refusal) -> str:
    """Return what is wrong, an error to a line."""
    errors = [f"{each['field']}: {each['message']}".removeprefix(": ") for each in refusal.listed or []]
    return "\n".join(filter(None, [refusal.detail, *errors]))


def read_record(given: Any, errors: list[FieldError] | None = None) -> Record:
    """Read a record; `errors` are those found before in other arguments.

    Raises
    ------
    InvalidRecord
        With every error of every field.
    """
    try:
        record = schema().read_json(given)
    except InvalidRecord as invalid:
        raise InvalidRecord([*invalid.errors, *(errors or [])], {}) from invalid
    if errors:
        raise InvalidQuery(errors, {})
    return record


def read_field(card: Fitted, given: Given) -> str | None:
    """Read the name of a field that the model uses; None, if none is given.

    Raises
    ------
    InvalidQuery
        If there is none of that name.
    """
    if "field" not in given:
        return None
    name = given["field"]
    names = {spelling: meant for spelling, meant in schema().names.items() if meant in card.used}
    if isinstance(name, str) and name in names:
        return names[name]
    text = name if isinstance(name, str) else shown(name)
    raise InvalidQuery([unknown(text, names, 0, key="lock", field="field", value=shown(name))], {})


def of_record(card: Fitted) -> Described:
    """Return the schema of the one argument of a tool that takes a record."""
    return {"record": schemas.record(card)}


def of_explain(card: Fitted) -> Described:
    """Return the schemas of a record and of what asks for reasons, if the model has any."""
    described = options_described(card.schema) if isinstance(card, Additive) else {}
    return of_record(card) | {name: {**each, "description": says} for name, (each, says) in described.items()}


def of_what_if(card: Fitted) -> Described:
    """Return the schemas of a record and of the name of a field."""
    return of_record(card) | {"field": schemas.field(card, "The field to vary. Without one, each is varied in turn.")}


def of_changes(card: Fitted) -> Described:
    """Return the schemas of a record, a target, and the fields that stay."""
    target = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": HALF}
    names = {"type": "array", "items": {"enum": [*card.schema.by_name]}, "default": card.schema.locked}
    return of_record(card) | {
        "target": target | {"description": "The probability to reach."},
        "locked": names | {"description": "Fields that stay as they are."},
    }


def of_rows(card: Fitted) -> Described:
    """Return the schema of several records."""
    return {"records": {"type": "array", "minItems": 1, "maxItems": MOST_ROWS_ASKED, "items": schemas.record(card)}}


def short_answer(card: Fitted) -> Described:
    """Return the schema of an answer in short."""
    return schemas.object_of(schemas.members(card.schema) | schemas.around(card))


def whole_answer(card: Fitted) -> Described:
    """Return the schema of an answer with its arithmetic, which names further sums."""
    every = schemas.members(card.schema) | schemas.arithmetic(card) | schemas.around(card)
    said = "Only if asked for: the fields that move the answer most away from the reference, in words."
    listed = {"reasons": {"type": "object", "description": said}} if isinstance(card, Additive) else {}
    return schemas.object_of(every | listed, [*every], is_open=True)


def answer_curves(card: Fitted) -> Described:
    """Return the schema of the answers at the values of fields."""
    members = schemas.members(card.schema)
    point = schemas.object_of({"value": {"type": ["number", "string"]}} | members)
    each = {"field": schemas.TEXT, "points": {"type": "array", "items": point}}
    curves = {"curves": {"type": "array", "items": schemas.object_of(each)}}
    return schemas.object_of(members | curves | {"warnings": schemas.TEXTS, "model": schemas.model()})


def answer_changes(card: Fitted) -> Described:
    """Return the schema of the smallest changes."""
    return TypeAdapter(ChangesAnswer).json_schema(mode="serialization")


def answer_rows(card: Fitted) -> Described:
    """Return the schema of several answers."""
    number, members = {"type": "integer", "minimum": 0}, schemas.members(card.schema)
    wrong = schemas.object_of({"field": schemas.TEXT, "value": {"type": ["string", "null"]}, "message": schemas.TEXT})
    errors = {"type": "array", "items": wrong, "description": f"Left out after {MOST_BATCH_ERRORS} errors."}
    failed = schemas.object_of({"row": number, "errors": errors}, ["row"])
    answers = {"type": "array", "items": {"anyOf": [schemas.object_of({"row": number} | members), failed]}}
    return schemas.object_of({"answers": answers, "rows": number, "invalid": number, "model": schemas.model()})


TOOLS = {
    "predict": Tool(
        "Predict",
        "Return the model's answer for one record in short: the answer, how sure it is, and warnings.",
        of_record,
        ("record",),
        short_answer,
        predict,
        lane="light",
    ),
    "explain": Tool(
        "Explain",
        "Return the answer for one record with its exact arithmetic: what each value adds, how many training rows "
        "are like it. It says what the model computes, not what causes anything.",
        of_explain,
        ("record",),
        whole_answer,
        explain,
        OF_REASONS,
        lane="light",
    ),
    "what_if": Tool(
        "What if",
        "Return the answer at each value of one field, or of every field, the rest of the record held fixed.",
        of_what_if,
        ("record",),
        answer_curves,
        what_if,
        ("field",),
    ),
    "changes": Tool(
        "Smallest changes",
        "Return the smallest changes of a record that bring the model's probability to a target. They change the "
        "model's answer, which is no advice to a person.",
        of_changes,
        ("record",),
        answer_changes,
        changes,
        ("target", "locked"),
        lambda card: isinstance(card, Scorecard),
    ),
    "score_rows": Tool(
        "Score rows",
        f"Return the answers for up to {MOST_ROWS_ASKED:,} records in order; a row with errors has these instead, "
        f"and after {MOST_BATCH_ERRORS} errors only its number.",
        of_rows,
        ("records",),
        answer_rows,
        score_rows,
        lane="batches",
    ),
}


def tools_of(card: Fitted) -> dict[str, Tool]:
    """Return the tools of a model by name."""
    return {name: tool for name, tool in TOOLS.items() if tool.fits(card)}


def listed(card: Fitted) -> list[dict[str, Any]]:
    """Return the tools of a model as the protocol lists them."""
    limits = schemas.limits(card)
    return [
        {
            "name": name,
            "title": tool.title,
            "description": f"{tool.says} {limits}",
            "inputSchema": schemas.whole(schemas.object_of(tool.takes(card), [*tool.needed])),
            "outputSchema": schemas.whole(tool.gives(card)),
            "annotations": {"title": tool.title, **READ_ONLY},
        }
        for name, tool in tools_of(card).items()
    ]


def call(name: Any, arguments: Any) -> dict[str, Any]:
    """Call a tool and return its result; what is wrong with the arguments is one, too, for the assistant to mend.

    Raises
    ------
    ProtocolError
        If there is no such tool, or no arguments.
    """
    card = fitted()
    tool = tools_of(card).get(name) if isinstance(name, str) else None
    if tool is None:
        known = ", ".join(tools_of(card))
        raise ProtocolError(INVALID_PARAMS, f"there is no tool {shown(name)} for this table; there are {known}")
    given = Pairs() if arguments is None else arguments
    if not isinstance(given, Pairs):
        raise ProtocolError(INVALID_PARAMS, f"params.arguments must be an object, and this is {shown(arguments)}")
    try:
        answer = tool.call(card, read_arguments(card, given, tool))
    except Refusal as refusal:
        return {"content": [{"type": "text", "text": in_lines(refusal)}], "isError": True}
    text = orjson.dumps(answer).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": answer, "isError": False}
