"""The versions of the model: which there are, which is served, which came before; `python registry.py` shows them."""

import argparse
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import BaseModel, Field, ValidationError
from typing_extensions import TypedDict

from glassform.fitted.base import FILE as SCORECARD
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.fitted.kinds import parse
from glassform.fitted.scorecard import Additive
from glassform.languages import gettext
from glassform.records.schema import BINARY, CLASSES, NUMBER, Value, shown
from glassform.settings import ARTIFACTS

# the folder of all versions: <version>/scorecard.json, <version>/pipeline.joblib, and registry.json
FILE, LOCK = "registry.json", "registry.lock"
KEPT = 5  # versions that pruning leaves, beside the current one and the one before it
MEASURES = {  # of a version, those of them that its target has, and their titles
    "roc_auc": "ROC AUC",
    "brier_score": "Brier",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "r2": "R²",
    "mae": "MAE",
}
SHOWN = {BINARY: ("roc_auc", "brier_score", "log_loss"), CLASSES: ("accuracy", "log_loss"), NUMBER: ("r2", "mae")}
UNFINISHED = ".unfinished-"  # how the name of a folder begins whose version is not there yet
PLAIN_VERSION = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
COMMAND_LINE = "command line"
NONE_YET = "there is no model yet; `python model.py` trains one"

Name = Annotated[str, Field(pattern=f"^{PLAIN_VERSION.pattern}$")]


class UnknownVersion(ValueError):
    """A version that is not in the registry."""


class InUse(ValueError):
    """What cannot be done while a version is served, or no other can be gone back to."""


class Comparison(BaseModel, extra="forbid"):
    """A version beside the one that was current when it came, on the same test rows.

    `measures` holds the older one's and its own; `raised` and `lowered` count the rows that it puts on the other side
    of a probability of 0.5, of `rows`.
    """

    other: Name
    rows: int
    measures: dict[str, tuple[float, float]]
    raised: int
    lowered: int


class Version(BaseModel, extra="forbid"):
    """One version: when it came, the SHA-256 of its scorecard, which has that of its pipeline, and how good it is."""

    created: datetime
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rows: int
    measures: dict[str, float]
    comparison: Comparison | None = None


class Event(BaseModel, extra="forbid"):
    """A version was promoted, or gone back to."""

    version: Name
    at: datetime
    how: Literal["promoted", "rolled back"]
    by: str


class Manifest(BaseModel, extra="forbid"):
    """What `registry.json` holds; the oldest version, and the oldest event, first."""

    format: Literal[1] = 1
    versions: dict[Name, Version] = {}
    events: list[Event] = []

    @property
    def line(self) -> list[str]:
        """The versions that are there and were current, each before the one that followed it; the last one is."""
        line: list[str] = []
        for event in self.events:
            if event.how == "promoted":
                line.append(event.version)
            while line and line[-1] != event.version:  # those gone back over
                line.pop()
        kept = [version for version in line if version in self.versions]
        return [version for place, version in enumerate(kept) if kept[place - 1 : place] != [version]]

    @property
    def current(self) -> str | None:
        """The version that is served."""
        return next(reversed(self.line), None)

    @property
    def previous(self) -> str | None:
        """The version to go back to."""
        return next(reversed(self.line[:-1]), None)


@dataclass(frozen=True)
class Gate:
    """How much worse than the current version a new one may be, to be promoted by itself."""

    measure: str
    most: float
    higher_is_better: bool = False

    def loss(self, older: float, newer: float) -> float:
        """Return how much worse the newer one is; below 0, if it is better."""
        return older - newer if self.higher_is_better else newer - older


CHANGED = "changed_sides"
GATES = [
    Gate("roc_auc", 0.002, higher_is_better=True),
    Gate("brier_score", 0.001),
    Gate("accuracy", 0.01, higher_is_better=True),
    Gate("r2", 0.01, higher_is_better=True),
    Gate("largest_calibration_gap", 0.01),
    Gate("largest_group_gap", 0.02),
    Gate(CHANGED, 0.05),
]


class GateAnswer(TypedDict):
    """A measure of the version that was current and of this one, and how much worse this one may be."""

    measure: str
    current: float
    candidate: float
    allowed_loss: float
    passed: bool


