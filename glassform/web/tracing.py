"""A request's place in a trace: the `traceparent` header, taken over into the log and the answer.

https://www.w3.org/TR/trace-context/
"""

import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from werkzeug.utils import import_string

from glassform.programs import extra

HEADER, KEY = "traceparent", "HTTP_TRACEPARENT"
# version, trace, parent, flags, and what later versions may add; no version is ff, and no id is all zeros
PARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)
KNOWN_FLAGS = 0b11  # sampled, and a random trace id; others mean nothing yet
OTLP, EXPORTERS, DISABLED = "otlp", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
WSGI = Callable[..., Iterable[bytes]]
log = logging.getLogger("glassform")


@dataclass(frozen=True)
class Trace:
    """What the log says of a request's trace, and the headers that its answer gets for it."""

    ids: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]


NONE = Trace({}, ())


class Tracing(NamedTuple):
    """How requests are traced.

    Attributes
    ----------
    traced
        What is laid around the application.
    trace_of
        What tells the trace of a request from its WSGI environment.
    """

    traced: Callable[[WSGI], WSGI]
    trace_of: Callable[[dict[str, Any]], Trace]


def chosen(environment: Mapping[str, str] = os.environ) -> Tracing:
    """Return how to trace: by OpenTelemetry if its variables name an exporter, else only what comes is taken over."""
    names = exporters(environment)
    if names:
        try:
            return import_string("glassform.web.spans.tracing")(names)  # type: ignore[no-any-return]
        except ImportError:
            log.warning("Requests are not traced: what %s brings is not installed.", extra("tracing"))
    return Tracing(lambda application: application, trace_of)


def exporters(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the exporters that OpenTelemetry's own variables ask for."""
    if environment.get(DISABLED, "").strip().lower() == "true":
        return []
    by_default = OTLP if any(map(environment.get, ENDPOINTS)) else ""
    named = (environment.get(EXPORTERS) or by_default).split(",")
    return [name for name in map(str.strip, named) if name not in ("", "none")]


def trace_of(environ: dict[str, Any]) -> Trace:
    """Return the trace that a request takes part in, with a new span of ours; none, if it names none."""
    return continued(environ[KEY]) if KEY in environ else NONE


def continued(header: str, span_id: str = "") -> Trace:
    """Return the trace of a `traceparent` header, with our own span; none, if the header is invalid."""
    found = PARENT.fullmatch(header)
    if not found or (found[1] == "00" and found[5]):
        return NONE
    _, trace_id, parent_id, flags, _ = found.groups()
    span_id = span_id or secrets.token_hex(8)
    ids = {"trace_id": trace_id, "span_id": span_id, "parent_span_id": parent_id}
    return Trace(ids, ((HEADER, f"00-{trace_id}-{span_id}-{int(flags, 16) & KNOWN_FLAGS:02x}"),))
