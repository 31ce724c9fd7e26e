"""Tables with odd headers, odd cells and gaps, added as their owners would: a scorecard, and one that is none."""

import csv
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import model
from glassform.describing.files import add
from glassform.settings import ARTIFACTS
from tests.conftest import documented, quick_training

ODD, OPAQUE, TARGET = "odd", "opaque", "out*come: | `yes`? </script>"
HEADERS = ["Größe, cm", 'a "quoted" <b> & |pipe|', "日期 列", "--- #1: {x}", "label \\ [y](z)", TARGET]


def odd_rows() -> Iterator[list[object]]:
    """Rows that hold what Markdown, YAML, HTML and identifiers take for their own signs."""
    chance = random.Random(23)
    for _ in range(240):
        size, count = round(chance.gauss(170, 10), 1), chance.randint(0, 5)
        sign = chance.choice(["<script>alert(1)</script>", "a|b", "*c*", "`d`", "~~~", "null"])
        yields = size + 5 * count + chance.gauss(0, 5) > 180
        gap = chance.random() < 0.2
        day, word = chance.choice(["一", "二 三", "😀"]), chance.choice(["yes: no", "# one", "- two", "'"])
        yield ["" if gap else size, sign, day, count, word, "yes" if yields else "no\\"]


@pytest.fixture(scope="session")
def odd_tables(scorecard, tmp_path_factory) -> Path:
    """A folder with the descriptions and files of both, and with the models of all tables."""
    folder: Path = tmp_path_factory.mktemp("odd_tables")
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADERS, *odd_rows()])
    shutil.copytree(ARTIFACTS, folder / "artifacts")
    for name, estimator in ((ODD, None), (OPAQUE, "svm")):
        package, _ = add(folder / "rows.csv", TARGET, name, folder / "data", estimator)
        with quick_training():
            model.train(package, folder / "artifacts" / name)
    return folder


@pytest.fixture
def odd_client(odd_tables, paths) -> Iterator[FlaskClient]:
    """A client of a server that has them beside the shipped tables."""
    with documented(paths, odd_tables / "artifacts") as app:
        yield app.test_client()
