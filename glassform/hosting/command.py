"""The command line of the server: its options, and what it does until it is told to stop."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable

from flask import Flask

from glassform import metrics
from glassform.accounts import database
from glassform.hosting.ports import HOST, PORT, choose_port
from glassform.hosting.startup import ensure_models, ensure_secret, refuse_danger
from glassform.hosting.workers import THREADS, serve
from glassform.settings import InvalidSettings, Settings, read_settings


def run(create_app: Callable[[], Flask]) -> None:
    """Serve an application from the command line until told to stop."""
    options = parse_options()
    name = prepare(options)
    if "WERKZEUG_RUN_MAIN" in os.environ:
        # the reloader of --debug has started this program again, with the socket already open
        create_app().run(options.host, options.port or PORT, debug=True)
        return
    port = choose_port(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"{name}: http://{host}:{port} (Ctrl-C stops)", flush=True)
    if options.debug:
        create_app().run(options.host, port, debug=True)
        return
    with metrics.shared():
        # workers begin as copies of this process; what the collector leaves alone they go on sharing with it
        gc.collect()
        gc.freeze()
        serve(create_app, options.host, port, options.workers, options.threads)


def prepare(options: argparse.Namespace) -> str:
    """See that everything is there that the application needs; return what the model is called."""
    settings = asked_settings()
    refuse_danger(options, settings)
    logging.basicConfig(format="%(message)s", level=os.environ.get("LOG_LEVEL", "WARNING").upper())
    name = ensure_models()  # the workers load the model; here it would only take up room
    ensure_secret(settings)
    lack = database.ensure_tables(settings.database_url)
    if lack:
        print(f"Nothing can be remembered: {lack}. All else is answered.", file=sys.stderr, flush=True)
    return name


def asked_settings() -> Settings:
    """Return the settings, or end with what is wrong with them."""
    try:
        return read_settings()
    except InvalidSettings as error:
        sys.exit(f"A setting cannot be followed: {error}")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Serve the model as a form and a REST API.")
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default {HOST}: this machine only)")
    parser.add_argument("--port", type=port_number, help=f"port to listen on (default {PORT}, or the next free one)")
    parser.add_argument("--workers", type=positive, default=1, help="worker processes (default 1)")
    parser.add_argument("--threads", type=positive, default=THREADS, help=f"in each, at most (default {THREADS})")
    parser.add_argument("--debug", action="store_true", help="Flask's own server: reloads, shows tracebacks")
    return parser.parse_args()


def port_number(text: str) -> int:
    """Read a port from the command line."""
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not a port between 1 and 65535")
    return int(text)


def positive(text: str) -> int:
    """Read a number of at least 1 from the command line."""
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)
