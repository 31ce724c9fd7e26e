"""What `benchmarks.glass` has measured, as tables for docs/design.md."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.glass_results import Results
from benchmarks.glass_rivals import RIVALS
from benchmarks.glass_scores import Difference, better_by, main_score, mean_scores
from glassform.records.schema import NUMBER

COMPARED = ("straight", "boosting", "tuned", "ebm")  # with the recipe, in pairs


def markdown(measured: Mapping[str, Results]) -> str:
    """Return all tables."""
    return "\n\n".join([scores_table(measured), costs_table(measured), tables_table(measured)])


def tried(measured: Mapping[str, Results]) -> list[str]:
    """Return the models that were tried on any table, in their order."""
    return [name for name in RIVALS if any(name in each.rivals for each in measured.values())]


def lines_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def scores_table(measured: Mapping[str, Results]) -> str:
    """Return the scores of every model on every table, the best main score in bold, and what the recipe has more."""
    names = tried(measured)
    compared = [name for name in COMPARED if name in names]
    header = [
        "table (rows, fields)",
        *(RIVALS[name].title for name in names),
        *(f"better than {RIVALS[name].title} by (error)" for name in compared),
    ]
    rows = []
    for table, results in measured.items():
        found = {name: mean_scores(results, name) for name in names if name in results.rivals}
        rows.append(
            [
                f"{table} ({results.rows:,}, {results.fields})",
                *scores_cells(results, found, names),
                *(
                    difference(better_by(results, "ours", name)) if {name, "ours"} <= found.keys() else ""
                    for name in compared
                ),
            ]
        )
    return lines_of(header, rows)


def scores_cells(results: Results, found: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> list[str]:
    """Return the scores of each model: R2, or log loss, AUC and calibration error."""
    main = main_score(results.task)
    best = (max if results.task == NUMBER else min)((each[main] for each in found.values()), default=0.0)
    cells = []
    for name in names:
        if name not in found:
            cells.append("")
            continue
        several = [without_zero(found[name][score]) for score in (main, "auc", "ece") if score in found[name]]
        if found[name][main] == best:
            several[0] = f"**{several[0]}**"
        cells.append(" / ".join(several))
    return cells


def without_zero(number: float, digits: int = 4) -> str:
    """Return a number with some decimals, without the zero before the point."""
    return f"{number:.{digits}f}".replace("0.", ".", 1) if abs(number) < 1.0 else f"{number:.{digits}f}"


def difference(found: Difference) -> str:
    """Return a paired difference and its error."""
    sign = "+" if found.mean >= 0.0 else "-"
    return f"{sign}{without_zero(abs(found.mean))} ({without_zero(found.error)})"


def costs_table(measured: Mapping[str, Results]) -> str:
    """Return what each model costs: the median over the tables, and what the largest costs most."""
    rows = []
    for name in tried(measured):
        each = [results.rivals[name] for results in measured.values() if name in results.rivals]
        rows.append(
            [
                RIVALS[name].title,
                spread([one.seconds_a_fit for one in each]),
                f"{median(one.microseconds for one in each):,.1f}",
            ]
        )
    header = ["model", "seconds a fit: median, most", "microseconds an answer"]
    return lines_of(header, rows)


def spread(costs: Sequence[float]) -> str:
    """Return the median and the largest of some costs."""
    return f"{median(costs):.2f}, {max(costs):.1f}"


def tables_table(measured: Mapping[str, Results]) -> str:
    """Return what the recipe's own table of points costs on every table."""
    rows = []
    for table, results in measured.items():
        ours = results.rivals.get("ours")
        if ours is None or ours.points is None:
            continue
        rows.append(
            [
                table,
                chosen_in(ours.recipes),
                f"{ours.seconds_a_fit:.1f}",
                f"{ours.points:,}",
                f"{ours.microseconds:.1f}",
                f"{ours.table_gap:.0e}",
                f"{ours.margin:.0e}",
            ]
        )
    header = [
        "table",
        "shapes; pairs",
        "seconds",
        "points",
        "microseconds",
        "from the pipeline",
        "margins",
    ]
    return lines_of(header, rows)


def chosen_in(recipes: Sequence[Mapping[str, Any]]) -> str:
    """Say which families of curves were chosen, each with its number of parts, and how many pairs."""
    families = Counter(each["family"] for each in recipes).most_common()
    several = ", ".join(f"{family} {count}" if len(recipes) > 1 else family for family, count in families)
    counts = sorted({len(each["pairs"]) for each in recipes})
    return f"{several}; {counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{several}; {counts[0]}"
