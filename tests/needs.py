"""What a test needs beside Python, found in its code: `make quick` leaves it out, and no list has to be kept."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

# A mark, and what makes a test need it: fixtures, values of parameters, and the functions and modules it comes to.
NEEDS = {
    "server": {"tests.conftest.serving", "running", "proxied", "image"},
    "browser": {"browser"},
    "engine": {"duckdb", "ibis", "glassform.engines.connect.connect", "spark"},
    "part": {"tests.conftest.missing", "postgresql"},
    "process": {"subprocess"},
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests, before any is chosen by its marks."""
    for item in items:
        if isinstance(item, pytest.Function):
            mark(item)


def mark(item: pytest.Function) -> None:
    """Give a test the marks of all that it needs."""
    found = {*item.fixturenames, *reached(item)}
    if hasattr(item, "callspec"):
        found |= {value for value in item.callspec.params.values() if isinstance(value, str)}
    for name, signs in NEEDS.items():
        if found & signs:
            item.add_marker(name)


def reached(item: pytest.Function) -> set[str]:
    """Name the functions and modules that a test's code comes to, and that of its fixtures and of functions here."""
    fixtures = [known[-1].func for known in item._fixtureinfo.name2fixturedefs.values()]
    left: list[Callable[..., Any]] = [item.function, *fixtures]
    names: set[str] = set()
    while left:
        function = inspect.unwrap(left.pop())
        if not isinstance(function, FunctionType):
            continue
        for used in (function.__globals__.get(name) for name in words(function.__code__)):
            if isinstance(used, ModuleType):
                names.add(used.__name__)
            elif callable(used) and (name := qualified(used)) not in names:
                names.add(name)
                left += [used] if name.startswith("tests.") else []
    return names


def qualified(thing: object) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"


def words(code: CodeType) -> Iterator[str]:
    """The names in a function's code, and in the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from words(constant)
