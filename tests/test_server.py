import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from benchmarks.measuring import free_port
from benchmarks.starting import tree
from glassform.hosting import startup
from glassform.settings import ARTIFACTS
from tests.conftest import ROOT, lines_of, serving, wait_for


def test_every_answer_carries_the_security_headers(client, record):
    for url in ("/", "/probability?age=x", "/nowhere", "/static/style.css", "/health/live"):
        response = client.get(url)
        response.close()
        headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_requests_are_logged_as_json_without_the_record(client, record, caplog):
    with caplog.at_level(logging.INFO, "glassform.requests"):
        client.get("/probability", query_string=record)
        client.get("/nowhere")
    good, bad = caplog.records
    line = json.loads(good.getMessage())
    assert (line["method"], line["path"], line["status"]) == ("GET", "/probability", 200)
    assert line["milliseconds"] > 0
    assert "State-gov" not in good.getMessage()
    assert (bad.levelno, json.loads(bad.getMessage())["status"]) == (logging.WARNING, 404)


def test_good_requests_are_quiet_by_default(client, record, caplog):
    with caplog.at_level(logging.WARNING, "glassform.requests"):
        client.get("/probability", query_string=record)
    assert not caplog.records


def test_a_path_cannot_forge_a_line_of_the_log(client, caplog):
    client.get('/a%0a{"status":200}')
    (line,) = caplog.records
    assert "\n" not in line.getMessage() and json.loads(line.getMessage())["path"] == '/a\n{"status":200}'


def test_a_real_server_answers_programs_browsers_and_bad_input(server, record, scorecard):
    url = f"{server}/probability?{urlencode(record)}"
    with urlopen(url) as response:
        assert json.load(response)["probability"] == scorecard.probability(record)
    with urlopen(Request(url, headers={"Accept": "text/html"})) as response:
        assert response.headers.get_content_type() == "text/html"
    with pytest.raises(HTTPError, match="422") as refused:
        urlopen(f"{server}/probability?age=200")
    refused.value.close()


def raw(server: str, request: bytes) -> bytes:
    """Send bytes to the server as they are and return what it answers first."""
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


POST = b"POST /probability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        POST + b"Content-Length: 10\r\n\r\n0123456789",
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n",
        b"GET /probability?age=" + b"9" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /probability?age=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /probability HTTP/1.1\r\nHost: a b<script>\r\nAccept: text/html\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_no_bytes_make_a_5xx(server, head):
    assert re.match(rb"HTTP/1\.[01] [24]\d\d ", raw(server, head))
    with urlopen(f"{server}/health/ready") as response:
        assert response.status == 200


