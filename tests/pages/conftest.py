"""Tables of strangers, added as their owners would: of classes, of a number, with gaps, with many fields."""

import csv
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from filelock import FileLock
from playwright.sync_api import Browser
from sklearn.datasets import load_wine

import model
from benchmarks.measuring import free_port
from glassform.describing.files import add
from glassform.settings import ARTIFACTS
from glassform.versions.registry import Registry
from tests.conftest import BROWSER_FLAGS, CHROMIUM, serving, wait_for
from tests.people import FLOWER, PATIENT

CULTIVARS = ["barolo", "grignolino", "barbera"]
TARGETS = {"wine": "cultivar", "houses": "price", "voyage": "survived", "many": "y"}


def wine() -> Iterator[dict[str, Any]]:
    """Twelve measurements and three classes."""
    table = load_wine(as_frame=True)
    for row in table.frame.drop(columns="proline").to_dict("records"):
        yield {**{name: row[name] for name in table.feature_names[:12]}, "cultivar": CULTIVARS[int(row["target"])]}


def houses() -> Iterator[dict[str, Any]]:
    """Five fields, two of them with gaps, and a number."""
    chance = random.Random(3)
    worth = {"North": 0, "South": 20, "East": -10, "West": 5, "Harbour, old town": 60}
    for _ in range(600):
        area, rooms, district = round(chance.gauss(110, 30), 1), chance.randint(1, 7), chance.choice([*worth])
        price = round(2.1 * area + 9 * rooms + worth[district] + chance.gauss(0, 15), 1)
        heating = chance.choice(["gas", "oil", "district", "heat pump"])
        gaps = chance.random()
        yield {
            "area": "" if gaps < 0.1 else area,
            "rooms": rooms,
            "year built": chance.randint(1900, 2023),
            "district": district,
            "heating": "" if gaps > 0.93 else heating,
            "price": price,
        }


def voyage() -> Iterator[dict[str, Any]]:
    """Five fields with gaps, and two classes."""
    chance = random.Random(4)
    for _ in range(400):
        place, sex = chance.choice(["first", "second", "third"]), chance.choice(["female", "male"])
        age = chance.gauss(30, 14)
        sum_ = 2.2 * (sex == "female") - 1.2 * (place == "third") - 0.02 * age + chance.gauss(-0.3, 1)
        yield {
            "class": place,
            "sex": sex,
            "age": "" if chance.random() < 0.2 else max(1, round(age)),
            "fare": round(chance.lognormvariate(3, 1), 2),
            "port": chance.choice(["Southampton", "Cherbourg", "Queenstown", ""]),
            "survived": "yes" if sum_ > 0 else "no",
        }


def many() -> Iterator[dict[str, Any]]:
    """Fourteen fields, more than a page lists."""
    chance = random.Random(5)
    for _ in range(300):
        row = {f"x{place}": round(chance.gauss(0, 1), 2) for place in range(14)}
        yield row | {"y": "yes" if sum(row.values()) + chance.gauss(0, 2) > 0 else "no"}


ADDED = {"wine": wine, "houses": houses, "voyage": voyage, "many": many}


@pytest.fixture(scope="session")
def artifacts(scorecard, shared, tmp_path_factory) -> Path:
    """The shipped models and those of the added tables; one process trains them, and each gets a copy to spoil."""
    made = shared / "with_added"
    with FileLock(shared / "with_added.lock"):
        if not made.exists():
            shutil.copytree(ARTIFACTS, shared / "adding")
            for name, rows in ADDED.items():
                describe([*rows()], name, shared / "added")
                model.train(shared / "added" / name / "datapackage.json", shared / "adding" / name)
            (shared / "adding").rename(made)
    own: Path = tmp_path_factory.mktemp("pages") / "artifacts"
    shutil.copytree(made, own)
    return own


@pytest.fixture(scope="session")
def server(artifacts) -> Iterator[str]:
    """The address of a server of its own, so that no other test finds the added tables."""
    port = free_port()
    environment = {"LOG_LEVEL": "CRITICAL", "GLASSFORM_ARTIFACTS": str(artifacts)}
    with serving("--port", str(port), environment=environment):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def added(artifacts) -> dict[str, dict[str, Any]]:
    """The typical record of each of the added tables."""
    return {name: Registry(artifacts / name).load().typical for name in ADDED}


def describe(rows: list[dict[str, Any]], name: str, folder: Path) -> None:
    """Write a table as a CSV file and describe it."""
    file = folder / f"{name}.csv"
    folder.mkdir(exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    add(file, TARGETS[name], name, folder)


@pytest.fixture
def answers(record, added) -> dict[str, str]:
    """The address of an answer of every table."""
    records = {"": record, "/iris": FLOWER, "/diabetes": PATIENT, **{f"/{name}": its for name, its in added.items()}}
    return {root: f"{root}/probability?{urlencode(its)}" for root, its in records.items()}


@pytest.fixture
def keeping(browser) -> Iterator[Browser]:
    """A browser that keeps pages for going back, which one under test usually does not."""
    flags = {"args": BROWSER_FLAGS, "ignore_default_args": ["--disable-back-forward-cache"]}
    chromium = browser.browser_type.launch(executable_path=CHROMIUM, **flags)
    yield chromium
    chromium.close()


@pytest.fixture
def many_fields(added) -> str:
    """The address of an answer of a table with more fields than a page lists."""
    return f"/many/probability?{urlencode(added['many'])}"
