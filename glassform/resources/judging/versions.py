"""Versions of the model, for teachers: compare, promote, roll back, delete."""

from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import url_for
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound, ServiceUnavailable

from glassform.accounts.history import remembered
from glassform.accounts.signing_in import signed_in_teacher
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.languages import gettext
from glassform.records.field import Record, Value
from glassform.records.messages import FieldError, InvalidQuery, shown
from glassform.records.schema import BINARY
from glassform.resources.account_resource import FromForms, Remembering
from glassform.versions.listing import differences
from glassform.versions.manifest import GateAnswer, InUse, Manifest, UnknownVersion, Version, judge, passes
from glassform.versions.registry import Registry
from glassform.web.asked import served, version_named
from glassform.web.resource import Answer

MOST_DIFFERENCES = 15  # of points, shown of two versions


class VersionAnswer(TypedDict):
    """A version: its date, whether it is current or was promoted, its measures, whether it passed the gates.

    A sibling is fitted `without` some fields.
    """

    version: str
    url: str
    created: str
    current: bool
    promoted: bool
    rows: int
    measures: dict[str, float]
    passes: bool | None
    without: list[str]


class DifferenceAnswer(TypedDict):
    """The points of one value under the current version and under this one, in log-odds.

    Those of two features together are of a pair, as `one:other`, and of both its levels. `title` is the
    value in words.
    """

    feature: str
    value: Value
    title: str
    current: float | None
    candidate: float | None


class EventAnswer(TypedDict):
    """A promotion or rollback: version, time, user."""

    version: str
    at: datetime
    how: str
    by: str


class VersionsAnswer(TypedDict):
    """All versions and events, newest first; `refused` says why the current version is not served."""

    current: str
    previous: str | None
    refused: str | None
    versions: list[VersionAnswer]
    events: list[EventAnswer]


class OneVersionAnswer(VersionAnswer):
    """A version beside another: the gates on the same test rows, and where the points differ most."""

    unreadable: str | None
    compared_with: str | None
    test_rows: int | None
    raised: int | None
    lowered: int | None
    gates: list[GateAnswer]
    differences: list[DifferenceAnswer]


class ChangedAnswer(TypedDict):
    """A saved record under the current version and another."""

    record: Record
    current: Value
    candidate: Value


class ShadowAnswer(TypedDict):
    """What another version would answer for the saved predictions, without names.

    `changed` lists records whose probability would cross one half, or whose number or class would change, the
    largest change first.
    """

    current: str
    candidate: str
    predictions: int
    not_comparable: int
    raised: int
    lowered: int
    mean_change: float | None
    largest_change: float | None
    changed: list[ChangedAnswer]


class Versions(Remembering):
    """All versions of the model."""

    def get(self) -> VersionsAnswer:
        """Return all versions, and which is served."""
        signed_in_teacher()
        manifest = read_manifest()
        return {
            "current": served().current.version,
            "previous": manifest.previous,
            "refused": served().refused or None,
            "versions": [version_answer(manifest, version) for version in reversed(manifest.versions)],
            "events": [
                {"version": each.version, "at": each.at, "how": each.how, "by": each.by}
                for each in reversed(manifest.events)
            ],
        }


class OneVersion(FromForms):
    """One version of the model."""

    def get(self, version: str) -> OneVersionAnswer:
        """Compare a version with the one that was current when it was trained, and with the current one."""
        signed_in_teacher()
        return beside_the_current(version)

    def delete(self, version: str) -> Answer:
        """Delete a version that is not served."""
        signed_in_teacher()
        change(version, lambda versions: versions.remove(version))
        return {}, HTTPStatus.NO_CONTENT, {"Location": url_for("versions", model=None)}


class Promotion(FromForms):
    """The promotion of a version."""

    from_forms = ("put", "delete")

    def put(self, version: str) -> tuple[VersionAnswer, int, dict[str, str]]:
        """Promote a version: every worker serves it within two seconds."""
        who = signed_in_teacher()
        manifest = change(version, lambda versions: versions.promote(version, who.name))
        return version_answer(manifest, version), HTTPStatus.OK, {"Location": url_for("versions", model=None)}

    def delete(self, version: str) -> Answer:
        """Roll a version back, so that the one before it is served again."""
        who = signed_in_teacher()
        change(version, lambda versions: versions.roll_back(who.name, leaving=version))
        return {}, HTTPStatus.NO_CONTENT, {"Location": url_for("versions", model=None)}


