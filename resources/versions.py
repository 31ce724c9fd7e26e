"""The versions of the model, for teachers: how they compare, which is served, and what another one would change."""

from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from flask import url_for
from sqlalchemy import select
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound, ServiceUnavailable

import registry
from auth import signed_in_teacher
from database import Prediction, db
from drift import Drift, drifts
from languages import gettext
from openapi import TEXT
from registry import Manifest, Registry, UnknownVersion
from representations import Answer
from resources.reading import read_members
from resources.remembering import FromForms, Remembering
from schema import FieldError, InvalidQuery, Record, Schema, Value, shown
from scorecard import Scorecard, UnreadableArtifact
from serving import scorecard, served, version_named

MOST_DIFFERENCES = 15  # shown of two versions
MOST_REMEMBERED = 20_000  # of the predictions remembered, the newest are looked at
MOST_CHANGED = 50  # people shown whose answer would change


class VersionAnswer(TypedDict):
    """A version: when it came, how many rows it learned from, how good it is, whether it passed the gates."""

    version: str
    url: str
    created: str
    current: bool
    rows: int
    measures: dict[str, float]
    passes: bool | None


class GateAnswer(TypedDict):
    """A measure of the version that was current and of this one, and how much worse this one may be."""

    measure: str
    current: float
    candidate: float
    allowed_loss: float
    passed: bool


class DifferenceAnswer(TypedDict):
    """The points of one value under the current version and under this one, in log-odds."""

    feature: str
    value: Value
    current: float | None
    candidate: float | None


class EventAnswer(TypedDict):
    """Which version was promoted, or gone back to, when, and by whom."""

    version: str
    at: datetime
    how: str
    by: str


class VersionsAnswer(TypedDict):
    """All versions, and what was done, newest first; why the current one is not served, if it is not."""

    current: str
    previous: str | None
    refused: str | None
    versions: list[VersionAnswer]
    events: list[EventAnswer]


class OneVersionAnswer(VersionAnswer):
    """A version beside another: the gates on the same test rows, and where the points differ most."""

    readable: str | None
    compared_with: str | None
    test_rows: int | None
    raised: int | None
    lowered: int | None
    gates: list[GateAnswer]
    differences: list[DifferenceAnswer]


class ChangedAnswer(TypedDict):
    """A record somebody asked about, under the current version and under another."""

    record: Record
    current: float
    candidate: float


class ShadowAnswer(TypedDict):
    """What a version would have said of the people asked about, without names.

    `changed` are those whose probability would be on the other side of one half, the largest change first.
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


class BinAnswer(TypedDict):
    """Values taken together, from `low` on if they are numbers: their share among either kind of people."""

    low: Value
    trained: float
    asked: float


class DriftOfAnswer(TypedDict):
    """The population stability index of a field or of the score, what chance would stay below, and both in words."""

    feature: str | None
    psi: float
    noise: float | None
    verdict: str
    bins: list[BinAnswer]
    foremost: int


class DriftAnswer(TypedDict):
    """Whether the people asked about are like those learned from: the score first, then every field."""

    model: dict[str, str]
    predictions: int
    not_comparable: int
    drift: list[DriftOfAnswer]


class Versions(Remembering):
    """All versions of the model."""

    def get(self) -> VersionsAnswer:
        """Return all versions, and which is served."""
        signed_in_teacher()
        manifest = read_manifest()
        return {
            "current": served().current.card.version,
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
        """Return how a version compares with the one that was current when it came, and with the current one."""
        signed_in_teacher()
        return beside_the_current(version)

    def delete(self, version: str) -> Answer:
        """Delete a version that is not served."""
        signed_in_teacher()
        change(lambda versions: versions.remove(version), version)
        return {}, HTTPStatus.NO_CONTENT, {"Location": url_for("versions", model=None)}


class CurrentVersion(FromForms):
    """The version that is served."""

    template = "oneversion.html"

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the version that is to be served."""
        if method != "put":
            return super().bodies(method, schema)
        body = {"type": "object", "properties": {"version": TEXT}, "required": ["version"]}
        return {"application/json": body | {"additionalProperties": False}}

    def get(self) -> OneVersionAnswer:
        """Return how the version that is served compares with the one before it."""
        signed_in_teacher()
        return beside_the_current(served().current.card.version)

    def put(self) -> tuple[VersionAnswer, int, dict[str, str]]:
        """Promote a version: every worker serves it within two seconds."""
        who = signed_in_teacher()
        version = read_members(["version"])["version"]
        change(lambda versions: versions.promote(version, who.name), version)
        return version_answer(read_manifest(), version), HTTPStatus.OK, {"Location": url_for("versions", model=None)}

    def delete(self) -> Answer:
        """Go back to the version before it."""
        who = signed_in_teacher()
        change(lambda versions: versions.roll_back(who.name), "")
        return {}, HTTPStatus.NO_CONTENT, {"Location": url_for("versions", model=None)}


