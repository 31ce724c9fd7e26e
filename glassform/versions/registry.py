"""The versions of a table in a folder, and the file that names them."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from glassform.files import mark_of, settle, written_whole
from glassform.fitted.base import FILE as SCORECARD
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.fitted.kinds import parse
from glassform.languages import gettext
from glassform.programs import how_to
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.manifest import (
    PLAIN_VERSION,
    Beside,
    Comparison,
    Event,
    InUse,
    Manifest,
    UnknownVersion,
    Version,
    known,
)

# the folder of all versions: <version>/scorecard.json, <version>/pipeline.joblib, and registry.json
FILE, LOCK = "registry.json", "registry.lock"
KEPT = 5  # versions that pruning leaves, beside the current one and the one before it
SHOWN = {BINARY: ("roc_auc", "brier_score", "log_loss"), CLASSES: ("accuracy", "log_loss"), NUMBER: ("r2", "mae")}
UNFINISHED = ".unfinished-"  # how the name of a folder begins whose version is not there yet
COMMAND_LINE = "command line"
NONE_YET = f"there is no model yet; `{how_to('train')}` trains one"


@dataclass(frozen=True)
class Registry:
    """A folder of versions."""

    folder: Path = ARTIFACTS

    def manifest(self) -> Manifest:
        """Read which versions there are.

        Raises
        ------
        UnreadableArtifact
            If the file is damaged.
        """
        try:
            return Manifest.model_validate_json((self.folder / FILE).read_bytes())
        except FileNotFoundError:
            return Manifest()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UnreadableArtifact(f"{FILE} is damaged: {where} {first['msg']}".replace("  ", " ")) from error

    def mark(self, version: str) -> list[tuple[int, ...]]:
        """Return a mark that changes with the registry file or a version's file."""
        return [mark_of(self.folder / FILE), mark_of(self.folder / version / SCORECARD)]

    def standing(self, manifest: Manifest) -> tuple[Fitted, str]:
        """Return the current version or, if unreadable, the newest before it with the reason.

        Raises
        ------
        FileNotFoundError
            If no version was ever promoted.
        UnreadableArtifact
            If none of them can be read.
        """
        reason = ""
        for version in reversed(manifest.line):
            try:
                return self.read(version, manifest.versions[version]), reason
            except UnreadableArtifact as error:
                reason = reason or str(error)
        if reason:
            raise UnreadableArtifact(reason)
        raise FileNotFoundError(NONE_YET)

    def served(self) -> Fitted | None:
        """Return the version that a server would serve; nothing, if there is none that can be read."""
        try:
            return self.standing(self.manifest())[0]
        except (FileNotFoundError, UnreadableArtifact):
            return None

    def whole(self) -> Fitted | None:
        """Return the version with all fields that was promoted last; nothing, if there is none that can be read."""
        manifest = self.manifest()
        for version in reversed(manifest.line):
            if not manifest.versions[version].without:
                with suppress(UnreadableArtifact):
                    return self.read(version, manifest.versions[version])
        return None

    def load(self, version: str | None = None) -> Fitted:
        """Read a version, or the current one, once its file is known to be the one that was registered.

        Raises
        ------
        FileNotFoundError
            If there is none yet.
        UnknownVersion
            If there is no such version.
        UnreadableArtifact
            If it is damaged, or another file is in its place.
        """
        manifest = self.manifest()
        version = version or manifest.current
        if version is None:
            raise FileNotFoundError(NONE_YET)
        return self.read(version, known(manifest, version))

    def read(self, version: str, registered: Version) -> Fitted:
        """Read a version that is known.

        Raises
        ------
        UnreadableArtifact
            If it is damaged, or another file is in its place.
        """
        try:
            content = (self.folder / version / SCORECARD).read_bytes()
        except OSError as error:
            raise UnreadableArtifact(f"version {version} has no {SCORECARD}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != registered.sha256:
            raise UnreadableArtifact(f"version {version} was altered: its {SCORECARD} is not the one registered")
        card = parse(content, self.folder / version)
        if card.version != version:
            raise UnreadableArtifact(f"version {version} is not what its folder says: it is {card.version}")
        return card

    @contextmanager
    def changing(self, begin_anew: bool = False) -> Iterator[Manifest]:
        """Change the registry atomically; other processes wait.

        A damaged registry is moved aside if `begin_anew`.

        Raises
        ------
        UnreadableArtifact
            If it is damaged, and may not.
        """
        from filelock import FileLock  # late: who only reads needs no lock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / LOCK):
            try:
                manifest = self.manifest()
            except UnreadableArtifact:
                if not begin_anew:
                    raise
                (self.folder / FILE).replace(self.folder / f"{FILE}.damaged")
                manifest = Manifest()
            yield manifest
            with written_whole(self.folder / FILE) as unfinished:
                unfinished.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Make a temporary folder for a new version's files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
        folder.chmod(0o755)  # as any other folder, so that who serves can read what somebody else trained
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, folder: Path, comparison: Comparison | None = None, beside: Beside | None = None) -> bool:
        """Register the version in a folder, moving the folder in; tell whether it is new.

        An intact existing version only gets the new comparisons: same version, same model.
        """
        content = (folder / SCORECARD).read_bytes()
        card = parse(content, folder)
        version = card.version
        if not PLAIN_VERSION.fullmatch(version):
            raise UnreadableArtifact(f"{version!r} is no name of a version")
        for path in folder.iterdir():
            settle(path)
        with self.changing(begin_anew=True) as manifest:
            was_here = self.is_sound(manifest, version)
            if was_here and comparison and comparison.other != version:
                manifest.versions[version].comparison = comparison
            if was_here and beside:
                manifest.versions[version].beside = beside
            if not was_here:
                self.lay_aside(version)
                folder.rename(self.folder / version)
                manifest.versions[version] = Version(
                    created=now(),
                    sha256=hashlib.sha256(content).hexdigest(),
                    rows=card.training["rows"],
                    measures={
                        name: card.evaluation[name]
                        for name in SHOWN[card.schema.task]
                        if card.evaluation[name] is not None
                    },
                    comparison=comparison,
                    without=[field.name for field in card.schema.unused],
                    beside=beside,
                )
        return not was_here

    def is_sound(self, manifest: Manifest, version: str) -> bool:
        """Tell whether a version exists and is readable."""
        try:
            return bool(self.read(version, known(manifest, version)))
        except (UnknownVersion, UnreadableArtifact):
            return False

    def promote(self, version: str, by: str = COMMAND_LINE) -> None:
        """Make a version the current one, if it can be read.

        Raises
        ------
        UnknownVersion
            If there is no such version.
        UnreadableArtifact
            If it is damaged.
        """
        with self.changing() as manifest:
            self.read(version, known(manifest, version))
            if version != manifest.current:
                manifest.events.append(Event(version=version, at=now(), how="promoted", by=by))

    def roll_back(self, by: str = COMMAND_LINE, leaving: str | None = None) -> str:
        """Roll back to the version before the current one and return it; `leaving` must be current, if given.

        Raises
        ------
        InUse
            If there is none before it, or another version is current.
        UnreadableArtifact
            If that one is damaged.
        """
        with self.changing() as manifest:
            version = manifest.previous
            if leaving not in (None, manifest.current):
                raise InUse(gettext("Version %(version)s is not the current one.", version=leaving))
            if version is None:
                raise InUse(gettext("There is no version to go back to."))
            self.read(version, known(manifest, version))
            manifest.events.append(Event(version=version, at=now(), how="rolled back", by=by))
        return version

    def remove(self, version: str) -> None:
        """Delete a version that is not served.

        Raises
        ------
        UnknownVersion
            If there is no such version.
        InUse
            If it is the current one, or stands in for that.
        """
        with self.changing() as manifest:
            known(manifest, version)
            if version in self.in_use(manifest):
                raise InUse(gettext("Version %(version)s is being served.", version=version))
            self.forget(manifest, version)

    def prune(self, keep: int = KEPT) -> list[str]:
        """Delete old versions, except the newest, the current one and the one before it; return the deleted.

        Siblings are kept: someone asked for each of them.
        """
        with self.changing() as manifest:
            old = [version for version, each in manifest.versions.items() if not each.without]
            newest = sorted(old, key=lambda version: manifest.versions[version].created)[-keep:]
            kept = {*(newest if keep else []), *self.in_use(manifest), manifest.previous}
            gone = [version for version in old if version not in kept]
            for version in gone:
                self.forget(manifest, version)
        return gone

    def in_use(self, manifest: Manifest) -> set[str]:
        """Return the current version and, if it is unreadable, the one served instead."""
        used = {manifest.current} if manifest.current else set()
        with suppress(FileNotFoundError, UnreadableArtifact):
            used.add(self.standing(manifest)[0].version)
        return used

    def forget(self, manifest: Manifest, version: str) -> None:
        """Remove a version from a manifest and delete its folder."""
        del manifest.versions[version]
        self.lay_aside(version)

    def lay_aside(self, version: str) -> None:
        """Delete a version's folder; if that fails, it at least loses its name."""
        with self.new_folder() as aside, suppress(FileNotFoundError):
            (self.folder / version).rename(aside / version)


