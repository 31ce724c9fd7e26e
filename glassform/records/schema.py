"""The record of one table, built from its data package."""

import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from glassform.languages import DEFAULT, gettext
from glassform.limits import LONGEST_VALUE, MOST_ERRORS, MOST_ROWS_EXPLAINED
from glassform.records.field import MISSING, OWN, Field, Record, Value
from glassform.records.headers import fields_of, looks
from glassform.records.messages import FieldError, InvalidRecord, nearest, say, shown, unknown
from glassform.records.names import Names, identifier
from glassform.records.parsing import Pairs, decode
from glassform.records.siblings import WITHOUT, narrowed
from glassform.records.tracking import is_tracking
from glassform.records.validation import annotation, message_for, needed

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
BINARY, CLASSES, NUMBER = "binary", "classes", "number"  # what a target can be
MOST_QUERY_PARTS = 10_000  # cached parts of accepted queries
LONGEST_TABLE = 64  # characters
PLAIN_TABLE = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_TABLE - 1}}}", re.ASCII)  # a table's name in addresses


class Schema:
    """The record of one table, built from its Frictionless data package.

    Parameters
    ----------
    package
        The descriptor, as `datapackage.json` holds it.

    Notes
    -----
    https://specs.frictionlessdata.io/data-package/ and https://specs.frictionlessdata.io/table-schema/
    """

    def __init__(self, package: dict[str, Any]) -> None:
        table = package["resources"][0]["schema"]
        columns, missing = {field["name"]: field for field in table["fields"]}, table.get("missingValues", MISSING)
        self.package = package
        self.own: dict[str, Any] = package[OWN]
        self.name: str = package["name"]
        self.target = Field.from_descriptor(columns[self.own["target"]])
        self.fields = [Field.from_descriptor(columns[column], missing) for column in self.own["features"]]
        self.by_name = {field.name: field for field in self.fields}
        self.groups = [self.by_name[identifier(column)] for column in self.own.get("groups", [])]
        unused = {*map(identifier, self.own.get(WITHOUT, []))}
        self.unused = [field for field in self.fields if field.name in unused]
        self.used = [field for field in self.fields if field.name not in unused]
        self.names = Names(
            (name, field.name)
            for field in self.fields
            for name in (*field.aliases, field.column, field.column.strip(), field.name)
        )
        self.alike = looks(self.names)
        self.accepted: dict[str, tuple[str, Value]] = {}  # by part of a query

    def __reduce__(self) -> tuple[type["Schema"], tuple[dict[str, Any]]]:
        """Be pickled as the data package: pydantic's models, made here, cannot be."""
        return type(self), (self.package,)

    @classmethod
    def from_file(cls, path: Path) -> "Schema":
        """Read a `datapackage.json`."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @cached_property
    def lax(self) -> type[pydantic.BaseModel]:
        """The model that reads numbers from text, for forms and queries."""
        return self._model(strict=False)

    @cached_property
    def strict(self) -> type[pydantic.BaseModel]:
        """The strict model, for JSON."""
        return self._model(strict=True)

    def _model(self, strict: bool) -> type[pydantic.BaseModel]:
        definitions: dict[str, Any] = {
            field.name: (
                annotation(field, strict),
                pydantic.Field(
                    title=field.title, description=field.description, json_schema_extra=own_keywords(field)
                ),
            )
            for field in self.fields
        }
        config = pydantic.ConfigDict(extra="forbid", title="Record")
        with warnings.catch_warnings():  # about field names that are also pydantic methods, which we never call
            warnings.simplefilter("ignore", UserWarning)
            return pydantic.create_model("Record", __config__=config, **definitions)

    @cached_property
    def task(self) -> str:
        """The kind of target: one of two classes, one of several, or a number."""
        if not self.target.categories:
            return NUMBER
        return BINARY if len(self.target.categories) == 2 else CLASSES

    @cached_property
    def classes(self) -> list[str]:
        """The target's classes, the positive one of two last; empty for a number."""
        if self.task != BINARY:
            return list(self.target.categories)
        positive: str = self.own["positive"]
        return [*(value for value in self.target.categories if value != positive), positive]

    @cached_property
    def words(self) -> dict[str, str]:
        """The words for a row in texts: `case`, `cases` and `a_case`."""
        noun = self.own.get("noun", {"one": gettext("case"), "many": gettext("cases")})
        one = noun["one"]
        a_case = gettext("an %(case)s", case=one) if one[0] in "aeiou" else gettext("a %(case)s", case=one)
        return {"case": one, "cases": noun["many"], "a_case": a_case}

    @property
    def used_groups(self) -> list[Field]:
        """The group fields that the model uses."""
        return [field for field in self.groups if field in self.used]

    @cached_property
    def learned(self) -> "Schema":
        """The schema of what is learned from: without the fields that the model does not use."""
        return Schema(narrowed(self.package)) if self.unused else self

    @property
    def locked(self) -> list[str]:
        """The names of the fields that a search for changes leaves as they are, unless it is told otherwise."""
        return [field.name for field in self.fields if field.locked]

    def named(self, type_: str) -> list[str]:
        """Return the names of the fields of one Table Schema type."""
        return [field.name for field in self.fields if field.type == type_]

    @property
    def categories(self) -> list[list[str]]:
        """The categories of every field that has any."""
        return [list(field.categories) for field in self.fields if field.categories]

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of a record."""
        return {"$schema": JSON_SCHEMA, **self.strict.model_json_schema()}

    def read_query(self, query: str, passed_over: Set[str] = frozenset()) -> Record:
        """Read a record from a query string, ignoring the names in `passed_over` and those of tracking.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        parts = query.split("&")
        # Fields are checked one by one, so an accepted part is valid in any query.
        try:
            known = dict([self.accepted[part] for part in parts])
        except KeyError:
            known = {}
        if len(known) == len(parts) == len(self.fields):
            return {name: known[name] for name in self.by_name}
        given = [(part, *pair) for part in parts for pair in decode(part)]
        decoded = [each for each in given if each[1] not in passed_over and not self.passes_over(each[1])]
        record = self.read_fields((name, text) for _, name, text in decoded)
        if len(self.accepted) < MOST_QUERY_PARTS:
            names = {part: self.names.get(name) for part, name, _ in decoded if len(part) <= LONGEST_VALUE}
            self.accepted |= {part: (name, record[name]) for part, name in names.items() if name}
        return record

    def passes_over(self, name: str) -> bool:
        """Tell whether a query parameter tracks links, and is no field."""
        return is_tracking(name) and name not in self.names

    def holds(self, record: Record) -> bool:
        """Tell whether a record fits this table's present description."""
        return record.keys() == self.by_name.keys() and all(
            field.holds(record[name]) for name, field in self.by_name.items()
        )

    def read_fields(self, pairs: Iterable[tuple[str, str]], hints: bool = True, brief: bool = False) -> Record:
        """Read a record from the names and values of a form, where every value is text.

        `hints` tells whether messages suggest what was meant, which takes time; `brief`, whether to say only that
        the record is invalid.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        return self._read(pairs, self.lax, hints, brief)

    def read_json(
        self, value: Any, hints: bool = True, brief: bool = False, others: bool = False, texts: bool = False
    ) -> Record:
        """Read a record from what `parse_json` gives: numbers are numbers, text is text.

        `texts` tells whether texts that write numbers are read, as those of Python's tables often are.
        `others` tells whether names that are no field are passed over, as the further columns of a table are.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        if not isinstance(value, Pairs):
            raise InvalidRecord([FieldError("", shown(value), say("object", value=shown(value)))], {})
        return self._read(value, self.lax if texts else self.strict, hints, brief, others)

    def _read(
        self,
        pairs: Iterable[tuple[str, Any]],
        model: type[pydantic.BaseModel],
        hints: bool,
        brief: bool,
        others: bool = False,
    ) -> Record:
        fields: dict[str, Any] = {}
        passed_over: dict[str, Any] = {}
        errors: list[FieldError] = []
        several = [*pairs]
        for name, (given, value) in zip(self._meant(several), several, strict=True):
            if given in passed_over or name in fields:
                errors.append(FieldError(name or shown(given), shown(value), say("repeated")))
            elif name:
                fields[name] = value
            elif others:
                passed_over[given] = value
            else:
                errors.append(unknown(given, self.names, len(errors) if hints else MOST_ERRORS, value=shown(value)))
        try:
            record = vars(model.model_validate(fields))
        except pydantic.ValidationError as invalid:
            if brief:
                raise unsaid() from invalid
            errors += self._misspelt(passed_over, fields) if hints else []
            errors = [*(self._error(each, fields, hints) for each in invalid.errors(include_url=False)), *errors]
        if errors:
            raise InvalidRecord(errors, fields)
        return record

    def _meant(self, pairs: Sequence[tuple[str, Any]]) -> list[str]:
        """Return the fields that names mean, nothing where it is none."""
        exact = [self.names.get(name, "") for name, _ in pairs]
        return exact if all(exact) else fields_of([name for name, _ in pairs], self)

    def _misspelt(self, passed_over: Mapping[str, Any], fields: Mapping[str, Any]) -> list[FieldError]:
        """Return the errors of names that are like that of a missing field."""
        missing = {spelling: name for spelling, name in self.names.items() if name not in fields}
        near = [name for name in islice(passed_over, MOST_ERRORS) if missing and nearest(name, missing)]
        return [unknown(name, missing, 0, value=shown(passed_over[name])) for name in near]

    def _error(self, details: ErrorDetails, fields: Mapping[str, Any], hints: bool) -> FieldError:
        """Put one of pydantic's errors into our words."""
        name = str(details["loc"][0])
        field = self.by_name[name]
        if details["type"] == "missing":
            return FieldError(name, None, needed(field))
        given = fields[name]  # pydantic's own input may already be a number
        return FieldError(name, shown(given), message_for(field, given, details["type"], hints))


