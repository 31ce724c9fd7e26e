"""The Model Context Protocol: what an AI assistant asks, and what it is answered."""

import asyncio
import csv
import json
import random
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import mcp
import pytest
from mcp.types import PROTOCOL_VERSION_META_KEY

import model
from glassform.describing.files import add
from glassform.hosting.lanes import Lanes
from glassform.limits import MOST_BATCH_ERRORS, MOST_MESSAGES, MOST_ROWS_ASKED
from glassform.resources.assistants.mcp import MCP
from glassform.resources.assistants.messages import (
    CAPABILITIES,
    REVISIONS,
    STATELESS,
    VERSION,
    WITH_HANDSHAKE,
)
from glassform.resources.assistants.tools import READ_ONLY, TOOLS
from server import create_app
from tests.conftest import documented, quick_training
from tests.people import PERSON

ACCEPT = {"Accept": "application/json, text/event-stream"}  # as the protocol wants it of every client
META = {VERSION: STATELESS, CAPABILITIES: {}}
NAMED = {"tools/call": "name", "resources/read": "uri"}
TABLES = ["", "/iris", "/diabetes"]


def headers_of(method: str, params: dict[str, Any]) -> dict[str, str]:
    """What a client of the stateless revision says of a request in its headers."""
    named = {"Mcp-Name": params[NAMED[method]]} if method in NAMED else {}
    return {**ACCEPT, "MCP-Protocol-Version": STATELESS, "Mcp-Method": method, **named}


