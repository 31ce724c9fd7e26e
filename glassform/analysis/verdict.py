"""What a card says first: whether a model is good, and for whom it is worse."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from glassform.analysis.intervals import FEWEST_ROWS, SMALLEST_GROUP
from glassform.languages import gettext
from glassform.records.schema import BINARY, NUMBER, Schema

BETTER, ALIKE, WORSE, FEW = "better", "alike", "worse", "few"
SHORT = {"roc_auc": "AUC", "r2": "R²"}  # names of scores in a sentence


def compared(name: str, evaluation: dict[str, Any], higher_is_better: bool) -> str:
    """Compare a score with that of the same answer for all: better, alike, worse; few, if the rows cannot tell."""
    base, score = evaluation["comparison"]["base_rate"][name], evaluation[name]
    if base is None or score is None or evaluation["rows"] < FEWEST_ROWS:
        return FEW
    low, high = evaluation["intervals"][name] or (score, score)
    if low <= base <= high:
        return ALIKE
    return BETTER if (low > base) == higher_is_better else WORSE


def goodness(task: str, evaluation: dict[str, Any]) -> str:
    """Compare a model with the same answer for all, by its most telling score."""
    return compared("r2", evaluation, True) if task == NUMBER else compared("brier_score", evaluation, False)


def told_of(rivals: dict[str, Any], name: str) -> tuple[str, dict[str, str]]:
    """Return whether a rival is better, alike or worse, and the words for its score beside the model's own."""
    ours, theirs = rivals["scores"]["this"], rivals["scores"][name]
    words = {"measure": SHORT[rivals["score"]], "ours": f"{ours:.3f}", "theirs": f"{theirs:.3f}"}
    return rivals["differences"][name]["verdict"], words


def beside_an_opaque_model(rivals: dict[str, Any]) -> str:
    """Say in one sentence whether an opaque model would do better on the same table."""
    opaque, words = told_of(rivals, "boosting")
    if opaque == BETTER:
        return gettext("An opaque model would err less here: %(measure)s %(theirs)s against %(ours)s.", **words)
    if opaque == WORSE:
        return gettext(
            "As good as an opaque model here, or better: %(measure)s %(ours)s against %(theirs)s.", **words
        )
    return gettext("As good as an opaque model here: %(measure)s %(ours)s, and %(theirs)s for the other.", **words)


def beside_straight_lines(rivals: dict[str, Any]) -> str:
    """Say in one sentence what curves and pairs gain over straight lines."""
    lines, words = told_of(rivals, "linear")
    if lines == WORSE:
        return gettext("Straight lines alone would err more: %(measure)s %(theirs)s.", **words)
    if lines == BETTER:
        return gettext("Straight lines alone would err less: %(measure)s %(theirs)s.", **words)
    return gettext("Straight lines alone would do as well: %(measure)s %(theirs)s.", **words)


@dataclass(frozen=True)
class Unequal:
    """Two groups of a field that a model serves unequally: the titles, and the lowest and the highest figure."""

    field: str
    lowest: str
    highest: str
    low: float
    high: float


def most_unequal(fields: Iterable[tuple[str, dict[str, float]]]) -> Unequal | None:
    """Return the groups furthest apart in a figure, of any field; None if no two groups can be compared."""
    found = []
    for title, figures in fields:
        if len(figures) > 1:
            lowest, highest = min(figures, key=figures.__getitem__), max(figures, key=figures.__getitem__)
            found.append(Unequal(title, lowest, highest, figures[lowest], figures[highest]))
    return max(found, key=lambda each: each.high - each.low, default=None)


def unequal(dictionary: Schema, groups: dict[str, Any]) -> Unequal | None:
    """Return the groups that a model serves most unequally: by true positive rate, accuracy or mean error."""
    if dictionary.task == BINARY:
        figures = {
            name: {
                group["title"]: group["rates"]["true_positive_rate"]["value"]
                for group in compared_groups["groups"]
                if not group["small"]
            }
            for name, compared_groups in groups.items()
        }
    else:
        score = "mae" if dictionary.task == NUMBER else "accuracy"
        figures = {
            name: large({dictionary.by_name[name].title_of(value): each for value, each in measured.items()}, score)
            for name, measured in groups.items()
        }
    return most_unequal((dictionary.by_name[name].title, each) for name, each in figures.items())


def large(groups: dict[str, dict[str, Any]], name: str) -> dict[str, float]:
    """Return a score of every group that has the rows to tell."""
    return {
        title: measured[name]
        for title, measured in groups.items()
        if measured["rows"] >= SMALLEST_GROUP and measured[name] is not None
    }
