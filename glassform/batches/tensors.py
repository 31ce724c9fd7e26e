"""Tensors of the Open Inference Protocol, in JSON and as the binary data behind it.

https://github.com/kserve/open-inference-protocol and Triton's extension for binary tensor data.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import orjson

from glassform.batches.inference_request import InferenceRequest, InputTensor
from glassform.languages import gettext
from glassform.limits import MOST_LISTED
from glassform.records.field import Field
from glassform.records.messages import FieldError, InvalidRecord, say, shown, unknown
from glassform.records.schema import Schema
from glassform.records.validation import needed

INTEGERS = {
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
}
REALS = {"FP16": "e", "FP32": "f", "FP64": "d"}
TRUTH = "BOOL"
TEXTS = "BYTES"
CODES = INTEGERS | REALS | {TRUTH: "?"}  # of the struct module
LENGTH = struct.Struct("<I")  # before each text of a binary tensor
SIZE = "binary_data_size"


@dataclass(frozen=True)
class Tensor:
    """A tensor to be sent: its elements in row-major order."""

    name: str
    datatype: str
    shape: list[int]
    elements: Sequence[Any]


def read_rows(request: InferenceRequest, binary: bytes, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a request's tensors, an element of each field.

    Raises
    ------
    InvalidRecord
        With every tensor that matches no field, has a wrong type, or differs in length.
    """
    if is_matrix(request, schema):
        return rows_of_matrix(request.inputs[0], binary, schema)
    errors: list[FieldError] = []
    columns: dict[str, list[Any]] = {}
    begin = 0
    for tensor in request.inputs:
        end = begin + (tensor.parameters.binary_data_size or 0)
        name = schema.names.get(tensor.name)
        if name is None:
            errors.append(unknown(tensor.name, schema.names, len(errors)))
        elif name in columns:
            errors.append(FieldError(name, None, say("repeated")))
        else:
            columns[name] = []
            try:
                columns[name] = elements(tensor, binary[begin:end], schema.by_name[name])
            except ValueError as error:
                errors.append(FieldError(name, None, str(error)))
        begin = end
    missing = [field for field in schema.fields if field.name not in columns]
    errors += [FieldError(field.name, None, needed(field)) for field in missing]
    if not errors and len({tuple(tensor.shape) for tensor in request.inputs}) > 1:
        errors = [FieldError(each.name, None, say("lengths_differ", value=each.shape)) for each in request.inputs]
    if errors:
        raise InvalidRecord(errors, {})
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def is_matrix(request: InferenceRequest, schema: Schema) -> bool:
    """Tell whether all fields come as one tensor, a row of it for each record."""
    tensor = request.inputs[0] if len(request.inputs) == 1 else None
    if tensor is None or len(tensor.shape) != 2:
        return False
    return tensor.name not in schema.names or tensor.shape[1] == len(schema.fields) > 1


