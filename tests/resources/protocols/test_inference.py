"""The Open Inference Protocol: the real tritonclient, and requests made by hand, wrong ones too."""

import json
import struct

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

URL = "/v2/models/adult/infer"
NUMBERS = {"age", "hours_per_week"}


@pytest.fixture(scope="module")
def people(splits):
    return splits["adult_test"].X.head(100).to_dict("records")


@pytest.fixture(scope="module")
def remote(server):
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        yield client


def tensors(people, binary=True, shape=(-1,)):
    """The real client's own input tensors, one per field."""
    inputs = []
    for name in people[0]:
        values = [person[name] for person in people]
        array = np.array(values, dtype=np.int64 if name in NUMBERS else np.object_).reshape(shape)
        tensor = triton.InferInput(name, list(array.shape), "INT64" if name in NUMBERS else "BYTES")
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    return inputs


def by_hand(record, **changes):
    """A request in JSON for one row."""
    inputs = [
        {"name": name, "shape": [1], "datatype": "INT64" if name in NUMBERS else "BYTES", "data": [value]}
        for name, value in record.items()
    ]
    return {"inputs": inputs} | changes


def infer(client, request, header=None, binary=b"", **headers):
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    if header is not None:
        headers["Inference-Header-Content-Length"] = str(header)
    return client.post(URL, data=body + binary, content_type="application/json", headers=headers)


def test_the_real_client_finds_server_and_model(remote, scorecard):
    assert remote.is_server_live() and remote.is_server_ready()
    assert remote.is_model_ready("adult") and remote.is_model_ready("adult", scorecard.version)
    assert remote.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    described = remote.get_model_metadata("adult", scorecard.version)
    assert described["versions"] == [scorecard.version]
    inputs = {each["name"]: each["datatype"] for each in described["inputs"]}
    assert inputs == {name: "INT64" if name in NUMBERS else "BYTES" for name in scorecard.points}
    assert [each["name"] for each in described["outputs"]] == ["probability", "label", "log_odds", "contributions"]


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)], ids=["vector", "column"])
def test_the_real_client_infers_in_its_default_mode(remote, scorecard, people, shape):
    answer = remote.infer("adult", tensors(people, shape=shape), request_id="42")
    expected = np.array([scorecard.probability(person) for person in people]).reshape(shape)
    assert np.array_equal(answer.as_numpy("probability"), expected)
    labels = np.where(expected > 0.5, b">50K", b"<=50K")
    assert np.array_equal(answer.as_numpy("label"), labels)
    terms = answer.as_numpy("contributions")
    assert terms.shape == (100, len(scorecard.points) + len(scorecard.pairs))
    log_odds = answer.as_numpy("log_odds").ravel()
    assert np.allclose(scorecard.intercept + terms.sum(axis=1), log_odds, rtol=0, atol=1e-12)
    told = answer.get_response()
    assert (told["id"], told["model_name"], told["model_version"]) == ("42", "adult", scorecard.version)


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_binary_and_json_give_the_same_numbers(remote, scorecard, people, binary_in, binary_out):
    wanted = [triton.InferRequestedOutput("probability", binary_data=binary_out)]
    answer = remote.infer("adult", tensors(people, binary_in), scorecard.version, outputs=wanted)
    assert answer.as_numpy("probability").tolist() == [scorecard.probability(person) for person in people]
    assert answer.as_numpy("label") is None


def test_the_real_client_is_told_what_is_wrong(remote, people):
    with pytest.raises(InferenceServerException, match="age 200 is not between 17 and 90") as refused:
        remote.infer("adult", tensors([people[0], people[1] | {"age": 200}]))
    assert refused.value.status() == "422"
    with pytest.raises(InferenceServerException, match="There is no model nobody here; there is adult") as refused:
        remote.infer("nobody", tensors(people))
    assert refused.value.status() == "404"
    assert not remote.is_model_ready("nobody") and not remote.is_model_ready("adult", "1")
    assert remote.infer("adult", tensors(people)).as_numpy("probability") is not None


