"""Answers are compressed for clients that accept it, by Brotli or gzip, unless they hold a secret."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

import brotli
from flask import Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from glassform.web.formats import LONGEST_KEPT, MOST_KEPT, WHO
from glassform.web.forms import FORM_FIELD
from glassform.web.language import read_of

CODINGS = ("br", "gzip")  # the one we like better first
SHORTEST = 1024  # bytes; less fits into a packet as it is
LEVELS = {"br": 4, "gzip": 5}  # of answers: a page takes less than a millisecond
LEVELS_OF_FILES = {"br": 9, "gzip": 9}  # of files, which are compressed once
SENT_AS_TEXT = (
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/problem+json",
    "application/sql",
    "application/x-ndjson",
    "image/svg+xml",
)
WINDOW = 18  # bits: how far Brotli looks back in an answer that is made in parts, 256 KB
BODILESS = (204, 206, 304)  # no content, a part of it, or not modified
OF_A_FORM = f'name="{FORM_FIELD}"'.encode()  # stands before the secret word of a form
SIGNED_IN = WHO[0]  # the cookie of somebody signed in
FILES: dict[tuple[str, str, str], bytes] = {}  # compressed files, by path, entity tag and coding: as many as we have


class Brotli:
    """What compresses a text part by part; what it has taken, it gives out at once: else it would keep megabytes."""

    def __init__(self) -> None:
        self.compressor = brotli.Compressor(quality=LEVELS["br"], lgwin=WINDOW)

    def process(self, part: bytes) -> bytes:
        """Take a part; return it compressed."""
        ready: bytes = self.compressor.process(part) + self.compressor.flush()
        return ready

    def finish(self) -> bytes:
        """Return the end."""
        rest: bytes = self.compressor.finish()
        return rest


class Gzip:
    """The same by gzip, which keeps some kilobytes at most."""

    def __init__(self) -> None:
        compressor = zlib.compressobj(LEVELS["gzip"], wbits=16 + zlib.MAX_WBITS)
        self.process, self.finish = compressor.compress, compressor.flush


COMPRESSORS: dict[str, type[Brotli | Gzip]] = {"br": Brotli, "gzip": Gzip}


def compressed(response: Response) -> Response:
    """Return a response, compressed if its client accepts that and it is worth it."""
    if not is_text(response.mimetype):
        return response
    response.vary.add("Accept-Encoding")
    coding = chosen_coding(request.headers.get("Accept-Encoding", ""))
    if coding is None or "Content-Encoding" in response.headers or is_short(response):
        return response
    if response.status_code in BODILESS:
        return retagged(response)
    if response.direct_passthrough:
        return as_file(response, coding)
    if SIGNED_IN in request.cookies:
        return response
    return in_parts(response, coding) if response.is_streamed else whole(response, coding)


def is_text(media_type: str | None) -> bool:
    """Tell whether a media type compresses well."""
    return media_type is not None and (media_type.startswith("text/") or media_type in SENT_AS_TEXT)


def is_short(response: Response) -> bool:
    """Tell whether a response is known to be too short to compress."""
    return response.content_length is not None and response.content_length < SHORTEST


def chosen_coding(accepted: str) -> str | None:
    """Return the coding an Accept-Encoding header likes best, ours on a tie; None for the text as it is."""
    return kept_coding(accepted) if len(accepted) <= LONGEST_KEPT else liked_best(accepted)


def liked_best(accepted: str) -> str | None:
    """Return the coding an Accept-Encoding header likes best (RFC 9110, 12.5.3)."""
    parsed = parse_accept_header(read_of(accepted), Accept)
    best = max(CODINGS, key=parsed.quality)
    return best if parsed.quality(best) > 0 and parsed.quality(best) >= parsed.quality("identity") else None


kept_coding = lru_cache(maxsize=MOST_KEPT)(liked_best)


def whole(response: Response, coding: str) -> Response:
    """Compress a response whose body is there, unless it holds the secret word of a form.

    Who can put text into a page and see its length could guess the word letter by letter (BREACH).
    """
    body = response.get_data()
    return response if OF_A_FORM in body else replaced(response, once(body, coding, LEVELS), coding)


def as_file(response: Response, coding: str) -> Response:
    """Compress a file; the next time it is at hand."""
    response.direct_passthrough = False
    body, key = response.get_data(), (request.path, response.get_etag()[0] or "", coding)
    if key not in FILES:
        FILES[key] = once(body, coding, LEVELS_OF_FILES)
    response.headers.pop("Accept-Ranges", None)
    return replaced(response, FILES[key], coding)


def once(body: bytes, coding: str, levels: dict[str, int]) -> bytes:
    """Compress a text."""
    small: bytes
    if coding == "br":
        small = brotli.compress(body, quality=levels[coding])
    else:
        small = gzip.compress(body, levels[coding], mtime=0)
    return small


def replaced(response: Response, body: bytes, coding: str) -> Response:
    """Give a response a compressed body."""
    response.set_data(body)
    return said_of(response, coding)


def in_parts(response: Response, coding: str) -> Response:
    """Compress a response while it is made, once there is enough of it."""
    parts, begun, length = response.iter_encoded(), list[bytes](), 0
    for part in parts:
        begun.append(part)
        length += len(part)
        if length >= SHORTEST:
            response.call_on_close(getattr(response.response, "close", lambda: None))
            response.response = compressed_parts(chain(begun, parts), coding)
            return said_of(response, coding)
    response.response = begun
    return response


def compressed_parts(parts: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Compress parts, each as it comes."""
    compressor = COMPRESSORS[coding]()
    for part in parts:
        if ready := compressor.process(part):
            yield ready
    yield compressor.finish()


def said_of(response: Response, coding: str) -> Response:
    """Say how a response is compressed: its tag no longer stands for the same bytes."""
    response.headers["Content-Encoding"] = coding
    tag, is_weak = response.get_etag()
    if tag and not is_weak:
        response.set_etag(tag, weak=True)
    return response


def retagged(response: Response) -> Response:
    """Name the answer that a client has as the client does: the tag of a compressed one is weak."""
    tag, is_weak = response.get_etag()
    if tag and not is_weak and request.if_none_match.is_weak(tag):
        response.set_etag(tag, weak=True)
    return response
