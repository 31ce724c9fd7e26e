"""What must be there before the first request: a model, a secret, safe settings."""

import argparse
import os
import secrets
import subprocess
import sys

from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.hosting.ports import is_loopback
from glassform.settings import ARTIFACTS, HOME, SHORTEST_SECRET, Settings, read_secret
from glassform.versions.registry import Registry
from glassform.versions.served import Served


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
        print("Each worker counts requests alone; set RATE_LIMIT_STORAGE to count them together.", file=sys.stderr)


def ensure_secret(settings: Settings) -> None:
    """Make the secret now, so that two workers do not make two."""
    try:
        read_secret(settings)
    except OSError:
        os.environ["SECRET_KEY"] = secrets.token_hex(SHORTEST_SECRET)  # for as long as this server runs


def ensure_models() -> str:
    """Train what has no model yet; return the default model's name.

    If a further table cannot be trained, say so and serve the others.
    """
    try:
        return name_of(Served(Registry()).current)
    except FileNotFoundError:
        print("There is no model yet; training one first.", flush=True)
    except UnreadableArtifact as error:
        print(f"{error}; training again.", flush=True)
    train()
    packages = sorted((HOME / "data").glob("*/datapackage.json"))
    further = [
        name for name in (package.parent.name for package in packages) if not Registry(ARTIFACTS / name).served()
    ]
    if further:
        print(f"Training the further tables too: {', '.join(further)}.", flush=True)
        train("--table", *further)
    return name_of(Registry().load())


def train(*options: str) -> None:
    """Train in another process, so that scikit-learn and pandas never enter the one that serves."""
    command = [sys.executable, str(HOME / "model.py"), "--artifacts", str(ARTIFACTS), *options]
    if subprocess.run(command, check=False).returncode and not options:
        sys.exit("Training failed; see the reason above.")


def name_of(card: Fitted) -> str:
    """Return a model's title and version."""
    return f"{card.package['title']}, model {card.version}"
