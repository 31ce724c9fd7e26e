"""A request of the Open Inference Protocol."""

from collections import Counter
from typing import Annotated, Any, Literal

import pydantic

from glassform.languages import gettext
from glassform.records.messages import FieldError, InvalidRecord, say, shown
from glassform.records.parsing import Pairs, UnreadableJSON, parse_json
from glassform.refusals import Unreadable

LONGEST_ID, MOST_TENSORS = 200, 1_000
Datatype = Literal[
    "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64", "BOOL", "BYTES"
]  # fmt: skip


class RequestPart(pydantic.BaseModel):
    """A part of a request; unknown members are rejected."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class Parameters(pydantic.BaseModel):
    """Parameters: what clients add for other servers, as MLServer's `content_type`, changes nothing here.

    But what would change the answer and is not done here has to be unset.
    """

    model_config = pydantic.ConfigDict(extra="ignore", strict=True)


Unset = Literal[0, "", False] | None


def or_empty(given: Any) -> Any:
    """Return parameters, none for null."""
    return {} if given is None else given


class InputParameters(Parameters):
    """The size of a tensor's binary data behind the header."""

    binary_data_size: Annotated[int, pydantic.Field(ge=0)] | None = None
    shared_memory_region: Unset = None


class InputTensor(RequestPart):
    """One tensor: an element per row, of the field it is named after."""

    name: str
    datatype: Datatype
    shape: Annotated[list[Annotated[int, pydantic.Field(ge=1)]], pydantic.Field(min_length=1, max_length=2)]
    parameters: Annotated[
        InputParameters, pydantic.BeforeValidator(or_empty, json_schema_input_type=InputParameters | None)
    ] = InputParameters()
    data: list[Any] | None = None


class OutputParameters(Parameters):
    """How an output is to be sent."""

    binary_data: bool | None = False
    classification: Unset = None
    shared_memory_region: Unset = None


class RequestedOutput(RequestPart):
    """An output that is wanted."""

    name: str
    parameters: Annotated[
        OutputParameters, pydantic.BeforeValidator(or_empty, json_schema_input_type=OutputParameters | None)
    ] = OutputParameters()


class RequestParameters(Parameters):
    """How all outputs are to be sent, if none is named."""

    binary_data_output: bool | None = False
    sequence_id: Unset = None


class InferenceRequest(RequestPart):
    """The tensors of some rows, and the outputs wanted for them; all outputs if none is named."""

    id: Annotated[str, pydantic.Field(max_length=LONGEST_ID)] | None = None
    parameters: Annotated[
        RequestParameters, pydantic.BeforeValidator(or_empty, json_schema_input_type=RequestParameters | None)
    ] = RequestParameters()
    inputs: Annotated[list[InputTensor], pydantic.Field(max_length=MOST_TENSORS)]
    outputs: Annotated[list[RequestedOutput], pydantic.Field(max_length=MOST_TENSORS)] | None = None


def read_request(body: bytes, header_length: int | None) -> tuple[InferenceRequest, bytes]:
    """Return a request and the binary data behind it.

    Raises
    ------
    Unreadable
        If the body is shorter than its header, or its binary data differ from what the header announces.
    UnreadableJSON
        If the header is not JSON.
    InvalidRecord
        With every member that breaks the protocol.
    """
    if header_length is not None and header_length > len(body):
        reason = gettext("it ends before its header of %(length)s bytes does", length=header_length)
        raise Unreadable(reason)
    header, binary = body[:header_length], body[len(body) if header_length is None else header_length :]
    errors: list[FieldError] = []
    try:
        given = plain(parse_json(header), errors)
    except RecursionError as error:
        raise UnreadableJSON(gettext("it is nested too deeply")) from error
    errors += [] if isinstance(given, dict) else [FieldError("", shown(given), say("object", value=shown(given)))]
    for name in ("inputs", "outputs"):
        several = given.get(name) if isinstance(given, dict) else None
        if isinstance(several, list) and len(several) > MOST_TENSORS:
            errors.append(FieldError(name, None, say("too_many", count=len(several), most=MOST_TENSORS)))
    if errors:
        raise InvalidRecord(errors, {})
    try:
        request = InferenceRequest.model_validate(given)
    except pydantic.ValidationError as invalid:
        raise InvalidRecord([protocol_error(error) for error in invalid.errors()], {}) from invalid
    announced = sum(each.parameters.binary_data_size or 0 for each in request.inputs)
    if announced != len(binary):
        reason = gettext(
            "%(count)s bytes of tensors follow the header, which announces %(announced)s",
            count=len(binary),
            announced=announced,
        )
        raise Unreadable(reason)
    return request, binary


def plain(value: Any, errors: list[FieldError]) -> Any:
    """Return parsed JSON with dictionaries for objects; a name given twice is an error."""
    if not isinstance(value, list):
        return value
    if not isinstance(value, Pairs):
        return [plain(each, errors) for each in value]
    counts = Counter(name for name, _ in value)
    errors += [FieldError(shown(name), None, say("repeated")) for name, count in counts.items() if count > 1]
    return {name: plain(each, errors) for name, each in value}


def protocol_error(error: Any) -> FieldError:
    """Convert one of pydantic's errors; the protocol's own words stay English."""
    place = shown(".".join(map(str, error["loc"])))
    if error["type"] == "missing":
        return FieldError(place, None, say("absent"))
    value = shown(error["input"]) if not isinstance(error["input"], dict) else gettext("an object")
    return FieldError(place, value, say("protocol", value=value, reason=error["msg"]))
