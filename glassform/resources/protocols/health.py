"""Whether the server is alive and ready to answer."""

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.web.asked import fitted, served
from glassform.web.resource import Resource

NEARLY = 1e-9  # of what a pipeline gave, by which it may differ
NOT_KEPT = {"Cache-Control": "no-store"}


class LiveAnswer(TypedDict):
    """That the process answers."""

    status: str


class ReadyAnswer(TypedDict):
    """Whether the model answers as it did when it was trained, and which it is; why a newer one is not served."""

    status: str
    model: dict[str, str]
    rows_checked: int
    refused: str | None


class Live(Resource):
    """The process answers."""

    reads_query = True

    formats = ("json",)

    def get(self) -> tuple[LiveAnswer, int, dict[str, str]]:
        """Return that the process is alive."""
        return {"status": "alive"}, 200, NOT_KEPT


class Ready(Resource):
    """The model is loaded and gives the answer it gave when it was trained."""

    reads_query = True

    formats = ("json",)
    failures = frozenset({503})

    def get(self) -> tuple[ReadyAnswer, int, dict[str, str]]:
        """Return whether the model answers, and which it is; 503 if it does not."""
        card = fitted()
        ready = is_ready(card)
        answer: ReadyAnswer = {
            "status": "ready" if ready else "not ready",
            "model": card.model,
            "rows_checked": len(card.training["golden"]),
            "refused": served().refused or None,
        }
        return answer, 200 if ready else 503, NOT_KEPT


def is_ready(card: Fitted) -> bool:
    """Tell whether a model gives the answers it gave when it was trained.

    A table of points gives exactly these; a pipeline, as exactly as another machine's arithmetic lets it.
    """
    golden = card.training["golden"]
    try:
        found = card.all_sums([card.row(row["record"]) for row in golden])
    except UnreadableArtifact:
        return False
    allowed = 0.0 if card.is_additive else NEARLY
    pairs = ((a, b) for sums, row in zip(found, golden, strict=True) for a, b in paired(sums, row["sums"]))
    return all(abs(a - b) <= allowed * max(1.0, abs(b)) for a, b in pairs)


def paired(found: Any, expected: Any) -> Iterable[tuple[float, float]]:
    """Return the sums of one record with those expected: one pair, or one per class."""
    return zip(found, expected, strict=True) if isinstance(expected, list) else [(found, expected)]
