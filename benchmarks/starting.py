"""Seconds from process start to the first answer, and memory, as ratios: `python -m benchmarks.starting`."""

import statistics
from pathlib import Path

from benchmarks.measuring import address, commands, free_port, machine, people, serving

ROUNDS = 7


def memory(process: int) -> dict[str, float]:
    """Return the memory of a process tree in MB: its `largest` process, and `all` with shared pages counted once."""
    sizes = []
    for each in tree(process):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:]
        fields = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
        sizes.append((fields["Rss:"], fields["Pss:"]))
    return {"largest": max(resident for resident, _ in sizes), "all": sum(share for _, share in sizes)}


def tree(process: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in tree(int(child)))]


def main() -> None:
    """Measure and print a table."""
    first = address(people(1)[0])
    print(f"median of {ROUNDS} starts, model trained; {machine()}\n")
    print(f"{'server':50} {'seconds':>8} {'worker MB':>10} {'all MB':>8}  against Glassform")
    ours = 0.0
    for name in commands(0):
        seconds, sizes = [], []
        for _ in range(ROUNDS):
            port = free_port()
            with serving(commands(port)[name], f"http://127.0.0.1:{port}{first}") as (process, took):
                seconds.append(took)
                sizes.append(memory(process.pid))
        took = statistics.median(seconds)
        ours = ours or took
        largest, total = (statistics.median(size[kind] for size in sizes) for kind in ("largest", "all"))
        print(f"{name:50} {took:8.2f} {largest:10.0f} {total:8.0f}  {took / ours:.1f} x the time")


if __name__ == "__main__":
    main()
