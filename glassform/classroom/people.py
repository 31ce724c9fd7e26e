"""The people a class guesses: rows of the test split, which the model has not learned from."""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakKeyDictionary

from glassform.fitted.base import Fitted
from glassform.records.field import Record
from glassform.records.headers import fields_of
from glassform.records.messages import InvalidRecord
from glassform.records.schema import Schema
from glassform.records.values import in_cell
from glassform.settings import ADDED, PACKAGE
from glassform.tables.opening import open_file
from glassform.versions.registry import default_name

MOST_READ = 4_000  # test rows that people are drawn from


class NoPeople(Exception):
    """The table's test rows are not here, or too few."""


@dataclass(frozen=True, eq=False)  # there is one for each version
class People:
    """Test rows in an order of their own: their records, how each turned out (1 is positive), what the model answers.

    `brier` is the model's Brier score on the whole test split, `rate` the share of positives there.
    """

    records: list[Record]
    truths: list[int]
    answers: list[float]
    brier: float
    rate: float

    def loss(self, place: int) -> float:
        """Return the model's squared error for one of them."""
        return (self.answers[place] - self.truths[place]) ** 2


def read_people(card: Fitted) -> People:
    """Return the people of a version's table, read once.

    Raises
    ------
    NoPeople
        If its test rows are not on this machine.
    """
    if card.schema not in READ:
        READ[card.schema] = read_rows(card)
    return READ[card.schema]


# One for each model, for as long as it is served: it takes some tenths of a second.
READ: WeakKeyDictionary[Schema, People] = WeakKeyDictionary()


def read_rows(card: Fitted) -> People:
    """Read a table's test rows; of many, some thousands at random, the same ones every time."""
    schema = card.schema
    about = next((each for each in schema.package["resources"] if each["name"] == schema.own.get("test")), None)
    folder = folder_of(schema.name)
    if about is None or folder is None or not (folder / about["path"]).is_file():
        raise NoPeople(schema.name)
    with open_file(folder / about["path"], about.get("encoding")) as table:
        columns, comma = table.columns, table.decimal_comma
        rows = list(table.checked_rows())
    if schema.target.column not in columns:
        raise NoPeople(schema.name)
    outcome, names = columns.index(schema.target.column), fields_of(columns, schema)
    random.Random(0).shuffle(rows)
    records, truths = list[Record](), list[int]()
    for cells in rows[:MOST_READ]:
        given = [
            (name, in_cell(schema.by_name[name], cell, comma))
            for name, cell in zip(names, cells, strict=True)
            if name in schema.by_name
        ]
        label = cells[outcome].strip()
        try:
            record = schema.read_fields(given, hints=False, brief=True)
        except InvalidRecord:
            continue
        if label in schema.classes:
            records.append(record)
            truths.append(schema.classes.index(label))
    if len({*truths}) < 2:
        raise NoPeople(schema.name)
    answers = [card.target.score(sums) for sums in card.all_sums([card.row(record) for record in records])]
    return People(records, truths, [float(each) for each in answers], *scores_of(card))


def scores_of(card: Fitted) -> tuple[float, float]:
    """Return the Brier score and the share of positives on the test split, as measured at training."""
    measured = card.evaluation
    return float(measured["brier_score"]), measured["positives"] / measured["rows"]


@lru_cache
def folder_of(name: str) -> Path | None:
    """Return the folder of a table's description and files, if it is on this machine."""
    if name == default_name():
        return PACKAGE.parent
    folders = (folder / name for folder in (ADDED, PACKAGE.parent))
    return next((folder for folder in folders if (folder / PACKAGE.name).is_file()), None)
