"""The command `glassform`: each subcommand runs one program."""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from glassform.files import print_any_text, reason_of
from glassform.programs import HOME as HELP_ON_HOME

# Each subcommand: the module of its program, and a line of help.
SUBCOMMANDS = {
    "serve": ("server", "serve the model as a form and a REST API"),
    "train": ("model", "train the model and print how good it is"),
    "score": ("score", "add the probability to every row of a table, through an SQL engine"),
    "add": ("model", "describe a CSV file of your own, and train its model"),
    "versions": ("versions.__main__", "list the versions of the model, promote one, go back to one"),
    "accounts": ("accounts.__main__", "say who is a teacher"),
    "upgrade": ("accounts.upgrade", "create or upgrade the database's tables"),
}
HOME = "GLASSFORM_HOME"  # is set before any module of ours looks for it


def main() -> None:
    """Run the program of a subcommand."""
    print_any_text()
    subcommand, given = parse(sys.argv[1:])
    # the programs read their options, and their name in messages, from here
    sys.argv = [f"glassform {subcommand}", *given]
    # a subcommand imports only its own program, so that a server does not load what trains
    import_module(place_of(subcommand)).main()


def parse(given: Sequence[str]) -> tuple[str, list[str]]:
    """Return the subcommand and its own options; keep where to write, which is said before it or after it."""
    home = argparse.ArgumentParser(prog="glassform", add_help=False, allow_abbrev=False)
    home.add_argument(
        "--home",
        type=folder,
        default=os.environ.get(HOME) or None,
        metavar="DIR",
        help=HELP_ON_HOME,
    )
    parser = argparse.ArgumentParser(
        prog="glassform", description="A transparent model behind a web form and an API.", parents=[home]
    )
    parser.add_argument("--version", action="version", version=f"glassform {version()}")
    # that it is required is said below: a wrong option before it comes first
    subparsers = parser.add_subparsers(dest="subcommand", metavar="COMMAND")
    for name, (_, explanation) in SUBCOMMANDS.items():
        subparsers.add_parser(name, help=explanation, add_help=False)
    options, left = home.parse_known_args(given)
    if options.home:
        os.environ[HOME] = str(options.home)
    subcommand = parser.parse_args(left[:1]).subcommand
    if subcommand is None:
        parser.error("the following arguments are required: COMMAND")
    return subcommand, left[1:]


def place_of(subcommand: str) -> str:
    """Return the whole name of a program's module: a wheel has them all inside the package."""
    module, _ = SUBCOMMANDS[subcommand]
    return f"glassform.{module}" if find_spec(f"glassform.{module}") else module


def folder(text: str) -> Path:
    """Read the name of a folder that is there, or can be made."""
    path = Path(text).absolute()
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be a folder: {reason_of(error)}") from error
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no folder")
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be a folder: {there.name} is a file")
    return path


def version() -> str:
    """Return the version: the wheel's, or what the checkout says of itself."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text())["project"]["version"])
    return metadata.version("glassform")


if __name__ == "__main__":
    main()