def test_plain_json_is_answered_in_plain_json(client, scorecard, record):
    answer = infer(client, by_hand(record))
    assert answer.mimetype == "application/json" and "Inference-Header-Content-Length" not in answer.headers
    outputs = {each["name"]: each for each in answer.json["outputs"]}
    assert outputs["probability"] == {
        "name": "probability",
        "datatype": "FP64",
        "shape": [1],
        "data": [scorecard.probability(record)],
    }
    assert outputs["contributions"]["shape"] == [1, len(scorecard.points) + len(scorecard.pairs)]


@pytest.mark.parametrize("datatype", ["INT8", "UINT8", "INT16", "UINT64"])
def test_whole_numbers_of_any_width_are_read(client, scorecard, record, datatype):
    request = by_hand(record)
    code = {"INT8": "b", "UINT8": "B", "INT16": "<h", "UINT64": "<Q"}[datatype]
    binary = struct.pack(code, 39)
    request["inputs"][0] = {
        "name": "age",
        "shape": [1],
        "datatype": datatype,
        "parameters": {"binary_data_size": len(binary)},
    }
    body = json.dumps(request).encode()
    answer = infer(client, body, len(body), binary)
    assert answer.json["outputs"][0]["data"] == [scorecard.probability(record)]


IGNORED = {
    "content type of the request": lambda request: request | {"parameters": {"content_type": "pd"}},
    "content type of the inputs": lambda request: of_inputs(request, {"content_type": "np"}),
    "headers, as MLServer adds them": lambda request: request | {"parameters": {"headers": {"a": ["b"]}, "x": None}},
    "priority and timeout": lambda request: request | {"parameters": {"priority": 1, "timeout": 1000, "x": [1]}},
    "no sequence": lambda request: request | {"parameters": {"sequence_id": 0, "sequence_start": False}},
    "null for the request": lambda request: request | {"id": None, "parameters": None, "outputs": None},
    "null for the inputs": lambda request: of_inputs(request, None),
    "null for what is known": lambda request: of_inputs(
        request | {"parameters": {"binary_data_output": None}}, {"binary_data_size": None}
    ),
    "outputs": lambda request: request | {"outputs": [{"name": "label", "parameters": {"content_type": "str"}}]},
    "null for outputs": lambda request: request | {"outputs": [{"name": "label", "parameters": None}]},
    "null for binary": lambda request: (
        request | {"outputs": [{"name": "label", "parameters": {"binary_data": None}}]}
    ),
}


def of_inputs(request, parameters):
    """The request, its inputs with parameters."""
    inputs = [tensor | {"parameters": parameters} for tensor in request["inputs"]]
    return request | {"inputs": inputs}


@pytest.mark.parametrize("change", IGNORED.values(), ids=IGNORED)
def test_parameters_of_other_servers_change_nothing(client, record, change):
    plain = {each["name"]: each for each in infer(client, by_hand(record)).json["outputs"]}
    answer = infer(client, change(by_hand(record)))
    assert answer.status_code == 200, answer.text
    assert answer.json["outputs"] and all(each == plain[each["name"]] for each in answer.json["outputs"])


@pytest.mark.parametrize(
    ("part", "parameters", "place"),
    [
        ("outputs", {"shared_memory_region": "x"}, "outputs.0.parameters.shared_memory_region"),
        ("outputs", {"classification": 2}, "outputs.0.parameters.classification"),
        ("outputs", {"binary_data": "yes"}, "outputs.0.parameters.binary_data"),
        ("outputs", 5, "outputs.0.parameters"),
        (None, {"sequence_id": "a"}, "parameters.sequence_id"),
        (None, [], "parameters"),
    ],
)
def test_parameters_that_would_change_the_answer_are_refused(client, record, part, parameters, place):
    more = {"parameters": parameters} if part is None else {part: [{"name": "label", "parameters": parameters}]}
    answer = infer(client, by_hand(record) | more)
    assert answer.status_code == 422 and answer.json["errors"][0]["field"].startswith(place)


