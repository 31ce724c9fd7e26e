"""A model that is not additive: its scikit-learn pipeline answers."""

import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as member
from functools import cached_property
from pathlib import Path
from typing import Any

from glassform.files import reason_of
from glassform.fitted.base import FILE, Fitted, Row, UnreadableArtifact
from glassform.fitted.target import Sums
from glassform.languages import gettext
from glassform.records.field import NOT_KNOWN, Record, Value
from glassform.records.schema import BINARY, NUMBER

PIPELINE = "pipeline.joblib"
STEPS = 40  # of a drawing of a number with more values
FLOOR = 1e-12  # the smallest probability taken from a pipeline, so that it has a logarithm


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
        return [{} for _ in self.used]

    def terms_of(self, record: Record) -> list[None]:
        """Return that no feature has a term of its own."""
        return [None] * len(self.used)

    def all_sums(self, rows: Sequence[Row]) -> Sequence[Sums]:
        """Return what the pipeline gives to each of many records, as log-odds or logarithms of probabilities."""
        if not rows:
            return []
        columns = dict(zip(self.schema.by_name, zip(*(row.values for row in rows), strict=True), strict=True))
        columns = {name: columns[name] for name in self.used}
        for field in self.schema.used:
            if field.observed:
                columns[field.name] = tuple(map(field.within_reach, columns[field.name]))
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
        """Return that there is none."""
        return {"contributions": None}

    def warnings(self, record: Record, support: Any) -> list[str]:
        """Also warn that the answer is not explained exactly."""
        not_explained = gettext("No exact explanation: this model does not add up one term per field.")
        return [*super().warnings(record, support), not_explained]

    def written(self) -> dict[str, Any]:
        """Return what its file holds."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}


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
        # only a process that asks a pipeline needs joblib
        import joblib

        return joblib.load(io.BytesIO(content))
    except (OSError, ImportError) as error:
        raise UnreadableArtifact(f"{PIPELINE} cannot be opened here: {reason_of(error)}") from error
