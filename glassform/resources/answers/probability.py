"""The answer for one record, with its arithmetic."""

from collections.abc import Iterable, Set
from types import MappingProxyType
from typing import Any, NotRequired

from flask import request
from typing_extensions import TypedDict

from glassform.fitted.additive import ReasonsAnswer, columns_of_reasons
from glassform.fitted.neighbours import Support
from glassform.fitted.scorecard import Explanation
from glassform.records.field import Record, Value
from glassform.records.messages import InvalidQuery, InvalidRecord
from glassform.records.parsing import may_name
from glassform.records.schema import CLASSES, NUMBER, Schema
from glassform.resources.layers import alike, arithmetic, drawn_with, strongest_twin, what_if
from glassform.web.asked import fitted, schema
from glassform.web.forms import FORM_TYPES
from glassform.web.ledger import MOST_LINES, ON_A_WALL, chips
from glassform.web.openapi import RECORD, RECORD_IN_JSON, in_query, record_in_query
from glassform.web.reading import flat, given_fields, not_one_of, read_record
from glassform.web.resource import Resource

VIEW, BOARD = "view", "board"  # how a page is shown: large, for a wall
REASONS = "reasons"  # how many of the strongest reasons are wanted
NO_VIEW = frozenset[str]()
SAID = (
    "label",
    "probability",
    "probabilities",
    "prediction",
    "log_odds",
)  # columns of its CSV


class ClassesContribution(TypedDict):
    """What the value of one feature, or those of two together, add to the sum of each class."""

    feature: str
    features: NotRequired[list[str]]
    value: Value | list[Value]
    points: dict[str, float]


class NumberContribution(TypedDict):
    """What the value of one feature, or those of two together, add to the predicted number."""

    feature: str
    features: NotRequired[list[str]]
    value: Value | list[Value]
    points: float


class ClassesExplanation(TypedDict):
    """The most probable of several classes, and the arithmetic.

    A class's sum is its intercept plus the points of all contributions, left to right; its probability is e to that
    sum, divided by the total over all classes. Models that are not additive have no contributions.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    sums: NotRequired[dict[str, float]]
    intercept: NotRequired[dict[str, float]]
    contributions: list[ClassesContribution] | None
    record: Record
    interval: None
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


class NumberExplanation(TypedDict):
    """The predicted number and its arithmetic: intercept + points of all contributions, left to right, = prediction.

    95 of 100 outcomes lie within `interval`. Models that are not additive have no contributions.
    """

    prediction: float
    intercept: NotRequired[float]
    contributions: list[NumberContribution] | None
    record: Record
    interval: tuple[float, float]
    support: Support | None
    warnings: list[str]
    model: dict[str, str]
    reasons: NotRequired[ReasonsAnswer]


class Unexplained(TypedDict):
    """A probability from a pipeline, without arithmetic."""

    probability: float
    contributions: None
    record: Record
    interval: None
    support: Support | None
    warnings: list[str]
    model: dict[str, str]


class Probability(Resource):
    """The answer for one record: a probability, a number, or one of several classes."""

    reads_query = True
    lane = "light"

    formats = ("json", "html", "csv")
    templates = MappingProxyType({NUMBER: "answers/number.html", CLASSES: "answers/classes.html"})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return the fields of the record of a GET, how its page is shown, and which reasons are wanted."""
        from glassform.resources.reasons import reasons_in_query

        reasons = reasons_in_query(schema)
        if method != "get":
            return reasons
        view = [] if VIEW in schema.names else [in_query(VIEW, {"enum": [BOARD]}, "The page large, for a wall.")]
        return [*record_in_query(schema), *view, *reasons]

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the bodies that are accepted."""
        return {"application/json": RECORD_IN_JSON, **dict.fromkeys(FORM_TYPES, RECORD)}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return what the page shows beside the answer, and the table for its script."""
        card, dictionary, record = fitted(), schema(), answer["record"]
        from glassform.resources.reasons import shown_with_reasons

        board = VIEW in view_asked()
        why = arithmetic(card, dictionary, answer, ON_A_WALL if board else MOST_LINES)
        return {
            "board": board,
            "has_board": card.is_additive and VIEW not in dictionary.names,
            "chips": chips(dictionary, record, why["lines"]),
            **why,
            **what_if(card, dictionary, answer),
            **drawn_with(card, dictionary),
            **alike(card, answer),
            **strongest_twin(card, dictionary, record),
            **shown_with_reasons(answer),
        }

    def get(self) -> Explanation | NumberExplanation | ClassesExplanation | Unexplained:
        """Return the answer for the record in the query, with every term."""
        options = view_asked()
        if may_name(request.environ["QUERY_STRING"], REASONS):
            from glassform.resources.reasons import with_reasons

            return with_reasons(options)
        try:
            answer: Explanation = fitted().explain(read_record(options))
        except InvalidRecord:
            refuse_options_alone()
            raise
        return answer

    def post(self) -> Explanation | NumberExplanation | ClassesExplanation | Unexplained:
        """Return the same for the record in the body."""
        return self.get()

    def rows(self, answer: Any) -> Iterable[dict[str, Any]]:
        """Return one row: the record, then the answer."""
        said = flat({name: answer[name] for name in SAID if name in answer})
        return [{**answer["record"], **said, **(in_columns(answer[REASONS]) if REASONS in answer else {})}]


def refuse_options_alone() -> None:
    """Refuse what goes with reasons only, in an address that asks for none.

    Raises
    ------
    InvalidQuery
        With every such parameter that is no field.
    """
    from glassform.resources.reasons import read_reasons

    read_reasons(given_fields())


def in_columns(reasons: ReasonsAnswer) -> dict[str, Any]:
    """Return reasons as cells of a row: as many codes as were asked for, and how many are of protected fields."""
    codes = [each["code"] for each in reasons["listed"]]
    codes += [""] * (reasons["count"] - len(codes))
    protected = sum(each["protected"] for each in reasons["listed"])
    return dict(zip(columns_of_reasons(reasons["count"]), [*codes, protected], strict=True))


def view_asked() -> Set[str]:
    """Return the query parameter that says how the page is shown, if it is there and no field has its name.

    Raises
    ------
    InvalidQuery
        If there is no such view.
    """
    if not may_name(request.environ["QUERY_STRING"], VIEW) or VIEW in schema().names:
        return NO_VIEW
    given = request.args.getlist(VIEW)
    if given and given != [BOARD]:
        raise InvalidQuery([not_one_of(VIEW, ", ".join(given), [BOARD])], {})
    return {VIEW}
