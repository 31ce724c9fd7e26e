"""Read your CSV file, describe it, and write its data package."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

from glassform.describing.columns import Column, Undescribable
from glassform.describing.package import describe
from glassform.describing.positive import one_spelling
from glassform.limits import RESERVED
from glassform.records.field import MISSING, NOT_KNOWN, OWN, Field
from glassform.records.names import plain_words, words_of
from glassform.records.schema import LONGEST_TABLE, PLAIN_TABLE
from glassform.records.values import number_of
from glassform.refusals import Refusal
from glassform.tables.opening import open_file

# What other programs write for a gap, which a later file may have in its place.
USUAL_GAPS = {*MISSING, NOT_KNOWN, "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "<NA>"}
MISSING_WORDS = {gap.lower() for gap in USUAL_GAPS} | {"nat"}  # in small letters
TEST_SHARE = 0.2
FEWEST_ROWS = 50
NAME_RULE = (
    f"a name has small letters a to z, digits and _, begins with a letter, and is at most {LONGEST_TABLE} long"
)


@dataclass(frozen=True)
class Found:
    """What was found in a file: its columns as trimmed text, with one sign for all missing values.

    Attributes
    ----------
    missing
        The signs of missing values it used.
    decimal_comma
        Whether a comma in a number is the sign of decimals.
    noticed
        What was skipped, ignored or left out, in sentences.
    """

    table: pd.DataFrame
    missing: list[str]
    decimal_comma: bool
    noticed: list[str]


def read_table(path: Path, encoding: str | None = None) -> Found:
    """Read a table of text.

    Raises
    ------
    Undescribable
        If it is no table with a header and some rows.
    OSError
        If there is no such file.
    """
    try:
        with open_file(path, encoding) as opened:
            rows = list(opened.checked_rows())
    except Refusal as error:
        raise Undescribable(f"{path.name} cannot be read: {error}") from error
    for name, count in Counter(filter(None, opened.columns)).items():
        if count > 1:
            raise Undescribable(f"{count} columns are called {name}; give each a name of its own")
    if len(rows) < FEWEST_ROWS:
        raise Undescribable(f"{path.name} has {len(rows)} rows; training needs at least {FEWEST_ROWS}")
    table = pd.DataFrame(rows, columns=range(len(opened.columns)), dtype=object)
    nameless = [place for place, name in enumerate(opened.columns) if not name]
    table = table.drop(columns=nameless).set_axis([*filter(None, opened.columns)], axis=1)
    table = table.apply(lambda column: column.str.strip())
    texts = {text for column in table for text in table[column].unique()}
    used = {text for text in texts if text.lower() in MISSING_WORDS}
    missing = sorted(used | USUAL_GAPS)
    noticed = [*opened.noticed, *(f"Column {place + 1} has no name; it is left out." for place in nameless)]
    return Found(table.mask(table.isin(missing), NOT_KNOWN), missing, opened.decimal_comma, noticed)


def write(package: dict[str, Any], table: pd.DataFrame, folder: Path) -> Path:
    """Write training rows, test rows and data package; return the package's path."""
    name, (resource,) = package["name"], package["resources"]
    fields, target = resource["schema"]["fields"], package[OWN]["target"]
    rows = table.loc[table[target] != NOT_KNOWN, [field["name"] for field in fields]].copy()
    for descriptor in fields:
        field = Field.from_descriptor(descriptor)
        if not field.categories:
            rows[field.column] = in_plain(rows[field.column], field)
    classes = rows[target] if "enum" in fields[-1]["constraints"] else None
    train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=0, stratify=classes)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for part, title, several in ((name, "Training data", train), (f"{name}_test", "Test data", test)):
        content = several.sort_index().to_csv(index=False).encode()
        (folder / f"{part}.csv").write_bytes(content)
        about = {"path": f"{part}.csv", "title": title, "format": "csv", "mediatype": "text/csv", "encoding": "utf-8"}
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        written.append({"name": part, **about, "bytes": len(content), "hash": digest})
    written[0] |= {"profile": "tabular-data-resource", "schema": resource["schema"]}
    path = folder / "datapackage.json"
    text = json.dumps(package | {"resources": written}, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def in_plain(column: pd.Series, field: Field) -> pd.Series:
    """Return numbers and dates as the plain numbers that they are to the field."""
    plain = {text: text if text == NOT_KNOWN else str(number_of(field, text)) for text in column.unique()}
    return column.map(plain)


def add(
    path: Path,
    target: str,
    name: str | None,
    folder: Path,
    estimator: str | None = None,
    taken: str = "",
    positive: str | None = None,
    encoding: str | None = None,
    noun: str = "",
) -> tuple[Path, str]:
    """Describe a CSV file in its own folder; return the data package and a printable table of what was inferred.

    `taken` is the name of the default table; `positive`, the class to call so; `noun`, the word for a row.

    Raises
    ------
    Undescribable
        If nothing can be learned from it, or its name is in use.
    OSError
        If the file cannot be read or the folder cannot be written.
    """
    name = table_name(name, path, taken)
    if (folder / name).exists():
        raise Undescribable(f"there is a table {name} already: train it again by --table, or choose another --name")
    found = read_table(path, encoding)
    table, merged = found.table, ""
    if target in table:
        table[target], merged = one_spelling(table[target])
    package, columns = describe(table, target, name, estimator, positive, found.decimal_comma, noun)
    package["resources"][0]["schema"]["missingValues"] = found.missing
    missing = int((table[target] == NOT_KNOWN).sum())
    left = f"{missing:,} rows are left out because their {target} is missing." if missing else ""
    said = [report(columns), left, merged, *found.noticed]
    return write(package, table, folder / name), "\n".join(filter(None, said))


def table_name(given: str | None, path: Path, taken: str = "") -> str:
    """Return the name of a new table: the one given, or the file's, spelled in plain letters.

    Raises
    ------
    Undescribable
        If no table can have it.
    """
    name = words_of(given) if given else plain_words(path.stem)[:LONGEST_TABLE].strip("_")
    if not PLAIN_TABLE.fullmatch(name):
        if given:
            raise Undescribable(f"{given} cannot be a table's name; choose another --name: {NAME_RULE}")
        raise Undescribable(f"{path.name} gives the table no name; choose one by --name: {NAME_RULE}")
    if name == taken:
        raise Undescribable(f"{name} is the default table; choose another --name")
    if name in RESERVED:
        raise Undescribable(f"{name} is part of other addresses; choose another --name")
    return name


def report(columns: Sequence[Column]) -> str:
    """Return what was inferred as a table to read."""
    shown = pd.DataFrame(
        [
            {
                "column": each.name,
                "used": "no" if each.left_out else "yes",
                "type": "category" if each.type == "string" else each.type,
                "values": each.range,
                "missing": each.missing,
                "look at": each.left_out or each.note,
            }
            for each in columns
        ]
    )
    return shown.to_string(index=False, justify="left", formatters=dict.fromkeys(["column", "look at"], str))
