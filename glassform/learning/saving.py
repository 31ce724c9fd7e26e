"""A model saved as a version: its files, its hash, its self-test."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.pipeline import Pipeline

from glassform.files import written_whole
from glassform.fitted.base import Fitted
from glassform.fitted.pipeline import PIPELINE, Opaque, open_pipeline
from glassform.learning.command import step
from glassform.learning.measures import MEASURES
from glassform.learning.siblings import predictions, side_by_side
from glassform.learning.table import Split, as_records
from glassform.records.schema import Schema
from glassform.settings import ARTIFACTS
from glassform.versions.manifest import Comparison, passes
from glassform.versions.registry import Registry

SELF_TEST_ROWS = 24  # a server checks their answers before it is ready
# Raised when training finds more, or something else, beside the pipeline of a table of points: its paper card, its
# slopes. Training again then makes a new version.
EDITION = 2


def version_of(schema: Schema, pipeline: Pipeline, splits: list[Split], edition: int = 0) -> str:
    """Hash the data and the recipe: the same input gives the same version.

    `edition` is that of what is found beside the pipeline, if anything is.
    """
    recipe = {name: repr(value) for name, value in pipeline.get_params().items()}
    content = [schema.package, recipe, [split.sha256 for split in splits], sklearn.__version__]
    if edition:
        content.append({"edition": edition})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def register(
    draft: Fitted, pipeline: Pipeline, test: Split, registry: Registry, promote: bool | None = None
) -> Fitted:
    """Save a version, compare it with the one that is served and promote it if it passes the gates; return it.

    `promote` decides instead of the gates, which no useless version passes. An existing version and a sibling are
    promoted only on request: training again cannot undo a rollback, and a sibling stands beside the others.
    """
    with step("Saving"), registry.new_folder() as folder:
        sha256 = draft.training["sha256"] | {PIPELINE: save_pipeline(pipeline, folder / PIPELINE)}
        draft = with_facts(draft, folder, sha256=sha256)
        card = with_facts(draft, registry.folder / draft.version, golden=self_test_rows(draft, test))
        card.save(folder)
        served = registry.served()
        comparison = compare_versions(served, draft, test.X, test.y) if served else None
        whole = registry.whole() if card.schema.unused else None
        is_new = registry.add(folder, comparison, side_by_side(whole, draft, test) if whole else None)
    useless = MEASURES[card.schema.task].useless(card.evaluation) or bool(card.schema.unused)
    if promote or (promote is None and not useless and (served is None or (is_new and passes(comparison)))):
        registry.promote(card.version)
    return card


def with_facts(card: Fitted, folder: Path, **facts: Any) -> Fitted:
    """Return a model with more facts about its training; one that asks its pipeline gets the pipeline's folder."""
    place: dict[str, Any] = {"folder": folder} if isinstance(card, Opaque) else {}
    return replace(card, training=card.training | facts, **place)


def compare_versions(current: Fitted, candidate: Fitted, X: pd.DataFrame, y: np.ndarray) -> Comparison | None:
    """Compare two versions on the same test rows; return None if the current one cannot read all of them."""
    schema, records = candidate.schema, as_records(candidate.schema, X)
    if current.schema.task != schema.task or not all(map(current.schema.holds, records)):
        return None
    measures = MEASURES[schema.task](schema)
    try:
        older, newer = (predictions(card, measures, records) for card in (current, candidate))
    except KeyError:
        return None
    theirs, ours = (measures.to_compare(X, y, predicted) for predicted in (older, newer))
    raised, lowered = measures.changed(older, newer)
    return Comparison(
        other=current.version,
        rows=len(y),
        measures={name: (theirs[name], ours[name]) for name in ours},
        raised=raised,
        lowered=lowered,
    )


def self_test_rows(card: Fitted, test: Split) -> list[dict[str, Any]]:
    """Return the typical record and some test rows, each with the sums that the model must always give."""
    drawn = test.X.iloc[np.linspace(0, len(test.X) - 1, num=min(SELF_TEST_ROWS, len(test.X)), dtype=int)]
    asked = [card.typical, *as_records(card.schema, drawn)]
    found = card.all_sums([card.row(record) for record in asked])
    return [{"record": record, "sums": sums} for record, sums in zip(asked, found, strict=True)]


def save_pipeline(pipeline: Pipeline, path: Path) -> str:
    """Write the fitted pipeline atomically with joblib; return the file's SHA-256."""
    with written_whole(path) as unfinished:
        joblib.dump(pipeline, unfinished)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_pipeline(artifacts: Path = ARTIFACTS, version: str | None = None) -> Pipeline:
    """Load the scikit-learn pipeline of a version, or of the current one.

    Raises
    ------
    UnreadableArtifact
        If the file is not the one that was saved: unpickling a foreign file would run its code.
    """
    card = Registry(artifacts).load(version)
    pipeline: Pipeline = open_pipeline(artifacts / card.version, card.training["sha256"][PIPELINE])
    return pipeline
