"""The proxies before the server, and what they say of a request."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

# plain names, each after one slash: more could lead a link to another host
PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[\w.~-]+)+", re.ASCII)
LONGEST_PREFIX = 200  # characters
EVERYWHERE = re.compile(r"; Path=/(?=;|$)", re.IGNORECASE)  # the path of a cookie that is for the whole host
SECURE = re.compile(r"; *Secure(?=;|$)", re.IGNORECASE)
WSGI = Callable[..., Iterable[bytes]]


def believe(app: Flask, hops: int) -> None:
    """Take address, scheme, host and the start of the path from the proxies; `hops` says how many there are.

    This has to be the first that sees a request: what else reads its path finds the prefix where a mount has it.
    """
    application: WSGI = app.wsgi_app

    def prefixed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        prefix = prefix_of(environ.get("HTTP_X_FORWARDED_PREFIX", ""), hops)
        if prefix:
            environ["SCRIPT_NAME"] = prefix
        return application(environ, start_response)

    app.wsgi_app = ProxyFix(prefixed, hops, hops, hops)  # type: ignore[method-assign]


def prefix_of(header: str, hops: int) -> str:
    """Return what the last `hops` proxies took off the path, the outer one first; empty, if it is no plain path."""
    parts = [part.strip().rstrip("/") for part in header.split(",")[-hops:]]
    prefix = "".join(part for part in parts if part)
    return prefix if len(prefix) <= LONGEST_PREFIX and PREFIX.fullmatch(prefix) else ""


def within(root: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers whose cookies are for a path alone: the rest of the host belongs to others."""
    return [
        (name, EVERYWHERE.sub(f"; Path={root}", value) if name.lower() == "set-cookie" else value)
        for name, value in headers
    ]


def kept_to_https(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers whose cookies travel by HTTPS only."""
    return [
        (name, f"{value}; Secure" if name.lower() == "set-cookie" and not SECURE.search(value) else value)
        for name, value in headers
    ]