def unsaid() -> InvalidRecord:
    """Return the error of a record of which nobody wants to know what is wrong."""
    return InvalidRecord([FieldError("", None, say("unsaid", most=f"{MOST_ROWS_EXPLAINED:,}"))], {})


class Schemas(dict[str, Schema]):
    """The schemas of one table by language, each made on first use."""

    def __init__(self, schema: Schema) -> None:
        super().__init__({DEFAULT: schema})

    def __missing__(self, language: str) -> Schema:
        """Make the schema in a language."""
        self[language] = schema = Schema(localised(self[DEFAULT].package, language))
        return schema


def localised(value: Any, language: str) -> Any:
    """Return a data package in a language, its translations applied.

    Any object may hold translations, under our key, by language.
    """
    if isinstance(value, list):
        return [localised(each, language) for each in value]
    if not isinstance(value, dict):
        return value
    new = {name: localised(each, language) for name, each in value.items()}
    words = value.get(OWN, {}).get("translations", {}).get(language, {})
    new |= {name: text for name, text in words.items() if name in value}
    if words:
        new[OWN] = merged(new[OWN], {name: text for name, text in words.items() if name not in value})
    return new


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return an object updated with another at every depth."""
    both = {name: merged(old[name], each) for name, each in new.items() if isinstance(old.get(name), dict)}
    return old | new | both


def own_keywords(field: Field) -> dict[str, Any]:
    """Return what JSON Schema has no keyword for."""
    seen = dict(zip(("minimum", "maximum"), field.observed or (), strict=False))
    own = {"x-unit": field.unit, "x-aliases": [*field.aliases], "x-titles": field.categories, "x-observed": seen}
    return {keyword: value for keyword, value in own.items() if value}