def judge(comparison: Comparison) -> list[GateAnswer]:
    """Return each gate with the measure of either version, what is allowed and whether it is passed."""
    changed = (comparison.raised + comparison.lowered) / comparison.rows
    measures = {**comparison.measures, CHANGED: (0.0, changed)}
    return [
        {
            "measure": gate.measure,
            "current": measures[gate.measure][0],
            "candidate": measures[gate.measure][1],
            "allowed_loss": gate.most,
            "passed": gate.loss(*measures[gate.measure]) <= gate.most,
        }
        for gate in GATES
        if gate.measure in measures
    ]


def passes(comparison: Comparison | None) -> bool:
    """Tell whether a version passes every gate; one that could not be compared does not."""
    return comparison is not None and all(gate["passed"] for gate in judge(comparison))


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
        """Return what changes whenever the file does, or that of a version."""
        return [mark_of(self.folder / FILE), mark_of(self.folder / version / SCORECARD)]

    def standing(self, manifest: Manifest) -> tuple[Fitted, str]:
        """Return the current version or, if it cannot be read, the newest of those before it; and why, if so.

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
        """Change what is registered, whole or not at all; other processes wait meanwhile.

        A damaged registry is laid aside if it may be begun anew.

        Raises
        ------
        UnreadableArtifact
            If it is damaged, and may not.
        """
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
            unfinished = self.folder / f"{FILE}.unfinished"
            unfinished.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
            settle(unfinished)
            unfinished.replace(self.folder / FILE)

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Make a folder for the files of a version that is coming; it is gone afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
        folder.chmod(0o755)  # as any other folder, so that who serves can read what somebody else trained
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, folder: Path, comparison: Comparison | None = None) -> bool:
        """Register the version in a folder, which becomes a folder of ours; tell whether it was not here before.

        One that is here already, and sound, stays as it is but for its comparison: the same version, the same model.
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
                )
        return not was_here

    def is_sound(self, manifest: Manifest, version: str) -> bool:
        """Tell whether a version is here and can be read."""
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
        """Go back to the version before the current one (if that is `leaving`, where that is given); return it.

        Raises
        ------
        InUse
            If there was none before it, or another is current.
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
        """Delete all versions but the newest, the current one and the one before it; return those deleted."""
        with self.changing() as manifest:
            newest = sorted(manifest.versions, key=lambda version: manifest.versions[version].created)[-keep:]
            kept = {*(newest if keep else []), *self.in_use(manifest), manifest.previous}
            gone = [version for version in manifest.versions if version not in kept]
            for version in gone:
                self.forget(manifest, version)
        return gone

    def in_use(self, manifest: Manifest) -> set[str]:
        """Return the current version and, if that cannot be read, the one that is served in its place."""
        used = {manifest.current} if manifest.current else set()
        with suppress(FileNotFoundError, UnreadableArtifact):
            used.add(self.standing(manifest)[0].version)
        return used

    def forget(self, manifest: Manifest, version: str) -> None:
        """Take a version out of a manifest that is being changed, and delete its folder."""
        del manifest.versions[version]
        self.lay_aside(version)

    def lay_aside(self, version: str) -> None:
        """Delete a version's folder, if there is one; what cannot be deleted loses its name at least."""
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
        raise FileNotFoundError(
            f"there is no table {table}; there is {', '.join(there) or 'none beside the default'}"
        )
    return Registry(artifacts / table)


