"""A trace that comes with a request goes on in the log, in the answer and, with OpenTelemetry, in a span."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from benchmarks.measuring import free_port
from glassform.web import spans, tracing
from tests.conftest import ROOT, documented, serving, wait_for

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (HEADER, "01"),
        (f"00-{TRACE}-{PARENT}-00", "00"),
        (f"00-{TRACE}-{PARENT}-02", "02"),
        (f"00-{TRACE}-{PARENT}-ff", "03"),  # of the flags that mean nothing yet none is passed on
        (f"01-{TRACE}-{PARENT}-01", "01"),  # a later version, with and without what it adds
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", "01"),
        (f"fe-{TRACE}-{PARENT}-01-", "01"),
    ],
)
def test_a_valid_traceparent_goes_on_with_a_span_of_our_own(header, flags):
    trace = tracing.continued(header)
    ours = trace.ids["span_id"]
    assert re.fullmatch("[0-9a-f]{16}", ours) and ours != PARENT
    assert trace.ids == {"trace_id": TRACE, "span_id": ours, "parent_span_id": PARENT}
    assert trace.headers == (("traceparent", f"00-{TRACE}-{ours}-{flags}"),)


INVALID = [
    "",
    "00",
    HEADER.upper(),
    f"{HEADER}-more",  # only later versions say more
    f"{HEADER}-",
    f"01-{TRACE}-{PARENT}-01.what",
    f"{HEADER} ",
    f"{HEADER}\n",
    f"{HEADER},{HEADER}",  # given twice
    f"ff-{TRACE}-{PARENT}-01",
    f"0-{TRACE}-{PARENT}-01",
    f"00-{TRACE[1:]}-{PARENT}-01",
    f"00-{TRACE}0-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-{PARENT}",
    f"00-{TRACE}-{PARENT}-1",
    f"00-{TRACE}-{PARENT}-0x",
    f"00-{TRACE}-{PARENT[:-1]}٠-01",  # a digit, yet no ASCII
    f"00_{TRACE}_{PARENT}_01",
]


@pytest.mark.parametrize("header", INVALID)
def test_an_invalid_traceparent_is_ignored(header):
    assert tracing.continued(header) == tracing.NONE


def test_the_answer_and_the_log_name_the_trace(client, caplog):
    response = client.get("/probability?age=x", headers={"traceparent": HEADER})
    line = json.loads(caplog.records[0].getMessage())
    assert (line["trace_id"], line["parent_span_id"]) == (TRACE, PARENT)
    assert response.headers.getlist("traceparent") == [f"00-{TRACE}-{line['span_id']}-01"]
    again = client.get("/probability?age=x", headers={"traceparent": HEADER})
    assert again.headers["traceparent"] != response.headers["traceparent"]


@pytest.mark.parametrize("headers", [{}, {"traceparent": HEADER.upper()}, {"tracestate": "a=1"}])
def test_without_a_trace_nothing_is_said_of_one(client, caplog, headers):
    response = client.get("/probability?age=x", headers=headers)
    assert not {"traceparent", "tracestate", "traceresponse"} & {name.lower() for name, _ in response.headers}
    assert not {"trace_id", "span_id"} & json.loads(caplog.records[0].getMessage()).keys()


# OpenTelemetry, if its variables ask for it.


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "glass"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp"]),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, []),
        ({"OTEL_TRACES_EXPORTER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, []),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false"}, ["otlp"]),
    ],
)
def test_opentelemetrys_own_variables_say_where_spans_go(environment, names):
    assert tracing.exporters(environment) == names


def test_a_process_that_traces_nothing_imports_nothing_for_it(scorecard):
    code = (
        "import sys; from server import create_app; client = create_app().test_client()\n"
        f"assert client.get('/examples', headers={{'traceparent': '{HEADER}'}}).headers['traceparent']\n"
        "assert not {'opentelemetry', 'glassform.web.spans'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_without_the_packages_a_server_warns_and_answers(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "glassform.web.spans", None)
    found = tracing.chosen({"OTEL_TRACES_EXPORTER": "otlp"})
    assert found.trace_of({"HTTP_TRACEPARENT": HEADER}).ids["trace_id"] == TRACE
    assert "requirements-tracing.txt" in caplog.text


def test_an_exporter_that_is_not_installed_is_left_out_with_a_warning(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert [type(each).__name__ for each in spans.found(["otlp", "console", "nowhere"])] == ["ConsoleSpanExporter"]
    assert "otlp_proto_grpc" in caplog.text and "nowhere" in caplog.text


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(app, paths, kept, monkeypatch) -> Iterator[FlaskClient]:
    """A client of an application whose spans are kept in memory."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "chosen", lambda: spans.of(provider))
    with documented(paths) as made:
        yield made.test_client()


