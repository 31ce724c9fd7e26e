"""The description of the API: complete, valid, and true of the server that is asked what it says."""

import json
import os
import re
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest
from openapi_spec_validator import validate

from glassform.web.addresses import in_braces
from tests.conftest import ROOT

EXAMPLES = 1_000


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/openapi.json").json


def test_it_is_valid_openapi(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_and_method_is_in_it(app, document):
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.endswith("static"):
            described = document["paths"][in_braces(rule.rule)]
            assert {*described} == {method.lower() for method in rule.methods - {"HEAD", "OPTIONS"}}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document):
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len({*names})
    assert all(operation["summary"].endswith(".") and operation["description"] for operation in operations)


def test_the_record_is_the_data_packages(document, schema):
    record = document["components"]["schemas"]["Record"]
    assert list(record["properties"]) == record["required"] == list(schema.by_name)
    for field in schema.fields:
        described = record["properties"][field.name]
        assert (described["title"], described["description"]) == (field.title, field.description)
        assert described.get("enum") == (list(field.categories) or None)
        assert (described.get("minimum"), described.get("maximum")) == (field.minimum, field.maximum)
    parameters = document["paths"]["/probability"]["get"]["parameters"]
    assert [each["name"] for each in parameters if each["required"]] == list(schema.by_name)


def test_the_docs_are_the_same_document_to_a_program(client, document):
    assert client.get("/docs").json == document
    assert client.get("/docs", headers={"Accept": "text/html"}).mimetype == "text/html"


def test_schemathesis_finds_nothing_in_a_thousand_examples(server, tmp_path):
    """Every check it has, on a real server with two workers."""
    command = [f"{os.path.dirname(sys.executable)}/st", "run", f"{server}/openapi.json", "--checks", "all"]
    who = json.dumps({"name": "schemathesis", "password": "correct horse"}).encode()
    for path in ("accounts", "tokens"):
        request = Request(f"{server}/{path}", who, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            found = json.load(answer)
    command += ["--header", f"Authorization: Bearer {found['access_token']}"]
    options = ["--max-examples", "8", "--no-color", "--seed", "1"]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    (count,) = re.findall(r"(\d+) generated", done.stdout)
    assert int(count) >= EXAMPLES
