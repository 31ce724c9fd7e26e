"""Who guesses whom: five people whom all guess, and five of everybody's own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from glassform.classroom.people import People

COMMON = 5  # people whom everybody guesses, to talk about
OWN = 5  # people whom one phone alone guesses, to score
MOST_DRAWS = 1_000
BRIER_WITHIN, RATE_WITHIN = 0.005, 0.02  # of the test split's


@dataclass(frozen=True)
class Decks:
    """The people of a class, as places in the test rows: those in common, and each phone's own."""

    common: list[int]
    own: list[list[int]]

    def of(self, place: int) -> list[int]:
        """Return whom a phone guesses, in order; the first is number 1."""
        return [*self.common, *self.own[place]]


@dataclass
class Tally:
    """Some people so far: their number, the model's squared errors, the positives among them."""

    people: People
    count: int = 0
    losses: float = 0.0
    positives: int = 0

    def with_(self, places: Sequence[int]) -> "Tally":
        """Return the tally with some more."""
        losses = sum(map(self.people.loss, places))
        positives = sum(self.people.truths[place] for place in places)
        return Tally(self.people, self.count + len(places), self.losses + losses, self.positives + positives)

    @property
    def distance(self) -> float:
        """How far they are from the test split: at most 1, if both figures are near enough."""
        brier = abs(self.losses / self.count - self.people.brier) / BRIER_WITHIN
        rate = abs(self.positives / self.count - self.people.rate) / RATE_WITHIN
        return max(brier, rate, 1.0)


def draw(people: People, size: int, seed: int) -> Decks:
    """Draw the decks of a class; the same seed gives the same.

    With few people luck would beat the model. So the people of all phones together are as hard to guess as the test
    split, whether few phones join or all: each phone's five are drawn again until those drawn so far are near enough.
    From four phones on they can be; with fewer the best of many draws counts.
    """
    chance = random.Random(seed)
    common = common_people(people, chance)
    mine, every = Tally(people), Tally(people).with_(common)
    taken, own = {*common}, list[list[int]]()
    for _ in range(size):
        left = [place for place in range(len(people.records)) if place not in taken]
        if len(left) < 2 * OWN:  # a small table: phones share people, but none meets one twice
            taken = {*common}
            left = [place for place in range(len(people.records)) if place not in taken]
        best = near_enough(mine, every, left, chance)
        mine, every = mine.with_(best), every.with_(best)
        taken.update(best)
        own.append(best)
    return Decks(common, own)


def near_enough(mine: Tally, every: Tally, left: Sequence[int], chance: random.Random) -> list[int]:
    """Return five people with whom all own ones, and all together, are as near to the test split as can be had."""
    best, nearest = list[int](), (float("inf"), float("inf"))
    for _ in range(MOST_DRAWS):
        drawn = chance.sample(left, min(OWN, len(left)))
        distance = mine.with_(drawn).distance, every.with_(drawn).distance
        if distance < nearest:
            best, nearest = drawn, distance
        if nearest == (1.0, 1.0):
            break
    return best


def common_people(people: People, chance: random.Random) -> list[int]:
    """Return the five in common: one from each fifth of the model's answers, the middle one first."""
    ordered = sorted(range(len(people.records)), key=people.answers.__getitem__)
    width = len(ordered) / COMMON
    fifths = [ordered[round(width * fifth) : round(width * (fifth + 1))] for fifth in range(COMMON)]
    wanted = max(round(people.rate * COMMON), 1)
    best, nearest = list[int](), (float("inf"), float("inf"))
    for _ in range(MOST_DRAWS):
        drawn = [chance.choice(fifth) for fifth in fifths if fifth]
        tally = Tally(people).with_(drawn)
        distance = abs(tally.positives - wanted), tally.distance
        if distance < nearest:
            best, nearest = drawn, distance
    first = best.pop(len(best) // 2)
    chance.shuffle(best)
    return [first, *best]


decks_of = lru_cache(maxsize=64)(draw)  # the same, drawn once by each worker: all follows from the seed
