"""How many of the people a model learned from were like a given one, and how they turned out."""

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import or_
from typing import Any, TypedDict

from schema import Field, Record, Schema, Value

BINS = 256  # the places of a field with more values than that
THIN = 10  # people like this one, under which an answer leans on people unlike it


class Support(TypedDict):
    """The people like a record: how many, and the share of them with the positive outcome (None of nobody)."""

    count: int
    share: float | None


class Windows(dict[Value, int]):
    """For one field, by value, the people near it: a whole number with a bit for each person.

    A category is near itself, a number near those at most the field's window away.

    Parameters
    ----------
    people
        Those at each place of the field.
    """

    def __init__(self, field: Field, people: Iterable[int]) -> None:
        self.field = field
        self.before: list[int] = [0, *accumulate(people, or_)]  # those at any earlier place
        super().__init__((value, self.near(value)) for value in field.values[:BINS])

    def __missing__(self, value: Value) -> int:
        """Return the people near a value that is not remembered, for there are too many."""
        return self.near(value)

    def near(self, value: Value) -> int:
        """Return the people near a value."""
        low = high = value
        if not self.field.categories:
            minimum, maximum = self.field.bounds
            low, high = max(minimum, float(value) - self.field.window), min(maximum, float(value) + self.field.window)
        return self.before[place_of(self.field, high) + 1] ^ self.before[place_of(self.field, low)]


@dataclass(frozen=True)
class Crowd:
    """The people a model learned from: all of them, those with the positive outcome, those near each value."""

    everyone: int
    positive: int
    near: dict[str, Windows]

    def support(self, record: Record) -> Support:
        """Count the people with the same categories and with numbers within each field's window."""
        alike = self.everyone
        for name, value in record.items():
            alike &= self.near[name][value]
            if not alike:
                return {"count": 0, "share": None}
        count = alike.bit_count()
        return {"count": count, "share": (alike & self.positive).bit_count() / count}


def places(field: Field) -> int:
    """Return how many places a field's values are told apart by: one each, or 256 if there are more."""
    return len(field.values) if 0 < len(field.values) <= BINS else BINS


def place_of(field: Field, value: Value) -> int:
    """Return the place of a value, from 0 on."""
    return round(field.place(value) * (places(field) - 1))


def pack(schema: Schema, columns: dict[str, list[Any]], positive: list[int]) -> dict[str, Any]:
    """Return people as text for an artifact: a bit each for the outcome and for every place of every field."""
    found = [[place_of(field, value) for value in columns[field.name]] for field in schema.fields]
    # sorted, for it packs better, and the order of the table is nobody's business
    outcomes, *columns_found = zip(*sorted(zip(positive, *found, strict=True)), strict=True)
    fields = {
        field.name: packed(column, range(places(field)))
        for field, column in zip(schema.fields, columns_found, strict=True)
    }
    return {"count": len(positive), "positive": packed(outcomes, [1]), "fields": fields}


def packed(column: Sequence[int], wanted: Iterable[int]) -> str:
    """Return, for each number wanted, who in the column has it: a bit each, zlib-compressed, in base 85."""
    size = -(-len(column) // 8)
    numbers = bytes(column)
    # translating to "1" for the number wanted and "0" for any other writes the bits as a binary number
    masks = (int(numbers.translate(b"0" * each + b"1" + b"0" * (BINS - 1 - each)), 2) for each in wanted)
    return base64.b85encode(zlib.compress(b"".join(mask.to_bytes(size) for mask in masks), 9)).decode()


def unpacked(text: str, count: int) -> list[int]:
    """Return what `packed` wrote, a number for each that was wanted."""
    size, bits = -(-count // 8), zlib.decompress(base64.b85decode(text))
    return [int.from_bytes(bits[begin : begin + size]) for begin in range(0, len(bits), size)]


def unpack(schema: Schema, people: dict[str, Any]) -> Crowd:
    """Return the people that `pack` wrote."""
    count = people["count"]
    (positive,) = unpacked(people["positive"], count)
    near = {field.name: Windows(field, unpacked(people["fields"][field.name], count)) for field in schema.fields}
    return Crowd((1 << count) - 1, positive, near)
