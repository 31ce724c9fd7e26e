"""Requests are counted, wherever that can be."""

import time

from limits import parse

from benchmarks.measuring import free_port
from glassform.accounts.rates import Rates


def test_a_storage_out_of_reach_is_left_alone_for_longer_and_longer_while_this_process_counts():
    rates, limit = Rates(f"redis://127.0.0.1:{free_port()}"), parse("2 per minute")
    assert [rates.take("test", limit, "name", "somebody").granted for _ in range(3)] == [True, True, False]
    first = rates.pause
    assert first > 0 and rates.due > time.monotonic()
    rates.due = 0.0
    assert not rates.take("test", limit, "name", "somebody").granted
    assert rates.pause == 2 * first
