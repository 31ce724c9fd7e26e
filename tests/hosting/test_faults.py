"""What a running server stands, in small; the figures are measured by `benchmarks.faults`."""

import pytest

from benchmarks import faults
from benchmarks.soak import mixture
from tests.test_deploy import tool

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def trained(scorecard):
    """A model to make versions of."""


def test_hot_swaps_fail_nobody_and_mix_no_answer():
    seen = faults.swaps(count=4, clients=4)
    assert (seen["failed"], seen["mixed"]) == (0, 0)
    assert seen["slowest swap, s"] <= 2 and seen["answers"] > 4 * 300


@pytest.mark.parametrize("keep", [False, True], ids=["new connections", "kept connections"])
def test_sigterm_cuts_nobody_and_ends_soon(keep):
    seen = faults.stop(seconds=1, clients=4, keep=keep)
    # a connection that is made in the very moment the kernel shuts the door is lost
    assert seen["cut"] <= 1 and (seen["failed"], seen["exit status"]) == (0, 0)
    assert seen["seconds to the end"] <= 10 and seen["answers"]


def test_sigterm_cuts_none_of_a_thousand_requests_whose_headers_had_been_read():
    seen = faults.read()
    assert (seen["requests"], seen["cut"]) == (1_000, 0)
    assert seen["seconds to the end"] <= 10


def test_killed_workers_come_back_and_the_rest_is_answered():
    seen = faults.kill(count=2, clients=4)
    assert (seen["cut afterwards"], seen["failed"]) == (0, 0)
    assert seen["cut with a worker"] <= 2 * 4


@pytest.mark.parametrize("proxied", [False, True], ids=["bare", "behind nginx"])
def test_silent_and_slow_clients_starve_nobody(proxied):
    if proxied:
        tool("nginx")
    seen = faults.slow(seconds=3, proxied=proxied)
    assert seen["silent and slow clients held"] >= 20
    assert seen["failed"] == 0 and seen["slowest answer, s"] <= 2


def test_the_mixture_of_the_soak_is_what_it_says():
    made = mixture()
    assert len(made) == 2000
    assert sum(each.startswith('{"GET", "/probability?') and each.endswith('"}') for each in made) == 2000 * 17 // 20
    assert sum("POST" in each for each in made) == 2000 // 20
