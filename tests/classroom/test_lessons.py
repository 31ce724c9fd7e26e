"""The lessons that ship, and what a lesson may say."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from glassform.classroom.lessons import FOLDER, Lesson, Step, read_lessons, steps_for
from glassform.classroom.nicknames import MOST_NICKNAMES, nickname
from glassform.languages import LANGUAGES
from glassform.limits import LARGEST_CLASS

LESSONS = read_lessons()
WORDS = {"outcome", "low", "high", "left_out", "case", "cases", "a_case"}


def test_the_first_one_takes_a_lesson():
    assert next(iter(LESSONS.values())).minutes == 45


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_text_is_in_every_language(lesson):
    for language in {*LANGUAGES} - {"en"}:
        told = lesson.in_language(language)
        assert told.title != lesson.title and told.description != lesson.description
        for step, own in zip(told.steps, lesson.steps, strict=True):
            assert step.title != own.title and len(step.notes) == len(own.notes) and step.notes != own.notes
            assert (step.say == own.say) == (not own.say)
            if own.vote:
                assert step.vote.question != own.vote.question
                assert isinstance(own.vote.choices, str) or [*step.vote.choices] == [*own.vote.choices]


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_placeholder_is_known(lesson):
    assert {*re.findall(r"\{(\w+)\}", lesson.model_dump_json())} <= WORDS


def test_a_lesson_that_says_something_unknown_is_refused():
    text = json.loads((FOLDER / "short.json").read_text(encoding="utf-8"))
    several: list[dict[str, Any]] = [{"colour": "red"}, {"steps": []}, {"name": "Not a name"}]
    for wrong in several:
        with pytest.raises(ValidationError):
            Lesson.model_validate(text | wrong)
    with pytest.raises(ValidationError, match="kind"):
        Lesson.model_validate(text | {"steps": [{"id": "x", "kind": "dance", "minutes": 1, "title": "Dance"}]})


def test_a_table_without_siblings_or_points_has_fewer_steps():
    steps = LESSONS["guess-first"].steps
    kinds = lambda found: {step.kind for step in found}  # noqa: E731
    assert kinds(steps) - kinds(steps_for(steps, {}, True)) == {"without"}
    assert kinds(steps) - kinds(steps_for(steps, {0, 1}, False)) == {"changes", "case"}
    assert steps_for(steps, {0, 1}, True) == steps
    assert Step(id="a", kind="without", minutes=1, title="A", sibling=1) not in steps_for(steps, {0}, True)


def test_there_are_nicknames_for_the_largest_class(app):
    assert MOST_NICKNAMES >= LARGEST_CLASS
    with app.test_request_context():
        assert len({nickname(number) for number in range(MOST_NICKNAMES)}) == MOST_NICKNAMES