# All fields as one matrix, where all are numbers.


@pytest.fixture
def flowers(client, scorecard):
    """Iris flowers, and what is said of them when their fields come one by one."""
    rows = [[*each["record"].values()] for each in client.get("/iris/examples").json["examples"]]
    fields = client.get("/v2/models/iris").json["inputs"]
    columns = zip(fields, zip(*rows, strict=True), strict=True)
    inputs = [field | {"shape": [len(rows)], "data": [*column]} for field, column in columns]
    return rows, client.post("/v2/models/iris/infer", json={"inputs": inputs}).json["outputs"]


@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
@pytest.mark.parametrize("name", ["input-0", "predict", "sepal_length"])
def test_a_matrix_of_numbers_is_read_in_the_announced_order(client, flowers, name, datatype):
    rows, expected = flowers
    tensor = {"name": name, "datatype": datatype, "shape": [len(rows), 4]}
    for data in (rows, [number for row in rows for number in row]):
        answer = client.post("/v2/models/iris/infer", json={"inputs": [tensor | {"data": data}]})
        assert answer.status_code == 200, answer.text
        assert answer.json["outputs"] == expected


def test_the_real_clients_matrix_is_read(remote, flowers):
    rows, expected = flowers
    for binary in (True, False):
        tensor = triton.InferInput("input-0", [len(rows), 4], "FP64")
        tensor.set_data_from_numpy(np.array(rows), binary_data=binary)
        answer = remote.infer("iris", [tensor])
        for output in expected:
            found = answer.as_numpy(output["name"])
            said = [each.decode() if isinstance(each, bytes) else each for each in found.ravel().tolist()]
            assert (list(found.shape), said) == (output["shape"], output["data"])


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        (
            "iris",
            {"shape": [1, 3], "data": [1, 2, 3]},
            "its shape is [1, 3], and each row has 4 numbers, one per field",
        ),
        ("iris", {"data": [1, 2, 3]}, "it has 3 elements, and its shape says 4"),
        ("iris", {"data": [[1, 2], [3, 4]]}, "it has 2 elements, and its shape says 4"),
        ("iris", {"data": None}, "it needs one of data and parameters.binary_data_size"),
        ("iris", {"datatype": "BYTES"}, "its datatype is BYTES"),
        ("iris", {"shape": [4]}, "is not a field"),
        (
            "adult",
            {"shape": [1, 7], "data": [0] * 7},
            "these are not: workclass, education, marital_status, race, sex",
        ),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(client, table, change, message):
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 4], "data": [5.1, 3.5, 1.4, 0.2]} | change
    answer = client.post(f"/v2/models/{table}/infer", json={"inputs": [tensor]})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "x" and message in answer.json["errors"][0]["message"]


def test_a_matrix_holds_whole_numbers_and_numbered_categories_too(client):
    """Those of the diabetes table: its sex is 1 or 2, its age is whole."""
    record = client.get("/diabetes/examples").json["examples"][0]["record"]
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 10], "data": [float(each) for each in record.values()]}
    answer = client.post("/v2/models/diabetes/infer", json={"inputs": [tensor]})
    assert (
        answer.json["outputs"][0]["data"]
        == client.post("/diabetes/predict", json={"data": [record]}).json["prediction"]
    )


def changed(place, **changes):
    """A change of one input tensor; None takes a member away."""

    def change(request):
        tensor = request["inputs"][place]
        tensor.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del tensor[name]
        return request

    return change


