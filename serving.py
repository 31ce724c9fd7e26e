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
from schema import Schema, Schemas
from scorecard import Scorecard, UnreadableArtifact

SECONDS_BETWEEN_LOOKS = 1.0  # at whether another version is to be served
MOST_PINNED = 4  # older versions that a process holds ready
VERSION = "model"  # the query parameter that asks for a version other than the current one
MODEL = "glassform.model"  # where a request's environment holds the version that answers it
PINNED = "glassform.pinned"  # and where its name, if it was asked for


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

    `refused` says why the registry's current version cannot be read, so that one before it is served, or one that was
    read while it could be; nothing, if all is well.

    Raises
    ------
    FileNotFoundError
        If there is no version yet.
    UnreadableArtifact
        If none of those that were promoted can be read.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lock, self.pinning = threading.Lock(), threading.Lock()
        self.due = time.monotonic() + SECONDS_BETWEEN_LOOKS
        self.manifest = registry.manifest()
        card, self.refused = registry.standing(self.manifest)
        self.current = Model(card)
        self.mark = registry.mark(card.version)
        self.pinned: dict[str, Model] = {}

    def renew(self) -> None:
        """Take the registry's current version, if that has changed and can be read; look once a second at most."""
        if time.monotonic() < self.due or not self.lock.acquire(blocking=False):
            return
        try:
            self.due = time.monotonic() + SECONDS_BETWEEN_LOOKS
            if self.registry.mark(self.current.card.version) != self.mark or self.refused:
                self._take()
        finally:
            self.lock.release()

    def take(self) -> None:
        """Take what the registry holds; what cannot be read leaves everything as it is."""
        with self.lock:
            self._take()

    def _take(self) -> None:
        self.mark = self.registry.mark(self.current.card.version)
        try:
            manifest = self.registry.manifest()
            current = manifest.current
            if current is None:
                raise UnreadableArtifact(f"{FILE} is gone, or names no current version")
            card = self.registry.read(current, manifest.versions[current])
            if current != self.current.card.version:
                self.current, self.mark = Model(card), self.registry.mark(current)
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
    """Let a version answer this request, and what its links lead to."""
    request.environ[MODEL], request.environ[PINNED] = model, model.card.version


def version_named(version: str) -> Model:
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
    """Return the query parameter of the version that this request asked for, if it asked for one."""
    pinned = has_request_context() and request.environ.get(PINNED)
    return {VERSION: pinned} if pinned else {}


def served() -> Served:
    """Return what this process serves."""
    return cast(Served, current_app.extensions["served"])


def scorecard() -> Scorecard:
    """Return the model that answers this request."""
    return cast(Model, request.environ[MODEL]).card


def schema() -> Schema:
    """Return what a record is, in the language of the answer."""
    return cast(Model, request.environ[MODEL]).schemas[language()]
