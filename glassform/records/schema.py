"""What a record is: the data dictionary, read once, for form, query, JSON and documentation."""

import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

import pydantic
from flask_babel import lazy_gettext
from pydantic_core import ErrorDetails, PydanticCustomError

from glassform.languages import DEFAULT, gettext

Value = str | int | float
Record = dict[str, Value]

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
BINARY, CLASSES, NUMBER = "binary", "classes", "number"  # what a target can be
NOT_KNOWN = "?"  # how a number that is missing is written, where one can be
OWN = "glassform"  # the one key of the data package under which our own properties stand
LONGEST_VALUE = 100  # characters of one value
LONGEST_SHOWN = 60  # characters of a value an answer repeats
MOST_ERRORS = 50  # reported at once: a hostile body must not buy a long answer
MOST_REMEMBERED = 10_000  # parts of queries that were accepted before
DEFAULT_WINDOW = 0.05  # of a number's range
MOST_LISTED = 20  # categories an error message lists

PYTHON_TYPE: dict[str, type[int] | type[float]] = {"integer": int, "number": float}
PLAIN_DIGITS = {
    "integer": re.compile(r"-?[0-9]+"),
    "number": re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?"),
}
PLAIN_TABLE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)  # the name of a table, as addresses have it
MISSING = ("",)  # texts that mean that a value is missing, if a Table Schema names none
DELIMITERS = ",;\t"  # between the cells of a table in a file
DATE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ].*)?")

MESSAGES = {
    "missing": lazy_gettext("is missing; {rule} is needed"),
    "empty": lazy_gettext("is empty; {rule} is needed"),
    "repeated": lazy_gettext("is given more than once"),
    "unknown": lazy_gettext("is not a field{hint}"),
    "type": lazy_gettext("{value} is not {kind}"),
    "digits": lazy_gettext("{value} is not {kind} in plain digits"),
    "quoted": lazy_gettext("{value} is text; JSON writes {kind} without quotes"),
    "range": lazy_gettext("{value} is not between {minimum} and {maximum}"),
    "greater_than_equal": lazy_gettext("{value} is less than {minimum}"),
    "less_than_equal": lazy_gettext("{value} is more than {maximum}"),
    "category": lazy_gettext("{value} is not a known {title}{hint}"),
    "long": lazy_gettext("is {length} characters long; at most {longest} are read"),
    "control": lazy_gettext("{value} holds a character that cannot be typed"),
    "object": lazy_gettext("a record is an object, and this is {value}"),
    "misplaced": lazy_gettext("belongs in the body of a POST, not in its address"),
    "setting": lazy_gettext("{value} is not a number from 0 to {most} with at most two decimals"),
    "target": lazy_gettext("{value} is not a probability above 0 and below 1, such as {example}"),
    "lock": lazy_gettext("{value} is not a field{hint}"),
    "taken": lazy_gettext("is a name that the answer adds; rename that column"),
    "no_column": lazy_gettext("has no column"),
    "no_rows": lazy_gettext("there are no rows"),
    "lengths": lazy_gettext("the row has {count} values, and a record has {wanted} fields"),
    "ragged": lazy_gettext("the row has {count} cells, and the header has {wanted}"),
    "option": lazy_gettext("{value} is not one of {known}"),
    "row": lazy_gettext("a row is an array of {wanted} values, or an object, and this is {value}"),
    "encoding": lazy_gettext("holds a character that cannot be written"),
    "one_file": lazy_gettext("exactly one file is needed, under this name; {count} came"),
    "alone": lazy_gettext("stands alone in its object, or not at all"),
    "array": lazy_gettext("{value} is not an array of rows"),
    "absent": lazy_gettext("is missing"),
    "protocol": lazy_gettext("{value} is not as the protocol has it: {reason}"),
    "datatype": lazy_gettext("its datatype is {value}, and it has to be one of {known}"),
    "one_of_two": lazy_gettext("it needs one of {one} and {other}, not both"),
    "shape": lazy_gettext("its shape is {value}, and it has to be one number per row"),
    "count": lazy_gettext("it has {count} elements, and its shape says {wanted}"),
    "bytes": lazy_gettext("its {count} bytes are no whole elements of {datatype}"),
    "lengths_differ": lazy_gettext("its shape is {value}, and not all tensors have the same"),
    "output": lazy_gettext("is not an output{hint}"),
    "text": lazy_gettext("{value} is not text"),
    "too_long": lazy_gettext("is {length} characters long; at most {longest} are kept"),
    "name": lazy_gettext("{value} is not a name of 3 to 60 letters, digits and . _ - @"),
    "password": lazy_gettext("a password has {shortest} to {longest} characters, and is not the name"),
    "taken_name": lazy_gettext("{value} is taken"),
    "wrong_password": lazy_gettext("the password is wrong"),
    "date": lazy_gettext("{value} is not a date such as {example}"),
    "page": lazy_gettext("{value} is not a whole number from 1 to {most}"),
    "used_key": lazy_gettext("was sent before with another request"),
    "too_many": lazy_gettext("there are {count}, and at most {most} are kept at once"),
    "self": lazy_gettext("nobody can do that to their own account"),
    "more": lazy_gettext("there are {count} further errors"),
}


