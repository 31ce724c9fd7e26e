"""The rooms of the house and the doors between them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Which of our modules each one may import, and nothing else.
ARROWS = {
    "server": {
        "auth",
        "batch",
        "charts",
        "database",
        "fitted",
        "languages",
        "metrics",
        "registry",
        "representations",
        "resources",
        "schema",
        "serving",
        "settings",
        "tensors",
        "thresholds",
    },
    "settings": set(),
    "metrics": set(),
    "database": {"settings"},
    "auth": {"batch", "database", "languages", "settings"},
    "openapi": {"languages", "representations", "schema", "serving"},
    "sql": {"schema", "scorecard"},
    "engines": set(),
    "score": {"engines", "fitted", "registry", "schema", "scorecard", "sql"},
    "estimators": {"schema"},
    "package": {"schema"},
    "rows": {"engines", "schema", "support"},
    "model": {
        "describe",
        "engines",
        "estimators",
        "evaluation",
        "fitted",
        "kinds",
        "package",
        "registry",
        "rows",
        "schema",
        "scorecard",
        "support",
    },
    "describe": {"schema"},
    "evaluation": {"fitted", "registry", "rows", "schema", "scorecard", "targets", "thresholds"},
    "registry": {"fitted", "kinds", "languages", "schema", "scorecard"},
    "serving": {"fitted", "languages", "registry", "schema"},
    "batch": {"fitted", "languages", "schema", "scorecard"},
    "changes": {"schema", "scorecard", "targets"},
    "drift": {"fitted", "schema"},
    "kinds": {"fitted", "languages", "schema", "scorecard", "targets"},
    "fitted": {"languages", "schema", "support", "targets"},
    "targets": {"schema"},
    "resources": {
        "auth",
        "batch",
        "changes",
        "database",
        "drift",
        "fitted",
        "kinds",
        "languages",
        "metrics",
        "openapi",
        "registry",
        "representations",
        "resources",
        "schema",
        "scorecard",
        "serving",
        "sql",
        "support",
        "targets",
        "tensors",
        "thresholds",
    },
    "representations": {"batch", "fitted", "languages", "schema", "serving", "tensors"},
    "tensors": {"languages", "schema"},
    "thresholds": {"scorecard"},
    "scorecard": {"fitted", "schema", "support", "targets"},
    "support": {"schema"},
    "languages": set(),
    "charts": set(),
    "schema": {"languages"},
}
TRAINING = {"joblib", "numpy", "pandas", "sklearn"}
ENGINES = {"duckdb", "ibis", "pyarrow", "pyspark", "sqlglot"}
# What may be imported late, to keep engines and what writes their SQL out of a process that does not use them
LATE = {("resources/scorecard.py", "sql"), ("rows.py", "engines")}
# and what a model that is no table of points is made of, out of one that serves none
LATE |= {("kinds.py", "joblib"), ("kinds.py", "pandas")}
FORBIDDEN_NAMES = {"utils", "common", "helpers", "core", "models"}


def modules() -> list[Path]:
    return [*ROOT.glob("*.py"), *(ROOT / "resources").glob("*.py")]


def room(path: Path) -> str:
    return "resources" if path.parent.name == "resources" else path.stem


def imported(tree: ast.AST) -> set[str]:
    """The top-level names a module imports, those for type checking alone left out."""
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_every_room_has_its_arrows():
    assert {room(path) for path in modules()} == set(ARROWS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    ours = imported(ast.parse(path.read_text())) & set(ARROWS)
    assert ours <= ARROWS[room(path)]


def test_nobody_imports_the_server():
    assert all("server" not in allowed for allowed in ARROWS.values())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            hidden = {name for child in node.body for name in imported(child)}
            allowed = {name for where, name in LATE if where == str(path.relative_to(ROOT))}
            assert hidden <= allowed, f"{node.name} imports inside"


def test_only_what_trains_may_import_what_training_needs():
    for path in modules():
        if room(path) not in {"model", "rows", "estimators", "evaluation", "describe"}:
            late = {name for where, name in LATE if where == str(path.relative_to(ROOT))}
            assert not imported(ast.parse(path.read_text())) & TRAINING - late


def test_a_fresh_serving_process_loads_no_training_library_and_nothing_that_unpickles(scorecard):
    code = (
        "import sys; from server import create_app; client = create_app().test_client()\n"
        "assert client.get('/', headers={'Accept': 'text/html'}).status_code == 200\n"
        "assert client.get('/examples').json\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    assert "flask_restful" in loaded
    assert not loaded & (TRAINING | ENGINES | {"scipy", "cloudpickle", "polars"})


def test_our_code_unpickles_in_one_place_only():
    found = [
        path.name for path in modules() if re.search(r"\b(pickle|joblib\.load|marshal|shelve)\b", path.read_text())
    ]
    assert found == ["kinds.py"]


def test_no_room_is_a_lumber_room():
    names = {path.stem for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    assert not names & FORBIDDEN_NAMES


def test_no_function_is_longer_than_forty_lines():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                documented = (ast.get_docstring(node) or "").count("\n") + 1
                assert len(ast.unparse(node).splitlines()) - documented <= 40, node.name


def test_pages_hold_no_inline_style_or_script():
    for path in (ROOT / "templates").iterdir():
        text = path.read_text().replace('<script type="application/json"', "")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), path.name
