"""The tables there are, each with a form and an API of its own."""

from typing_extensions import TypedDict

from glassform.fitted.base import Fitted
from glassform.languages import current
from glassform.web.asked import address_of, tables
from glassform.web.resource import Resource


class TableAnswer(TypedDict):
    """A table: its question, the size of its training data, its model and its address.

    An additive model is a table of points and explains its answers exactly.
    """

    name: str
    title: str
    question: str
    description: str
    rows: int
    fields: int
    estimator: str
    additive: bool
    model: dict[str, str]
    url: str


class TablesAnswer(TypedDict):
    """All tables, the default one first."""

    tables: list[TableAnswer]


class Tables(Resource):
    """The tables that are served here."""

    def get(self) -> TablesAnswer:
        """Return every table with its question and its address."""
        tables().look()
        return {"tables": [described(name, table.current) for name, table in tables()]}


def described(name: str, card: Fitted) -> TableAnswer:
    """Describe a table."""
    dictionary = card.schemas[current()]
    return {
        "name": name,
        "title": dictionary.package["title"],
        "question": dictionary.own["question"],
        "description": dictionary.package["description"],
        "rows": card.training["rows"],
        "fields": len(dictionary.fields),
        "estimator": dictionary.own["estimator"],
        "additive": card.is_additive,
        "model": card.model,
        "url": address_of(name),
    }
