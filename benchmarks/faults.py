"""Test a running server under faults: swaps, stops, killed workers, slow clients: `python -m benchmarks.faults`.

Each trial starts its own server with two workers and sends requests over many connections at once. The slow clients
are tried with and without nginx in front (Debian: `apt install nginx-light`). All trials take about two minutes.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from benchmarks.clients import CLIENTS, GOOD, Load, expected, invited, loaded, probability_read, slow_clients
from benchmarks.measuring import ROOT, address, answered, free_port, machine, people, proxy_settings
from benchmarks.starting import tree
from glassform.fitted.scorecard import Scorecard
from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a server with two workers and a folder of versions; yield the process and the port."""
    port = free_port()
    environment = {"GLASSFORM_ARTIFACTS": str(folder), "LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, str(ROOT / "server.py"), "--port", str(port), "--workers", "2", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        answered(f"http://127.0.0.1:{port}/health/ready")
        yield process, port
    finally:
        process.terminate()
        process.wait(timeout=20)


def shifted(scorecard: Scorecard, by: float, version: str) -> Scorecard:
    """Return a copy of a version with another intercept."""
    card = replace(scorecard, version=version, intercept=scorecard.intercept + by)
    golden = [{**row, "sums": card.sums(row["record"])} for row in scorecard.training["golden"]]
    return replace(card, training={**scorecard.training, "golden": golden})


@contextmanager
def versions(source: Path = ARTIFACTS) -> Iterator[tuple[Registry, dict[str, Scorecard]]]:
    """Make a folder with two versions, a and b; a is current."""
    card = Registry(source).load()
    assert isinstance(card, Scorecard)
    cards = {}
    with tempfile.TemporaryDirectory(prefix="glassform-") as folder:
        registry = Registry(Path(folder))
        for name, shift in (("a", 0.0), ("b", 0.5)):
            made = shifted(card, shift, name)
            with registry.new_folder() as unfinished:
                made.save(unfinished)
                registry.add(unfinished)
            cards[name] = made
        registry.promote("a")
        yield registry, cards


def swaps(count: int = 20, clients: int = CLIENTS, source: Path = ARTIFACTS) -> dict[str, float]:
    """Swap the current version again and again under load; return what failed or was mixed, and the times."""
    records, times = people(50), []
    with versions(source) as (registry, cards), server(registry.folder) as (_, port):
        answers = {name: expected(card, records) for name, card in cards.items()}
        with loaded(port, records, answers, clients) as load:
            time.sleep(0.5)
            for number in range(count):
                name = "ba"[number % 2]
                begin = time.perf_counter()
                registry.promote(name)
                times.append(seconds_until_all(name, load, begin))
        failed = load.answers - load.statuses[GOOD] + load.cut + load.refused
    return {
        "swaps": count,
        "answers": load.answers,
        "failed": failed,
        "mixed": load.mixed,
        "slowest swap, s": max(times),
        "slowest answer, s": load.slowest,
    }


def seconds_until_all(name: str, load: Load, begin: float, settled: int = 300) -> float:
    """Return the seconds until some hundred answers in a row come from one version only."""
    reached = begin
    while time.perf_counter() - begin < 10:
        before, answers = load.versions.copy(), load.answers
        while load.answers < answers + settled and time.perf_counter() - begin < 10:
            time.sleep(0.005)
        others = load.versions - before
        if set(others) == {name}:
            return reached - begin
        reached = time.perf_counter()
    return float("inf")


def stop(
    seconds: float = 2.0, clients: int = CLIENTS, keep: bool = False, source: Path = ARTIFACTS
) -> dict[str, float]:
    """Stop the server by SIGTERM under load; return how many answers were cut, and the time until it ended."""
    records = people(50)
    with versions(source) as (registry, cards), server(registry.folder) as (process, port):
        answers = {name: expected(card, records) for name, card in cards.items()}
        with loaded(port, records, answers, clients, keep) as load:
            time.sleep(seconds)
            begin = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
            took = time.perf_counter() - begin
    return {
        "answers": load.answers,
        "cut": load.cut,
        "failed": load.answers - load.statuses[GOOD],
        "seconds to the end": took,
        "exit status": process.returncode,
    }


def read(stops: int = 2, held: int = 500, seconds: float = 2.0, source: Path = ARTIFACTS) -> dict[str, float]:
    """Stop the server by SIGTERM while it waits for the bodies of many requests; return how many answers were cut.

    The server has read the headers of all requests, because it answered each with 100 Continue. Half of the requests
    are not the first of their connection. The bodies come one after another, the last after some seconds.
    """
    (record, first), whole, took = people(2), 0, []
    with versions(source) as (registry, cards):
        expected = cards["a"].probability(record)
        for _ in range(stops):
            with server(registry.folder, "--threads", str(held)) as (process, port):
                waiting = [invited(port, address(first) if number % 2 else "", record) for number in range(held)]
                begin = time.perf_counter()
                process.send_signal(signal.SIGTERM)
                for client in waiting:
                    time.sleep(seconds / held)
                    with suppress(OSError):
                        client.sendall(json.dumps(record).encode())
                whole += sum(probability_read(client) == expected for client in waiting)
                process.wait(timeout=20)
                took.append(time.perf_counter() - begin)
    return {"requests": stops * held, "cut": stops * held - whole, "seconds to the end": max(took)}


def kill(count: int = 5, clients: int = CLIENTS, source: Path = ARTIFACTS) -> dict[str, float]:
    """Kill workers under load; return the time until a new one starts, and how many answers were cut."""
    records, times = people(50), []
    with versions(source) as (registry, cards), server(registry.folder) as (process, port):
        answers = {name: expected(card, records) for name, card in cards.items()}
        with loaded(port, records, answers, clients) as load:
            for _ in range(count):
                time.sleep(1)
                before = tree(process.pid)[1:]
                begin = time.perf_counter()
                os.kill(before[0], signal.SIGKILL)
                times.append(seconds_until_another(process.pid, before, begin))
            time.sleep(1)
            cut = load.cut
            time.sleep(2)
    return {
        "killed": count,
        "answers": load.answers,
        "cut with a worker": cut,
        "cut afterwards": load.cut - cut,
        "failed": load.answers - load.statuses[GOOD],
        "slowest new process, s": max(times),
        "slowest answer, s": load.slowest,
    }


def seconds_until_another(process: int, before: list[int], begin: float) -> float:
    """Return the seconds until a new worker starts."""
    while not set(tree(process)[1:]) - set(before):
        if time.perf_counter() - begin > 20:
            return float("inf")
        time.sleep(0.01)
    return time.perf_counter() - begin


def slow(
    seconds: float = 15.0, number: int = 20, proxied: bool = False, source: Path = ARTIFACTS
) -> dict[str, float]:
    """Connect 20 silent and 20 slow clients to a server or to a proxy; return how other clients are served."""
    records = people(50)
    with versions(source) as (registry, cards), server(registry.folder) as (_, port):
        answers = {name: expected(card, records) for name, card in cards.items()}
        with proxy(port) if proxied else as_it_is(port) as door, slow_clients(door, number) as held:
            time.sleep(1)
            with loaded(door, records, answers, clients=4) as load:
                time.sleep(seconds)
            still = held()
    return {
        "silent and slow clients held": still,
        "answers": load.answers,
        "failed": load.answers - load.statuses[GOOD] + load.cut + load.refused,
        "slowest answer, s": load.slowest,
    }


@contextmanager
def as_it_is(port: int) -> Iterator[int]:
    """Yield the server's own port."""
    yield port


@contextmanager
def proxy(behind: int) -> Iterator[int]:
    """Run nginx before a server, with the settings of deploy/ but without limits per address; yield its port."""
    port, program = free_port(), shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        sys.exit("nginx is not installed; on Debian: apt install nginx-light")
    with tempfile.TemporaryDirectory(prefix="glassform-") as folder:
        settings = proxy_settings(Path(folder), port, behind)
        # all clients here share one address, and a cached answer would prove nothing
        text = settings.read_text().replace("rate=200r/s", "rate=100000r/s").replace("proxy_cache answers;", "")
        settings.write_text(text.replace("connections 100;", "connections 1000;"))
        process = subprocess.Popen([program, "-c", str(settings), "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            answered(f"http://127.0.0.1:{port}/health/ready")
            yield port
        finally:
            process.terminate()
            process.wait(timeout=20)


TRIALS: dict[str, tuple[Callable[[], dict[str, float]], dict[str, float]]] = {
    "20 hot swaps under load": (swaps, {"failed": 0, "mixed": 0, "slowest swap, s": 2}),
    "SIGTERM under load, new connections": (
        stop,
        {"cut": 0, "failed": 0, "seconds to the end": 10, "exit status": 0},
    ),
    "SIGTERM under load, kept connections": (
        lambda: stop(keep=True),
        {"cut": 0, "failed": 0, "seconds to the end": 10, "exit status": 0},
    ),
    "SIGTERM while 1,000 requests have been read": (read, {"cut": 0, "seconds to the end": 10}),
    "workers killed under load": (kill, {"cut afterwards": 0, "failed": 0, "slowest new process, s": 10}),
    "20 silent and 20 slow clients, bare": (slow, {"failed": 0, "slowest answer, s": 2}),
    "20 silent and 20 slow clients, behind nginx": (
        lambda: slow(proxied=True),
        {"failed": 0, "slowest answer, s": 2},
    ),
}


def main() -> None:
    """Run all trials, or the named ones; print each measure with the most that is allowed."""
    parser = argparse.ArgumentParser(description="Test a running server under faults.")
    parser.add_argument("trial", nargs="*", help="a part of the name of a trial (default: all)")
    wanted = parser.parse_args().trial
    print(f"two workers; {machine()}")
    broken = 0
    for name, (trial, bounds) in TRIALS.items():
        if wanted and not any(part in name for part in wanted):
            continue
        print(f"\n{name}")
        for measure, value in trial().items():
            most = bounds.get(measure)
            fine = most is None or value <= most
            broken += not fine
            allowed = "" if most is None else f"  (at most {most})"
            print(f"  {measure:32} {value:10,.3f}{allowed}{'' if fine else '  BROKEN'}".replace(".000", "    "))
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
