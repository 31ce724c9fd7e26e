"""What a phone of a class sees and says."""

from functools import partial
from typing import Any, NotRequired, cast

from flask import url_for
from typing_extensions import TypedDict

from glassform.classroom.lessons import CHANGES, DECK, ONE
from glassform.classroom.nicknames import nickname
from glassform.classroom.room import PEOPLE, Person, Room
from glassform.classroom.scores import brier
from glassform.classroom.store import Phone
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.resources.classes.entering import InClass, phone_in, room_of, stamp_of
from glassform.resources.classes.opening import whole
from glassform.web.forms import FORM_TYPES
from glassform.web.openapi import TEXT, in_query
from glassform.web.reading import not_one_of, read_members, read_options
from glassform.web.resource import Answer

MOST_PER_CENT = 100


class Progress(TypedDict):
    """How many of the people to guess have a guess."""

    answered: int
    of: int


class Question(TypedDict):
    """A vote that is taken now."""

    id: str
    text: str
    choices: list[dict[str, str]]


class OwnPerson(Person):
    """Somebody whose answer was revealed: the phone's own guess in per cent, the model's probability, the truth."""

    guess: int | None
    model: float
    truth: int


class Mine(TypedDict):
    """What a phone is asked now, and what it has said; `people` holds those whose answer was revealed."""

    code: str
    nickname: str
    step: str
    title: str
    say: str
    is_revealed: bool
    person: Person | None
    guess: int | None
    progress: Progress
    question: Question | None
    vote: str | None
    people: list[OwnPerson]
    brier: float | None
    try_it: NotRequired[str]


class Me(InClass):
    """One phone of a class: who is guessed now, and what was said."""

    reads_query = True

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the person to show, in order to change a guess."""
        number = {"type": "integer", "minimum": 1, "maximum": PEOPLE}
        return [in_query("person", number, "The person to show, if not the next one.")] if method == "get" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return a guess or a vote."""
        members = {
            "person": {"type": "integer", "minimum": 1, "maximum": PEOPLE},
            "guess": {"type": "integer", "minimum": 0, "maximum": MOST_PER_CENT},
            "vote": TEXT,
        }
        said = {"type": "object", "properties": members, "additionalProperties": False}
        return {"application/json": said, FORM_TYPES[0]: said}

    def get(self, code: str) -> Mine:
        """Return what the phone is asked now."""
        room = room_of(code)
        phone = phone_in(room)
        return mine(room, phone, read_options({"person": person_number}).get("person"))

    def put(self, code: str) -> Answer:
        """Save a guess, in whole per cent, or a vote; it is on the disk once this is answered."""
        room = room_of(code)
        phone = phone_in(room)
        given = read_members([], ["person", "guess", "vote"], "classes/refused.html", {"person", "guess"})
        if "vote" in given and "guess" not in given:
            save_vote(room, phone, given["vote"] or "")
        else:
            save_guess(room, phone, given)
        return mine(room, phone), 200, {"Location": url_for("me", code=room.known.code)}

    def post(self, code: str) -> Answer:
        """Save a guess or a vote from a form."""
        return self.put(code)

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return who can be guessed now, who has been, and the kind of the step."""
        room = room_of(answer["code"])
        guessed = room.store.guesses_of(room.known.code, phone_in(room).place)
        asked = room.asked_numbers(room.standing)
        return {"asked": asked, "guessed": [*guessed], "step_kind": room.step.kind, "stamp": stamp_of(answer)}


def person_number(text: str) -> int:
    """Read the number of a person."""
    return whole(text, 1, PEOPLE)


def save_guess(room: Room, phone: Phone, given: dict[str, Any]) -> None:
    """Save a guess.

    Raises
    ------
    InvalidQuery
        With every error of person and guess.
    NotAsked
        If nobody guesses this person now.
    """
    found, errors = {}, []
    for name, low, high in (("person", 1, PEOPLE), ("guess", 0, MOST_PER_CENT)):
        if not given.get(name):
            errors.append(FieldError(name, None, say("absent")))
            continue
        try:
            found[name] = whole(given[name], low, high)
        except ValueError as error:
            errors.append(FieldError(name, shown(given[name]), str(error)))
    if errors:
        raise InvalidQuery(errors, {"code": room.known.code}, "classes/refused.html")
    person = found["person"]
    room.store.guess(room.known.code, phone.place, person, found["guess"], partial(room.check_guess, person))


def save_vote(room: Room, phone: Phone, choice: str) -> None:
    """Save a vote on the question of this step.

    Raises
    ------
    InvalidQuery
        If it is none of the choices.
    NotAsked
        If no vote is taken now.
    """
    question, vote = room.step.id, room.vote_of(room.step)
    room.check_vote(question if vote else "", room.standing)
    known = [*room.choices_of(vote)] if vote else []
    if choice not in known:
        raise InvalidQuery([not_one_of("vote", choice, known)], {"code": room.known.code}, "classes/refused.html")
    room.store.vote(room.known.code, phone.place, question, choice, partial(room.check_vote, question))


def mine(room: Room, phone: Phone, wanted: int | None = None) -> Mine:
    """Return what a phone is asked now, and what it has said."""
    guesses = room.store.guesses_of(room.known.code, phone.place)
    asked = room.asked_numbers(room.standing)
    number = number_shown(room, asked, guesses, wanted)
    votes = {voted: choice for place, voted, choice in room.votes if place == phone.place}
    people = own_people(room, phone, guesses)
    told = [(each["guess"] / MOST_PER_CENT, each["truth"]) for each in people if each["guess"] is not None]
    answer: Mine = {
        "code": room.known.code,
        "nickname": nickname(phone.nickname),
        "step": room.step.id,
        "title": room.worded(room.step.title),
        "say": room.worded(room.step.phone),
        "is_revealed": room.standing.is_revealed,
        "person": room.person(number, phone.place) if number else None,
        "guess": guesses.get(number) if number else None,
        "progress": {"answered": len(guesses), "of": PEOPLE},
        "question": None if room.standing.is_revealed else question_of(room),
        "vote": votes.get(room.step.id),
        "people": people,
        "brier": brier(told)["score"] if told else None,
    }
    if room.step.kind == CHANGES:
        answer["try_it"] = url_for("probability", **cast(dict[str, Any], room.to_change(room.step)))
    return answer


def number_shown(room: Room, asked: list[int], guesses: dict[int, int], wanted: int | None) -> int | None:
    """Return the number of the person a phone sees: the one wanted, the next without a guess, or the last one."""
    if wanted in asked:
        return wanted
    if room.step.kind == ONE:
        return 1
    if room.step.kind != DECK or not asked:
        return None
    return next((number for number in asked if number not in guesses), asked[-1])


def question_of(room: Room) -> Question | None:
    """Return the vote that is taken now."""
    vote = room.vote_of(room.step)
    if vote is None:
        return None
    choices = [{"id": name, "title": title} for name, title in room.choices_of(vote).items()]
    return {"id": room.step.id, "text": room.worded(vote.question), "choices": choices}


def own_people(room: Room, phone: Phone, guesses: dict[int, int]) -> list[OwnPerson]:
    """Return a phone's people whose answer was revealed, each with the phone's own guess."""
    found: list[OwnPerson] = []
    for number in sorted(room.revealed_numbers(room.standing)):
        truth, answer = room.outcome(number, phone.place)
        person = room.person(number, phone.place)
        found.append({**person, "guess": guesses.get(number), "model": answer, "truth": truth})
    return found
