"""How a class moves through its lesson."""

import pytest

from glassform.classroom.course import ACTIONS, MOST_UNDONE, Standing
from glassform.classroom.lessons import read_lessons

STEPS = read_lessons()["guess-first"].steps


def after(*actions: str) -> Standing:
    standing = Standing(STEPS[0].id)
    for action in actions:
        standing = ACTIONS[action](standing, STEPS)
    return standing


def test_next_and_back_stop_at_the_ends():
    assert after("back") == Standing("join")
    assert after(*["next"] * 30).step == STEPS[-1].id
    assert after("next", "next", "back").step == "one"


def test_what_was_revealed_stays_so_when_the_teacher_goes_back():
    assert after("next", "reveal", "next", "back").is_revealed


def test_an_early_reveal_is_taken_back():
    standing = after("next", "reveal", "undo")
    assert standing.step == "one" and not standing.revealed
    assert after("next", "reveal", "next", "undo", "undo") == after("next")


def test_undo_at_the_beginning_does_nothing():
    assert after("undo") == Standing("join")


def test_scores_reveal_all_that_was_asked():
    assert after("next", "next", "next").revealed == ("one", "ten")
    assert after("next", "next", "next", "undo").revealed == ()


def test_where_nothing_is_hidden_there_is_nothing_to_reveal():
    assert after("reveal") == after()
    assert after("next", "next", "next", "reveal") == after("next", "next", "next")


def test_reveal_twice_is_one_move():
    assert after("next", "reveal", "reveal") == after("next", "reveal")


def test_blank_is_switched_and_any_move_ends_it():
    assert after("blank").blank and not after("blank", "blank").blank
    assert not after("blank", "next").blank and not after("blank", "undo").blank


@pytest.mark.parametrize("action", ACTIONS)
def test_a_standing_is_read_as_it_was_written(action):
    standing = after("next", "reveal", "next", action)
    assert Standing.read(standing.written()) == standing


def test_the_way_back_is_not_endless():
    assert len(after(*["next", "back"] * 60).trail) == MOST_UNDONE


def test_a_class_whose_step_is_gone_begins_anew():
    assert ACTIONS["next"](Standing("gone"), STEPS).step == STEPS[1].id
