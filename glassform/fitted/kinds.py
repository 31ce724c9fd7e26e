"""The kinds of fitted models beside the scorecard of two classes: of a number, of several classes, and pipelines."""

import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as member
from functools import cached_property
from pathlib import Path
from typing import Any

from glassform.fitted.base import FILE, Fitted, Row, UnreadableArtifact, read_content
from glassform.fitted.scorecard import Additive, Points, Scorecard, points_of, summed
from glassform.fitted.target import Sums
from glassform.languages import gettext
from glassform.records.schema import BINARY, NOT_KNOWN, NUMBER, Record, Value

PIPELINE = "pipeline.joblib"
STEPS = 40  # of a drawing, along a number that has more values
FLOOR = 1e-12  # the least probability that a pipeline is taken to give, so that it has a logarithm


@dataclass(frozen=True)
class NumberScorecard(Additive):
    """An additive model of a number; its points are in the number's unit."""

    kind = "number"
    term = "points"

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the number and, if wanted, every term."""
        return [*self.target.columns, *(self.term_columns if explain else [])]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        return [sums, self.intercept, *row.terms] if explain else [sums]

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the intercept and every term."""
        return {"intercept": self.intercept, "contributions": self.contributions(row)}


@dataclass(frozen=True)
class OneTable:
    """The table of points of one class."""

    intercept: float
    points: dict[str, Points]


