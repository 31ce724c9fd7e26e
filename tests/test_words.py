"""The words we do not write: old or riddling English, in code, documents and pages; calques in Chinese."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

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
# The same for what people read on pages: regular expressions, with what to write instead.
WORDS_OF_PAGES = {
    r"foret(?:old|ells?|elling)": "predict, predicted",
    r"remember(?:s|ed|ing)?": "save, saved",
    r"forg[eo]t(?:s|ten)?": "delete",
    r"tak(?:e|es|en) back": "revoke",
    r"asleep|put to sleep|wake up": "inactive, deactivate, reactivate",
    r"thin ice": "little data here",
    r"wish(?:es)?": "target",
    r"drawings?": "chart",
    r"in truth|turn(?:s|ed)? out(?: true| so)?": "actual, what happened",
    r"learn(?:s|ed|t)? from": "trained on, training data",
    r"(?:it is|of those) (?:not )?true of": "say which cases",
    r"points? (?:less|more)": "percentage points lower, higher",
    r"(?:who|whom)ever|those who|of whom": "name the person",
    r"nobody's|nobody is": "say what is so",
    r"wr(?:ite|itten) down|write it down": "record",
    r"twins?": "the same person with one answer changed",
    r"simple door": "endpoint",
    r"what this is not": "please note",
    r"for good and all|all else|at once and for good": "for good",
}
# Calques in the Chinese catalogue.
CHINESE_WORDS = {
    "孪生": "只差一项的人",
    "愿望": "目标",
    "希望的概率": "目标概率",
    "关口": "检查项",
    "(?<!错误)(?:这|它)(?:不)?是什么。": "请注意：, 说明：",
    "项目(?!管理)": "字段",
    "(?<!管道（)流水线": "管道（pipeline）",
    "分数": "分值",
    "记住": "保存",
    "凭偶然": "随机猜",
    "完美": "最好",
    "世界协调时": "UTC",
    "提问者": "您",
    "随处": "链接与代码",
    "(?:这个|一个|的)回答(?!所有|变)": "答案",
    "平均的人": "起点：各项取平均",
    "[，。：；？！] ": "no blank behind a wide sign",
    "(?<=[\u4e00-\u9fff])[,:;?!]": "，：；？！",
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


def unwanted_on_pages(text: str, words: dict[str, str] = WORDS_OF_PAGES) -> list[tuple[str, str]]:
    """The unwanted words of a page's text, each with what to write instead."""
    whole = r"\b(?:{})\b" if words is WORDS_OF_PAGES else "{}"
    return [
        (found[0], better)
        for word, better in words.items()
        for found in re.finditer(whole.format(word), text, re.IGNORECASE)
    ]


def texts_of_pages() -> list[tuple[str, str]]:
    """Every text of a page or a message, with the file that holds it."""
    found = extract_from_dir(
        ROOT,
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
        directory_filter=lambda folder: Path(folder).relative_to(ROOT).parts[0] in {"glassform", "templates"},
    )
    return [(file, text) for file, _, told, *_ in found for text in ([told] if isinstance(told, str) else told)]


def texts_of_tables() -> list[tuple[str, str]]:
    """Every text of the data packages that ship, and those that `--add` writes, but for names of sources."""
    paths = [*(ROOT / "data").rglob("datapackage.json"), ROOT / "glassform" / "describing" / "words.json"]

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from texts(each)

    return [(place(path), text) for path in paths for text in texts(json.loads(path.read_text(encoding="utf-8")))]


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


def test_no_text_of_a_page_holds_an_unwanted_word():
    found = {
        f"{file}: {word!r} in {text[:60]!r}: write {better}"
        for file, text in [*texts_of_pages(), *texts_of_tables()]
        for word, better in unwanted_on_pages(text)
    }
    assert not found, "\n".join(sorted(found))


def test_no_chinese_text_holds_an_unwanted_word():
    catalogue = ROOT / "glassform" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
    messages = read_po(io.BytesIO(catalogue.read_bytes()), locale="zh")
    strings = [each.string if isinstance(each.string, tuple) else (each.string,) for each in messages if each.id]
    texts = [str(text) for each in strings for text in each]
    found = {
        f"{text[:60]!r}: {word!r}: write {better}"
        for text in [*texts, *(text for _, text in texts_of_tables())]
        for word, better in unwanted_on_pages(text, CHINESE_WORDS)
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    "text",
    [
        "is what the model foretells: 3",
        "3 predictions are remembered.",
        "Forget this prediction",
        "Take back",
        "She is asleep",
        "Thin ice.",
        "Another wish",
        "Each drawing shows",
        "in truth over $50K",
        "as many turned out so",
        "What it learned from",
        "of those it is true of",
        "0.8 points less",
        "This is not for whoever asks.",
        "Nobody is signed in",
        "Write it down",
        "The twins",
        "The simple door",
    ],
)
def test_an_unwanted_word_of_a_page_is_found(text):
    assert unwanted_on_pages(text)


@pytest.mark.parametrize(
    "text",
    ["Saved predictions", "The actual share", "0.8 percentage points lower", "a wishbone", "Withdraw", "twinned"],
)
def test_a_plain_text_of_a_page_is_left_alone(text):
    assert not unwanted_on_pages(text)


@pytest.mark.parametrize(
    "text",
    [
        "孪生者",
        "换一个愿望",
        "关口",
        "这不是什么。",
        "各个项目",
        "整条流水线",
        "%(field)s的分数",
        "年龄: 12",
        "说明： 模型",
    ],
)
def test_an_unwanted_chinese_word_is_found(text):
    assert unwanted_on_pages(text, CHINESE_WORDS)


@pytest.mark.parametrize(
    "text", ["只差一项的人", "目标概率", "检查项", "各个字段", "分值", "年龄：12", "由另一个版本回答。"]
)
def test_a_plain_chinese_text_is_left_alone(text):
    assert not unwanted_on_pages(text, CHINESE_WORDS)


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
