"""A stranger attacks a real server, and a bystander is answered all the while; `benchmarks.siege` has the figures."""

import shutil
from collections.abc import Iterator

import pytest

from benchmarks import siege
from tests.conftest import missing

pytestmark = pytest.mark.server
MOST_GROWN, MOST_KEPT = 100, 30  # MB
LONG = {"4 empty objects", "all at once"}  # too long for a test; the batches have their own


@pytest.fixture(scope="module", params=[False, True], ids=["bare", "behind nginx"])
def besieged(scorecard, request) -> Iterator[tuple[int, int]]:
    """A server as it ships: its process and the port to ask."""
    if request.param and not shutil.which("nginx"):
        missing("nginx")
    with siege.besieged(proxied=request.param) as started:
        yield started


@pytest.mark.parametrize("name", [name for name in siege.ATTACKS if name not in LONG])
def test_an_attack_stops_nobody_and_fills_no_memory(besieged, name):
    process, port = besieged
    seen = siege.attacked(process, port, name)
    assert seen.wrong == [] and seen.answers > 20
    assert not seen.statuses.keys() & siege.FAILURES
    assert seen.peak - seen.before <= MOST_GROWN and seen.after - seen.before <= MOST_KEPT


def test_after_a_siege_the_server_answers_as_before(besieged):
    process, port = besieged
    seen = siege.attacked(process, port, "6 predictions")
    assert set(seen.statuses) <= {201, 429, 503}
