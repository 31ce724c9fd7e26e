"""The ways to a wanted probability as plain data."""

from collections.abc import Iterable

from typing_extensions import TypedDict

from glassform.analysis import changes
from glassform.analysis.alternatives import ways_to
from glassform.analysis.frequencies import Frequencies
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record, Value

FREQUENCY, OVERSHOOT = "frequency", "overshoot"


class Way(TypedDict):
    """Some changes, how far they go, and what they lead to.

    `exact` is false where the search stopped at its limit of combinations: there may be smaller changes.
    """

    reached: bool
    exact: bool
    changes: list[dict[str, Value]]
    changed_record: Record
    changed_probability: float
    distance: float


class ChangesAnswer(Way):
    """The smallest changes found, and what they lead to; `reached` tells whether that is the target.

    `alternatives` are up to three ways to it, the smallest first: no way changes all the fields of another, or else
    one field does it alone, with other values. `tie_break` says which values win at equal distance: those that most
    training rows have (frequency) or, from the file of an older model, the smallest overshoot.
    """

    target: float
    locked: list[str]
    record: Record
    probability: float
    alternatives: list[Way]
    tie_break: str
    model: dict[str, str]


def changes_answer(card: Scorecard, record: Record, target: float, locked: Iterable[str]) -> ChangesAnswer:
    """Return the smallest changes of a record that lead to a target and leave some fields as they are."""
    kept = [*locked]
    ways = [way_of(record, found) for found in ways_to(card, record, target, kept)]
    return {
        "target": target,
        "locked": kept,
        "record": record,
        "probability": card.probability(record),
        **ways[0],
        "alternatives": ways,
        "tie_break": FREQUENCY if Frequencies.of(card).are_known else OVERSHOOT,
        "model": card.model,
    }


def way_of(record: Record, found: changes.Changes) -> Way:
    """Return changes as plain data."""
    return {
        "reached": found.reached,
        "exact": found.exact,
        "changes": [
            {"feature": name, "from": record[name], "to": found.values[name]}
            for name in record
            if name in found.values
        ],
        "changed_record": found.record,
        "changed_probability": found.probability,
        "distance": found.distance,
    }
