"""Modules that the first request imports: by whichever server, once, and no less completely than at the start."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.utils import import_string

from glassform.settings import ARTIFACTS, Settings
from server import ANY_FORMAT, OF_CLASSES, RESOURCES, create_app
from tests.people import PERSON

EVERY = RESOURCES | OF_CLASSES


@pytest.fixture
def fresh(scorecard, tmp_path):
    """An application that nobody has asked anything."""
    return create_app(ARTIFACTS, Settings(database_url=f"sqlite:///{tmp_path / 'none.sqlite'}"))


def test_the_first_requests_may_come_all_at_once(fresh):
    with ThreadPoolExecutor(16) as clients:
        asked = [
            clients.submit(lambda: fresh.test_client().get("/probability", query_string=PERSON)) for _ in range(32)
        ]
        assert {each.result().status_code for each in asked} == {200}
        several = [clients.submit(lambda: fresh.test_client().get("/accounts")) for _ in range(16)]
        assert {each.result().status_code for each in several} == {200}
    assert len({each.result().data for each in asked}) == 1


def test_what_is_counted_is_made_once_though_all_ask_at_once(scorecard, tmp_path):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'n.sqlite'}", rate_limit="10 per minute", rate_limit_storage="memory://"
    )
    app = create_app(ARTIFACTS, settings)
    with ThreadPoolExecutor(16) as clients:
        asked = [clients.submit(lambda: app.test_client().get("/session").status_code) for _ in range(16)]
    assert sorted(each.result() for each in asked) == [200] * 10 + [429] * 6


@pytest.mark.parametrize("address", EVERY)
def test_the_table_of_addresses_tells_the_methods_that_there_are(address):
    *methods, name = EVERY[address].split()
    found = import_string(f"glassform.resources.{name}")
    assert {*methods} == {each for each in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(found, each.lower())}
    assert address.count("[") == address.endswith(ANY_FORMAT)


def test_flask_refuses_another_method_before_anything_is_imported(fresh):
    refused = fresh.test_client().delete("/probability")
    assert refused.status_code == 405 and refused.headers["Allow"]
    assert fresh.view_functions["probability"].imported is None
