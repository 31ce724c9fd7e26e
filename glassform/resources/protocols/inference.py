"""The Open Inference Protocol, version 2.

https://github.com/kserve/open-inference-protocol
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, NotRequired

from flask import Response, request
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from glassform.batches.batch import Batch
from glassform.batches.inference_request import InferenceRequest, read_request
from glassform.batches.json_rows import Objects
from glassform.batches.tensors import TEXTS, Tensor, read_rows, suitable_datatypes, write_tensors
from glassform.fitted.base import Fitted, is_ready
from glassform.fitted.target import sigmoid, softmax
from glassform.languages import gettext
from glassform.limits import MOST_ARRAY_BYTES, MOST_BATCH_ERRORS
from glassform.records.messages import FieldError, InvalidRecord, say, shown, unknown
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.refusals import Unreadable
from glassform.resources.protocols.health import NOT_KEPT
from glassform.web.asked import ask_table, ask_version, fitted, schema, served, table_named, version_named
from glassform.web.openapi import TEXT
from glassform.web.reading import read_body
from glassform.web.resource import Resource

JSON, BYTES = "application/json", "application/octet-stream"
HEADER_LENGTH = "Inference-Header-Content-Length"
NUMERIC = "FP64"


class Described(TypedDict):
    """A tensor's description; -1 stands for any number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ServerAnswer(TypedDict):
    """The server and the protocol extensions it knows."""

    name: str
    version: str
    extensions: list[str]


class ModelAnswer(TypedDict):
    """A model's versions and tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Described]
    outputs: list[Described]


class InferenceLiveAnswer(TypedDict):
    """Whether the server is alive."""

    live: bool


class InferenceReadyAnswer(TypedDict):
    """Whether the server, or a model, is ready."""

    ready: bool
    name: NotRequired[str]


class OutputTensor(Described):
    """An output's elements in row-major order, or how many bytes of binary data they are."""

    data: NotRequired[list[float | str]]
    parameters: NotRequired[dict[str, int]]


class InferenceAnswer(TypedDict):
    """The outputs for all rows of a request."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    parameters: NotRequired[dict[str, str]]
    outputs: list[OutputTensor]


class InferenceResource(Resource):
    """A resource of the protocol: JSON only, at the protocol's own addresses."""

    formats = ("json",)


class Inference(InferenceResource):
    """The server and its protocol extensions."""

    def get(self) -> ServerAnswer:
        """Return the server's name and its extensions of the protocol."""
        return {"name": "glassform", "version": "2", "extensions": ["binary_tensor_data"]}


class InferenceLive(InferenceResource):
    """Whether the server is alive."""

    def get(self) -> tuple[InferenceLiveAnswer, int, dict[str, str]]:
        """Return that the process answers."""
        return {"live": True}, 200, NOT_KEPT


class InferenceReady(InferenceResource):
    """Whether the server is ready."""

    failures = frozenset({503})

    def get(self) -> tuple[InferenceReadyAnswer, int, dict[str, str]]:
        """Return whether the model passes its self-test; 503 if not."""
        ready = is_ready(fitted())
        return {"ready": ready}, 200 if ready else 503, NOT_KEPT


class InferenceModel(InferenceResource):
    """A model: its tensors."""

    def get(self, name: str, version: str | None = None) -> ModelAnswer:
        """Return the input tensors, one per field, and the output tensors."""
        card = model_named(name, version)
        return {
            "name": card.schema.name,
            "versions": [*served().manifest.versions],
            "platform": f"glassform_{card.kind}",
            "inputs": [
                {"name": field.name, "datatype": suitable_datatypes(field)[0], "shape": [-1]}
                for field in card.schema.fields
            ],
            "outputs": [
                {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.shape[1:]]}
                for tensor in outputs(card, Batch(card, Objects([card.typical], card, card.schema), False, True), [1])
            ],
        }


class InferenceModelReady(InferenceResource):
    """Whether a model is ready."""

    failures = frozenset({503})

    def get(self, name: str, version: str | None = None) -> tuple[InferenceReadyAnswer, int, dict[str, str]]:
        """Return whether the model passes its self-test; 503 if not."""
        ready = is_ready(model_named(name, version))
        return {"name": name, "ready": ready}, 200 if ready else 503, NOT_KEPT


