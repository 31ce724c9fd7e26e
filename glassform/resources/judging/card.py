"""The model card: purpose, data, quality, and quality by group."""

import re
from functools import partial
from types import MappingProxyType
from typing import Any, NotRequired, cast

from flask import url_for
from typing_extensions import TypedDict

from glassform.analysis.intervals import FEWEST_ROWS, SMALLEST_GROUP, presentable
from glassform.analysis.thresholds import FEW, Rate, RateAnswer, by_threshold, compare_groups, decide, histogram
from glassform.analysis.verdict import (
    beside_an_opaque_model,
    beside_straight_lines,
    compared,
    goodness,
    unequal,
)
from glassform.fitted.base import Fitted
from glassform.records.field import Field
from glassform.records.messages import say, shown
from glassform.records.schema import BINARY, CLASSES, NUMBER, Schema
from glassform.resources.judging import markdown_card
from glassform.versions.manifest import MeanAnswer, Version
from glassform.web.asked import fitted, schema, served
from glassform.web.linked import table_as_linked_data
from glassform.web.openapi import in_query
from glassform.web.reading import read_options
from glassform.web.resource import Resource

COUNTED = {"groups", "true_positives", "false_positives"}  # shown in another form
INNER = {"groups", "golden", "distribution", "slopes"}  # parts of the training facts that only the server needs
DEFAULTS = {"threshold": "0.5", "false_positive_cost": "1", "false_negative_cost": "1"}
COST = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?|1000000(\.00?)?")
RULES = {
    "threshold": (re.compile(r"0|1|0?\.[0-9]{1,2}|1\.00?"), 1.0),
    "false_positive_cost": (COST, 1e6),
    "false_negative_cost": (COST, 1e6),
}
MEANING = {
    "threshold": "The probability from which on the model is taken to say yes.",
    "false_positive_cost": "What one wrong yes costs.",
    "false_negative_cost": "What one wrong no costs.",
}


class Origin(TypedDict):
    """The data's origin."""

    title: str
    description: str
    sources: list[dict[str, str]]
    licenses: list[dict[str, str]]
    duplicates: int | None
    overlap: int | None


class CardData(Origin):
    """The data's origin, and the share of positives in training and test rows."""

    train: RateAnswer
    test: RateAnswer


class OtherData(Origin):
    """The data's origin, and the number of training and test rows."""

    train_rows: int
    test_rows: int


class LeftOut(TypedDict):
    """A field that a version does not use."""

    feature: str
    title: str


class ScoreBeside(TypedDict):
    """A score of the version with all fields and of the sibling, their difference and its 95% interval."""

    whole: float
    sibling: float
    difference: float
    interval: tuple[float, float] | None


class GroupBeside(TypedDict):
    """The mean answers of both for the test rows of one category."""

    category: str
    title: str
    rows: int
    whole: MeanAnswer
    sibling: MeanAnswer


class SiblingAnswer(TypedDict):
    """A version of the same recipe without some fields, and how it answers beside this one."""

    version: str
    url: str
    without: list[LeftOut]
    measures: dict[str, ScoreBeside]


class BesideAnswer(SiblingAnswer):
    """The version with all fields beside a sibling, on the same test rows; `groups` holds mean answers by field."""

    rows: int
    groups: dict[str, list[GroupBeside]]


class EveryCard(TypedDict):
    """What every card holds; the card of a sibling has the version with all fields `beside` it."""

    model: dict[str, str]
    question: str
    purpose: NotRequired[str]
    misuse: NotRequired[str]
    limits: NotRequired[list[str]]
    references: NotRequired[list[dict[str, str]]]
    outcomes: list[str]
    features: list[dict[str, Any]]
    evaluation: dict[str, Any]
    groups: dict[str, Any]
    training: dict[str, Any]
    siblings: list[SiblingAnswer]
    beside: NotRequired[BesideAnswer]


