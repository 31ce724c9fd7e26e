"""The API as OpenAPI 3.1 describes it: from the data package, the types of the answers and the table of routes.

https://spec.openapis.org/oas/v3.1.1.html
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from types import UnionType
from typing import Annotated, Any, NotRequired, get_args, get_origin, get_type_hints

import pydantic
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict
from werkzeug.routing import Rule

from glassform.languages import LANGUAGES
from glassform.records.field import Field
from glassform.records.schema import Schema
from glassform.web.addresses import in_braces
from glassform.web.asked import VERSION
from glassform.web.formats import FORMATS, SUFFIXES, Streamed, offered_by_name
from glassform.web.forms import UPLOAD
from glassform.web.problems import PROBLEM
from glassform.web.resource import Resource

OPENAPI = "3.1.1"
METHODS = ("get", "post", "put", "patch", "delete")
COMPONENT = "#/components/schemas/{model}"
RECORD = {"$ref": COMPONENT.format(model="Record")}  # as text has it
RECORD_IN_JSON = {"$ref": COMPONENT.format(model="RecordInJSON")}  # which has null
SUFFIX = "suffix"
TEXT = {"type": "string"}
DESCRIPTIONS = {  # of the path's variables
    SUFFIX: "The format of the answer.",
    "name": "The model's name.",
    "version": "The model's version.",
    "id": "The name of one of them, as its address has it.",
    "code": "The code of the class.",
}
GOOD = {HTTPStatus.OK, HTTPStatus.CREATED}
EMPTY = {HTTPStatus.ACCEPTED, HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT, HTTPStatus.SEE_OTHER}
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "visit": {"type": "apiKey", "in": "cookie", "name": "access_token_cookie"},
}


class ProblemError(TypedDict):
    """One error: its field, value and message, and its row in a batch."""

    row: NotRequired[int]
    field: str
    value: str | None
    message: str


class Problem(TypedDict):
    """A problem (RFC 9457); `error` repeats it in one line for the Open Inference Protocol."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[ProblemError]]
    error: NotRequired[str]


def in_query(name: str, schema: dict[str, Any], description: str, required: bool = False) -> dict[str, Any]:
    """Describe a parameter of the query string."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def record_in_query(schema: Schema, required: bool = True) -> list[dict[str, Any]]:
    """Describe the fields of a record as parameters of the query string."""
    return [
        in_query(field.name, part_of_record(field, RECORD), field.description, required) for field in schema.fields
    ]


def part_of_record(field: Field, record: dict[str, str] = RECORD_IN_JSON) -> dict[str, Any]:
    """Return the JSON Schema of one field."""
    return {"$ref": f"{record['$ref']}/properties/{field.name}"}


def record_among_others(schema: Schema) -> dict[str, Any]:
    """Return the JSON Schema of a record that may have further members, as the row of a table has."""
    properties = {field.name: part_of_record(field) for field in schema.fields}
    return {"type": "object", "properties": properties, "required": [*properties]}


def describe(
    rules: Iterable[Rule], views: Mapping[str, Any], schema: Schema, known: Mapping[str, list[str]]
) -> dict[str, Any]:
    """Return the OpenAPI document.

    Parameters
    ----------
    rules
        The application's routes.
    views
        The application's view functions by endpoint; only those of a `Resource` are described.
    known
        The possible values of a path's variables.
    """
    types = Types()
    records = {"Record": schema.lax.model_json_schema(), "RecordInJSON": schema.strict.model_json_schema()}
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(rules, key=lambda rule: (SUFFIX in rule.arguments, rule.rule.startswith("/v2"))):
        resource = getattr(views[rule.endpoint], "view_class", None)
        if resource is not None:
            path = in_braces(rule.rule)
            paths[path] = {
                method: operation(method, resource, rule, schema, types)
                | {"parameters": parameters(method, resource, rule, schema, known)}
                for method in METHODS
                if hasattr(resource, method)
            }
    content = {PROBLEM: {"schema": types.of(Problem)}, FORMATS["html"].media_type.partition(";")[0]: {"schema": TEXT}}
    return {
        "openapi": OPENAPI,
        "info": {
            "title": f"Glassform: {schema.own['question']}",
            "version": "1",
            "summary": "A transparent model behind a web form and a REST API.",
            "description": schema.own["note"],
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": types.definitions() | records,
            "securitySchemes": SECURITY,
            "responses": {"Problem": {"description": "What is wrong with the request.", "content": content}},
        },
    }


class Types:
    """The JSON Schemas of Python types; each named type appears once."""

    def __init__(self) -> None:
        self.adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}

    def of(self, type_: Any) -> dict[str, Any]:
        """Return a reference to the schema of a type; a schema as it is."""
        if type_ is Any:
            return {}
        if isinstance(type_, dict):
            return type_
        if isinstance(type_, UnionType):
            return {"anyOf": [self.of(each) for each in get_args(type_)]}
        if not inspect.isclass(type_):
            return pydantic.TypeAdapter(type_).json_schema()
        self.adapters[type_] = pydantic.TypeAdapter(type_)
        return {"$ref": COMPONENT.format(model=type_.__name__)}

    def definitions(self) -> dict[str, Any]:
        """Return the schemas of all types asked for, and of those they are made of."""
        inputs = [(each.__name__, mode_of(each), adapter) for each, adapter in self.adapters.items()]
        _, found = pydantic.TypeAdapter.json_schemas(inputs, ref_template=COMPONENT, schema_generator=Exact)
        definitions: dict[str, Any] = found["$defs"]
        return definitions


class Exact(GenerateJsonSchema):
    """JSON Schemas in which a typed dictionary allows no other members."""

    def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
        """Return the schema of a typed dictionary."""
        return {"additionalProperties": False} | super().typed_dict_schema(schema)


def mode_of(type_: Any) -> Any:
    """Return pydantic's mode: validation for bodies, serialization for answers."""
    return "validation" if inspect.isclass(type_) and issubclass(type_, pydantic.BaseModel) else "serialization"


