"""A saved model for programs and notebooks: the version that a server would serve, without a server."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glassform.fitted.base import Fitted
from glassform.hosting.training import train
from glassform.notebook.drawing import Answer, scorecard_drawn
from glassform.records.field import Record
from glassform.records.messages import InvalidRecord
from glassform.records.parsing import Pairs
from glassform.records.schema import BINARY, CLASSES, PLAIN_TABLE, Schema
from glassform.records.values import plain
from glassform.settings import ARTIFACTS, PACKAGE
from glassform.versions.registry import Registry, default_name, further, registry_of, tables_in, untrained


class Model:
    """A fitted model, asked in Python.

    One record is given by its fields, by name or in order, and many as dictionaries or a data frame.
    """

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted

    def __repr__(self) -> str:
        """Return the table and the version."""
        return f"<Model {self.fitted.schema.name}, version {self.version}>"

    @property
    def schema(self) -> Schema:
        """The record of its table: `schema.fields` in order, and `schema.target`."""
        return self.fitted.schema

    @property
    def version(self) -> str:
        """The hash of its data and recipe."""
        return self.fitted.version

    def predict_probability(self, /, *values: Any, **fields: Any) -> Any:
        """Return the probability of the positive class; of several classes, that of each by its label.

        Raises
        ------
        TypeError
            If the model predicts a number, or there are more values than fields.
        InvalidRecord
            If a field is missing, unknown, given twice or not valid; the error names each with value and rule.
        """
        if self.schema.task not in (BINARY, CLASSES):
            raise TypeError(f"{self.schema.name} predicts a number, and no probability; use predict")
        members = self.fitted.members(self._read(values, fields))
        return members["probability" if self.schema.task == BINARY else "probabilities"]

    def predict(self, /, *values: Any, **fields: Any) -> float | str:
        """Return the predicted number, or the most probable class.

        Raises
        ------
        TypeError, InvalidRecord
            As `predict_probability` does.
        """
        members = self.fitted.members(self._read(values, fields))
        if self.schema.task == BINARY:
            return self.schema.classes[int(members["probability"] > 0.5)]
        answer: float | str = members["label" if self.schema.task == CLASSES else "prediction"]
        return answer

    def explain(self, /, *values: Any, **fields: Any) -> Answer:
        """Return the whole answer: a dictionary, as `/probability` answers in JSON; a notebook draws it.

        Raises
        ------
        TypeError, InvalidRecord
            As `predict_probability` does.
        """
        return Answer(self.fitted, self.fitted.explain(self._read(values, fields)))

    def answers(self, rows: Any) -> list[dict[str, Any]]:
        """Return the answer for each of many records, without the arithmetic.

        Parameters
        ----------
        rows
            Dictionaries of fields, or a data frame (of pandas or, through Arrow, of others); further columns are
            passed over.

        Raises
        ------
        TypeError
            If they are anything else.
        ValueError
            If two columns of a frame have one name.
        InvalidRecord
            If a row is not valid; a note of the error says which one.
        """
        given = enumerate(dictionaries(rows), start=1)
        return [*self.fitted.several([self._row(number, row) for number, row in given])]

    def _row(self, number: int, row: Mapping[str, Any]) -> Record:
        try:
            return self.schema.read_json(
                Pairs((str(name), plain(value)) for name, value in row.items()), texts=True, others=True
            )
        except InvalidRecord as invalid:
            invalid.add_note(f"in row {number}")
            raise

    def _read(self, values: tuple[Any, ...], fields: Mapping[str, Any]) -> Record:
        names = [*self.schema.by_name]
        if len(values) > len(names):
            raise TypeError(f"{len(values)} values were given, and a record has {len(names)}: {', '.join(names)}")
        given = [*zip(names, values, strict=False), *fields.items()]
        return self.schema.read_json(Pairs((name, plain(value)) for name, value in given), texts=True)

    def _repr_html_(self) -> str:
        """Draw its scorecard."""
        return scorecard_drawn(self.fitted)


def load(table: str | Path = "", version: str | None = None) -> Model:
    """Load a table's model: the version that is served, or another one of its versions.

    A table that was never trained is trained first.

    Parameters
    ----------
    table
        Its name, by default that of the default table; or the folder of its versions, as a `Path` or as a text that
        can be no name.

    Raises
    ------
    FileNotFoundError
        If there is no such table, which the message says with those there are; or no version in the folder.
    UnknownVersion
        If there is no such version.
    UnreadableArtifact
        If its file is damaged.
    """
    if isinstance(table, Path) or (table and not PLAIN_TABLE.fullmatch(table) and Path(table).is_dir()):
        return from_folder(Path(table), version)
    name = further(table)
    new, known = untrained(ARTIFACTS), [folder.name for folder in tables_in(ARTIFACTS)]
    if name and name not in [*new, *known]:
        there = ", ".join([default_name(), *sorted({*new, *known})])
        raise FileNotFoundError(f"there is no table {name!r}; there are {there}")
    try:
        return Model(registry_of(ARTIFACTS, name).load(version))
    except FileNotFoundError:
        if version or not (name == "" or name in new):
            raise
    train("--alone", *(["--table", name] if name else ["--package", str(PACKAGE)]))
    return Model(registry_of(ARTIFACTS, name).load())


def dictionaries(rows: Any) -> list[Mapping[str, Any]]:
    """Return a data frame as dictionaries, with None for gaps, and dictionaries as they are.

    Raises
    ------
    TypeError
        If the rows are neither.
    ValueError
        If two columns of a frame have one name.
    """
    if hasattr(rows, "__arrow_c_stream__"):
        from glassform.describing.frames import from_arrow

        rows = from_arrow(rows)
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        if not rows.columns.is_unique:
            repeated = rows.columns[rows.columns.duplicated()][0]
            raise ValueError(f"two columns of the data frame are called {repeated}")
        rows = rows.astype(object).where(rows.notna(), None).to_dict("records")
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise TypeError(f"rows are dictionaries or a data frame, and this is of type {type(rows).__name__}")
    found = [*rows]
    for number, row in enumerate(found, start=1):
        if not isinstance(row, Mapping):
            kind = type(row).__name__
            raise TypeError(f"rows are dictionaries or a data frame, and row {number} is of type {kind}")
    return found


def from_folder(folder: Path, version: str | None) -> Model:
    """Load a model from a folder of versions.

    Raises
    ------
    FileNotFoundError
        If it holds none.
    """
    try:
        return Model(Registry(folder).load(version))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{folder} is no folder of a model's versions") from error
