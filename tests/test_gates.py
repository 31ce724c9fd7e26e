"""Gates let in as many as they say, whatever comes at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.exceptions import ServiceUnavailable

from glassform.gates import Gate


def test_a_hundred_at_once_never_exceed_what_a_gate_lets_in_and_as_many_as_may_wait_get_their_turn():
    gate, lock, inside, most = Gate(at_once=2, waiting=8, seconds=20), threading.Lock(), 0, 0
    start, hold = threading.Barrier(100), threading.Event()

    def go(_):
        nonlocal inside, most
        start.wait()
        try:
            with gate:
                with lock:
                    inside += 1
                    most = max(most, inside)
                hold.wait(20)
                with lock:
                    inside -= 1
            return True
        except ServiceUnavailable:
            with lock:
                turned_away.append(1)
                if len(turned_away) == 90:
                    hold.set()
            return False

    turned_away: list[int] = []
    with ThreadPoolExecutor(100) as threads:
        passed = list(threads.map(go, range(100)))
    assert most == 2 and sum(passed) == 10


def test_who_waits_too_long_is_told_when_to_try_again_and_the_place_is_free_afterwards():
    gate = Gate(at_once=1, waiting=1, seconds=0.05)
    with gate:
        for _ in range(3):
            with pytest.raises(ServiceUnavailable) as refused, gate:
                pass
            assert ("Retry-After", "1") in refused.value.get_headers()
    with gate:
        pass


def test_a_failure_inside_frees_the_place():
    gate = Gate(at_once=1, waiting=0, seconds=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"), gate:
            raise ValueError("inside")
