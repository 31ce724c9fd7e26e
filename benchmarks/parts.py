"""Where the time of one answer goes, in microseconds of processor time: `python -m benchmarks.parts`.

Each part is called alone, in this process, so the parts do not add up exactly to the whole.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response

from benchmarks.constant import app as constant
from benchmarks.measuring import machine, people
from glassform.hosting.adapter import Adapter, environ_of
from glassform.web.formats import as_json, etag
from glassform.web.resource import Light
from server import create_app

ROUNDS, CALLS = 7, 3_000
MICROSECONDS = 1e6
CLIENT = ("127.0.0.1", 50_000)
Call = Callable[[], Awaitable[object]]


def scope_of(query: str) -> dict[str, Any]:
    """Return a GET of /probability as ASGI describes it."""
    described = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "client": CLIENT}
    address = {"path": "/probability", "raw_path": b"/probability", "query_string": query.encode()}
    return described | address | {"headers": [(b"host", b"127.0.0.1")], "server": ("127.0.0.1", 5000)}


def answered(app: Flask, scope: dict[str, Any]) -> list[tuple[str, str]]:
    """Answer a request by WSGI; return the headers."""
    headers: list[tuple[str, str]] = []

    def start(status: str, given: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
        headers.extend(given)
        return headers.append  # type: ignore[return-value]  # PEP 3333 wants a function, which nobody calls

    parts = app.wsgi_app(environ_of(scope) | {"wsgi.input": BytesIO()}, start)
    b"".join(parts)
    getattr(parts, "close", lambda: None)()
    return headers


async def receive() -> dict[str, Any]:
    """Receive nothing: there is no body."""
    return {}


async def send(message: dict[str, Any]) -> None:
    """Send into the void."""


def plain_flask() -> Flask:
    """Make an application whose only view returns a response that is ready."""
    app, ready = Flask("plain"), Response(b"{}", content_type="application/json")
    app.add_url_rule("/probability", "probability", lambda: ready)
    return app


def parts() -> dict[str, Call | Callable[[], object]]:
    """Return what is timed, by name."""
    query = urlencode(people(1)[0])
    scope, app, bare = scope_of(query), create_app(), plain_flask()
    adapter, card = Adapter(app, 1), app.extensions["tables"].default.current
    record = card.schema.read_query(query)
    answer, environ, headers = card.explain(record), environ_of(scope), answered(app, scope)
    body, counts = as_json(answer), app.extensions["metrics"]
    view, table = adapter.lanes.place_of("/probability", "GET")
    names = {name: value for name, value in headers if name in ("Cache-Control", "ETag", "Vary")}
    return {
        "the whole answer, through our adapter": lambda: adapter(scope, receive, send),
        "the whole answer, by WSGI": lambda: answered(app, scope),
        "a constant Flask-RESTful resource, by WSGI": lambda: answered(constant, scope),
        "Flask: context, routing, signals": lambda: answered(bare, scope),
        "read the record": lambda: card.schema.read_query(query),
        "explain it": lambda: card.explain(record),
        "write JSON and its ETag": lambda: etag(as_json(answer), "json"),
        "make the response": lambda: Light(body, 200, names, content_type="application/json"),
        "count the request": lambda: counts.count("probability", "GET", "200", 0.001),
        "adapter: describe the request": lambda: environ_of(scope),
        "adapter: choose the lane": lambda: (
            adapter.lanes.place_of("/probability", "GET"),
            adapter.lanes.lane_of(view.view_class, table, environ),
        ),
        "adapter: write 13 headers": lambda: adapter.start_of(200, headers),
    }


async def timed(call: Callable[[], Any]) -> float:
    """Return the microseconds of a call, the least of some rounds."""
    least = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(CALLS):
            given = call()
            if asyncio.iscoroutine(given):
                await given
        least = min(least, (time.process_time() - begin) / CALLS)
    return MICROSECONDS * least


def main() -> None:
    """Measure and print a table."""
    print(f"least of {ROUNDS} rounds of {CALLS:,} calls; {machine()}\n")
    for name, call in parts().items():
        print(f"{name:50} {asyncio.run(timed(call)):6.1f}")


if __name__ == "__main__":
    main()
