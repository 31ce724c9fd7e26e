"""Which version of the model answers a request: the current one, renewed while serving, or the one asked for."""

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from flask import current_app, has_request_context, request
from werkzeug.exceptions import BadRequest, NotFound

from languages import gettext, language
from registry import FILE, Registry, UnknownVersion, known
from schema import Schema, Schemas, shown
from scorecard import Scorecard, UnreadableArtifact

SECONDS_BETWEEN_LOOKS = 1.0  # at whether another version is to be served
MOST_PINNED = 4  # older versions that a process holds ready
VERSION = "model"  # the query parameter that asks for a version other than the current one
MODEL = "glassform.model"  # where a request's environment holds the version that answers it


@dataclass(frozen=True)
class Model:
    """A version as it is served: the table of points, and what a record is in every language."""

    card: Scorecard

    @cached_property
    def schemas(self) -> Schemas:
        """What a record is, by language."""
        return Schemas(self.card.schema)


class Served:
    """What one process serves: the current version, looked for anew every second, and others that are asked for.

    `refused` says why the registry's current version is not the one being served; nothing, if it is.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lock, self.pinning = threading.Lock(), threading.Lock()
        self.mark, self.due = registry.mark(), time.monotonic() + SECONDS_BETWEEN_LOOKS
        self.manifest, self.refused = registry.manifest(), ""
        self.current = self.first()
        self.pinned: dict[str, Model] = {}

    def first(self) -> Model:
        """Return the current version or, if it is damaged, the newest of those before it that is not.

        Raises
        ------
        FileNotFoundError
            If there is none yet.
        UnreadableArtifact
            If all are damaged.
        """
        for version in reversed(self.manifest.line):
            try:
                return Model(self.registry.read(version, self.manifest.versions[version]))
            except UnreadableArtifact as error:
                self.refused = self.refused or str(error)
        if self.refused:
            raise UnreadableArtifact(self.refused)
        raise FileNotFoundError("there is no model yet; `python model.py` trains one")

    def renew(self) -> None:
        """Take the registry's current version, if that has changed and can be read; look once a second at most."""
        if time.monotonic() < self.due or not self.lock.acquire(blocking=False):
            return
        try:
            self.due = time.monotonic() + SECONDS_BETWEEN_LOOKS
            mark = self.registry.mark()
            if mark != self.mark or self.refused:
                self.mark = mark
                self.take()
        finally:
            self.lock.release()

    def take(self) -> None:
        """Take what the registry holds; what cannot be read leaves everything as it is."""
        try:
            manifest = self.registry.manifest()
            current = manifest.current
            if current is None:
                raise UnreadableArtifact(f"{FILE} is gone, or names no current version")
            if current != self.current.card.version:
                self.current = Model(self.registry.read(current, manifest.versions[current]))
            self.manifest, self.refused = manifest, ""
        except (UnreadableArtifact, OSError) as error:
            self.refused = str(error)

    def version(self, version: str) -> Model:
        """Return a version by name.

        Raises
        ------
        UnknownVersion
            If there is no such version.
        UnreadableArtifact
            If it is damaged.
        """
        if version == self.current.card.version:
            return self.current
        registered = known(self.manifest, version)
        with self.pinning:
            if version not in self.pinned:
                while len(self.pinned) >= MOST_PINNED:
                    del self.pinned[next(iter(self.pinned))]
                self.pinned[version] = Model(self.registry.read(version, registered))
            return self.pinned[version]


# What answers a request: chosen once, so that no answer is made of two versions.


def choose(environ: dict[str, Any], served: Served) -> None:
    """Let the current version answer a request, from its beginning to its end."""
    served.renew()
    environ[MODEL] = served.current


def choose_version(query: str) -> None:
    """Let another version answer this request, if its query string asks for one.

    Raises
    ------
    BadRequest
        If it asks for several.
    NotFound
        If there is none that can be read.
    """
    # few name a version, plain or with a letter escaped, and to look for one would decode the whole query
    asked = request.args.getlist(VERSION) if VERSION in query or "%6" in query else []
    if len(asked) > 1:
        raise BadRequest(gettext("%(name)s is given more than once.", name=VERSION))
    for version in asked:
        answer_with(version_named(version))


def answer_with(model: Model) -> None:
    """Let a version answer this request."""
    request.environ[MODEL] = model


def version_named(version: str) -> Model:
    """Return a version by name.

    Raises
    ------
    NotFound
        If there is none that can be read.
    """
    try:
        return served().version(version)
    except UnknownVersion:
        there = ", ".join(served().manifest.versions)
        message = gettext(
            "There is no version %(version)s here; there is %(known)s.", version=shown(version), known=there
        )
        raise NotFound(message) from None
    except UnreadableArtifact as error:
        raise NotFound(str(error)) from error


def asked_version() -> dict[str, str]:
    """Return the query parameter of the version that this request asked for, if it asked for one."""
    return {VERSION: request.args[VERSION]} if has_request_context() and VERSION in request.args else {}


def served() -> Served:
    """Return what this process serves."""
    return cast(Served, current_app.extensions["served"])


def scorecard() -> Scorecard:
    """Return the model that answers this request."""
    return cast(Model, request.environ[MODEL]).card


def schema() -> Schema:
    """Return what a record is, in the language of the answer."""
    return cast(Model, request.environ[MODEL]).schemas[language()]