class Shadow(Remembering):
    """What a version would have said of the people asked about."""

    formats = ("json", "html", "csv")

    def get(self, version: str) -> ShadowAnswer:
        """Return whose answer would change, of the predictions remembered; without names."""
        signed_in_teacher()
        current, candidate = served().current.card, version_named(version).card
        known, unknown = remembered(current, candidate)
        pairs = [(record, current.probability(record), candidate.probability(record)) for record in known]
        changes = [newer - older for _, older, newer in pairs]
        changed = [ChangedAnswer(record=r, current=a, candidate=b) for r, a, b in pairs if (a < 0.5) != (b < 0.5)]
        changed.sort(key=lambda each: abs(each["candidate"] - each["current"]), reverse=True)
        raised = sum(each["candidate"] >= 0.5 for each in changed)
        return {
            "current": current.version,
            "candidate": candidate.version,
            "predictions": len(known),
            "not_comparable": unknown,
            "raised": raised,
            "lowered": len(changed) - raised,
            "mean_change": sum(changes) / len(changes) if changes else None,
            "largest_change": max(changes, key=abs, default=None),
            "changed": changed[:MOST_CHANGED],
        }

    def columns(self, answer: Any) -> list[str]:
        """Return the header."""
        return [*served().current.card.points, "current", "candidate"]

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return a row for everybody whose answer would change."""
        return [
            {**each["record"], "current": each["current"], "candidate": each["candidate"]}
            for each in answer["changed"]
        ]


class DriftReport(Remembering):
    """Whether the people asked about are like those the model learned from."""

    def get(self) -> DriftAnswer:
        """Return the population stability index of the score and of every field."""
        signed_in_teacher()
        card = scorecard()
        known, unknown = remembered(card)
        return {
            "model": card.model,
            "predictions": len(known),
            "not_comparable": unknown,
            "drift": [drift_answer(name, each) for name, each in drifts(card, known).items()],
        }


def beside_the_current(version: str) -> OneVersionAnswer:
    """Return how a version compares with the one that was current when it came, and with the current one.

    Raises
    ------
    NotFound
        If there is no such version.
    """
    manifest = read_manifest()
    found = manifest.versions.get(version)
    if found is None:
        raise NotFound
    candidate, reason = readable(version)
    comparison = found.comparison
    answer: Any = {
        **version_answer(manifest, version),
        "readable": reason,
        "compared_with": comparison.other if comparison else None,
        "test_rows": comparison.rows if comparison else None,
        "raised": comparison.raised if comparison else None,
        "lowered": comparison.lowered if comparison else None,
        "gates": registry.judge(comparison) if comparison else [],
        "differences": compared(candidate) if candidate else [],
    }
    return cast(OneVersionAnswer, answer)


def drift_answer(feature: str | None, found: Drift) -> DriftOfAnswer:
    """Return the drift of a field, or of the score, as an answer."""
    return {
        "feature": feature,
        "psi": found.psi,
        "noise": found.noise if found.asked else None,
        "verdict": found.verdict,
        "bins": [
            {
                "low": each.low,
                "trained": each.trained / found.trained,
                "asked": each.asked / found.asked if found.asked else 0.0,
            }
            for each in found.bins
        ],
        "foremost": found.bins.index(found.foremost),
    }


def read_manifest() -> Manifest:
    """Return which versions there are.

    Raises
    ------
    ServiceUnavailable
        If that cannot be read.
    """
    try:
        return served().registry.manifest()
    except (UnreadableArtifact, OSError) as error:
        raise ServiceUnavailable(str(error)) from error


def readable(version: str) -> tuple[Scorecard | None, str | None]:
    """Return a version or, if it cannot be read, why."""
    try:
        return served().registry.load(version), None
    except UnreadableArtifact as error:
        return None, str(error)


def version_answer(manifest: Manifest, version: str) -> VersionAnswer:
    """Return a version as an answer."""
    found = manifest.versions[version]
    return {
        "version": version,
        "url": url_for("oneversion", version=version, model=None),
        "created": found.created.isoformat(),
        "current": version == manifest.current,
        "rows": found.rows,
        "measures": found.measures,
        "passes": registry.passes(found.comparison) if found.comparison else None,
    }


def compared(candidate: Scorecard) -> list[DifferenceAnswer]:
    """Return where a version's points differ most from the current one's."""
    every = registry.differences(served().current.card, candidate)
    return [
        {"feature": each.feature, "value": each.value, "current": each.current, "candidate": each.candidate}
        for each in every[:MOST_DIFFERENCES]
        if each.size
    ]


def change(do: Callable[[Registry], object], version: str) -> None:
    """Change what is registered, and serve accordingly.

    Raises
    ------
    InvalidQuery
        If that cannot be done, with the reason.
    ServiceUnavailable
        If the folder cannot be written.
    """
    versions: Registry = served().registry
    try:
        do(versions)
    except (UnknownVersion, UnreadableArtifact) as error:
        raise InvalidQuery([FieldError("version", shown(version) or None, str(error))], {}, "problem.html") from error
    except OSError as error:
        raise ServiceUnavailable(
            gettext("The folder of versions cannot be written here; nothing was changed.")
        ) from error
    served().take()


def remembered(*cards: Scorecard) -> tuple[list[Record], int]:
    """Return the newest records remembered that all of some versions can score, and how many others there are."""
    wanted = select(Prediction.record).order_by(Prediction.created.desc()).limit(MOST_REMEMBERED)
    records = list(db.session.scalars(wanted))
    known = [record for record in records if all(card.schema.holds(record) for card in cards)]
    return known, len(records) - len(known)
