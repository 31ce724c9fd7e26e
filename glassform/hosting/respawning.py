"""The one module that uses undocumented names of granian; `tests/hosting/test_workers.py` lists them."""

import multiprocessing
import time
from typing import Any

from granian import Granian

SECONDS_TO_RESPAWN = 0.1


class Forgetful(dict[int, float]):
    """A place for granian to note restarts, which keeps nothing and waits a moment.

    So no restart ever looks recent, and workers that die at once do not keep the machine busy.
    """

    def __setitem__(self, worker: int, when: float) -> None:
        """Wait a moment."""
        time.sleep(SECONDS_TO_RESPAWN)


class Server(Granian):  # type: ignore[valid-type,misc]  # granian chooses the class as it is imported
    """Granian that goes on however often its workers are killed, and loses no waiting client with them.

    Plain granian gives up when a worker dies twice, and gives each worker its own queue, which dies with it.
    """

    _ssp: Any  # granian's description of the address

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.respawned_wrks = Forgetful()

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()
        if self._ssp and multiprocessing.get_start_method() == "fork":  # workers then have what their parent opened
            self._ssp, self._shd = None, self._ssp.build()