def tables_in(artifacts: Path) -> list[Path]:
    """Return the folders of the further tables in the folder of the default one's versions."""
    return sorted(path.parent for path in artifacts.glob(f"*/{FILE}"))


def registry_of(artifacts: Path, table: str) -> Registry:
    """Return the registry of a further table, or of the default one if none is named.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    """
    there = [folder.name for folder in tables_in(artifacts)]
    if table and table not in there:
        raise FileNotFoundError(f"there is no table {table}; there is {', '.join([default_name(), *there])}")
    return Registry(artifacts / table)


def further(table: str) -> str:
    """Return the name of a further table; an empty one for the default table's own."""
    return "" if not table or table == default_name() else table


def default_name() -> str:
    """Return the name of the default table."""
    return Schema.from_file(PACKAGE).name


def now() -> datetime:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def untrained(artifacts: Path) -> list[str]:
    """Return the names of the tables described beside the default one that have no model in a folder of models.

    A table whose versions all wait for somebody to promote them is not among them.
    """
    names = (package.parent.name for package in sorted(PACKAGE.parent.glob(f"*/{PACKAGE.name}")))
    return [name for name in names if lacks_model(Registry(artifacts / name))]


def lacks_model(registry: Registry) -> bool:
    """Tell whether a table was never trained, or no version of it that was promoted can be read."""
    try:
        manifest = registry.manifest()
        if manifest.versions and not manifest.events:
            return False
        registry.standing(manifest)
    except (FileNotFoundError, UnreadableArtifact):
        return True
    return False