@pytest.fixture
def ask(client):
    """Send a request of the stateless revision."""

    def asking(method: str, root: str = "", headers: dict[str, str] | None = None, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        return client.post(f"{root}/mcp", json=body, headers=headers_of(method, params) | (headers or {}))

    return asking


@pytest.fixture
def call(ask):
    """Call a tool and return its result."""

    def calling(name: str, root: str = "", **arguments: Any) -> Any:
        answer = ask("tools/call", root, name=name, arguments=arguments)
        assert answer.status_code == 200
        return answer.json["result"]

    return calling


@pytest.fixture
def ask_older(client):
    """Send a request of a revision with a handshake, without one."""

    def asking(method: str, revision: str | None = "2025-11-25", **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
        version = {"MCP-Protocol-Version": revision} if revision else {}
        return client.post("/mcp", json=body, headers=ACCEPT | version)

    return asking


def typical(client, root: str) -> dict[str, Any]:
    return dict(client.get(f"{root}/").json["defaults"])


def text_of(result: Any) -> str:
    (block,) = result["content"]
    assert block["type"] == "text"
    return str(block["text"])


# The official client, at a real server.


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: the browser of other tests has a loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


async def use(url: str, mode: str) -> dict[str, Any]:
    """Do with the official client what an assistant does; it checks every answer against the schemas of the tools."""
    async with mcp.Client(url, mode=mode) as client:
        listed = (await client.list_tools()).tools
        results = {}
        for name in {tool.name for tool in listed} - {"score_rows"}:
            results[name] = await client.call_tool(name, {"record": PERSON})
        rows = [PERSON, PERSON | {"age": 200}]
        return {
            "revision": client.protocol_version,
            "server": client.server_info,
            "instructions": client.instructions,
            "tools": listed,
            **results,
            "score_rows": await client.call_tool("score_rows", {"records": rows}),
            "refused": await client.call_tool("predict", {"record": PERSON | {"sex": "Mael"}}),
            "resources": (await client.list_resources()).resources,
            "card": (await client.read_resource("glassform://adult/card")).contents[0],
        }


@pytest.mark.parametrize(
    ("mode", "revision"), [("auto", STATELESS), ("legacy", "2025-11-25"), (STATELESS, STATELESS)]
)
def test_the_official_client_works_unchanged(server, scorecard, mode, revision):
    found = run(use(f"{server}/mcp", mode))
    assert found["revision"] == revision
    assert [tool.name for tool in found["tools"]] == [*TOOLS]
    assert found["predict"].structured_content["probability"] == scorecard.probability(PERSON)
    assert found["explain"].structured_content == json.loads(json.dumps(scorecard.explain(PERSON)))
    assert found["changes"].structured_content["reached"]
    assert len(found["what_if"].structured_content["curves"]) == len(PERSON)
    assert found["score_rows"].structured_content["answers"][1]["errors"][0]["field"] == "age"
    assert found["refused"].is_error and "did you mean Male?" in found["refused"].content[0].text
    assert json.loads(found["card"].text)["model"] == scorecard.model
    if mode != STATELESS:  # a client that asks for no description has none
        assert found["server"].name == "glassform-adult" and "Not for this" in found["instructions"]


def test_the_official_client_works_with_a_further_table(server):
    async def answers() -> Any:
        async with mcp.Client(f"{server}/iris/mcp") as client:
            return await client.call_tool("predict", {"record": record})

    record = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    assert run(answers()).structured_content["label"] == "setosa"


def test_our_names_are_those_of_the_official_package():
    assert PROTOCOL_VERSION_META_KEY == VERSION
    assert REVISIONS[0] == mcp.types.LATEST_PROTOCOL_VERSION


# What there is.


@pytest.mark.parametrize("root", TABLES)
def test_every_tool_says_that_it_reads_only_and_what_the_model_is_not_for(ask, client, root):
    card = client.get(f"{root}/model").json
    tools = ask("tools/list", root).json["result"]["tools"]
    for tool in tools:
        assert tool["annotations"].items() >= READ_ONLY.items()
        assert card["misuse"] in tool["description"] and "test rows: " in tool["description"]
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
    names = [tool["name"] for tool in tools]
    assert names == [name for name in TOOLS if root == "" or name != "changes"]


@pytest.mark.parametrize("root", TABLES)
def test_arguments_and_answers_are_as_the_schemas_say(ask, call, client, root):
    record = typical(client, root)
    for tool in ask("tools/list", root).json["result"]["tools"]:
        arguments = {"records": [record, {}]} if tool["name"] == "score_rows" else {"record": record}
        takes = jsonschema.Draft202012Validator(tool["inputSchema"])
        assert takes.is_valid(arguments) == (tool["name"] != "score_rows") and not takes.is_valid({})
        result = call(tool["name"], root, **arguments)
        assert result["isError"] is False
        jsonschema.Draft202012Validator(tool["outputSchema"]).validate(result["structuredContent"])
        assert json.loads(text_of(result)) == result["structuredContent"]


@pytest.mark.parametrize("root", TABLES)
def test_the_tools_answer_as_the_addresses_do(call, client, root):
    record = typical(client, root)
    whole = client.post(f"{root}/probability", json=record).json
    assert call("explain", root, record=record)["structuredContent"] == whole
    short = call("predict", root, record=record)["structuredContent"]
    assert short == {name: whole[name] for name in short} and "contributions" not in short
    curves = client.get(f"{root}/curves", query_string=record).json["curves"]
    found = call("what_if", root, record=record)["structuredContent"]["curves"]
    assert found == [{"field": each["feature"], "points": each["points"]} for each in curves]
    one = call("what_if", root, record=record, field=curves[1]["feature"])["structuredContent"]["curves"]
    assert one == [found[1]]


def test_changes_are_those_of_their_address(call, client):
    query = {**PERSON, "target": "0.6", "lock": ["age", "marital_status"]}
    given = {"target": 0.6, "locked": ["age", "marital.status"]}
    assert (
        call("changes", record=PERSON, **given)["structuredContent"]
        == client.get("/changes", query_string=query).json
    )
    assert call("changes", record=PERSON)["structuredContent"] == client.get("/changes", query_string=PERSON).json


def test_rows_are_answered_in_order_and_errors_stay_with_their_row(call, scorecard):
    rows = [PERSON, PERSON | {"age": 200}, 3, PERSON | {"agee": 3}, PERSON | {"age": 20}]
    found = call("score_rows", records=rows)["structuredContent"]
    assert (found["rows"], found["invalid"]) == (5, 3)
    assert [each["row"] for each in found["answers"]] == [1, 2, 3, 4, 5]
    assert found["answers"][4]["probability"] == scorecard.probability(rows[4])
    messages = [each["errors"][0]["message"] for each in found["answers"][1:4]]
    assert messages == [
        "200 is not between 17 and 90",
        "a record is an object, and this is 3",
        "is not a field; did you mean age?",
    ]


def test_after_many_errors_a_wrong_row_has_only_its_number(ask, call, scorecard):
    (schema,) = (
        each["outputSchema"] for each in ask("tools/list").json["result"]["tools"] if each["name"] == "score_rows"
    )
    rows: list[dict[str, Any]] = [{"agee": 1}] * MOST_ROWS_ASKED
    rows[500] = PERSON
    found = call("score_rows", records=rows)["structuredContent"]
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["invalid"] == MOST_ROWS_ASKED - 1
    listed = sum(len(each.get("errors", [])) for each in found["answers"])
    assert MOST_BATCH_ERRORS <= listed < MOST_BATCH_ERRORS + len(PERSON) + 1
    assert found["answers"][-1] == {"row": MOST_ROWS_ASKED}
    assert found["answers"][500]["probability"] == scorecard.probability(PERSON)


def test_the_calls_of_a_batch_share_the_limit_of_rows(client):
    def message(count: int) -> Any:
        params = {"name": "score_rows", "arguments": {"records": [PERSON] * count}}
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

    assert [each["result"]["isError"] for each in client.post("/mcp", json=[message(2), message(3)]).json] == [
        False
    ] * 2
    refused = client.post("/mcp", json=[message(MOST_ROWS_ASKED // 2), message(MOST_ROWS_ASKED // 2 + 1)])
    assert refused.status_code == 400 and "1,000 records together" in refused.json["error"]["message"]


@pytest.mark.parametrize("root", ["", "/diabetes"])
def test_reasons_are_those_of_their_address(ask, call, client, root):
    record = typical(client, root)
    (tool,) = (each for each in ask("tools/list", root).json["result"]["tools"] if each["name"] == "explain")
    several: list[dict[str, Any]] = [{"reasons": 2}, {"reasons": 3, "against": "best", "direction": "up"}]
    several += [{"reasons": 1, "against": "threshold", "threshold": 1e-05}] if root == "" else []
    for asked in several:
        query = record | asked | ({"threshold": "0.00001"} if "threshold" in asked else {})
        jsonschema.Draft202012Validator(tool["inputSchema"]).validate({"record": record, **asked})
        found = call("explain", root, record=record, **asked)["structuredContent"]
        assert found == client.get(f"{root}/probability", query_string=query).json
        jsonschema.Draft202012Validator(tool["outputSchema"]).validate(found)


@pytest.mark.parametrize(
    ("root", "asked", "line"),
    [
        ("", {"reasons": 8}, "reasons: 8 is not a whole number from 1 to 7"),
        ("", {"reasons": True}, "reasons: true is not a whole number from 1 to 7"),
        ("", {"reasons": [1]}, "reasons: a list is not a whole number from 1 to 7"),
        ("", {"reasons": 1, "against": "worst"}, "against: worst is not one of average, threshold, best"),
        ("", {"reasons": 1, "against": {}}, "against: an object is not one of average"),
        ("", {"reasons": 1, "threshold": 0.4}, "threshold: goes with against=threshold only"),
        ("", {"reasons": 1, "against": "threshold", "threshold": 10**400}, "is not a probability above 0"),
        ("", {"direction": "up"}, "direction: goes with reasons only"),
        ("", {"zz": 1}, "zz is not one of record, reasons, against, direction, threshold"),
        ("/iris", {"zz": 1}, "zz is not one of record\n"),
        ("/diabetes", {"zz": 1}, "zz is not one of record, reasons, against, direction\n"),
        ("/diabetes", {"reasons": 1, "against": "threshold"}, "against: threshold is not one of average, best"),
        ("/iris", {"reasons": 1}, "does not add up"),
    ],
)
def test_reasons_that_cannot_be_asked_are_named(call, client, root, asked, line):
    result = call("explain", root, record=typical(client, root), **asked)
    assert result["isError"] is True and line in f"{text_of(result)}\n"


@pytest.mark.parametrize("threshold", [1 / 3, 1e-16, 0.9999999999999999, 1e-300, "1e-3", "+0.5"])
def test_a_threshold_is_taken_as_it_is_given(call, threshold):
    result = call("explain", record=PERSON, reasons=1, against="threshold", threshold=threshold)
    assert result["structuredContent"]["reasons"]["threshold"] == float(threshold)


def test_what_is_wrong_with_reasons_and_record_is_told_together(call):
    said = text_of(call("explain", record=PERSON | {"age": 200}, reasons=99))
    assert "age: 200 is not between" in said and "reasons: 99 is not a whole number" in said


@pytest.mark.parametrize("root", TABLES)
def test_card_and_scorecard_can_be_read(ask, client, root):
    listed = ask("resources/list", root).json["result"]["resources"]
    assert len(listed) == (1 if root == "/iris" else 3)  # a support vector machine has no table of points
    for each in listed:
        (content,) = ask("resources/read", root, uri=each["uri"]).json["result"]["contents"]
        path = each["name"].replace("card", "model", 1) if each["name"] == "card" else each["name"]
        alone = client.get(f"{root}/{path}", headers={"Accept": each["mimeType"]})
        assert content == {"uri": each["uri"], "mimeType": each["mimeType"], "text": alone.get_data(as_text=True)}
    assert ask("resources/templates/list", root).json["result"]["resourceTemplates"] == []


def test_a_version_can_be_named(ask, client, scorecard, record):
    url = f"/mcp?model={scorecard.version}"
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "predict", "arguments": {"record": record}},
    }
    assert client.post(url, json=body).json["result"]["structuredContent"]["model"] == scorecard.model
    assert client.post("/mcp?model=none", json=body).status_code == 404


def test_discovery_says_all_that_is_known(ask, scorecard):
    found = ask("server/discover").json["result"]
    assert found["resultType"] == "complete" and found["supportedVersions"] == [*REVISIONS]
    assert found["capabilities"] == {"tools": {}, "resources": {}}
    assert found["ttlMs"] > 0 and found["cacheScope"] == "public"
    server = found["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert server == {"name": "glassform-adult", "title": "Glassform: Census income", "version": scorecard.version}


# Older revisions.


@pytest.mark.parametrize("revision", [None, *WITH_HANDSHAKE])
def test_each_call_of_an_older_client_stands_alone(ask_older, scorecard, revision):
    assert [tool["name"] for tool in ask_older("tools/list", revision).json["result"]["tools"]] == [*TOOLS]
    called = ask_older("tools/call", revision, name="predict", arguments={"record": PERSON}).json
    assert called["id"] == "a" and called["result"].keys() == {"content", "structuredContent", "isError"}
    assert called["result"]["structuredContent"]["probability"] == scorecard.probability(PERSON)
    assert ask_older("ping", revision).json["result"] == {}


@pytest.mark.parametrize(
    ("wanted", "spoken"), [*((each, each) for each in WITH_HANDSHAKE), (STATELESS, "2025-11-25"), ("1", "2025-11-25")]
)
def test_a_handshake_agrees_on_a_revision(ask_older, client, wanted, spoken):
    info = {"name": "a", "version": "1"}
    begun = ask_older("initialize", None, protocolVersion=wanted, capabilities={}, clientInfo=info).json["result"]
    assert begun["protocolVersion"] == spoken and begun["serverInfo"]["name"] == "glassform-adult"
    done = client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=ACCEPT)
    assert (done.status_code, done.data, done.content_type) == (202, b"", None)


def test_only_one_older_revision_has_batches(client):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}
    several = client.post("/mcp", json=[ping, told, {**ping, "id": 2, "method": "x"}, 3])
    assert [(each["id"], each.get("error", {}).get("code")) for each in several.json] == [
        (1, None),
        (2, -32601),
        (None, -32600),
    ]
    assert client.post("/mcp", json=[told]).status_code == 202
    assert client.post("/mcp", json=[3, {}]).status_code == 400
    for revision in (STATELESS, "2025-11-25", "2025-06-18"):
        refused = client.post("/mcp", json=[ping], headers={"MCP-Protocol-Version": revision})
        assert (refused.status_code, refused.json["error"]["code"]) == (400, -32600)
    assert client.post("/mcp", json=[]).json["error"]["code"] == -32600
    assert client.post("/mcp", json=[ping] * (MOST_MESSAGES + 1)).status_code == 400


# What is wrong.


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            {"record": PERSON | {"age": 200, "sex": "Mael"}},
            ["age: 200 is not between 17 and 90", "did you mean Male?"],
        ),
        ({}, ["record: is missing"]),
        ({"record": None}, ["record: is missing"]),
        ({"record": []}, ["a record is an object, and this is a list"]),
        ({"record": PERSON, "recrod": 1}, ["recrod: recrod is not one of record"]),
        ({"record": {"age": "39"}}, ["age: 39 is text; JSON writes a whole number without quotes", "Choose a sex."]),
    ],
)
def test_what_is_wrong_with_a_record_is_told_to_the_assistant(call, arguments, lines):
    result = call("predict", **arguments)
    assert result["isError"] is True and "structuredContent" not in result
    assert all(line in text_of(result) for line in lines), text_of(result)


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("what_if", {"record": PERSON, "field": "agee"}, "field: agee is not a field; did you mean age?"),
        ("what_if", {"record": PERSON, "field": 3}, "field: 3 is not a field"),
        ("changes", {"record": PERSON, "target": 50}, "target: 50 is not a target above 0 and below 1"),
        ("changes", {"record": PERSON, "target": True}, "target: true is not a target"),
        ("changes", {"record": PERSON, "locked": "age"}, "locked: age is not an array of field names"),
        ("changes", {"record": PERSON, "locked": ["sxe"]}, "locked: sxe is not a field; did you mean sex?"),
        ("changes", {"record": {}, "target": 2}, "target: 2 is not a target"),
        ("score_rows", {"records": []}, "records: there are no rows"),
        ("score_rows", {"records": 3}, "records: 3 is not an array of rows"),
        ("score_rows", {"records": [0] * (MOST_ROWS_ASKED + 1)}, "records: At most 1,000 rows are read."),
    ],
)
def test_what_is_wrong_with_other_arguments_is_told_too(call, name, arguments, line):
    result = call(name, **arguments)
    assert result["isError"] is True and line in text_of(result)


