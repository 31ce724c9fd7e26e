"""The counts are right, with several workers and after the death of one, and tell no record."""

import json
import os
import re
import signal
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.measuring import free_port
from benchmarks.starting import tree
from tests.conftest import serving, wait_for

REQUESTS = "glassform_http_requests_total"
SECONDS = "glassform_http_request_duration_seconds"


@pytest.fixture
def several(scorecard) -> Iterator[tuple[str, list[int]]]:
    """The address of a real server of its own, and its two workers."""
    port = free_port()
    with serving("--port", str(port), "--workers", "2", environment={"LOG_LEVEL": "CRITICAL"}) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}", tree(process.pid)[1:]


def read(text: str) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(text)
    samples = (each for family in families for each in family.samples)
    return {(each.name, *(value for _, value in sorted(each.labels.items()))): each.value for each in samples}


def ask(url: str) -> None:
    # a connection each, so that both workers get their share
    try:
        urlopen(Request(url, headers={"Connection": "close"})).close()
    except HTTPError as error:
        error.close()


def scraped(server: str) -> dict[tuple[str, ...], float]:
    with urlopen(f"{server}/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return read(response.read().decode())


def test_requests_of_all_workers_are_counted_once(several, record):
    server, _ = several
    for _ in range(200):
        ask(f"{server}/probability?{urlencode(record)}")
    for _ in range(50):
        ask(f"{server}/probability?age=x")
        ask(f"{server}/nowhere")
    found = scraped(server)
    assert found[REQUESTS, "GET", "probability", "200"] == 200
    assert found[REQUESTS, "GET", "probability", "422"] == 50
    assert found[REQUESTS, "GET", "none", "404"] == 50
    assert found[f"{SECONDS}_count", "probability"] == 250
    assert 0 < found[f"{SECONDS}_sum", "probability"] < 250
    assert found[f"{SECONDS}_bucket", "+Inf", "probability"] == 250


def test_what_a_dead_worker_counted_is_not_lost(several, record):
    server, workers = several
    for _ in range(40):
        ask(f"{server}/probability?{urlencode(record)}")
    os.kill(workers[0], signal.SIGKILL)
    for _ in range(3):
        wait_for(f"{server}/health/ready")
    ask(f"{server}/probability?{urlencode(record)}")
    assert scraped(server)[REQUESTS, "GET", "probability", "200"] == 41


def test_the_model_being_served_is_named(client, scorecard):
    found = read(client.get("/metrics").text)
    assert found["glassform_model_info", "adult", scorecard.version] == 1


def test_metrics_are_fresh_and_offered_as_text_alone(client):
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
    assert response.status_code == 200 and response.headers["Cache-Control"] == "no-store"
    assert client.get("/metrics", headers={"Accept": "application/json"}).status_code == 406


def test_one_worker_writes_the_same_series_as_several(client):
    assert "_created" not in client.get("/metrics").text


def test_made_up_methods_and_addresses_make_no_series(client):
    def made_up(number: int) -> None:
        client.open(f"/made-up-{number}", method=f"MADE{number}")
        client.get(f"/v2/models/made-up-{number}")

    # the first of each kind makes the series that they all share, and the first answer here the one of this resource
    made_up(0)
    client.get("/metrics")
    before = set(read(client.get("/metrics").text))
    for number in range(1, 21):
        made_up(number)
    text = client.get("/metrics").text
    assert "made-up" not in text and "MADE" not in text
    assert set(read(text)) == before


def test_every_label_of_a_resource_is_the_name_of_one(app, client, record):
    client.get("/probability", query_string=record)
    named = {labels[2] for labels in read(client.get("/metrics").text) if labels[0] == REQUESTS}
    assert named <= {*app.view_functions, "none"}


def test_metrics_tell_no_record(client, record):
    client.get("/probability", query_string=record)
    assert "State-gov" not in client.get("/metrics").text


@pytest.mark.parametrize("given", ["abc-1.2_3", "a" * 64])
def test_a_request_keeps_the_id_it_came_with(client, caplog, given):
    response = client.get("/nowhere", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert json.loads(caplog.records[0].getMessage())["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "ü", '"}{'])
def test_an_id_no_log_should_hold_is_replaced(client, given):
    first, second = (client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{16}", first) and first != second


def test_the_log_names_resource_and_model(client, caplog, scorecard):
    client.get("/probability?age=x")
    line = json.loads(caplog.records[0].getMessage())
    assert (line["resource"], line["model"]) == ("probability", scorecard.version)