class Inferred(InferenceResource):
    """A model's outputs for some rows."""

    lane = "batches"
    largest_body = MOST_ARRAY_BYTES
    other_media_types = (BYTES,)

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the tensors."""
        return {JSON: InferenceRequest, BYTES: TEXT | {"format": "binary"}}

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the header that goes with binary tensors."""
        described = "How many bytes of the body are JSON; the rest are the binary tensors it announces."
        header = {"name": HEADER_LENGTH, "in": "header", "required": False, "description": described}
        return [header | {"schema": {"type": "integer", "minimum": 0}}] if method == "post" else []

    def post(self, name: str, version: str | None = None) -> Annotated[Response, InferenceAnswer]:
        """Return the outputs for rows that come as one tensor per field."""
        card, dictionary = model_named(name, version), schema()
        asked, binary = read_request(read_body(self.largest_body), header_length())
        rows = read_rows(asked, binary, dictionary)
        scored = Batch(card, Objects(rows, card, dictionary), keep_going=False, explain=True)
        rows_by, *width = asked.inputs[0].shape
        found = {each.name: each for each in outputs(card, scored, [rows_by, *(width if width == [1] else [])])}
        refuse_unknown_outputs(asked, found)
        wanted = [found[each.name] for each in asked.outputs] if asked.outputs else found.values()
        answer: dict[str, Any] = {"model_name": card.schema.name, "model_version": card.version}
        if asked.id is not None:
            answer["id"] = asked.id
        if warned := warnings(scored):
            answer["parameters"] = {"warnings": warned}
        body, length = write_tensors(answer, wanted, asked)
        headers = {"Cache-Control": "no-store"} | ({HEADER_LENGTH: str(length)} if length is not None else {})
        return Response(body, headers=headers, content_type=JSON if length is None else BYTES)


def model_named(name: str, version: str | None) -> Fitted:
    """Return a model by name, and by version if one is given.

    Raises
    ------
    NotFound
        If there is none.
    """
    if name != served().name:
        ask_table(table_named(name))
    if version is not None:
        ask_version(version_named(version))
    return fitted()


def header_length() -> int | None:
    """Return how many bytes of the body are JSON, before binary tensors; None if all are.

    Raises
    ------
    UnsupportedMediaType
        If the body is neither JSON nor binary.
    Unreadable
        If its header is not a number.
    """
    if request.mimetype not in ("", JSON, BYTES):
        raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=f"{JSON}, {BYTES}"))
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Unreadable(gettext("%(header)s is not a number of bytes", header=HEADER_LENGTH))
    return int(given)


def outputs(card: Fitted, scored: Batch, shape: list[int]) -> Iterator[Tensor]:
    """Return all outputs: the answer and, for additive models, its arithmetic."""
    rows = [*scored.source]
    sums = card.all_sums(rows)
    if card.schema.task == BINARY:
        yield Tensor("probability", NUMERIC, shape, [*map(sigmoid, sums)])
        yield Tensor("label", TEXTS, shape, [card.schema.classes[each > 0] for each in sums])
        yield Tensor("log_odds", NUMERIC, shape, [*sums])
    elif card.schema.task == NUMBER:
        yield Tensor("prediction", NUMERIC, shape, [*sums])
    else:
        several = [len(rows), len(card.schema.classes)]
        shares = [share for each in sums for share in softmax(each)]
        yield Tensor("label", TEXTS, shape, [card.target.score(each) for each in sums])
        yield Tensor("probabilities", NUMERIC, several, shares)
    if card.is_additive:
        terms = [number for row in rows for term in row.terms for number in each_of(term)]
        classes = [len(card.schema.classes)] if card.schema.task == CLASSES else []
        width = len(card.used) + len(card.pair_lookups)
        yield Tensor("contributions", NUMERIC, [len(rows), width, *classes], terms)


def warnings(scored: Batch) -> str:
    """Return the warnings about the first rows that have any, in one text: a parameter is no list."""
    rows = scored.source if scored.card.observed else ()
    found = ((row.number, scored.card.outside(row.values)) for row in rows)
    said = (f"{gettext('row %(number)s', number=number)}: {each}" for number, several in found for each in several)
    return " ".join([*scored.card.not_used(), *islice(said, MOST_BATCH_ERRORS)])


def each_of(term: Any) -> Sequence[float]:
    """Return a term as numbers: one, or one per class."""
    return term if isinstance(term, tuple) else (term,)


def refuse_unknown_outputs(asked: InferenceRequest, known: dict[str, Any]) -> None:
    """Reject unknown or repeated outputs.

    Raises
    ------
    InvalidRecord
        With every one of them.
    """
    names = {name: name for name in known}
    counts = Counter(each.name for each in asked.outputs or [])
    errors = [FieldError(shown(name), None, say("repeated")) for name, count in counts.items() if count > 1]
    for name in [name for name in counts if name not in known]:
        errors.append(unknown(name, names, len(errors), key="output"))
    if errors:
        raise InvalidRecord(errors, {})
