"""Many records at once, scored in the order sent."""

import io
import shutil
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, cast

from flask import Response, after_this_request, request, url_for
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from glassform.batches.batch import Batch, ScoredRow, Source
from glassform.batches.readers import CSV, JSON, READERS, TABLES, Reader
from glassform.languages import gettext
from glassform.limits import LONGEST_LINE, MOST_ARRAY_BYTES, MOST_BATCH_ERRORS, MOST_BYTES, MOST_ROWS
from glassform.records.messages import FieldError, InvalidQuery, say
from glassform.records.schema import Schema
from glassform.refusals import Unreadable
from glassform.web.asked import fitted, schema
from glassform.web.formats import Streamed
from glassform.web.forms import UPLOAD
from glassform.web.openapi import RECORD, TEXT, in_query
from glassform.web.reading import given_fields, one_of, read_body, read_options, refuse_broken_off
from glassform.web.resource import Resource, refuse_query

ACCEPTED = {CSV.media_type: CSV, UPLOAD: CSV, **READERS, **dict.fromkeys(TABLES, CSV)}
FILE = "file"  # the name of an upload
OPTIONS = {"on_error": ["fail", "report"], "explain": ["0", "1"]}  # the first is the default
MEANING = {
    "on_error": "Whether a row with errors makes the whole batch invalid, or is reported among the others.",
    "explain": "Whether to add every term of the log-odds.",
}
IN_MEMORY = 1024 * 1024  # bytes of a body; longer ones go to disk


class BatchLimits(TypedDict):
    """The limits of a batch."""

    rows: int
    bytes: int
    bytes_of_a_json_array: int
    characters_of_a_line: int
    errors_reported: int


class BatchOffer(TypedDict):
    """The accepted bodies and their limits."""

    accepts: list[str]
    options: dict[str, list[str]]
    columns: list[str]
    limits: BatchLimits
    sample: str


class Probabilities(Resource):
    """The probabilities of many records: of a CSV file, a JSON array or JSON lines."""

    reads_query = True

    formats = ("json", "html", "csv", "jsonl")

    def offered(self) -> tuple[str, ...]:
        """Return the formats, the body's own first: clients that accept anything get back what they sent."""
        sent = ACCEPTED.get(request.mimetype, JSON) if request.method == "POST" else JSON
        return tuple(dict.fromkeys([sent.format, *self.formats]))

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return what to do about errors and whether to explain."""
        return [in_query(name, choice(name), MEANING[name]) for name in OPTIONS] if method == "post" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        options = {name: choice(name) for name in OPTIONS}
        upload = {"type": "object", "required": [FILE], "additionalProperties": False}
        file = {"type": "string", "contentMediaType": CSV.media_type}
        rows = {name: reader.described(RECORD) for name, reader in READERS.items()}
        return rows | {UPLOAD: upload | {"properties": {FILE: file, **options}}}

    def get(self) -> BatchOffer:
        """Return the accepted bodies and their limits; as CSV, a few real people as a sample."""
        refuse_query(request.environ["QUERY_STRING"])
        return {
            "accepts": list(ACCEPTED),
            "options": OPTIONS,
            "columns": list(schema().by_name),
            "limits": {
                "rows": MOST_ROWS,
                "bytes": MOST_BYTES,
                "bytes_of_a_json_array": MOST_ARRAY_BYTES,
                "characters_of_a_line": LONGEST_LINE,
                "errors_reported": MOST_BATCH_ERRORS,
            },
            "sample": url_for("probabilities", suffix="csv"),
        }

    def post(self) -> Annotated[Streamed, ScoredRow]:
        """Return every record of the body with its probability."""
        request.max_content_length = MOST_BYTES
        options = read_batch_options()
        keep_going, explain = options["on_error"] == "report", options["explain"] == "1"
        found = Batch(fitted(), read_source(), keep_going, explain)
        return Streamed(found.columns, found.texts, found.objects, found.summary, found.count)

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the example people, a file to edit and send."""
        return [example["record"] for example in fitted().examples]


def choice(name: str) -> dict[str, Any]:
    """Return the JSON Schema of an option."""
    return TEXT | {"enum": OPTIONS[name], "default": OPTIONS[name][0]}


def read_batch_options() -> dict[str, str]:
    """Read the batch's options from the address or the form.

    Raises
    ------
    InvalidQuery
        With every error of both.
    """
    posted = request.form.items(multi=True) if request.mimetype == UPLOAD else ()
    given = [*given_fields(), *(pair for pair in posted if pair[0] != FILE)]
    defaults = {name: values[0] for name, values in OPTIONS.items()}
    return defaults | read_options({name: one_of(values) for name, values in OPTIONS.items()}, given)


def read_source() -> Source:
    """Return the rows of the body.

    Raises
    ------
    UnsupportedMediaType
        If no reader knows the body's media type.
    RequestEntityTooLarge
        If a JSON array has too many bytes.
    TooLarge
        If it has too many rows.
    """
    reader = ACCEPTED.get(request.mimetype)
    if reader is None:
        raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=", ".join(ACCEPTED)))
    return reader.read(body_for(reader), fitted(), schema(), stated_encoding())


def stated_encoding() -> str | None:
    """Return the encoding that the body's media type, or that of the uploaded file, states."""
    if request.mimetype != UPLOAD:
        return request.mimetype_params.get("charset")
    file = request.files.get(FILE)
    return file.mimetype_params.get("charset") if file else None


def body_for(reader: Reader) -> IO[bytes]:
    """Return the body, or the uploaded file, as its reader needs it."""
    if request.mimetype == UPLOAD:
        return uploaded()
    return io.BytesIO(read_body(reader.most_bytes)) if reader.whole else kept(request.stream)


def uploaded() -> IO[bytes]:
    """Return the file of a form.

    Raises
    ------
    InvalidQuery
        If there is none, or more than one.
    """
    files = list(request.files.items(multi=True))
    texts = request.form.getlist(FILE)  # a file without a name counts as text
    if len(files) + len(texts) != 1 or any(name != FILE or not file.filename for name, file in files):
        raise InvalidQuery([FieldError(FILE, None, say("one_file", count=len(files) + len(texts)))], {})
    if texts and "\ufffd" in texts[0]:  # put there in place of what is none
        raise Unreadable(gettext("it is not %(encoding)s text", encoding="UTF-8"))
    if texts:
        return io.BytesIO(texts[0].encode(errors="replace"))
    return kept(files[0][1].stream)  # the form's own file closes when the request ends, before the answer is sent


def kept(stream: IO[bytes]) -> IO[bytes]:
    """Return a copy of a stream, in memory if it is short and on disk if not."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when the answer has been sent

    @after_this_request
    def close_with(response: Response) -> Response:
        response.call_on_close(file.close)
        return response

    shutil.copyfileobj(stream, file)
    if request.mimetype != UPLOAD:  # whose parts end where they say
        refuse_broken_off(file.tell())
    return cast(IO[bytes], file)