def test_errors_are_told_in_the_language_asked_for(ask, client):
    language = {"Accept-Language": "zh-CN"}
    found = ask("tools/call", name="predict", arguments={"record": {"age": 200}}, headers=language)
    problem = client.post("/probability", json={"age": 200}, headers=language).json
    assert problem["detail"] in text_of(found.json["result"]) and not problem["detail"].isascii()


@pytest.mark.parametrize("name", ["x", "", "changes\0", "é"])
def test_an_unknown_tool_is_an_error_of_the_protocol(ask_older, name):
    error = ask_older("tools/call", name=name, arguments={}).json["error"]
    assert error["code"] == -32602 and "there are predict, explain" in error["message"]


def test_a_table_without_changes_has_no_such_tool(ask, client):
    asked = ask("tools/call", "/iris", name="changes", arguments={"record": typical(client, "/iris")})
    assert (asked.status_code, asked.json["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", -32700),
        ("{", -32700),
        ('{"a":' * 5_000, -32700),
        ("9" * 5_000, -32700),
        ("\udcff".encode("utf-8", "surrogateescape"), -32700),
        ("3", -32600),
        ("null", -32600),
        ('"ping"', -32600),
        ("{}", -32600),
        ('{"jsonrpc":"2.0"}', -32600),
        ('{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        ('{"jsonrpc":2.0,"id":1,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":NaN,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1e999,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":99999999999999999999999,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":3}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":null}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":3}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":3}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"a":2}}', -32602),
    ],
)
def test_what_is_no_message_is_refused(client, body, code):
    answer = client.post("/mcp", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)
    assert answer.json["jsonrpc"] == "2.0" and answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("x", {}, -32601),
        ("\ud800", {}, -32601),
        ("server/discover", {}, -32601),
        ("prompts/list", {}, -32601),
        ("initialize", {}, -32602),
        ("initialize", {"protocolVersion": 3}, -32602),
        ("tools/list", {"cursor": "2"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": 3}, -32602),
        ("tools/call", {"name": ["predict"]}, -32602),
        ("tools/call", {"name": {"a": 1}}, -32602),
        ("tools/call", {"name": "predict", "arguments": [PERSON]}, -32602),
        ("tools/call", {"name": "predict", "arguments": 3}, -32602),
        ("resources/read", {}, -32602),
        ("resources/read", {"uri": ["glassform://adult/card"]}, -32602),
        ("resources/read", {"uri": "glassform://adult/\ud800"}, -32002),
        ("resources/read", {"uri": "glassform://iris/card"}, -32002),
        ("resources/read", {"uri": "file:///etc/passwd"}, -32002),
    ],
)
def test_an_older_client_reads_what_is_wrong_in_an_answer(ask_older, method, params, code):
    answer = ask_older(method, **params)
    assert (answer.status_code, answer.json["error"]["code"]) == (200, code)


