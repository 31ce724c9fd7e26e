"""How good the predictions of `benchmarks.glass` are: scores, and paired differences with errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

from benchmarks.glass_results import Results
from glassform.records.schema import BINARY, NUMBER

GROUPS = 10  # of equal size, for the calibration error
DRAWS, OUTER = 1_000, (2.5, 97.5)  # of the paired bootstrap, and the percentiles that are its interval's ends
ERRORS = 2.0  # standard errors that a difference may be, and still be noise
FLOOR = 1e-15  # of a probability, so that it has a logarithm


@dataclass(frozen=True)
class Difference:
    """What one model has more than another, paired by part or by row, with the standard error."""

    mean: float
    error: float

    @property
    def in_errors(self) -> float:
        """How many standard errors it is."""
        return self.mean / self.error if self.error else 0.0 if not self.mean else np.copysign(np.inf, self.mean)


def main_score(task: str) -> str:
    """Return the score that models are compared by: the log loss, or R2 of a number."""
    return "r2" if task == NUMBER else "log_loss"


def scores(task: str, y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores of some rows."""
    if task == NUMBER:
        return {"r2": float(metrics.r2_score(y, predicted))}
    probabilities = np.column_stack([1.0 - predicted, predicted]) if task == BINARY else predicted
    hits = y[:, None] == np.arange(probabilities.shape[1])
    area: Any = metrics.roc_auc_score
    sure = probabilities[:, 1] if task == BINARY else probabilities.max(axis=1)
    right = y if task == BINARY else probabilities.argmax(axis=1) == y
    return {
        "auc": float(
            area(y, sure) if task == BINARY else area(y, normed(probabilities), multi_class="ovr", average="macro")
        ),
        "log_loss": float(row_losses(task, y, predicted).mean()),
        "brier": float(((probabilities - hits) ** 2).sum(axis=1).mean() / (2.0 if task == BINARY else 1.0)),
        "ece": calibration_error(right, sure),
    }


def normed(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities that sum to 1 exactly, which a saved prediction does in nine digits only."""
    found: np.ndarray = probabilities / probabilities.sum(axis=1, keepdims=True)
    return found


def row_losses(task: str, y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the loss of each row: minus the logarithm of its outcome's probability, or the squared error."""
    if task == NUMBER:
        squares: np.ndarray = (y - predicted) ** 2
        return squares
    own = np.where(y == 1, predicted, 1.0 - predicted) if task == BINARY else predicted[np.arange(len(y)), y]
    logarithms: np.ndarray = np.log(np.clip(own, FLOOR, 1.0))
    return -logarithms


def calibration_error(right: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean distance of predicted and observed share over ten groups of equal size, by probability."""
    groups = np.array_split(np.argsort(probability, kind="stable"), GROUPS)
    gaps = [abs(probability[group].mean() - right[group].mean()) * len(group) for group in groups if len(group)]
    return float(sum(gaps) / len(right))


def parts(results: Results, rival: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return outcomes and predictions of each part."""
    kind = float if results.task == NUMBER else int
    predicted = results.rivals[rival].predicted
    return [(np.array(y, dtype=kind), np.array(each)) for y, each in zip(results.actual, predicted, strict=True)]


def mean_scores(results: Results, rival: str) -> dict[str, float]:
    """Return the mean of each score over the parts; the calibration error is that of all rows of a repeat."""
    found = [scores(results.task, *part) for part in parts(results, rival)]
    means = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    if "ece" in means:
        whole = [scores(results.task, *each)["ece"] for each in repeats(results, rival)]
        means["ece"] = float(np.mean(whole))
    return means


def repeats(results: Results, rival: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return outcomes and predictions of each repeat: all rows once."""
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for repeat, part in zip(results.repeats, parts(results, rival), strict=True):
        found.setdefault(repeat, []).append(part)
    return [tuple(map(np.concatenate, zip(*several, strict=True))) for several in found.values()]  # type: ignore[misc]


def better_by(results: Results, one: str, other: str) -> Difference:
    """Return by how much one model is better than another: less log loss, or more R2.

    With several parts the error is that of the parts' mean: it is too small rather than too large, since training
    rows overlap. With one part it is that of its rows.
    """
    sign = 1.0 if results.task == NUMBER else -1.0
    pairs = [*zip(parts(results, one), parts(results, other), strict=True)]
    if len(pairs) == 1:
        (y, ours), (_, theirs) = pairs[0]
        differences = row_losses(results.task, y, theirs) - row_losses(results.task, y, ours)
        differences = differences / y.var() if results.task == NUMBER else differences
    else:
        name = main_score(results.task)
        differences = np.array(
            [
                sign * (scores(results.task, *ours)[name] - scores(results.task, *theirs)[name])
                for ours, theirs in pairs
            ]
        )
    return Difference(float(differences.mean()), float(differences.std(ddof=1) / len(differences) ** 0.5))


def resampled(results: Results, one: str, other: str) -> tuple[float, float]:
    """Return the 95% interval, by a paired bootstrap of the rows, of what one model's AUC is above another's."""
    (y, ours), (_, theirs) = parts(results, one)[0], parts(results, other)[0]
    chance, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        rows = chance.integers(len(y), size=len(y))
        found.append(auc(y[rows], ours[rows]) - auc(y[rows], theirs[rows]))
    low, high = np.percentile(found, OUTER)
    return float(low), float(high)


def auc(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the area under the ROC curve of two classes."""
    return float(metrics.roc_auc_score(y, predicted))
