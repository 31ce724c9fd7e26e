"""Whether the server is alive and ready to answer."""

from typing_extensions import TypedDict

from glassform.fitted.base import is_ready
from glassform.web.asked import fitted, served
from glassform.web.resource import Resource

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