@pytest.mark.parametrize("params", [[], 5, {"_meta": 5}])
@pytest.mark.parametrize(("revision", "status"), [(None, 400), ("2025-06-18", 200), (STATELESS, 400)])
def test_params_of_another_shape_have_the_status_of_any_others(client, params, revision, status):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    answer = client.post("/mcp", json=body, headers={"MCP-Protocol-Version": revision} if revision else {})
    assert (answer.status_code, answer.json["error"]["code"]) == (status, -32602)


@pytest.mark.parametrize(
    ("method", "params", "status", "code"),
    [
        ("x", {}, 404, -32601),
        ("initialize", {"protocolVersion": STATELESS}, 404, -32601),
        ("ping", {}, 404, -32601),
        ("tools/call", {"name": "predict", "arguments": 3}, 400, -32602),
        ("resources/read", {"uri": "glassform://adult/x"}, 400, -32602),
    ],
)
def test_the_stateless_revision_has_a_status_for_each_error(ask, method, params, status, code):
    answer = ask(method, **params)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"MCP-Protocol-Version": ""}, -32020),
        ({"MCP-Protocol-Version": "2027-01-01"}, -32020),
        ({"Mcp-Method": "tools/list"}, -32020),
        ({"Mcp-Method": "tools/call, tools/call"}, -32020),
        ({"Mcp-Name": "explain"}, -32020),
        ({"Mcp-Name": "=?base64?cHJlZGljdA?="}, -32020),
        ({"Mcp-Name": "=?base64?/////w==?="}, -32020),
    ],
)
def test_headers_and_body_must_say_the_same(ask, changed, code):
    answer = ask("tools/call", headers=changed, name="predict", arguments={"record": PERSON})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)


