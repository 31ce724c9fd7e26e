"""What the resources of a class share: who asks, and about which class."""

import hmac
import ipaddress
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from flask import current_app, request
from werkzeug.http import dump_cookie

from glassform.classroom.lessons import read_lessons
from glassform.classroom.refused import NotHere, NotJoined, NotTheTeacher
from glassform.classroom.room import Room, siblings_of
from glassform.classroom.store import FILE, HOURS_KEPT, Phone, Store, key_of
from glassform.languages import current
from glassform.settings import INSTANCE
from glassform.web.asked import VERSION, address_of, ask_table, asked, served, table_named
from glassform.web.formats import as_json, etag
from glassform.web.openapi import TEXT, in_query
from glassform.web.resource import Resource

TAKE_HOME = "take-home.html"
KEY, COOKIE, BEARER = "key", "phone", "Bearer "
KEY_IN_QUERY = in_query(KEY, TEXT, "The teacher's key, as the board's address has it.", required=True)


class InClass(Resource):
    """A resource of class mode: its requests wait for a database."""

    lane = "people"
    tag = "classes"
    is_open = True
    problems = frozenset({401, 403, 404, 409})


def store() -> Store:
    """Return what is kept of classes."""
    return cast(Store, current_app.extensions.setdefault("classes", Store(INSTANCE / FILE)))


def found(code: str) -> Room:
    """Return a class.

    Raises
    ------
    Ended
        If there is none.
    """
    known = store().find(code)
    table = table_named(known.table)
    table.renew()
    card, lessons = table.version(known.version), read_lessons()
    lesson = (lessons.get(known.lesson) or next(iter(lessons.values()))).in_language(current())
    siblings = siblings_of(card.schema, [*table.manifest.siblings.values()])
    return Room(store(), known, card, card.schemas[current()], lesson, siblings)


def room_of(code: str) -> Room:
    """Return a class, as `found` does, and let its own model answer this request."""
    room = found(code)
    ask_table(table_named(room.known.table))
    asked().model = room.card
    return room


def key_for(code: str) -> str:
    """Return the teacher's key to a class."""
    return key_of(current_app.config["JWT_SECRET_KEY"], code)


def teachers(code: str) -> Room:
    """Return a class to its teacher.

    Raises
    ------
    Ended
        If there is none.
    NotTheTeacher
        If the address does not hold its key.
    """
    room = room_of(code)
    given = request.args.get(KEY, "").encode(errors="replace")
    if not hmac.compare_digest(given, key_for(room.known.code).encode()):
        raise NotTheTeacher(room.known.code)
    return room


def token() -> str:
    """Return the token of the phone that asks; empty, if it has none."""
    header = request.headers.get("Authorization", "")
    return header[len(BEARER) :].strip() if header.startswith(BEARER) else request.cookies.get(COOKIE, "")


def phone_in(room: Room) -> Phone:
    """Return the phone that asks.

    Raises
    ------
    NotJoined
        If its token is none of the class.
    """
    found = room.store.phone(room.known.code, token())
    if found is None:
        raise NotJoined(room.known.code)
    return found


def stamp_of(answer: Any) -> str:
    """Return the tag of an answer as JSON, by which a page's script sees whether it has changed."""
    return etag(as_json(answer), "json")


def take_home(room: Room | None = None) -> str:
    """Return the path of the take-home file: of the table that is asked, or of a class's, with its results."""
    if room is None:
        return address_of(served().name) + TAKE_HOME
    version = {} if room.card.version == served().current.version else {VERSION: room.card.version}
    return f"{address_of(room.known.table)}{TAKE_HOME}?{urlencode({'class': room.known.code, **version})}"


def cookie(value: str) -> dict[str, str]:
    """Return the header that keeps a phone's token on the phone."""
    secure = current_app.config["JWT_COOKIE_SECURE"]
    kept = dump_cookie(COOKIE, value, max_age=HOURS_KEPT * 3600, httponly=True, samesite="Lax", secure=secure)
    return {"Set-Cookie": kept}


def refuse_elsewhere() -> None:
    """Refuse a request that does not come from the computer that serves the class.

    Raises
    ------
    NotHere
        If it comes from another one.
    """
    if not is_here():
        raise NotHere


def is_here() -> bool:
    """Tell whether a request comes from the computer that serves the class."""
    asking = request.remote_addr or ""
    try:
        if ipaddress.ip_address(asking).is_loopback:
            return True
    except ValueError:
        return False
    return asking in {urlsplit(address).hostname for address in addresses()}


def addresses() -> list[str]:
    """Return the addresses at which phones may reach this computer, the best first; else the one asked for."""
    settings: Any = current_app.extensions["settings"]
    return settings.class_addresses or [request.host_url.rstrip("/")]
