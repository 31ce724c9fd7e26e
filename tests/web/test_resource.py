"""HTTP as it should be, at every address: HEAD, OPTIONS, Allow, and asking again only for what has changed."""

from urllib.parse import urlencode

import pytest
from werkzeug.utils import import_string

from glassform.web.formats import FORMATS
from server import ANY_FORMAT, RESOURCES

RESOURCE = {
    url.replace("<name>", "adult").removesuffix(ANY_FORMAT): import_string(f"glassform.resources.{each.split()[-1]}")
    for url, each in RESOURCES.items()
    if "<version>" not in url
}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
# those that have to do with accounts have tests of their own
GETS = [url for url, resource in RESOURCE.items() if hasattr(resource, "get") and not resource.problems]


def query(url, record):
    return record if url in ("/probability", "/curves", "/twins", "/changes") else {}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("url", GETS)
def test_head_is_get_without_the_body(client, record, url, accept):
    got = client.get(url, query_string=query(url, record), headers={"Accept": accept})
    head = client.head(url, query_string=query(url, record), headers={"Accept": accept})
    assert head.status_code == got.status_code and head.data == b""
    own = {"X-Request-ID"} | ({"Content-Length"} if url == "/metrics" else set())  # of each request
    assert [pair for pair in head.headers if pair[0] not in own] == [
        pair for pair in got.headers if pair[0] not in own
    ]


@pytest.mark.parametrize("url", RESOURCE)
def test_options_and_405_tell_the_methods(client, url):
    methods = {
        method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(RESOURCE[url], method.lower())
    }
    methods |= {"HEAD"} if "GET" in methods else set()
    asked = client.options(url)
    assert asked.status_code == 200 and asked.data == b""
    assert {*asked.headers["Allow"].split(", ")} == methods | {"OPTIONS"}
    for method in METHODS - methods:
        refused = client.open(url, method=method)
        assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
        assert {*refused.headers["Allow"].split(", ")} == methods | {"OPTIONS"}


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/csv"])
@pytest.mark.parametrize("url", GETS)
def test_what_is_known_is_not_sent_again(client, record, url, accept):
    first = client.get(url, query_string=query(url, record), headers={"Accept": accept})
    offered = [FORMATS[form].media_type.partition(";")[0] for form in RESOURCE[url].formats]
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


@pytest.mark.parametrize(
    "url", ["/examples", "/scorecard", "/openapi.json", "/docs", "/probabilities", "/v2", "/model"]
)
def test_a_query_that_says_nothing_here_is_refused(client, url):
    answer = client.get(f"{url}?nonsense=1")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["nonsense"]


@pytest.mark.parametrize("url", ["/probability", "/probabilities", "/predict", "/v2/models/adult/infer", "/tokens"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_compressed_body_is_refused_by_name(client, url, encoding):
    headers = {"Content-Encoding": encoding}
    answer = client.post(url, data=b"\x1f\x8b", content_type="application/json", headers=headers)
    assert answer.status_code == 415 and "Content-Encoding" in answer.json["detail"]


def test_the_end_of_an_address_and_its_query_must_not_contradict_each_other(client):
    assert client.get("/scorecard.csv?format=csv").status_code == 200
    answer = client.get("/scorecard.csv?format=json")
    assert answer.status_code == 406 and "another format than its query" in answer.json["detail"]


TRACKING = [
    *("utm_source=x&utm_medium=y&utm_id=1", "UTM_Campaign=z", "fbclid=IwAR0", "gclid=1", "gbraid=1", "wbraid=1"),
    *(
        "msclkid=1",
        "dclid=1",
        "yclid=1",
        "twclid=1",
        "ttclid=1",
        "igshid=1",
        "igsh=1",
        "mc_cid=1&mc_eid=2",
        "_ga=1.2",
    ),
    *(
        "_gl=1*a",
        "ref=x",
        "ref_src=twsrc%5Etfw",
        "si=1",
        "_hsenc=1&_hsmi=2",
        "%75tm_source=x",
        "fbclid",
        "ref=1&ref=2",
    ),
]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("url", [url for url, resource in RESOURCE.items() if hasattr(resource, "get")])
def test_what_the_web_adds_to_a_shared_link_changes_nothing(client, record, url, accept):
    own = urlencode(query(url, record))
    plain = client.get(f"{url}?{own}", headers={"Accept": accept})
    tracked = client.get(f"{url}?{own}&{'&'.join(TRACKING)}", headers={"Accept": accept})
    assert tracked.status_code == plain.status_code
    if accept == "application/json" and not url.startswith(("/metrics", "/health")):
        assert tracked.json == plain.json


@pytest.mark.parametrize("parameter", TRACKING)
def test_each_parameter_of_tracking_is_passed_over(client, record, parameter):
    own = urlencode(record)
    for address in (
        f"/?{parameter}",
        f"/?age=50&{parameter}",
        f"/probability?{parameter}&{own}",
        f"/model?{parameter}",
    ):
        assert client.get(address).status_code == 200, address
    assert client.post(f"/probability?{parameter}", json=record).status_code == 200
    assert client.post(f"/probabilities?{parameter}", json=[record]).status_code == 200
    assert client.post(f"/predict?{parameter}", json=record).status_code == 200


@pytest.mark.parametrize("parameter", ["utm=1", "reference=1", "click=1", "gclids=1"])
def test_other_unknown_parameters_are_still_refused(client, record, parameter):
    assert client.get(f"/probability?{urlencode(record)}&{parameter}").status_code == 422
    assert client.get(f"/model?{parameter}").status_code == 422
