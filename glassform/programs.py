"""The programs: what a person types to run each, and what to install for more. No other place knows."""

import argparse
import sys
from pathlib import Path

# A wheel holds inside the package what a checkout holds beside it: the pages, the data and the three programs.
IS_INSTALLED = (Path(__file__).parent / "templates").is_dir()
COMMAND = "glassform"  # what a wheel installs; its subcommands run the programs
HOME = "the folder to keep instance/ and artifacts/ in (default: the variable GLASSFORM_HOME, or this folder)"
# What runs the same in a checkout.
IN_A_CHECKOUT = {
    "serve": "python server.py",
    "train": "python model.py",
    "score": "python score.py",
    "add": "python model.py --add",
    "versions": "python -m glassform.versions",
    "accounts": "python -m glassform.accounts",
    "upgrade": "alembic upgrade head",
}


def how_to(subcommand: str) -> str:
    """Return what a person types to run a program."""
    return f"{COMMAND} {subcommand}" if IS_INSTALLED else IN_A_CHECKOUT[subcommand]


def extra(name: str) -> str:
    """Return what a person installs for more: an extra of the wheel, or a file of a checkout."""
    return f"{COMMAND}[{name}]" if IS_INSTALLED else f"requirements-{name}.txt"


def is_run_as(subcommand: str = "") -> bool:
    """Tell whether this program runs as a subcommand of `glassform`, or as a certain one."""
    return sys.argv[0].startswith(f"{COMMAND} {subcommand}")


def command_line(description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """Return a parser for a program's command line."""
    file = Path(sys.argv[0])
    module = f"python -m {COMMAND}.{file.parent.name}" if file.name == "__main__.py" else None
    parser = argparse.ArgumentParser(prog=module, description=description, epilog=epilog)
    if is_run_as():  # then `glassform` has read it, and here it is shown only
        parser.add_argument("--home", metavar="DIR", help=HOME)
    return parser
