"""How a worker stops without cutting connections: answers close them first, then no new one is accepted."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from glassform.hosting.adapter import Adapter

SECONDS_TO_CLOSE = 0.5  # for clients of kept connections to see that they close
SECONDS_TO_EMPTY = 0.3  # to accept the connections already queued
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # of Linux: linux/in.h, linux/in6.h
DESCRIPTORS = "/proc/self/fd"
NEAREST = 255  # hops a packet may have left; packets sent with the usual 64 never have so many


def drain(adapter: Adapter, stopping: Connection) -> None:
    """Wait for the stop and prepare it; end this process if the parent is gone.

    `stopping` is a pipe's end; the parent closes the other end when told to stop, or loses it when killed.
    """
    stopping.poll(None)
    adapter.is_closing = True
    time.sleep(SECONDS_TO_CLOSE)
    for listening in listening_sockets():
        with listening, suppress(OSError):  # where the kernel cannot, the few connections of that moment are cut
            let_nobody_in(listening)
    parent = parent_process()
    while True:
        time.sleep(SECONDS_TO_EMPTY)
        if parent is None or os.getppid() != parent.pid:
            os.kill(os.getpid(), signal.SIGTERM)


def listening_sockets() -> Iterator[socket.socket]:
    """Yield this process's listening sockets, as Linux lists them; none on other systems."""
    for descriptor in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        with suppress(OSError):  # not a socket, or closed meanwhile
            found = socket.socket(fileno=os.dup(int(descriptor)))
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield found
            else:
                found.close()


def let_nobody_in(listening: socket.socket) -> None:
    """Have the kernel drop new connections unanswered, so that clients retry and find the port closed.

    Closing the socket instead would cut the connections in its queue.
    """
    listening.setsockopt(socket.IPPROTO_IP, IP_MINTTL, NEAREST)
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, NEAREST)
