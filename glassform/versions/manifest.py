"""The registry's entries, and the gates a new version must pass."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from glassform.languages import gettext
from glassform.records.messages import shown

# spelled out: pydantic would take \w for the letters of all languages, which takes it 18 ms and 6 MB to prepare
PLAIN_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
Name = Annotated[str, Field(pattern=f"^{PLAIN_VERSION.pattern}$")]


class UnknownVersion(ValueError):
    """An unknown version."""


class InUse(ValueError):
    """The version is being served, or there is no other to go back to."""


class Comparison(BaseModel, extra="forbid"):
    """A version compared with the one current at its training, on the same test rows.

    `measures` holds the older one's and its own; `raised` and `lowered` count rows, of `rows`, that cross 0.5.
    """

    other: Name
    rows: int
    measures: dict[str, tuple[float, float]]
    raised: int
    lowered: int


class Paired(BaseModel, extra="forbid"):
    """A score of the version with all fields and of its sibling, and the 95% interval of the difference."""

    whole: float
    sibling: float
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """How much larger the sibling's is."""
        return self.sibling - self.whole

    @property
    def told(self) -> dict[str, Any]:
        """All of it, as an answer tells it."""
        return {"difference": self.difference, **self.model_dump()}


MeanAnswer = float | dict[str, float]  # a probability, a number, or the probability of every class


class Beside(BaseModel, extra="forbid"):
    """A sibling beside the version with all fields, on the same test rows.

    `means` holds, by field and category, the number of rows and both mean answers, the sibling's last.
    """

    other: Name
    rows: int
    measures: dict[str, Paired]
    means: dict[str, dict[str, tuple[int, MeanAnswer, MeanAnswer]]]


class Version(BaseModel, extra="forbid"):
    """One version: its date, the SHA-256 of its scorecard (which has that of its pipeline), its measures.

    A sibling is fitted `without` some fields; `beside` compares it with the version that has them all.
    """

    created: datetime
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rows: int
    measures: dict[str, float]
    comparison: Comparison | None = None
    without: list[str] = []
    beside: Beside | None = None


class Event(BaseModel, extra="forbid"):
    """A promotion or rollback."""

    version: Name
    at: datetime
    how: Literal["promoted", "rolled back"]
    by: str


class Manifest(BaseModel, extra="forbid"):
    """The content of `registry.json`, oldest first."""

    format: Literal[1] = 1
    versions: dict[Name, Version] = {}
    events: list[Event] = []

    @property
    def line(self) -> list[str]:
        """The versions that were current, in order; the last one is."""
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
    def siblings(self) -> dict[str, Version]:
        """The newest sibling for each set of fields left out, by version."""
        newest = {frozenset(each.without): version for version, each in self.versions.items() if each.without}
        return {version: self.versions[version] for version in newest.values()}

    @property
    def previous(self) -> str | None:
        """The version to go back to."""
        return next(reversed(self.line[:-1]), None)


@dataclass(frozen=True)
class Gate:
    """How much worse than the current version a new one may be and still be promoted."""

    measure: str
    most: float
    higher_is_better: bool = False

    def loss(self, older: float, newer: float) -> float:
        """Return the newer one's loss; negative if it is better."""
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
    """A measure of the current version and this one, and the allowed loss."""

    measure: str
    current: float
    candidate: float
    allowed_loss: float
    passed: bool


def judge(comparison: Comparison) -> list[GateAnswer]:
    """Return each gate with both measures, the allowed loss and the result."""
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
    """Tell whether a version passes every gate; without a comparison it does not."""
    return comparison is not None and all(gate["passed"] for gate in judge(comparison))


def known(manifest: Manifest, version: str) -> Version:
    """Return a version's entry.

    Raises
    ------
    UnknownVersion
        If there is no such version.
    """
    if not manifest.versions:
        raise UnknownVersion(
            gettext("There is no version %(version)s: no model is trained yet.", version=shown(version))
        )
    if version not in manifest.versions:
        there = ", ".join(manifest.versions)
        raise UnknownVersion(
            gettext("There is no version %(version)s here; there is %(known)s.", version=shown(version), known=there)
        )
    return manifest.versions[version]
