"""Attack a running server as a stranger would, while a bystander asks on: `python -m benchmarks.siege`.

Every attack runs against `python server.py` with no option, on the loopback, bounded in count and time. It is told
how many of the bystander's answers were right, how slow the slowest of a hundred was, how much memory the worker took
and kept. `--proxied` puts the nginx of deploy/ in front.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.measuring import ROOT, address, answered, free_port, machine, people, proxy_settings
from benchmarks.starting import tree

GOOD = 200
FAILURES = {500, 502, 504}  # that nobody may cause
PASSWORD = "correct horse battery staple"
FORM, JSON, CSV = "application/x-www-form-urlencoded", "application/json", "text/csv"


@dataclass
class Bystander:
    """Somebody who asks for predictions and for health all the while, over new and over kept connections."""

    port: int
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator["Bystander"]:
        """Ask in the background."""
        stop = threading.Event()
        paths = (address(people(1)[0]), "/health/live")
        threads = [threading.Thread(target=self.ask, args=(stop, path)) for path in paths]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def ask(self, stop: threading.Event, path: str) -> None:
        """Ask for one path until told to stop."""
        # from another address than the attacks, which a proxy may shut out
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=("127.0.0.2", 0))
        while not stop.wait(0.01):
            begin = time.perf_counter()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status != GOOD or not {"probability", "status"} & body.keys():
                    self.wrong.append(f"{path}: {answer.status}")
            except (OSError, HTTPException, ValueError) as error:
                self.wrong.append(f"{path}: {error!r}")
                connection.close()
            self.seconds.append(time.perf_counter() - begin)
            if len(self.seconds) % 2:
                connection.close()
        connection.close()

    @property
    def slowest(self) -> float:
        """The time that 99 of 100 answers keep, in seconds."""
        return sorted(self.seconds)[int(0.99 * len(self.seconds))] if self.seconds else 0.0


# What a client of an attack does: it gets a port, and says which statuses it got.
Attack = Callable[[int], Coroutine[Any, Any, Counter[int]]]


async def exchange(port: int, method: str, path: str, body: bytes = b"", kind: str = "", **headers: str) -> int:
    """Send a request and read the whole answer; return its status, 0 if there was none."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(method, path, len(body), kind, headers) + body)
        answer = await reader.read(64)
        while await reader.read(1 << 20):
            pass
        return int(answer.split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    finally:
        if writer is not None:
            writer.close()


def head(method: str, path: str, length: int, kind: str, headers: dict[str, str]) -> bytes:
    """Return the line and the headers of a request."""
    named = {"Host": "x", "Connection": "close", "Content-Length": str(length)} | headers
    named |= {"Content-Type": kind} if kind else {}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def at_once(*exchanges: Awaitable[int]) -> Counter[int]:
    """Count the statuses of exchanges that happen at once."""
    return Counter(await asyncio.gather(*exchanges))


async def slow_bodies(port: int, clients: int = 200, seconds: float = 3) -> Counter[int]:
    """Row 1: send bodies of a thousand bytes, a byte now and then."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    for _, writer in opened:
        writer.write(head("POST", "/probability", 1000, JSON, {}))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for _, writer in opened:
            with suppress(OSError):
                writer.write(b" ")
        await asyncio.sleep(1)
    for _, writer in opened:
        writer.close()
    return Counter({0: clients})


async def unread_answers(port: int, clients: int = 66, seconds: float = 3) -> Counter[int]:
    """Row 2: upload tables of a megabyte and read nothing."""
    body = table(1_000_000)
    opened = []
    for _ in range(clients):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(head("POST", "/probabilities", len(body), CSV, {}) + body)
        opened.append(writer)
    await asyncio.sleep(seconds)
    for writer in opened:
        writer.transport.abort()
    return Counter({0: clients})


def table(size: int) -> bytes:
    """Return a table of people of about so many bytes."""
    records = people(1000)
    lines = [",".join(records[0])] + [",".join(map(str, record.values())) for record in records]
    text = "\n".join(lines) + "\n"
    return (text + "\n".join(lines[1:]) * (size // len(text))).encode()


async def large_forms(port: int, clients: int = 20) -> Counter[int]:
    """Row 3: send forms of eight megabytes, not signed in."""
    body = b"a=b&" * (2 << 20)
    paths = ("/account", "/session", "/accounts", "/tokens", "/probability")
    return await at_once(*(exchange(port, "POST", paths[each % len(paths)], body, FORM) for each in range(clients)))


async def empty_objects(port: int, rows: int = 900_000) -> Counter[int]:
    """Row 4: report the errors of empty objects, as an array and as lines."""
    path = "/probabilities?on_error=report"
    array = exchange(port, "POST", path, b"[" + b"{}," * rows + b"{}]", JSON)
    return await at_once(array, exchange(port, "POST", path, b"{}\n" * rows, "application/x-ndjson"))


async def registrations(port: int, clients: int = 64) -> Counter[int]:
    """Row 5: make accounts all at once."""
    return await at_once(*(exchange(port, "POST", "/accounts", account(), JSON) for _ in range(clients)))


def account(name: str = "", password: str = PASSWORD) -> bytes:
    """Return the members of a new account."""
    return json.dumps({"name": name or f"stranger{secrets.token_hex(6)}", "password": password}).encode()


def signed_in(port: int) -> dict[str, str]:
    """Make an account and sign in; return the headers that say so."""
    who, connection = account(), HTTPConnection("127.0.0.1", port, timeout=30)
    found: Any = {}
    for path in ("/accounts", "/tokens"):
        connection.request("POST", path, who, {"Content-Type": JSON})
        found = json.loads(connection.getresponse().read())
    connection.close()
    return {"Authorization": f"Bearer {found['access_token']}"}


async def predictions(port: int, clients: int = 64) -> Counter[int]:
    """Row 6: save predictions of one account all at once."""
    headers, body = await asyncio.to_thread(signed_in, port), json.dumps(people(1)[0]).encode()
    return await at_once(*(exchange(port, "POST", "/predictions", body, JSON, **headers) for _ in range(clients)))


async def guesses(port: int, clients: int = 200) -> Counter[int]:
    """Row 7: guess a password."""
    await asyncio.to_thread(signed_in, port)
    wrong = (account("somebody", secrets.token_hex()) for _ in range(clients))
    return await at_once(*(exchange(port, "POST", "/tokens", each, JSON) for each in wrong))


async def long_headers(port: int, clients: int = 300) -> Counter[int]:
    """Row 12: ask by long headers, each time others."""
    found = Counter[int]()
    for _ in range(0, clients, 10):
        ways = [f"text/{secrets.token_hex(4)};q=0.{'1' * 20_000}, */*;q=0.1" for _ in range(10)]
        found += await at_once(*(exchange(port, "GET", address(people(1)[0]), Accept=way) for way in ways))
    return found


async def changes(port: int, clients: int = 16) -> Counter[int]:
    """Row 14: look for changes that hardly any record reaches."""
    query = urlencode(people(1)[0] | {"target": "0.999"})
    return await at_once(*(exchange(port, "GET", f"/changes?{query}") for _ in range(clients)))


async def unfinished_uploads(port: int, clients: int = 4, size: int = 64 << 20) -> Counter[int]:
    """Row 15: upload large tables and do not finish."""
    part, opened = b"39," * 100_000, []
    for _ in range(clients):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("POST", "/probabilities", 2 * size, CSV, {}))
        for _ in range(size // len(part)):
            writer.write(part)
            await writer.drain()
        opened.append(writer)
    await asyncio.sleep(1)
    for writer in opened:
        writer.transport.abort()
    return Counter({0: clients})


async def pages(port: int, clients: int = 300) -> Counter[int]:
    """Ask for more pages than there are threads and places."""
    paths = ("/", "/model", "/docs", address(people(1)[0]))
    return await at_once(
        *(exchange(port, "GET", paths[each % len(paths)], Accept="text/html") for each in range(clients))
    )


async def everything(port: int) -> Counter[int]:
    """All of it at once."""
    found = await asyncio.gather(*(attack(port) for attack in ATTACKS.values() if attack is not everything))
    return sum(found, Counter[int]())


ATTACKS: dict[str, Attack] = {
    "1 slow bodies": slow_bodies,
    "2 unread answers": unread_answers,
    "3 large forms": large_forms,
    "4 empty objects": empty_objects,
    "5 registrations": registrations,
    "6 predictions": predictions,
    "7 guesses": guesses,
    "12 long headers": long_headers,
    "14 changes": changes,
    "15 unfinished uploads": unfinished_uploads,
    "pages": pages,
    "all at once": everything,
}


@dataclass
class Seen:
    """What happened under an attack."""

    statuses: Counter[int]
    seconds: float
    answers: int
    wrong: list[str]
    slowest: float
    before: float  # MB
    peak: float
    after: float


def resident(process: int) -> float:
    """Return the memory of the largest of a server's processes, in MB."""
    sizes = [0]
    with suppress(OSError):  # of a process that has just ended
        for each in tree(process):
            sizes.append(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    return max(sizes) / 1e6


def attacked(process: int, port: int, name: str, settle: float = 2.0) -> Seen:
    """Attack a server; return what happened to it and to a bystander."""
    before, peak, stop = resident(process), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peak.append(max(peak.pop(), resident(process)))

    watching, begin = threading.Thread(target=watch), time.perf_counter()
    watching.start()
    with Bystander(port).asking() as bystander:
        command = [sys.executable, "-m", "benchmarks.siege", "--only", name, "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - begin
    time.sleep(settle)
    stop.set()
    watching.join()
    statuses = Counter({int(status): count for status, count in json.loads(done.stdout).items()})
    return Seen(
        statuses,
        seconds,
        len(bystander.seconds),
        bystander.wrong,
        bystander.slowest,
        before,
        peak[0],
        resident(process),
    )


@contextmanager
def besieged(proxied: bool = False) -> Iterator[tuple[int, int]]:
    """Run a server as it ships; yield its process and the port to ask, which is nginx's if it stands in front."""
    port = free_port()
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="glassform-") as folder:
        settings = {"GLASSFORM_INSTANCE": f"{folder}/instance", "LOG_LEVEL": "CRITICAL"}
        command = [sys.executable, str(ROOT / "server.py"), "--port", str(port)]
        started = [(command, settings)]
        asked = free_port() if proxied else port
        if proxied:
            os.chmod(folder, 0o755)
            started.append((["nginx", "-c", str(proxy_settings(Path(folder), asked, port)), "-g", "daemon off;"], {}))
        processes = []
        for each, own in started:
            made = subprocess.Popen(each, cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL)
            stack.callback(made.wait, timeout=30)
            stack.callback(made.terminate)
            processes.append(made)
        answered(f"http://127.0.0.1:{asked}/health/ready")
        yield processes[0].pid, asked


def main() -> None:
    """Run the attacks and print a table, or one attack alone."""
    parser = argparse.ArgumentParser(description="Attack a server as a stranger would.")
    parser.add_argument("--only", choices=ATTACKS, help="this attack alone")
    parser.add_argument("--port", type=int, help="where a server already listens; print the statuses as JSON")
    parser.add_argument("--proxied", action="store_true", help="with nginx in front")
    options = parser.parse_args()
    if options.port:
        print(json.dumps(asyncio.run(ATTACKS[options.only](options.port))))
        return
    print(machine())
    print(f"{'attack':24}{'s':>6} {'bystander':>18}{'p99, ms':>9}{'MB: most':>11}{'after':>8}  statuses")
    for name in ATTACKS:
        if options.only in (None, name):
            with besieged(proxied=options.proxied) as (process, port):
                time.sleep(1)
                seen = attacked(process, port, name)
            assert not seen.statuses.keys() & FAILURES, seen.statuses
            right = f"{seen.answers - len(seen.wrong)} of {seen.answers}"
            grown = f"{seen.peak - seen.before:11.0f}{seen.after - seen.before:8.0f}"
            said = ", ".join(f"{status or 'cut'}: {count}" for status, count in sorted(seen.statuses.items()))
            print(f"{name:24}{seen.seconds:6.1f} {right:>18}{seen.slowest * 1000:9.0f}{grown}  {said}", flush=True)
            for wrong in seen.wrong[:3]:
                print(f"    {wrong}")


if __name__ == "__main__":
    main()
