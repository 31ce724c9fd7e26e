"""The application as the server calls it: bodies are awaited, quick answers given at once, others in lanes."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from contextvars import copy_context
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from glassform.hosting.bodies import Receive, due, read_body
from glassform.hosting.lanes import Lane, Lanes, largest_body
from glassform.hosting.scratch import DiskFull, Scratch
from glassform.limits import SECONDS_TO_RETRY
from glassform.refusals import InsufficientStorage

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
WSGI = Callable[..., Iterable[bytes]]
PART = 16 * 1024  # bytes sent at a time; the server keeps a few of them for each slow client
WORTH_TELLING = 128 * 1024  # bytes of an answer, between two words to the one who sends it
UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
log = logging.getLogger("glassform")


class Names(dict[bytes, str]):
    """The names of headers as WSGI has them; short ones are kept, as long as there are few."""

    MOST, LONGEST = 1000, 100

    def __missing__(self, name: bytes) -> str:
        """Make a name."""
        made = UNPREFIXED.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        if len(self) < self.MOST and len(name) <= self.LONGEST:
            self[name] = made
        return made


NAMES = Names()


class Lower(dict[str, bytes]):
    """The names of our own headers as ASGI has them."""

    def __missing__(self, name: str) -> bytes:
        """Make a name."""
        self[name] = made = name.lower().encode("latin-1")
        return made


LOWER = Lower()


def environ_of(scope: Scope) -> dict[str, Any]:
    """Return a request as WSGI describes it (PEP 3333), yet without its body."""
    path, raw = scope["path"], scope.get("raw_path")
    if (raw and b"%" in raw) or not path.isascii():
        path = unquote_to_bytes(raw or path).decode("latin-1")
    (name, port), client = scope["server"] or ("", 0), scope["client"]
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": name,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope["headers"]:
        if b"_" in header:  # WSGI could not tell it from a name with a dash, which a proxy may have set
            continue
        key, text = NAMES[header], value.decode("latin-1")
        if key in environ:  # several of a name are one, but for cookies
            text = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + text
        environ[key] = text
    return environ


class Answer:
    """What the application answers: its status, its headers, and its body as far as it is written."""

    def __init__(self, tell: Callable[[], object]) -> None:
        self.tell = tell  # that there is more
        self.status, self.headers = 0, list[tuple[str, str]]()
        self.body, self.is_begun, self.is_abandoned = Scratch(), False, False

    def start(self, status: str, headers: list[tuple[str, str]], *rest: Any) -> None:
        """Take what WSGI calls the start of a response."""
        self.status, self.headers = int(status[:3]), headers

    def abandon(self) -> None:
        """Learn that nobody wants the answer any more."""
        self.is_abandoned = True
        self.tell()

    def write(self, application: WSGI, environ: dict[str, Any]) -> None:
        """Ask the application and write its answer; stop when nobody wants it any more."""
        told, parts = 0, application(environ, self.start) if not self.is_abandoned else ()
        try:
            for part in parts:
                if self.is_abandoned:
                    return
                self.body.write(part)
                if self.body.length - told >= WORTH_TELLING:
                    told = self.body.length
                    self.tell()
        finally:
            close(parts)


def close(parts: Iterable[bytes]) -> None:
    """Close an application's answer, if it wants to be."""
    getattr(parts, "close", lambda: None)()