def test_a_name_in_base64_is_read(ask):
    headers = {"Mcp-Name": "=?base64?cHJlZGljdA==?="}
    assert ask("tools/call", headers=headers, name="predict", arguments={"record": PERSON}).status_code == 200


@pytest.mark.parametrize(
    ("meta", "header", "code"),
    [
        ({}, STATELESS, -32602),
        ({VERSION: STATELESS}, STATELESS, -32602),
        ({VERSION: STATELESS, CAPABILITIES: 3}, STATELESS, -32602),
        ({VERSION: 3, CAPABILITIES: {}}, STATELESS, -32020),
        (META, None, -32020),
        ({**META, VERSION: "2027-01-01"}, "2027-01-01", -32022),
        ({}, "2027-01-01", -32022),
        ({}, "2024-11-05", -32022),
    ],
)
def test_a_request_says_its_revision(client, meta, header, code):
    headers = {"Mcp-Method": "tools/list"} | ({"MCP-Protocol-Version": header} if header else {})
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    answer = client.post("/mcp", json=body, headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)
    if code == -32022:
        assert answer.json["error"]["data"] == {"supported": [*REVISIONS], "requested": header}


def test_notifications_and_responses_get_no_answer(client):
    for version in ({}, {"MCP-Protocol-Version": STATELESS}, {"MCP-Protocol-Version": "2025-11-25"}):
        body = {"jsonrpc": "2.0", "method": "notifications/x"}
        assert client.post("/mcp", json=body, headers=version).status_code == 202
    assert client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "result": {}}).status_code == 202
    other = {"MCP-Protocol-Version": "2027-01-01"}
    assert client.post("/mcp", json=body, headers=other).json["error"]["code"] == -32022


