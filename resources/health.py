"""Whether the server is alive and ready to answer."""

from typing_extensions import TypedDict

from representations import Resource
from scorecard import Scorecard
from serving import scorecard, served

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
        card = scorecard()
        ready = is_ready(card)
        answer: ReadyAnswer = {
            "status": "ready" if ready else "not ready",
            "model": card.model,
            "rows_checked": len(card.training["golden"]),
            "refused": served().refused or None,
        }
        return answer, 200 if ready else 503, NOT_KEPT


def is_ready(card: Scorecard) -> bool:
    """Tell whether a model gives exactly the answers it gave when it was trained."""
    return all(card.log_odds(row["record"]) == row["log_odds"] for row in card.training["golden"])
