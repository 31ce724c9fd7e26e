"""What a table looks like: a data package inferred from a CSV file, to be read, corrected and trained on."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

from glassform.records.schema import (
    BINARY,
    CLASSES,
    DATE,
    DELIMITERS,
    LONGEST_VALUE,
    MISSING,
    NOT_KNOWN,
    NUMBER,
    OWN,
    PLAIN_DIGITS,
    PLAIN_TABLE,
    identifier,
)

MISSING_WORDS = {"", NOT_KNOWN, "na", "n/a", "nan", "null", "none"}  # in small letters
ADVICE = {  # on texts that all look like something else
    r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].*)?": "dates? write them as 2026-01-31",
    r"[-+(]?[$€£¥]? ?[-+]?[0-9.,][0-9.,' ]*([eE][-+]?[0-9]+)? ?[%$€£¥)]*|[-+]?inf": (
        "numbers with signs? write them in plain digits, such as 1234.5"
    ),
}
MOST_CATEGORIES = 60
MOST_CLASSES = 20  # of a target
FEWEST_OF_A_CLASS = 5  # rows, as many as the parts of the cross-validation
DEFAULTS = {BINARY: "logistic", CLASSES: "logistic", NUMBER: "linear"}  # estimators
# Names that mean something else where a field's can stand: in addresses and pages, and in what an answer adds.
TAKEN = {
    "format",
    "lang",
    "model",
    "target",
    "lock",
    "method",
    "csrf_token",
    "endpoint",
    "suffix",
    "main",
    "error",
    "row",
    "value",
    "label",
    "points",
    "prediction",
    "probability",
    "log_odds",
    "intercept",
}
RARE = 10  # rows, under which little can be learned of a category
TEST_SHARE = 0.2
# What the addresses of every table begin with, so that no table can be called so.
RESERVED = {
    "account",
    "accounts",
    "changes",
    "curves",
    "docs",
    "drift",
    "examples",
    "health",
    "keys",
    "metrics",
    "model",
    "openapi",
    "predict",
    "predictions",
    "probabilities",
    "probability",
    "scorecard",
    "session",
    "static",
    "tables",
    "tokens",
    "twins",
    "users",
    "v2",
    "versions",
}
MOST_DIGITS = 15  # of a whole number, beyond which it is no longer exact
WIDE, MOST_WHOLE_VALUES = 300, 1_500  # values of one whole number, and of all together, that get points each
YES = ("1", "true", "yes", "y", "t")  # how the positive class may be called
FEWEST_ROWS = 50


class Undescribable(ValueError):
    """A table that nothing can be learned from here."""


@dataclass(frozen=True)
class Column:
    """What is inferred of a column: its Table Schema type and constraints; why it is left out, or what to look at."""

    name: str
    type: str
    constraints: dict[str, Any]
    missing: int
    left_out: str = ""
    note: str = ""
    is_year: bool = False

    @property
    def described(self) -> dict[str, Any]:
        """The column as a field of the data package."""
        titles = {NOT_KNOWN: "Not known"} if NOT_KNOWN in self.constraints.get("enum", []) else {}
        return {
            "name": self.name,
            "type": self.type,
            "title": title_of(self.name),
            "description": "",
            "constraints": {"required": True, **self.constraints},
            OWN: {
                "unit": "",
                **({"titles": titles} if titles else {}),
                **({"gaps": True} if self.missing else {}),
                **({"years": True} if self.is_year else {}),
            },
        }

    @property
    def range(self) -> str:
        """Its values in a few words."""
        if "enum" in self.constraints:
            values = self.constraints["enum"]
            return ", ".join(values[:4]) + (f", ... ({len(values)})" if len(values) > 4 else "")
        return f"{self.constraints['minimum']} to {self.constraints['maximum']}" if self.constraints else ""


def title_of(column: str) -> str:
    """Return a column's header as a title; capitals within it may mean something, as in a unit."""
    words = column.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def read_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV file as texts, spaces around them taken away, every way to write a missing value made one.

    Returns
    -------
    The table, and the ways to write a missing value that it had.

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
        raise Undescribable(f"{path.name} has {len(table)} rows; {FEWEST_ROWS} are the fewest to learn from")
    table = table.fillna("").apply(lambda column: column.str.strip())
    texts = {text for column in table for text in table[column].unique()}
    missing = sorted({text for text in texts if text.lower() in MISSING_WORDS} | {*MISSING, NOT_KNOWN})
    return table.mask(table.isin(missing), NOT_KNOWN), missing


