"""Clients of a server under test: busy ones, slow ones, and ones that wait with half a request."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from benchmarks.measuring import address
from glassform.fitted.scorecard import Scorecard
from glassform.records.field import Record

CLIENTS = 8
GOOD = 200
SLOW_REQUEST = [b"POST /probability HTTP/1.1", b"Host: x", b"Content-Type: application/json", b"Content-Length: 1000"]


@dataclass
class Load:
    """The answers that a group of clients got."""

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    cut: int = 0  # open connections that ended without a whole answer
    refused: int = 0  # connections that were not accepted
    slowest: float = 0.0

    @property
    def answers(self) -> int:
        """The number of answers."""
        return self.statuses.total()


def expected(card: Scorecard, records: list[Record]) -> list[float]:
    """Return a version's probabilities for some records."""
    return [card.probability(record) for record in records]


@contextmanager
def loaded(
    port: int, records: list[Record], answers: dict[str, list[float]], clients: int = CLIENTS, keep: bool = True
) -> Iterator[Load]:
    """Send requests without pause, each client over one connection (or a new one each time); count the answers."""
    load, lock, stop = Load(), threading.Lock(), threading.Event()

    def ask() -> None:
        connection, number = HTTPConnection("127.0.0.1", port, timeout=20), 0
        headers = {} if keep else {"Connection": "close"}
        while not stop.is_set():
            number = (number + 1) % len(records)
            begin = time.perf_counter()
            try:
                if connection.sock is None:
                    connection.connect()
            except OSError:
                with lock:
                    load.refused += 1
                stop.wait(0.01)
                continue
            try:
                connection.request("GET", address(records[number]), headers=headers)
                response = connection.getresponse()
                body = response.read()
            except (OSError, HTTPException):
                connection.close()
                with lock:
                    load.cut += 1
                continue
            with lock:
                load.statuses[response.status] += 1
                load.slowest = max(load.slowest, time.perf_counter() - begin)
                if response.status == GOOD:
                    answer = json.loads(body)
                    version = answer["model"]["version"]
                    load.versions[version] += 1
                    load.mixed += answer["probability"] != answers[version][number]
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def slow_clients(port: int, number: int) -> Iterator[Callable[[], int]]:
    """Connect silent clients and clients that send a byte a second; yield a function that counts the open ones."""
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    sending = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    stop = threading.Event()
    for client in sending:
        client.sendall(b"\r\n".join([*SLOW_REQUEST, b"", b"{"]))

    def trickle() -> None:
        while not stop.wait(1):
            for client in sending:
                with suppress(OSError):
                    client.sendall(b" ")

    def held() -> int:
        count = 0
        for client in (*silent, *sending):
            client.setblocking(False)
            with suppress(ConnectionError):
                try:
                    count += client.recv(1) != b""
                except BlockingIOError:  # open, with nothing to read
                    count += 1
        return count

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield held
    finally:
        stop.set()
        thread.join()
        for client in (*silent, *sending):
            client.close()


def invited(port: int, before: str, record: Record) -> socket.socket:
    """Return a connection whose request got 100 Continue, after another request if `before` is given."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    if before:
        connection.request("GET", before)
        connection.getresponse().read()
    else:
        connection.connect()
    head = [*SLOW_REQUEST[:-1], b"Content-Length: %d" % len(json.dumps(record)), b"Expect: 100-continue", b"", b""]
    client: socket.socket = connection.sock
    client.sendall(b"\r\n".join(head))
    answer = client.recv(1000)
    if not answer.startswith(b"HTTP/1.1 100 "):
        raise RuntimeError(answer.decode())
    return client


def probability_read(client: socket.socket) -> float | None:
    """Read an answer from a connection until it ends; return its probability, or None if it was cut."""
    answer = b""
    with client, suppress(OSError):
        while more := client.recv(1 << 16):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        return float(json.loads(body)["probability"]) if head.startswith(b"HTTP/1.1 200 ") else None
    except ValueError:
        return None
