"""Seconds from process start to the first answer, and memory, as ratios: `python -m benchmarks.starting`.

Memory is that of a server which would be alone on its machine: a page of a library that other programs share counts.
"""

import statistics
import time
from collections import defaultdict
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.measuring import address, commands, free_port, machine, people, serving

ROUNDS = 7
REQUESTS, SECONDS_OF_REST = 1_000, 10  # before the memory is read
MEGABYTE = 1024  # of what the kernel counts in


def memory(process: int) -> dict[str, float]:
    """Return the memory of a process tree in MB: its `largest` process, and `all` with shared pages counted once.

    What relatives share without a file came by a fork, and the kernel divides it among them. Of a file's shared pages
    as many count as the relative that has most of them has.
    """
    resident, total = [], 0.0
    shared: dict[str, float] = defaultdict(float)
    for each in tree(process):
        mine, of_files = 0.0, defaultdict[str, float](float)
        for is_file, name, sizes in mappings(each):
            mine += sizes["Rss"]
            total += sizes["Private_Clean"] + sizes["Private_Dirty"] if is_file else sizes["Pss"]
            if is_file:
                of_files[name] += sizes["Shared_Clean"] + sizes["Shared_Dirty"]
        for name, size in of_files.items():
            shared[name] = max(shared[name], size)
        resident.append(mine)
    return {"largest": max(resident) / MEGABYTE, "all": (total + sum(shared.values())) / MEGABYTE}


def mappings(process: int) -> list[tuple[bool, str, dict[str, float]]]:
    """Return the mappings of a process: whether of a file, its name, and its sizes in kB."""
    found: list[tuple[bool, str, dict[str, float]]] = []
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            name = rest[4] if len(rest) > 4 else ""
            found.append((name.startswith("/"), name, {}))
        elif len(rest) == 2 and rest[1] == "kB":
            found[-1][2][first[:-1]] = float(rest[0])
    return found


def tree(process: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in tree(int(child)))]


def ask(port: int, urls: list[str]) -> None:
    """Send requests over one connection."""
    connection = HTTPConnection("127.0.0.1", port)
    for url in urls:
        connection.request("GET", url)
        connection.getresponse().read()
    connection.close()


def main() -> None:
    """Measure and print a table."""
    urls = [address(person) for person in people(REQUESTS)]
    print(f"median of {ROUNDS} starts, model trained; {machine()}\n")
    print(f"{'server':50} {'seconds':>8} {'worker MB':>10} {'all MB':>8}  against Glassform")
    ours = 0.0
    for name in commands(0):
        seconds, sizes = [], []
        for _ in range(ROUNDS):
            port = free_port()
            with serving(commands(port)[name], f"http://127.0.0.1:{port}{urls[0]}") as (process, took):
                seconds.append(took)
                ask(port, urls)
                time.sleep(SECONDS_OF_REST)
                sizes.append(memory(process.pid))
        took = statistics.median(seconds)
        ours = ours or took
        largest, total = (statistics.median(size[kind] for size in sizes) for kind in ("largest", "all"))
        print(f"{name:50} {took:8.2f} {largest:10.0f} {total:8.0f}  {took / ours:.1f} x the time")


if __name__ == "__main__":
    main()
