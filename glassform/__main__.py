"""The command `glassform`: each subcommand runs one of the three programs."""

import argparse
import sys
from importlib import import_module

from glassform.files import print_any_text
from glassform.settings import IS_INSTALLED

# Each subcommand: the program, the options it begins with, and a line of help.
SUBCOMMANDS: dict[str, tuple[str, list[str], str]] = {
    "serve": ("server", [], "serve the model as a form and a REST API"),
    "train": ("model", [], "train the model and print how good it is"),
    "score": ("score", [], "add the probability to every row of a table, through an SQL engine"),
    "add": ("model", ["--add"], "describe a CSV file of your own, and train its model"),
}


def main() -> None:
    """Run the program of a subcommand."""
    print_any_text()
    parser = argparse.ArgumentParser(
        prog="glassform", description="A transparent model behind a web form and an API."
    )
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name, (_, _, explanation) in SUBCOMMANDS.items():
        subparsers.add_parser(name, help=explanation, add_help=False)
    subcommand = parser.parse_args(sys.argv[1:2]).subcommand
    program, first, _ = SUBCOMMANDS[subcommand]
    given = sys.argv[2:]
    # the programs read their options, and their name in messages, from here
    sys.argv = [f"glassform {subcommand}", *(given if "--help" in given or "-h" in given else [*first, *given])]
    # a subcommand imports only its own program, so that a server does not load what trains
    import_module(f"glassform.{program}" if IS_INSTALLED else program).main()


if __name__ == "__main__":
    main()
