"""The server's command line: options, preparation, serving."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable

from flask import Flask

from glassform import metrics
from glassform.accounts import database
from glassform.files import print_any_text
from glassform.hosting.lanes import THREADS
from glassform.hosting.startup import HOST, PORT, choose_port, ensure_models, ensure_secret, refuse_danger
from glassform.hosting.training import training_beside
from glassform.hosting.workers import serve
from glassform.settings import InvalidSettings, Settings, read_settings


def run(create_app: Callable[[], Flask]) -> None:
    """Serve an application from the command line until told to stop."""
    print_any_text()
    options = parse_options()
    name, missing = prepare(options)
    if "WERKZEUG_RUN_MAIN" in os.environ:
        # the reloader of --debug restarted this program with the socket already open
        create_app().run(options.host, options.port or PORT, debug=True)
        return
    port = choose_port(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"{name}: http://{host}:{port} (Ctrl-C stops)", flush=True)
    if options.debug:
        with training_beside(missing):
            create_app().run(options.host, port, debug=True)
        return
    with metrics.shared(), training_beside(missing):
        # workers are forked from this process; frozen objects stay shared memory
        gc.collect()
        gc.freeze()
        serve(create_app, options.host, port, options.workers, options.threads)


def prepare(options: argparse.Namespace) -> tuple[str, list[list[str]]]:
    """Prepare everything the application needs; return the model's name, and what is trained while it is served."""
    settings = asked_settings()
    refuse_danger(options, settings)
    logging.basicConfig(format="%(message)s", level=os.environ.get("LOG_LEVEL", "WARNING").upper())
    name, missing = ensure_models()  # only the workers load the model; here it would waste memory
    ensure_secret(settings)
    lack = database.ensure_tables(settings.database_url)
    if lack:
        print(f"Predictions cannot be saved: {lack}. Everything else works.", file=sys.stderr, flush=True)
    return name, missing


def asked_settings() -> Settings:
    """Return the settings, or exit with what is wrong."""
    try:
        return read_settings()
    except InvalidSettings as error:
        sys.exit(f"Invalid setting: {error}")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Serve the model as a form and a REST API.")
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default {HOST}: this machine only)")
    parser.add_argument("--port", type=port_number, help=f"port to listen on (default {PORT}, or the next free one)")
    parser.add_argument("--workers", type=positive, default=1, help="worker processes (default 1)")
    parser.add_argument(
        "--threads", type=positive, default=THREADS, help=f"threads of a worker for accounts (default {THREADS})"
    )
    parser.add_argument("--debug", action="store_true", help="run Flask's own server: reloads, shows tracebacks")
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