KINDS = {
    "integer": lazy_gettext("a whole number"),
    "number": lazy_gettext("a number"),
    "string": lazy_gettext("text"),
}


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field: its name, the value as given (None if there was none), the message."""

    field: str
    value: str | None
    message: str


class InvalidRecord(ValueError):
    """Fields that do not make a record; it holds the first errors, their number in all, and the fields as given."""

    def __init__(self, errors: list[FieldError], fields: Mapping[str, Any]) -> None:
        self.errors, self.count = limited(errors), len(errors)
        self.fields = fields
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in self.errors))


class InvalidQuery(InvalidRecord):
    """What is asked for and cannot be; `template` is the page to set it right on, if there is one.

    `status` is 409 if it could be, were something else not there already; 401 or 403 if somebody else has to ask.
    """

    def __init__(
        self,
        errors: list[FieldError],
        fields: Mapping[str, Any],
        template: str = "problem.html",
        status: int = 422,
    ) -> None:
        super().__init__(errors, fields)
        self.template, self.status = template, status


class UnreadableJSON(ValueError):
    """Text that is not JSON."""


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in the order sent, repeated names kept."""


@dataclass(frozen=True)
class Field:
    """One feature as the data package describes it; `column` is its header in the table."""

    name: str
    column: str
    type: str
    title: str
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    categories: dict[str, str]
    aliases: tuple[str, ...]
    ordered: bool  # whether the order of its categories means something
    locked: bool  # whether it stays as it is when changes are looked for, unless asked otherwise
    direction: str  # "up" or "down" if it can change only that way, else ""
    window: float  # how far apart two numbers may be that count as alike
    has_gaps: bool  # whether a number can be missing, and ? is written for it
    missing: frozenset[str]  # texts that mean that a value is missing, where one can be
    is_year: bool  # whether dates are taken for their years

    @classmethod
    def from_descriptor(cls, descriptor: dict[str, Any], missing: Iterable[str] = MISSING) -> "Field":
        """Read a Table Schema field and the schema's `missingValues`; categories keep the order of its `enum`."""
        constraints, own = descriptor.get("constraints", {}), descriptor.get(OWN, {})
        minimum, maximum = constraints.get("minimum"), constraints.get("maximum")
        titles = own.get("titles", {})
        return cls(
            name=identifier(descriptor["name"]),
            column=descriptor["name"],
            type=descriptor["type"],
            title=descriptor.get("title", descriptor["name"]),
            description=descriptor.get("description", ""),
            unit=own.get("unit", ""),
            minimum=minimum,
            maximum=maximum,
            categories={value: titles.get(value, value) for value in constraints.get("enum", [])},
            aliases=tuple(own.get("aliases", [])),
            ordered=own.get("ordered", False),
            locked=own.get("locked", False),
            direction=own.get("direction", ""),
            window=own.get("window", DEFAULT_WINDOW * ((maximum or 0) - (minimum or 0))),
            has_gaps=own.get("gaps", False) and "enum" not in constraints,
            missing=frozenset(missing if own.get("gaps", False) else ()),
            is_year=own.get("years", False),
        )

    @property
    def kind(self) -> str:
        """What its values are, in words."""
        return str(KINDS.get(self.type, KINDS["string"]))

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        if self.categories:
            return gettext("one of %(count)s known values", count=len(self.categories))
        ends = {"minimum": self.minimum, "maximum": self.maximum}
        if self.has_gaps:
            return gettext(
                "%(kind)s from %(minimum)s to %(maximum)s, or ? if it is not known", kind=self.kind, **ends
            )
        return gettext("%(kind)s from %(minimum)s to %(maximum)s", kind=self.kind, **ends)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every way to write a category, its title included, with the category."""
        return {title: value for value, title in self.categories.items()} | {
            value: value for value in self.categories
        }

    @cached_property
    def values(self) -> list[Value]:
        """All its values in order; empty for real numbers, which have no end of them."""
        if self.categories:
            return list(self.categories)
        if self.type != "integer":
            return []
        low, high = self.bounds
        return list(range(int(low), int(high) + 1))

    @property
    def bounds(self) -> tuple[float, float]:
        """Its minimum and its maximum.

        Raises
        ------
        ValueError
            If the data package leaves one of them open; neither a form nor a table of points can.
        """
        if self.minimum is None or self.maximum is None:
            raise ValueError(f"the data package gives {self.column} no minimum or no maximum")
        return self.minimum, self.maximum

    def title_of(self, value: Value) -> str:
        """Return a value as people read it: a category's title, a number as it is."""
        if self.has_gaps and value == NOT_KNOWN:
            return gettext("not known")
        return self.categories.get(str(value), str(value))

    def place(self, value: Value) -> float:
        """Return where a value stands from the first, 0, to the last, 1."""
        if self.categories:
            return self.values.index(value) / max(len(self.values) - 1, 1)
        low, high = self.bounds
        return (float(value) - low) / (high - low or 1)

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one the field may have."""
        if self.categories:
            return value in self.categories
        if value == NOT_KNOWN:
            return self.has_gaps
        low, high = self.bounds
        return isinstance(value, int if self.type == "integer" else (int, float)) and low <= value <= high

    def distance(self, old: Value, new: Value) -> float:
        """Return how far two values are apart: 0 to 1 for numbers and ordered categories, 1 for any others."""
        if (self.categories and not self.ordered) or (self.has_gaps and NOT_KNOWN in (old, new)):
            return float(old != new)
        return abs(self.place(new) - self.place(old))

    def can_become(self, old: Value, new: Value) -> bool:
        """Tell whether the field's direction allows the change; what is known stays known."""
        if self.has_gaps and NOT_KNOWN in (old, new):
            return not self.direction and new != NOT_KNOWN
        return not self.direction or (self.place(new) > self.place(old)) == (self.direction == "up")

    def annotation(self, strict: bool) -> Any:
        """Return the type pydantic validates with; lax reads numbers from text, strict does not."""
        known = self._category(strict) if self.categories else self._number(strict)
        if not self.missing:
            return known
        gap = [{"const": NOT_KNOWN}] if self.has_gaps else []
        described = {"anyOf": [pydantic.TypeAdapter(known).json_schema(), *gap, {"type": "null"}]}
        return Annotated[known, pydantic.WrapValidator(self.or_gap), pydantic.WithJsonSchema(described)]

    @cached_property
    def spoken(self) -> dict[tuple[bool, float], str]:
        """Categories that are digits or a yes and a no, as JSON may have them, with whether they are the latter."""
        found: dict[tuple[bool, float], str] = {}
        for category in self.categories:
            with suppress(ValueError):
                value = json.loads(category.lower())
                if isinstance(value, int | float) and math.isfinite(value):
                    found.setdefault((isinstance(value, bool), value), category)
        return found

    def _category(self, strict: bool) -> Any:
        known: Any = Literal[tuple(self.categories)]
        if not strict or not self.spoken:
            return known
        described = {"enum": [*self.categories, *(value for _, value in self.spoken)]}
        return Annotated[known, pydantic.BeforeValidator(self.category_of), pydantic.WithJsonSchema(described)]

    def category_of(self, value: Any) -> Any:
        """Return the category that a number or a boolean of JSON stands for, and any other value as it is."""
        return self.spoken.get((isinstance(value, bool), value), value) if isinstance(value, int | float) else value

    def _number(self, strict: bool) -> Any:
        limits: dict[str, Any] = {"ge": self.minimum, "le": self.maximum}
        if self.type == "number":
            limits["allow_inf_nan"] = False
        how = pydantic.Strict() if strict else pydantic.BeforeValidator(self.from_text)
        number: Any = Annotated[PYTHON_TYPE[self.type], pydantic.Field(**limits), how]
        if not (strict and self.is_year):
            return number
        date = {"type": "string", "pattern": f"^{DATE.pattern}$"}
        described = pydantic.WithJsonSchema({"anyOf": [pydantic.TypeAdapter(number).json_schema(), date]})
        return Annotated[number, pydantic.BeforeValidator(year_of), described]

    def or_gap(self, value: Any, known: Callable[[Any], Any]) -> Any:
        """Return the sign of a gap for a value that says it is missing, and let pydantic look at any other.

        JSON says so by null, and numbers of a binary tensor by NaN.
        """
        if value is None or value != value or (isinstance(value, str) and value.strip() in self.missing):
            value = NOT_KNOWN
        return value if self.has_gaps and value == NOT_KNOWN else known(value)

    def from_text(self, text: str) -> int | float:
        """Read a number written in plain decimal digits; pydantic reports what this raises."""
        if self.is_year and isinstance(year := year_of(text), int):
            return year
        if not PLAIN_DIGITS[self.type].fullmatch(text):
            raise PydanticCustomError("digits", "not in plain digits")
        return PYTHON_TYPE[self.type](text)