def test_serving_imports_neither_scikit_learn_nor_pandas(scorecard):
    """Ask the kernel which libraries the real server's processes have mapped."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("this system has no /proc")
    port = free_port()
    with serving("--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        processes = tree(process.pid)
        assert len(processes) == 3, "a parent and two workers"
        for each in processes:
            maps = Path(f"/proc/{each}/maps").read_text()
            assert "pydantic_core" in maps
            assert not re.search("sklearn|pandas|numpy|scipy", maps)


def test_a_taken_port_that_was_asked_for_is_refused_in_a_sentence(scorecard):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, ROOT / "server.py", "--port", str(port)], capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"Cannot listen on 127.0.0.1, port {port}: it is in use, or you lack permission."


def test_without_a_port_the_next_free_one_is_used_and_said(monkeypatch, capsys):
    monkeypatch.setattr(startup, "is_free", lambda host, port: port >= 5002)
    assert startup.choose_port("127.0.0.1", None) == 5002
    assert capsys.readouterr().out == "Port 5000 is in use; using 5002.\n"


def test_when_no_port_is_free_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr(startup, "is_free", lambda host, port: False)
    with pytest.raises(SystemExit, match="no port from 5000 to 5099 is free"):
        startup.choose_port("127.0.0.1", None)


def test_a_listening_port_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not startup.is_free("127.0.0.1", taken.getsockname()[1])
    assert startup.is_free("127.0.0.1", free_port())


@pytest.mark.parametrize(
    "options", [["--port", "0"], ["--port", "x"], ["--port", "65536"], ["--workers", "0"], ["--what"]]
)
def test_a_bad_option_is_refused(options):
    ended = subprocess.run([sys.executable, ROOT / "server.py", *options], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and "usage" in ended.stderr


def test_the_first_start_trains_what_is_not_trained_and_then_serves(scorecard, tmp_path, record):
    """The default table answers as soon as it is ready; its siblings and the other tables follow."""
    port = free_port()
    for name in ("census", "iris"):
        shutil.copytree(ARTIFACTS / name, tmp_path / "new" / name)
    with serving("--port", str(port), environment={"GLASSFORM_ARTIFACTS": str(tmp_path / "new")}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready", seconds=150)
        urlopen(f"http://127.0.0.1:{port}/iris/").close()
        wait_for(f"http://127.0.0.1:{port}/diabetes/", seconds=150)
        until = time.monotonic() + 150
        while not (siblings := json.load(urlopen(f"http://127.0.0.1:{port}/model.json"))["siblings"]):
            assert time.monotonic() < until, siblings
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    assert told.startswith("There is no model yet; training one first.\nReading Census income ... ")
    assert "Training the further tables too: diabetes." in told
    assert "\ndiabetes: Reading Diabetes progression ... " in told and "\nadult: Fitting 32,561 rows ... " in told
    assert f"http://127.0.0.1:{port} (Ctrl-C stops)" in told
    assert process.returncode == 0


def test_a_start_trains_the_further_tables_that_have_no_model(scorecard, tmp_path):
    port = free_port()
    shutil.copytree(ARTIFACTS, tmp_path / "some", ignore=shutil.ignore_patterns("iris"))
    with serving("--port", str(port), environment={"GLASSFORM_ARTIFACTS": str(tmp_path / "some")}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        wait_for(f"http://127.0.0.1:{port}/iris/", seconds=30)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    assert told.startswith("Training the further tables too: iris.\n")
    assert "\niris: Reading Iris flowers ... " in told


def test_a_server_that_stops_ends_what_is_trained_beside_it(scorecard, tmp_path):
    port = free_port()
    shutil.copytree(ARTIFACTS, tmp_path / "some", ignore=shutil.ignore_patterns("census"))
    with serving("--port", str(port), environment={"GLASSFORM_ARTIFACTS": str(tmp_path / "some")}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and "Traceback" not in told
    assert not (tmp_path / "some" / "census" / "registry.json").exists()
    assert not [*tmp_path.glob("some/**/.unfinished-*")]


def test_a_damaged_model_is_trained_anew(tmp_path):
    port = free_port()
    (tmp_path / "registry.json").write_text("{")
    with serving("--port", str(port), environment={"GLASSFORM_ARTIFACTS": str(tmp_path)}):
        wait_for(f"http://127.0.0.1:{port}/health/ready")


def test_ctrl_c_stops_the_server_quietly(scorecard):
    port = free_port()
    with serving("--port", str(port)) as process:
        wait_for(f"http://127.0.0.1:{port}/health/live")
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert len(lines_of(told)) == 1 and "Traceback" not in told


def test_debug_serves_with_flasks_own_server(scorecard):
    port = free_port()
    with serving("--port", str(port), "--debug") as process:
        wait_for(f"http://127.0.0.1:{port}/health/live")
        with urlopen(f"http://127.0.0.1:{port}/health/live") as response:
            assert response.headers["Server"].startswith("Werkzeug")
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
    assert told.count("(Ctrl-C stops)") == 1, "the reloader's second process says nothing again"


def test_a_killed_worker_is_replaced(scorecard):
    if not Path("/proc/self/task").exists():
        pytest.skip("this system has no /proc")
    port = free_port()
    with serving("--port", str(port)) as process:
        wait_for(f"http://127.0.0.1:{port}/health/live")
        _, worker = tree(process.pid)
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.2)
        wait_for(f"http://127.0.0.1:{port}/health/live", seconds=15)


def test_a_body_that_breaks_off_harms_nobody(server, record):
    """A client that goes away in the middle of what it sends leaves a worker that answers the next."""
    host, port = server.removeprefix("http://").split(":")
    kinds = {"/probabilities": "text/csv", "/probability": "application/json", "/v2/models/adult/infer": ""}
    for path, kind in kinds.items():
        for _ in range(4):  # so that both workers get some
            with socket.create_connection((host, int(port)), timeout=10) as client:
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n"
                )
                client.sendall(head.encode() + b'{"age": 39, "workclass": "Sta')
    for _ in range(10):
        with urlopen(f"{server}/probability?{urlencode(record)}", timeout=5) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["/probabilities", "/predict", "/probability", "/v2/models/adult/infer"])
def test_a_body_that_ends_early_is_never_taken_for_a_whole_one(server, record, path):
    """Its last number may have lost a digit: 40 hours become 4."""
    host, port = server.removeprefix("http://").split(":")
    table = f"{','.join(record)}\n{','.join(map(str, record.values()))}"
    kind, body = ("text/csv", table) if path == "/probabilities" else ("application/json", json.dumps(record))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(head.encode() + body.encode())
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read()
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    with urlopen(f"{server}/probability?{urlencode(record)}", timeout=5) as good:
        assert good.status == 200


def test_where_nothing_can_be_written_all_is_answered_but_nothing_remembered(scorecard, record):
    port = free_port()
    nowhere = {"GLASSFORM_INSTANCE": "/proc/nowhere", "LOG_LEVEL": "CRITICAL"}
    with serving("--port", str(port), "--workers", "2", environment=nowhere) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        with urlopen(f"http://127.0.0.1:{port}/probability?{urlencode(record)}") as answer:
            assert json.load(answer)["probability"] == scorecard.probability(record)
        who = json.dumps({"name": "someone", "password": "correct horse"}).encode()
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"http://127.0.0.1:{port}/accounts", who, {"Content-Type": "application/json"}))
        assert refused.value.code == 503
        refused.value.close()
        process.terminate()
        assert (
            process.stdout and "Predictions cannot be saved: the database cannot be reached" in process.stdout.read()
        )