class Adapter:
    """An application as ASGI calls it.

    Parameters
    ----------
    app
        The application; it answers by WSGI.
    threads
        Threads of a lane.
    """

    def __init__(self, app: Flask, threads: int) -> None:
        self.application: WSGI = app.wsgi_app
        self.refusing: Callable[[HTTPException], WSGI] = app.extensions["refusing"]
        self.lanes = Lanes(app, threads)
        self.is_closing = False  # whether answers say that their connection closes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        environ = environ_of(scope)
        view, table = self.lanes.place_of(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        resource = getattr(view, "imported", None) or await self.lanes.resource_of(view)
        body = await read_body(receive, largest_body(resource), announced(environ))
        environ["wsgi.input"] = body.file
        try:
            lane = self.lanes.lane_of(resource, table, environ)
            if lane is None:
                await self.answer_at_once(self.application, environ, send)
            else:
                # who broke off a body may still listen, but counts as gone already
                await self.answer_in_turn(lane, environ, receive if body.is_whole else forever, send)
        finally:
            body.close()

    async def answer_at_once(self, application: WSGI, environ: dict[str, Any], send: Send) -> None:
        """Answer in this very thread."""
        status, headers = 0, list[tuple[str, str]]()

        def start(said: str, given: list[tuple[str, str]], *rest: Any) -> None:
            nonlocal status, headers
            status, headers = int(said[:3]), given

        parts = application(environ, start)
        body = b"".join(parts)
        close(parts)
        await send(self.start_of(status, headers))
        await send({"type": "http.response.body", "body": body})

    async def answer_in_turn(self, lane: Lane, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer in a thread of a lane, and send meanwhile what is ready."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        answer = Answer(partial(loop.call_soon_threadsafe, ready.set))
        with closing(answer.body):
            done = lane.submit(lambda: copy_context().run(answer.write, self.application, dict(environ)))
            if done is None:
                full = ServiceUnavailable(retry_after=SECONDS_TO_RETRY)
                # never as a page, which takes a hundred times as long: here everybody waits
                await self.answer_at_once(self.refusing(full), environ | {"HTTP_ACCEPT": "*/*"}, send)
                return
            done.add_done_callback(lambda done: answer.tell())
            watching = loop.create_task(disconnected(receive))
            watching.add_done_callback(lambda gone: answer.abandon())
            try:
                await self.send_answer(answer, ready, done, send)
            except TimeoutError:
                log.warning("A client took its answer too slowly.")
            except DiskFull:
                log.error("There was no room on the disk for an answer.")
                if not answer.is_begun:
                    await self.answer_at_once(self.refusing(InsufficientStorage()), environ, send)
            finally:
                watching.cancel()
                answer.is_abandoned = True
                if not done.cancel():
                    await asyncio.wait([asyncio.wrap_future(done)])

    async def send_answer(self, answer: Answer, ready: asyncio.Event, done: Future[None], send: Send) -> None:
        """Send an answer while it is written; cut it where the application fails.

        Raises
        ------
        TimeoutError
            If the client takes it too slowly.
        """
        sent, loop = 0, asyncio.get_running_loop()
        begin, is_done = loop.time(), False
        while not is_done:
            waiting = loop.time()
            await ready.wait()
            ready.clear()
            begin += loop.time() - waiting  # of which the client is not guilty
            is_done, length = done.done(), answer.body.length
            if answer.is_abandoned:
                return
            if is_done and (error := done.exception()) is not None:
                raise error
            if not answer.is_begun:
                answer.is_begun = True
                await send(self.start_of(answer.status, answer.headers))
            async with asyncio.timeout_at(due(begin, sent)) as deadline:
                while sent < length:
                    part = answer.body.read(sent, PART)
                    sent += len(part)
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    deadline.reschedule(due(begin, sent))
        async with asyncio.timeout_at(due(begin, sent)):
            await send({"type": "http.response.body", "body": b""})

    def start_of(self, status: int, headers: list[tuple[str, str]]) -> dict[str, Any]:
        """Return the start of an answer as ASGI has it."""
        encoded = [(LOWER[name], value.encode("latin-1")) for name, value in headers]
        if self.is_closing:
            encoded.append((b"connection", b"close"))
        return {"type": "http.response.start", "status": status, "headers": encoded}


async def forever() -> dict[str, Any]:
    """Receive nothing."""
    await asyncio.Event().wait()
    return {}


async def disconnected(receive: Receive) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def announced(environ: dict[str, Any]) -> int | None:
    """Return how long a request says that its body is; None, if it does not say."""
    if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
        return 0
    length = environ.get("CONTENT_LENGTH", "")
    return int(length) if length.isdecimal() else None
