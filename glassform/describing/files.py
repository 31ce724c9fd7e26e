"""Read your CSV file, describe it, and write its data package."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

from glassform.describing.columns import Column, Undescribable
from glassform.describing.package import describe
from glassform.limits import RESERVED
from glassform.records.field import DATE, MISSING, NOT_KNOWN, OWN, identifier
from glassform.records.schema import DELIMITERS, PLAIN_TABLE

MISSING_WORDS = {"", NOT_KNOWN, "na", "n/a", "nan", "null", "none"}  # in small letters
TEST_SHARE = 0.2
FEWEST_ROWS = 50


def read_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV file as trimmed text, with one sign for all missing values.

    Returns
    -------
    The table, and the signs of missing values it used.

    Raises
    ------
    Undescribable
        If it is no table with a header and some rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(DELIMITERS, key=file.readline().count)
            file.seek(0)
            header = next(csv.reader(file, delimiter=delimiter), [])
        table = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Undescribable(f"{path.name} is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, csv.Error) as error:
        raise Undescribable(f"{path.name} is not a CSV file that can be read: {str(error).strip()}") from error
    for name, count in Counter(header).items():
        if count > 1 or not name.strip():
            raise Undescribable(
                f"{count} columns are called {name.strip() or 'nothing'}; give each a name of its own"
            )
    if len(table) < FEWEST_ROWS:
        raise Undescribable(f"{path.name} has {len(table)} rows; training needs at least {FEWEST_ROWS}")
    table = table.fillna("").apply(lambda column: column.str.strip())
    texts = {text for column in table for text in table[column].unique()}
    missing = sorted({text for text in texts if text.lower() in MISSING_WORDS} | {*MISSING, NOT_KNOWN})
    return table.mask(table.isin(missing), NOT_KNOWN), missing


def write(package: dict[str, Any], table: pd.DataFrame, folder: Path) -> Path:
    """Write training rows, test rows and data package; return the package's path."""
    name, (resource,) = package["name"], package["resources"]
    fields, target = resource["schema"]["fields"], package[OWN]["target"]
    rows = table.loc[table[target] != NOT_KNOWN, [field["name"] for field in fields]].copy()
    for field in fields:
        if field["type"] == "integer":
            rows[field["name"]] = rows[field["name"]].str.replace(DATE, r"\1", regex=True)
    classes = rows[target] if "enum" in fields[-1]["constraints"] else None
    train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=0, stratify=classes)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for part, title, several in ((name, "Rows to learn from", train), (f"{name}_test", "Rows to test with", test)):
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


def add(
    path: Path, target: str, name: str | None, folder: Path, estimator: str | None = None, taken: str = ""
) -> tuple[Path, str]:
    """Describe a CSV file in its own folder; return the data package and a printable table of what was inferred.

    `taken` is the name of the default table.

    Raises
    ------
    Undescribable
        If nothing can be learned from it, or its name is in use.
    OSError
        If the file cannot be read or the folder cannot be written.
    """
    name = identifier(name or path.stem)
    if not PLAIN_TABLE.fullmatch(name):
        raise Undescribable(f"{name or 'nothing'} has more than small letters, digits and _; choose another --name")
    if name in RESERVED | {taken}:
        raise Undescribable(f"{name} is part of other addresses; choose another --name")
    if (folder / name).exists():
        raise Undescribable(f"there is a table {name} already: train it again by --table, or choose another --name")
    table, missing_values = read_table(path)
    package, columns = describe(table, target, name, estimator)
    package["resources"][0]["schema"]["missingValues"] = missing_values
    missing = int((table[target] == NOT_KNOWN).sum())
    left = f"\n{missing:,} rows are left out because their {target} is missing." if missing else ""
    return write(package, table, folder / name), report(columns) + left


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
