"""Drift: whether saved predictions look like the training data."""

from typing import Any

from typing_extensions import TypedDict

from glassform.accounts.history import remembered
from glassform.accounts.signing_in import signed_in_teacher
from glassform.analysis.drift import Drift, drifts
from glassform.records.field import Value
from glassform.resources.account_resource import Remembering
from glassform.web.asked import fitted, served

FEWEST_SHOWN = 100  # predictions; of fewer, chance alone moves every figure


class BinAnswer(TypedDict):
    """A bin, from `low` on for numbers, with its share in the training data and in the predictions."""

    low: Value
    trained: float
    asked: float


class DriftOfAnswer(TypedDict):
    """The population stability index of a field or the score, its noise level, and a verdict."""

    feature: str | None
    psi: float
    noise: float | None
    verdict: str
    bins: list[BinAnswer]
    foremost: int


class DriftAnswer(TypedDict):
    """The drift of the score, then of every field."""

    model: dict[str, str]
    predictions: int
    not_comparable: int
    drift: list[DriftOfAnswer]


class DriftReport(Remembering):
    """Drift: whether saved predictions look like the training data."""

    tag = "versions"

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return from how many predictions on the page shows figures."""
        return {"fewest": FEWEST_SHOWN}

    def get(self) -> DriftAnswer:
        """Return the population stability index of the score and of every field."""
        signed_in_teacher()
        card = fitted()
        known, unknown = remembered(served().name, card.schema)
        return {
            "model": card.model,
            "predictions": len(known),
            "not_comparable": unknown,
            "drift": [drift_answer(name, each) for name, each in drifts(card, known).items()],
        }


def drift_answer(feature: str | None, found: Drift) -> DriftOfAnswer:
    """Return the drift of a field, or of the score, as an answer."""
    return {
        "feature": feature,
        "psi": found.psi,
        "noise": found.noise if found.asked else None,
        "verdict": found.verdict,
        "bins": [
            {
                "low": each.low,
                "trained": each.trained / found.trained,
                "asked": each.asked / found.asked if found.asked else 0.0,
            }
            for each in found.bins
        ],
        "foremost": found.bins.index(found.foremost),
    }
