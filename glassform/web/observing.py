"""Every request is counted, logged and given an id; every answer gets its security headers."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson
from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from glassform import metrics
from glassform.languages import DEFAULT, speak
from glassform.versions.served import Tables
from glassform.web import tracing
from glassform.web.addresses import led_home
from glassform.web.asked import Asked, read
from glassform.web.proxies import kept_to_https, within

SECURITY_HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (
        "Permissions-Policy",  # our pages only copy to the clipboard
        "accelerometer=(), autoplay=(), bluetooth=(), browsing-topics=(), camera=(), display-capture=(), "
        "encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(), serial=(), "
        "usb=(), web-share=(), xr-spatial-tracking=()",
    ),
]
SHARED = ("Cross-Origin-Resource-Policy", "cross-origin")  # where pages of other origins may ask
NOT_SHARED = ("Cross-Origin-Resource-Policy", "same-origin")
BY_HTTPS = ("Strict-Transport-Security", "max-age=31536000")
REQUEST_ID, PLAIN_ID = "X-Request-ID", re.compile(r"[\w.-]{1,64}", re.ASCII)
WSGI = Callable[..., Iterable[bytes]]
log = logging.getLogger("glassform.requests")


def observe(app: Flask, tables: Tables, counts: metrics.Metrics) -> None:
    """Read each request at the door; give its answer security headers and an id, count it and log it.

    One JSON line a request: good answers at INFO, refused requests at WARNING, our own failures at ERROR. The
    query is left out because it holds the record.
    """
    settings = app.extensions["settings"]
    plain = [*SECURITY_HEADERS, SHARED if settings.cors_origins else NOT_SHARED]
    by_https = [*plain, BY_HTTPS]
    traced, trace_of = tracing.chosen()

    def observed(application: WSGI, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begin = time.perf_counter()
        asked = read(environ, tables)
        speak(asked.language)  # always: the thread's last request may have left another language

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            level, seconds = LEVELS.get(status[0], logging.INFO), time.perf_counter() - begin
            resource = (request.endpoint if has_request_context() else None) or "none"
            counts.count(resource, environ["REQUEST_METHOD"], status[:3], seconds)
            name, trace = request_id(environ), trace_of(environ)
            if log.isEnabledFor(level):
                log.log(
                    level,
                    request_line(asked, status, seconds, {"request_id": name, "resource": resource, **trace.ids}),
                )
            own, security = within(asked.root, headers) if asked.root else headers, plain
            if status[0] == "3":
                own = led_home(own)
            if settings.secure_cookies or environ["wsgi.url_scheme"] == "https":
                own, security = kept_to_https(own), by_https
            return start_response(status, [*own, *security, (REQUEST_ID, name), *trace.headers], *rest)

        try:
            return application(environ, start)
        finally:
            speak(DEFAULT)  # parts that are made later speak for themselves

    app.wsgi_app = traced(partial(observed, app.wsgi_app))  # type: ignore[method-assign]
    app.extensions["refusing"] = lambda error: traced(partial(observed, partial(refused, app, error)))


def refused(app: Flask, error: HTTPException, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request by an error that was found before anything was asked."""
    with app.request_context(environ):
        return app.make_response(app.handle_user_exception(error))(environ, start_response)


LEVELS = {"4": logging.WARNING, "5": logging.ERROR}


def request_id(environ: dict[str, Any]) -> str:
    """Return the request's id: the client's own if it is safe to log, or a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    # not a secret: the client is told it
    return given if PLAIN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def request_line(asked: Asked, status: str, seconds: float, named: dict[str, str]) -> str:
    """Return one request as a line of JSON."""
    environ = asked.environ
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "method": environ["REQUEST_METHOD"],
        "path": environ["SCRIPT_NAME"] + environ["PATH_INFO"],
        "status": int(status[:3]),
        "milliseconds": round(seconds * 1000, 2),
        **named,
        "model": asked.model.version,
    }
    return orjson.dumps(line).decode()
