"""The chart of `benchmarks.glass`: how much less the recipe errs than straight lines and than boosting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from benchmarks.glass_results import Results
from benchmarks.glass_scores import ERRORS, better_by, main_score, mean_scores
from glassform.records.schema import NUMBER

PANELS = {"straight": "than straight lines", "boosting": "than boosted trees"}
LOW, HIGH, STEP = -60, 100, 20  # percent, of the axis; every other line has its number
NAMES, PANEL, SPACE, ROW, TOP, BOTTOM = 150, 300, 40, 20, 70, 52  # pixels
LEGEND = (
    "In percent of the other's log loss, or of what its R2 leaves unexplained; bars are two standard errors. "
    "Blue: better, orange: worse, grey: level."
)
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; }
.small { font-size: 11px; fill: #57606a; }
.grid { stroke: #d0d7de; }
.zero { stroke: #57606a; stroke-width: 1.5; }
.bar { stroke-width: 2; }
.better { stroke: #0969da; fill: #0969da; }
.worse { stroke: #bc4c00; fill: #bc4c00; }
.level { stroke: #6e7781; fill: #6e7781; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.small { fill: #9198a1; }
.grid { stroke: #30363d; }
.zero { stroke: #9198a1; }
.better { stroke: #58a6ff; fill: #58a6ff; }
.worse { stroke: #f0883e; fill: #f0883e; }
.level { stroke: #8b949e; fill: #8b949e; }
}
"""


@dataclass(frozen=True)
class Gain:
    """By how many percent the recipe errs less than another model, and the standard error of that."""

    percent: float
    error: float

    @property
    def kind(self) -> str:
        """Whether it is better, worse, or level within two errors."""
        if abs(self.percent) <= ERRORS * self.error:
            return "level"
        return "better" if self.percent > 0.0 else "worse"


def gain(results: Results, other: str) -> Gain:
    """Return how much less the recipe errs than another model: in log loss, or in what R2 leaves unexplained."""
    difference = better_by(results, "ours", other)
    theirs = mean_scores(results, other)[main_score(results.task)]
    whole = (1.0 - theirs if results.task == NUMBER else theirs) / 100.0
    return Gain(difference.mean / whole, difference.error / whole)


def chart(measured: Mapping[str, Results]) -> str:
    """Return the chart as SVG: a row a table, a panel for each model compared with."""
    gains = {
        table: {name: gain(results, name) for name in PANELS}
        for table, results in measured.items()
        if {"ours", *PANELS} <= results.rivals.keys()
    }
    order = sorted(gains, key=lambda table: -gains[table]["boosting"].percent)
    width, height = NAMES + len(PANELS) * (PANEL + SPACE), TOP + ROW * len(order) + BOTTOM
    drawn = [
        panel(place, title, order, [gains[table][name] for table in order], height)
        for place, (name, title) in enumerate(PANELS.items())
    ]
    names = [text(NAMES - 8, middle(row) + 4, table, anchor="end") for row, table in enumerate(order)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-labelledby="title">',
            f'<title id="title">{escape(told(gains))}</title>',
            f"<style>{STYLE}</style>",
            text(8, 22, "How much less a table of points errs", "head"),
            text(8, height - 8, LEGEND, "small"),
            *names,
            *(line for each in drawn for line in each),
            "</svg>\n",
        ]
    )


def told(gains: Mapping[str, Mapping[str, Gain]]) -> str:
    """Say in words what the chart shows."""
    counts = [
        f"{title} on {sum(each[name].percent > 0.0 for each in gains.values())}" for name, title in PANELS.items()
    ]
    return f"Of {len(gains)} tables, a table of points errs less {' and less '.join(counts)}."


def panel(place: int, title: str, order: Sequence[str], gains: Sequence[Gain], height: int) -> list[str]:
    """Return the lines of one panel."""
    left = NAMES + place * (PANEL + SPACE)
    bottom = height - BOTTOM
    drawn = [text(left + x_of(0.0), TOP - 16, title, "head", "middle")]
    for percent in range(LOW, HIGH + 1, STEP):
        x = left + x_of(percent)
        drawn.append(line(x, TOP - 6, x, bottom, "zero" if percent == 0 else "grid"))
        if percent % (2 * STEP) == 0:
            drawn.append(text(x, bottom + 16, f"{percent:+d}%" if percent else "0", "small", "middle"))
    for row, each in enumerate(gains):
        y, ends = middle(row), (each.percent - ERRORS * each.error, each.percent + ERRORS * each.error)
        drawn.append(line(left + x_of(ends[0]), y, left + x_of(ends[1]), y, f"bar {each.kind}"))
        drawn.append(f'<circle cx="{left + x_of(each.percent):.1f}" cy="{y}" r="4" class="{each.kind}"/>')
    return drawn


def x_of(percent: float) -> float:
    """Return where a percentage stands in a panel; what lies beyond the axis stands at its end."""
    return float(np.clip((percent - LOW) / (HIGH - LOW), 0.0, 1.0)) * PANEL


def middle(row: int) -> int:
    """Return the height of a row's middle."""
    return TOP + ROW * row + ROW // 2


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Return a text."""
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{of_kind}>{escape(words)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    """Return a line."""
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'
