"""One file instead of many: modules of script joined into one classic script, and the styles that a page needs.

A browser loads no module from `file://`, so a page that opens from disk holds its script itself. Our modules keep to
what is read here: named imports of our own files, a line each, and exported functions and constants. Anything else is
refused, so nothing is joined wrongly. Rules of style are left out if neither the templates of the page nor a script
name their classes.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import chain
from pathlib import Path

from flask import current_app
from jinja2 import Environment, meta
from markupsafe import Markup

from glassform.settings import HOME

STATIC = HOME / "static"
IMPORT = re.compile(r'import (?:\{ (?P<names>\w+(?:, \w+)*) \} from )?"\./(?P<file>[\w-]+\.js)";(?: *//.*)?')
EXPORT = re.compile(r"export (?P<rest>(?:const|function) (?P<name>\w+)\b.*)")
# What a module could say beyond that, and what would end the element that holds a script.
BEYOND = re.compile(r"^\s*(?:import|export)\b|^(?:await|for await)\b|\bimport\s*[(.]", re.MULTILINE)
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
WORD = re.compile(r"[\w-]+")
NOTE = re.compile(r"/\*.*?\*/", re.DOTALL)
INNERMOST = re.compile(r"\([^()]*\)")
NAMED = re.compile(r"[.#]([a-z][\w-]*)")  # the classes and ids of a selector
ENDS = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)


class NotBundled(ValueError):
    """A file that is not understood, with the reason."""


@dataclass
class Module:
    """One module: what it imports by file, what it exports, and the lines that are left."""

    imports: dict[str, list[str]] = field(default_factory=dict)
    exports: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def written(self, file: str) -> str:
        """Return it as a function that is called at once, so that its names stay its own."""
        named = {other: ", ".join(names) for other, names in self.imports.items() if names}
        taken = [f'const {{ {names} }} = modules["{other}"];' for other, names in named.items()]
        given = [f"return {{ {', '.join(self.exports)} }};"] if self.exports else []
        return "\n".join([f'modules["{file}"] = (() => {{', *taken, *self.lines, *given, "})();"])


def parsed(text: str, file: str) -> Module:
    """Read a module.

    Raises
    ------
    NotBundled
        If it imports or exports in another way than ours do.
    """
    module = Module()
    for line in text.splitlines():
        imported, exported = IMPORT.fullmatch(line), EXPORT.fullmatch(line)
        if imported:
            names = imported["names"]
            module.imports.setdefault(imported["file"], []).extend(names.split(", ") if names else [])
        elif exported:
            module.exports.append(exported["name"])
            module.lines.append(exported["rest"])
        else:
            module.lines.append(line)
    beyond = BEYOND.search(COMMENT.sub("", "\n".join(module.lines)))
    if beyond:
        raise NotBundled(f"{file}: {beyond[0].strip()} is not understood here")
    return module


def in_order(entry: str, folder: Path) -> dict[str, Module]:
    """Read a module and all that it imports; each comes after those that it needs.

    Raises
    ------
    NotBundled
        If there is no such file, a name is not exported, or modules import each other.
    """
    found: dict[str, Module] = {}

    def read(file: str, importing: tuple[str, ...]) -> None:
        if file in importing:
            raise NotBundled(f"{' imports '.join((*importing, file))}: a circle")
        if file in found:
            return
        path = folder / file
        if not path.is_file():
            raise NotBundled(f"{file} is not there")
        module = parsed(path.read_text(encoding="utf-8"), file)
        for other, names in module.imports.items():
            read(other, (*importing, file))
            for name in {*names} - {*found[other].exports}:
                raise NotBundled(f"{file}: {other} does not export {name}")
        found[file] = module

    read(entry, ())
    return found


def joined(entry: str, folder: Path = STATIC) -> str:
    """Return a module and all that it imports as one classic script.

    Raises
    ------
    NotBundled
        If something in them is not understood.
    """
    parts: Iterator[str] = (module.written(file) for file, module in in_order(entry, folder).items())
    return "\n".join(['"use strict";', "(() => {", "const modules = {};", *parts, "})();", ""])


@dataclass(frozen=True)
class Bundle:
    """The script and the styles of a page that needs no other file."""

    script: str
    style: str

    def __post_init__(self) -> None:
        """Refuse what would end early.

        Raises
        ------
        NotBundled
            If it would.
        """
        if ENDS.search(self.script) or ENDS.search(self.style):
            raise NotBundled("a script or style may not hold the end of its element")

    @property
    def script_element(self) -> Markup:
        """The element of the script."""
        return Markup(f"<script>{self.script}</script>")

    @property
    def style_element(self) -> Markup:
        """The element of the styles."""
        return Markup(f"<style>{self.style}</style>")

    @cached_property
    def policy(self) -> str:
        """The content security policy that allows these two, and no request at all."""
        return (
            f"default-src 'none'; script-src '{digest(self.script)}'; style-src '{digest(self.style)}'; "
            "base-uri 'none'; form-action 'none'"
        )


def digest(text: str) -> str:
    """Return a text's hash as a content security policy names it."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def trimmed(style: str, words: Set[str]) -> str:
    """Return a style sheet without the rules that name a class or an id that is none of the words.

    A word that ends in - is the beginning of names whose rest is computed. What stands in parentheses does not count.

    Raises
    ------
    NotBundled
        If its braces do not match.
    """
    beginnings = tuple(word for word in words if word.endswith("-"))

    def may_match(selector: str) -> bool:
        return all(name in words or name.startswith(beginnings) for name in NAMED.findall(selector))

    kept = []
    for head, body in rules(NOTE.sub("", style)):
        if head.startswith("@media"):
            body = trimmed(body, words)
            is_kept = bool(body)
        else:
            is_kept = head.startswith("@") or any(map(may_match, without_parentheses(head).split(",")))
        if is_kept:
            kept.append(f"{head} {{{body}}}")
    return "\n".join(kept)


def rules(style: str) -> Iterator[tuple[str, str]]:
    """Yield the rules of a style sheet: what stands before the braces, and within.

    Raises
    ------
    NotBundled
        If braces do not match.
    """
    at = 0
    while style[at:].strip():
        begin = style.find("{", at)
        end, depth = begin + 1, int(begin >= 0)
        while depth and end < len(style):
            depth += {"{": 1, "}": -1}.get(style[end], 0)
            end += 1
        if begin < 0 or depth:
            raise NotBundled(f"no end of the rule {style[at : at + 40].strip()}")
        yield style[at:begin].strip(), style[begin + 1 : end - 1].strip()
        at = end


def without_parentheses(selector: str) -> str:
    """Return a selector without what stands in parentheses."""
    while INNERMOST.search(selector):
        selector = INNERMOST.sub("", selector)
    return selector


def sources(template: str, environment: Environment) -> Iterator[str]:
    """Yield the source of a template and of all that it is made of."""
    waiting, seen = [template], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen and environment.loader:
            seen.add(name)
            source = environment.loader.get_source(environment, name)[0]
            waiting += filter(None, meta.find_referenced_templates(environment.parse(source)))
            yield source


@lru_cache
def bundled(entry: str, template: str, *styles: str) -> Bundle:
    """Return a module of ours, and of style sheets what a template needs; made with the first request, and kept."""
    script = joined(entry)
    words = {*WORD.findall(script), *chain(*map(WORD.findall, sources(template, current_app.jinja_env)))}
    texts = [trimmed((STATIC / name).read_text(encoding="utf-8"), words) for name in styles]
    return Bundle(script, "\n".join(texts))
