"""Many records at once, scored in the order sent."""

import io
import shutil
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import IO, Annotated, Any, cast

from flask import Response, after_this_request, request, url_for
from typing_extensions import TypedDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from glassform.batches.batch import Batch, ScoredRow, Source
from glassform.batches.readers import (
    CSV,
    JSON,
    LINES,
    NAMED,
    READERS,
    TABLES,
    UNTOLD,
    Reader,
    lost_its_lines,
    reader_of,
)
from glassform.languages import gettext
from glassform.limits import LONGEST_LINE, MOST_ARRAY_BYTES, MOST_BATCH_ERRORS, MOST_BYTES, MOST_LINES, MOST_ROWS
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.refusals import TooLarge, Unreadable
from glassform.tables.opening import is_packed, unpack
from glassform.tables.text import charset_named
from glassform.web.asked import fitted, schema
from glassform.web.formats import Streamed
from glassform.web.forms import UPLOAD
from glassform.web.openapi import TEXT, in_query, record_among_others
from glassform.web.reading import given_fields, one_of, read_body, read_options, refuse_broken_off
from glassform.web.resource import Resource, answer_rather_in, refuse_query

ACCEPTED = (CSV.media_type, UPLOAD, JSON.media_type, LINES.media_type, *TABLES)
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
    lanes = MappingProxyType({"POST": "batches"})
    largest_body = MOST_BYTES

    formats = ("json", "html", "csv", "jsonl")
    mended_on = "answers/probabilities.html"

    def offered(self) -> tuple[str, ...]:
        """Return the formats, the body's own first: clients that accept anything get back what they sent."""
        posted = request.method == "POST"
        sent = {**NAMED, **dict.fromkeys((UPLOAD, *UNTOLD), CSV)}.get(request.mimetype, JSON) if posted else JSON
        return formats_after(sent)

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return what to do about errors, whether to explain, and which reasons to add."""
        from glassform.resources.reasons import reasons_in_query

        if method != "post":
            return []
        return [*(in_query(name, choice(name), MEANING[name]) for name in OPTIONS), *reasons_in_query(schema)]

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        options = {name: choice(name) for name in OPTIONS}
        upload = {"type": "object", "required": [FILE], "additionalProperties": False}
        file = {"type": "string", "contentMediaType": CSV.media_type}
        rows = {name: reader.described(record_among_others(schema)) for name, reader in READERS.items()}
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
        from glassform.resources.reasons import read_reasons, without_options

        given = batch_options_given()
        reasons = read_reasons(given)
        options = read_batch_options(without_options(given) if reasons else given)
        keep_going, explain = options["on_error"] == "report", options["explain"] == "1"
        found = Batch(fitted(), read_source(), keep_going, explain, reasons)
        return Streamed(found.columns, found.texts, found.objects, found.summary, found.count)

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return the example people, a file to edit and send."""
        return [example["record"] for example in fitted().examples]


def choice(name: str) -> dict[str, Any]:
    """Return the JSON Schema of an option."""
    return TEXT | {"enum": OPTIONS[name], "default": OPTIONS[name][0]}


def batch_options_given() -> list[tuple[str, str]]:
    """Return the names and values of options in the address and the form."""
    posted = request.form.items(multi=True) if request.mimetype == UPLOAD else ()
    return [*given_fields(), *(pair for pair in posted if pair[0] != FILE)]


def read_batch_options(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Read the batch's options.

    Raises
    ------
    InvalidQuery
        With every error of both.
    """
    defaults = {name: values[0] for name, values in OPTIONS.items()}
    return defaults | read_options({name: one_of(values) for name, values in OPTIONS.items()}, given)


def formats_after(reader: Reader) -> tuple[str, ...]:
    """Return the formats of answers, the one that goes with a body first."""
    return tuple(dict.fromkeys([reader.format, *Probabilities.formats]))


def read_source() -> Source:
    """Return the rows of the body.

    Raises
    ------
    UnsupportedMediaType
        If no reader knows the body's media type or its encoding, or nothing says what the body is.
    RequestEntityTooLarge
        If a JSON array has too many bytes.
    TooLarge
        If it has too many rows.
    """
    kind = request.mimetype
    parts: list[Any] = [*request.files.values()] if kind == UPLOAD else [request]
    encoding = encoding_of(parts[0].mimetype_params.get("charset")) if parts else None
    if kind == UPLOAD:
        return CSV.read(uploaded(), fitted(), schema(), encoding)
    reader = NAMED.get(kind)
    if reader is not None and reader.whole:
        return reader.read(io.BytesIO(read_body(reader.most_bytes)), fitted(), schema(), encoding)
    if reader is None and kind not in UNTOLD:
        raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=", ".join(ACCEPTED)))
    file = kept(request.stream)
    return (reader or looked_at(file, kind)).read(file, fitted(), schema(), encoding)


def looked_at(file: IO[bytes], kind: str) -> Reader:
    """Return the reader of a body whose media type says nothing, and prefer its format for the answer.

    Raises
    ------
    UnsupportedMediaType
        If it is no table.
    RequestEntityTooLarge
        If it is a JSON array with too many bytes.
    """
    length = file.tell()
    file.seek(0)
    begin = file.read(LONGEST_LINE)
    file.seek(0)
    if lost_its_lines(kind, begin):
        raise UnsupportedMediaType(gettext("This table came in one line; curl sends it whole with --data-binary."))
    reader = reader_of(kind, begin)
    if reader is None:
        raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=", ".join(ACCEPTED)))
    if length > reader.most_bytes:
        raise RequestEntityTooLarge
    answer_rather_in(formats_after(reader))
    return reader


def encoding_of(charset: str | None) -> str | None:
    """Return Python's name of the encoding that a media type states.

    Raises
    ------
    UnsupportedMediaType
        If it is not known.
    """
    if not charset:
        return None
    name = charset_named(charset)
    if name is None:
        raise UnsupportedMediaType(gettext("The encoding %(name)s is not known.", name=shown(charset)))
    return name


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
    """Return a copy of a stream, in memory if it is short and on disk if not, and unpacked if it is compressed."""
    file = temporary()
    shutil.copyfileobj(stream, file)
    if request.mimetype != UPLOAD:  # whose parts end where they say
        refuse_broken_off(file.tell())
    if is_packed(file):
        packed, file = file, temporary()
        unpack(packed, file)
    refuse_too_many_lines(file)
    return file


def refuse_too_many_lines(file: IO[bytes]) -> None:
    """Refuse a file of many more lines than rows are read, blank ones too, and go to its end.

    Raises
    ------
    TooLarge
        If it has too many.
    """
    file.seek(0)
    count = 0
    while part := file.read(LONGEST_LINE):
        count += max(part.count(b"\n"), part.count(b"\r"))
        if count > MOST_LINES:
            raise TooLarge(gettext("At most %(most)s lines are read.", most=f"{MOST_LINES:,}"))


def temporary() -> IO[bytes]:
    """Return a new file that is closed when the answer has been sent."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    @after_this_request
    def close_with(response: Response) -> Response:
        response.call_on_close(file.close)
        return response

    return cast(IO[bytes], file)