class Shadow(Remembering):
    """What another version would answer for the saved predictions."""

    formats = ("json", "html", "csv")

    def get(self, version: str) -> ShadowAnswer:
        """Return the saved predictions whose answer would change, without names."""
        signed_in_teacher()
        current, candidate = served().current, version_named(version)
        known, unknown = remembered(served().name, current.schema, candidate.schema)
        return shadow(current, candidate, known, unknown)

    def columns(self, answer: Any) -> list[str]:
        """Return the header."""
        return [*version_named(answer["candidate"]).schema.by_name, "current", "candidate"]

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row per changed answer."""
        return [
            {**each["record"], "current": each["current"], "candidate": each["candidate"]}
            for each in answer["changed"]
        ]


def shadow(current: Fitted, candidate: Fitted, records: list[Record], unknown: int) -> ShadowAnswer:
    """Compare a version's answers to some records with the current one's."""
    pairs = [(record, current.score(record), candidate.score(record)) for record in records]
    changes = [newer - older for _, older, newer in pairs if isinstance(newer, float) and isinstance(older, float)]
    changed = [ChangedAnswer(record=r, current=a, candidate=b) for r, a, b in pairs if differ(current, a, b)]
    raised = sum(is_more(each["current"], each["candidate"]) for each in changed)
    return {
        "current": current.version,
        "candidate": candidate.version,
        "predictions": len(records),
        "not_comparable": unknown,
        "raised": raised,
        "lowered": sum(is_more(each["candidate"], each["current"]) for each in changed),
        "mean_change": sum(changes) / len(changes) if changes else None,
        "largest_change": max(changes, key=abs, default=None),
        "changed": sorted(changed, key=apart, reverse=True),
    }


def differ(card: Fitted, older: Value, newer: Value) -> bool:
    """Tell whether two answers differ: probabilities across one half, others at all."""
    if card.schema.task == BINARY:
        return (float(older) < 0.5) != (float(newer) < 0.5)
    return older != newer


def is_more(older: Value, newer: Value) -> bool:
    """Tell whether the newer answer is a larger number."""
    return isinstance(older, float) and isinstance(newer, float) and newer > older


def apart(each: ChangedAnswer) -> float:
    """Return the difference of two answers."""
    older, newer = each["current"], each["candidate"]
    return abs(newer - older) if isinstance(older, float) and isinstance(newer, float) else 1.0


def beside_the_current(version: str) -> OneVersionAnswer:
    """Compare a version with the one that was current when it was trained, and with the current one.

    Raises
    ------
    NotFound
        If there is no such version.
    """
    manifest = read_manifest()
    answer, found = version_answer(manifest, version), manifest.versions[version]
    candidate, reason = readable(version, found)
    comparison = found.comparison
    return {
        **answer,
        "unreadable": reason,
        "compared_with": comparison.other if comparison else None,
        "test_rows": comparison.rows if comparison else None,
        "raised": comparison.raised if comparison else None,
        "lowered": comparison.lowered if comparison else None,
        "gates": judge(comparison) if comparison else [],
        "differences": compared(candidate) if candidate else [],
    }


def read_manifest() -> Manifest:
    """Return the registry's manifest.

    Raises
    ------
    ServiceUnavailable
        If it cannot be read.
    """
    try:
        return served().registry.manifest()
    except (UnreadableArtifact, OSError) as error:
        raise ServiceUnavailable(str(error)) from error


def readable(version: str, registered: Version) -> tuple[Fitted | None, str | None]:
    """Return a version, or why it cannot be read."""
    try:
        return served().registry.read(version, registered), None
    except UnreadableArtifact as error:
        return None, str(error)


def version_answer(manifest: Manifest, version: str) -> VersionAnswer:
    """Return a version as an answer.

    Raises
    ------
    NotFound
        If it was deleted meanwhile.
    """
    if version not in manifest.versions:
        raise NotFound
    found = manifest.versions[version]
    return {
        "version": version,
        "url": url_for("oneversion", version=version, model=None),
        "created": found.created.isoformat(),
        "current": version == served().current.version,
        "promoted": version == manifest.current,
        "rows": found.rows,
        "measures": found.measures,
        "passes": passes(found.comparison) if found.comparison else None,
        "without": found.without,
    }


def compared(candidate: Fitted) -> list[DifferenceAnswer]:
    """Return where a version's points differ most from the current one's."""
    every = differences(served().current, candidate)
    return [
        {
            "feature": each.feature,
            "value": each.value,
            "title": each.title,
            "current": each.current,
            "candidate": each.candidate,
        }
        for each in every[:MOST_DIFFERENCES]
        if each.size
    ]


def change(version: str, do: Callable[[Registry], object]) -> Manifest:
    """Change the registry, serve accordingly, and return the new manifest.

    Raises
    ------
    NotFound
        If there is no such version.
    InvalidQuery
        If it cannot be done now, with the reason.
    ServiceUnavailable
        If the folder cannot be read or written.
    """
    try:
        do(served().registry)
    except UnknownVersion as error:
        raise NotFound(str(error)) from error
    except (InUse, UnreadableArtifact) as error:
        conflict = [FieldError("version", shown(version), str(error))]
        raise InvalidQuery(conflict, {}, status=HTTPStatus.CONFLICT) from error
    except OSError as error:
        raise ServiceUnavailable(
            gettext("The folder of versions cannot be written here; nothing was changed.")
        ) from error
    served().take()
    return read_manifest()
