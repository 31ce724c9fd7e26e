"""A span for each request, by OpenTelemetry; nothing imports this unless its variables ask for it.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from flask import has_request_context, request
from opentelemetry import context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from werkzeug.wsgi import ClosingIterator

from glassform.metrics import METHODS
from glassform.web.addresses import in_braces
from glassform.web.tracing import HEADER, KEY, OTLP, WSGI, Trace, Tracing, continued

GROUP = "opentelemetry_traces_exporter"  # where every exporter's package names what it has
PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
PROTOCOL_OF = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
STATE, STATE_KEY = "tracestate", "HTTP_TRACESTATE"
SECONDS_TO_FLUSH = 3  # for the last spans, once a process ends
log = logging.getLogger("glassform")


def tracing(names: list[str]) -> Tracing:
    """Return how to trace with the exporters of these names."""
    provider = TracerProvider(resource=named())
    for exporter in found(names):
        provider.add_span_processor(BatchSpanProcessor(exporter))
    threading.Thread(target=flush, args=(provider, threading.main_thread()), name="last-spans").start()
    return of(provider)


def of(provider: TracerProvider) -> Tracing:
    """Return how to trace with what a provider does with its spans."""
    return Tracing(partial(partial, answered, provider.get_tracer("glassform")), trace_of)


def named() -> Resource:
    """Return the name of this service: what OpenTelemetry's variables say, or ours."""
    resource = Resource.create()
    is_named = not str(resource.attributes[SERVICE_NAME]).startswith("unknown_service")
    return resource if is_named else resource.merge(Resource({SERVICE_NAME: "glassform"}))


def found(names: list[str]) -> Iterator[SpanExporter]:
    """Yield the exporters that are installed of those that are named, and warn of others."""
    protocol = next(filter(None, map(os.environ.get, PROTOCOL_OF)), "http/protobuf")
    for name in names:
        wanted = PROTOCOLS.get(protocol, protocol) if name == OTLP else name
        installed = [*entry_points(group=GROUP, name=wanted)]
        if installed:
            yield installed[0].load()()
        else:
            log.warning("No trace goes to the exporter %s: it is not installed.", wanted)


def flush(provider: TracerProvider, main: threading.Thread) -> None:
    """Send the last spans once the main thread has ended, but wait for nobody who does not take them.

    A forked worker ends without Python's own hooks for the end of a process, yet waits for its threads.
    """
    main.join()
    last = threading.Thread(target=provider.shutdown, daemon=True)
    last.start()
    last.join(SECONDS_TO_FLUSH)


def answered(
    tracer: Tracer, application: WSGI, environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Have an application answer within a span, which ends with the last part of the answer."""
    method, path = environ["REQUEST_METHOD"], environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    known = method if method in METHODS else "_OTHER"
    # never the query, which holds the record
    attributes = {"http.request.method": known, "url.path": path, "url.scheme": environ["wsgi.url_scheme"]}
    if known != method:
        attributes["http.request.method_original"] = method
    span = tracer.start_span(known if known == method else "HTTP", parent_of(environ), SpanKind.SERVER, attributes)
    token = context.attach(set_span_in_context(span))

    def start(status: str, *rest: Any) -> Any:
        tell(span, environ, int(status[:3]))
        return start_response(status, *rest)

    try:
        return ClosingIterator(application(environ, start), [span.end])
    except BaseException as error:
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(StatusCode.ERROR)
        span.end()
        raise
    finally:
        context.detach(token)


def parent_of(environ: dict[str, Any]) -> context.Context:
    """Return the trace that a request takes part in."""
    keys = ((HEADER, KEY), (STATE, STATE_KEY))
    carrier = {name: environ[key] for name, key in keys if key in environ}
    return TraceContextTextMapPropagator().extract(carrier, context.Context())


def tell(span: Span, environ: dict[str, Any], status: int) -> None:
    """Write into a span which resource answered, and how."""
    if has_request_context() and request.url_rule is not None:
        route = environ["SCRIPT_NAME"] + in_braces(request.url_rule.rule)
        span.set_attribute("http.route", route)
        span.update_name(f"{request.method} {route}")
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def trace_of(environ: dict[str, Any]) -> Trace:
    """Return the trace of a request, whose span is the current one."""
    ours = get_current_span().get_span_context()
    span_id = format_span_id(ours.span_id)
    trace = continued(environ.get(KEY, ""), span_id)
    return trace if trace.ids else Trace({"trace_id": format_trace_id(ours.trace_id), "span_id": span_id}, ())
