"""The addresses that are written: paths of our own, and whole ones only of a host that is trusted."""

import ipaddress
import re
from typing import Any
from urllib.parse import unquote

from flask import current_app, request, url_for

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:(//[^/?#\\]*)?|//[^/?#\\]*", re.IGNORECASE)  # a scheme, a host
VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")  # of a route, after its converter
PORT = re.compile(r":[0-9]*$")
LONGEST_PATH = 2_000  # characters of an address to go to
MOST_DECODED = 5  # times that an address is decoded to see what it may become


def own_path(address: str | None, root: str = "") -> str:
    """Return an address if it is a path of our own, below a root; empty, if it is none or could become none.

    Whatever decides where a redirect goes asks here: there is no scheme, no host, no doubled slash, no backslash and
    no control character in it, however often its path is decoded.
    """
    if not address or len(address) > LONGEST_PATH or not address.isprintable() or "\\" in address:
        return ""
    path = re.split("[?#]", address, maxsplit=1)[0]
    if not path.startswith(f"{root}/") and path != (root or "/"):
        return ""
    for _ in range(MOST_DECODED):
        if "//" in path or "\\" in path or not path.isprintable():
            return ""
        path, before = unquote(path), path
        if path == before:
            return address
    return ""


def led_home(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of a redirect that leads to a path here, whatever host the request named."""
    return [(name, without_host(value) if name.lower() == "location" else value) for name, value in headers]


def without_host(address: str) -> str:
    """Return an address without scheme and host."""
    return f"/{ELSEWHERE.sub('', address, count=1).lstrip('/')}" if ELSEWHERE.match(address) else address


def in_braces(route: str) -> str:
    """Return a route as OpenAPI and OpenTelemetry write it, its variables in braces."""
    return VARIABLE.sub(r"{\1}", route)


def whole_address(endpoint: str, **values: Any) -> str:
    """Return the address of a resource for use elsewhere: a whole one, or a path if the host is not trusted."""
    return url_for(endpoint, _external=is_trusted(request.host), **values)


def own_host() -> str:
    """Return the host to name in code to copy."""
    return request.host if is_trusted(request.host) else "localhost"


def is_trusted(host: str) -> bool:
    """Tell whether a host may be written into an answer: it is in the list, said by a proxy, or of this network.

    Others come from the client alone. Where there is a list, hosts outside of it were refused before.
    """
    settings = current_app.extensions["settings"]
    return bool(settings.trusted_hosts or settings.trusted_proxies) or is_near(host)


def is_near(host: str) -> bool:
    """Tell whether a host is this machine, or an address of a private network."""
    name = PORT.sub("", host).strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


USED_BY_PAGES = {"whole_address": whole_address, "own_host": own_host}
