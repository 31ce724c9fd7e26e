"""HTTP as it should be, at every address: HEAD, OPTIONS, Allow, and asking again only for what has changed."""

import pytest

from representations import MEDIA_TYPES
from server import RESOURCES

ADDRESSES = [url.replace("<name>", "adult") for url in RESOURCES if "<version>" not in url]
GETS = [url for url in ADDRESSES if hasattr(RESOURCES[url.replace("adult", "<name>")], "get")]


def query(url, record):
    return record if url in ("/probability", "/curves", "/twins", "/changes") else {}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("url", GETS)
def test_head_is_get_without_the_body(client, record, url, accept):
    got = client.get(url, query_string=query(url, record), headers={"Accept": accept})
    head = client.head(url, query_string=query(url, record), headers={"Accept": accept})
    assert head.status_code == got.status_code and head.data == b""
    assert head.headers == got.headers


@pytest.mark.parametrize("url", ADDRESSES)
def test_options_and_405_tell_the_methods(client, url):
    resource = RESOURCES[url.replace("adult", "<name>")]
    methods = {method for method in ("GET", "POST") if hasattr(resource, method.lower())}
    methods |= {"HEAD"} if "GET" in methods else set()
    asked = client.options(url)
    assert asked.status_code == 200 and asked.data == b""
    assert {*asked.headers["Allow"].split(", ")} == methods | {"OPTIONS"}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
        refused = client.open(url, method=method)
        assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
        assert {*refused.headers["Allow"].split(", ")} == methods | {"OPTIONS"}


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/csv"])
@pytest.mark.parametrize("url", GETS)
def test_what_is_known_is_not_sent_again(client, record, url, accept):
    first = client.get(url, query_string=query(url, record), headers={"Accept": accept})
    offered = [MEDIA_TYPES[form].partition(";")[0] for form in RESOURCES[url.replace("adult", "<name>")].formats]
    assert first.status_code == (200 if accept in offered else 406)
    if accept not in offered:
        return
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", "*", f'"x", {tag}'):
        again = client.get(url, query_string=query(url, record), headers={"Accept": accept, "If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag and again.headers["Vary"] == first.headers["Vary"]
    changed = client.get(url, query_string=query(url, record), headers={"Accept": accept, "If-None-Match": '"x"'})
    assert changed.status_code == 200


def test_another_record_another_format_and_another_name_for_the_same(client, record):
    tags = {
        client.get("/probability", query_string=asked, headers={"Accept": accept}).headers["ETag"]
        for asked in (record, record | {"age": 40})
        for accept in ("application/json", "text/html", "text/csv")
    }
    assert len(tags) == 6
    older = {"hours" if name == "hours_per_week" else name: value for name, value in reversed(record.items())}
    same = client.get("/probability", query_string=older).headers["ETag"]
    assert same == client.get("/probability", query_string=record).headers["ETag"]
