"""What must be there before the first request: a model, a secret, safe settings, a free port."""

import argparse
import ipaddress
import os
import secrets
import socket
import sys
from importlib.util import find_spec

from glassform.files import reason_of
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.hosting.training import train
from glassform.records.names import identifier
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS, INSTANCE, PACKAGE, SECRET, SHORTEST_SECRET, Settings, read_secret
from glassform.versions.registry import Registry, untrained
from glassform.versions.served import Served

HOST, PORT = "127.0.0.1", 5000
PORTS_TRIED = 100


def is_free(host: str, port: int) -> bool:
    """Tell whether a server can listen on a port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # a port just released counts as free; on Windows every port would
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(host: str, asked: int | None) -> int:
    """Return the port asked for, or the first free one from 5000 on, saying so if that is another."""
    # some systems give a port on all addresses though another server has it on this machine's own
    hosts = {host, local_host(host)}
    if asked is not None:
        if not all(is_free(each, asked) for each in hosts):
            sys.exit(f"Cannot listen on {host}, port {asked}: it is in use, or you lack permission.")
        return asked
    tried = range(PORT, PORT + PORTS_TRIED)
    port = next((port for port in tried if all(is_free(each, port) for each in hosts)), None)
    if port is None:
        sys.exit(f"Cannot listen on {host}: no port from {PORT} to {PORT + PORTS_TRIED - 1} is free.")
    if port != PORT:
        print(f"Port {PORT} is in use; using {port}.", flush=True)
    return port


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_open(host: str) -> bool:
    """Tell whether a server on an address listens on every address of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def local_host(host: str) -> str:
    """Return where this machine itself reaches a server that listens on an address."""
    if not is_open(host):
        return host
    return "::1" if ":" in host else "127.0.0.1"


def url_of(host: str, port: int) -> str:
    """Return the address of a server."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_danger(options: argparse.Namespace, settings: Settings) -> None:
    """Refuse unsafe settings; warn of limits that each worker counts alone."""
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        sys.exit(f"SECRET_KEY is too short: it needs {SHORTEST_SECRET} characters.")
    if options.debug and not is_loopback(options.host):
        sys.exit(
            f"--debug lets anyone who reaches {options.host} run code here; use it on this machine only"
            f" (--host {HOST})."
        )
    if options.workers > 1 and settings.rate_limit_storage.startswith("memory"):
        print("Each worker counts requests alone; RATE_LIMIT_STORAGE=database counts them together.", file=sys.stderr)


def ensure_secret(settings: Settings, host: str) -> None:
    """Make the secret now, so that two workers do not make two; others may only reach a server that keeps its own."""
    try:
        secret = read_secret(settings)
        if len(secret) < SHORTEST_SECRET:
            sys.exit(f"The secret kept in {INSTANCE / SECRET} is too short. Delete this file; a new one is made.")
    except OSError as error:
        if not is_loopback(host):
            sys.exit(
                f"To listen on {host}, a secret has to be kept, but {INSTANCE} cannot be written to"
                f" ({reason_of(error)}). Set SECRET_KEY to {SHORTEST_SECRET} or more random characters."
            )
        os.environ["SECRET_KEY"] = secrets.token_hex(SHORTEST_SECRET)  # for as long as this server runs


def ensure_models() -> tuple[str, list[list[str]]]:
    """Train the default table if it has no model; return the model's name, and how to train what else is missing.

    That is each table that ships and has no model and, if the default one was just trained, the siblings that its
    description names. The server need not wait for them.
    """
    siblings: list[list[str]] = []
    try:
        found = Served(Registry()).current
    except FileNotFoundError:
        print("There is no model yet; training one first.", flush=True)
        found, siblings = trained(), named_siblings()
    except UnreadableArtifact as error:
        print(f"{error}; training again.", flush=True)
        found, siblings = trained(), named_siblings()
    # an image that only serves has not the libraries to train with
    further = untrained(ARTIFACTS) if find_spec("sklearn") else []
    if further:
        print(f"Training the further tables too: {', '.join(further)}.", flush=True)
    return name_of(found), [
        ["--brief", *each] for each in ([*siblings, ["--table", *further]] if further else siblings)
    ]


def trained() -> Fitted:
    """Train the default table alone and return its model, or exit if it has none."""
    train("--package", str(PACKAGE), "--alone")
    found = Registry().served()
    if found is None:
        sys.exit("Training failed; see the reason above.")
    return found


def named_siblings() -> list[list[str]]:
    """Return how to train the siblings that the default table's description names; one process trains them all."""
    named = Schema.from_file(PACKAGE).own.get("siblings", [])
    each = [option for columns in named for option in ("--without", ",".join(map(identifier, columns)))]
    return [["--package", str(PACKAGE), *each]] if named else []


def name_of(card: Fitted) -> str:
    """Return a model's title and version."""
    return f"{card.package['title']}, model {card.version}"
