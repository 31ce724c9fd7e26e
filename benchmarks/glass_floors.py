"""The limits that the recipe must keep in `benchmarks.glass`: a line each, held or missed."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.glass_results import Results
from benchmarks.glass_scores import ERRORS, better_by, mean_scores, resampled

HELD, MISSED = "held  ", "MISSED"  # how a line begins
SEVEN, TWELVE = "census, 7 fields", "census, 12 fields"
BEATEN, OF = 15, 22  # tables on which the recipe should be better than boosting
NEAR = -0.002  # what the AUC may be below boosting's, at the lower end
SMALL, SECONDS = 1_500, 3.0  # rows below which a fit takes at most so long
LARGEST_GAP = 1e-9  # of a table from its pipeline, and of a margin from 0


@dataclass(frozen=True)
class Floor:
    """A limit that a score of the recipe must keep, on one table."""

    table: str
    score: str
    keeps: Callable[[float, float], bool]
    limit: float

    def told(self, found: float) -> str:
        """Say in one line whether it is held."""
        sign = "at least" if self.keeps is operator.ge else "at most"
        held = verdict(self.keeps(found, self.limit))
        return f"{held} {self.table}: {self.score} {found:.4g}, {sign} {self.limit:g}"


AT_LEAST: dict[str, dict[str, float]] = {
    "auc": {"fair": 0.755, "churn": 0.885, "hpc": 0.933, SEVEN: 0.8857, TWELVE: 0.927},
    "r2": {
        "diabetes": 0.478,
        "cars": 0.855,
        "wage1": 0.385,
        "sacramento": 0.668,
        "concrete": 0.885,
        "diamonds": 0.958,
    },
}
AT_MOST: dict[str, dict[str, float]] = {
    "log_loss": {
        "breast cancer": 0.080,
        "kidney": 0.400,
        "mroz": 0.537,
        "wine": 0.085,
        "iris": 0.085,
        "penguins": 0.018,
        "rossi": 0.080,
        "birthwt": 0.575,
        "titanic": 0.466,
        "attrition": 0.311,
        "seattle": 0.452,
        "credit": 0.428,
    },
    "brier": {SEVEN: 0.1124, TWELVE: 0.0880},
    "ece": {SEVEN: 0.010},
    "points": {SEVEN: 1_500, TWELVE: 3_500},
    "seconds": {SEVEN: 8.0, TWELVE: 20.0, "hpc": 15.0},
    "microseconds": {SEVEN: 2.0, TWELVE: 2.0},
}
FLOORS = [
    Floor(table, score, keeps, limit)
    for limits, keeps in ((AT_LEAST, operator.ge), (AT_MOST, operator.le))
    for score, each in limits.items()
    for table, limit in each.items()
]


def verdicts(measured: Mapping[str, Results]) -> list[str]:
    """Return a line for each floor: held or missed."""
    ours = {table: each for table, each in measured.items() if "ours" in each.rivals}
    lines = [
        floor.told(found)
        for floor in FLOORS
        if floor.table in ours and (found := of_recipe(ours[floor.table]).get(floor.score)) is not None
    ]
    return [*lines, *of_every_table(ours), *against_boosting(ours)]


def summary(lines: Sequence[str]) -> str:
    """Say how many limits are held, and which are missed."""
    missed = [line.removeprefix(MISSED).strip() for line in lines if line.startswith(MISSED)]
    told = f"Of {len(lines)} limits that were set before, {len(lines) - len(missed)} are held"
    return "\n".join([f"{told}; missed are:", "", *(f"- {each}" for each in missed)]) if missed else f"{told}."


def of_recipe(results: Results) -> dict[str, float]:
    """Return what floors are about: the scores of the recipe, its points, its seconds."""
    ours = results.rivals["ours"]
    costs = {"seconds": ours.seconds_a_fit, "microseconds": ours.microseconds}
    return mean_scores(results, "ours") | costs | ({"points": ours.points} if ours.points is not None else {})


def of_every_table(measured: Mapping[str, Results]) -> list[str]:
    """Return the floors of every table: straight lines, the exact table of points, the time of a small one."""
    lines = []
    for table, results in measured.items():
        ours = results.rivals["ours"]
        if "straight" in results.rivals:
            than = better_by(results, "ours", "straight")
            lines.append(
                f"{verdict(than.in_errors >= -ERRORS)} {table}: {than.mean:+.4f} ({than.error:.4f}) better than "
                f"straight lines, at least -{ERRORS:g} standard errors"
            )
        if ours.table_gap is not None and ours.margin is not None:
            lines += [
                Floor(table, "from the pipeline", operator.le, LARGEST_GAP).told(ours.table_gap),
                Floor(table, "margin of a pair", operator.le, LARGEST_GAP).told(ours.margin),
            ]
        if results.rows < SMALL:
            lines.append(Floor(table, "seconds", operator.le, SECONDS).told(ours.seconds_a_fit))
    return lines


def against_boosting(measured: Mapping[str, Results]) -> list[str]:
    """Return the floors that hold the recipe against boosting: on most tables, and on the census."""
    both = {table: each for table, each in measured.items() if "boosting" in each.rivals}
    folded = [each for each in both.values() if len(each.actual) > 1]
    better = sum(better_by(each, "ours", "boosting").mean > 0.0 for each in folded)
    lines = []
    if len(folded) == OF:
        lines.append(
            f"{verdict(better >= BEATEN)} better than boosting on {better} of {OF} tables, at least {BEATEN}"
        )
    if TWELVE in both:
        low, high = resampled(both[TWELVE], "ours", "boosting")
        held = verdict(low >= NEAR)
        lines.append(f"{held} {TWELVE}: AUC {low:+.4f} to {high:+.4f} above boosting, the lower at least {NEAR:g}")
    return lines


def verdict(is_held: bool) -> str:
    """Return the first word of a line."""
    return HELD if is_held else MISSED
