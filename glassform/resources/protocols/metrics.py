"""What the server has done so far, for whoever watches it."""

from http import HTTPStatus
from typing import Any, cast

from flask import current_app, request
from werkzeug.exceptions import NotFound

from glassform.accounts.rates import settings
from glassform.metrics import Metrics as Counts
from glassform.resources.protocols.health import NOT_KEPT
from glassform.web.asked import tables
from glassform.web.resource import Resource


class Metrics(Resource):
    """Counts of requests, of all workers together."""

    formats = ("text",)
    suffixed = False

    def get(self) -> tuple[str, int, dict[str, str]]:
        """Return the counts in Prometheus's text format."""
        if settings().trusted_proxies and "X-Forwarded-For" in request.headers:
            raise NotFound  # they are for whoever runs the server, who asks it directly
        counts = cast(Counts, current_app.extensions["metrics"])
        every = [table for _, table in tables()]
        refused = any(table.refused for table in every)
        return counts.text([table.current.model for table in every], refused), HTTPStatus.OK, NOT_KEPT

    def written(self, answer: Any) -> str:
        """Return the text as it is."""
        return str(answer)
