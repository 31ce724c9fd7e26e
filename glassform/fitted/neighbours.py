"""How many of the people a model learned from were like a given one, and how they turned out."""

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import or_
from typing import Any

from typing_extensions import TypedDict

from glassform.records.field import NOT_KNOWN, Field, Record, Value
from glassform.records.schema import Schema

BINS = 256  # the places of a number with more values than that
THIN = 10  # people like this one, under which an answer leans on people unlike it


NOBODY = 0, 0, 0  # first byte, last byte, bits


class Support(TypedDict):
    """The people like a record: how many, and the share of them with the positive outcome (None of nobody)."""

    count: int
    share: float | None


class Windows(dict[Value, bytes]):
    """For one number, by value, the people within the field's window of it.

    Parameters
    ----------
    people
        Those at each place of the field, a bit each.
    size
        Of the bits of all people, in bytes.
    """

    def __init__(self, field: Field, people: list[int], size: int) -> None:
        self.field, self.size = field, size
        self.before: list[int] = [*accumulate(people, or_, initial=0)]  # those at earlier places
        super().__init__((value, self[value]) for value in field.values[:BINS])

    def __missing__(self, value: Value) -> bytes:
        """Find the people near a value that is not remembered; near a gap are those with one."""
        if value == NOT_KNOWN:
            everybody = (1 << 8 * self.size) - 1
            return (everybody ^ self.before[-1]).to_bytes(self.size, "little")
        minimum, maximum = self.field.bounds
        low, high = max(minimum, float(value) - self.field.window), min(maximum, float(value) + self.field.window)
        if low > high:  # further outside of what was seen than the window reaches
            return bytes(self.size)
        people = self.before[place_of(self.field, high) + 1] ^ self.before[place_of(self.field, low)]
        return people.to_bytes(self.size, "little")


@dataclass(frozen=True)
class Crowd:
    """The people a model learned from, a bit each, those with the same categories side by side.

    `groups` holds for each combination of categories that occurs its bytes, first and last, and its bits in them.
    Where a bit stands for several people, `weights` holds how many: the lowest binary digit of each, the next, ...
    """

    categorical: list[str]
    groups: dict[tuple[Value, ...], tuple[int, int, int]]
    windows: dict[str, Windows]
    positive: bytes
    weights: tuple[bytes, ...] = ()

    def support(self, record: Record) -> Support:
        """Count the people with the same categories and with numbers within each field's window."""
        begin, end, alike = self.groups.get(tuple([record[name] for name in self.categorical]), NOBODY)
        for name, windows in self.windows.items():
            alike &= int.from_bytes(windows[record[name]][begin:end], "little")
        if not alike:
            return {"count": 0, "share": None}
        positive = alike & int.from_bytes(self.positive[begin:end], "little")
        if self.weights:
            digits = [int.from_bytes(each[begin:end], "little") for each in self.weights]
            total, yes = (
                sum((people & digit).bit_count() << place for place, digit in enumerate(digits))
                for people in (alike, positive)
            )
            return {"count": total, "share": yes / total}
        count = alike.bit_count()
        return {"count": count, "share": positive.bit_count() / count}


def places(field: Field) -> int:
    """Return how many places a field's values are told apart by: one each, or 256 if there are more."""
    most = BINS - field.has_gaps  # one place is that of a gap
    return len(field.values) if 0 < len(field.values) <= most else most


def place_of(field: Field, value: Value) -> int:
    """Return the place of a value, from 0 on; that of a gap comes after all others."""
    if value == NOT_KNOWN:
        return places(field)
    return round(field.place(value) * (places(field) - 1))


def split(schema: Schema) -> tuple[list[Field], list[Field]]:
    """Return the fields with categories, and the numbers."""
    return [field for field in schema.fields if field.categories], [
        field for field in schema.fields if not field.categories
    ]


def pack(
    schema: Schema, columns: dict[str, list[Any]], positive: list[int], weights: Sequence[int] = ()
) -> dict[str, Any]:
    """Return people as text for an artifact: how many have which categories, and a bit each for all else.

    With `weights`, a row stands for that many people, and still takes one bit, and one per binary digit of a weight.
    """
    categorical, numbers = split(schema)
    keys = zip(*(columns[field.name] for field in categorical), strict=True) if categorical else [()] * len(positive)
    found = [[place_of(field, value) for value in columns[field.name]] for field in numbers]
    # sorted by categories, to find a group in one piece, then by all else, which tells nothing of the table's order
    several = weights if max(weights, default=1) > 1 else [1] * len(positive)
    rows = sorted(zip(keys, positive, *found, several, strict=True))
    _, outcomes, *found_sorted, counts = zip(*rows, strict=True)
    most = max(counts).bit_length() if several is weights else 0
    return {
        "count": len(rows),
        "groups": [[*key, len([*people])] for key, people in groupby(row[0] for row in rows)],
        "positive": packed(outcomes, [1]),
        "numbers": {
            field.name: packed(column, range(places(field)))
            for field, column in zip(numbers, found_sorted, strict=True)
        },
        "weights": [packed([count >> place & 1 for count in counts], [1]) for place in range(most)],
    }


def packed(column: Sequence[int], wanted: Iterable[int]) -> str:
    """Return, for each number wanted, who in the column has it: a bit each, zlib-compressed, in base 85."""
    size = -(-len(column) // 8)
    numbers = bytes(column)[::-1]  # a binary number is written from its highest bit, the last person, on
    # translating to "1" for the number wanted and "0" for any other writes the bits as a binary number
    masks = (int(numbers.translate(b"0" * each + b"1" + b"0" * (BINS - 1 - each)), 2) for each in wanted)
    return base64.b85encode(zlib.compress(b"".join(mask.to_bytes(size, "little") for mask in masks), 9)).decode()


def unpacked(text: str, size: int) -> list[int]:
    """Return what `packed` wrote in numbers of `size` bytes."""
    bits = zlib.decompress(base64.b85decode(text))
    return [int.from_bytes(bits[begin : begin + size], "little") for begin in range(0, len(bits), size)]


def unpack(schema: Schema, people: dict[str, Any]) -> Crowd:
    """Return the people that `pack` wrote."""
    categorical, numbers = split(schema)
    size = -(-people["count"] // 8)
    groups, first = {}, 0
    for *key, count in people["groups"]:
        groups[tuple(key)] = first // 8, (first + count + 7) // 8, ((1 << count) - 1) << first % 8
        first += count
    windows = {field.name: Windows(field, unpacked(people["numbers"][field.name], size), size) for field in numbers}
    (positive,) = unpacked(people["positive"], size)
    weights = (unpacked(text, size)[0].to_bytes(size, "little") for text in people["weights"])
    names = [field.name for field in categorical]
    return Crowd(names, groups, windows, positive.to_bytes(size, "little"), tuple(weights))