class OtherCardAnswer(EveryCard):
    """The card of a model of a number or of several classes; `groups` holds the evaluation of every group."""

    estimator: str
    additive: bool
    data: OtherData


class CardAnswer(EveryCard):
    """The model card."""

    small_group: int
    data: CardData
    histogram: list[dict[str, float]]
    thresholds: list[dict[str, float | None]]
    decision: dict[str, Any]


class Card(Resource):
    """The model card."""

    formats = ("json", "html", "md")
    reads_query = True
    templates = MappingProxyType({NUMBER: "judging/card_number.html", CLASSES: "judging/card_classes.html"})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the threshold and the costs of the errors."""
        rules = {name: {"type": "string", "pattern": f"^({rule.pattern})$"} for name, (rule, _) in RULES.items()}
        return [in_query(name, rule | {"default": DEFAULTS[name]}, MEANING[name]) for name, rule in rules.items()]

    def get(self) -> CardAnswer | OtherCardAnswer:
        """Return purpose, data, features, evaluation, and the effect of the query's threshold and costs."""
        card, settings, dictionary = fitted(), read_settings(), schema()
        around = siblings_around(card, dictionary)
        if dictionary.task != BINARY:
            return cast(OtherCardAnswer, other_card(card, dictionary) | around)
        evaluation = presentable(card.evaluation)
        answer: Any = {
            "model": card.model,
            "question": dictionary.own["question"],
            **dictionary.own.get("card", {}),
            "outcomes": outcomes(dictionary),
            "small_group": FEW,
            "data": describe_data(card, dictionary.package),
            "features": [describe(field) for field in dictionary.used],
            "evaluation": {name: value for name, value in evaluation.items() if name not in COUNTED},
            "histogram": histogram(evaluation),
            "thresholds": by_threshold(evaluation, **settings),
            "decision": {**settings, **decide(evaluation, **settings)},
            "groups": {field.name: compare_groups(field, card, settings["threshold"]) for field in dictionary.groups},
            "training": {name: value for name, value in card.training.items() if name not in INNER},
            **around,
        }
        return cast(CardAnswer, answer)

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what the page says first, and from how many rows on it says anything."""
        dictionary, evaluation = schema(), answer["evaluation"]
        return {
            "beside_others": beside_others(fitted()),
            "goodness": goodness(dictionary.task, evaluation),
            "accuracy": "accuracy" in evaluation and compared("accuracy", evaluation, True),
            "error": "mae" in evaluation and compared("mae", evaluation, False),
            "unequal": unequal(dictionary, answer["groups"]),
            "fewest_rows": FEWEST_ROWS,
            "smallest_group": SMALLEST_GROUP,
            "linked": table_as_linked_data(),
        }

    def written(self, answer: Any) -> str:
        """Return the card as Markdown."""
        return markdown_card.written(answer, beside_others(fitted()))


def beside_others(card: Fitted) -> list[str]:
    """Return how the model does beside an opaque one and beside straight lines, a sentence each."""
    rivals = card.evaluation.get("rivals")
    return [beside_an_opaque_model(rivals), beside_straight_lines(rivals)] if rivals else []


def other_card(card: Fitted, dictionary: Schema) -> OtherCardAnswer:
    """Return the card of a model of numbers or several classes, which has no threshold."""
    evaluation = presentable(card.evaluation)
    answer: Any = {
        "model": card.model,
        "question": dictionary.own["question"],
        **dictionary.own.get("card", {}),
        "outcomes": [*dictionary.target.categories.values()],
        "estimator": dictionary.own["estimator"],
        "additive": card.is_additive,
        "data": {
            **origin(card, dictionary.package),
            "train_rows": card.training["rows"],
            "test_rows": evaluation["rows"],
        },
        "features": [describe(field) for field in dictionary.used],
        "evaluation": {name: value for name, value in evaluation.items() if name != "groups"},
        "groups": {
            name: {category: presentable(measured) for category, measured in groups.items()}
            for name, groups in evaluation["groups"].items()
        },
        "training": {name: value for name, value in card.training.items() if name not in INNER},
    }
    return cast(OtherCardAnswer, answer)


def siblings_around(card: Fitted, dictionary: Schema) -> dict[str, Any]:
    """Return the siblings of a version with all fields; of a sibling, that version beside it."""
    manifest = served().manifest
    here = manifest.versions.get(card.version)
    if here is None or not here.without:
        others = manifest.siblings if here else {}
        return {"siblings": [sibling(each, version, dictionary) for version, each in others.items()]}
    if here.beside is None:
        return {"siblings": []}
    found = sibling(here, here.beside.other, dictionary)
    groups = {
        name: [group_beside(dictionary.by_name[name], category, *means) for category, means in measured.items()]
        for name, measured in here.beside.means.items()
        if name in dictionary.by_name
    }
    return {"siblings": [], "beside": {**found, "rows": here.beside.rows, "groups": groups}}


def sibling(registered: Version, version: str, dictionary: Schema) -> SiblingAnswer:
    """Return the fields that a sibling does not use and its scores, with a version and its address."""
    is_current, named = version == served().current.version, dictionary.by_name
    return {
        "version": version,
        "url": url_for("card", model=None if is_current else version),
        "without": [
            {"feature": name, "title": named[name].title if name in named else name} for name in registered.without
        ],
        "measures": {
            name: each.told  # type: ignore[misc]
            for name, each in (registered.beside.measures if registered.beside else {}).items()
        },
    }


def group_beside(field: Field, category: str, rows: int, whole: MeanAnswer, other: MeanAnswer) -> GroupBeside:
    """Return the mean answers for one category with its title."""
    return {"category": category, "title": field.title_of(category), "rows": rows, "whole": whole, "sibling": other}


def origin(card: Fitted, package: dict[str, Any]) -> dict[str, Any]:
    """Return the data's origin and the number of duplicate rows."""
    return {
        "title": package["title"],
        "description": package["description"],
        "sources": package["sources"],
        "licenses": package["licenses"],
        "duplicates": card.training["duplicates"],
        "overlap": card.training["overlap"],
    }


