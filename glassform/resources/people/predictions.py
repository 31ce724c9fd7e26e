"""The user's saved predictions and their true outcomes."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from flask import request, url_for
from sqlalchemy import select
from typing_extensions import TypedDict

from glassform.accounts.database import db, writing
from glassform.accounts.history import REPEAT_HEADER, between, count_of, forget, own, remember
from glassform.accounts.signing_in import signed_in
from glassform.accounts.tables import Prediction
from glassform.batches.batch import Batch, InvalidBatch, RowError
from glassform.batches.json_rows import Objects
from glassform.fitted.target import Predicted
from glassform.limits import LONGEST_VALUE, MOST_ARRAY_BYTES
from glassform.records.field import KINDS, PLAIN_DIGITS, PYTHON_TYPE, Record, Value
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.parsing import is_array, parse_json
from glassform.records.schema import Schema
from glassform.records.tracking import is_tracking
from glassform.resources.account_resource import FromForms, Remembering
from glassform.web.asked import fitted, schema, served
from glassform.web.forms import FORM_TYPES
from glassform.web.openapi import RECORD, TEXT, in_query
from glassform.web.reading import (
    OF_FORMS,
    can_be_kept,
    flat,
    given_fields,
    read_body,
    read_members,
    read_options,
    read_record,
)
from glassform.web.resource import Answer

MOST_AT_ONCE = 1_000  # records of one request
PER_PAGE, MOST_PER_PAGE, MOST_PAGES = 20, 1_000, 1_000_000
LONGEST_NOTE, LONGEST_KEY = 1_000, 200


class PredictionAnswer(Predicted):
    """A saved prediction."""

    id: str
    url: str
    created: str
    record: Record
    model: dict[str, str]
    outcome: Value | None
    note: str | None


class PredictionsAnswer(TypedDict):
    """A page of predictions, the newest first."""

    predictions: list[PredictionAnswer]
    total: int
    page: int
    pages: int
    links: dict[str, str]


class Predictions(Remembering):
    """The user's saved predictions."""

    reads_query = True

    largest_body = MOST_ARRAY_BYTES
    formats = ("json", "html", "csv")
    successes = MappingProxyType({"post": 201})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the filters."""
        day, number = TEXT | {"format": "date"}, {"type": "integer", "minimum": 1}
        filters = [
            in_query("since", day, "The first day, or moment, to be listed."),
            in_query("until", day, "The last day, or the moment before which to list."),
            in_query("page", number | {"maximum": MOST_PAGES, "default": 1}, "Which page."),
            in_query("per_page", number | {"maximum": MOST_PER_PAGE, "default": PER_PAGE}, "How many on a page."),
        ]
        return filters if method == "get" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return a record, or records."""
        several = {"type": "array", "items": RECORD, "minItems": 1, "maxItems": MOST_AT_ONCE}
        return {"application/json": {"anyOf": [RECORD, several]}, FORM_TYPES[0]: RECORD}

    def get(self) -> PredictionsAnswer:
        """Return a page of saved predictions, the newest first."""
        user, wanted = signed_in("read"), read_filters()
        within = [Prediction.model == served().name, *between(wanted)]
        total = count_of(user, *within)
        page, per_page = wanted["page"], wanted["per_page"]
        newest = (
            select(Prediction)
            .where(Prediction.user_id == user.id, *within)
            .order_by(Prediction.created.desc(), Prediction.id)
        )
        found = db.session.scalars(newest.limit(per_page).offset((page - 1) * per_page))
        pages = max(1, -(-total // per_page))
        return {
            "predictions": [as_answer(each) for each in found],
            "total": total,
            "page": page,
            "pages": pages,
            "links": links(page, pages),
        }

    def post(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Answer a record or an array of them and save it: all or none."""
        user, key = signed_in(), repeat_key()
        records, several = read_records()
        digest = hashlib.sha256(repr(records).encode()).hexdigest()
        made = remember(user, fitted(), records, key, digest)
        answers = [as_answer(each) for each in made]
        if several:
            return {"predictions": answers}, 201, {"Location": url_for("predictions")}
        return dict(answers[0]), 201, {"Location": saved(answers[0]["url"])}

    def columns(self, answer: Any) -> list[str]:
        """Return the columns, the record's fields among them."""
        return ["id", "created", *schema().by_name, *said(), "model", "version", "outcome", "note"]

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per prediction."""
        for each in answer["predictions"]:
            yield {
                "id": each["id"],
                "created": each["created"],
                **each["record"],
                **{column: flat(each)[column] for column in said()},
                "model": each["model"]["name"],
                "version": each["model"]["version"],
                "outcome": each["outcome"],
                "note": each["note"] or "",
            }


class OnePrediction(FromForms):
    """One saved prediction."""

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return what can be changed."""
        if method != "patch":
            return super().bodies(method, schema)
        number = {"type": ["number", "string", "null"], "pattern": PLAIN_DIGITS["number"].pattern}
        outcome = {"enum": [*schema.classes, None]} if schema.classes else number
        note = {"type": ["string", "null"], "maxLength": LONGEST_NOTE}
        members = {"outcome": outcome, "note": note}
        return {"application/json": {"type": "object", "properties": members, "additionalProperties": False}}

    def get(self, id: str) -> PredictionAnswer:
        """Return the prediction."""
        user = signed_in("read")
        return as_answer(own(db.session, user, served().name, id))

    def patch(self, id: str) -> tuple[PredictionAnswer, int, dict[str, str]]:
        """Save the true outcome and a note."""
        user = signed_in()
        own(db.session, user, served().name, id)  # what is not there is not found, whatever else is wrong
        changes = read_changes()
        with writing() as session:
            prediction = own(session, user, served().name, id)
            for name, value in changes.items():
                setattr(prediction, name, value or None)
        return as_answer(prediction), 200, {"Location": saved(url_for("oneprediction", id=id))}

    def delete(self, id: str) -> Answer:
        """Delete the prediction."""
        forget(signed_in(), served().name, id)
        return {}, 204, {"Location": url_for("predictions")}


def saved(url: str) -> str:
    """Return where to go once a prediction is saved; after a form, to the place of its page that says so."""
    return f"{url}#saved" if request.mimetype in FORM_TYPES else url


def as_answer(prediction: Prediction) -> PredictionAnswer:
    """Return a prediction as an answer."""
    return {
        "id": prediction.id,
        "url": url_for("oneprediction", id=prediction.id),
        "created": prediction.created.isoformat(),
        "record": prediction.record,
        **(prediction.answer or {"probability": prediction.probability}),  # type: ignore[typeddict-item]
        "model": {"name": prediction.model, "version": prediction.version},
        "outcome": outcome_of(prediction),
        "note": prediction.note,
    }


def outcome_of(prediction: Prediction) -> Value | None:
    """Return the true outcome: a class or a number."""
    text = prediction.outcome
    if text is None or schema().classes:
        return text
    return next((PYTHON_TYPE[type_](text) for type_, plain in PLAIN_DIGITS.items() if plain.fullmatch(text)), text)


def said() -> list[str]:
    """Return the columns of the model's answer."""
    return fitted().target.columns


def read_records() -> tuple[list[Record], bool]:
    """Read one record or an array of them; tell which it was.

    Raises
    ------
    InvalidRecord
        With every error of a single record.
    InvalidBatch
        With the errors of an array, by row.
    """
    given: Any = parse_json(read_body(MOST_ARRAY_BYTES)) if request.mimetype == "application/json" else None
    if not is_array(given):
        return [read_record(OF_FORMS)], False
    if len(given) > MOST_AT_ONCE:
        message = say("too_many", count=len(given), most=MOST_AT_ONCE)
        raise InvalidBatch([RowError(0, "", None, message)], 1)
    card = fitted()
    checked = Batch(card, Objects(given, card, schema()), keep_going=False, explain=False)
    return [dict(zip(card.schema.by_name, row.values, strict=True)) for row in checked.source], True


def repeat_key() -> str:
    """Return the Idempotency-Key, or nothing.

    Raises
    ------
    InvalidQuery
        If it is too long, or cannot be stored.
    """
    key = request.headers.get(REPEAT_HEADER, "")
    if not can_be_kept(key):
        raise InvalidQuery([FieldError(REPEAT_HEADER, shown(key), say("encoding"))], {})
    if len(key) > LONGEST_KEY:
        message = say("too_long", length=len(key), longest=LONGEST_KEY)
        raise InvalidQuery([FieldError(REPEAT_HEADER, shown(key), message)], {})
    return key


def read_filters() -> dict[str, Any]:
    """Read which predictions are wanted.

    Raises
    ------
    InvalidQuery
        With every error of the query.
    """
    # a form also sends empty fields
    given = [(name, text) for name, text in given_fields() if text or name not in READ]
    return {"page": 1, "per_page": PER_PAGE} | read_options(READ, given)


def moment(text: str) -> datetime:
    """Read a day or a moment, in UTC unless it names a zone.

    Raises
    ------
    ValueError
        If it is neither.
    """
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(say("date", value=shown(text), example="2026-01-31")) from None


def end(text: str) -> datetime:
    """Read the end of a period; a day ends with it."""
    day = timedelta(days=1) if len(text) == len("2026-01-31") else timedelta()
    return min(moment(text), datetime.max.replace(tzinfo=UTC) - day) + day


def number(most: int, text: str) -> int:
    """Read a whole number from 1 on.

    Raises
    ------
    ValueError
        If it is none, or too large.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValueError(say("page", value=shown(text), most=f"{most:,}"))
    return int(text)


READ = {
    "since": moment,
    "until": end,
    "page": lambda text: number(MOST_PAGES, text),
    "per_page": lambda text: number(MOST_PER_PAGE, text),
}


def links(page: int, pages: int) -> dict[str, str]:
    """Return the links to this page and its neighbours, filters included."""
    given = request.args.items()
    rest: dict[str, Any] = {name: value for name, value in given if name != "page" and not is_tracking(name)}
    near = {"self": page, "previous": page - 1, "next": page + 1}
    there = {name: to for name, to in near.items() if name == "self" or 1 <= to <= pages}
    return {name: url_for("predictions", **rest, page=to) for name, to in there.items()}


def read_changes() -> dict[str, str | None]:
    """Read the true outcome and the note.

    Raises
    ------
    InvalidQuery
        With every error of both.
    """
    classes = schema().classes
    given = read_members([], ["outcome", "note"], numbers=set() if classes else {"outcome"})
    errors, outcome = [], given.get("outcome")
    if outcome and classes and outcome not in classes:
        message = say("option", value=shown(outcome), known=", ".join(classes))
        errors.append(FieldError("outcome", shown(outcome), message))
    if outcome and not classes and not (len(outcome) <= LONGEST_VALUE and PLAIN_DIGITS["number"].fullmatch(outcome)):
        errors.append(
            FieldError("outcome", shown(outcome), say("digits", value=shown(outcome), kind=KINDS["number"]))
        )
    note = given.get("note") or ""
    if len(note) > LONGEST_NOTE:
        errors.append(FieldError("note", shown(note), say("too_long", length=len(note), longest=LONGEST_NOTE)))
    if errors:
        raise InvalidQuery(errors, given)
    return given
