"""Training in other processes: before a server starts, and beside it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from glassform.settings import ARTIFACTS, HOME, IS_INSTALLED

SECONDS_TO_STOP = 5  # for a training that is told to, before it is killed


def train(*options: str) -> None:
    """Train in another process, so that scikit-learn and pandas never enter the one that serves."""
    subprocess.run(command(options), check=False)


@contextmanager
def training_beside(trainings: Sequence[Sequence[str]]) -> Iterator[None]:
    """Train in other processes while this one serves; what is not done in the end is left to the next start.

    Each prints whole lines, which begin with the name of its table.
    """
    # in sessions of their own: Ctrl-C is for this process, which then stops them
    running = [subprocess.Popen(command(options), start_new_session=True) for options in trainings]
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
