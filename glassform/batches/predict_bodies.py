"""The bodies that clients of model servers send: the rows in them, and the answer that goes with each.

https://mlflow.org/docs/latest/ml/deployment/ and https://www.tensorflow.org/tfx/serving/api_rest
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassform.batches.batch import InvalidBatch, RowError, refuse_too_many
from glassform.languages import lazy_gettext
from glassform.limits import MOST_BATCH_ERRORS
from glassform.records.messages import FieldError, InvalidRecord, say, shown
from glassform.records.parsing import Pairs, UnreadableJSON, as_pairs, is_array, parse
from glassform.records.schema import Schema

OURS, PREDICTIONS, OUTPUTS = "", "predictions", "outputs"  # the member of the answer; ours has several
# the member that holds the rows, and the answer that goes with it
SHAPES = {
    "data": OURS,
    "instances": PREDICTIONS,
    "inputs": OUTPUTS,
    "dataframe_split": PREDICTIONS,
    "dataframe_records": PREDICTIONS,
}
BESIDE = {"params", "parameters", "signature_name"}  # what these clients send beside it, which changes nothing here
READ_HERE = lazy_gettext("Bodies that are read here: %(shapes)s.")
WRITTEN = (
    "{field: value, ...}, [row, ...], {data: [row, ...]}, {instances: [row, ...]}, {inputs: [row, ...]}, "
    "{inputs: {field: [value, ...], ...}}, {dataframe_split: {columns: [field, ...], data: [row, ...]}}, "
    "{dataframe_records: [{field: value, ...}, ...]}"
)


class UnreadableBody(UnreadableJSON):
    """A body that is not JSON."""

    @property
    def detail(self) -> str:
        """Why it cannot be read, and what can."""
        return f"{super().detail} {read_here()}"


class UnknownShape(InvalidRecord):
    """JSON of a shape that is not read."""

    @property
    def detail(self) -> str | None:
        """How many errors there are, and which shapes are read."""
        return f"{super().detail} {read_here()}"


def read_here() -> str:
    """Return the shapes that are read, in a sentence."""
    return str(READ_HERE) % {"shapes": WRITTEN}


@dataclass(frozen=True)
class Rows:
    """The rows of a body, arrays or objects, and the member of the answer that goes with it."""

    given: list[Any]
    answer: str = OURS


def read_body(body: bytes, schema: Schema) -> Rows | Pairs:
    """Return the rows of a body, or the members of a single record.

    Raises
    ------
    UnreadableBody
        If it is not JSON.
    UnknownShape
        If it is JSON of another shape.
    TooLarge
        If it has more rows than are read.
    """
    try:
        given = as_pairs(parse(body))
    except UnreadableJSON as error:
        raise UnreadableBody(str(error)) from error
    if is_array(given):
        return rows_of(given, OURS, schema)
    if not isinstance(given, Pairs):
        raise UnknownShape([FieldError("", shown(given), say("object", value=shown(given)))], {})
    found = [(name, value) for name, value in given if name in SHAPES and not is_field(name, value, schema)]
    if not found:
        return given
    refuse_others(found[0][0], given)
    name, value = found[0][0], as_pairs(found[0][1])
    if name == "dataframe_split":
        value = split(value)
    elif name == "inputs" and isinstance(value, Pairs):
        value = columns(value)
    if not is_array(value):
        raise UnknownShape([FieldError(name, shown(value), say("array", value=shown(value)))], {})
    return rows_of(value, SHAPES[name], schema)


def is_field(name: str, value: Any, schema: Schema) -> bool:
    """Tell whether a member is a field of the table, whose values are no arrays and no objects."""
    return name in schema.names and not isinstance(value, list | dict)


def rows_of(given: list[Any], answer: str, schema: Schema) -> Rows:
    """Return rows, too many refused; where there is but one field, its values may stand for rows."""
    refuse_too_many(given)
    alone = len(schema.fields) == 1
    return Rows([[row] if alone and not isinstance(row, list | dict) else row for row in given], answer)


def refuse_others(name: str, given: Pairs) -> None:
    """Refuse members beside the one with the rows, and members that come twice.

    Raises
    ------
    UnknownShape
        If there is one.
    """
    counts = Counter(each for each, _ in given)
    errors = [FieldError(shown(each), None, say("repeated")) for each, count in counts.items() if count > 1]
    if counts.keys() - BESIDE - {name}:
        errors.append(FieldError(name, None, say("alone")))
    if errors:
        raise UnknownShape(errors, {})


def split(members: Any) -> list[Any]:
    """Return the rows of a data frame's columns and data; numbered columns are the fields in their order.

    Raises
    ------
    UnknownShape
        If it has no columns or data.
    InvalidBatch
        If a row has more or fewer cells than there are columns.
    """
    if not isinstance(members, Pairs):
        raise UnknownShape([FieldError("dataframe_split", shown(members), say("object", value=shown(members)))], {})
    counts = Counter(name for name, _ in members)
    parts = {name: as_pairs(value) for name, value in members}
    names, data = parts.get("columns", [0]), parts.get("data", [])
    errors = [FieldError(shown(name), None, say("repeated")) for name, count in counts.items() if count > 1]
    errors += [] if "data" in parts else [FieldError("data", None, say("absent"))]
    for name, part in (("columns", names), ("data", data)):
        if not is_array(part):
            errors.append(FieldError(name, shown(part), say("array", value=shown(part))))
    if errors:
        raise UnknownShape(errors, {})
    refuse_too_many(data)
    numbered = names and all(isinstance(name, int) for name in names)
    return data if numbered else named([name if isinstance(name, str) else shown(name) for name in names], data)


def columns(members: Pairs) -> list[Any]:
    """Return the rows of columns by name: an array of values each, or one value each.

    Raises
    ------
    UnknownShape
        If they differ in length.
    """
    arrays = [value if is_array(value) else [value] for _, value in members]
    plain = [[each[0] if is_array(each) and len(each) == 1 else each for each in array] for array in arrays]
    counts = [len(array) for array in plain]
    if len(set(counts)) > 1:
        lengths = [(name, count) for (name, _), count in zip(members, counts, strict=True) if count != counts[0]]
        errors = [FieldError(shown(name), None, say("columns", count=n, wanted=counts[0])) for name, n in lengths]
        raise UnknownShape(errors, {})
    return named([name for name, _ in members], [*map(list, zip(*plain, strict=True))])


def named(names: Sequence[str], rows: list[Any]) -> list[Any]:
    """Return rows as objects.

    Raises
    ------
    InvalidBatch
        If one is no array of as many cells.
    """
    wrong = [number for number, row in enumerate(rows, start=1) if not is_array(row) or len(row) != len(names)]
    if wrong:
        errors = [RowError(number, "", None, wrong_row(rows[number - 1], len(names))) for number in wrong]
        raise InvalidBatch(errors[:MOST_BATCH_ERRORS], len(errors))
    as_object = dict if len(set(names)) == len(names) else Pairs  # which keeps a name that comes twice
    return [as_object(zip(names, row, strict=True)) for row in rows]


def wrong_row(row: Any, wanted: int) -> str:
    """Say what is wrong with a row."""
    if not is_array(row):
        return say("row", value=shown(row), wanted=wanted)
    return say("ragged", count=len(row), wanted=wanted)
