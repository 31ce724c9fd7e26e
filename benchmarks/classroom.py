"""A class of forty phones that ask once a second: `python -m benchmarks.classroom`, `--workers 2` for two workers."""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.measuring import free_port, machine, serving
from benchmarks.starting import tree

SECOND, TEN = 1.0, 10


class Client:
    """A phone, or the board, over a connection that is kept, as browsers do; it keeps the tag of what it was told."""

    def __init__(self, port: int, token: str = "") -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=20)
        self.token, self.tag, self.told = token, "", dict[str, Any]()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what a request is answered; what has not changed is not sent again."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"If-None-Match": self.tag} if self.tag and method == "GET" else {}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        if answer.status != 304:
            self.tag, self.told = answer.headers["ETag"] or "", json.loads(text or b"null")
        return self.told


def seconds_of(act: Callable[[], Any]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def cpu_of(process: int) -> float:
    """Return the seconds that a process and its descendants have computed."""
    fields = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in tree(process)]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


class Lesson:
    """A class at the step of the ten people: its board and its phones, and what was measured."""

    def __init__(self, port: int, phones: int) -> None:
        self.board = Client(port)
        begun = self.board.ask("POST", "/classes", {"size": phones})
        self.code, self.path, self.ended = begun["code"], begun["board"], threading.Event()
        self.phones = [Client(port) for _ in range(phones)]
        self.polls, self.puts = list[float](), list[tuple[float, float]]()  # of a guess: begin, and acknowledged
        self.boards = list[tuple[float, float, int]]()  # of a poll of the board: begin, end, and the count it showed

    def join(self) -> float:
        """Let all phones join at once; return how long that took."""
        with ThreadPoolExecutor(len(self.phones)) as threads:
            return seconds_of(lambda: [*threads.map(self.join_one, self.phones)])

    def join_one(self, phone: Client) -> None:
        """Let a phone join."""
        phone.token = phone.ask("POST", f"/j/{self.code}")["token"]
        phone.tag = ""

    def play(self, seconds: float) -> None:
        """Let the phones ask once a second and guess their ten people meanwhile, and the board ask once a second."""
        for action in ("next", "next"):
            self.board.ask("POST", self.path, {"action": action})
        living = [threading.Thread(target=self.live, args=(phone, seconds)) for phone in self.phones]
        watching = threading.Thread(target=self.watch)
        for each in (watching, *living):
            each.start()
        for each in living:
            each.join()
        time.sleep(2 * SECOND)  # the board has shown the last guess by then
        self.ended.set()
        watching.join()

    def live(self, phone: Client, seconds: float) -> None:
        """Ask once a second, and guess now and then."""
        chance, path, until = random.Random(), f"/classes/{self.code}/me", time.monotonic() + seconds
        due = sorted(chance.uniform(0, seconds - SECOND) for _ in range(TEN))
        time.sleep(chance.random() * SECOND)
        while (left := until - time.monotonic()) > 0:
            self.polls.append(seconds_of(lambda: phone.ask("GET", path)))
            while due and due[0] <= seconds - left:
                due.pop(0)
                begin = time.monotonic()
                phone.ask("PUT", path, {"person": TEN - len(due), "guess": chance.randint(0, 100)})
                self.puts.append((begin, time.monotonic()))
                phone.tag = ""
            time.sleep(max(SECOND - self.polls[-1], 0))

    def watch(self) -> None:
        """Ask as the board does."""
        while not self.ended.wait(SECOND):
            begin = time.monotonic()
            count = self.board.ask("GET", self.path)["guesses"]
            self.boards.append((begin, time.monotonic(), count))

    def until_counted(self) -> list[float]:
        """Return how long each guess took until the board had asked after it was acknowledged, and was answered."""
        return [min(end for begin, end, _ in self.boards if begin >= done) - sent for sent, done in self.puts]


def p95(seconds: list[float]) -> float:
    """Return what 95 of 100 stay below."""
    return statistics.quantiles(seconds, n=20)[-1]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--phones", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="glassform-") as instance:
        os.environ["GLASSFORM_INSTANCE"] = instance
        command = [sys.executable, "server.py", "--class", "--host", "127.0.0.1", "--no-browser", "--port", str(port)]
        with serving([*command, "--workers", str(options.workers)], f"{url}/health/ready") as (process, _):
            time.sleep(2 * SECOND)  # the command starts a class of its own
            lesson = Lesson(port, options.phones)
            joined = lesson.join()
            begin, computed = time.monotonic(), cpu_of(process.pid)
            lesson.play(options.seconds)
            share = (cpu_of(process.pid) - computed) / (time.monotonic() - begin)
            lesson.board.ask("DELETE", lesson.path)
    report(lesson, joined, share, options.workers)


def report(lesson: Lesson, joined: float, share: float, workers: int) -> None:
    """Print what was measured."""
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load not known"
    print(f"{len(lesson.phones)} phones that ask once a second, {workers} workers; {machine()}, {load}\n")
    acknowledged = [end - begin for begin, end in lesson.puts]
    rows = [
        ("all phones have joined", f"{joined:.2f} s"),
        ("a poll of a phone, median", f"{1000 * statistics.median(lesson.polls):.1f} ms"),
        ("a poll of a phone, p95", f"{1000 * p95(lesson.polls):.1f} ms"),
        (
            "a guess until it is acknowledged, p95",
            f"{1000 * p95(acknowledged):.1f} ms",
        ),
        ("a guess until the board counts it, its poll included, p95", f"{p95(lesson.until_counted()):.2f} s"),
        ("one core that the server takes", f"{share:.0%}"),
        ("guesses sent, and counted", f"{len(lesson.puts)}, {lesson.boards[-1][2]}"),
    ]
    for name, figure in rows:
        print(f"{name:60} {figure:>10}")


if __name__ == "__main__":
    main()