def year_of(value: Any) -> Any:
    """Return the year of a text that is a date, and any other value as it is."""
    date = DATE.fullmatch(value) if isinstance(value, str) else None
    return int(date[1]) if date else value


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
        self.names = {
            name: field.name for field in self.fields for name in (*field.aliases, field.column, field.name)
        }
        self.accepted: dict[str, tuple[str, Value]] = {}  # by part of a query

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
        """The model that takes every value as it is, for JSON."""
        return self._model(strict=True)

    def _model(self, strict: bool) -> type[pydantic.BaseModel]:
        definitions: dict[str, Any] = {
            field.name: (
                field.annotation(strict),
                pydantic.Field(
                    title=field.title, description=field.description, json_schema_extra=own_keywords(field)
                ),
            )
            for field in self.fields
        }
        config = pydantic.ConfigDict(extra="forbid", title="Record")
        with warnings.catch_warnings():  # of names that are methods of pydantic's, too; none is called
            warnings.simplefilter("ignore", UserWarning)
            return pydantic.create_model("Record", __config__=config, **definitions)

    @cached_property
    def task(self) -> str:
        """What is foretold: one of two classes, one of several, or a number."""
        if not self.target.categories:
            return NUMBER
        return BINARY if len(self.target.categories) == 2 else CLASSES

    @cached_property
    def classes(self) -> list[str]:
        """The values of the target, the positive one of two last; none, if it is a number."""
        if self.task != BINARY:
            return list(self.target.categories)
        positive: str = self.own["positive"]
        return [*(value for value in self.target.categories if value != positive), positive]

    @cached_property
    def words(self) -> dict[str, str]:
        """What a row is called, for texts: `case`, `cases` and `a_case`."""
        noun = self.own.get("noun", {"one": gettext("case"), "many": gettext("cases")})
        one = noun["one"]
        a_case = gettext("an %(case)s", case=one) if one[0] in "aeiou" else gettext("a %(case)s", case=one)
        return {"case": one, "cases": noun["many"], "a_case": a_case}

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
        """Read a record from a query string; names in `passed_over` belong to somebody else.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        parts = query.split("&")
        # No field's rule looks at another field, so a part that was accepted once would be accepted again.
        try:
            known = dict([self.accepted[part] for part in parts])
        except KeyError:
            known = {}
        if len(known) == len(parts) == len(self.fields):
            return {name: known[name] for name in self.by_name}
        decoded = [(part, *pair) for part in parts for pair in decode(part) if pair[0] not in passed_over]
        record = self.read_fields((name, text) for _, name, text in decoded)
        if len(self.accepted) < MOST_REMEMBERED:
            names = {part: self.names[name] for part, name, _ in decoded if len(part) <= LONGEST_VALUE}
            self.accepted |= {part: (name, record[name]) for part, name in names.items()}
        return record

    def holds(self, record: Record) -> bool:
        """Tell whether something is a record of this table, and not of an older or a newer description of it."""
        return record.keys() == self.by_name.keys() and all(
            field.holds(record[name]) for name, field in self.by_name.items()
        )

    def read_fields(self, pairs: Iterable[tuple[str, str]], hints: bool = True) -> Record:
        """Read a record from the names and values of a form, where every value is text.

        `hints` tells whether messages offer what may have been meant, which takes time.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        return self._read(pairs, self.lax, hints)

    def read_json(self, value: Any, hints: bool = True) -> Record:
        """Read a record from what `parse_json` gives: numbers are numbers, text is text.

        Raises
        ------
        InvalidRecord
            With every error of every field.
        """
        if not isinstance(value, Pairs):
            raise InvalidRecord([FieldError("", shown(value), say("object", value=shown(value)))], {})
        return self._read(value, self.strict, hints)

    def _read(self, pairs: Iterable[tuple[str, Any]], model: type[pydantic.BaseModel], hints: bool) -> Record:
        fields: dict[str, Any] = {}
        errors: list[FieldError] = []
        for given, value in pairs:
            name = self.names.get(given)
            if name is None:
                errors.append(self._not_a_field(given, value, hint=hints and len(errors) < MOST_ERRORS))
            elif name in fields:
                errors.append(FieldError(name, shown(value), say("repeated")))
            else:
                fields[name] = value
        try:
            record = vars(model.model_validate(fields))
        except pydantic.ValidationError as invalid:
            errors = [*(self._error(each, fields, hints) for each in invalid.errors(include_url=False)), *errors]
        if errors:
            raise InvalidRecord(errors, fields)
        return record

    def _not_a_field(self, name: str, value: Any, hint: bool) -> FieldError:
        nearest = did_you_mean(name, self.names) if hint else ""
        return FieldError(shown(name), shown(value), say("unknown", hint=nearest))

    def _error(self, details: ErrorDetails, fields: Mapping[str, Any], hints: bool) -> FieldError:
        """Put one of pydantic's errors into our words."""
        name = str(details["loc"][0])
        field = self.by_name[name]
        if details["type"] == "missing":
            return FieldError(name, None, say("missing", rule=field.rule))
        given = fields[name]  # pydantic's own input may have been made a number already
        return FieldError(name, shown(given), message_for(field, given, details["type"], hints))


