"""What must be there before the first request: a model, a secret, safe settings, a free port."""

import argparse
import ipaddress
import os
import secrets
import socket
import subprocess
import sys
from importlib.util import find_spec

from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.settings import ARTIFACTS, HOME, IS_INSTALLED, SHORTEST_SECRET, Settings, read_secret
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
    if asked is not None:
        if not is_free(host, asked):
            sys.exit(f"Cannot listen on {host}, port {asked}: it is in use, or you lack permission.")
        return asked
    port = next((port for port in range(PORT, PORT + PORTS_TRIED) if is_free(host, port)), None)
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


def refuse_danger(options: argparse.Namespace, settings: Settings) -> None:
    """Refuse unsafe settings; warn of limits that each worker counts alone."""
    here = is_loopback(options.host)
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        sys.exit(f"SECRET_KEY is too short: it needs {SHORTEST_SECRET} characters.")
    if not here and not settings.secret_key:
        sys.exit(f"To listen on {options.host}, set SECRET_KEY to {SHORTEST_SECRET} or more random characters.")
    if not here and options.debug:
        sys.exit(f"--debug lets anyone who reaches {options.host} run code here; use it on this machine only.")
    if options.workers > 1 and settings.rate_limit_storage.startswith("memory"):
        print("Each worker counts requests alone; RATE_LIMIT_STORAGE=database counts them together.", file=sys.stderr)


def ensure_secret(settings: Settings) -> None:
    """Make the secret now, so that two workers do not make two."""
    try:
        read_secret(settings)
    except OSError:
        os.environ["SECRET_KEY"] = secrets.token_hex(SHORTEST_SECRET)  # for as long as this server runs


def ensure_models() -> str:
    """Train each table that we ship and that has no model; return the default model's name.

    If a further table cannot be trained, say so and serve the others.
    """
    try:
        name = name_of(Served(Registry()).current)
    except FileNotFoundError:
        print("There is no model yet; training one first.", flush=True)
    except UnreadableArtifact as error:
        print(f"{error}; training again.", flush=True)
    else:
        further = untrained(ARTIFACTS)
        # an image that only serves has not the libraries to train with
        if further and find_spec("sklearn"):
            print(f"Training the further tables too: {', '.join(further)}.", flush=True)
            train("--table", *further)
        return name
    train()
    found = Registry().served()
    if found is None:
        sys.exit("Training failed; see the reason above.")
    return name_of(found)


def train(*options: str) -> None:
    """Train in another process, so that scikit-learn and pandas never enter the one that serves."""
    program = ["-P", "-m", "glassform.model"] if IS_INSTALLED else [str(HOME / "model.py")]
    command = [sys.executable, *program, "--artifacts", str(ARTIFACTS), *options]
    subprocess.run(command, check=False)


def name_of(card: Fitted) -> str:
    """Return a model's title and version."""
    return f"{card.package['title']}, model {card.version}"
