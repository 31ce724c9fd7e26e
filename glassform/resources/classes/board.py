"""The teacher's board: what the class sees on the wall, and the end."""

from types import MappingProxyType
from typing import Any, NotRequired

from flask import request, url_for
from typing_extensions import TypedDict

from glassform.classroom.course import ACTIONS
from glassform.classroom.lessons import CASE, CHANGES, DECK, JOIN, ONE, SCORES, WITHOUT
from glassform.classroom.nicknames import nickname
from glassform.classroom.results import PersonResult, Results, person_result, results_of
from glassform.classroom.room import Person, Room, Tally
from glassform.classroom.shown import ChangeShown, WithoutShown, change_shown, without_shown
from glassform.fitted.titles import vague_values
from glassform.records.messages import InvalidQuery
from glassform.records.schema import Schema
from glassform.resources.classes.entering import (
    KEY,
    KEY_IN_QUERY,
    InClass,
    addresses,
    key_for,
    stamp_of,
    store,
    take_home,
    teachers,
)
from glassform.resources.classes.qr import code_of
from glassform.resources.layers import arithmetic
from glassform.web.forms import FORM_TYPES
from glassform.web.ledger import ON_A_WALL
from glassform.web.openapi import TEXT
from glassform.web.reading import not_one_of, read_members, read_options


class BoardAnswer(TypedDict):
    """Where a class stands, and what its board shows."""

    code: str
    table: str
    lesson: str
    step: str
    kind: str
    title: str
    say: str
    place: int
    steps: int
    is_open: bool
    is_revealed: bool
    blank: bool
    size: int
    joined: int
    answered: int
    guesses: int
    join: str
    addresses: list[str]
    nicknames: NotRequired[list[str]]
    person: NotRequired[Person]
    result: NotRequired[PersonResult]
    results: NotRequired[Results]
    change: NotRequired[ChangeShown]
    without: NotRequired[WithoutShown]
    vote: NotRequired[Tally | None]
    before: NotRequired[Tally | None]


class Board(InClass):
    """The board of a class: its teacher moves it, the class looks at it."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the teacher's key."""
        return [KEY_IN_QUERY]

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the action."""
        move = {
            "type": "object",
            "properties": {"action": TEXT | {"enum": [*ACTIONS]}},
            "required": ["action"],
            "additionalProperties": False,
        }
        return {"application/json": move, FORM_TYPES[0]: move} if method == "post" else {}

    def get(self, code: str) -> BoardAnswer:
        """Return what the board shows."""
        read_options({KEY: str})
        return board(teachers(code))

    def post(self, code: str) -> tuple[BoardAnswer, int, dict[str, str]]:
        """Move the class on or back, reveal, take back the last move, or blank the board."""
        room = teachers(code)
        action = read_members(["action"], template="classes/refused.html")["action"]
        if action not in ACTIONS:
            raise InvalidQuery([not_one_of("action", action, [*ACTIONS])], {}, "classes/refused.html")
        room.store.move(room.known.code, lambda standing: ACTIONS[action](standing, room.steps))
        moved = teachers(code)
        return board(moved), 200, {"Location": board_of(moved.known.code)}

    def delete(self, code: str) -> "Wiped":
        """End the class: delete all that is kept of it."""
        return wiped(teachers(code))

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the links of the teacher, the code to scan, and the sum of the person the class got wrong."""
        room = teachers(answer["code"])
        shown: dict[str, Any] = {
            "key": key_for(answer["code"]),
            "stamp": stamp_of(answer),
            "qr": code_of(answer["addresses"][0] + answer["join"]),
            "step": room.step,
            "votes": room.choices_of(vote) if (vote := room.vote_of(room.step)) else {},
            "question": room.worded(vote.question) if vote else "",
            "left_out": room.worded("{left_out}"),
            "ledger_drawn": None,
            "vague": vague_values(room.schema),
        }
        if room.step.kind == CASE:
            explained = room.card.explain(answer["result"]["record"])
            shown |= {"explained": explained, **arithmetic(room.card, room.schema, explained, ON_A_WALL)}
        return shown


class Wiped(TypedDict):
    """A class that has ended: how many rows are left of it."""

    code: str
    rows_left: int | None


class End(InClass):
    """The end of a class: save the results, then delete everything."""

    reads_query = True
    successes = MappingProxyType({"post": 200})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the teacher's key."""
        return [KEY_IN_QUERY]

    def get(self, code: str) -> Wiped:
        """Return what to do before the end."""
        read_options({KEY: str})
        return {"code": teachers(code).known.code, "rows_left": None}

    def post(self, code: str) -> Wiped:
        """End the class: delete all that is kept of it."""
        return wiped(teachers(code))

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the teacher's key, and where the take-home file is."""
        if answer["rows_left"] is not None:
            return {}
        return {"key": request.args.get(KEY, ""), "take_home": take_home(teachers(answer["code"]))}


def wiped(room: Room) -> Wiped:
    """Delete all that is kept of a class."""
    return {"code": room.known.code, "rows_left": store().end(room.known.code)}


def board_of(code: str) -> str:
    """Return the path of a class's board, with the teacher's key."""
    return url_for("board", code=code, key=key_for(code))


def board(room: Room) -> BoardAnswer:
    """Return what the board of a class shows."""
    standing, step, nicknames = room.standing, room.step, room.store.nicknames(room.known.code)
    answer: BoardAnswer = {
        "code": room.known.code,
        "table": room.known.table,
        "lesson": room.lesson.title,
        "step": step.id,
        "kind": step.kind,
        "title": room.worded(step.title),
        "say": room.worded(step.say),
        "place": room.place + 1,
        "steps": len(room.steps),
        "is_open": room.is_open,
        "is_revealed": standing.is_revealed,
        "blank": standing.blank,
        "size": room.known.size,
        "joined": len(nicknames),
        "answered": room.finished(),
        "guesses": len(room.guesses),
        "join": url_for("joining", code=room.known.code),
        "addresses": addresses(),
    }
    add_shown(room, answer)
    if step.kind == JOIN:
        answer["nicknames"] = [nickname(number) for number in nicknames]
    return answer


def add_shown(room: Room, answer: BoardAnswer) -> None:
    """Add what the board shows of its step: what waits to be revealed stays away."""
    step, is_revealed = room.step, room.standing.is_revealed
    if step.kind == ONE:
        answer["person"] = room.person(1)
        if is_revealed:
            answer["result"] = person_result(room, 1)
    elif step.kind == SCORES:
        answer["results"] = results_of(room)
    elif step.kind == CASE:
        answer["result"] = person_result(room, room.worst())
    elif step.kind == CHANGES:
        answer["change"] = change_shown(room, is_revealed)
    elif step.kind == WITHOUT and is_revealed:
        answer["without"] = without_shown(room)
    if step.kind not in (JOIN, ONE, DECK) and is_revealed:
        answer["vote"] = room.tally(step)
        earlier = next((each for each in room.steps if each.id == step.again), None)
        if earlier:
            answer["before"] = room.tally(earlier)
