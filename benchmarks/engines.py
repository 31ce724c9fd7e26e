"""Speed of scoring and training through an engine, as ratios: `python -m benchmarks.engines`.

This writes two tables and a chart, `docs/scale.svg`. At full size it takes about twenty minutes and 20 GB of disk;
`--rows 1000000` is enough to see the ratios.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from matplotlib import pyplot

from benchmarks.measuring import PACKAGE, ROOT, machine, people
from glassform.learning.estimators import fit
from glassform.learning.recipe import Recipe
from glassform.learning.saving import load_pipeline
from glassform.learning.table import count, read
from glassform.records.schema import Schema
from glassform.versions.registry import Registry
from model import build_pipeline

ROUNDS = 5
PANDAS_ROWS = 1_000_000  # the pipeline needs 1.5 GB for a million rows; its cost per row stays the same
DIRECT_ROWS = 3_000_000  # a direct fit needs 1 GB for a million rows
SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
CSV = "data/adult_test.csv"


def make(path: Path, rows: int) -> None:
    """Write a table of `rows` rows: the test split, repeated."""
    source = f"read_csv('{ROOT / CSV}', all_varchar=true)"
    times = rows // 16_281 + 1
    duckdb.sql("SET enable_progress_bar = false")
    duckdb.sql(f"COPY (SELECT s.* FROM {source} s, range({times}) LIMIT {rows}) TO '{path}' (HEADER)")


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def copied(source: Path, destination: Path) -> None:
    """Copy a table unchanged with the same engine."""
    code = f"import duckdb; duckdb.sql(\"COPY (FROM read_csv('{source}')) TO '{destination}' (FORMAT csv, HEADER)\")"
    subprocess.run([sys.executable, "-c", code], check=True)


def scored(source: Path, destination: Path) -> float:
    """Score a table with `score.py`; return its peak memory in MB."""
    # /proc, because `wait4` also counts memory of the process that started this one
    code = "import sys, score; score.main(sys.argv[1:]); print(open('/proc/self/status').read())"
    command = [sys.executable, "-c", code, str(source), str(destination)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stdout.partition("VmHWM:")[2].split()[0]) / 1024


def with_pandas(source: Path, destination: Path) -> None:
    """Score a table in the common way: read it, call the pipeline, write it."""
    schema, pipeline = Schema.from_file(PACKAGE), load_pipeline()
    table = pd.read_csv(source, keep_default_na=False)
    X = table[[field.column for field in schema.fields]].set_axis(list(schema.by_name), axis=1)
    table.assign(probability=pipeline.predict_proba(X)[:, 1]).to_csv(destination, index=False)


def compare_scoring(folder: Path, rows: int) -> None:
    """Print the rows per second of `score.py`, of a plain copy and of pandas."""
    source, out = folder / f"{rows}.csv", folder / "out.csv"
    make(source, rows)
    small = folder / "small.csv"
    make(small, min(PANDAS_ROWS, rows))
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "python score.py": (partial(scored, source, out), rows),
        "DuckDB's plain copy of the file": (partial(copied, source, out), rows),
        "pandas, pipeline, to_csv": (partial(with_pandas, small, out), min(PANDAS_ROWS, rows)),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (work, people_scored) in ways.items():
            speeds[name].append(people_scored / timed(work))
    ours = next(iter(speeds.values()))
    print(f"\n| CSV of {rows:,} rows to CSV | rows/s | score.py is |\n|---|---|---|")
    for name, measured in speeds.items():
        ratio = statistics.median(mine / other for mine, other in zip(ours, measured, strict=True))
        print(f"| {name} | {statistics.median(measured):,.0f} | {ratio:.2f} x |")


def compare_training(folder: Path, rows: int) -> None:
    """Print how long counting and fitting takes, and how long a direct fit takes."""
    schema, source = Schema.from_file(PACKAGE), folder / f"{rows}.csv"
    counted = timed(lambda: fit(build_pipeline(schema, Recipe()), count(schema, [str(source)], "duckdb", "")))
    split = read(schema, schema.own["test"], PACKAGE.parent)
    direct = min(DIRECT_ROWS, rows)
    times = direct // len(split.y) + 1
    X, y = pd.concat([split.X] * times, ignore_index=True)[:direct], np.tile(split.y, times)[:direct]
    seconds = timed(lambda: build_pipeline(schema, Recipe()).fit(X, y))
    ratio = (seconds / direct) / (counted / rows)
    print(
        f"\n| training | rows | seconds | rows/s |\n|---|---|---|---|\n| read CSV, count and fit | {rows:,} |", end=""
    )
    print(f" {counted:.1f} | {rows / counted:,.0f} |\n| fit alone, directly | {direct:,} | {seconds:.1f} |", end="")
    print(f" {direct / seconds:,.0f} |\n\nCounting is {ratio:.0f} x as fast per row, with reading.")


def compare_single() -> None:
    """Print how long one record takes with the table of points and with the pipeline."""
    card, pipeline, (record,) = Registry().load(), load_pipeline(), people(1)
    table = min(timeit.repeat(lambda: card.sums(record), number=100_000, repeat=5)) / 100_000
    row = min(timeit.repeat(lambda: pipeline.predict_proba(pd.DataFrame([record])), number=50, repeat=5)) / 50
    print(f"\nOne record: table {table * 1e6:.2f} us, pipeline {row * 1e6:,.0f} us: {row / table:,.0f} x.")


def grow(folder: Path, most: int) -> None:
    """Print time and memory at growing sizes, and draw a chart."""
    print("\n| rows | seconds | peak MB |\n|---|---|---|")
    found = []
    for rows in [size for size in SIZES if size <= most]:
        source, out = folder / f"{rows}.csv", folder / "out.csv"
        if not source.exists():
            make(source, rows)
        begin = time.perf_counter()
        peak = scored(source, out)
        found.append((rows, time.perf_counter() - begin, peak))
        print(f"| {rows:,} | {found[-1][1]:.1f} | {peak:,.0f} |", flush=True)
        out.unlink()
    draw(found, ROOT / "docs" / "scale.svg")


def draw(found: list[tuple[int, float, float]], path: Path) -> None:
    """Draw seconds and memory against rows, with the slope at the end."""
    rows, seconds, peaks = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    slope = np.diff(np.log(seconds))[-1] / np.diff(np.log(rows))[-1]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.loglog(rows, seconds, "o-", color="#0b7285")
    left.set(title=f"Seconds (slope of the last stretch: {slope:.2f})", ylim=(1, 100))
    right.semilogx(rows, peaks, "o-", color="#e8590c")
    right.set(title="Peak memory, MB", ylim=(0, 1.3 * peaks.max()))
    left.yaxis.set_major_formatter("{x:g}")
    for axes in (left, right):
        axes.set_xlabel("rows")
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
    print(f"\nSlope of the last stretch, in logarithms: {slope:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table for the comparisons")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="rows of the largest table")
    options = parser.parse_args()
    print(f"{machine()}; medians of {ROUNDS} rounds; model {json.dumps(Registry().load().model)}")
    compare_single()
    with tempfile.TemporaryDirectory() as folder:
        compare_scoring(Path(folder), options.rows)
        compare_training(Path(folder), options.rows)
        grow(Path(folder), options.most)


if __name__ == "__main__":
    main()
