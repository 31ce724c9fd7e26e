"""The covariance of a scorecard in a fraction of its size, for a page that computes intervals itself.

The points of a feature depend on each other: they average 0, a curve is straight between its places, and the rows and
columns of a pair average 0. So of each feature and pair some rows are kept, and the others are sums of those.
"""

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterable, Sequence
from operator import mul
from weakref import WeakKeyDictionary

from typing_extensions import TypedDict

from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Value
from glassform.records.schema import Schema

NOTHING = 1e-13  # of the largest variance of a block: what is left of a row that is the sum of others
MOST = 2**31 - 1


class Packed(TypedDict):
    """A covariance matrix, in base64 as far as it is numbers of a fixed size, the least byte first.

    A block is the intercept, a feature's `places` or a pair's cells. `kept` are rows, block after block.
    `deviations` are the square roots of all variances, eight bytes each. `correlations` are those between kept rows,
    the triangle below the diagonal, as shares of 2^31 - 1, four bytes each. Each other row in turn has a weight for
    each kept one of its block, in `scale` / (2^31 - 1), four bytes each: in units of deviations it is their sum.
    """

    places: dict[str, list[Value]]
    kept: list[int]
    deviations: str
    correlations: str
    weights: str
    scale: float


# One per model: it takes some tenths of a second.
PACKED: WeakKeyDictionary[Schema, Packed] = WeakKeyDictionary()


def packed(card: Scorecard) -> Packed:
    """Return the covariance of a scorecard that has one."""
    if card.schema not in PACKED:
        PACKED[card.schema] = pack(card)
    return PACKED[card.schema]


def pack(card: Scorecard) -> Packed:
    """Return the covariance of a scorecard, without the rows that are sums of others."""
    rows = card.rows
    deviations = [math.sqrt(max(row[-1], 0.0)) for row in rows]
    kept: list[int] = []
    weights: list[float] = []
    for block in blocks(card):
        chosen, sums = split(rows, block)
        kept += chosen
        for row, shares in sums:
            own = deviations[row]
            pairs = zip(shares, chosen, strict=True)
            weights += (share * deviations[at] / own if own else 0.0 for share, at in pairs)
    scale = max(map(abs, weights), default=0.0) or 1.0
    correlations = (
        rows[max(i, j)][min(i, j)] / (deviations[i] * deviations[j]) for at, i in enumerate(kept) for j in kept[:at]
    )
    return {
        "places": {name: [*values] for name, values in card.places.items()},
        "kept": kept,
        "deviations": encoded(array("d", deviations)),
        "correlations": encoded(in_steps(correlations, 1.0)),
        "weights": encoded(in_steps(weights, scale)),
        "scale": scale,
    }


def blocks(card: Scorecard) -> list[range]:
    """Return the rows of the intercept, of each feature and of each pair."""
    found, start = [], 0
    for size in (1, *map(len, card.places.values()), *(pair.size for pair in card.pairs.values())):
        found.append(range(start, start + size))
        start += size
    return found


def split(rows: Sequence[Sequence[float]], block: range) -> tuple[list[int], list[tuple[int, list[float]]]]:
    """Return the rows of a block to keep, and each other one with its shares of these.

    By Cholesky's method with pivots (Higham, Accuracy and Stability of Numerical Algorithms, 10.3).
    """
    factors: dict[int, list[float]] = {row: [] for row in block}
    left = {row: rows[row][row] for row in block}
    least, kept = NOTHING * max(left.values()), list[int]()
    while left and max(left.values()) > least:
        pivot = max(left, key=left.__getitem__)
        root, own = math.sqrt(left.pop(pivot)), factors[pivot]
        for row in left:
            along = (rows[max(row, pivot)][min(row, pivot)] - sum(map(mul, factors[row], own))) / root
            factors[row].append(along)
            left[row] -= along * along
        own.append(root)
        kept.append(pivot)
    triangle = [factors[row] for row in kept]
    return kept, [(row, solved(factors[row], triangle)) for row in block if row in left]


def solved(factor: Sequence[float], triangle: Sequence[Sequence[float]]) -> list[float]:
    """Return the shares of the kept rows whose sum has a row's factor; `triangle` holds theirs."""
    shares = [0.0] * len(triangle)
    rest = [*factor]
    for at in range(len(triangle) - 1, -1, -1):
        share = shares[at] = rest[at] / triangle[at][at]
        rest[:at] = [each - share * other for each, other in zip(rest[:at], triangle[at], strict=False)]
    return shares


def in_steps(numbers: Iterable[float], scale: float) -> "array[int]":
    """Return numbers from -scale to scale as whole numbers of four bytes."""
    return array("i", (max(-MOST, min(MOST, round(each / scale * MOST))) for each in numbers))


def encoded(numbers: "array[float] | array[int]") -> str:
    """Return numbers in base64, the least byte first."""
    if sys.byteorder != "little":
        numbers = numbers[:]
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()