# The door.


def test_only_post_and_json_are_answered(client):
    for method in (client.get, client.delete, client.put, client.head):
        refused = method("/mcp")
        assert refused.status_code == 405 and "POST" in refused.headers["Allow"]
    assert client.post("/mcp", data="{}", content_type="text/plain").status_code == 415
    assert client.post("/mcp", json={}, headers={"Accept": "text/event-stream"}).status_code == 406
    assert client.post("/mcp?a=1", json={}).status_code == 422
    assert client.post("/mcp", data=b" " * (MCP.largest_body + 1), content_type="application/json").status_code == 413


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:5000", "http://localhost:5000", 200),
        ("127.0.0.1:5000", "http://127.0.0.1:5000", 200),
        ("localhost:5000", "https://example.org", 403),
        ("localhost:5000", "http://localhost:5001", 403),
        ("localhost:5000", "null", 403),
        ("localhost:5000", "", 403),
        ("evil.example:5000", "http://evil.example:5000", 403),  # a name that was made to lead here
    ],
)
def test_scripts_of_other_pages_are_refused(ask, host, origin, status):
    assert ask("tools/list", headers={"Host": host, "Origin": origin}).status_code == status


def test_origins_in_the_settings_may_ask(monkeypatch, scorecard, paths):
    monkeypatch.setenv("CORS_ORIGINS", "https://example.org")
    with documented(paths) as app:
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        for origin, status in (("https://example.org", 200), ("https://example.com", 403)):
            assert app.test_client().post("/mcp", json=body, headers={"Origin": origin}).status_code == status


