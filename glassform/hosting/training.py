"""Training in other processes: before a server starts, and beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from glassform.programs import IS_INSTALLED
from glassform.settings import ARTIFACTS, HOME

# Where several processes have a thread per core, they wait for each other ten times as long.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_STOP = 5  # for a training that is told to, before it is killed


def train(*options: str) -> None:
    """Train in another process, so that scikit-learn and pandas never enter the one that serves."""
    subprocess.run(command(options), check=False, env=environment())


@contextmanager
def training_beside(trainings: Sequence[Sequence[str]]) -> Iterator[None]:
    """Train in other processes while this one serves; what is not done in the end is left to the next start.

    Each prints whole lines, which begin with the name of its table.
    """
    # in sessions of their own: Ctrl-C is for this process, which then stops them
    running = [subprocess.Popen(command(each), start_new_session=True, env=environment()) for each in trainings]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_STOP)
            process.kill()
            process.wait()


def command(options: Sequence[str]) -> list[str]:
    """Return the command that trains."""
    program = ["-P", "-m", "glassform.model"] if IS_INSTALLED else [str(HOME / "model.py")]
    return [sys.executable, *program, "--artifacts", str(ARTIFACTS), *options]


def environment() -> dict[str, str]:
    """Return the environment of a training: one thread, unless somebody has said how many."""
    return dict.fromkeys(THREADS, "1") | os.environ
