"""Bodies and files that other programs might send, spoiled at random: the same ones for the same seed."""

import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Record = dict[str, Any]
WORDS = [
    "", " ", "?", "null", "NaN", "Infinity", "-1", "1e999", "39.0", "0x27", "TRUE", "12,5", "1.234,50", "31/12/2024",
    "\uff12", "\0", "\ufeff", "\u202e", "é", "e\u0301", "👍", "=1+1", "'", '"', '""', ",", ";", "\t", "|", "\r", "\n",
    "\r\n", "#", "sep=;", "{", "}", "[", "]", ":", "%00", "%", "&", "=", "__proto__", "age", "AGE", "select",
    "../../", "<script>", "{{7*7}}", "9" * 400,
]  # fmt: skip
TYPES = [
    "text/csv", "text/csv; charset=windows-1252", "text/csv; charset=utf-16", "text/csv; charset=zip", "",
    "application/json", "application/x-ndjson", "application/jsonl", "application/octet-stream", "application/xml",
    "application/vnd.ms-excel", "text/plain", "application/x-www-form-urlencoded", "application/gzip",
    "application/vnd.apache.parquet",
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1", "shift_jis", "gb18030"]


@dataclass(frozen=True)
class Input:
    """One input: the door that it is put through, its body, and its media type."""

    door: str
    body: bytes
    media_type: str = ""


def inputs(record: Record, count: int, seed: int) -> Iterator[Input]:
    """Return inputs made of a valid record, half of them spoiled in one place, half in several."""
    chance = random.Random(seed)
    doors = [*MAKERS]
    for number in range(count):
        door = doors[number % len(doors)]
        body, media_type = MAKERS[door](varied(record, chance), chance)
        for _ in range(chance.choice([1, 1, 2, 5, 20])):
            body = chance.choice(SPOILERS)(body, chance)
        if chance.random() < 0.2:
            media_type = chance.choice(TYPES)
        yield Input(door, body, media_type)


def varied(record: Record, chance: random.Random) -> Record:
    """Return a record with a value or a name changed now and then."""
    changed = dict(record)
    while chance.random() < 0.5:
        name = chance.choice([*record])
        changed[name] = chance.choice([*WORDS, None, True, 39.0, 1e300, [], {}, -5])
    if chance.random() < 0.2:
        changed[chance.choice(WORDS)] = chance.choice(WORDS)
    return changed


# What makes a body of a record, with its media type.


def delimited(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return a delimited file."""
    sign, end = chance.choice(",;\t|"), chance.choice(["\n", "\r\n", "\r"])
    cells = [sign.join(str(value) for value in record.values())] * chance.choice([1, 2, 50])
    text = end.join([sign.join(record), *cells, ""])
    body = text.encode(chance.choice(ENCODINGS), errors="replace")
    return (gzip.compress(body) if chance.random() < 0.1 else body), "text/csv"


def columnar(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return a Parquet or an Arrow file."""
    table = pa.table({name: [str(value)] * 3 for name, value in record.items()})
    file = io.BytesIO()
    if chance.random() < 0.5:
        pq.write_table(table, file)
        return file.getvalue(), "application/vnd.apache.parquet"
    with chance.choice([pa.ipc.new_file, pa.ipc.new_stream])(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue(), "application/vnd.apache.arrow.file"


def array(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return a JSON array of records."""
    return json.dumps([record] * chance.choice([1, 3])).encode(), "application/json"


def lines(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return JSON lines."""
    return (json.dumps(record) + "\n").encode() * chance.choice([1, 3]), "application/x-ndjson"


def single(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return one record as JSON."""
    return json.dumps(record).encode(), "application/json"


def pairs(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return one record as a form or a query string."""
    return "&".join(f"{name}={value}" for name, value in record.items()).encode(), "application/x-www-form-urlencoded"


def predicted(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return a body as one of the model servers has it."""
    names, values = [*record], [*record.values()]
    shapes: list[Any] = [
        {"data": [values]},
        {"instances": [record, values]},
        {"inputs": {name: [value] for name, value in record.items()}},
        {"dataframe_split": {"columns": names, "index": [0], "data": [values]}},
        {"dataframe_records": [record]},
        [values],
    ]
    return json.dumps(chance.choice(shapes)).encode(), "application/json"


def tensors(record: Record, chance: random.Random) -> tuple[bytes, str]:
    """Return a request of the Open Inference Protocol."""
    types = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
    made = [
        {"name": name, "datatype": types.get(type(value), "FP32"), "shape": [1], "data": [value]}
        for name, value in record.items()
    ]
    return json.dumps({"id": "1", "inputs": made}).encode(), "application/json"


MAKERS: dict[str, Callable[[Record, random.Random], tuple[bytes, str]]] = {
    "body": delimited,
    "upload": delimited,
    "columns": columnar,
    "array": array,
    "lines": lines,
    "json": single,
    "form": pairs,
    "query": pairs,
    "predict": predicted,
    "infer": tensors,
    "add": delimited,
    "score": delimited,
}


# What spoils a body.


def flipped(body: bytes, chance: random.Random) -> bytes:
    """Return a body with one byte changed."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def cut(body: bytes, chance: random.Random) -> bytes:
    """Return a body without a part."""
    begin, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:begin] + body[end:]


def doubled(body: bytes, chance: random.Random) -> bytes:
    """Return a body with a part twice."""
    begin, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[begin:end] + body[end:]


def ended(body: bytes, chance: random.Random) -> bytes:
    """Return the beginning of a body."""
    return body[: chance.randrange(len(body) + 1)]


def filled(body: bytes, chance: random.Random) -> bytes:
    """Return a body with a word put in."""
    at, word = chance.randrange(len(body) + 1), chance.choice(WORDS).encode()
    return body[:at] + word * chance.choice([1, 1, 1, 300]) + body[at:]


def swapped(body: bytes, chance: random.Random) -> bytes:
    """Return a body with one sign in place of another."""
    old, new = (bytes([chance.choice(b',;\t|"\n\r{}[]:=& .0')]) for _ in range(2))
    return body.replace(old, new, chance.choice([1, 1, -1]))


SPOILERS: list[Callable[[bytes, random.Random], bytes]] = [flipped, cut, doubled, ended, filled, filled, swapped]
