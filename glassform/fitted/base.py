"""The interface of every fitted model."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from glassform.files import written_whole
from glassform.fitted.neighbours import THIN, Crowd, Support, unpack
from glassform.fitted.target import TARGETS, Sums, Target
from glassform.languages import current, gettext
from glassform.records.field import Field, Record, Value
from glassform.records.links import without_wrong_links
from glassform.records.schema import BINARY, Schema, Schemas
from glassform.refusals import Refusal

FORMAT = 6  # of scorecard.json; raised when old files can no longer be read
FILE = "scorecard.json"


class UnreadableArtifact(Refusal):
    """A model file that is damaged, of another format, or unusable here."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Row(Protocol):
    """A record's values in the order of the fields, and the term of each and of each pair."""

    @property
    def values(self) -> Sequence[Value]:
        """The values."""

    @property
    def terms(self) -> Sequence[Any]:
        """The terms."""


@dataclass(frozen=True)
class Fitted(ABC):
    """A fitted model; `kinds.KINDS` lists the kinds.

    `people` are the training rows as `neighbours.pack` writes them, or None if hardly any two are alike. `version` is
    a hash of data and recipe.
    """

    version: str
    package: dict[str, Any]
    typical: Record
    examples: list[dict[str, Any]]
    people: dict[str, Any] | None
    evaluation: dict[str, Any]
    training: dict[str, Any]

    kind: ClassVar[str]  # how its file names it
    is_additive: ClassVar[bool] = True  # whether it is a sum of one term per feature, and so a table of points

    @cached_property
    def schema(self) -> Schema:
        """The record of the table it was fitted on."""
        return Schema(without_wrong_links(self.package))

    @cached_property
    def schemas(self) -> Schemas:
        """The same, by language."""
        return Schemas(self.schema)

    @cached_property
    def target(self) -> Target:
        """Its target."""
        return TARGETS[self.schema.task](self.schema)

    @cached_property
    def model(self) -> dict[str, str]:
        """Name and version, as every answer carries them."""
        return {"name": self.schema.name, "version": self.version}

    @cached_property
    def crowd(self) -> Crowd | None:
        """Its training rows, indexed by neighbourhood."""
        return unpack(self.schema, self.people) if self.people else None

    # What each kind does in its own way.

    @property
    @abstractmethod
    def lookups(self) -> list[Mapping[Value, Any]]:
        """By feature, the term of every value that can be looked up."""

    @property
    def pair_lookups(self) -> list[tuple[str, str, Mapping[tuple[Value, Value], Any]]]:
        """By pair of features that has a term of its own, the two and the term of every two values."""
        return []

    @abstractmethod
    def terms_of(self, record: Record) -> list[Any]:
        """Return the term of every feature and pair of a record."""

    @abstractmethod
    def all_sums(self, rows: Sequence[Row]) -> Sequence[Sums]:
        """Return its raw outputs for many records."""

    @abstractmethod
    def grid(self, name: str) -> Sequence[Value]:
        """Return the values of a feature at which a drawing shows it."""

    @abstractmethod
    def arithmetic(self, row: Row, sums: Sums) -> dict[str, Any]:
        """Return the arithmetic behind a raw output, as far as there is any."""

    @abstractmethod
    def columns_added(self, explain: bool) -> list[str]:
        """Return the columns that scoring adds to a table: the answer and, if wanted, every term."""

    @abstractmethod
    def cells(self, row: Row, sums: Sums, explain: bool) -> list[float | str]:
        """Return the cells of these columns."""

    # What follows from it.

    def sums(self, record: Record) -> Sums:
        """Return its raw output for a record: log-odds, a number, or a sum per class."""
        return self.all_sums([self.row(record)])[0]

    def score(self, record: Record) -> float | str:
        """Return the answer for a record in one value: a probability, a number or a class."""
        return self.target.score(self.sums(record))

    def members(self, record: Record) -> dict[str, Any]:
        """Return the first members of the answer for a record."""
        return self.target.members(self.sums(record))

    def curves(self, record: Record) -> dict[str, list[tuple[Value, dict[str, Any]]]]:
        """Return, by feature, the answer at each value of its grid, the rest of the record held fixed."""
        varied = [(field.name, value) for field in self.schema.used for value in self.grid(field.name)]
        found = self.several([record | {name: value} for name, value in varied])
        curves: dict[str, list[tuple[Value, dict[str, Any]]]] = {field.name: [] for field in self.schema.used}
        for (name, value), members in zip(varied, found, strict=True):
            curves[name].append((value, members))
        return curves

    def what_if(self, record: Record) -> dict[str, list[tuple[Value, float]]]:
        """Return, by feature, the probability or number at each value of its grid, the rest held fixed."""
        main = self.target.columns[0]
        return {
            name: [(value, members[main]) for value, members in curve] for name, curve in self.curves(record).items()
        }

    def twins(self, record: Record) -> Any:
        """Return the answers for a record's twins: the same but for one group field."""
        changed = [
            (field.name, value)
            for field in self.schema.used_groups
            for value in field.values
            if value != record[field.name]
        ]
        found = self.several([record | {name: value} for name, value in changed])
        twins = [
            {"feature": name, "value": value, **members}
            for (name, value), members in zip(changed, found, strict=True)
        ]
        own, main = self.members(record), self.target.columns[0]
        if isinstance(own[main], float):
            twins = [twin | {"difference": twin[main] - own[main]} for twin in twins]
        return twins

    def several(self, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
        """Return the first members of the answers for several records."""
        return map(self.target.members, self.all_sums([self.row(record) for record in records]))

    def row(self, record: Record) -> Row:
        """Return a record with its terms."""
        return Looked([record[name] for name in self.schema.by_name], self.terms_of(record))

    def explain(self, record: Record) -> Any:
        """Return the answer for a record, with every term if the model is additive."""
        row, support = self.row(record), self.support(record)
        sums = self.all_sums([row])[0]
        return {
            **self.target.members(sums),
            **self.arithmetic(row, sums),
            "record": record,
            "interval": self.interval(sums),
            "support": support,
            "warnings": self.warnings(record, support),
            "model": self.model,
        }

    def interval(self, sums: Sums) -> tuple[float, float] | None:
        """Return the range of 95 of 100 outcomes, from errors on held-out rows; numbers only."""
        margin = self.training.get("margin")
        return (sums - margin, sums + margin) if margin is not None else None

    def support(self, record: Record) -> Support | None:
        """Count the people like a record and, of two classes, the share of the positive one among them."""
        if self.crowd is None:
            return None
        found = self.crowd.support(record)
        return found if self.schema.task == BINARY else {"count": found["count"], "share": None}

    @cached_property
    def used(self) -> list[str]:
        """The fields it uses; a sibling leaves some of its record's unused."""
        return [field.name for field in self.schema.used]

    @cached_property
    def used_places(self) -> list[int]:
        """Where the fields it uses stand in its record."""
        return [at for at, name in enumerate(self.schema.by_name) if name in {*self.used}]

    @cached_property
    def warns(self) -> bool:
        """Whether it can warn of a record without looking at those it has learned from."""
        return bool(self.observed or self.schema.unused)

    def not_used(self) -> list[str]:
        """Warn of every field of the record that it does not use."""
        unused = self.schemas[current()].unused if self.schema.unused else []
        return [gettext("%(field)s is not used by this version.", field=field.title) for field in unused]

    def cautions(self, values: Sequence[Value]) -> list[str]:
        """Warn of fields that are not used and of values outside of what was seen."""
        return [*self.not_used(), *(self.outside(values) if self.observed else [])]

    @cached_property
    def observed(self) -> list[tuple[str, int]]:
        """The numbers it uses of which only a range was seen and no rule is stated, each with its place."""
        used = {*self.used}
        return [
            (name, at)
            for at, (name, each) in enumerate(self.schema.by_name.items())
            if each.observed and name in used
        ]

    def outside(self, values: Sequence[Value]) -> list[str]:
        """Warn of every value of a record outside of what was seen."""
        by_name = self.schema.by_name
        found = [(name, values[at]) for name, at in self.observed if by_name[name].is_outside(values[at])]
        return [outside(self.schemas[current()].by_name[name], value) for name, value in found]

    def warnings(self, record: Record, support: Support | None) -> list[str]:
        """Warn of unused fields, of values outside of what was seen, and if hardly any training rows were like it."""
        found = self.cautions([record[name] for name in self.schema.by_name]) if self.warns else []
        if support is None or support["count"] >= THIN:
            return found
        return [*found, self.unlike(support["count"])]

    def unlike(self, count: int) -> str:
        """Say that hardly any training rows were like the record."""
        rows, words = f"{self.training['rows']:,}", self.schemas[current()].words
        if not count:
            return gettext(
                "None of the %(rows)s %(cases)s in the training data is like this one, so the model extrapolates.",
                rows=rows,
                **words,
            )
        return gettext(
            "Only %(count)s of the %(rows)s %(cases)s in the training data are like this one.",
            count=count,
            rows=rows,
            **words,
        )

    def save(self, folder: Path) -> None:
        """Write `scorecard.json` into a folder, whole or not at all."""
        with written_whole(folder / FILE) as unfinished:
            unfinished.write_bytes(self.as_file())

    def as_file(self) -> bytes:
        """Return what `save` writes."""
        content = {"format": FORMAT, "kind": self.kind, **self.written()}
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()

    def written(self) -> dict[str, Any]:
        """Return what its file holds."""
        return asdict(self)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; every number comes back the same.

        Raises
        ------
        FileNotFoundError
            If the folder holds no such file.
        UnreadableArtifact
            If it is damaged or of another format.
        """
        return cls.of(read_content((folder / FILE).read_bytes()))

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Return the model that a file's content describes.

        Raises
        ------
        UnreadableArtifact
            If it describes none.
        """
        try:
            card = cls(**cls.decoded({name: value for name, value in content.items() if name != "kind"}))
            names = set(card.schema.by_name)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableArtifact(f"{FILE} is damaged: {error}") from error
        if card.typical and names != set(card.typical):
            raise UnreadableArtifact(f"{FILE} calls the fields otherwise than this program; train the table again")
        return card

    @classmethod
    def decoded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a file as those of the class."""
        return content


def outside(field: Field, value: Value) -> str:
    """Say that a number is outside of what was seen, and what it is taken for if it is far outside."""
    low, high = field.observed or field.bounds
    words = {"field": field.title, "value": value, "low": low, "high": high}
    taken = field.within_reach(value)
    if taken == value:
        return gettext(
            "%(field)s: %(value)s is outside of what was seen, %(low)s to %(high)s. The model extrapolates.",
            **words,
        )
    return gettext(
        "%(field)s: %(value)s is far outside of what was seen, %(low)s to %(high)s. It counts as %(taken)s.",
        taken=f"{taken:.15g}",
        **words,
    )


@dataclass(frozen=True)
class Looked:
    """A record's values and their terms."""

    values: Sequence[Value]
    terms: Sequence[Any]


def read_content(text: bytes) -> dict[str, Any]:
    """Return the content of a file that `save` wrote.

    Raises
    ------
    UnreadableArtifact
        If it is damaged or of another format.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        written = content.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableArtifact(f"{FILE} is damaged: {error}") from error
    if written != FORMAT:
        raise UnreadableArtifact(f"{FILE} has format {written}, and this program reads format {FORMAT}")
    return content


NEARLY = 1e-9  # of what a pipeline gave, by which it may differ


def is_ready(card: Fitted) -> bool:
    """Tell whether a model still gives the answers of its training.

    A table of points must match exactly, a pipeline within another machine's rounding.
    """
    golden = card.training["golden"]
    try:
        found = card.all_sums([card.row(row["record"]) for row in golden])
    except UnreadableArtifact:
        return False
    allowed = 0.0 if card.is_additive else NEARLY
    pairs = ((a, b) for sums, row in zip(found, golden, strict=True) for a, b in paired(sums, row["sums"]))
    return all(abs(a - b) <= allowed * max(1.0, abs(b)) for a, b in pairs)


def paired(found: Any, expected: Any) -> Iterable[tuple[float, float]]:
    """Return the sums of one record with those expected: one pair, or one per class."""
    return zip(found, expected, strict=True) if isinstance(expected, list) else [(found, expected)]
