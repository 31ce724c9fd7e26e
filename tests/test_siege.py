"""A stranger attacks a real server, and a bystander is answered all the while; `benchmarks.siege` has the figures."""

import shutil
from collections.abc import Iterator

import pytest

from benchmarks import siege
from tests.conftest import missing

pytestmark = pytest.mark.server
MOST_GROWN, MOST_KEPT = 100, 30  # MB
LONG = {"4 empty objects", "all at once"}  # too long for a test; the batches have their own
ANSWERED = {"3 large forms": {413}, "5 registrations": {201, 503}, "6 predictions": {201}, "14 changes": {200}}
AT_A_PROXY = ["1 slow bodies", "2 unread answers", "3 large forms", "pages"]


@pytest.fixture(scope="module")
def bare(scorecard) -> Iterator[tuple[int, int]]:
    """A server as it ships: its process and its port."""
    with siege.besieged() as started:
        yield started


@pytest.fixture(scope="module")
def behind_nginx(scorecard) -> Iterator[tuple[int, int]]:
    """The same behind the nginx of deploy/: its process and nginx's port."""
    if not shutil.which("nginx"):
        missing("nginx")
    with siege.besieged(proxied=True) as started:
        yield started


@pytest.mark.parametrize(
    ("front", "name"),
    [
        *(("bare", name) for name in siege.ATTACKS if name not in LONG),
        *(("behind_nginx", name) for name in AT_A_PROXY),
    ],
)
def test_an_attack_stops_nobody_and_fills_no_memory(request, front, name):
    process, port = request.getfixturevalue(front)
    seen = siege.attacked(process, port, name, settle=1)
    assert seen.wrong == [] and seen.answers > 20
    assert not seen.statuses.keys() & siege.FAILURES
    assert seen.statuses.keys() <= ANSWERED.get(name, seen.statuses.keys())
    assert seen.peak - seen.before <= MOST_GROWN and seen.after - seen.before <= MOST_KEPT
