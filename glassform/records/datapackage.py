"""The data package: read and checked, every mistake named with its place."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from glassform.records.field import MISSING, NOT_KNOWN, OWN
from glassform.records.links import wrong_links
from glassform.records.messages import did_you_mean
from glassform.records.names import IN_ADDRESSES, identifier
from glassform.records.observed import with_observed
from glassform.records.schema import Schema, localised

FILE = "datapackage.json"
MOST_WHOLE = 2_000  # values of an integer, each of which has points


class InvalidPackage(ValueError):
    """A data package with mistakes; the message lists each with its place."""


class Observed(BaseModel):
    """The smallest and the largest number that was seen."""

    model_config = ConfigDict(extra="forbid")

    minimum: FiniteFloat
    maximum: FiniteFloat


class Reasons(BaseModel):
    """How the field is named as a reason: a code, a sentence for all of its values, and sentences for some.

    In a sentence {field} is the field's title and {value} the value with its unit.
    """

    model_config = ConfigDict(extra="forbid")

    code: str = Field(default="", max_length=40, pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$")
    sentence: str = Field(default="", max_length=300)
    values: dict[str, Annotated[str, Field(min_length=1, max_length=300)]] = {}


class Own(BaseModel):
    """What stands under our key in a field."""

    model_config = ConfigDict(extra="forbid")

    unit: str = ""
    aliases: list[str] = []
    titles: dict[str, str] = {}
    window: float = Field(default=1, gt=0)
    ordered: bool = False
    locked: bool = False
    gaps: bool = False
    years: bool = False
    decimal_sign: Literal[".", ","] = "."
    group_sign: str = Field(default="", max_length=1)
    direction: Literal["", "up", "down"] = ""
    observed: Observed | None = None
    reasons: Reasons = Reasons()
    translations: dict[str, Any] = {}


class Constraints(BaseModel):
    """The constraints of a field that we use (Table Schema)."""

    required: bool = True
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    enum: list[str] | None = Field(default=None, min_length=2)


class FieldDescriptor(BaseModel):
    """A column of the table."""

    name: str = Field(min_length=1)
    type: Literal["integer", "number", "string"]
    title: str = ""
    description: str = ""
    constraints: Constraints = Constraints()
    glassform: Own = Own()

    @property
    def ends(self) -> dict[str, float | None]:
        """The ends of a number's range: by rule or, without one, as seen."""
        rule, seen = self.constraints, self.glassform.observed
        ends = {"minimum": rule.minimum, "maximum": rule.maximum}
        return {name: getattr(seen, name, None) if end is None else end for name, end in ends.items()}


class TableSchema(BaseModel):
    """The columns of the table."""

    fields: list[FieldDescriptor] = Field(min_length=2)
    missing: list[str] = Field(default=[*MISSING], alias="missingValues")


class Resource(BaseModel):
    """A file; the first one has the schema of all."""

    name: str
    path: str = Field(min_length=1)
    table: TableSchema | None = Field(default=None, alias="schema")


class Noun(BaseModel):
    """The words for one row and for several."""

    model_config = ConfigDict(extra="forbid")

    one: str = Field(min_length=1)
    many: str = Field(min_length=1)


class Shape(BaseModel):
    """What is asked of the shape of one field: that it rises, falls, is straight, steps at some values.

    Each of its levels or turns rests on `rows` training rows.
    """

    model_config = ConfigDict(extra="forbid")

    rises: bool = False
    falls: bool = False
    straight: bool = False
    steps: list[FiniteFloat] = []
    rows: int = Field(default=0, ge=0)


class Pairs(BaseModel):
    """The pairs of fields that have points together, or those that never have; two names each."""

    model_config = ConfigDict(extra="forbid")

    use: list[tuple[str, str]] | None = None
    never: list[tuple[str, str]] = []


class Glassform(BaseModel):
    """What stands under our key in the package."""

    model_config = ConfigDict(extra="forbid")

    question: str
    note: str
    caution: str = ""
    noun: Noun | None = None
    target: str
    positive: str = ""
    outcome: str
    features: list[str] = Field(min_length=1)
    groups: list[str] = []
    estimator: str
    shape: dict[str, Shape] = {}
    pairs: Pairs = Pairs()
    train: str
    test: str
    siblings: list[Annotated[list[str], Field(min_length=1)]] = []
    card: dict[str, Any] = {}
    translations: dict[str, Any] = {}