class Schemas(dict[str, Schema]):
    """The record of one table by language; each is made when it is first asked for."""

    def __init__(self, schema: Schema) -> None:
        super().__init__({DEFAULT: schema})

    def __missing__(self, language: str) -> Schema:
        """Make the schema in a language."""
        self[language] = schema = Schema(localised(self[DEFAULT].package, language))
        return schema


def decode(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string, or of a part of one, in order and with all repetitions."""
    if not query.isascii():
        query = query.encode("latin-1", "replace").decode("utf-8", "replace")  # bytes, as WSGI hands them on
    return parse_qsl(query, keep_blank_values=True)


def limited(errors: list[FieldError]) -> list[FieldError]:
    """Return the first errors and, in place of the rest, one that counts them."""
    more = len(errors) - MOST_ERRORS
    return [*errors[:MOST_ERRORS], FieldError("", None, say("more", count=more))] if more > 0 else errors


def localised(value: Any, language: str) -> Any:
    """Return a data package with its own translations in place of what they translate.

    Any object of the package may hold them: under our key, in `translations`, by language.
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
    """Return an object with the members of another put over its own, at every depth."""
    both = {name: merged(old[name], each) for name, each in new.items() if isinstance(old.get(name), dict)}
    return old | new | both


def identifier(column: str) -> str:
    """Return a column's header as a name for query strings, JSON and Python."""
    return re.sub(r"\W+", "_", column).strip("_").lower()


def parse_json(body: bytes) -> Any:
    """Parse JSON without losing repeated names: objects come as `Pairs`.

    Raises
    ------
    UnreadableJSON
        If the body is not JSON, with the place.
    """
    try:
        return json.loads(body, object_pairs_hook=Pairs)
    except json.JSONDecodeError as error:
        place = gettext("line %(line)s, column %(column)s", line=error.lineno, column=error.colno)
        raise UnreadableJSON(f"{error.msg} ({place})") from error
    except RecursionError as error:
        raise UnreadableJSON(gettext("it is nested too deeply")) from error
    except UnicodeDecodeError as error:
        raise UnreadableJSON(gettext("byte %(number)s is not UTF-8 text", number=error.start + 1)) from error
    except ValueError as error:
        raise UnreadableJSON(gettext("a number in it has too many digits")) from error


def say(key: str, **values: Any) -> str:
    """Return a message in the language of the answer."""
    return str(MESSAGES[key]).format(**values)


def message_for(field: Field, value: Any, error_type: str, hints: bool) -> str:
    """Say what is wrong with a field's value; `error_type` is pydantic's."""
    return say(
        message_key(field, value, error_type),
        value=shown(value),
        kind=field.kind,
        rule=field.rule,
        title=field.title.lower(),
        minimum=field.minimum,
        maximum=field.maximum,
        length=len(value) if isinstance(value, str) else 0,
        longest=LONGEST_VALUE,
        hint=did_you_mean(value, field.spellings) if hints and isinstance(value, str) else "",
    )


def message_key(field: Field, value: Any, error_type: str) -> str:
    """Choose the message that says best what is wrong."""
    text = value if isinstance(value, str) else None
    if text is not None and len(text) > LONGEST_VALUE:
        return "long"
    if error_type in ("greater_than_equal", "less_than_equal"):
        return "range" if None not in (field.minimum, field.maximum) else error_type
    if text is None:
        return "type"
    if not text.strip():
        return "empty"
    if not text.isprintable():
        return "control"
    if field.categories:
        return "category"
    return "digits" if error_type == "digits" or not PLAIN_DIGITS[field.type].fullmatch(text) else "quoted"


def did_you_mean(word: str, spellings: Mapping[str, str]) -> str:
    """Return the end of a sentence that offers the nearest known word, or lists the known ones."""
    folded = {spelling.casefold(): meant for spelling, meant in spellings.items()}
    near = get_close_matches(word[:LONGEST_VALUE].casefold(), folded, n=1, cutoff=0.6)
    if near:
        return gettext("; did you mean %(nearest)s?", nearest=folded[near[0]])
    known = list(dict.fromkeys(spellings.values()))
    return str(gettext("; known are %(known)s", known=", ".join(known))) if len(known) <= MOST_LISTED else ""


def shown(value: Any) -> str:
    """Return a value as an answer may repeat it: short, one line, nothing unprintable."""
    if isinstance(value, list):
        return gettext("an object") if isinstance(value, Pairs) else gettext("a list")
    if not isinstance(value, str):
        return json.dumps(value)[:LONGEST_SHOWN]
    short = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    safe = short if short.isprintable() else short.encode("unicode_escape").decode("ascii")
    return safe if safe == safe.strip() else f"'{safe}'"


def own_keywords(field: Field) -> dict[str, Any]:
    """Return what JSON Schema has no keyword for."""
    own = {"x-unit": field.unit, "x-aliases": [*field.aliases], "x-titles": field.categories}
    return {keyword: value for keyword, value in own.items() if value}