def rows_of_matrix(tensor: InputTensor, binary: bytes, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a matrix of numbers, its columns in the order in which the fields are announced.

    Raises
    ------
    InvalidRecord
        If a field is no number, or the tensor has a wrong type or shape.
    """
    try:
        columns = columns_of_matrix(tensor, binary, schema)
    except ValueError as error:
        raise InvalidRecord([FieldError(shown(tensor.name), None, str(error))], {}) from error
    return [dict(zip(schema.by_name, row, strict=True)) for row in zip(*columns, strict=True)]


def columns_of_matrix(tensor: InputTensor, binary: bytes, schema: Schema) -> list[list[Any]]:
    """Return the columns of a matrix.

    Raises
    ------
    ValueError
        If a field is no number, or the tensor has a wrong type or shape.
    """
    width, texts = len(schema.fields), [field.name for field in schema.fields if not takes_numbers(field)]
    if texts:
        raise ValueError(say("mixed", names=", ".join(texts[:MOST_LISTED])))
    if tensor.datatype not in CODES:
        raise ValueError(say("datatype", value=tensor.datatype, known=", ".join(CODES)))
    if tensor.shape[1] != width:
        raise ValueError(say("width", value=tensor.shape, wanted=width))
    found = given_elements(tensor, binary)
    return [found[at::width] for at in range(width)]


def takes_numbers(field: Field) -> bool:
    """Tell whether every value of a field can be written as a number."""
    return not field.categories or len(field.by_number) == len(field.categories)


def given_elements(tensor: InputTensor, binary: bytes) -> list[Any]:
    """Return the elements of a tensor in row-major order.

    Raises
    ------
    ValueError
        If they are given twice or not at all, or are not as many as the shape says.
    """
    if (tensor.data is None) == (tensor.parameters.binary_data_size is None):
        raise ValueError(say("one_of_two", one="data", other=f"parameters.{SIZE}"))
    found = unpacked(binary, tensor.datatype) if tensor.data is None else tensor.data
    if len(tensor.shape) == 2 and tensor.data is not None:
        found = flat(tensor.data, tensor.shape[1])
    if len(found) != prod(tensor.shape):
        raise ValueError(say("count", count=len(found), wanted=prod(tensor.shape)))
    return found


def elements(tensor: InputTensor, binary: bytes, field: Field) -> list[Any]:
    """Return a tensor's elements.

    Raises
    ------
    ValueError
        If the datatype does not fit the field, or the shape does not match the data.
    """
    suitable = suitable_datatypes(field)
    if tensor.datatype not in suitable:
        raise ValueError(say("datatype", value=tensor.datatype, known=", ".join(suitable)))
    if len(tensor.shape) == 2 and tensor.shape[1] != 1:
        raise ValueError(say("shape", value=tensor.shape))
    return given_elements(tensor, binary)


def suitable_datatypes(field: Field) -> tuple[str, ...]:
    """Return the datatypes a field's tensor may have, the announced one first."""
    whole = tuple(dict.fromkeys(["INT64", *INTEGERS]))
    real = ("FP64", *(datatype for datatype in REALS if datatype != "FP64"))
    if field.categories:
        numbers = (*whole, *real) if field.by_number else real if field.missing else ()
        return (TEXTS, *([TRUTH] if field.truths else []), *numbers)
    texts = (TEXTS,) if field.missing or field.is_year else ()  # the signs of a gap, and dates
    # NaN as a gap makes whole numbers real ones
    return (*whole, *real, *texts) if field.type == "integer" and not field.has_gaps else (*real, *whole, *texts)


def flat(data: list[Any], width: int) -> list[Any]:
    """Return data as a flat list; it may be nested once, as rows of a matrix."""
    if data and all(isinstance(each, list) and len(each) == width for each in data):
        return [*chain.from_iterable(data)]
    return data


def unpacked(binary: bytes, datatype: str) -> list[Any]:
    """Return the elements of a binary tensor, little-endian; each text follows its length in bytes.

    Raises
    ------
    ValueError
        If the bytes are not whole elements, or text is not UTF-8.
    """
    if datatype != TEXTS:
        size = struct.calcsize(CODES[datatype])
        if len(binary) % size:
            raise ValueError(say("bytes", count=len(binary), datatype=datatype))
        return list(struct.unpack(f"<{len(binary) // size}{CODES[datatype]}", binary))
    texts, at = [], 0
    while at < len(binary):
        begin = at + LENGTH.size
        at = begin + LENGTH.unpack_from(binary, at)[0] if begin <= len(binary) else len(binary) + 1
        if at > len(binary):
            raise ValueError(say("bytes", count=len(binary), datatype=datatype))
        try:
            texts.append(binary[begin:at].decode())
        except UnicodeDecodeError:
            raise ValueError(gettext("it is not %(encoding)s text", encoding="UTF-8")) from None
    return texts


def packed(tensor: Tensor) -> bytes:
    """Return a tensor's elements as binary data."""
    if tensor.datatype != TEXTS:
        return struct.pack(f"<{len(tensor.elements)}{CODES[tensor.datatype]}", *tensor.elements)
    texts = [text.encode() for text in tensor.elements]
    return b"".join(LENGTH.pack(len(text)) + text for text in texts)


def write_tensors(
    answer: dict[str, Any], tensors: Iterable[Tensor], request: InferenceRequest
) -> tuple[bytes, int | None]:
    """Return an answer with tensors, in binary if wanted, and then its header's length."""
    wanted = {each.name: each.parameters.binary_data for each in request.outputs or []}
    outputs, binary = [], []
    for tensor in tensors:
        output: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if wanted.get(tensor.name, request.parameters.binary_data_output):
            binary.append(packed(tensor))
            outputs.append(output | {"parameters": {SIZE: len(binary[-1])}})
        else:
            outputs.append(output | {"data": tensor.elements})
    header = orjson.dumps(answer | {"outputs": outputs})
    return header + b"".join(binary), len(header) if binary else None