class Package(BaseModel):
    """A data package, as far as we use it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str
    sources: list[dict[str, str]] = []
    licenses: list[dict[str, str]] = []
    glassform: Glassform
    resources: list[Resource] = Field(min_length=1)


def read_package(path: Path) -> Schema:
    """Read a data package and check it.

    Raises
    ------
    InvalidPackage
        With every mistake, a line each, and its place.
    OSError
        If there is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        package = Package.model_validate(content)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidPackage(f"{path.name} is not JSON: {error.msg} ({place})") from error
    except UnicodeDecodeError as error:
        raise InvalidPackage(f"{path.name} is not UTF-8 text: byte {error.start + 1}") from error
    except ValidationError as error:
        wrong = [f"{place_of(each['loc'])}: {each['msg'].lower()}" for each in error.errors(include_url=False)]
        raise InvalidPackage(told(path, wrong)) from error
    mistakes = [
        *mistakes_in(package),
        *wrong_names(package),
        *wrong_paths(package, path.parent),
        *wrong_links(content),
    ]
    if mistakes:
        raise InvalidPackage(told(path, mistakes))
    schema = Schema(with_observed(content, path.parent))
    for language in package.glassform.translations:
        Schema(localised(schema.package, language))
    return schema


def told(path: Path, mistakes: list[str]) -> str:
    """Return mistakes, a line each."""
    return "\n".join([f"{path} cannot be followed:", *(f"  {mistake}" for mistake in mistakes)])


def place_of(location: tuple[int | str, ...]) -> str:
    """Return a place as `resources[0].schema.fields[2].type`, counting from 0."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return place.removeprefix(".") or "the whole"


def mistakes_in(package: Package) -> Iterator[str]:
    """Find mistakes between parts that are valid by themselves."""
    own, table = package.glassform, package.resources[0].table
    if table is None:
        yield "resources[0].schema: is missing; the first resource describes the columns"
        return
    fields = {field.name: field for field in table.fields}
    names = {name: name for name in fields}
    for place, column in [
        ("target", own.target),
        *((f"features[{at}]", column) for at, column in enumerate(own.features)),
        *((f"groups[{at}]", column) for at, column in enumerate(own.groups)),
        *(("shape", column) for column in own.shape),
        *(("pairs", column) for pair in (*(own.pairs.use or ()), *own.pairs.never) for column in pair),
    ]:
        if place in ("shape", "pairs") and column in fields and column not in own.features:
            yield f"{OWN}.{place}: {column} is not among the features"
        if column not in fields:
            yield f"{OWN}.{place}: {column!r} is no field{did_you_mean(column, names)}"
    yield from wrong_siblings(own)
    yield from wrong_pairs(own.pairs)
    resources = {resource.name: resource.name for resource in package.resources}
    for place, name in (("train", own.train), ("test", own.test)):
        if name not in resources:
            yield f"{OWN}.{place}: {name!r} is no resource{did_you_mean(name, resources)}"
    yield from repeated(own)
    for number, field in enumerate(table.fields):
        if field.name in {*own.features, own.target}:
            place = f"resources[0].schema.fields[{number}] ({field.name})"
            checked = field.name != own.target or bool(field.constraints.enum)
            yield from (f"{place}.{mistake}" for mistake in mistakes_of(field, checked))
            for category in sorted({*table.missing} & {*(field.constraints.enum or [])} - {NOT_KNOWN}):
                yield f"{place}.constraints.enum: {category!r} stands in resources[0].schema.missingValues, too"
    target = fields.get(own.target)
    classes = target.constraints.enum if target else None
    if classes and len(classes) == 2 and own.positive not in classes:
        yield f"{OWN}.positive: {own.positive!r} is not one of {', '.join(classes)}"
    for column in own.groups:
        if column in fields and column not in own.features:
            yield f"{OWN}.groups: {column} is not among the features"
        elif column in fields and not fields[column].constraints.enum:
            yield f"{OWN}.groups: {column} has no categories"


def wrong_names(package: Package) -> Iterator[str]:
    """Find features with a name, or another name, that means something else in addresses."""
    own, table = package.glassform, package.resources[0].table
    fields = table.fields if table else []
    for number, field in enumerate(fields):
        for place, names in (("name", [field.name]), (f"{OWN}.aliases", field.glassform.aliases)):
            for name in names if field.name in own.features else ():
                if identifier(name) in IN_ADDRESSES:
                    where = f"resources[0].schema.fields[{number}] ({field.name}).{place}"
                    yield f"{where}: {name!r} means something else in addresses; choose another name"


def wrong_siblings(own: Glassform) -> Iterator[str]:
    """Find siblings that leave out what is no feature, or every feature, or a feature twice."""
    features = {column: column for column in own.features}
    for at, columns in enumerate(own.siblings):
        place = f"{OWN}.siblings[{at}]"
        for column in columns:
            if column not in features:
                yield f"{place}: {column!r} is not among the features{did_you_mean(column, features)}"
        if len({*columns}) < len(columns):
            yield f"{place}: a field stands there more than once"
        if features.keys() <= {*columns}:
            yield f"{place}: no field would be left to learn from"
        if any({*columns} == {*each} for each in own.siblings[:at]):
            yield f"{place}: stands there more than once"


def wrong_pairs(pairs: Pairs) -> Iterator[str]:
    """Find pairs of a field with itself, and pairs that stand there twice."""
    listed = pairs.use or []
    for at, pair in enumerate(listed):
        if pair[0] == pair[1]:
            yield f"{OWN}.pairs.use[{at}]: {pair[0]} makes no pair with itself"
        if any({*pair} == {*each} for each in listed[:at]):
            yield f"{OWN}.pairs.use[{at}]: stands there more than once"


def wrong_paths(package: Package, folder: Path) -> Iterator[str]:
    """Find files that lie elsewhere than in the package's folder.

    A file of the package in the folder above is allowed, too, so that several tables can be made of one.
    """
    for number, resource in enumerate(package.resources):
        path, place = resource.path, f"resources[{number}].path"
        parts = PurePosixPath(path).parts
        if "://" in path or "\\" in path or PureWindowsPath(path).drive or path.startswith("/"):
            yield f"{place}: {path!r} is not a path within the package's folder"
        elif ".." in parts and path not in {f"../{each}" for each in paths_of(folder.parent / FILE)}:
            yield f"{place}: {path!r} leads out of the package's folder, and is no file of the package above it"


def paths_of(path: Path) -> set[str]:
    """Return the files that a data package names; none, if there is no such package."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {each["path"] for each in content["resources"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {each for each in found if isinstance(each, str) and ".." not in PurePosixPath(each).parts}


