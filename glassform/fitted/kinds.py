"""The kinds of fitted models, by the name in their file."""

from pathlib import Path

from glassform.fitted.additive import NumberScorecard
from glassform.fitted.base import FILE, Fitted, UnreadableArtifact, read_content
from glassform.fitted.classes import ClassesScorecard
from glassform.fitted.pipeline import Opaque
from glassform.fitted.scorecard import Scorecard

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