def operation(method: str, resource: type[Resource], rule: Rule, schema: Schema, types: Types) -> dict[str, Any]:
    """Describe what a method of a resource does."""
    view = getattr(resource, method)
    described: dict[str, Any] = {
        "operationId": "_".join([method, resource.__name__.lower(), *sorted(rule.arguments)]),
        "tags": [resource.tag or resource.__module__.rpartition(".")[2]],
        "summary": first_sentence(view),
        "description": first_sentence(resource),
        "responses": {
            str(int(status)): response(status, resource, view, types)
            for status in statuses(method, resource, rule, schema)
        },
    }
    bodies = resource.bodies(method, schema) if method != "get" else {}
    if bodies:
        content = {kind: {"schema": types.of(body)} | encoding_of(kind) for kind, body in bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    if {401} & resource.problems and not resource.is_open:
        described["security"] = [{name: []} for name in SECURITY]
    return described


def encoding_of(media_type: str) -> dict[str, Any]:
    """Return how the file of an upload is encoded."""
    return {"encoding": {"file": {"contentType": "text/csv"}}} if media_type == UPLOAD else {}


def parameters(
    method: str, resource: type[Resource], rule: Rule, schema: Schema, known: Mapping[str, list[str]]
) -> list[dict[str, Any]]:
    """Describe all parameters of an address: of its path, a method's own, and those that say how to answer."""
    formats = in_query("format", TEXT | {"enum": [*offered_by_name(resource.formats)]}, "The format of the answer.")
    versions = TEXT | {"enum": known["version"]}
    return [
        *in_path(resource, rule, known),
        *resource.parameters(method, schema),
        *([formats] if SUFFIX not in rule.arguments else []),
        in_query(VERSION, versions, "The version that answers, if not the current one."),
        in_query("lang", TEXT | {"enum": [*LANGUAGES]}, "The language of messages and pages."),
    ]


def in_path(resource: type[Resource], rule: Rule, known: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Describe the variables of a path."""
    for name in sorted(rule.arguments):
        formats = [each for each in SUFFIXES if each in resource.formats]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": DESCRIPTIONS[name],
            "schema": TEXT | ({"enum": formats} if name == SUFFIX else values_of(name, known)),
        }


def values_of(name: str, known: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the schema of a path's variable."""
    return {"enum": known[name]} if name in known else {"minLength": 1}


def first_sentence(described: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(described) or "").partition("\n")[0]


def statuses(method: str, resource: type[Resource], rule: Rule, schema: Schema) -> list[HTTPStatus]:
    """Return every status that a method can answer with."""
    success = resource.successes.get(method, HTTPStatus.OK)
    refused = {  # an unknown version is a 404; an unreadable pipeline or a full lane a 503, a full disk a 507
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.INSUFFICIENT_STORAGE,
    }
    found: set[int] = {success, *refused, *resource.failures, *resource.problems}
    if method == "get":
        found.add(HTTPStatus.NOT_MODIFIED)
    if resource.problems and method != "get" and "html" in resource.formats:
        found.add(HTTPStatus.SEE_OTHER)
    if method in ("post", "put", "patch", "delete"):
        found |= {
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    return [HTTPStatus(status) for status in sorted(found)]


def response(status: HTTPStatus, resource: type[Resource], view: Any, types: Types) -> dict[str, Any]:
    """Describe a response, in every format if it has content."""
    if status in EMPTY:
        return {"description": status.phrase}
    answer = get_type_hints(view, include_extras=True)["return"]
    if get_origin(answer) is tuple:  # of answer, status and headers
        answer = get_args(answer)[0]
    if status not in GOOD | resource.failures:
        return {"$ref": "#/components/responses/Problem"}
    return {"description": status.phrase, "content": dict(content_of(resource, answer, types))}


def content_of(resource: type[Resource], answer: Any, types: Types) -> Iterator[tuple[str, Any]]:
    """Return the schema of an answer by media type."""
    streamed = False
    if get_origin(answer) is Annotated:  # a response made by hand, annotated with its content's type
        made, answer = get_args(answer)
        streamed = made is Streamed
    for form in resource.formats:
        media_type = FORMATS[form].media_type.partition(";")[0]
        schema = types.of(answer) if form in ("json", "jsonld") else TEXT
        yield media_type, {"schema": {"type": "array", "items": schema} if streamed and form == "json" else schema}
    for media_type in resource.other_media_types:
        yield media_type, {"schema": {}}