def infer(texts: pd.Series) -> Column:
    """Infer what a column holds: whole numbers, numbers, dates (as years) or categories."""
    name, known = str(texts.name), texts[texts != NOT_KNOWN]
    missing, distinct = len(texts) - len(known), known.nunique()
    if distinct < 2:
        return Column(name, "string", {}, missing, "all its values are the same" if distinct else "it is empty")
    plain = years(known)
    if plain.nunique() < 2:
        return Column(name, "integer", {}, missing, f"all its dates are in the year {plain.iloc[0]}")
    if distinct > 2:  # and not a yes and a no, however they are written
        for type_, numbers in numbers_of(plain).items():
            its_own = plain.nunique() == len(texts)
            return numeric(name, type_, numbers, missing, its_own=its_own, is_year=plain is not known)
        if known.str.fullmatch(PLAIN_DIGITS["integer"]).all():
            return Column(name, "integer", {}, missing, f"it has whole numbers of more than {MOST_DIGITS} digits")
    return categorical(name, known, missing)


def numeric(name: str, type_: str, numbers: pd.Series, missing: int, its_own: bool, is_year: bool) -> Column:
    """Infer what a column of numbers holds.

    `numbers` are those that are not missing; `its_own` tells whether every row has another one.
    """
    rows, low, high = len(numbers) + missing, numbers.min(), numbers.max()
    constraints = {"minimum": low.item(), "maximum": high.item()}
    if type_ == "integer" and its_own and high - low == rows - 1:
        return Column(name, type_, constraints, missing, "it numbers the rows")
    notes = [
        "dates, of which only the year is looked at" if is_year else "",
        "every row has its own value: an identifier?" if its_own and type_ == "integer" else "",
        f"missing in {missing / rows:.0%} of the rows" if missing > rows / 2 else "",
    ]
    return Column(name, type_, constraints, missing, note=joined(*notes), is_year=is_year)


def categorical(name: str, known: pd.Series, missing: int) -> Column:
    """Infer what a column of texts holds; `known` are those that are not missing."""
    counts = known.value_counts()
    categories, distinct = sorted(counts.index, key=natural), len(counts)
    advice = next((advice for look, advice in ADVICE.items() if distinct > 2 and known.str.fullmatch(look).all()), "")
    if distinct > MOST_CATEGORIES:
        kind = "every row has its own value" if distinct == len(known) else f"it has {distinct:,} different texts"
        return Column(name, "string", {}, missing, joined(kind, advice))
    if max(map(len, categories)) > LONGEST_VALUE:
        return Column(name, "string", {}, missing, f"it has texts of more than {LONGEST_VALUE} characters")
    rare = [value for value in categories if counts[value] < RARE]
    note = f"{', '.join(rare[:3])}: fewer than {RARE} rows" if rare else ""
    enum = categories + [NOT_KNOWN] * bool(missing)
    return Column(name, "string", {"enum": enum}, missing, note=joined(note, advice))


def joined(*notes: str) -> str:
    """Return those of some notes that say something."""
    return "; ".join(filter(None, notes))


def numbers_of(texts: pd.Series) -> dict[str, pd.Series]:
    """Return texts as the numbers they are, by Table Schema type; nothing, if they are none."""
    if texts.str.fullmatch(PLAIN_DIGITS["integer"]).all():
        return {"integer": texts.astype(int)} if texts.str.lstrip("-").str.len().max() <= MOST_DIGITS else {}
    if texts.str.fullmatch(PLAIN_DIGITS["number"]).all():
        return {"number": texts.astype(float)}
    return {}


def years(texts: pd.Series) -> pd.Series:
    """Return dates as their years, and texts that are not all of them dates as they are."""
    return texts.str[:4] if texts.str.fullmatch(DATE).all() else texts


def natural(text: str) -> tuple[bool, float, str]:
    """Return what categories are sorted by: those that are numbers by size, before all others."""
    is_number = bool(PLAIN_DIGITS["number"].fullmatch(text))
    return not is_number, float(text) if is_number else 0.0, text


def describe(
    table: pd.DataFrame, target: str, name: str, estimator: str | None = None
) -> tuple[dict[str, Any], list[Column]]:
    """Return a data package for a table, without its resources' files, and what was inferred of every column.

    Rows whose target is missing are none to learn from, and are to be left out.

    Raises
    ------
    Undescribable
        If there is no such target, nothing can be learned of it, or no other column can be used.
    """
    if target not in table:
        raise Undescribable(f"there is no column {target}; there are {', '.join(table.columns)}")
    names = Counter(map(identifier, map(str, table.columns)))
    if repeated := [name for name, count in names.items() if count > 1 or not name]:
        raise Undescribable(f"several columns would be called {repeated[0] or 'nothing'}; rename them")
    known = table[table[target] != NOT_KNOWN]
    foretold, task, own = outcome_of(known[target], estimator)
    taken = TAKEN | {identifier(f"probability {label}") for label in foretold.constraints.get("enum", [])}
    columns = [
        leaking(infer(known[column]), known[column], known[target], taken) for column in known if column != target
    ]
    columns = [*narrowed(columns)]
    used = [column for column in columns if not column.left_out]
    if not used:
        raise Undescribable(
            "no column is left to learn from: " + "; ".join(f"{c.name}: {c.left_out}" for c in columns)
        )
    package = {
        "profile": "data-package",
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "description": f"A table of {len(known):,} rows, described by what was found in it.",
        "sources": [],
        "licenses": [],
        OWN: {
            "note": f"The model learned from most of {len(known):,} rows of a table that nobody has described yet.",
            "target": target,
            **own,
            "features": [column.name for column in used],
            "estimator": estimator or DEFAULTS[task],
            "train": name,
            "test": f"{name}_test",
        },
        "resources": [{"name": name, "schema": {"fields": [each.described for each in (*used, foretold)]}}],
    }
    return package, [*columns, replace(foretold, note="to be foretold", missing=len(table) - len(known))]


