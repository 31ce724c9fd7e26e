"""One request as read at the door: its table, the version of its model, its language."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app, has_request_context, request
from werkzeug.exceptions import BadRequest, NotFound

from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.languages import gettext
from glassform.records.messages import shown
from glassform.records.parsing import may_name
from glassform.records.schema import Schema
from glassform.versions.manifest import UnknownVersion
from glassform.versions.served import Served, Tables
from glassform.web.language import language_of

VERSION = "model"  # the query parameter that names a version
_asked: ContextVar["Asked"] = ContextVar("asked")  # read four times an answer, in less time than Flask's request


@dataclass
class Asked:
    """A request, read once and passed on, so that no answer mixes two versions.

    Attributes
    ----------
    root
        The path that the addresses of all tables begin with.
    pinned
        The version the request names; empty, if it asks the current one.
    format
        How the answer is written; set once the resource is known, as are the headers that go with it.
    """

    environ: dict[str, Any]
    table: Served
    model: Fitted
    root: str
    language: str
    pinned: str = ""
    format: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read(environ: dict[str, Any], tables: Tables) -> Asked:
    """Read a request's table and language; the table's current version answers.

    A table's name at the start of the path moves to SCRIPT_NAME, as if an application were mounted there.
    """
    root = environ.get("SCRIPT_NAME", "")
    name, _, rest = environ["PATH_INFO"][1:].partition("/")
    table = tables.find(name)
    if table is not None:
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = f"{root}/{name}", f"/{rest}"
    table = table or tables.default
    table.renew()
    asked = Asked(environ, table, table.current, root, language_of(environ))
    _asked.set(asked)
    return asked


@contextmanager
def asking(another: Asked) -> Iterator[None]:
    """Let a request within this one ask something else."""
    own = _asked.set(another)
    try:
        yield
    finally:
        _asked.reset(own)


def asked() -> Asked:
    """Return what this request asks."""
    return _asked.get()


def ask_table(table: Served) -> None:
    """Switch this request to another table."""
    table.renew()
    asked().table, asked().model = table, table.current


def table_named(name: str) -> Served:
    """Return a table by name.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = tables().find(name)
    if found is None:
        known = ", ".join(name for name, _ in tables())
        raise NotFound(gettext("There is no model %(name)s here; there is %(known)s.", name=shown(name), known=known))
    return found


def address_of(name: str) -> str:
    """Return the path of a table's form."""
    root = asked().root
    return f"{root}/" if name == tables().default.name else f"{root}/{name}/"


def choose_version(query: str) -> None:
    """Switch to the version that the query string names, if it names one.

    Raises
    ------
    BadRequest
        If it names several.
    NotFound
        If there is none that can be read.
    """
    wanted = request.args.getlist(VERSION) if may_name(query, VERSION) else []
    if len(wanted) > 1:
        raise BadRequest(gettext("%(name)s is given more than once.", name=VERSION))
    for version in wanted:
        ask_version(version_named(version))


def ask_version(model: Fitted) -> None:
    """Let a version answer this request and all links of its page."""
    asked().model, asked().pinned = model, model.version


def version_named(version: str) -> Fitted:
    """Return a version by name.

    Raises
    ------
    NotFound
        If there is none that can be read.
    """
    try:
        return served().version(version)
    except (UnknownVersion, UnreadableArtifact) as error:
        raise NotFound(str(error)) from error


def asked_version() -> dict[str, str]:
    """Return the query parameter of the version that this request names, if it names one."""
    return {VERSION: asked().pinned} if has_request_context() and asked().pinned else {}


def tables() -> Tables:
    """Return the tables that this process serves."""
    return cast(Tables, current_app.extensions["tables"])


def served() -> Served:
    """Return the table that answers this request."""
    return asked().table


def fitted() -> Fitted:
    """Return the model that answers this request."""
    return asked().model


def schema() -> Schema:
    """Return the schema of a record in the answer's language."""
    this = asked()
    return this.model.schemas[this.language]
