"""How the server's processes live and end; and by which names of granian's."""

import ast
import inspect
import os
import re
import signal
import time
from http.client import HTTPConnection
from pathlib import Path
from unittest.mock import Mock

import granian
import pytest

from benchmarks.measuring import free_port
from benchmarks.starting import tree
from glassform.hosting import respawning, startup, workers
from tests.conftest import ROOT, lines_of, serving, wait_for

HOSTING = sorted((ROOT / "glassform" / "hosting").glob("*.py"))
UNDOCUMENTED = {"respawned_wrks", "_init_shared_socket", "_ssp", "_shd"}  # all that is used of granian's inside
PARAMETERS = {"target_loader", "wrap_loader"}  # of its public `serve`, which its README does not speak of
ACCOUNTS = sorted((ROOT / "glassform" / "accounts").glob("*.py"))
MODULES = [*HOSTING, *ACCOUNTS, ROOT / "glassform" / "metrics.py", ROOT / "server.py"]
SECONDS_TO_RETURN = 5  # on a busy machine; left to itself granian takes ten, `benchmarks.faults` has the figure


@pytest.fixture
def running(scorecard):
    """A server with two workers: its process and its port."""
    if not Path("/proc/self/task").exists():
        pytest.skip("this system has no /proc")
    port = free_port()
    with serving("--port", str(port), "--workers", "2", environment={"LOG_LEVEL": "CRITICAL"}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield process, port


def test_one_short_module_uses_what_granian_does_not_document_and_this_is_all_of_it():
    tree = ast.parse(Path(respawning.__file__).read_text())
    (server,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Server")
    attributes = [node for node in ast.walk(server) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in attributes if ast.unparse(node.value) in {"self", "super()"}} - {"__init__"}
    own |= {node.name for node in ast.walk(server) if isinstance(node, ast.FunctionDef)} - {"__init__"}
    assert own == UNDOCUMENTED
    assert [ast.unparse(base) for base in server.bases] == ["Granian"]
    assert len(Path(respawning.__file__).read_text().splitlines()) <= 40


def test_granian_still_has_what_is_used_of_it():
    given = granian.Granian("nothing:here")
    assert all(hasattr(given, name) for name in UNDOCUMENTED)
    assert given.respawned_wrks == {} and given._ssp is None
    assert inspect.signature(granian.Granian.serve).parameters.keys() >= PARAMETERS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nobody_takes_a_private_name_of_another_package(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not re.search(r"(^|\.)_", node.module or "")
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]
        if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
            assert ast.unparse(node.value) in {"self", "super()"}, ast.unparse(node)


def test_workers_that_die_at_once_again_and_again_are_soon_back(running):
    process, port = running
    for _ in range(4):
        for worker in tree(process.pid)[1:]:
            os.kill(worker, signal.SIGKILL)
        begin = time.monotonic()
        time.sleep(0.05)
        wait_for(f"http://127.0.0.1:{port}/health/live", seconds=10)
        assert time.monotonic() - begin <= SECONDS_TO_RETURN
    assert process.poll() is None


def test_while_the_server_drains_a_kept_connection_is_answered_and_told_that_it_closes(running):
    process, port = running
    client = HTTPConnection("127.0.0.1", port, timeout=10)
    said = []
    for _ in range(2):
        client.request("GET", "/health/live")
        with client.getresponse() as answer:
            answer.read()
            said.append((answer.status, answer.headers["Connection"]))
        if len(said) == 1:
            process.terminate()
            time.sleep(0.3)
    assert said == [(200, None), (200, "close")]
    assert process.wait(timeout=10) == 0


def test_workers_end_with_a_parent_that_was_killed(running):
    process, port = running  # one of them may still be starting
    workers = tree(process.pid)[1:]
    process.kill()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert len(workers) == 2 and startup.is_free("127.0.0.1", port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_ends_the_server_as_quietly(scorecard, number):
    """Ctrl-C is one: it reaches every process of the terminal."""
    port = free_port()
    with serving("--port", str(port), new_group=True) as process:
        wait_for(f"http://127.0.0.1:{port}/health/live")
        os.killpg(process.pid, number)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert len(lines_of(told)) == 1


def test_a_second_signal_while_the_first_closes_the_connection_closes_it_no_second_time():
    """It comes between any two steps of the first, as from `timeout make run`, which tells both."""
    told: list[bool] = []
    calls: list[str] = []
    stop = Mock()

    def close() -> None:
        calls.append("close")
        workers.finish(stop, told, calls.append, "second")

    stop.close.side_effect = close
    workers.finish(stop, told, calls.append, "first")
    assert calls == ["close", "second", "first"]


def test_several_signals_at_once_end_the_server_and_leave_no_process(running):
    process, _ = running
    processes = tree(process.pid)
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in told
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