def test_only_quick_tools_are_answered_at_once():
    def lane(method: str, name: str = "", revision: str = STATELESS) -> str:
        headers = {"HTTP_MCP_PROTOCOL_VERSION": revision, "HTTP_MCP_METHOD": method, "HTTP_MCP_NAME": name}
        return MCP.lane_of({"REQUEST_METHOD": "POST", **headers})

    assert {name for name in TOOLS if lane("tools/call", name) == "light"} == {"predict", "explain"}
    assert lane("tools/call", "score_rows") == "batches" and lane("tools/call", "changes") == "pages"
    assert lane("tools/call", "predict", "2025-11-25") == lane("tools/call", "x") == lane("tools/list") == "pages"


def test_a_short_call_of_a_table_of_points_needs_no_thread(app):
    lanes, tables = Lanes(app, 1), app.extensions["tables"]
    headers = {"HTTP_MCP_PROTOCOL_VERSION": STATELESS, "HTTP_MCP_METHOD": "tools/call", "HTTP_MCP_NAME": "predict"}
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/mcp", "QUERY_STRING": "", "CONTENT_TYPE": "application/json"}
    environ |= headers | {"CONTENT_LENGTH": "600", "HTTP_ACCEPT": ACCEPT["Accept"]}

    def lane(**changed: str) -> Any:
        view, table = lanes.place_of(changed.get("PATH_INFO", "/mcp"), "POST")
        return lanes.lane_of(view.view_class, table, environ | changed)

    assert tables.default.current.is_additive and lane() is None
    assert lane(CONTENT_LENGTH="4096") is lane(HTTP_ACCEPT="text/html") is lanes.lanes["pages"]
    assert lane(PATH_INFO="/iris/mcp") is lanes.lanes["pages"]  # its pipeline takes long
    assert lane(HTTP_MCP_NAME="changes") is lanes.lanes["pages"]
    assert lane(HTTP_MCP_NAME="score_rows") is lanes.lanes["batches"]


def test_the_address_is_described(paths):
    assert set(paths["/mcp"]) == {"post"}
    assert "Model Context Protocol" in paths["/mcp"]["post"]["description"]


# Any table, any input.


