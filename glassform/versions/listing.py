"""Versions as text, and the differences of two."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from glassform.fitted.additive import Additive, Points
from glassform.fitted.base import Fitted
from glassform.fitted.pairs import Pair, Side
from glassform.fitted.titles import both, cell_titles, names_of, titles_in_full
from glassform.languages import current as spoken
from glassform.programs import how_to
from glassform.records.field import NOT_KNOWN, Field, Value
from glassform.versions.manifest import Beside, Comparison, Manifest, Version, judge, known
from glassform.versions.registry import Registry

MEASURES = {  # measures and their titles
    "roc_auc": "ROC AUC",
    "brier_score": "Brier",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "r2": "R²",
    "mae": "MAE",
}


@dataclass(frozen=True)
class Difference:
    """The points of one value, or the intercept, under two versions, in log-odds; None where a version lacks it.

    The points of two features together are those of the pair, as `one:other`, with the names of both levels as value.
    `title` is the value in words.
    """

    feature: str
    value: Value
    current: float | None
    candidate: float | None
    title: str = ""

    @property
    def size(self) -> float:
        """The size of the difference; infinite if a version lacks the value."""
        if self.current is None or self.candidate is None:
            return float("inf")
        return abs(self.candidate - self.current)


def differences(current: Fitted, candidate: Fitted) -> list[Difference]:
    """Return every value's and pair's points under both versions, the largest difference first; scorecards only."""
    if not (isinstance(current, Additive) and isinstance(candidate, Additive)):
        return []
    cards = (current, candidate)
    found = [Difference("intercept", "", current.intercept, candidate.intercept)]
    for name in dict.fromkeys([*current.points, *candidate.points]):
        found += apart(named(cards, name), name, *(card.points.get(name) for card in cards))
    for name in dict.fromkeys([*current.pairs, *candidate.pairs]):
        found += apart_together(cards, *(card.pairs.get(name) for card in cards))
    return sorted(found, key=lambda each: each.size, reverse=True)


def named(cards: Sequence[Additive], name: str) -> Field:
    """Return a field as the newest version that has it describes it."""
    return next(card.schemas[spoken()].by_name[name] for card in reversed(cards) if name in card.schema.by_name)


def apart(field: Field, name: str, older: Points | None, newer: Points | None) -> list[Difference]:
    """Return the points of every value of a feature under both versions."""
    values = dict.fromkeys(level for points in (older, newer) if points for level in points.levels)
    ordered = [
        *sorted(each for each in values if not isinstance(each, str)),
        *(each for each in values if isinstance(each, str)),
    ]
    titles = titles_in_full(field, ordered)
    return [
        Difference(name, value, points_at(older, value), points_at(newer, value), title)
        for value, title in zip(ordered, titles, strict=True)
    ]


def points_at(points: Points | None, value: Value) -> float | None:
    """Return the points of a value; none, if there are none. Between the knots of a curve there are."""
    if points is None or ((isinstance(value, str) or not points.linear) and value not in points.by_value):
        return None
    return points.at(value)


def apart_together(cards: Sequence[Additive], older: Pair | None, newer: Pair | None) -> list[Difference]:
    """Return the points of two features together under both versions; a version without the pair adds nothing there.

    Where the versions cut a number into other ranges, every range of either is cut.
    """
    pair = next(each for each in (newer, older) if each)
    sides = [merged([each.sides[at] for each in (older, newer) if each]) for at in (0, 1)]
    names = [*map(names_of, sides)]
    titles = [cell_titles(named(cards, side.feature), side) for side in sides]
    cells = [[*zip(*each, strict=True)] for each in zip(names, titles, map(samples, sides), strict=True)]
    return [
        Difference(
            pair.name,
            f"{name}, {other}",
            together(older, sample, another),
            together(newer, sample, another),
            both(title, second),
        )
        for name, title, sample in cells[0]
        for other, second, another in cells[1]
    ]


def merged(several: Sequence[Side]) -> Side:
    """Return the levels or ranges of a feature in any of several pairs."""
    levels = dict.fromkeys(level for side in several for level in side.levels)
    edges = sorted({edge for side in several for edge in side.edges})
    return Side(several[0].feature, (*levels,), (*edges,), any(side.has_gaps for side in several))


def samples(side: Side) -> list[Value]:
    """Return a value of each cell."""
    return [*side.levels] or [-math.inf, *side.edges, *([NOT_KNOWN] if side.has_gaps else [])]


def together(pair: Pair | None, first: Value, second: Value) -> float | None:
    """Return the points of two values, 0 without the pair; none, if it lacks a value."""
    if pair is None:
        return 0.0
    try:
        return pair.at(first, second)
    except KeyError:
        return None


def summary(version: str, manifest: Manifest) -> str:
    """Return a version in one line: current or not, date, measures."""
    sign, found = "*" if version == manifest.current else " ", manifest.versions[version]
    measures = "  ".join(f"{MEASURES.get(name, name)} {value:.4f}" for name, value in found.measures.items())
    verdict = f"  {verdict_of(found)}" if found.comparison else ""
    unused = f"  without {', '.join(found.without)}" if found.without else ""
    return f"{sign} {version}  {found.created:%Y-%m-%d %H:%M}  {found.rows:,} rows  {measures}{verdict}{unused}"


def verdict_of(version: Version) -> str:
    """Return the gates' verdict in words."""
    assert version.comparison is not None
    failed = [gate["measure"] for gate in judge(version.comparison) if not gate["passed"]]
    return f"fails {', '.join(failed)}" if failed else "passes the gates"


