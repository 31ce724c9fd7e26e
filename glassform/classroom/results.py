"""What came of the guesses of a class: nothing before it is revealed, and no figure for fewer than five people."""

from collections import Counter
from collections.abc import Sequence

from typing_extensions import TypedDict

from glassform.classroom.decks import COMMON
from glassform.classroom.room import PEOPLE, Room, Tally
from glassform.classroom.scores import FEWEST, Bin, Score, brier, calibration
from glassform.records.field import Record

BARS = 10  # of the histogram of guesses


class PersonResult(TypedDict):
    """Somebody whom all have guessed: how many did, their mean (None for fewer than five), the model, the truth."""

    number: int
    record: Record
    guesses: int
    mean: float | None
    histogram: list[int] | None
    model: float
    truth: int


class Results(TypedDict):
    """What a class has guessed: nothing before it is revealed, and no figure for fewer than five people.

    `brier` has the scores of the class, the model and the average (`always`) on everybody's own people, and on the
    five in common that of the class's mean guess (`crowd`) beside `class_common` and `model_common`.
    """

    code: str
    joined: int
    is_revealed: bool
    people: list[PersonResult]
    brier: dict[str, Score] | None
    always: float
    calibration: dict[str, list[Bin]] | None
    votes: dict[str, Tally]


def results_of(room: Room) -> Results:
    """Return what a class has guessed, as far as it is revealed."""
    revealed = room.revealed_numbers(room.standing)
    is_whole = len(revealed) == PEOPLE
    people = [person_result(room, number) for number in sorted(revealed) if number <= COMMON]
    training = room.card.training
    always = training["positives"] / training["rows"]
    scored = scores_of(room, always) if is_whole else None
    shown = [step for step in room.steps if step.id in room.standing.revealed]
    voted = {step.id for step in shown} | {step.again for step in shown}
    tallies = {step.id: room.tally(step) for step in room.steps if step.id in voted}
    return {
        "code": room.known.code,
        "joined": len(room.store.nicknames(room.known.code)),
        "is_revealed": is_whole,
        "people": people,
        "brier": scored and scored[0],
        "always": always,
        "calibration": scored and scored[1],
        "votes": {name: each for name, each in tallies.items() if each},
    }


def person_result(room: Room, number: int) -> PersonResult:
    """Return what came of somebody whom all have guessed."""
    told, (truth, answer) = room.told_of(number), room.outcome(number)
    enough = len(told) >= FEWEST
    return {
        **room.person(number),
        "guesses": len(told),
        "mean": sum(told) / len(told) if enough else None,
        "histogram": histogram(told) if enough else None,
        "model": answer,
        "truth": truth,
    }


def scores_of(room: Room, always: float) -> tuple[dict[str, Score], dict[str, list[Bin]]] | None:
    """Return the Brier scores and the calibration of a class; None, if fewer than five phones have guessed."""
    own, model = room.own_told()
    phones = [place for place, number, _ in room.guesses if number > COMMON]
    if len({*phones}) < FEWEST:
        return None
    common = [(number, told) for number in range(1, COMMON + 1) if len(told := room.told_of(number)) >= FEWEST]
    crowd = [(sum(told) / len(told), room.outcome(number)[0]) for number, told in common]
    single = [(guess, room.outcome(number)[0]) for number, told in common for guess in told]
    theirs = [(room.outcome(number)[1], room.outcome(number)[0]) for number, _ in common]
    scores = {"class": brier(own), "model": brier(model), "always": brier([(always, truth) for _, truth in own])}
    if common:
        scores |= {"crowd": brier(crowd), "class_common": brier(single), "model_common": brier(theirs)}
    return scores, {"class": calibration(own, phones), "model": calibration(model)}


def histogram(told: Sequence[float]) -> list[int]:
    """Count guesses in ten ranges, each a tenth wide."""
    counts = Counter(min(int(each * BARS + 1e-9), BARS - 1) for each in told)
    return [counts[bar] for bar in range(BARS)]
