"""Spoiled bodies and files through every door: `python -m benchmarks.fuzz_doors 20000`.

No answer may be a failure of the server, take long, or tell of our code; memory stays.
"""

import argparse
import io
import re
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

import score
from benchmarks.spoiling import Input, inputs
from glassform.describing.columns import Undescribable
from glassform.describing.files import read_table
from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry
from server import create_app

LONGEST = 5.0  # seconds of one input
GROWTH = 200  # MB that a run may add once all doors were used
TOLD = re.compile(r"Traceback|File \"|\.py\b|site-packages|object at 0x|codec can't")
ENGINE_EVERY = 20  # inputs of the engine's door: it takes a hundred times as long as the others


class Failed(AssertionError):
    """An input that was not answered as it should be."""


class Doors:
    """Every door of one application, and what went through them."""

    def __init__(self, artifacts: Path, name: str, folder: Path) -> None:
        self.client = create_app(artifacts).test_client()
        self.artifacts, self.name, self.folder = artifacts, name, folder
        self.counts: Counter[str] = Counter()
        self.slowest, self.scored = 0.0, 0

    def put(self, given: Input) -> None:
        """Put an input through its door.

        Raises
        ------
        Failed
            If the answer is a failure, tells of our code, or takes too long.
        """
        begin = time.perf_counter()
        told = self.by_file(given) if given.door in ("add", "score") else self.by_web(given)
        seconds = time.perf_counter() - begin
        self.slowest = max(self.slowest, seconds)
        if seconds > LONGEST or TOLD.search(told):
            raise Failed(f"{given}: {seconds:.1f} s, {told[:400]}")

    def by_web(self, given: Input) -> str:
        """Send an input and return the text of the answer."""
        try:
            response = self.sent(given)
        except ValueError:
            if given.door != "query":
                raise
            return ""  # no client could send such an address
        self.counts[f"{response.status_code}"] += 1
        if response.status_code >= 500:
            raise Failed(f"{given}: {response.status_code}")
        return "" if response.status_code < 400 else str(response.text)

    def sent(self, given: Input) -> Any:
        """Send an input."""
        paths = {"json": "/probability", "form": "/probability", "predict": "/predict"}
        paths["infer"] = f"/v2/models/{self.name}/infer"
        options: dict[str, Any] = {"buffered": True, "headers": {"Accept": "application/json"}}
        if given.door == "query":
            return self.client.get(f"/probability?{given.body.decode('latin-1')}", **options)
        if given.door == "upload":
            file = (io.BytesIO(given.body), "table.csv", given.media_type or "text/csv")
            return self.client.post("/probabilities?on_error=report", data={"file": file}, **options)
        path = paths.get(given.door, "/probabilities")
        return self.client.post(path, data=given.body, content_type=given.media_type, **options)

    def by_file(self, given: Input) -> str:
        """Read a file to add it, or score it, and return what was said."""
        path = self.folder / "table.csv"
        path.write_bytes(given.body)
        try:
            if given.door == "add" or self.counts["score"] % ENGINE_EVERY:
                read_table(path)
            else:
                self.scored += 1
                words = [str(path), str(self.folder / "out.csv"), "--artifacts", str(self.artifacts)]
                score.main([*words, "--on-error", "null"])
            return ""
        except (Undescribable, SystemExit) as refused:
            return str(refused)
        finally:
            self.counts[given.door] += 1


def run(doors: Doors, record: dict[str, Any], count: int, seed: int) -> float:
    """Put inputs through the doors; return the MB that memory grew by after the first tenth."""
    process = psutil.Process()
    before = 0
    for number, given in enumerate(inputs(record, count, seed)):
        doors.put(given)
        if number == count // 10:
            before = process.memory_info().rss
    return float(process.memory_info().rss - before) / 1e6


def main() -> None:
    """Run from the command line and print what happened."""
    parser = argparse.ArgumentParser(description="Put spoiled bodies and files through every door.")
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--artifacts", type=Path, default=ARTIFACTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(options.artifacts, "adult", Path(folder))
        record = Registry(options.artifacts).load().typical
        begin = time.perf_counter()
        grown = run(doors, record, options.count, options.seed)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{options.count:,} inputs in {seconds:.0f} s, the slowest {doors.slowest:.2f} s; {doors.scored} by DuckDB")
    print(", ".join(f"{name}: {number:,}" for name, number in sorted(doors.counts.items())))
    print(f"memory grew by {grown:.0f} MB after the first tenth; at most {peak:.0f} MB")


if __name__ == "__main__":
    main()
