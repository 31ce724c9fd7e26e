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
    "durability",
    "faults",
    "metrics",
    "model",
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
# The longest, by parts of their names; nothing but speed depends on this list.
FIRST = (
    "test_what_a_wheel_installs",
    "test_two_workers_write_side_by_side",
    "test_siege.py",
    "test_sixty_killed_workers",
    "for_half_a_minute",
    "test_schemathesis",
    "test_the_first_start_trains",
    "test_deploy.py",
    "on_a_thousand_random_people",
    "test_a_damaged_model_is_trained_anew",
    "test_a_description_can_be_edited",
    "test_table.py",
    "pages_of_an_account",
    "test_a_killed_run",
    "test_describing.py",
    "test_tables.py",
    "test_registry.py",
    "test_axe",
    "test_score.py",
    "test_versions.py",
    "test_pages.py",
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
    """Say how early a test is started."""
    if group(item.nodeid) == "spark":
        return -1
    return next((place for place, part in enumerate(FIRST) if part in item.nodeid), len(FIRST))


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
