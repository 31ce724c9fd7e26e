"""The tables there are, each with a form and an API of its own."""

from typing_extensions import TypedDict

from languages import language
from representations import Resource
from serving import Model, address_of, tables


class TableAnswer(TypedDict):
    """A table: what it asks, how many rows it learned from, and where its form is."""

    name: str
    title: str
    question: str
    description: str
    rows: int
    fields: int
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


def described(name: str, model: Model) -> TableAnswer:
    """Return what there is to say of a table."""
    card, dictionary = model.card, model.schemas[language()]
    return {
        "name": name,
        "title": dictionary.package["title"],
        "question": dictionary.own["question"],
        "description": dictionary.package["description"],
        "rows": card.training["rows"],
        "fields": len(dictionary.fields),
        "model": card.model,
        "url": address_of(name),
    }
