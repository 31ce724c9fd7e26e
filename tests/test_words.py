"""The words we do not write: old or riddling English, in comments, docstrings, plain strings and documents."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Each with what to write instead.
WORDS = {
    "foretold": "predicted",
    "foretell": "predict",
    "foretells": "predicts",
    "foretelling": "predicting",
    "lest": "so that ... not",
    "whoever": "name the person: the client, the user",
    "nobody's": "no user's, or None",
    "such as are": "name them",
    "for it is": "because it is",
    "what becomes of": "what happens to",
    "put to sleep": "disable",
    "be remembered": "be saved",
    "thereof": "of it",
    "whereof": "of which",
    "whence": "from where",
    "whither": "where",
    "hitherto": "so far",
    "heretofore": "so far",
    "albeit": "but",
    "ought": "should",
}
UNWANTED = re.compile(rf"\b(?:{'|'.join(map(re.escape, WORDS))})\b", re.IGNORECASE)
FINISHED = re.compile(r"""([.:?!…)`'"]|https?://\S+)\s*$""")  # the end of a paragraph
UNDERLINED = re.compile(r"^\s*-{3,}$", re.MULTILINE)  # a heading, as of Raises
# The texts of pages: translated, and written elsewhere.
TRANSLATED = {"_", "gettext", "lazy_gettext", "ngettext", "lazy_ngettext", "pgettext"}
TEXTS_OF_PAGES = {"glassform/records/messages.py": "MESSAGES"}


def unwanted_in(text: str) -> list[str]:
    """The unwanted words of a text, broken lines joined."""
    return [found.lower() for found in UNWANTED.findall(re.sub(r"\s*\n\s*#?\s*", " ", text))]


def comments(source: str) -> Iterator[str]:
    """The comments of a module, those on lines that follow each other as one."""
    together: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                yield "\n".join(together)
                together = []
            together.append(token.string)
            last = token.start[0]
    yield "\n".join(together)


def is_translated(node: ast.AST, table: str) -> bool:
    """Whether a node holds texts of pages: a call that translates, or the table of messages."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in TRANSLATED
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(target, ast.Name) and target.id == table for target in targets)
    return False


def strings(tree: ast.AST, table: str = "") -> Iterator[str]:
    """The strings of a module, docstrings among them, without the texts of pages."""
    if is_translated(tree, table):
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.value
    for child in ast.iter_child_nodes(tree):
        yield from strings(child, table)


def docstrings(tree: ast.Module) -> Iterator[str]:
    """The docstrings of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def texts_of(source: str, place: str) -> list[str]:
    """What a Python file says to its readers; tests quote pages, so only their comments and docstrings."""
    tree = ast.parse(source)
    said = docstrings(tree) if place.startswith("tests/") else strings(tree, TEXTS_OF_PAGES.get(place, ""))
    return [*comments(source), *said]


def files() -> list[Path]:
    folders = ("benchmarks", "data", "docs", "glassform", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"}]
    return sorted([*ROOT.glob("*.py"), *ROOT.glob("*.md"), *found])


def unfinished_in(text: str) -> list[str]:
    """The paragraphs of a docstring that break off, or begin twice, as a careless edit or merge leaves them."""
    paragraphs = [each.splitlines() for each in re.split(r"\n\s*\n", text) if each and not UNDERLINED.search(each)]
    return [
        "\n".join(lines)
        for lines in paragraphs
        if not FINISHED.search(lines[-1])
        or any(first[:20] == second[:20] and len(first) > 40 for first, second in pairwise(lines))
    ]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", files(), ids=place)
def test_no_file_holds_an_unwanted_word(path):
    text = path.read_text()
    texts = texts_of(text, place(path)) if path.suffix == ".py" else [text]
    found = sorted({word for each in texts for word in unwanted_in(each)})
    assert not found, "; ".join(f"{word!r}: write {WORDS[word]}" for word in found)


@pytest.mark.parametrize("path", [each for each in files() if each.suffix == ".py"], ids=place)
def test_no_docstring_breaks_off(path):
    assert not [each for text in docstrings(ast.parse(path.read_text())) for each in unfinished_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Return the tag.\n\nPages also depend on",
        "Return it.\n\n`version` is a hash of the data and of the recipe, and so\n`version` is a hash of the data.",
    ],
)
def test_a_docstring_that_breaks_off_is_found(text):
    assert unfinished_in(text)


@pytest.mark.parametrize(
    "source",
    [
        '"""What is foretold."""',
        "x = 1  # kept, for it is small",
        "# one, for\n# it is small",
        'def f():\n    """Whoever\n    asks."""',
        'print(f"{1} is nobody\'s")',
        'MESSAGES = {"a": "lest"}',
        'gettext(name) + "what becomes\\nof rows"',
    ],
)
def test_an_unwanted_word_is_found(source):
    assert [word for text in texts_of(source, "x.py") for word in unwanted_in(text)]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('gettext("It is foretold.")', "x.py"),
        ('languages.lazy_gettext("lest" " it is")', "x.py"),
        ('MESSAGES = {"a": "lest"}', "glassform/records/messages.py"),
        ('assert "foretold" in page', "tests/test_x.py"),
        ("lest = nobody = 1  # harvest, celestial", "x.py"),
    ],
)
def test_texts_of_pages_and_names_are_left_alone(source, place):
    assert not [word for text in texts_of(source, place) for word in unwanted_in(text)]


def words_of_tables() -> set[str]:
    """The columns and categories of all tables that ship; figures and the sign of a gap left out."""
    packages = [json.loads(path.read_text()) for path in (ROOT / "data").rglob("datapackage.json")]
    described = [
        each["schema"]["fields"] for package in packages for each in package["resources"] if "schema" in each
    ]
    fields = [field for each in described for field in each]
    words = {field["name"] for field in fields}
    words |= {str(value) for field in fields for value in field.get("constraints", {}).get("enum", [])}
    return {word for word in words if re.search("[a-z]", word, re.IGNORECASE)}


def test_no_word_of_a_table_stands_in_the_code():
    words = words_of_tables()
    for path in [*ROOT.glob("*.py"), *(ROOT / "glassform").rglob("*.py")]:
        assert not words & {*strings(ast.parse(path.read_text()))}, path.name