WRONG = {
    "no inputs": (lambda request: {}, "inputs", "is missing"),
    "inputs no list": (lambda request: {"inputs": 1}, "inputs", "is not as the protocol has it"),
    "an unknown member": (lambda request: request | {"x": 1}, "x", "is not as the protocol has it"),
    "an unknown parameter": (
        lambda request: request | {"parameters": {"sequence_id": 1}},
        "parameters.sequence_id",
        "is not as the protocol has it",
    ),
    "a record": (lambda request: {"age": 39}, "inputs", "is missing"),
    "a number": (lambda request: 7, "", "a record is an object, and this is 7"),
    "a missing tensor": (lambda request: {"inputs": request["inputs"][1:]}, "age", "Enter age, a whole number"),
    "a tensor twice": (
        lambda request: {"inputs": [*request["inputs"], request["inputs"][0]]},
        "age",
        "is given more than once",
    ),
    "an unknown tensor": (changed(0, name="agee"), "agee", "is not a field; did you mean age?"),
    "an unknown datatype": (changed(0, datatype="BF16"), "inputs.0.datatype", "is not as the protocol has it"),
    "text for a number": (
        changed(0, datatype="BYTES"),
        "age",
        "its datatype is BYTES, and it has to be one of INT64",
    ),
    "a fraction of a whole number": (changed(0, datatype="FP64", data=[39.5]), "age", "39.5 is not a whole number"),
    "a number for text": (changed(1, datatype="INT64"), "workclass", "its datatype is INT64"),
    "no shape": (changed(0, shape=None), "inputs.0.shape", "is missing"),
    "an empty shape": (changed(0, shape=[]), "inputs.0.shape", "is not as the protocol has it"),
    "no rows": (changed(0, shape=[0], data=[]), "inputs.0.shape.0", "is not as the protocol has it"),
    "a negative shape": (changed(0, shape=[-1]), "inputs.0.shape.0", "is not as the protocol has it"),
    "a shape of text": (changed(0, shape=["1"]), "inputs.0.shape.0", "is not as the protocol has it"),
    "a matrix": (changed(0, shape=[1, 2], data=[39, 39]), "age", "its shape is [1, 2]"),
    "a cube": (changed(0, shape=[1, 1, 1]), "inputs.0.shape", "is not as the protocol has it"),
    "a wrong count": (changed(0, data=[39, 40]), "age", "it has 2 elements, and its shape says 1"),
    "different counts": (
        changed(0, shape=[2], data=[39, 40]),
        "age",
        "its shape is [2], and not all tensors have the same",
    ),
    "no data": (changed(0, data=None), "age", "it needs one of data and parameters.binary_data_size"),
    "both kinds of data": (
        changed(0, parameters={"binary_data_size": 0}),
        "age",
        "it needs one of data and parameters.binary_data_size",
    ),
    "shared memory": (
        changed(0, data=None, parameters={"shared_memory_region": "x"}),
        "inputs.0.parameters.shared_memory_region",
        "is not as the protocol has it",
    ),
    "different shapes": (changed(0, shape=[1, 1]), "age", "its shape is [1, 1], and not all tensors have the same"),
    "nested data in a vector": (changed(0, data=[[39]]), "age", "a list is not a whole number"),
    "half a character": (lambda request: request | {"id": "\ud800"}, "id", "is not as the protocol has it"),
    "too many tensors": (lambda request: {"inputs": [1] * 5000}, "inputs", "there are 5000, and at most 1000"),
    "an output twice": (
        lambda request: request | {"outputs": [{"name": "label"}, {"name": "label"}]},
        "label",
        "is given more than once",
    ),
    "an unknown output": (
        lambda request: request | {"outputs": [{"name": "probabilty"}]},
        "probabilty",
        "is not an output; did you mean probability?",
    ),
}


