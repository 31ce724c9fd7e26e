"""What a test needs beside Python, read from its fixtures and its code, so that `make quick` can leave it out."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

# A mark, and what makes a test need it: fixtures, values of parameters, and functions and modules that it uses.
NEEDS = {
    "server": {
        *("tests.conftest.serving", "server", "running", "several"),
        *("proxied", "mounted", "image", "visit", "visit_as", "served_otherwise"),
    },
    "browser": {"browser", "visit", "visit_as"},
    "engine": {"import duckdb", "import ibis", "glassform.engines.scoring.connect", "spark", "engine", "run"},
    "part": {"tests.conftest.missing", "postgresql", "own_postgresql", "redis_port", "mounted"},
    "process": {"import subprocess", "empty_database", "described", "image", "installed", "several", "old"},
}


def mark(item: pytest.Function) -> None:
    """Give a test the marks of all that it needs."""
    found = {*item.fixturenames, *re.findall(r"\w+", item.name.partition("[")[2]), *used_by(item.function)}
    for name, signs in NEEDS.items():
        if found & signs:
            item.add_marker(name)


def used_by(test: Callable[..., Any]) -> set[str]:
    """Name the functions and modules that a test uses, by itself or through functions of the tests."""
    left, names = [test], set[str]()
    while left:
        function = inspect.unwrap(left.pop())
        if not isinstance(function, FunctionType):
            continue
        for used in (function.__globals__.get(name) for name in words(function.__code__)):
            if isinstance(used, ModuleType):
                names.add(f"import {used.__name__}")  # a fixture may have a module's name
            elif callable(used) and (name := qualified(used)) not in names:
                names.add(name)
                left += [used] if name.startswith("tests.") else []
    return names


def qualified(thing: object) -> str:
    """Return where a function or a class is defined, and its name."""
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"


def words(code: CodeType) -> Iterator[str]:
    """Return the names in a function's code, and in the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from words(constant)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test."""
    for item in items:
        if isinstance(item, pytest.Function):
            mark(item)
