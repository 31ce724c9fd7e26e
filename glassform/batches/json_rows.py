"""Rows of a JSON array or of JSON lines."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice, repeat
from typing import IO, Any

from glassform.batches.batch import NO_ERRORS, ROWS_AT_A_TIME, Row, checked, said_after
from glassform.fitted.base import Fitted
from glassform.languages import gettext
from glassform.limits import LONGEST_LINE, MOST_ROWS_KEPT
from glassform.records.messages import FieldError, say, shown
from glassform.records.parsing import Pairs, UnreadableJSON, as_pairs, is_array, parse
from glassform.records.schema import Schema, unsaid
from glassform.refusals import Unreadable


class Objects:
    """Rows that are JSON objects, all in memory; members that are no field are passed over, as columns are."""

    columns: list[str] = []  # noqa: RUF012 - objects have no columns
    others: list[int] = []  # noqa: RUF012

    def __init__(self, given: Iterable[Any], card: Fitted, schema: Schema) -> None:
        self.given, self.card, self.schema = given, card, schema
        self.kept: list[Row] | None = None
        self.wrong = 0  # rows so far
        self.names = list(schema.by_name)
        self.numbers = [place for place, field in enumerate(schema.fields) if not field.categories]
        self.aliases = {*schema.names} - {*schema.by_name}
        self.known, self.used = card.lookups, card.used_places
        self.unused = [({*schema.fields[at].values}, at) for at in {*range(len(self.names))} - {*self.used}]
        self.pairs = [(self.names.index(a), self.names.index(b), terms) for a, b, terms in card.pair_lookups]
        self.unsaid = unsaid().errors

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too; what is short is kept."""
        if self.kept is not None:
            yield from self.kept
            return
        rows, count = list[Row](), 0
        for row in self.read(self.given):
            count += 1
            if count <= MOST_ROWS_KEPT:
                rows.append(row)
            yield row
        if count <= MOST_ROWS_KEPT:
            self.kept = rows

    def read(self, objects: Iterable[Any]) -> Iterator[Row]:
        """Return a row for each object."""
        self.wrong, numbered = 0, enumerate(objects, start=1)
        while several := list(islice(numbered, ROWS_AT_A_TIME)):
            # field by field in tight loops; rows that are not plainly valid are checked one by one
            yield from self._plain(several) or (self._checked(number, given) for number, given in several)

    def _plain(self, several: list[tuple[int, Any]]) -> list[Row]:
        numbers, rows = zip(*several, strict=True)
        try:
            columns = [[given[name] for given in rows] for name in self.names]
            looked_up = zip(self.known, self.used, strict=True)
            terms = [[points[value] for value in columns[at]] for points, at in looked_up]
            for one, other, both in self.pairs:
                terms.append([both[values] for values in zip(columns[one], columns[other], strict=True)])
            are_known = all(known.issuperset(columns[at]) for known, at in self.unused)
        except (KeyError, TypeError):
            return []
        # True is 1 and 39.0 is 39 to a dictionary, but not to the schema
        if not are_known or any(set(map(type, columns[at])) != {int} for at in self.numbers):
            return []
        # a field may come twice, under two of its names
        if set(map(len, rows)) != {len(columns)} and not set().union(*rows).isdisjoint(self.aliases):
            return []
        return [*map(Row, numbers, rows, zip(*columns, strict=True), zip(*terms, strict=True), repeat(NO_ERRORS))]

    def _checked(self, number: int, given: Any) -> Row:
        hints, brief = said_after(self.wrong)
        if brief and isinstance(given, dict) and len(given) < len(self.names):
            return Row(number, given, [], [], self.unsaid)
        read = partial(self.schema.read_json, as_pairs(given), hints, brief, others=True)
        row = checked(self.card, number, given, read)
        self.wrong += bool(row.errors)
        return row


class Arrays(Objects):
    """Rows that are JSON arrays, their values in the order of the fields; objects are taken too."""

    def __init__(self, given: Iterable[Any], card: Fitted, schema: Schema) -> None:
        names, count = list(schema.by_name), len(schema.by_name)
        rows = (dict(zip(names, row, strict=True)) if is_array(row) and len(row) == count else row for row in given)
        super().__init__(rows, card, schema)

    def _checked(self, number: int, given: Any) -> Row:
        if isinstance(given, dict | Pairs):
            return super()._checked(number, given)
        message = say("row", value=shown(given), wanted=len(self.names))
        if is_array(given):
            message = say("lengths", count=len(given), wanted=len(self.names))
        return Row(number, given, [], [], [FieldError("", None, message)])


class Lines(Objects):
    """Rows that are JSON objects, one on every line of a file."""

    def __init__(self, file: IO[bytes], card: Fitted, schema: Schema) -> None:
        super().__init__((), card, schema)
        self.file = file

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order, those with errors too."""
        return self.read(self._parsed())

    def _parsed(self) -> Iterator[Any]:
        self.file.seek(0)
        number = 0
        while line := self.file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                reason = gettext("a line has over %(most)s characters", most=LONGEST_LINE)
                raise Unreadable(f"{gettext('row %(number)s', number=number)}: {reason}")
            try:
                yield parse(line)
            except UnreadableJSON as error:
                raise Unreadable(f"{gettext('row %(number)s', number=number)}: {error}") from error
