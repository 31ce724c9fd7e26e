"""What a tool takes and gives as JSON Schemas, and what a table is good for in words; all from its data package."""

from typing import Any

from glassform.analysis.verdict import ALIKE, BETTER, WORSE, goodness
from glassform.fitted.base import Fitted
from glassform.records.schema import BINARY, CLASSES, JSON_SCHEMA, NUMBER, Schema

Described = dict[str, Any]
TEXT: Described = {"type": "string"}
TEXTS: Described = {"type": "array", "items": TEXT}
SHARE: Described = {"type": "number", "minimum": 0, "maximum": 1}
LEFT_OUT = {"x-aliases", "x-titles", "title"}  # of a field: an assistant reads every word, and needs none of these
SCORES = {  # by kind of target, the scores to name, and how many decimals they have
    BINARY: {"roc_auc": "ROC AUC", "brier_score": "Brier score"},
    CLASSES: {"accuracy": "accuracy", "brier_score": "Brier score"},
    NUMBER: {"r2": "R²", "mae": "mean absolute error"},
}
VERDICTS = {
    BETTER: "better than the same answer for all",
    ALIKE: "hardly better than the same answer for all",
    WORSE: "worse than the same answer for all",
}


def object_of(properties: Described, required: list[str] | None = None, is_open: bool = False) -> Described:
    """Return the schema of an object; without a list, all its members are required."""
    described = {"type": "object", "properties": properties, "required": required or [*properties]}
    return described if is_open else described | {"additionalProperties": False}


def whole(described: Described) -> Described:
    """Return a schema that stands alone."""
    return {"$schema": JSON_SCHEMA, **described}


def record(card: Fitted) -> Described:
    """Return the schema of a record, with an example."""
    described = card.schema.strict.model_json_schema()
    fields = {
        name: {key: value for key, value in each.items() if key not in LEFT_OUT}
        for name, each in described["properties"].items()
    }
    kept = {key: value for key, value in described.items() if key != "title"}
    return kept | {"properties": fields, "examples": [card.typical]}


def canonical(card: Fitted) -> Described:
    """Return the schema of a record as answers repeat it: each value as the data package has it."""
    return object_of({name: {"type": ["number", "string"]} for name in card.schema.by_name})


def field(card: Fitted, described: str) -> Described:
    """Return the schema of the name of a field that the model uses."""
    return {"type": "string", "enum": [*card.used], "description": described}


def members(schema: Schema) -> Described:
    """Return the schemas of the first members of an answer: a probability, a number, or a class."""
    target, title = schema.target, schema.target.title
    if schema.task == NUMBER:
        unit = f", in {target.unit}" if target.unit else ""
        return {"prediction": {"type": "number", "description": f"The predicted number: {title}{unit}."}}
    if schema.task == BINARY:
        positive = f"{title}: {target.title_of(schema.classes[-1])}"
        return {"probability": SHARE | {"description": f"The model's probability of this: {positive}."}}
    return {
        "label": {"enum": [*schema.classes], "description": f"The most probable class of {title}."},
        "probability": SHARE | {"description": "The probability of that class."},
        "probabilities": object_of(dict.fromkeys(schema.classes, SHARE)) | {"description": "That of every class."},
    }


def around(card: Fitted) -> Described:
    """Return the schemas of what goes with an answer: its interval, its warnings, its model."""
    ends = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    said = "95 of 100 outcomes lie in it" if card.schema.task == NUMBER else "the 95% interval of the probability"
    return {
        "interval": {"anyOf": [ends, {"type": "null"}], "description": f"Lower and upper end; {said}. May be null."},
        "warnings": TEXTS | {"description": "Why the model knows little about this record; tell the user."},
        "model": model(),
    }


def model() -> Described:
    """Return the schema of the name and version of a model."""
    return object_of({"name": TEXT, "version": TEXT})


def arithmetic(card: Fitted) -> Described:
    """Return the schemas of the members that explain an answer."""
    described = "By field and pair of fields, what it adds. The intercept and all of them, added up, give the answer."
    if not card.is_additive:
        described = "Null: this model is no sum of terms, so its answers have no exact arithmetic."
    return {
        "contributions": {"type": ["array", "null"], "items": {"type": "object"}, "description": described},
        "record": canonical(card),
        "support": {"type": ["object", "null"], "description": "How many training rows are like this record."},
    }


def limits(card: Fitted) -> str:
    """Say what a model was trained on, what it must not be used for, and how good it is on test rows."""
    own, schema = card.schema.own, card.schema
    misuse = own.get("card", {}).get("misuse")
    return " ".join(
        [
            f"Question: {own['question']}",
            own["note"],
            *([f"Not for this: {misuse}"] if misuse else []),
            quality(schema.task, card.evaluation),
        ]
    )


def quality(task: str, evaluation: dict[str, Any]) -> str:
    """Say in one sentence how good a model is on its test rows."""
    scores = {title: evaluation.get(name) for name, title in SCORES[task].items()}
    told = [f"{title} {score:.4g}" for title, score in scores.items() if score is not None]
    verdict = VERDICTS.get(goodness(task, evaluation), "too few rows to say more")
    return f"On {evaluation['rows']:,} test rows: {', '.join([*told, verdict])}."