def only(kept: InMemorySpanExporter) -> ReadableSpan:
    (span,) = kept.get_finished_spans()
    return span


def test_a_request_is_a_span_with_its_route_and_never_its_query(traced, kept, record):
    headers = {"traceparent": HEADER, "tracestate": "a=1"}
    response = traced.get("/probability", query_string=record, headers=headers, buffered=True)
    span = only(kept)
    assert response.status_code == 200 and (span.name, span.kind) == ("GET /probability", SpanKind.SERVER)
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/probability",
        "url.scheme": "http",
        "http.route": "/probability",
        "http.response.status_code": 200,
    }
    assert span.context is not None and span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert span.context.trace_state.get("a") == "1" and span.status.status_code is StatusCode.UNSET
    assert response.headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"


def test_a_trace_begins_here_if_none_comes(traced, kept, caplog):
    response = traced.get("/iris/probability?x=1", buffered=True)
    span, line = only(kept), json.loads(caplog.records[0].getMessage())
    assert span.context is not None and span.parent is None and "traceparent" not in response.headers
    assert line["trace_id"] == f"{span.context.trace_id:032x}" and line["span_id"] == f"{span.context.span_id:016x}"
    assert span.attributes is not None and span.attributes["http.route"] == "/iris/probability"


def test_a_route_has_its_variables_in_braces(traced, kept):
    traced.get("/iris/scorecard.json", buffered=True)
    span = only(kept)
    assert span.attributes is not None and span.attributes["http.route"] == "/iris/scorecard.{suffix}"
    assert span.name == "GET /iris/scorecard.{suffix}"


def test_a_span_of_no_resource_has_no_route_and_one_of_a_made_up_method_is_named_http(traced, kept):
    traced.open("/nowhere", method="MADEUP", buffered=True)
    span = only(kept)
    assert span.attributes is not None and span.name == "HTTP" and "http.route" not in span.attributes
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "MADEUP"


def test_a_failure_of_ours_is_an_error_of_its_span_and_a_refusal_is_none(kept):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))

    def application(environ, start_response):
        start_response(environ["PATH_INFO"][1:], [])
        yield b""

    def ask(path: str) -> ReadableSpan:
        kept.clear()
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "wsgi.url_scheme": "http"}
        answer: Any = spans.of(provider).traced(application)(environ, lambda *_: None)
        with closing(answer):
            assert not kept.get_finished_spans(), "a span ends with its answer"
            [*answer].clear()
        return only(kept)

    assert ask("/422 no record").status.status_code is StatusCode.UNSET
    failed = ask("/503 full")
    assert failed.status.status_code is StatusCode.ERROR and failed.attributes is not None
    assert failed.attributes["error.type"] == "503"


def test_an_application_that_fails_altogether_leaves_an_error_without_its_words(kept):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "wsgi.url_scheme": "http"}
    with pytest.raises(ZeroDivisionError):
        spans.of(provider).traced(lambda *_: [b"" * (1 // 0)])(environ, lambda *_: None)
    span = only(kept)
    assert span.attributes is not None and span.attributes["error.type"] == "ZeroDivisionError"
    assert span.status.description is None and not span.events


class Collector(BaseHTTPRequestHandler):
    """Takes spans as a collector does, by OTLP over HTTP."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """The address of a collector, and what it received."""
    received: list[ExportTraceServiceRequest] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Collector,), {"received": received}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_every_worker_sends_its_spans_even_the_last_ones(scorecard, collector, record):
    (address, received), port = collector, free_port()
    # far later than this test: what comes, comes because the workers end
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "LOG_LEVEL": "CRITICAL",
    }
    with serving("--port", str(port), "--workers", "2", environment=environment):
        wait_for(f"http://127.0.0.1:{port}/health/live")
        for _ in range(20):
            url = f"http://127.0.0.1:{port}/probability?{urlencode(record)}"
            urlopen(Request(url, headers={"traceparent": HEADER, "Connection": "close"})).close()
    sent = [(each, scope) for request in received for each in request.resource_spans for scope in each.scope_spans]
    services = {
        each.value.string_value
        for sender, _ in sent
        for each in sender.resource.attributes
        if each.key == "service.name"
    }
    found = [span for _, scope in sent for span in scope.spans if span.name == "GET /probability"]
    assert services == {"glassform"} and len(found) == 20
    assert {span.trace_id.hex() for span in found} == {TRACE} and len({span.span_id for span in found}) == 20
    assert next(iter(record)) + "=" not in str(received)
