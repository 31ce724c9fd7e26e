"""A table of a stranger's, with a field of every kind, described and with rows to learn from."""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# A valid record, as JSON and text write it alike.
TYPICAL: dict[str, Any] = {
    "count": 40,
    "weight": 3.5,
    "ratio": 5.0,
    "income": 20.0,
    "job": "teacher",
    "member": "yes",
    "checked": "TRUE",
    "class": "1",
    "code": "007",
    "city": "Zürich",
    "since": 2020,
}
FIELDS: dict[str, dict[str, Any]] = {
    "count": {"type": "integer", "constraints": {"minimum": 0, "maximum": 100}},
    "weight": {"type": "number", "constraints": {"minimum": 0, "maximum": 1000}},
    "ratio": {"type": "number", "constraints": {"minimum": 0.1, "maximum": 9.9}},
    "income": {"type": "number", "constraints": {"minimum": 0, "maximum": 100}, "glassform": {"gaps": True}},
    "job": {"type": "string", "constraints": {"enum": ["teacher", "baker", "?"]}},
    "member": {"type": "string", "constraints": {"enum": ["no", "yes"]}},
    "checked": {"type": "string", "constraints": {"enum": ["FALSE", "TRUE"]}},
    "class": {"type": "string", "constraints": {"enum": ["1", "2"]}},
    "code": {"type": "string", "constraints": {"enum": ["007", "42"]}},
    "city": {"type": "string", "constraints": {"enum": ["Zürich", "Genève", "a, b", 'say "hi"', "two\nlines"]}},
    "since": {"type": "integer", "glassform": {"years": True, "observed": {"minimum": 2010, "maximum": 2025}}},
}
MISSING = ["", "?", "NA", "-"]


def write_stranger(folder: Path, fields: Sequence[str] = tuple(FIELDS), rows: int = 400) -> Path:
    """Write some fields of the table to a folder; return its data package."""
    chance = random.Random(1)
    for name, seed in (("train", rows), ("test", rows // 4)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*fields, "y"])
            writer.writerows(row(fields, chance) for _ in range(seed))
    descriptors = [{"name": name, **FIELDS[name]} for name in fields]
    target = {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}
    schema = {"fields": [*descriptors, target], "missingValues": MISSING}
    own: dict[str, Any] = {
        "question": "Is it?",
        "note": "Made up.",
        "target": "y",
        "positive": "yes",
        "outcome": "is",
    }
    own |= {"features": [*fields], "estimator": "logistic", "train": "train", "test": "test"}
    files = [{"name": name, "path": f"{name}.csv", "schema": schema} for name in ("train", "test")]
    package = {
        "name": "stranger",
        "title": "Stranger",
        "description": "Made up.",
        "glassform": own,
        "resources": files,
    }
    path = folder / "datapackage.json"
    path.write_text(json.dumps(package | {"resources": files}), encoding="utf-8")
    return path


def row(fields: Sequence[str], chance: random.Random) -> list[Any]:
    """One row, its outcome last."""
    made = {name: value(name, chance) for name in fields}
    score = float(made["count"]) / 50 - float(made["weight"]) / 500 + chance.gauss(0, 1)
    return [*made.values(), "yes" if score > 0 else "no"]


def value(name: str, chance: random.Random) -> Any:
    """A value that a field may have."""
    field = FIELDS[name]
    rule = field.get("constraints", {})
    if "enum" in rule:
        return chance.choice(rule["enum"])
    if field.get("glassform", {}).get("gaps") and chance.random() < 0.2:
        return "NA"
    ends = rule or field["glassform"]["observed"]
    if field["type"] == "integer":
        return chance.randint(ends["minimum"], ends["maximum"])
    return round(chance.uniform(ends["minimum"], ends["maximum"]), 2)
