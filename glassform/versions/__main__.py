"""`python -m glassform.versions` manages the versions of the model."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from glassform.files import print_any_text
from glassform.fitted.base import UnreadableArtifact
from glassform.programs import command_line
from glassform.settings import ARTIFACTS
from glassform.versions.listing import listing, show
from glassform.versions.manifest import InUse, UnknownVersion
from glassform.versions.registry import KEPT, Registry, registry_of


def parse_options(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line("Manage the versions of the model.")
    parser.add_argument("--artifacts", type=Path, default=ARTIFACTS, help="the folder of the versions")
    parser.add_argument("--table", default="", help="a further table, instead of the default one")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all versions, the current one with a star")
    for name, text in (
        ("show", "one version, beside the current one"),
        ("promote", "make a version the current one"),
    ):
        commands.add_parser(name, help=text).add_argument("version")
    commands.add_parser("rollback", help="go back to the version before the current one")
    prune = commands.add_parser("prune", help="delete old versions, but for the current one and the one before it")
    prune.add_argument("--keep", type=int, choices=range(1000), metavar="N", default=KEPT, help=f"(default {KEPT})")
    return parser.parse_args(given)


def run(registry: Registry, options: argparse.Namespace) -> str:
    """Run a command and return what to print."""
    if options.command == "list":
        return listing(registry)
    if options.command == "show":
        return show(registry, options.version)
    if options.command == "promote":
        registry.promote(options.version)
        return f"Version {options.version} is the current one."
    if options.command == "rollback":
        return f"Version {registry.roll_back()} is the current one again."
    gone = registry.prune(options.keep)
    return f"Deleted: {', '.join(gone) or 'nothing'}."


def main(given: Sequence[str] | None = None) -> None:
    """Manage the versions from the command line."""
    print_any_text()
    options = parse_options(given)
    try:
        print(run(registry_of(options.artifacts, options.table), options))
    except (InUse, UnknownVersion, UnreadableArtifact, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
