"""Class mode: what `--class` does beside serving. It says where phones join, and opens the teacher's board."""

import argparse
import io
import json
import os
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from threading import Thread, Timer
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import segno

from glassform.files import reason_of
from glassform.hosting import network
from glassform.hosting.startup import is_loopback, local_host, url_of

SECONDS_TO_BE_READY = 60.0
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_ANSWER = 30
SECONDS_BETWEEN_TIDYING = 600.0
# True white on true black, whatever the colours of a terminal are, and back to them.
WHITE_ON_BLACK, PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"
direct = build_opener(ProxyHandler({}))  # a school's proxy does not reach this machine
Tidying = Callable[[], object]


class Room(NamedTuple):
    """A server in class mode: its address on this machine, and those for phones, the best first."""

    url: str
    addresses: Sequence[str]


def open_room(options: argparse.Namespace, port: int, tidy: Tidying | None) -> None:
    """Tell the workers that classes can be held, and where; once they answer, start a class and show it.

    Parameters
    ----------
    options
        The command line.
    tidy
        What is to be done every ten minutes, in this process.
    """
    found = network.addresses(options.host, options.address)
    room = Room(url_of(local_host(options.host), port), [url_of(each, port) for each in found])
    os.environ["CLASSROOM"], os.environ["CLASS_ADDRESSES"] = "1", ",".join(room.addresses)
    for hint in network.hints(options.host, found):
        print(hint, file=sys.stderr, flush=True)
    Thread(target=show, args=(room, options, tidy), daemon=True).start()


def show(room: Room, options: argparse.Namespace, tidy: Tidying | None) -> None:
    """Wait for the server, start a class if none is running, print where it is, and open it in the browser."""
    is_ready = wait_until_ready(room.url)
    if tidy:  # only now: no worker is to be forked in the middle of it
        Thread(target=repeat, args=(tidy,), daemon=True).start()
    if not is_ready:
        told = f"The server has not answered for {SECONDS_TO_BE_READY:.0f} seconds. Try {room.url}/classes yourself."
        print(told, file=sys.stderr, flush=True)
        return
    try:
        page, told = started(room, options)
    except (OSError, HTTPException, ValueError) as error:
        told = f"No class was started: {reason_told(error)}. Start one at {room.url}/classes."
        print(told, file=sys.stderr, flush=True)
        return
    print(told, flush=True)
    if options.browser and has_display(os.environ, sys.platform):
        webbrowser.open(page)


def repeat(tidy: Tidying) -> None:
    """Do something now and every ten minutes, even if it fails."""
    again = Timer(SECONDS_BETWEEN_TIDYING, repeat, (tidy,))
    again.daemon = True
    again.start()
    tidy()


def wait_until_ready(url: str) -> bool:
    """Wait until a server is ready, but not for ever; tell whether it is."""
    until = time.monotonic() + SECONDS_TO_BE_READY
    while time.monotonic() < until:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        with suppress(OSError, HTTPException), direct.open(f"{url}/health/ready", timeout=SECONDS_TO_ANSWER):
            return True
    return False


def started(room: Room, options: argparse.Namespace) -> tuple[str, str]:
    """Return the page for the teacher, and what to print: of the classes that are still running, or of a new one."""
    running = ask(f"{room.url}/classes").get("classes")
    if running:
        return f"{room.url}/classes", text_of_running(room, running)
    wanted = {name: getattr(options, name) for name in ("table", "size", "lesson")}
    made = ask(f"{room.url}/classes", {name: value for name, value in wanted.items() if value is not None})
    return room.url + made["board"], text_of_class(room, made)


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return what this machine's own server answers as JSON; a body is posted."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = Request(url, None if body is None else json.dumps(body).encode(), headers)
    with direct.open(request, timeout=SECONDS_TO_ANSWER) as answer:
        return json.load(answer)


def reason_told(error: Exception) -> str:
    """Return why a server did not do what it was asked, in its own words if it has some."""
    if not isinstance(error, HTTPError):
        return reason_of(error)
    with error, suppress(ValueError):
        problem = json.load(error)
        if isinstance(problem, dict):
            wrong = [each["message"] for each in problem.get("errors", [])]
            return "; ".join(wrong) or str(problem.get("detail", error.reason)).rstrip(".")
    return f"{error.code} {error.reason}"


def text_of_class(room: Room, made: Mapping[str, Any]) -> str:
    """Return what to print of a class: where phones join, how else they may, and the link of the board."""
    return "\n".join(["", *joining(room, made), board(room, made), ""])


def text_of_running(room: Room, running: Sequence[Mapping[str, Any]]) -> str:
    """Return what to print of classes that are running since before this start."""
    lines = [line for each in running for line in ["", *joining(room, each), board(room, each)]]
    return "\n".join([*lines, "", f"No new class was started. Go on, or start another: {room.url}/classes", ""])


def joining(room: Room, made: Mapping[str, Any]) -> list[str]:
    """Return how phones join a class."""
    code, path = made["code"], made.get("join") or f"/j/{made['code']}"
    if not room.addresses:
        return [
            f"Class {code}: phones cannot join yet, because this computer is in no network. Three ways out:",
            "- Turn on the hotspot of a phone or of this computer, let all join it, and start again.",
            "- Connect this computer to the room's network, by cable or Wi-Fi, and start again.",
            f"- Give the class the file of {room.url}/take-home.html, which needs no network.",
        ]
    best, *others = [address + path for address in room.addresses]
    lines = [f"Class {code}: phones join at {best}", *drawn(best)]
    lines += [f"Or open {room.addresses[0]}/join and type {code}."]
    lines += [f"If a phone cannot reach it, try {' or '.join(others)}."] if others else []
    if room.addresses == [room.url] and is_loopback(urlsplit(room.url).hostname or ""):
        return [*lines, "Only this computer can join: it listens to no other."]
    return [*lines, f"What to do if no phone gets through: {room.url}/classes/reach"]


def board(room: Room, made: Mapping[str, Any]) -> str:
    """Return the sentence with the link of the board."""
    if not made.get("board"):
        return "The board opens by the link that was printed when the class began."
    return f"The board is for you alone (its link holds your key, do not pass it on): {room.url}{made['board']}"


def drawn(url: str) -> list[str]:
    """Return a QR code between empty lines, or nothing where the console cannot print it."""
    drawing = io.StringIO()
    segno.make_qr(url).terminal(drawing, compact=True)
    try:
        drawing.getvalue().encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return []
    lines = drawing.getvalue().splitlines()
    return ["", *(f"{WHITE_ON_BLACK}{line}{PLAIN}" if takes_colours() else line for line in lines), ""]


def takes_colours() -> bool:
    """Tell whether what is printed goes to a terminal with 256 colours; the oldest of Windows has none."""
    return sys.stdout.isatty() and (sys.platform != "win32" or "WT_SESSION" in os.environ)


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Tell whether a browser can be shown to somebody."""
    if environment.get("CI"):
        return False
    return platform in ("win32", "darwin") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
