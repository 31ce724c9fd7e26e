"""How a worker ends without cutting anybody: answers close their connections, then nobody new is let in."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

WSGI = Callable[..., Iterable[bytes]]
SECONDS_TO_CLOSE = 0.5  # in which clients of kept connections hear that they close
SECONDS_TO_EMPTY = 0.3  # in which who has come already is taken
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # of Linux: linux/in.h, linux/in6.h
DESCRIPTORS = "/proc/self/fd"
NEAREST = 255  # hops a packet may have left; what was sent with the usual 64 never has


class Draining:
    """An application whose answers close their connections once the server is about to stop.

    Parameters
    ----------
    application
        What answers.
    stopping
        The end of a pipe whose other end the parent closes when it is told to stop, or loses when it is killed.
    """

    def __init__(self, application: WSGI, stopping: Connection) -> None:
        self.application, self.stopping, self.closing = application, stopping, False
        self.parent = os.getppid()
        threading.Thread(target=self.wait, daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if self.closing:
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *rest)

        return self.application(environ, start)

    def wait(self) -> None:
        """Wait for the stop and lead up to it; end this process if the parent is not there to do so."""
        self.stopping.poll(None)
        self.closing = True
        time.sleep(SECONDS_TO_CLOSE)
        for listening in listening_sockets():
            with listening, suppress(OSError):  # a kernel that cannot do so cuts a few who come in that moment
                let_nobody_in(listening)
        time.sleep(SECONDS_TO_EMPTY)
        while os.getppid() == self.parent:
            time.sleep(SECONDS_TO_EMPTY)
        os.kill(os.getpid(), signal.SIGTERM)


def listening_sockets() -> Iterator[socket.socket]:
    """Give the sockets on which this process waits for clients, as the kernel lists them; none but on Linux."""
    for descriptor in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        with suppress(OSError):  # it is no socket, or closed by now
            found = socket.socket(fileno=os.dup(int(descriptor)))
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield found
            else:
                found.close()


def let_nobody_in(listening: socket.socket) -> None:
    """Have the kernel drop what comes for a socket, unanswered, so that a client tries again and finds it closed.

    A socket that is closed instead cuts who waits in its queue.
    """
    listening.setsockopt(socket.IPPROTO_IP, IP_MINTTL, NEAREST)
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, NEAREST)
