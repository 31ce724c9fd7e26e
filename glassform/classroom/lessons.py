"""Lessons: what a class does, step by step, read from `data/lessons/`."""

import json
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from glassform.settings import PACKAGE

FOLDER = PACKAGE.parent / "lessons"
JOIN, ONE, DECK, SCORES, CASE, CHANGES, WITHOUT, VOTE = (
    *("join", "one", "deck", "scores", "case"),
    *("changes", "without", "vote"),
)
ASKING = (ONE, DECK)  # the kinds of steps that ask for guesses
Kind = Literal["join", "one", "deck", "scores", "case", "changes", "without", "vote"]
Id = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,31}$")]


class Vote(BaseModel, extra="forbid"):
    """A question with a few answers to choose from: in words or, as `fields`, the fields of the table."""

    question: str
    choices: dict[Id, str] | Literal["fields"]


class Step(BaseModel, extra="forbid"):
    """One step of a lesson.

    Attributes
    ----------
    say
        What the board says; `phone`, what the phones say.
    notes
        What the teacher reads beforehand.
    vote
        What the phones vote on. `again` names an earlier step whose vote is taken once more.
    low, high
        Of the kind `changes`: about which probability the person has at first, and which one is to be reached.
    sibling
        Of the kind `without`: which of the table's siblings is shown, from 0 on.
    """

    id: Id
    kind: Kind
    minutes: Annotated[int, Field(ge=0, le=240)]
    title: str
    say: str = ""
    phone: str = ""
    notes: list[str] = []
    vote: Vote | None = None
    again: Id | None = None
    low: Annotated[float, Field(gt=0, lt=1)] = 0.15
    high: Annotated[float, Field(gt=0, lt=1)] = 0.5
    sibling: Annotated[int, Field(ge=0)] = 0

    @property
    def asks(self) -> bool:
        """Whether there is something to reveal."""
        return self.kind in (ONE, DECK, CHANGES, WITHOUT, VOTE)


class Lesson(BaseModel, extra="forbid"):
    """A lesson: a title, what it is about, its steps, and the same texts in other languages."""

    name: Id
    title: str
    description: str
    steps: Annotated[list[Step], Field(min_length=1)]
    translations: dict[str, dict[str, Any]] = {}

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return sum(step.minutes for step in self.steps)

    def in_language(self, language: str) -> "Lesson":
        """Return it in a language, as far as it is translated."""
        texts = self.translations.get(language, {})
        steps = [
            step.model_copy(update=translated(step, texts.get("steps", {}).get(step.id, {}))) for step in self.steps
        ]
        told: dict[str, Any] = {name: texts[name] for name in ("title", "description") if name in texts}
        return self.model_copy(update=told | {"steps": steps})


def translated(step: Step, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step's texts in another language; the ids of the choices stay."""
    found = {name: texts[name] for name in ("title", "say", "phone", "notes") if name in texts}
    if step.vote and "vote" in texts:
        choices = texts["vote"].get("choices", step.vote.choices)
        found["vote"] = Vote(question=texts["vote"]["question"], choices=choices)
    return found


@lru_cache
def read_lessons(folder: Path = FOLDER) -> dict[str, Lesson]:
    """Return the lessons in a folder by name, the longest first.

    Raises
    ------
    ValidationError
        If a file is no lesson, naming what is wrong.
    """
    files = sorted(file for file in folder.glob("*.json") if file.name != PACKAGE.name)
    found = [Lesson.model_validate(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return {lesson.name: lesson for lesson in sorted(found, key=lambda lesson: -lesson.minutes)}


def steps_for(steps: Sequence[Step], siblings: Container[int], is_table_of_points: bool) -> list[Step]:
    """Return the steps that a table has what it takes for: siblings to compare, a table of points to search."""
    return [
        step
        for step in steps
        if (step.kind != WITHOUT or step.sibling in siblings)
        and (step.kind != CHANGES or is_table_of_points)
        and (step.kind != CASE or is_table_of_points)
    ]