def repeated(own: Glassform) -> Iterator[str]:
    """Find repeated features, and the target among the features."""
    names = [identifier(column) for column in own.features]
    for column in own.features:
        if names.count(identifier(column)) > 1:
            yield f"{OWN}.features: {column} stands there more than once"
        if column == own.target:
            yield f"{OWN}.features: {column} is the target, which cannot be learned from"


def mistakes_of(field: FieldDescriptor, has_points: bool) -> Iterator[str]:
    """Find what is wrong with one field."""
    rule = field.constraints
    low, high = field.ends.values()
    if field.type == "string" and not rule.enum:
        yield "constraints.enum: is missing; a text needs its categories"
    if field.type != "string" and rule.enum:
        yield f"type: is {field.type}, and constraints.enum lists categories, which are of type string"
    if field.type != "string" and not rule.enum:
        for name, end in field.ends.items():
            if end is None:
                yield f"constraints.{name}: is missing; a number needs both ends, as a rule or under {OWN}.observed"
        if low is not None and high is not None and low >= high:
            yield f"constraints: the minimum, {low:g}, is not below the maximum, {high:g}"
    if has_points and field.type == "integer" and low is not None and high is not None and high - low > MOST_WHOLE:
        yield f"type: an integer has at most {MOST_WHOLE:,} values, and these are more; make it a number"
    if rule.enum and len(set(rule.enum)) < len(rule.enum):
        yield "constraints.enum: a category stands there more than once"
    for category in field.glassform.titles:
        if category not in (rule.enum or []):
            yield f"{OWN}.titles: {category!r} is no category of the field"
    for category in field.glassform.reasons.values:
        if category not in (rule.enum or []):
            yield f"{OWN}.reasons.values: {category!r} is no category of the field"