@pytest.mark.parametrize(("change", "field", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_a_422_that_names_what_is_wrong(client, record, change, field, message):
    answer = infer(client, change(by_hand(record)))
    assert answer.status_code == 422
    first = answer.json["errors"][0]
    assert first["field"] == field and message in first["message"]
    assert field in answer.json["error"] and message in answer.json["error"]
    assert infer(client, by_hand(record)).status_code == 200


@pytest.mark.parametrize("data", [["39"], [39.5], [True], [None], [[39, 40]], [{"a": 1}], [1e400], [10**30]], ids=str)
def test_a_wrong_element_is_a_422_with_its_row(client, record, data):
    body = json.dumps(changed(0, data=data)(by_hand(record))).encode()
    answer = infer(client, body)
    assert answer.status_code == 422
    assert [error["field"] for error in json.loads(answer.data)["errors"]] == ["age"]


def test_a_member_given_twice_is_refused(client):
    answer = infer(client, b'{"inputs": [], "id": "1", "id": "2"}')
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "id", "value": None, "message": "is given more than once"}]


@pytest.mark.parametrize(
    ("header", "binary", "reason"),
    [
        ("x", b"", "Inference-Header-Content-Length is not a number of bytes"),
        ("-1", b"", "Inference-Header-Content-Length is not a number of bytes"),
        ("99999", b"", "it ends before its header of 99999 bytes does"),
        ("10", b"", "The body is not JSON"),
        (None, b"", "0 bytes of tensors follow the header, which announces 8"),
        ("all", b"1234567", "7 bytes of tensors follow the header, which announces 8"),
        ("all", b"123456789", "9 bytes of tensors follow the header, which announces 8"),
        ("all", b"12345678", "is not between 17 and 90"),
    ],
)
def test_binary_data_that_are_not_as_announced_are_refused(client, record, header, binary, reason):
    request = changed(0, data=None, parameters={"binary_data_size": 8})(by_hand(record))
    body = json.dumps(request).encode()
    answer = infer(client, body, len(body) if header == "all" else header, binary)
    assert answer.status_code in (400, 422)
    assert reason in json.dumps(answer.json)


@pytest.mark.parametrize(
    ("datatype", "binary", "message"),
    [
        ("INT64", b"1234567", "its 7 bytes are no whole elements of INT64"),
        ("BYTES", b"\1\0\0", "its 3 bytes are no whole elements of BYTES"),
        ("BYTES", b"\5\0\0\0ab", "its 6 bytes are no whole elements of BYTES"),
        ("BYTES", b"\xff\xff\xff\xffab", "its 6 bytes are no whole elements of BYTES"),
        ("BYTES", b"\2\0\0\0\xff\xfe", "it is not UTF-8 text"),
        ("BYTES", b"", "it has 0 elements, and its shape says 1"),
    ],
)
def test_bytes_that_are_no_elements_are_refused(client, record, datatype, binary, message):
    place = 0 if datatype == "INT64" else 1
    size = {"binary_data_size": len(binary)}
    body = json.dumps(changed(place, data=None, parameters=size)(by_hand(record))).encode()
    answer = infer(client, body, len(body), binary)
    assert answer.status_code == 422
    assert [error["message"] for error in answer.json["errors"]] == [message]


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 5_000, 100_000])
@pytest.mark.parametrize("bracket", ["[]", '{"a":}'])
def test_nesting_of_any_depth_is_refused(client, depth, bracket):
    opening, closing = bracket[:-1], bracket[-1]
    body = f'{{"inputs": {opening * depth}1{closing * depth}}}'.encode()
    assert infer(client, body).status_code in (400, 422)


def test_other_media_types_and_long_bodies_are_refused(client, record):
    assert client.post(URL, data="age=39", content_type="text/plain").status_code == 415
    long = client.post(URL, data=b" " * (8 * 1024 * 1024 + 1), content_type="application/json")
    assert long.status_code == 413 and long.json["error"]


@pytest.mark.parametrize("path", ["", "/ready", "/infer", "/versions/1", "/versions/1/ready", "/versions/1/infer"])
def test_unknown_models_and_versions_are_404_with_the_protocols_error(client, path):
    name = "adult" if "versions" in path else "nobody"
    send = client.post if path.endswith("infer") else client.get
    answer = send(f"/v2/models/{name}{path}", json={} if path.endswith("infer") else None)
    assert answer.status_code == 404 and "There is no" in answer.json["error"]
