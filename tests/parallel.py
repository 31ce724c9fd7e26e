"""Which tests one process of a parallel run takes together, and which are started first."""

import os
from collections.abc import Sequence

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

# Files whose tests share nothing dear, and are long: any process takes any of them. All other files stay whole.
SPREAD = {
    "docs",
    "drawing",
    "durability",
    "faults",
    "glass",
    "loading",
    "metrics",
    "openapi",
    "datapackage",
    "pages",
    "registry",
    "score",
    "what_if",
    "server",
    "settings",
    "table",
    "versions",
}
# Files whose tests share a dear fixture by the first of their parameters.
BY_PARAMETER = {"accounts", "at_once", "describing"}
# What starts Spark, or needs what its tests make: it is started in one process only.
SPARK = ("spark", "test_sql.py", "test_counting_gives_the", "test_the_command_learns_from")
# The longest, by parts of their names; nothing but speed depends on this list. The first ones need no model that
# another process trains just then.
FIRST = (
    "test_wheel.py",
    "test_a_description_can_be_edited",
    "test_a_damaged_model_is_trained_anew",
    "test_scikit_learns_own_checks_hold",
    "test_describing.py",
    "test_sixty_killed_workers",
    "test_two_workers_write_side_by_side",
    "for_half_a_minute",
    "test_siege.py",
    "test_schemathesis",
    "test_deploy.py",
    "model.py --from",
    "test_doors.py",
    "test_measures.py",
    "test_files_of_others.py",
    "test_the_first_start_trains",
    "test_accounts.py",
    "test_table.py",
    "test_model.py",
    "test_faults.py",
    "on_a_thousand_random_people",
    "test_a_killed_run",
    "test_state_machine.py",
    "test_class",
    "tests/pages/",
    "test_every_table",
    "test_ranges.py",
    "test_siblings.py",
    "pages_of_an_account",
    "test_lanes.py",
    "test_axe",
)


def group(nodeid: str) -> str:
    """Name what a test is taken together with."""
    if any(part in nodeid for part in SPARK):
        return "spark"
    path, _, name = nodeid.partition("::")
    file = path.rpartition("/")[2].removeprefix("test_").removesuffix(".py")
    if file in BY_PARAMETER:
        return f"{file} {name.partition('[')[2].partition('-')[0].rstrip(']')}"
    return nodeid if file in SPREAD else path


def rank(item: pytest.Item) -> int:
    """Say how early a test is started: the longest first, and last the short ones that any process takes."""
    if (name := group(item.nodeid)) == "spark":
        return -1
    return next((at for at, part in enumerate(FIRST) if part in item.nodeid), len(FIRST) + (name == item.nodeid))


class Groups(LoadGroupScheduling):
    """Give the tests of a group to one process.

    The usual way is the mark `xdist_group`, which xdist 3.8 loses with pytest 9.2 (pytest-xdist's issue 1386).
    """

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Write each test's group behind its name, where the scheduler looks for it."""
        super().add_node_collection(node, [f"{nodeid}@{group(nodeid)}" for nodeid in collection])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups | None:
    """Use our groups with `--dist loadgroup`."""
    return Groups(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, where others can run beside them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=rank)