@dataclass(frozen=True)
class ClassesScorecard(Fitted):
    """An additive model of several classes: a table of points for each, and the highest sum wins.

    A class's probability is e to its sum, divided by the total of that over all classes (softmax).
    """

    tables: dict[str, OneTable]

    kind = "classes"

    @cached_property
    def intercepts(self) -> tuple[float, ...]:
        """The intercept of every class."""
        return tuple(table.intercept for table in self.tables.values())

    @cached_property
    def points(self) -> dict[str, list[Points]]:
        """By feature, the points for every class."""
        return {name: [table.points[name] for table in self.tables.values()] for name in self.schema.by_name}

    @cached_property
    def lookups(self) -> list[Mapping[Value, Any]]:
        """By feature, the points of every value that can be looked up, for every class."""
        return [
            {} if several[0].linear else {value: self.at(name, value) for value in several[0].levels}
            for name, several in self.points.items()
        ]

    def at(self, name: str, value: Value) -> tuple[float, ...]:
        """Return the points of a feature's value for every class."""
        return tuple(points.at(value) for points in self.points[name])

    def terms_of(self, record: Record) -> list[tuple[float, ...]]:
        """Return the points of every feature of a record, for every class."""
        return [self.at(name, record[name]) for name in self.points]

    def added(self, terms: Sequence[Sequence[float]]) -> list[float]:
        """Return the sum of every class, from its intercept on."""
        return [summed(*each) for each in zip(self.intercepts, zip(*terms, strict=True), strict=True)]

    def all_sums(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the sums of each of many records."""
        return [self.added(row.terms) for row in rows]

    def grid(self, name: str) -> Sequence[Value]:
        """Return all values whose points any of the tables holds."""
        if not self.points[name][0].linear:
            return self.points[name][0].values
        return sorted({value for points in self.points[name] for value in points.values})

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: class, probabilities and, if wanted, every term."""
        names = ("intercept", *(f"points_{name}" for name in self.points)) if explain else ()
        return [*self.target.columns, *(f"{name}_{label}" for label in self.tables for name in names)]

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        terms = zip(self.intercepts, *row.terms, strict=True) if explain else ()
        return [*self.target.cells(sums), *(term for of_class in terms for term in of_class)]

    def by_class(self, numbers: Sequence[float]) -> dict[str, float]:
        """Return one number per class with the class's name."""
        return dict(zip(self.tables, numbers, strict=True))

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the sums with every term, for every class."""
        terms = zip(self.points, row.values, row.terms, strict=True)
        return {
            "sums": self.by_class(sums),
            "intercept": self.by_class(self.intercepts),
            "contributions": [
                {"feature": name, "value": value, "points": self.by_class(each)} for name, value, each in terms
            ],
        }

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        tables = {
            label: OneTable(given["intercept"], points_of(given["points"]))
            for label, given in content["tables"].items()
        }
        return content | {"tables": tables}


@dataclass(frozen=True)
class Opaque(Fitted):
    """A model that is no table of points: its scikit-learn pipeline is asked, which is slower and explains nothing.

    `folder` is where the pipeline's file lies; it is opened when it is first needed, and only if its SHA-256 is that
    in `training`.
    """

    folder: Path | None = member(default=None, compare=False)

    kind = "pipeline"
    is_additive = False

    @cached_property
    def pipeline(self) -> Any:
        """The fitted pipeline.

        Raises
        ------
        UnreadableArtifact
            If it cannot be opened here.
        """
        assert self.folder is not None
        return open_pipeline(self.folder, self.training["sha256"][PIPELINE])

    @property
    def lookups(self) -> list[Mapping[Value, Any]]:
        """By feature, nothing: no value has a term of its own."""
        return [{} for _ in self.schema.fields]

    def terms_of(self, record: Record) -> list[None]:
        """Return that no feature has a term of its own."""
        return [None] * len(self.schema.fields)

    def all_sums(self, rows: Sequence[Row]) -> Sequence[Sums]:
        """Return what the pipeline gives to each of many records, as log-odds or logarithms of probabilities."""
        if not rows:
            return []
        columns = dict(zip(self.schema.by_name, zip(*(row.values for row in rows), strict=True), strict=True))
        for field in self.schema.fields:
            if field.has_gaps:
                columns[field.name] = tuple(math.nan if each == NOT_KNOWN else each for each in columns[field.name])
        import pandas as pd  # as a pipeline takes them

        X = pd.DataFrame(columns)
        if self.schema.task == NUMBER:
            return self.pipeline.predict(X).tolist()  # type: ignore[no-any-return]
        return logarithms(self.pipeline.predict_proba(X).tolist(), self.schema.task)

    def grid(self, name: str) -> Sequence[Value]:
        """Return all values of a feature, or some evenly spaced, if there are many."""
        field = self.schema.by_name[name]
        if field.values and len(field.values) <= 2 * STEPS:
            return field.values
        low, high = field.bounds
        steps = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
        return sorted({round(step) for step in steps}) if field.type == "integer" else steps

    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the answer alone."""
        return self.target.columns

    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""
        return self.target.cells(sums)

    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return that there is none to be shown."""
        return {"contributions": None}

    def warnings(self, support: Any) -> list[str]:
        """Say that the answer is not explained."""
        not_explained = gettext(
            "Not explained exactly: this model is no sum of one term per field. Its pipeline was asked as a whole."
        )
        return [*super().warnings(support), not_explained]

    def written(self) -> dict[str, Any]:
        """Return what its file holds."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}


KINDS: dict[str, type[Fitted]] = {each.kind: each for each in (Scorecard, NumberScorecard, ClassesScorecard, Opaque)}


def parse(text: bytes, folder: Path) -> Fitted:
    """Read the content of a model's file, whatever its kind; `folder` is where it lies.

    Raises
    ------
    UnreadableArtifact
        If it is damaged or of another format.
    """
    content = read_content(text)
    kind = content.get("kind")
    if kind not in KINDS:
        raise UnreadableArtifact(f"{FILE} is damaged: {kind} is no kind of model")
    return KINDS[kind].of(content | ({"folder": folder} if kind == Opaque.kind else {}))


def logarithms(probabilities: list[list[float]], task: str) -> list[Any]:
    """Return probabilities of classes as log-odds of the second of two, or as their logarithms."""
    logs = [[math.log(max(each, FLOOR)) for each in row] for row in probabilities]
    return [log[1] - log[0] for log in logs] if task == BINARY else logs


def open_pipeline(folder: Path, sha256: str) -> Any:
    """Open a pipeline's file, if it is the one it should be: unpickling a stranger's file would run it.

    Raises
    ------
    UnreadableArtifact
        If it is not, or is not there, or what it is made of is not installed.
    """
    try:
        content = (folder / PIPELINE).read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise UnreadableArtifact(f"{PIPELINE} is not the file its {FILE} was made with; train again")
        # what loads a pipeline, and all it is made of, is needed where one is asked, and by nobody else
        import joblib

        return joblib.load(io.BytesIO(content))
    except (OSError, ImportError) as error:
        raise UnreadableArtifact(f"{PIPELINE} cannot be opened here: {error}") from error
