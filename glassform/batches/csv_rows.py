"""Rows of a table in a file."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from glassform.batches.batch import NO_ERRORS, InvalidBatch, Row, RowError, checked, said_after
from glassform.fitted.base import Fitted
from glassform.limits import LONGEST_VALUE, MOST_TEXTS
from glassform.records.field import Value
from glassform.records.headers import fields_of, header_errors
from glassform.records.messages import FieldError
from glassform.records.schema import Schema
from glassform.records.values import in_cell
from glassform.tables.opening import Table


class TableRows:
    """Rows of a table as text, whatever file they come in."""

    def __init__(self, table: Table, card: Fitted, schema: Schema) -> None:
        self.table, self.card, self.schema = table, card, schema
        self.columns, self.wrong = table.columns, 0  # rows so far
        names = fields_of(self.columns, schema)
        if errors := header_errors(self.columns, names, schema.by_name):
            raise InvalidBatch([RowError(0, each.field, each.value, each.message) for each in errors], len(errors))
        self.places = [names.index(name) for name in schema.by_name]
        self.others = [place for place, name in enumerate(names) if not name]

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too."""
        width, places, self.wrong = len(self.columns), self.places, 0
        known: list[dict[str, tuple[Value, Any]]] = [{} for _ in places]
        names, used = list(self.schema.by_name), self.card.used_places
        pairs = [(names.index(one), names.index(other), terms) for one, other, terms in self.card.pair_lookups]
        for number, cells in enumerate(self.table.rows(), start=1):
            try:
                found = [texts[cells[place]] for texts, place in zip(known, places)]  # noqa: B905 - hot
            except (KeyError, IndexError):
                found = []
            if found and len(cells) == width:
                values, terms = [value for value, _ in found], [found[at][1] for at in used]
                terms += [both[values[one], values[other]] for one, other, both in pairs]
                yield Row(number, cells, values, terms, NO_ERRORS)
                continue
            row = self._checked(number, cells)
            terms_at = dict(zip(used, row.terms, strict=False))  # those of pairs come after them
            for at, (texts, place, value) in enumerate(zip(known, places, row.values, strict=False)):
                if len(texts) < MOST_TEXTS and len(cells[place]) <= LONGEST_VALUE:
                    texts[cells[place]] = value, terms_at.get(at)
            yield row

    def _checked(self, number: int, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            return Row(number, cells, [], [], [FieldError("", None, self.table.complaint(cells))])
        comma = self.table.decimal_comma
        pairs = [
            (name, in_cell(field, cells[place], comma))
            for (name, field), place in zip(self.schema.by_name.items(), self.places, strict=True)
        ]
        read = partial(self.schema.read_fields, pairs, *said_after(self.wrong))
        row = checked(self.card, number, cells, read)
        self.wrong += bool(row.errors)
        return row
