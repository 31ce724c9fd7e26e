"""Health checks and metrics."""

from http import HTTPStatus
from typing import Any, cast

from flask import current_app, request
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound

from glassform.accounts.visits import settings
from glassform.fitted.base import is_ready
from glassform.metrics import Metrics as Counts
from glassform.web.asked import fitted, served, tables
from glassform.web.resource import Resource

NOT_KEPT = {"Cache-Control": "no-store"}


class LiveAnswer(TypedDict):
    """The process is alive."""

    status: str


class ReadyAnswer(TypedDict):
    """Whether the model passes its self-test, its version, and why a newer one is not served."""

    status: str
    model: dict[str, str]
    rows_checked: int
    refused: str | None


class Live(Resource):
    """The process answers."""

    reads_query = True
    lane = "light"

    formats = ("json",)

    def get(self) -> tuple[LiveAnswer, int, dict[str, str]]:
        """Return that the process is alive."""
        return {"status": "alive"}, 200, NOT_KEPT


class Ready(Resource):
    """The model is loaded and passes its self-test."""

    reads_query = True
    lane = "light"

    formats = ("json",)
    failures = frozenset({503})

    def get(self) -> tuple[ReadyAnswer, int, dict[str, str]]:
        """Return whether the model passes its self-test; 503 if not."""
        card = fitted()
        ready = is_ready(card)
        answer: ReadyAnswer = {
            "status": "ready" if ready else "not ready",
            "model": card.model,
            "rows_checked": len(card.training["golden"]),
            "refused": served().refused or None,
        }
        return answer, 200 if ready else 503, NOT_KEPT


class Metrics(Resource):
    """Request counts: of all workers together or, of a single one, since it began."""

    tag = "metrics"
    formats = ("text",)

    def get(self) -> tuple[str, int, dict[str, str]]:
        """Return the counts in Prometheus's text format."""
        if settings().trusted_proxies and "X-Forwarded-For" in request.headers:
            raise NotFound  # metrics are for the operator, who asks the server directly
        counts = cast(Counts, current_app.extensions["metrics"])
        every = [table for _, table in tables()]
        refused = any(table.refused for table in every)
        return counts.text([table.current.model for table in every], refused), HTTPStatus.OK, NOT_KEPT

    def written(self, answer: Any) -> str:
        """Return the text as it is."""
        return str(answer)