def colliding(chance: random.Random) -> dict[str, Any]:
    """A row whose fields are called like arguments and members of answers; one has gaps."""
    record, field = round(chance.gauss(0, 1), 2), chance.choice(["a", "b", "c, d"])
    return {
        "record": record if chance.random() < 0.8 else "",
        "field": field,
        "records": chance.randint(1, 9),
        "locked": chance.choice(["yes", "no"]),
        "target": chance.choice(["1", "2", "3"]),
        "binary": "yes" if record + chance.gauss(0, 1) > 0 else "no",
        "kind": "xyz"[min(2, max(0, round(record + 1)))],
        "amount": round(5 * record + 3 * (field == "a") + chance.gauss(0, 1), 2),
    }


@pytest.mark.parametrize("outcome", ["binary", "kind", "amount"])
def test_fields_may_be_called_like_arguments(scorecard, tmp_path, outcome):
    chance = random.Random(23)
    rows = [colliding(chance) for _ in range(240)]
    unused = {"binary", "kind", "amount"} - {outcome}
    file = tmp_path / "odd.csv"
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, [name for name in rows[0] if name not in unused], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    package, _ = add(file, outcome, "odd", tmp_path)
    with quick_training():
        card = model.train(package, tmp_path / "artifacts")
    client = create_app(tmp_path / "artifacts").test_client()

    def ask(method: str, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: Any = client.post("/mcp", json=body).json
        return answer["result"]

    tools = ask("tools/list")["tools"]
    assert ("changes" in {tool["name"] for tool in tools}) == (outcome == "binary")
    for record in (card.typical, dict(card.typical) | {"record": None}):
        for tool in tools:
            arguments = {"records": [record]} if tool["name"] == "score_rows" else {"record": record}
            jsonschema.Draft202012Validator(tool["inputSchema"]).validate(arguments)
            result = ask("tools/call", name=tool["name"], arguments=arguments)
            assert not result["isError"], text_of(result)
            jsonschema.Draft202012Validator(tool["outputSchema"]).validate(result["structuredContent"])
    varied = ask("tools/call", name="what_if", arguments={"record": card.typical, "field": "field"})
    assert [each["field"] for each in varied["structuredContent"]["curves"]] == ["field"]


ODD: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        float("nan"),
        float("inf"),
        "",
        "\0",
        "\ud800",
        "é" * 300,
        [],
        {},
        [[]],
        {"": {}},
    ),
    *(["predict"], {"record": PERSON}, "predict", PERSON, [PERSON] * 3, "age", "__class__", STATELESS),
]


def spoil(value: Any, chance: random.Random) -> Any:
    """A value with one part of it made odd."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice([*value])
        if chance.random() < 0.2:
            return {**value, chance.choice(["age", "x", "\ud800", name.upper()]): chance.choice(ODD)}
        if chance.random() < 0.2:
            return {key: each for key, each in value.items() if key != name}
        return {**value, name: spoil(value[name], chance)}
    return chance.choice(ODD)


def test_no_spoiled_message_fails_the_server(app, caplog):
    client, chance = app.test_client(), random.Random(23)
    calls = [{"name": name, "arguments": {"record": PERSON, "records": [PERSON]}} for name in (*TOOLS, "predict")]
    params: list[dict[str, Any]] = [
        *calls,
        {"uri": "glassform://adult/card"},
        {"protocolVersion": STATELESS},
        {"cursor": "1"},
    ]
    methods = ["tools/call", "resources/read", "initialize", "tools/list", "ping"]
    statuses = set()
    for _ in range(1_000):
        method = chance.choice(methods)
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**chance.choice(params), "_meta": META}}
        for _ in range(chance.randint(1, 3)):
            message = spoil(message, chance)
        headers = {"Mcp-Method": method, "Mcp-Name": "predict"}
        version = {"MCP-Protocol-Version": chance.choice([*REVISIONS, "x"])} if chance.random() < 0.7 else {}
        answer = client.post(
            "/mcp", data=json.dumps(message), content_type="application/json", headers=headers | version
        )
        statuses.add(answer.status_code)
        assert answer.status_code < 500 and (answer.status_code == 202 or answer.json), message
    assert statuses == {200, 202, 400, 404}
    assert not [each for each in caplog.records if each.exc_info]
