"""The server's command line: options, preparation, serving."""

import argparse
import gc
import ipaddress
import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress

from flask import Flask

from glassform import metrics
from glassform.accounts import migrating
from glassform.files import print_any_text
from glassform.hosting.lanes import THREADS
from glassform.hosting.startup import (
    HOST,
    PORT,
    choose_port,
    ensure_models,
    ensure_secret,
    local_host,
    refuse_danger,
    url_of,
)
from glassform.hosting.training import training_beside
from glassform.hosting.workers import serve
from glassform.programs import command_line
from glassform.settings import settings_or_exit

EVERYWHERE = "0.0.0.0"
PHONES = 40  # of a class, unless the command says otherwise
HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


def run(create_app: Callable[[], Flask], tidy: Callable[[], object] | None = None) -> None:
    """Serve an application from the command line until told to stop.

    Parameters
    ----------
    tidy
        What class mode does every ten minutes, in this process.
    """
    print_any_text()
    options = parse_options()
    name, missing = prepare(options)
    if "WERKZEUG_RUN_MAIN" in os.environ:
        # the reloader of --debug restarted this program with the socket already open
        create_app().run(options.host, options.port or PORT, debug=True)
        return
    port = choose_port(options.host, options.port)
    shown = local_host(options.host) if options.classroom else options.host
    print(f"{name}: {url_of(shown, port)} (Ctrl-C stops)", flush=True)
    if options.classroom:
        hold_classes(options, port, tidy)
    if options.debug:
        with training_beside(missing):
            create_app().run(options.host, port, debug=True)
        return
    # one worker's counts are its own; several write theirs to files, which takes a twentieth of an answer
    with metrics.shared() if options.workers > 1 else nullcontext(), training_beside(missing):
        # workers are forked from this process; frozen objects stay shared memory
        gc.collect()
        gc.freeze()
        serve(create_app, options.host, port, options.workers, options.threads)


def hold_classes(options: argparse.Namespace, port: int, tidy: Callable[[], object] | None) -> None:
    """Turn class mode on."""
    # late: who holds no class needs no list of network cards and no QR codes
    from glassform.hosting.class_mode import open_room

    open_room(options, port, tidy)


def prepare(options: argparse.Namespace) -> tuple[str, list[list[str]]]:
    """Prepare everything the application needs; return the model's name, and what is trained while it is served."""
    settings = settings_or_exit()
    refuse_danger(options, settings)
    logging.basicConfig(format="%(message)s", level=os.environ.get("LOG_LEVEL", "WARNING").upper())
    ensure_secret(settings, options.host)
    name, missing = ensure_models()  # only the workers load the model; here it would waste memory
    lack = migrating.ensure_tables(settings.database_url)
    if lack:
        print(f"Predictions cannot be saved: {lack}. Everything else works.", file=sys.stderr, flush=True)
    return name, missing


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = command_line("Serve the model as a form and a REST API.")
    parser.add_argument("--host", help=f"address to listen on (default {HOST}: this machine only)")
    parser.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT") or None,
        help=f"port to listen on (default: the variable PORT, or {PORT}, or the next free one)",
    )
    parser.add_argument("--workers", type=positive, default=1, help="worker processes (default 1)")
    parser.add_argument(
        "--threads", type=positive, default=THREADS, help=f"threads of a worker for accounts (default {THREADS})"
    )
    parser.add_argument("--debug", action="store_true", help="run Flask's own server: reloads, shows tracebacks")
    add_class_options(parser)
    options = parser.parse_args()
    refuse_without_class(parser, options)
    options.host = options.host or (EVERYWHERE if options.classroom else HOST)
    return options


def add_class_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a class."""
    group = parser.add_argument_group("a class")
    group.add_argument(
        "--class", dest="classroom", action="store_true", help="let phones in the room join; open the teacher's board"
    )
    group.add_argument("--address", type=host_name, help="name or IP address that phones are told")
    group.add_argument("--size", type=positive, help=f"how many phones may join (default {PHONES})")
    group.add_argument("--table", help="table to guess (default: the first)")
    group.add_argument("--lesson", help="lesson to teach (default: the first)")
    group.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the board")


def refuse_without_class(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse the options of a class where there is none."""
    given = [f"--{name}" for name in ("address", "size", "table", "lesson") if getattr(options, name) is not None]
    given += [] if options.browser else ["--no-browser"]
    if given and not options.classroom:
        parser.error(f"{given[0]} needs --class")


def port_number(text: str) -> int:
    """Read a port from the command line."""
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not a port between 1 and 65535")
    return int(text)


def host_name(text: str) -> str:
    """Read the name of a machine, or its IP address, from the command line."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(text.strip("[]")))
    if not HOST_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is neither a name such as laptop.local nor an IP address")
    return text


def positive(text: str) -> int:
    """Read a number of at least 1 from the command line."""
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)
