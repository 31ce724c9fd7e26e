"""How common a value is among the training rows, as far as a model's file tells."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from glassform.fitted.base import Fitted
from glassform.records.field import NOT_KNOWN, Value

HALF = 0.5  # added to every count, so that a value that no row has is rare and no more


@dataclass(frozen=True)
class Frequencies:
    """The training rows by field: counts of categories, and of numbers in bins; empty where the file has none."""

    fields: dict[str, Any]

    @classmethod
    def of(cls, card: Fitted) -> "Frequencies":
        """Return those of a model; older files hold none, or not of every field, and then there are none."""
        fields = card.training.get("distribution", {}).get("fields", {})
        return cls(fields if fields.keys() >= card.schema.by_name.keys() else {})

    @property
    def are_known(self) -> bool:
        """Whether there are any."""
        return bool(self.fields)

    def rarity(self, name: str, value: Value) -> float:
        """Return the negative logarithm of a value's share of the rows; of a number, of its bin's; 0 if not known."""
        if not self.fields:
            return 0.0
        count, total = counted(self.fields[name], value)
        return -math.log((count + HALF) / (total + 1.0))


def counted(learned: dict[str, Any], value: Value) -> tuple[float, float]:
    """Return how many rows have a value, or one in its bin, and how many there are."""
    gaps = learned.get("gaps", 0.0)
    if "bounds" not in learned:
        return dict(learned["counts"]).get(value, 0.0), sum(count for _, count in learned["counts"])
    if isinstance(value, str):
        return (gaps if value == NOT_KNOWN else 0.0), gaps + sum(learned["counts"])
    if even := learned.get("evenly"):
        low, high, counts = even["low"], even["high"], even["counts"]
        place = int((value - low) / (high - low or 1) * len(counts))
        inside = low <= value <= high
        return (counts[min(place, len(counts) - 1)] if inside else 0.0), gaps + sum(counts)
    return learned["counts"][max(0, bisect_right(learned["bounds"], value) - 1)], gaps + sum(learned["counts"])
