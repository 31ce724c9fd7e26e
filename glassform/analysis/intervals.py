"""Intervals of scores and groups for calibration: only from enough rows, only within the possible range."""

import math
from typing import Any

from glassform.analysis.thresholds import Rate

FEWEST_ROWS = 50  # of a test, for intervals of its scores
SMALLEST_GROUP = 20  # rows, of those that calibration compares
MOST_GROUPS = 10
SHARES = {"accuracy"}  # scores that are a share of the rows
ANY = (-math.inf, math.inf)
RANGES = {
    "roc_auc": (0.0, 1.0),
    "average_precision": (0.0, 1.0),
    "brier_score": (0.0, 2.0),
    "log_loss": (0.0, math.inf),
    "r2": (-math.inf, 1.0),
    "mae": (0.0, math.inf),
    "rmse": (0.0, math.inf),
}


def interval_of(name: str, score: float | None, rows: int, ends: list[float] | None) -> list[float] | None:
    """Return a score's 95% interval: a share's own, or the `ends` that resampling gave, within the possible range.

    None if the rows are too few for one, or if all resamples gave the same.
    """
    if score is None or rows < FEWEST_ROWS:
        return None
    if name in SHARES:
        return Rate(round(score * rows), rows).interval
    if ends is None or not all(map(math.isfinite, ends)):
        return None
    lowest, highest = RANGES.get(name, ANY)
    low, high = (min(max(end, lowest), highest) for end in ends)
    return [low, high] if low < high else None


def number_of_groups(rows: int) -> int:
    """Return into how many groups calibration divides the rows: ten at most; none where two would be too small."""
    most = min(MOST_GROUPS, rows // SMALLEST_GROUP)
    return most if most > 1 else 0


def merge(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join neighbouring groups that are too small; return none where two would be."""
    merged: list[dict[str, Any]] = []
    for group in groups:
        if merged and merged[-1]["rows"] < SMALLEST_GROUP:
            merged[-1] = joined(merged[-1], group)
        else:
            merged.append(group)
    if len(merged) > 1 and merged[-1]["rows"] < SMALLEST_GROUP:
        last = merged.pop()
        merged[-1] = joined(merged[-1], last)
    return merged if len(merged) > 1 else []


def joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return two groups as one."""
    rows = first["rows"] + second["rows"]
    share = second["rows"] / rows
    means = {name: first[name] + share * (second[name] - first[name]) for name in ("predicted", "observed")}
    interval = {"interval": Rate(round(means["observed"] * rows), rows).interval} if "interval" in first else {}
    return {"rows": rows, **means, **interval}


def largest_gap(groups: list[dict[str, Any]]) -> float | None:
    """Return the largest difference between a group's mean prediction and mean outcome; None without groups."""
    return max((abs(each["predicted"] - each["observed"]) for each in groups), default=None)


def presentable(measured: dict[str, Any]) -> dict[str, Any]:
    """Return an evaluation as it may be shown; one that was saved before these rules may break them."""
    groups = merge(measured["calibration"])
    found: dict[str, Any] = {"calibration": groups}
    if "intervals" in measured:
        found["intervals"] = {
            name: interval_of(name, measured[name], measured["rows"], ends)
            for name, ends in measured["intervals"].items()
        }
    if "largest_calibration_gap" in measured:
        found["largest_calibration_gap"] = largest_gap(groups)
    return measured | found
