"""The links of a data package: only those that lead to a page or an address of mail."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from glassform.records.field import OWN

LINK = re.compile(r"(https?://[^\s\\/?#]|mailto:[^\s\\])[^\s\\\x00-\x1f\x7f]*", re.IGNORECASE)
NAMES = {"homepage", "path", "url"}  # of what holds a link
WITHIN = ("homepage", "sources", "licenses", "contributors")  # where a package and its files have links
RULE = "is not a link that begins with http://, https:// or mailto:"


def is_link(text: Any) -> bool:
    """Tell whether a text is a link that a page may have; nothing else runs where somebody follows it."""
    return isinstance(text, str) and bool(LINK.fullmatch(text))


def wrong_links(package: dict[str, Any]) -> Iterator[str]:
    """Find what stands in the place of a link and is none, each with its place and the rule."""
    for place, _, _, value in links_of(package):
        if not is_link(value):
            yield f"{place}: {value!r} {RULE}"


def without_wrong_links(package: dict[str, Any]) -> dict[str, Any]:
    """Return a package without what is no link: a model may be older than this check."""
    if not any(wrong_links(package)):
        return package
    cleaned = copy.deepcopy(package)
    for _, holder, name, value in [*links_of(cleaned)]:
        if not is_link(value):
            del holder[name]
    return cleaned


def links_of(package: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    """Find the links of a package: the place of each, the object that holds it, its name there, and what it is."""
    own = package.get(OWN, {})
    yield from found_in({name: package[name] for name in WITHIN if name in package}, "", package)
    yield from found_in({name: own[name] for name in ("card", "translations") if name in own}, OWN, own)
    for number, file in enumerate(package.get("resources", [])):
        if isinstance(file, dict):
            links = {name: file[name] for name in WITHIN if name in file}
            yield from found_in(links, f"resources[{number}]", file)


def found_in(value: Any, place: str, holder: Any) -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    """Find the links in a part of a package; `holder` is the object that has its members."""
    if isinstance(value, dict):
        for name, each in value.items():
            inner = f"{place}.{name}".removeprefix(".")
            if name in NAMES and each and not isinstance(each, dict | list):
                yield inner, holder, name, each
            yield from found_in(each, inner, each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from found_in(each, f"{place}[{number}]", each)