def mark_of(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file does."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return ()


def settle(path: Path) -> None:
    """See that a file is on the disk, before anything names it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def known(manifest: Manifest, version: str) -> Version:
    """Return what is registered of a version.

    Raises
    ------
    UnknownVersion
        If there is no such version.
    """
    if version not in manifest.versions:
        there = ", ".join(manifest.versions) or gettext("none")
        raise UnknownVersion(
            gettext("There is no version %(version)s here; there is %(known)s.", version=shown(version), known=there)
        )
    return manifest.versions[version]


def now() -> datetime:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Difference:
    """The points of one value, or the intercept, under two versions, in log-odds; None where one does not know it."""

    feature: str
    value: Value
    current: float | None
    candidate: float | None

    @property
    def size(self) -> float:
        """How far the two are apart; infinitely, if one of them does not know the value."""
        if self.current is None or self.candidate is None:
            return float("inf")
        return abs(self.candidate - self.current)


def differences(current: Fitted, candidate: Fitted) -> list[Difference]:
    """Return every value's points under both versions, the largest difference first; of single tables of points."""
    if not (isinstance(current, Additive) and isinstance(candidate, Additive)):
        return []
    features = dict.fromkeys([*current.points, *candidate.points])
    found = [Difference("intercept", "", current.intercept, candidate.intercept)]
    for name in features:
        older, newer = (card.points[name].by_value if name in card.points else {} for card in (current, candidate))
        values = dict.fromkeys([*older, *newer])
        found += [Difference(name, value, older.get(value), newer.get(value)) for value in values]
    return sorted(found, key=lambda each: each.size, reverse=True)


# The command line.


def summary(version: str, manifest: Manifest) -> str:
    """Return a version in one line: whether it is current, when it came, how good it is."""
    sign, found = "*" if version == manifest.current else " ", manifest.versions[version]
    measures = "  ".join(f"{MEASURES.get(name, name)} {value:.4f}" for name, value in found.measures.items())
    verdict = f"  {verdict_of(found)}" if found.comparison else ""
    return f"{sign} {version}  {found.created:%Y-%m-%d %H:%M}  {found.rows:,} rows  {measures}{verdict}"


def verdict_of(version: Version) -> str:
    """Return in words how a version passed the gates."""
    assert version.comparison is not None
    failed = [gate["measure"] for gate in judge(version.comparison) if not gate["passed"]]
    return f"fails {', '.join(failed)}" if failed else "passes the gates"


def listing(registry: Registry) -> str:
    """Return all versions, a line each, the current one with a star."""
    manifest = registry.manifest()
    lines = [summary(version, manifest) for version in manifest.versions]
    return "\n".join(lines) or "There is no version yet; `python model.py` trains one."


def account(comparison: Comparison) -> str:
    """Return a comparison as text to read."""
    lines = [f"On {comparison.rows:,} test rows, beside version {comparison.other}:"]
    for gate in judge(comparison):
        sign = "ok  " if gate["passed"] else "FAIL"
        lines.append(
            f"  {sign} {gate['measure']:<24} {gate['current']:8.4f} -> {gate['candidate']:8.4f}"
            f"  (may lose {gate['allowed_loss']})"
        )
    lines.append(f"  {comparison.raised:,} of them rise above 50%, {comparison.lowered:,} fall below it.")
    return "\n".join(lines)


def show(registry: Registry, version: str, most: int = 15) -> str:
    """Return what there is to say of a version: how it compares, and where its points differ from the current."""
    manifest = registry.manifest()
    registered = known(manifest, version)
    candidate = registry.read(version, registered)
    lines = [summary(version, manifest)]
    if registered.comparison is not None:
        lines += ["", account(registered.comparison)]
    if manifest.current not in (None, version):
        current, _ = registry.standing(manifest)
        lines += ["", f"Points, in log-odds, where they differ most from those of version {current.version}:"]
        for each in differences(current, candidate)[:most]:
            older, newer = ("none" if side is None else f"{side:+.4f}" for side in (each.current, each.candidate))
            lines.append(f"  {each.feature:<20} {each.value!s:<28} {older:>8} -> {newer:>8}")
    for event in manifest.events:
        if event.version == version:
            lines.append(f"{event.how} {event.at:%Y-%m-%d %H:%M} by {event.by}")
    return "\n".join(lines)


def parse_options(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Manage the versions of the model.")
    parser.add_argument("--artifacts", type=Path, default=ARTIFACTS, help="the folder of the versions")
    parser.add_argument("--table", default="", help="a further table, instead of the default one")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all versions, the current one with a star")
    for name, text in (
        ("show", "one version, beside the current one"),
        ("promote", "make a version the current one"),
    ):
        commands.add_parser(name, help=text).add_argument("version")
    commands.add_parser("rollback", help="go back to the version before the current one")
    prune = commands.add_parser("prune", help="delete old versions, but for the current one and the one before it")
    prune.add_argument("--keep", type=int, choices=range(1000), metavar="N", default=KEPT, help=f"(default {KEPT})")
    return parser.parse_args(given)


def run(registry: Registry, options: argparse.Namespace) -> str:
    """Do what the command line says, and return what to print."""
    if options.command == "list":
        return listing(registry)
    if options.command == "show":
        return show(registry, options.version)
    if options.command == "promote":
        registry.promote(options.version)
        return f"Version {options.version} is the current one."
    if options.command == "rollback":
        return f"Version {registry.roll_back()} is the current one again."
    gone = registry.prune(options.keep)
    return f"Deleted: {', '.join(gone) or 'nothing'}."


def main(given: Sequence[str] | None = None) -> None:
    """Manage the versions from the command line."""
    options = parse_options(given)
    try:
        print(run(registry_of(options.artifacts, options.table), options))
    except (InUse, UnknownVersion, UnreadableArtifact, OSError) as error:
        sys.exit(str(error))
