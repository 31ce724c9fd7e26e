"""Requests per second over HTTP, one worker each, as ratios: `python -m benchmarks.serving`.

All servers run at once and take turns, round after round, so that other load on the machine hits all of them
alike. The ratio is the median over the rounds. `/health/live` is a constant resource served by our own adapter, with
our headers. Needs wrk (Debian: `apt install wrk`).
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.measuring import address, commands, free_port, machine, people, serving

ROUNDS, SECONDS, CONNECTIONS, PEOPLE = 21, 1, 16, 2_000
SCRIPT = """
local requests, i = {{}}, 0
init = function()
  for place, url in ipairs({{ {urls} }}) do requests[place] = wrk.format("GET", url) end
end
request = function()
  i = i % #requests + 1
  return requests[i]
end
"""


def requests_per_second(port: int, script: Path, connections: int = CONNECTIONS) -> float:
    """Load a server with wrk and return its rate.

    Raises
    ------
    RuntimeError
        If any request failed.
    """
    load = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    printed = subprocess.run(load, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise RuntimeError(printed)
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])


BATCH, SENDERS = 1_000, 2
BATCH_SCRIPT = """
wrk.method, wrk.path = "POST", "/probabilities"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
"""


LIVE = "constant Flask-RESTful resource, our adapter"


def main() -> None:
    """Measure and print three tables."""
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; on Debian: apt install wrk")
    records = people(PEOPLE)
    urls = [address(person) for person in records]
    with tempfile.TemporaryDirectory() as folder:
        single, batch, live = (Path(folder) / f"{name}.lua" for name in ("people", "batch", "live"))
        single.write_text(SCRIPT.format(urls=", ".join(f'"{url}"' for url in urls)))
        live.write_text(SCRIPT.format(urls='"/health/live"'))
        batch.write_text(BATCH_SCRIPT.format(body=json.dumps(records[:BATCH])))
        with started(urls[0]) as ports:
            ours = next(iter(ports))
            print(f"{CONNECTIONS} connections, {PEOPLE:,} people, {ROUNDS} rounds of {SECONDS} s; {machine()}\n")
            compare(ports | {LIVE: ports[ours]}, {LIVE: live}, single, CONNECTIONS, "requests/s", 1)
            ports = {name: port for name, port in ports.items() if "constant" not in name}
            print(f"\n{SENDERS} connections, {BATCH:,} people a request, as a JSON array\n")
            compare(ports, {}, batch, SENDERS, "people/s", BATCH)
        with started(urls[0]) as one, started(urls[0], workers=2) as two:
            print("\nTwo workers against one\n")
            gains(one, two, single)


@contextmanager
def started(url: str, workers: int = 1) -> Iterator[dict[str, int]]:
    """Start all servers and yield their ports."""
    with ExitStack() as stack:
        ports = {name: free_port() for name in commands(0)}
        for name, port in ports.items():
            stack.enter_context(serving(commands(port, workers)[name], f"http://127.0.0.1:{port}{url}"))
        yield ports


def gains(one: dict[str, int], two: dict[str, int], script: Path) -> None:
    """Print how many times as many requests each server answers with two workers."""
    found: dict[str, list[float]] = {name: [] for name in one}
    for _ in range(ROUNDS):
        for name in one:
            alone = requests_per_second(one[name], script)
            found[name].append(requests_per_second(two[name], script) / alone)
    for name, ratios in found.items():
        print(f"{name:50} {statistics.median(ratios):.2f} x")


def compare(
    ports: dict[str, int], own: dict[str, Path], script: Path, connections: int, unit: str, factor: int
) -> None:
    """Load the servers in turn, round after round; print their rates and the first one's ratio to each.

    Some have a script of their `own`.
    """
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(factor * requests_per_second(port, own.get(name, script), connections))
    ours = next(iter(rates.values()))
    print(f"{'server':50} {unit:>10}  Glassform is")
    for name, measured in rates.items():
        ratio = statistics.median(mine / other for mine, other in zip(ours, measured, strict=True))
        print(f"{name:50} {statistics.median(measured):10,.0f}  {ratio:.2f} x")


if __name__ == "__main__":
    main()
