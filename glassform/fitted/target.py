"""The three kinds of target, and how raw outputs become answers."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NotRequired, Protocol

from typing_extensions import TypedDict

from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema

Sums = Any  # what a model gives a record: one number, or one per class


class Said(TypedDict):
    """The first members of an answer: a probability, a number, or a class with all probabilities."""

    probability: NotRequired[float]
    prediction: NotRequired[float]
    label: NotRequired[str]
    probabilities: NotRequired[dict[str, float]]


class Target(Protocol):
    """How sums are shown."""

    columns: list[str]  # that an answer adds to a table

    def members(self, sums: Sums) -> dict[str, Any]:
        """Return what an answer says first, by name."""

    def cells(self, sums: Sums) -> list[float | str]:
        """Return the same as the cells of `columns`."""

    def score(self, sums: Sums) -> float | str:
        """Return what versions are compared by, and drift is seen in: one number, or a class."""


class YesOrNo:
    """The probability of the positive class, from log-odds."""

    def __init__(self, schema: Schema) -> None:
        self.columns = ["probability"]

    def members(self, sums: float) -> dict[str, Any]:
        """Return the probability."""
        return {"probability": sigmoid(sums)}

    def cells(self, sums: float) -> list[float | str]:
        """Return the probability."""
        return [sigmoid(sums)]

    def score(self, sums: float) -> float:
        """Return the probability."""
        return sigmoid(sums)


class Number:
    """A number, as the model gives it."""

    def __init__(self, schema: Schema) -> None:
        self.columns = ["prediction"]

    def members(self, sums: float) -> dict[str, Any]:
        """Return the number."""
        return {"prediction": sums}

    def cells(self, sums: float) -> list[float | str]:
        """Return the number."""
        return [sums]

    def score(self, sums: float) -> float:
        """Return the number."""
        return sums


class OneOfSeveral:
    """The most probable class, and the probability of every class, from one sum per class."""

    def __init__(self, schema: Schema) -> None:
        self.classes = schema.classes
        self.columns = ["label", *(f"probability_{name}" for name in self.classes)]

    def members(self, sums: Sequence[float]) -> dict[str, Any]:
        """Return the class, its probability and those of all classes."""
        shares = softmax(sums)
        best = max(shares)
        probabilities = dict(zip(self.classes, shares, strict=True))
        return {
            "label": self.classes[shares.index(best)],
            "probability": best,
            "probabilities": probabilities,
        }

    def cells(self, sums: Sequence[float]) -> list[float | str]:
        """Return the class, and the probability of every class."""
        shares = softmax(sums)
        return [self.classes[shares.index(max(shares))], *shares]

    def score(self, sums: Sequence[float]) -> str:
        """Return the class."""
        return self.classes[sums.index(max(sums))]


TARGETS: dict[str, type[YesOrNo] | type[Number] | type[OneOfSeveral]] = {
    BINARY: YesOrNo,
    NUMBER: Number,
    CLASSES: OneOfSeveral,
}


def sigmoid(log_odds: float) -> float:
    """Return the probability that belongs to log-odds, without overflow at either end."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def sigmoids(several: Iterable[float]) -> list[float]:
    """Return the probabilities that belong to several log-odds, as `sigmoid` gives them, in one call."""
    found = []
    for log_odds in several:
        if log_odds >= 0:
            found.append(1.0 / (1.0 + math.exp(-log_odds)))
        else:
            odds = math.exp(log_odds)
            found.append(odds / (1.0 + odds))
    return found


def softmax(sums: Sequence[float]) -> list[float]:
    """Return the probabilities that belong to sums, one per class: e to each, divided by their total."""
    highest = max(sums)
    powers = [math.exp(each - highest) for each in sums]
    total = math.fsum(powers)
    return [power / total for power in powers]
