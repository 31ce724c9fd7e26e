"""Who guesses whom: as hard as the test split, however many phones join."""

import random

import pytest
from sklearn.metrics import brier_score_loss

from glassform.classroom.decks import BRIER_WITHIN, COMMON, OWN, RATE_WITHIN, draw
from glassform.classroom.people import People, read_people


@pytest.fixture(scope="module")
def people(scorecard):
    return read_people(scorecard)


def figures(people, places):
    brier = brier_score_loss([people.truths[at] for at in places], [people.answers[at] for at in places])
    return brier, sum(people.truths[at] for at in places) / len(places)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [4, 30, 40])
def test_from_four_phones_on_they_are_as_hard_as_the_test_split(people, size, seed):
    decks = draw(people, size, seed)
    for phones in range(4, size + 1):  # however many of them join
        own = [at for deck in decks.own[:phones] for at in deck]
        for places in (own, [*decks.common, *own]):
            brier, rate = figures(people, places)
            assert abs(brier - people.brier) <= BRIER_WITHIN and abs(rate - people.rate) <= RATE_WITHIN


def test_everybody_has_five_in_common_and_five_alone(people):
    decks = draw(people, 40, 7)
    every = [*decks.common, *(at for deck in decks.own for at in deck)]
    assert len(decks.common) == COMMON and {len(deck) for deck in decks.own} == {OWN}
    assert len({*every}) == COMMON + 40 * OWN
    assert decks.of(3) == [*decks.common, *decks.own[3]]


def test_the_same_seed_gives_the_same_and_another_one_others(people):
    assert draw(people, 10, 1) == draw(people, 10, 1)
    assert draw(people, 10, 1) != draw(people, 10, 2)


def test_the_five_in_common_are_not_alike(people):
    """One from each fifth of the model's answers, so that there is something to talk about."""
    ordered = sorted(people.answers)
    for seed in range(5):
        answers = sorted(people.answers[at] for at in draw(people, 1, seed).common)
        ranks = [ordered.index(answer) * COMMON // len(ordered) for answer in answers]
        assert ranks == pytest.approx(range(COMMON), abs=1)


def test_phones_of_a_small_table_share_people_but_meet_nobody_twice():
    chance = random.Random(1)
    answers = [chance.random() for _ in range(23)]
    truths = [int(chance.random() < each) for each in answers]
    small = People([{"x": at} for at in range(23)], truths, answers, 0.17, 0.5)
    decks = draw(small, 40, 1)
    assert all(len({*decks.of(place)}) == COMMON + OWN for place in range(40))


def test_people_are_rows_of_the_test_split_with_the_model_s_own_answers(people, scorecard):
    for at in range(0, len(people.records), 97):
        assert people.answers[at] == scorecard.probability(people.records[at])
    assert people.brier == scorecard.evaluation["brier_score"]
    assert brier_score_loss(people.truths, people.answers) == pytest.approx(people.brier, abs=0.006)