def narrowed(columns: Sequence[Column]) -> Iterator[Column]:
    """Take whole numbers over a wide range for real ones, so that not each of their values gets points of its own."""
    values = {
        each.name: each.constraints["maximum"] - each.constraints["minimum"]
        for each in columns
        if each.type == "integer" and not each.left_out
    }
    widest = WIDE if sum(value for value in values.values() if value <= WIDE) <= MOST_WHOLE_VALUES else 0
    for each in columns:
        wide = values.get(each.name, 0) > widest and values.get(each.name, 0) > 1
        yield replace(each, type="number") if wide else each


def outcome_of(values: pd.Series, estimator: str | None) -> tuple[Column, str, dict[str, Any]]:
    """Return what is inferred of a target: its column, what is foretold, and the package's words for that.

    Raises
    ------
    Undescribable
        If all its values are the same, or it has more classes than can be told apart.
    """
    target, counts = str(values.name), values.value_counts()
    if len(counts) < 2:
        raise Undescribable(f"all values of the target {target} are the same")
    # with few different numbers it is a matter of opinion, which the estimator tells
    numbers = numbers_of(years(values)) if len(counts) > MOST_CLASSES or estimator == "linear" else {}
    for type_, each in numbers.items():
        bounds = {"minimum": each.min().item(), "maximum": each.max().item()}
        return Column(target, type_, bounds, 0), NUMBER, {"question": f"What is {target}?", "outcome": target}
    if len(counts) > MOST_CLASSES:
        raise Undescribable(
            f"the target {target} has {len(counts):,} different texts; {MOST_CLASSES} classes are the most"
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        raise Undescribable(
            f"the target {target} is {counts.index[-1]} in {counts.min()} rows; each class needs {FEWEST_OF_A_CLASS}"
            + ("; if it is a number, say --estimator linear" if numbers_of(years(values)) else "")
        )
    classes = Column(target, "string", {"enum": sorted(counts.index, key=natural)}, 0)
    if len(counts) > 2:
        return classes, CLASSES, {"question": f"Which {target}?", "outcome": target}
    positive = next((value for value in counts.index if value.lower() in YES), counts.index[-1])
    words = {"question": f"Is {target} {positive}?", "positive": positive, "outcome": f"has {target} = {positive}"}
    return classes, BINARY, words


def leaking(column: Column, texts: pd.Series, target: pd.Series, taken: Set[str]) -> Column:
    """Leave a column out if its name is taken, or if it tells the target of every row, as a copy does."""
    if identifier(column.name) in taken and not column.left_out:
        reason = "its name means something else in addresses and answers; rename it"
        return Column(column.name, column.type, column.constraints, column.missing, reason)
    several = texts.nunique() <= min(MOST_CATEGORIES, len(texts) / 5) and not column.left_out
    if several and (target.groupby(texts.to_numpy()).nunique() == 1).all():
        reason = "each of its values goes with one outcome: a copy of the target?"
        return Column(column.name, column.type, column.constraints, column.missing, reason)
    return column


def write(package: dict[str, Any], table: pd.DataFrame, folder: Path) -> Path:
    """Write the rows to learn from, those to test with, and the data package; return the last one's path."""
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
    """Describe a CSV file in a folder of its own; return the data package, and what was inferred as a table to read.

    `taken` is the name of the default table.

    Raises
    ------
    Undescribable
        If nothing can be learned from it, or there is a table of its name.
    OSError
        If the file cannot be read or the folder not written.
    """
    name = identifier(name or path.stem)
    if not PLAIN_TABLE.fullmatch(name):
        raise Undescribable(f"{name or 'nothing'} is no name of small letters, digits and _; choose another --name")
    if name in {*RESERVED, taken}:
        raise Undescribable(f"{name} stands in addresses already; choose another --name")
    if (folder / name).exists():
        raise Undescribable(f"there is a table {name} already: train it again by --table, or choose another --name")
    table, missing_values = read_table(path)
    package, columns = describe(table, target, name, estimator)
    package["resources"][0]["schema"]["missingValues"] = missing_values
    missing = int((table[target] == NOT_KNOWN).sum())
    left = f"\n{missing:,} rows are left out, for their {target} is missing." if missing else ""
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
