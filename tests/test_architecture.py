"""The rooms of the house and the doors between them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.people import PERSON

# The ground: everybody may import it, and it imports nothing of ours but itself.
GROUND = {"files", "gates", "languages", "limits", "metrics", "programs", "refusals", "settings"}
# Which rooms each room may import beside the ground, and nothing else.
ARROWS: dict[str, set[str]] = {
    "records": set(),
    "tables": set(),
    "fitted": {"records"},
    "accounts": {"records"},
    "describing": {"records", "tables"},
    "analysis": {"fitted", "records"},
    "batches": {"fitted", "records", "tables"},
    "classroom": {"analysis", "fitted", "records", "tables", "versions"},
    "engines": {"fitted", "records", "tables"},
    "versions": {"fitted", "records"},
    "hosting": {"accounts", "fitted", "records", "versions"},
    "learning": {"analysis", "describing", "engines", "fitted", "records", "tables", "versions"},
    "web": {"fitted", "records", "versions"},
    "notebook": {"analysis", "describing", "fitted", "hosting", "learning", "records", "versions", "web"},
    "resources": {
        *("accounts", "analysis", "batches", "classroom", "engines", "fitted"),
        *("records", "tables", "versions", "web"),
    },
    "server": {"accounts", "hosting", "resources", "versions", "web"},
    "model": {"fitted", "learning", "records", "versions"},
    "score": {"engines", "fitted", "versions"},
}
MOST_FLOORS = 7
FLASK = {"accounts", "hosting", "web", "resources", "server"}
TRAINING = {"joblib", "numpy", "pandas", "sklearn"}
ENGINES = {"duckdb", "ibis", "pyarrow", "pyspark", "sqlglot"}
# What may be imported late: engines and what writes their SQL, out of a process that does not use them,
LATE = {
    ("glassform/resources/judging/scorecard.py", "glassform.engines.sql"),
    ("glassform/learning/table.py", "glassform.engines.scoring"),
    # and what a model that is no table of points is made of, out of one that serves none.
    ("glassform/fitted/pipeline.py", "joblib"),
    ("glassform/fitted/pipeline.py", "pandas"),
    # Frames, which nobody who asks for one record has.
    ("glassform/notebook/loading.py", "glassform.describing.frames"),
    # What names reasons, which few answers need.
    ("glassform/resources/answers/probability.py", "glassform.resources.reasons"),
    ("glassform/resources/answers/probabilities.py", "glassform.resources.reasons"),
    ("glassform/resources/judging/scorecard.py", "glassform.resources.reasons"),
    ("glassform/resources/judging/scorecard.py", "glassform.engines.reasons"),
    # Network cards and QR codes, which only a class needs.
    ("glassform/hosting/command.py", "glassform.hosting.class_mode"),
    # What writes a list of versions; most processes only read it.
    ("glassform/versions/registry.py", "filelock"),
    # Rates are read only where somebody sets one.
    ("glassform/settings.py", "limits"),
    # Lists of words, with the first password that is chosen.
    ("glassform/accounts/passwords.py", "zxcvbn"),
    # What looks, as it is imported, whether processes count together.
    ("glassform/metrics.py", "prometheus_client"),
    ("glassform/metrics.py", "prometheus_client.multiprocess"),
}
FORBIDDEN_NAMES = {"utils", "common", "helpers", "core", "models"}


def modules() -> list[Path]:
    package = [path for path in (ROOT / "glassform").rglob("*.py") if "migrations" not in path.parts]
    return sorted([*ROOT.glob("*.py"), *package])


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    first, *rest = path.relative_to(ROOT).with_suffix("").parts
    return rest[0] if first == "glassform" else first


def imported(tree: ast.AST) -> set[str]:
    """The modules a tree imports, those for type checking alone left out."""
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
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names} if module == "glassform" else {module}
    return names


def tops(tree: ast.AST) -> set[str]:
    """The top-level names of what a tree imports."""
    return {name.partition(".")[0] for name in imported(tree)}


def rooms_imported(path: Path) -> set[str]:
    """The rooms of ours that a module imports, its own left out."""
    tree = ast.parse(path.read_text())
    found = {name.removeprefix("glassform.").partition(".")[0] for name in imported(tree)}
    if any("glassform.resources." in str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)):
        found.add("resources")  # named as text, as the table of addresses does
    return (found & {*ARROWS, *GROUND}) - {room(path)}


def floors() -> dict[str, int]:
    """The floor of each room: one above the highest that it imports."""

    def floor(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above, f"a circle: {' -> '.join((*above, name))}"
        return 1 + max((floor(each, (*above, name)) for each in ARROWS[name]), default=1)

    return {name: floor(name) for name in ARROWS}


def test_every_room_has_its_arrows():
    found = {room(path) for path in modules() if not room(path).startswith("__")}
    assert found - GROUND == set(ARROWS)


@pytest.mark.parametrize("path", modules(), ids=place)
def test_imports_go_one_way(path):
    allowed = ARROWS.get(room(path), set())
    assert rooms_imported(path) <= allowed | GROUND


def test_every_arrow_is_used():
    found: dict[str, set[str]] = {name: set() for name in ARROWS}
    for path in modules():
        if room(path) in found:
            found[room(path)] |= rooms_imported(path) - GROUND
    assert found == ARROWS


def test_the_ground_imports_nothing_above_it():
    for path in modules():
        if room(path) in GROUND:
            assert rooms_imported(path) <= GROUND, path


def test_the_house_has_seven_floors_and_no_circle():
    assert max(floors().values()) <= MOST_FLOORS


def test_no_folder_of_resources_imports_another():
    folders = {path.parent.name for path in modules() if "resources" in path.parts} - {"resources"}
    for path in modules():
        if path.parent.name in folders and "resources" in path.parts:
            others = folders - {path.parent.name}
            asked = imported(ast.parse(path.read_text()))
            assert not [
                name for name in asked if name.split(".")[1:2] == ["resources"] and name.split(".")[2] in others
            ]


def test_nobody_imports_the_server():
    assert all("server" not in allowed for allowed in ARROWS.values())


@pytest.mark.parametrize("path", modules(), ids=place)
def test_no_import_hides_in_a_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            hidden = {name for child in node.body for name in imported(child)}
            allowed = {name for where, name in LATE if where == place(path)}
            assert hidden <= allowed, f"{node.name} imports inside"


def test_only_what_is_asked_over_http_may_import_flask():
    for path in modules():
        assert "flask" not in tops(ast.parse(path.read_text())) or room(path) in FLASK, path


def test_only_what_trains_may_import_what_training_needs():
    for path in modules():
        if room(path) not in {"model", "learning", "describing"}:
            late = {name for where, name in LATE if where == place(path)}
            assert not tops(ast.parse(path.read_text())) & TRAINING - late


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


def test_the_first_answer_loads_nothing_of_accounts_databases_limits_and_other_languages(scorecard):
    code = (
        "import sys; from server import create_app; client = create_app().test_client()\n"
        f"answer = client.get('/probability', query_string={PERSON!r})\n"
        "assert answer.status_code == 200 and answer.json['probability']\n"
        "print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    others = {"sqlalchemy", "limits", "alembic", "babel", "filelock", "redis", "psycopg", "segno", "psutil"}
    assert not {name.partition(".")[0] for name in loaded} & (TRAINING | ENGINES | others)
    assert {name for name in loaded if name.startswith("glassform.accounts.")} == {
        f"glassform.accounts.{name}" for name in ("migrating", "privacy", "visits")
    }
    assert {name for name in loaded if name.startswith("glassform.resources.") and name.count(".") > 2} == {
        "glassform.resources.answers.probability"
    }


def test_our_code_unpickles_in_one_place_only():
    found = [
        place(path)
        for path in modules()  # a card names the format of the file
        if re.search(r"\b((?<!\")pickle|joblib\.load|marshal|shelve)\b", path.read_text())
    ]
    assert found == ["glassform/fitted/pipeline.py"]


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
    for path in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r'<script type="application/(ld\+)?json"', "", path.read_text())
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), path.name
