"""The time of an assistant's call beside that of a plain request: `python -m benchmarks.assistants`.

The tool `predict` at `/mcp` and POST `/probability` answer about the same people in turns, at one server and then in
this process. The ratio is the median over the rounds. Needs wrk (Debian: `apt install wrk`).
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from benchmarks.measuring import free_port, machine, people, serving
from benchmarks.serving import requests_per_second
from glassform.resources.assistants.messages import CAPABILITIES, STATELESS, VERSION
from server import create_app

ROUNDS, PEOPLE = 15, 1_000
META = {VERSION: STATELESS, CAPABILITIES: {}}
HEADERS = {"MCP-Protocol-Version": STATELESS, "Mcp-Method": "tools/call", "Mcp-Name": "predict"}
SCRIPT = """
local bodies, i = {{ {bodies} }}, 0
wrk.method, wrk.path = "POST", "{path}"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
{headers}
request = function()
  i = i % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[i])
end
"""


def script(path: str, bodies: list[Any], headers: dict[str, str]) -> str:
    """Return what wrk sends."""
    texts = ", ".join(f"[==[{json.dumps(body)}]==]" for body in bodies)
    named = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    return SCRIPT.format(bodies=texts, path=path, headers=named)


def called(record: Any) -> dict[str, Any]:
    """Return the message that calls the tool."""
    params = {"name": "predict", "arguments": {"record": record}, "_meta": META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def over_http(records: list[Any]) -> list[tuple[float, float]]:
    """Return the requests per second of both, round by round, at a server."""
    port = free_port()
    command = [sys.executable, "server.py", "--port", str(port)]
    with serving(command, f"http://127.0.0.1:{port}/health/ready"), tempfile.TemporaryDirectory() as folder:
        plain, assistant = Path(folder) / "plain.lua", Path(folder) / "assistant.lua"
        plain.write_text(script("/probability", records, {}))
        assistant.write_text(script("/mcp", [called(each) for each in records], HEADERS))
        return [(requests_per_second(port, plain), requests_per_second(port, assistant)) for _ in range(ROUNDS)]


def in_process(records: list[Any]) -> list[tuple[float, float]]:
    """Return the same without a server: the application is called as WSGI has it."""
    app, messages = create_app(), [called(each) for each in records]
    return [
        (calls_per_second(app, "/probability", records, {}), calls_per_second(app, "/mcp", messages, HEADERS))
        for _ in range(ROUNDS)
    ]


def calls_per_second(app: Flask, path: str, bodies: list[Any], headers: dict[str, str]) -> float:
    """Return how many requests a second an application answers.

    Raises
    ------
    RuntimeError
        If any request failed.
    """
    named = [*headers.items()]
    environs = [EnvironBuilder(path, method="POST", json=each, headers=named).get_environ() for each in bodies]
    statuses = set[str]()
    begin = time.perf_counter()
    for environ in environs:
        b"".join(app.wsgi_app(environ, lambda status, headers: statuses.add(status)))  # type: ignore[arg-type]
    seconds = time.perf_counter() - begin
    if statuses != {"200 OK"}:
        raise RuntimeError(statuses)
    return len(environs) / seconds


def main() -> None:
    """Measure and print both rates, and the ratio of their times."""
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; on Debian: apt install wrk")
    records = people(PEOPLE)
    print(f"{PEOPLE:,} people, median of {ROUNDS} rounds; {machine()}\n")
    for name, measured in (("over HTTP", over_http), ("in process", in_process)):
        rates = measured(records)
        ratio = statistics.median(one / other for one, other in rates)
        plain, assistant = (statistics.median(each) for each in zip(*rates, strict=True))
        print(f"{name:12} POST /probability  {plain:8,.0f} a second")
        print(f"{name:12} tools/call predict {assistant:8,.0f} a second, {ratio:.2f} times the time")


if __name__ == "__main__":
    main()
