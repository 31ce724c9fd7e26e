"""Worker processes: granian's, drained before they stop and restarted when they die."""

import codecs
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels, logger

from glassform.hosting.adapter import Adapter
from glassform.hosting.draining import SECONDS_TO_CLOSE, SECONDS_TO_EMPTY, drain
from glassform.hosting.lanes import THREADS
from glassform.hosting.respawning import Server

try:
    import resource
except ImportError:  # of POSIX
    resource = None  # type: ignore[assignment]

MOST_CONNECTIONS = 1024  # of a worker at once; further ones wait
MOST_IN_A_HEAD = 32 * 1024  # bytes of a request's line and headers
SECONDS_TO_STOP = 10  # for running requests, before a worker is killed
SECONDS_OF_A_TURN = 0.001  # of a thread that computes while others wait: the quick answers must not wait for long
LATE_CODECS = ("idna", "unicode_escape")  # imported at first use, which fails for good if no file can be opened then
STOPS = (signal.SIGINT, signal.SIGTERM)


def serve(create_app: Callable[[], Flask], host: str, port: int, workers: int, threads: int = THREADS) -> None:
    """Serve an application by worker processes until told to stop."""
    stopping, stop = multiprocessing.Pipe(duplex=False)
    server = Server(
        f"{create_app.__module__}:{create_app.__qualname__}",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=MOST_IN_A_HEAD),
        websockets=False,
        runtime_mode=RuntimeModes.st,  # one thread for the network is faster than several, which wake each other
        workers=workers,
        backlog=MOST_CONNECTIONS,
        backpressure=connections_at_once(),
        log_level=LogLevels.error,  # until it serves, or it would warn about many threads
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_STOP,
    )
    server.on_startup(partial(logger.setLevel, logging.WARNING))
    server.on_startup(partial(drain_first, stop))
    server.serve(target_loader=partial(load, create_app, threads, stopping, stop), wrap_loader=False)


def connections_at_once() -> int:
    """Return how many connections a worker may have, having asked the system for enough file handles.

    Half of the handles stay for the database and scratch files.
    """
    if resource is None:
        return MOST_CONNECTIONS
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    if allowed < wanted and allowed != resource.RLIM_INFINITY:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return min(MOST_CONNECTIONS, allowed // 2) if allowed != resource.RLIM_INFINITY else MOST_CONNECTIONS


def load(create_app: Callable[[], Flask], threads: int, stopping: Connection, stop: Connection) -> Adapter:
    """Make the application in a worker."""
    for name in LATE_CODECS:
        codecs.lookup(name)
    stop.close()  # so that the parent's end is the last one
    for each in STOPS:
        signal.signal(each, signal.SIG_DFL)  # until granian's own are set, nobody waits for an answer
    if sys.platform != "win32":
        os.setpgid(0, 0)  # Ctrl-C reaches a whole process group, but the parent alone stops workers
    sys.setswitchinterval(SECONDS_OF_A_TURN)
    adapter = Adapter(create_app(), threads)
    threading.Thread(target=drain, args=(adapter, stopping), daemon=True).start()
    return adapter


def drain_first(stop: Connection) -> None:
    """Have the workers finish before granian stops them; a second signal stops them at once."""
    told: list[bool] = []
    for each in STOPS:
        signal.signal(each, partial(finish, stop, told, signal.getsignal(each)))


def finish(stop: Connection, told: list[bool], then: Any, *arguments: Any) -> None:
    """Tell the workers to finish, wait, then let granian stop them.

    A second signal may come while the first one closes the connection, which would fail if it were closed twice; so
    `told` is not empty from then on.
    """
    if not told:
        told.append(True)
        stop.close()
        time.sleep(SECONDS_TO_CLOSE + SECONDS_TO_EMPTY)
    then(*arguments)
