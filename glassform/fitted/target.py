"""The three kinds of target, and how a model's sums become answers."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NotRequired, Protocol

from typing_extensions import TypedDict

from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema

Sums = Any  # a model's output for one record: one number, or one per class


class Predicted(TypedDict):
    """The first members of an answer: a probability, a number, or a class with the probabilities of all classes."""

    probability: NotRequired[float]
    prediction: NotRequired[float]
    label: NotRequired[str]
    probabilities: NotRequired[dict[str, float]]


class Target(Protocol):
    """How a kind of target turns sums into answers."""

    columns: list[str]  # of the answer in a table

    def members(self, sums: Sums) -> dict[str, Any]:
        """Return the first members of an answer."""

    def cells(self, sums: Sums) -> list[float | str]:
        """Return the cells of `columns`."""

    def score(self, sums: Sums) -> float | str:
        """Return one number or a class, to compare versions and to measure drift."""


class Binary:
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
    """The number, which is the sum itself."""

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


class Multiclass:
    """The most probable class, and the probability of every class, from one sum per class."""

    def __init__(self, schema: Schema) -> None:
        self.classes = schema.classes
        self.columns = ["label", *(f"probability_{name}" for name in self.classes)]

    def members(self, sums: Sequence[float]) -> dict[str, Any]:
        """Return the most probable class, its probability and the probabilities of all classes."""
        shares = softmax(sums)
        best = max(shares)
        probabilities = dict(zip(self.classes, shares, strict=True))
        return {
            "label": self.classes[shares.index(best)],
            "probability": best,
            "probabilities": probabilities,
        }

    def cells(self, sums: Sequence[float]) -> list[float | str]:
        """Return the most probable class and the probability of every class."""
        shares = softmax(sums)
        return [self.classes[shares.index(max(shares))], *shares]

    def score(self, sums: Sequence[float]) -> str:
        """Return the most probable class."""
        return self.classes[sums.index(max(sums))]


TARGETS: dict[str, type[Binary] | type[Number] | type[Multiclass]] = {
    BINARY: Binary,
    NUMBER: Number,
    CLASSES: Multiclass,
}


def sigmoid(log_odds: float) -> float:
    """Convert log-odds to a probability, without overflow at either end."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def sigmoids(several: Iterable[float]) -> list[float]:
    """Convert several log-odds to probabilities in one call, each as `sigmoid` does."""
    found = []
    for log_odds in several:
        if log_odds >= 0:
            found.append(1.0 / (1.0 + math.exp(-log_odds)))
        else:
            odds = math.exp(log_odds)
            found.append(odds / (1.0 + odds))
    return found


def softmax(sums: Sequence[float]) -> list[float]:
    """Convert one sum per class to probabilities: e to each sum, divided by their total."""
    highest = max(sums)
    powers = [math.exp(each - highest) for each in sums]
    total = math.fsum(powers)
    return [power / total for power in powers]
