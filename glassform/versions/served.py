"""What a process serves: the current version of every table, and older ones on request."""

import logging
import threading
import time
from collections.abc import Iterator, Set
from pathlib import Path

from glassform.files import reason_of
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.records.schema import PLAIN_TABLE
from glassform.versions.manifest import known
from glassform.versions.registry import FILE, Registry, tables_in

SECONDS_BETWEEN_LOOKS = 1.0  # between checks for another version
MOST_PINNED = 4  # older versions that a process keeps in memory
log = logging.getLogger("glassform")


class Served:
    """One table as a process serves it: the current version, checked every second, and older ones on request.

    `refused` says why the registry's current version is unreadable and an older one is served; empty, if all is well.

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
        self.current = card
        self.mark = registry.mark(card.version)
        self.pinned: dict[str, Fitted] = {}

    @property
    def name(self) -> str:
        """The table's name."""
        return self.current.schema.name

    def renew(self) -> None:
        """Reload the current version if it changed, checking once a second at most."""
        if time.monotonic() < self.due or not self.lock.acquire(blocking=False):
            return
        try:
            self.due = time.monotonic() + SECONDS_BETWEEN_LOOKS
            if self.registry.mark(self.current.version) != self.mark or self.refused:
                self._take()
        finally:
            self.lock.release()

    def take(self) -> None:
        """Reload from the registry; keep the current version if the new one is unreadable."""
        with self.lock:
            self._take()

    def _take(self) -> None:
        self.mark = self.registry.mark(self.current.version)
        try:
            manifest = self.registry.manifest()
            current = manifest.current
            if current is None:
                raise UnreadableArtifact(f"{FILE} is gone, or names no current version")
            card = self.registry.read(current, manifest.versions[current])
            if current != self.current.version:
                self.current, self.mark = card, self.registry.mark(current)
            self.manifest, self.refused = manifest, ""
        except (UnreadableArtifact, OSError) as error:
            self.refused = reason_of(error)

    def version(self, version: str) -> Fitted:
        """Return a version by name, as `known` finds it and `Registry.read` reads it, with their refusals."""
        if version == self.current.version:
            return self.current
        registered = known(self.manifest, version)
        with self.pinning:
            if version not in self.pinned:
                while len(self.pinned) >= MOST_PINNED:
                    del self.pinned[next(iter(self.pinned))]
                self.pinned[version] = self.registry.read(version, registered)
            return self.pinned[version]


class Tables:
    """The tables that a process serves: the default one, and others by name.

    Parameters
    ----------
    artifacts
        The folder of the default table's versions and of the other tables' folders.
    reserved
        Names that no table can have, because they begin every table's addresses.
    """

    def __init__(self, artifacts: Path, reserved: Set[str]) -> None:
        self.artifacts, self.reserved = artifacts, reserved
        self.default = Served(Registry(artifacts))
        self.further: dict[str, Served] = {}
        self.lock, self.due = threading.Lock(), 0.0  # further tables are read by the first request for one

    def __iter__(self) -> Iterator[tuple[str, Served]]:
        """Return every table by name, the default one first."""
        self.look()
        yield self.default.name, self.default
        yield from sorted(self.further.items())

    def find(self, name: str) -> Served | None:
        """Return a table by name, even one just added."""
        if name in self.further or name in self.reserved or not PLAIN_TABLE.fullmatch(name):
            return self.further.get(name)
        if name == self.default.name:
            return self.default
        self.look()
        return self.further.get(name)

    def look(self) -> None:
        """Find the tables that exist now, once a second at most; who asks meanwhile waits for what is found."""
        if time.monotonic() < self.due:
            return
        with self.lock:
            if time.monotonic() < self.due:
                return
            names = {folder.name for folder in tables_in(self.artifacts)} - self.reserved - {self.default.name}
            found = {name: self.further.get(name) or self.opened(name) for name in names}
            self.further = {name: served for name, served in found.items() if served}
            self.due = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def opened(self, name: str) -> Served | None:
        """Return a new table, or None if none of its versions is readable."""
        try:
            return Served(Registry(self.artifacts / name))
        except (FileNotFoundError, UnreadableArtifact) as error:
            log.warning("The table %s is not served: %s", name, error)
            return None
