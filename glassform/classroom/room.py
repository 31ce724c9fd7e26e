"""A class with its model, its lesson and its people: what is asked now, what is shown, what stays hidden."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from typing_extensions import TypedDict

from glassform.classroom.course import Standing, place_of
from glassform.classroom.decks import COMMON, OWN, Decks, decks_of
from glassform.classroom.lessons import DECK, ONE, Lesson, Step, Vote, steps_for
from glassform.classroom.people import People, read_people
from glassform.classroom.refused import NotAsked
from glassform.classroom.scores import FEWEST, Told
from glassform.classroom.store import Class, Store
from glassform.fitted.base import Fitted
from glassform.fitted.scorecard import Scorecard
from glassform.fitted.titles import in_sentence
from glassform.languages import gettext
from glassform.records.field import Record
from glassform.records.names import identifier
from glassform.records.schema import Schema
from glassform.versions.manifest import Version

PEOPLE = COMMON + OWN  # whom each phone guesses
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Person(TypedDict):
    """Somebody to guess: the number on the phone, and the record."""

    number: int
    record: Record


class Tally(TypedDict):
    """How often each answer to a question was chosen; None, as long as fewer than five have voted."""

    question: str
    votes: int
    choices: dict[str, int] | None


@dataclass(frozen=True)
class Room:
    """A class as one request finds it.

    Parameters
    ----------
    known
        What is kept of it.
    card, schema
        Its model, and its table in the language of the answer.
    lesson
        Its lesson in that language.
    siblings
        The versions without some fields that are there, by their place in the table's description.
    """

    store: Store
    known: Class
    card: Fitted
    schema: Schema
    lesson: Lesson
    siblings: Mapping[int, Version]

    # Where it stands.

    @property
    def standing(self) -> Standing:
        """Where it stood as the request came."""
        return self.known.standing

    @cached_property
    def steps(self) -> list[Step]:
        """The steps of its lesson that its table has what it takes for."""
        return steps_for(self.lesson.steps, self.siblings, isinstance(self.card, Scorecard))

    @property
    def place(self) -> int:
        """Which step it is at, from 0 on."""
        return place_of(self.standing, self.steps)

    @property
    def step(self) -> Step:
        """The step it is at."""
        return self.steps[self.place]

    @property
    def is_open(self) -> bool:
        """Whether something waits to be revealed."""
        return self.step.asks and not self.standing.is_revealed

    def revealed_numbers(self, standing: Standing) -> set[int]:
        """Return the numbers of the people whose answer everybody knows."""
        known = [step.kind for step in self.lesson.steps if step.id in standing.revealed]
        return set(range(1, PEOPLE + 1)) if DECK in known else {1} if ONE in known else set()

    def asked_numbers(self, standing: Standing) -> list[int]:
        """Return the numbers of the people who can be guessed now."""
        kind = self.steps[place_of(standing, self.steps)].kind
        asked = {ONE: [1], DECK: [*range(1, PEOPLE + 1)]}.get(kind, [])
        return [number for number in asked if number not in self.revealed_numbers(standing)]

    # Whom it guesses.

    @cached_property
    def people(self) -> People:
        """The test rows."""
        return read_people(self.card)

    @cached_property
    def decks(self) -> Decks:
        """Who guesses whom."""
        return decks_of(self.people, self.known.size, self.known.seed)

    def person(self, number: int, place: int = 0) -> Person:
        """Return one of a phone's people."""
        return {"number": number, "record": self.people.records[self.decks.of(place)[number - 1]]}

    def outcome(self, number: int, place: int = 0) -> tuple[int, float]:
        """Return how one of a phone's people turned out, and what the model answers."""
        row = self.decks.of(place)[number - 1]
        return self.people.truths[row], self.people.answers[row]

    # What it is asked.

    def vote_of(self, step: Step) -> Vote | None:
        """Return the vote that a step takes: its own, or that of an earlier one once more."""
        earlier = next((each.vote for each in self.steps if each.id == step.again), None)
        return earlier or step.vote

    def choices_of(self, vote: Vote) -> dict[str, str]:
        """Return the choices of a vote, by id."""
        if isinstance(vote.choices, dict):
            return {name: self.worded(text) for name, text in vote.choices.items()}
        return {field.name: field.title for field in self.schema.fields}

    def worded(self, text: str, step: Step | None = None) -> str:
        """Fill in the words of the table and of a step."""
        step = step or self.step
        left_out = self.left_out(step)
        words = {
            **self.schema.words,
            "outcome": self.schema.own.get("outcome", ""),
            "low": f"{step.low:.0%}",
            "high": f"{step.high:.0%}",
            "left_out": in_words([*map(in_sentence, left_out)]),
        }
        return PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text)

    def left_out(self, step: Step) -> list[str]:
        """Return the titles of the fields that a step's sibling does without."""
        version = self.siblings.get(step.sibling)
        titles = {field.name: field.title for field in self.schema.fields}
        return [titles.get(name, name) for name in version.without] if version else []

    def check_guess(self, person: int, standing: Standing) -> None:
        """Refuse a guess of somebody whom nobody guesses now.

        Raises
        ------
        NotAsked
            If the class stands elsewhere, or the answer is known.
        """
        if person in self.revealed_numbers(standing):
            raise NotAsked(gettext("The answer for person %(number)s was revealed.", number=person), self.known.code)
        if person not in self.asked_numbers(standing):
            raise NotAsked(gettext("Nobody guesses person %(number)s now.", number=person), self.known.code)

    def check_vote(self, question: str, standing: Standing) -> None:
        """Refuse a vote that is not taken now.

        Raises
        ------
        NotAsked
            If the class stands elsewhere, or the votes were revealed.
        """
        if standing.step != question or question in standing.revealed:
            raise NotAsked(gettext("This vote is not taken now."), self.known.code)

    # What came of it.

    @cached_property
    def guesses(self) -> list[tuple[int, int, int]]:
        """All guesses."""
        return self.store.guesses(self.known.code)

    @cached_property
    def votes(self) -> list[tuple[int, str, str]]:
        """All votes."""
        return self.store.votes(self.known.code)

    def finished(self) -> int:
        """Count the phones that have answered all that this step asks."""
        asked = self.asked_numbers(self.standing)
        if self.step.kind in (ONE, DECK):
            wanted = len(asked) or PEOPLE
            given = Counter(place for place, number, _ in self.guesses if not asked or number in asked)
            return sum(count >= (wanted if asked else 1) for count in given.values())
        return sum(question == self.step.id for _, question, _ in self.votes)

    def tally(self, step: Step) -> Tally | None:
        """Count the votes of a step."""
        vote = self.vote_of(step)
        if vote is None:
            return None
        given = Counter(choice for _, voted, choice in self.votes if voted == step.id)
        shown = {name: given[name] for name in self.choices_of(vote)} if given.total() >= FEWEST else None
        return {"question": self.worded(vote.question, step), "votes": given.total(), "choices": shown}

    def told_of(self, number: int) -> list[float]:
        """Return the guesses for somebody in common, as probabilities."""
        return [guess / 100 for _, asked, guess in self.guesses if asked == number]

    def own_told(self) -> tuple[list[Told], list[Told]]:
        """Return what the phones, and the model, said of their own people, and how it turned out."""
        class_, model = list[Told](), list[Told]()
        for place, number, guess in self.guesses:
            if number > COMMON:
                truth, answer = self.outcome(number, place)
                class_.append((guess / 100, truth))
                model.append((answer, truth))
        return class_, model

    def worst(self) -> int:
        """Return the number of the person in common of whom the class was most wrong."""

        def error(number: int) -> float:
            truth, answer = self.outcome(number)
            told = self.told_of(number)
            return abs((sum(told) / len(told) if len(told) >= FEWEST else answer) - truth)

        return max(range(1, COMMON + 1), key=error)

    def to_change(self, step: Step) -> Record:
        """Return the record that a step asks to change: one of about the probability it names."""
        people = self.people
        place = min(range(len(people.answers)), key=lambda each: abs(people.answers[each] - step.low))
        return people.records[place]


def in_words(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    *first, last = names or [""]
    return gettext(" and ").join([gettext(", ").join(first), last] if first else [last])


def siblings_of(schema: Schema, siblings: Sequence[Version]) -> dict[int, Version]:
    """Return the siblings that a table's description names and that are there, by their place in it."""
    by_fields = {frozenset(each.without): each for each in siblings if each.beside}
    wanted = [frozenset(map(identifier, columns)) for columns in schema.own.get("siblings", [])]
    return {place: by_fields[fields] for place, fields in enumerate(wanted) if fields in by_fields}
