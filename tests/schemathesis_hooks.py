"""What JSON Schema cannot say of our requests, told to schemathesis: for those that are meant to be right alone.

CSV, JSON lines and tensors have to agree in themselves, a password must not be easy to guess, a paper card is not
written as SQL, of scorecards only SQL has reasons, and their options go with them alone.
"""

import csv
import io
import json
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from tests.people import PERSON


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """Make a request that is meant to be right agree in itself."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return case
    if case.query:
        leave_out(case.query, idle(case))
    return with_body(case) if case.method == "POST" else case


def idle(case: Any) -> list[str]:
    """Return the parameters that do not go with the others."""
    names, query, is_sql = [], case.query, "sql" in ((case.path_parameters or {}).get("suffix"), format_of(case))
    if case.path.startswith("/scorecard"):
        names += ["points"] if is_sql else ["reasons"]
    if "reasons" not in query or "reasons" in names:
        names += ["against", "direction", "threshold"]
    elif query.get("against") != "threshold":
        names.append("threshold")
    return names


def leave_out(query: dict[str, Any], names: list[str]) -> None:
    """Leave parameters out of a query."""
    for name in names:
        query.pop(name, None)


def format_of(case: Any) -> Any:
    """Return the format that the query asks for, if it does."""
    return (case.query or {}).get("format")


def with_body(case: Any) -> Any:
    """Make a body that is meant to be right agree in itself."""
    if case.path == "/accounts" and isinstance(case.body, dict) and "password" in case.body:
        case.body = case.body | {"password": "correct horse battery staple"}
    if case.path.endswith("/infer"):
        case.headers.pop("Inference-Header-Content-Length", None)
    if case.media_type == "application/octet-stream":
        case.body = json.dumps({"inputs": tensors()}).encode()
    elif case.path.endswith("/infer"):
        case.body = case.body | {"inputs": tensors()} if isinstance(case.body, dict) else case.body
        case.body.pop("outputs", None)
    elif case.media_type == "text/csv":
        case.body = people()
    elif case.media_type == "application/x-ndjson":
        case.body = json.dumps(PERSON)
    elif case.media_type == "multipart/form-data" and "probabilities" in case.path:
        case.body = {"file": people()}  # the options are given in the address already
    return case


def people() -> str:
    """Return a CSV file with one person."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(PERSON))
    writer.writeheader()
    writer.writerow(PERSON)
    return text.getvalue()


def tensors() -> list[dict[str, Any]]:
    """Return a tensor for each field of one person."""
    return [
        {"name": name, "datatype": "BYTES" if isinstance(value, str) else "INT64", "shape": [1], "data": [value]}
        for name, value in PERSON.items()
    ]
