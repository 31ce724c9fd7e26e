"""What a board shows of the steps that take the model apart: the smallest change, a model without some fields."""

from typing import Any

from typing_extensions import TypedDict

from glassform.analysis.alternatives import ways_to
from glassform.analysis.changes import Changes
from glassform.classroom.room import Room
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record, Value
from glassform.versions.manifest import Paired


class Change(TypedDict):
    """One field that changes."""

    feature: str
    title: str
    before: str
    after: str


class ChangeShown(TypedDict):
    """A record and its probability; once revealed, the smallest change to it that leads to the target."""

    record: Record
    probability: float
    target: float
    changes: list[Change] | None
    changed_probability: float | None
    exact: bool | None


class Means(TypedDict):
    """The mean answers for one group: of the model with all fields, and of the one without some."""

    field: str
    title: str
    rows: int
    whole: Any
    sibling: Any


class WithoutShown(TypedDict):
    """A model without some fields beside the one with all: means by group, and scores."""

    left_out: list[str]
    groups: list[Means]
    measures: dict[str, dict[str, Any]]


def change_shown(room: Room, is_revealed: bool) -> ChangeShown:
    """Return the record that the class changes, and the smallest change once it is revealed."""
    step, card = room.step, room.card
    record = room.to_change(step)
    shown: ChangeShown = {
        "record": record,
        "probability": card.members(record)["probability"],
        "target": step.high,
        "changes": None,
        "changed_probability": None,
        "exact": None,
    }
    if is_revealed and isinstance(card, Scorecard):
        found = smallest_change(card, record, step.high)
        wanted = found.values.items() if found.reached else []
        shown["changes"] = [change(room, name, record[name], value) for name, value in wanted]
        shown["changed_probability"], shown["exact"] = found.probability, found.exact and found.reached
    return shown


# By version, record and target: a board asks every second, and a search may take a while.
SMALLEST: dict[tuple[str, tuple[Value, ...], float], Changes] = {}


def smallest_change(card: Scorecard, record: Record, target: float) -> Changes:
    """Return the smallest change of a record that leads to a target, searched once by each worker."""
    asked = card.version, tuple(record.values()), target
    if asked not in SMALLEST:
        SMALLEST[asked] = ways_to(card, record, target, card.schema.locked)[0]
    return SMALLEST[asked]


def change(room: Room, name: str, before: Value, after: Value) -> Change:
    """Return one change in words."""
    field = room.schema.by_name[name]
    return {
        "feature": name,
        "title": field.title,
        "before": field.title_of(before),
        "after": field.title_of(after),
    }


def without_shown(room: Room) -> WithoutShown:
    """Return the sibling of this step beside the model with all fields: the group fields that it does not know."""
    version = room.siblings[room.step.sibling]
    beside, named = version.beside, room.schema.by_name
    measured = beside.means if beside else {}
    groups: list[Means] = [
        {
            "field": named[name].title,
            "title": named[name].title_of(category),
            "rows": rows,
            "whole": whole,
            "sibling": sibling,
        }
        for name, means in measured.items()
        if name in named and named[name] in room.schema.groups
        for category, (rows, whole, sibling) in means.items()
    ]
    measures: dict[str, Paired] = beside.measures if beside else {}
    return {
        "left_out": room.left_out(room.step),
        "groups": groups,
        "measures": {name: each.told for name, each in measures.items()},
    }
