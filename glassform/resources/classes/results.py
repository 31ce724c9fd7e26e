"""What came of a class: the results, the paper card, the lesson on paper."""

from collections.abc import Iterator
from typing import Any

from typing_extensions import TypedDict

from glassform.analysis.paper import PaperAnswer, paper_answer
from glassform.classroom.results import Results, results_of
from glassform.fitted.titles import vague_values
from glassform.resources.classes.entering import InClass, room_of, stamp_of
from glassform.resources.layers import on_paper, sheet_with
from glassform.web.asked import schema


class ClassResults(InClass):
    """Brier scores, calibration and the people in common: as far as they are revealed, never of fewer than five."""

    formats = ("json", "html", "csv")

    def get(self, code: str) -> Results:
        """Return what the class has guessed, as far as it is revealed."""
        return results_of(room_of(code))

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return the titles of the choices of each vote."""
        room = room_of(answer["code"])
        votes = {step.id: room.vote_of(step) for step in room.steps}
        titles = {id: room.choices_of(vote) for id, vote in votes.items() if vote}
        return {"titles": titles, "stamp": stamp_of(answer), "vague": vague_values(room.schema)}

    def columns(self, answer: Any) -> list[str]:
        """Return the header: there may be no row yet."""
        return ["what", "name", "count", "score", "low", "high", "predicted", "actual"]

    def rows(self, answer: Any) -> Iterator[dict[str, Any]]:
        """Return a row per score, per person in common, per range of the calibration, and per choice of a vote."""
        for name, each in (answer["brier"] or {}).items():
            low, high = each["interval"] or (None, None)
            yield {
                "what": "brier",
                "name": name,
                "count": each["count"],
                "score": each["score"],
                "low": low,
                "high": high,
            }
        for each in answer["people"]:
            predicted = {"class": each["mean"], "model": each["model"]}
            for who, said in predicted.items():
                name = f"person {each['number']} {who}"
                yield {
                    "what": "person",
                    "name": name,
                    "count": each["guesses"],
                    "predicted": said,
                    "actual": each["truth"],
                }
        for who, bins in (answer["calibration"] or {}).items():
            for each in bins:
                yield {"what": "calibration", "name": who, **each}
        for question, tally in answer["votes"].items():
            for choice, count in (tally["choices"] or {}).items():
                yield {"what": "vote", "name": f"{question} {choice}", "count": count}


class PaperCard(InClass):
    """The paper card of a class's model, twice on a sheet."""

    def get(self, code: str) -> PaperAnswer:
        """Return the model as whole points, to be added up by hand."""
        room = room_of(code)
        card, paper = on_paper(room.card)
        return paper_answer(card, paper, room.schema, card.typical)

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what the sheets show beside the answer."""
        return sheet_with(answer, schema())


class Minute(TypedDict):
    """A step of a lesson: when it begins, in minutes, and what the teacher reads."""

    begin: int
    minutes: int
    id: str
    title: str
    say: str
    notes: list[str]


class LessonNotes(TypedDict):
    """A lesson, minute by minute."""

    code: str
    title: str
    description: str
    minutes: int
    steps: list[Minute]


class Notes(InClass):
    """The lesson of a class, minute by minute."""

    def get(self, code: str) -> LessonNotes:
        """Return the steps of the lesson, each with its notes."""
        room, begin, steps = room_of(code), 0, list[Minute]()
        for step in room.steps:
            title, say = room.worded(step.title, step), room.worded(step.say, step)
            notes = [room.worded(note, step) for note in step.notes]
            steps.append(
                {"begin": begin, "minutes": step.minutes, "id": step.id, "title": title, "say": say, "notes": notes}
            )
            begin += step.minutes
        lesson = room.lesson
        return {
            "code": room.known.code,
            "title": lesson.title,
            "description": lesson.description,
            "minutes": begin,
            "steps": steps,
        }
