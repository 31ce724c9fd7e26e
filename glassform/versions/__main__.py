"""`python -m glassform.versions` manages the versions of the model."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from glassform.files import print_any_text, reason_and_file
from glassform.fitted.base import UnreadableArtifact
from glassform.programs import command_line
from glassform.settings import ARTIFACTS
from glassform.versions.listing import listing, show
from glassform.versions.manifest import InUse, UnknownVersion
from glassform.versions.registry import KEPT, Registry, further, registry_of

MOST_KEPT = 999  # versions


def parse_options(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line("Manage the versions of the model.")
    # these stand before a command or after it, which must not bring a default of its own
    either = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for each in (parser, either):
        each.add_argument("--artifacts", type=Path, help="the folder of the versions")
        each.add_argument("--table", type=further, help="another table than the default one")
    parser.set_defaults(artifacts=ARTIFACTS, table="")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", parents=[either], help="all versions, the current one with a star")
    for name, text in (
        ("show", "one version, beside the current one"),
        ("promote", "make a version the current one"),
    ):
        commands.add_parser(name, parents=[either], help=text).add_argument("version")
    commands.add_parser("rollback", parents=[either], help="go back to the version before the current one")
    text = "delete old versions, but for the current one and the one before it"
    prune = commands.add_parser("prune", parents=[either], help=text)
    prune.add_argument(
        "--keep", type=number_kept, metavar="N", default=KEPT, help=f"how many of the newest stay (default {KEPT})"
    )
    return parser.parse_args(given)


def number_kept(text: str) -> int:
    """Read how many versions stay from the command line."""
    if not (text.isdecimal() and int(text) <= MOST_KEPT):
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {MOST_KEPT}")
    return int(text)


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
        sys.exit(reason_and_file(error))


if __name__ == "__main__":
    main()