def read_settings() -> dict[str, float]:
    """Read the threshold and the cost of each kind of error from the query.

    Raises
    ------
    InvalidQuery
        With every error of all three.
    """
    readers = {name: partial(read_number, *rule) for name, rule in RULES.items()}
    return {name: float(text) for name, text in DEFAULTS.items()} | read_options(readers)


def read_number(pattern: re.Pattern[str], most: float, text: str) -> float:
    """Read a number with few digits.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not pattern.fullmatch(text):
        raise ValueError(say("setting", value=shown(text) or "''", most=f"{most:,.0f}"))
    return float(text)


def describe_data(card: Fitted, package: dict[str, Any]) -> CardData:
    """Return the data's origin and the share of positives in training and test rows."""
    training, evaluation = card.training, card.evaluation
    return {
        **origin(card, package),  # type: ignore[typeddict-item]
        "train": Rate(training["positives"], training["rows"]).as_dict(),
        "test": Rate(evaluation["positives"], evaluation["rows"]).as_dict(),
    }


def outcomes(dictionary: Schema) -> list[str]:
    """Return the titles of the outcomes, the positive one last."""
    return [dictionary.target.title_of(value) for value in dictionary.classes]


def describe(field: Field) -> dict[str, Any]:
    """Return a feature as the data dictionary has it."""
    values: dict[str, Any] = {"minimum": field.minimum, "maximum": field.maximum}
    if field.observed:
        values["observed"] = {"minimum": field.observed[0], "maximum": field.observed[1]}
    if field.categories:
        values = {"categories": field.categories}
    return {
        "feature": field.name,
        "title": field.title,
        "description": field.description,
        "unit": field.unit,
        **values,
    }
