"""The one place that uses what granian does not document; `tests/test_hosting.py` names all of it."""

import time
from typing import Any

from granian import Granian

SECONDS_TO_RESPAWN = 0.1


class Forgetful(dict[int, float]):
    """Where granian notes when it started a worker again: nothing is kept, and noting takes a moment.

    So no worker was ever started again just now, and workers that die at once do not keep the machine busy.
    """

    def __setitem__(self, worker: int, when: float) -> None:
        """Wait a moment."""
        time.sleep(SECONDS_TO_RESPAWN)


class Server(Granian):  # type: ignore[valid-type,misc]  # granian chooses the class as it is imported
    """Granian, but one that goes on however often its workers are killed.

    Its own gives up when a worker dies twice within seconds, and then ends the others with it.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.respawned_wrks = Forgetful()