def listing(registry: Registry) -> str:
    """Return all versions, a line each, the current one with a star."""
    manifest = registry.manifest()
    lines = [summary(version, manifest) for version in manifest.versions]
    return "\n".join(lines) or f"There is no version yet; `{how_to('train')}` trains one."


def account(comparison: Comparison) -> str:
    """Return a comparison as text to read."""
    lines = [f"On {comparison.rows:,} test rows, beside version {comparison.other}:"]
    for gate in judge(comparison):
        sign = "ok  " if gate["passed"] else "FAIL"
        lines.append(
            f"  {sign} {gate['measure']:<24} {gate['current']:8.4f} -> {gate['candidate']:8.4f}"
            f"  (may lose {gate['allowed_loss']})"
        )
    lines.append(f"  {comparison.raised:,} of them rise above 50%, {comparison.lowered:,} fall below it.")
    return "\n".join(lines)


def account_beside(beside: Beside, by_group: bool = True) -> str:
    """Return as text how a sibling answers beside the version with all fields, and on average by group, if wanted."""
    lines = [f"On {beside.rows:,} test rows, beside version {beside.other}, which uses all fields:"]
    for name, each in beside.measures.items():
        said = f"  {MEASURES.get(name, name):<10} {each.whole:8.4f} -> {each.sibling:8.4f}  ({each.difference:+.4f}"
        low, high = each.interval or (None, None)
        lines.append(f"{said}, 95% interval {low:+.4f} to {high:+.4f})" if each.interval else f"{said})")
    for name, groups in beside.means.items() if by_group else ():
        for category, (rows, whole, sibling) in groups.items():
            if isinstance(whole, float) and isinstance(sibling, float):
                lines.append(f"  mean of {name} {category}: {whole:.4g} -> {sibling:.4g}  ({rows:,} rows)")
    return "\n".join(lines)


def show(registry: Registry, version: str, most: int = 15) -> str:
    """Return a description of a version: its comparison, and its differences from the current one."""
    manifest = registry.manifest()
    registered = known(manifest, version)
    candidate = registry.read(version, registered)
    lines = [summary(version, manifest)]
    if registered.beside is not None:
        lines += ["", account_beside(registered.beside)]
    if registered.comparison is not None:
        lines += ["", account(registered.comparison)]
    if manifest.current not in (None, version):
        current, _ = registry.standing(manifest)
        lines += ["", f"Points, in log-odds, where they differ most from those of version {current.version}:"]
        for each in differences(current, candidate)[:most]:
            older, newer = ("none" if side is None else f"{side:+.4f}" for side in (each.current, each.candidate))
            lines.append(f"  {each.feature:<20} {each.title:<28} {older:>8} -> {newer:>8}")
    for event in manifest.events:
        if event.version == version:
            lines.append(f"{event.how} {event.at:%Y-%m-%d %H:%M} by {event.by}")
    return "\n".join(lines)
