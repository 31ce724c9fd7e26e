"""What `benchmarks.glass` has measured, kept as one JSON file per table, so that a long run can go on later."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glassform.files import written_whole

DIGITS = 9  # of a saved prediction


@dataclass
class Measured:
    """What one model gave the rows of each part, and what it cost.

    `seconds` (by the clock) and `processor_seconds` are those of fitting one part, `microseconds` those of one
    answer. Of a table of points, `points` counts them, `table_gap` is the largest difference from its pipeline,
    and `margin` the largest weighted mean over a row or a column of a pair. `recipes` says what was chosen for each
    part.
    """

    predicted: list[Any]
    seconds: list[float]
    processor_seconds: list[float]
    microseconds: float
    points: int | None = None
    table_gap: float | None = None
    margin: float | None = None
    recipes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seconds_a_fit(self) -> float:
        """The mean seconds of a fit: of the clock or the processor, the lesser, so a busy machine does not count."""
        both = [min(pair) for pair in zip(self.seconds, self.processor_seconds, strict=True)]
        return sum(both) / len(both)


@dataclass
class Results:
    """One table: its size, the outcomes of each part, and what was measured of each model."""

    rows: int
    fields: int
    task: str
    repeats: list[int]
    actual: list[list[float]]
    rivals: dict[str, Measured] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` wrote."""
        content = json.loads(path.read_text())
        rivals = {name: Measured(**each) for name, each in content.pop("rivals").items()}
        return cls(**content, rivals=rivals)


def rounded(predicted: np.ndarray) -> list[Any]:
    """Return predictions in as many digits as are saved."""
    found: list[Any] = [
        [float(f"{each:.{DIGITS}g}") for each in row] if np.ndim(row) else float(f"{row:.{DIGITS}g}")
        for row in predicted
    ]
    return found
