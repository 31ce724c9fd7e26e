"""Lanes: what is quick is answered at once, everything else waits for one of few threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import unquote

from flask import Flask
from werkzeug.exceptions import HTTPException

from glassform.limits import LARGEST_BODY
from glassform.versions.served import Served, Tables

LIGHT, PAGES, PEOPLE, BATCHES = "light", "pages", "people", "batches"
THREADS = 8  # of the lane for people, who wait for the database
COMPUTING_THREADS = 2  # of the lanes for pages and for batches, who wait for nothing: more would not be faster
MOST_WAITING = 512  # requests of a lane that wait for a thread
# What is read at once: the names of more would take a while, known or not.
LONGEST_LIGHT, LONGEST_LIGHT_BODY = 2048, 1024  # bytes of a query or cookie, and of a body
MOST_LIGHT_PARTS = 64  # names of a query
JSON = "application/json"
EVENTS = "text/event-stream"  # which assistants name besides JSON, and get JSON


class Lane:
    """A few threads, and a queue before them."""

    def __init__(self, name: str, threads: int) -> None:
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.places = BoundedSemaphore(threads + MOST_WAITING)

    def submit(self, work: Callable[[], None]) -> Future[None] | None:
        """Queue work and return its future; None, if all places are taken."""
        if not self.places.acquire(blocking=False):
            return None
        done = self.threads.submit(work)
        done.add_done_callback(lambda done: self.places.release())
        return done


class Lanes:
    """The lanes of a worker, and who goes where: as the resource says that answers."""

    def __init__(self, app: Flask, threads: int) -> None:
        self.lanes = {
            PAGES: Lane(PAGES, COMPUTING_THREADS),
            PEOPLE: Lane(PEOPLE, threads),
            BATCHES: Lane(BATCHES, COMPUTING_THREADS),
        }
        self.views, self.rules = app.view_functions, app.url_map.bind("")
        self.tables: Tables = app.extensions["tables"]
        rules = [rule for rule in app.url_map.iter_rules() if not rule.arguments]
        self.plain = {rule.rule: self.views[rule.endpoint] for rule in rules}
        self.importing = ThreadPoolExecutor(1, thread_name_prefix="imports")

    def place_of(self, path: str, method: str) -> tuple[Any, Served]:
        """Return the view that answers a method at a path, or None, and the table it is asked about."""
        name, slash, rest = path[1:].partition("/")
        table = self.tables.find(name) if slash else None
        if table is not None:
            path = f"/{rest}"
        return self.view_at(path, method), table or self.tables.default

    def view_at(self, path: str, method: str) -> Any:
        """Return the view that answers a method at a table's path, or None."""
        if path in self.plain:
            return self.plain[path]
        try:
            endpoint, _ = self.rules.match(path, method)
        except HTTPException:
            return None
        return self.views[endpoint]

    async def resource_of(self, view: Any) -> Any:
        """Return the class of a view; its module is imported elsewhere, so that others do not wait for it.

        Static files, and what is not there, have none.
        """
        if not hasattr(view, "imported"):
            return None
        try:
            return view.imported or await asyncio.wrap_future(self.importing.submit(lambda: view.view_class))
        except (ImportError, OSError):
            return None  # no file can be opened now: a lane tries again, and says so as it says any failure

    def lane_of(self, resource: Any, table: Served, environ: dict[str, Any]) -> Lane | None:
        """Return the lane of a request; None, if it is answered at once."""
        if resource is None:
            return self.lanes[PAGES]
        name = resource.lane_of(environ)
        if name == LIGHT:
            return None if table.current.is_additive and is_light(environ) else self.lanes[PAGES]
        return self.lanes[name]


def is_light(environ: dict[str, Any]) -> bool:
    """Tell whether a request for one of the light resources is short and asks for no page."""
    query, length = environ["QUERY_STRING"], environ.get("CONTENT_LENGTH", "0")
    return (
        len(query) <= LONGEST_LIGHT
        and query.count("&") <= MOST_LIGHT_PARTS
        and length.isdecimal()
        and int(length) <= LONGEST_LIGHT_BODY
        and environ.get("CONTENT_TYPE", JSON) == JSON
        and len(environ.get("HTTP_COOKIE", "")) <= LONGEST_LIGHT
        and not asks_for_more(environ.get("HTTP_ACCEPT", ""))
        and "HTTP_TRANSFER_ENCODING" not in environ
        and not asks_for_more(unquote(query) if "%" in query else query)
        and not environ["PATH_INFO"].endswith(".html")
    )


def asks_for_more(text: str) -> bool:
    """Tell whether a header or a query may ask for what takes longer: a page, which `text/*` may mean, or a version.

    Another version may have to be loaded.
    """
    small = text.lower()
    return "html" in small or "model=" in small or "text/" in small.replace(EVENTS, "")


def largest_body(resource: Any) -> int:
    """Return how many bytes of a body are read for a resource."""
    return LARGEST_BODY if resource is None else int(resource.largest_body)
