"""Where a class begins: its teacher starts it, its phones join."""

from types import MappingProxyType
from typing import Any

from flask import request, url_for
from typing_extensions import TypedDict

from glassform.classroom.course import Standing
from glassform.classroom.lessons import read_lessons
from glassform.classroom.nicknames import nickname
from glassform.classroom.people import NoPeople, read_people
from glassform.fitted.base import Fitted
from glassform.languages import current, gettext
from glassform.limits import LARGEST_CLASS
from glassform.records.messages import FieldError, InvalidQuery, shown
from glassform.records.schema import BINARY, Schema
from glassform.resources.classes.entering import (
    InClass,
    addresses,
    cookie,
    is_here,
    key_for,
    refuse_elsewhere,
    room_of,
    store,
    take_home,
    token,
)
from glassform.resources.classes.qr import code_of
from glassform.web.asked import tables
from glassform.web.forms import FORM_TYPES, refuse_foreign_form
from glassform.web.openapi import TEXT, in_query
from glassform.web.reading import not_one_of, read_members, read_options
from glassform.web.resource import Answer

SIZE = 40  # phones, unless the teacher says otherwise
TEMPLATE = "classes/classes.html"


class Begun(TypedDict):
    """A new class: its code, and the paths of its board, which holds the teacher's key, and of joining."""

    code: str
    board: str
    join: str


class Offered(TypedDict):
    """What a class can be started with, and the classes that are running."""

    tables: list[dict[str, str]]
    lessons: list[dict[str, Any]]
    size: int
    classes: list[Begun]


class Classes(InClass):
    """The classes: start one on the computer that serves it."""

    successes = MappingProxyType({"post": 201})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return table, lesson and size."""
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_CLASS, "default": SIZE}
        members = {"table": TEXT, "lesson": TEXT | {"enum": [*read_lessons()]}, "size": size}
        return {"application/json": {"type": "object", "properties": members, "additionalProperties": False}}

    def get(self) -> Offered:
        """Return the tables and lessons there are and, on this computer, the classes that are running."""
        return offered()

    def post(self) -> tuple[Begun, int, dict[str, str]]:
        """Start a class."""
        refuse_elsewhere()
        given = read_members([], ["table", "lesson", "size"], "classes/refused.html", {"size"})
        if request.mimetype in FORM_TYPES:
            refuse_foreign_form()
        begun = begin(given)
        return begun, 201, {"Location": begun["board"]}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return whether the page is seen on the computer that serves it."""
        return {"is_here": is_here()}


def offered() -> Offered:
    """Return what a class can be started with."""
    usable = [served.current.schemas[current()] for _, served in tables() if is_usable(served.current)]
    lessons = [each.in_language(current()) for each in read_lessons().values()]
    return {
        "tables": [{"name": each.name, "title": each.package["title"]} for each in usable],
        "lessons": [
            {"name": each.name, "title": each.title, "description": each.description, "minutes": each.minutes}
            for each in lessons
        ],
        "size": SIZE,
        "classes": [begun(code) for code in store().running()] if is_here() else [],
    }


def is_usable(card: Fitted) -> bool:
    """Tell whether a class can guess the people of a table: there are two classes, and test rows at hand."""
    if card.schema.task != BINARY:
        return False
    try:
        read_people(card)
    except (NoPeople, OSError):
        return False
    return True


def begun(code: str) -> Begun:
    """Return a class's addresses."""
    return {
        "code": code,
        "board": url_for("board", code=code, key=key_for(code)),
        "join": url_for("joining", code=code),
    }


def begin(given: dict[str, Any]) -> Begun:
    """Start a class.

    Raises
    ------
    InvalidQuery
        With every error of table, lesson and size.
    TooManyClasses
        If there are too many already.
    """
    lessons, known = read_lessons(), dict(tables())
    name = given.get("table") or tables().default.name
    lesson = given.get("lesson") or next(iter(lessons), "")
    errors = []
    if name not in known:
        errors.append(not_one_of("table", name, [*known]))
    elif not is_usable(known[name].current):
        text = gettext("A class guesses a table of two classes whose test rows are on this computer; this is none.")
        errors.append(FieldError("table", shown(name), text))
    if lesson not in lessons:
        errors.append(not_one_of("lesson", lesson, [*lessons]))
    try:
        size = whole(given.get("size") or str(SIZE), 1, LARGEST_CLASS)
    except ValueError as error:
        errors.append(FieldError("size", shown(given["size"]), str(error)))
    if errors:
        raise InvalidQuery(errors, {**offered(), **given, "is_here": True}, TEMPLATE)
    version, first = known[name].current.version, lessons[lesson].steps[0].id
    return begun(store().begin(name, version, lesson, size, Standing(first)))


def whole(text: str, low: int, high: int) -> int:
    """Read a whole number between two others.

    Raises
    ------
    ValueError
        With the rule, if it is none.
    """
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(high)) and low <= int(digits) <= high):
        raise ValueError(
            gettext("%(value)s is not a whole number from %(low)s to %(high)s", value=shown(text), low=low, high=high)
        )
    return int(digits)


class Join(InClass):
    """Where a phone comes that has only the code."""

    reads_query = True
    failures = frozenset({303})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the code."""
        return [in_query("code", TEXT, "The code on the board.")]

    def get(self) -> Answer:
        """Return where the class of a code is joined; without a code, the page that asks for one."""
        code = read_options({"code": str.strip}).get("code")
        if not code:
            return {"code": None, "join": None}
        address = url_for("joining", code=store().find(code).code)
        return {"code": code, "join": address}, 200, {"Location": address}


class Joined(TypedDict):
    """A phone that has joined: its nickname, and the token that identifies it, as the cookie does."""

    code: str
    nickname: str
    token: str


class Joining(InClass):
    """A class as a phone finds it that has not joined."""

    successes = MappingProxyType({"post": 201})
    failures = frozenset({200, 303})

    def get(self, code: str) -> Answer:
        """Return what the class is about; a phone that has joined is led on."""
        room = room_of(code)
        known = room.store.phone(room.known.code, token()) is not None
        led_on = {"Location": url_for("me", code=room.known.code)} if known else {}
        answer = {
            "code": room.known.code,
            "title": room.lesson.title,
            "minutes": room.lesson.minutes,
            "size": room.known.size,
        }
        return answer, 200, led_on

    def post(self, code: str) -> tuple[Joined, int, dict[str, str]]:
        """Join; a phone that has joined already stays who it is."""
        phone, kept, is_new = store().join(code, token())
        known = store().find(code).code
        answer: Joined = {"code": known, "nickname": nickname(phone.nickname), "token": kept}
        return answer, 201 if is_new else 200, {"Location": url_for("me", code=known), **cookie(kept)}


class Reach(InClass):
    """Can your phone reach me? A test, and three ways out."""

    def get(self) -> Answer:
        """Return the addresses to try, and whether the request came from another computer."""
        return {"addresses": addresses(), "is_here": is_here()}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return a code to scan for each address, and where the take-home file is."""
        path = url_for("reach")
        return {"codes": [code_of(address + path) for address in answer["addresses"]], "take_home": take_home()}
