import gettext
import html
import io
import re
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jinja2
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from playwright.sync_api import expect

from glassform.records.schema import Schema, localised
from tests.conftest import ROOT, remember
from tests.test_pages import PAGES, addresses

CATALOG = ROOT / "glassform" / "translations" / "zh" / "LC_MESSAGES"
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
# names, and words of the formats and programs themselves, are the same in every language
NAMES = {"Glassform", "English", "JSON", "CSV", "ROC", "AUC", "Brier", "curl", "Python", "JavaScript", "SHA", "Ctrl"}
NAMES |= {"scikit", "learn", "train", "test", "pipeline", "joblib", "fnlwgt", "Ding", "threshold", "KB", "MB"}
NAMES |= {"RBF", "API", "format", "OpenAPI", "pandas", "NVIDIA", "RFC", "Accept", "json", "html", "csv"}
NAMES |= {"SQL", "Open", "Inference", "Protocol", "predict", "openapi", "Markdown", "Croissant"}
NAMES |= {"PSI", "SELECT", "DuckDB", "PostgreSQL", "Spark", "BigQuery", "Snowflake", "MySQL", "SQLite"}
WORD = re.compile(r"[A-Za-z]{2,}")
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w+\}")


def catalog():
    return read_po(io.BytesIO((CATALOG / "messages.po").read_bytes()), locale="zh")


def test_every_text_is_in_the_catalog_and_none_is_left_over():
    found = extract_from_dir(
        ROOT,
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
        directory_filter=lambda folder: Path(folder).relative_to(ROOT).parts[0] in {"glassform", "templates"},
    )
    assert {message.id for message in catalog() if message.id} == {text for _, _, text, _, _ in found}


@pytest.mark.parametrize("message", [each for each in catalog() if each.id], ids=lambda message: str(message.id)[:40])
def test_every_translation_is_there_and_keeps_the_placeholders(message):
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    original = message.id[0] if isinstance(message.id, tuple) else message.id
    for text in texts:
        assert text
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(original))


def test_the_compiled_catalog_is_the_written_one():
    compiled = gettext.GNUTranslations(io.BytesIO((CATALOG / "messages.mo").read_bytes()))
    for message in catalog():
        if isinstance(message.id, tuple):
            assert compiled.ngettext(message.id[0], message.id[1], 1) == message.string[0]
        elif message.id:
            assert compiled.gettext(message.id) == message.string


def words_left(text: str) -> set[str]:
    """The words in Latin letters that a Chinese reader would find."""
    english, code, links = r'<(\w+) lang="en".*?</\1>', r"<(script|pre|code)\b.*?</\1>", r'<a href="https?:.*?</a>'
    version = r"\b[0-9a-f]{12}\b"
    for passed_over in (version, english, code, links, r"<[^>]*>", r'\b[\w-]+="[^"]*"'):
        text = re.sub(passed_over, " ", text, flags=re.DOTALL)
    return {*WORD.findall(html.unescape(text))} - NAMES


@pytest.mark.parametrize("name", PAGES)
def test_no_page_shows_an_untranslated_word(client, record, name):
    page = client.get(addresses(record)[name], headers=CHINESE | {"Accept": "text/html"}).text
    assert '<html lang="zh-Hans">' in page
    # values that an address accepts are named as they have to be written there
    named = {"errors": {"Female", "Male"}, "wish": {*WORD.findall(" ".join(record))}}
    assert words_left(page) <= named.get(name, set())
    for attribute in re.findall(r'(?:aria-label|alt|title|data-copy|data-copied|data-selected)="([^"]*)"', page):
        assert not {*WORD.findall(html.unescape(attribute))} - NAMES, attribute


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_a_text_outside_the_catalog(path):
    tokens = jinja2.Environment().lex(path.read_text(encoding="utf-8"))
    assert words_left("".join(text if kind == "data" else "…" for _, kind, text in tokens)) <= {
        "autofocus",
        "hint",
        "error",
        "EXP",
    }


def test_the_data_package_translates_everything_people_read(schema):
    chinese = Schema(localised(schema.package, "zh"))
    for field, translated in zip([*schema.fields, schema.target], [*chinese.fields, chinese.target], strict=True):
        assert (translated.name, list(translated.categories)) == (field.name, list(field.categories))
        texts = [translated.title, translated.description, *translated.categories.values()]
        texts += [translated.unit] if field.unit else []
        assert all(text and not WORD.search(text) for text in texts)
    card = chinese.own["card"]
    assert len(card["limits"]) == len(schema.own["card"]["limits"])
    assert card["references"] == schema.own["card"]["references"]
    for text in (chinese.own["question"], chinese.own["note"], chinese.own["outcome"], *card["limits"]):
        assert not {*WORD.findall(text)} - NAMES


def test_an_address_a_cookie_and_a_header_choose_the_language_in_that_order(client):
    def language(query: str = "", cookie: str = "", header: str = "") -> str:
        client.delete_cookie("lang")
        if cookie:
            client.set_cookie("lang", cookie)
        headers = {"Accept": "text/html"} | ({"Accept-Language": header} if header else {})
        found: list[str] = re.findall('<html lang="(.*?)"', client.get(f"/{query}", headers=headers).text)
        return found[0]

    assert language() == "en"
    assert language(header="zh-CN") == language(header="zh-TW;q=0.9,fr") == "zh-Hans"
    assert language(header="fr,de;q=0.8") == language(header="en-GB,zh;q=0.5") == language(header=";;;") == "en"
    assert language(cookie="en", header="zh") == "en"
    assert language(cookie="zh") == language("?lang=zh", cookie="en") == "zh-Hans"
    assert language(cookie="xx") == "en"
    assert language("?%6Cang=zh") == "zh-Hans"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("EN", "en"),
        ("EN-us", "en"),
        ("en_GB.UTF-8", "en"),
        ("eng", "en"),
        ("ZH", "zh-Hans"),
        ("Zh-cn", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zh-Hant-TW", "zh-Hans"),
        ("ZH-HANS", "zh-Hans"),
        ("cmn-Hans-CN", "zh-Hans"),
    ],
)
def test_a_language_tag_is_read_in_any_capitals_with_any_script_and_region(client, tag, expected):
    def language(query: str = "", cookie: str = "", header: str = "") -> str:
        client.set_cookie("lang", cookie)
        page = client.get(f"/{query}", headers={"Accept": "text/html", "Accept-Language": header}).text
        found: list[str] = re.findall('<html lang="(.*?)"', page)
        return found[0]

    other = {"en": "zh", "zh-Hans": "en"}[expected]
    assert language(header=f"fr, {tag};q=0.9, {other};q=0.8") == expected
    assert language(cookie=tag, header=other) == expected
    assert language(f"?lang={tag}", cookie=other, header=other) == expected
    kept = client.get(f"/?lang={tag}", headers={"Accept": "text/html"}).headers["Set-Cookie"]
    assert kept.startswith(f"lang={expected[:2]};")


@pytest.mark.parametrize("tag", ["fr-FR", "zhx", "x-zh", "-", "*", "日本", "en us"])
def test_a_tag_of_another_language_gets_the_default(client, tag):
    page = client.get("/", headers={"Accept": "text/html", "Accept-Language": tag.encode().decode("latin-1")}).text
    assert '<html lang="en">' in page


@pytest.mark.parametrize("query", ["lang=xx", "lang=", "lang=zh&lang=en", "lang=zhx", "lang=fr-FR"])
def test_a_language_that_is_not_offered_is_refused(client, record, query):
    for path in ("/", "/model", f"/probability?{urlencode(record)}"):
        response = client.get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert response.status_code == 400
        assert "en, zh" in response.json["detail"]
    assert client.get(f"/?{query}", headers={"Accept": "text/html"}).status_code == 400


def test_a_language_asked_for_by_a_page_is_kept_in_a_cookie(client):
    asked = client.get("/?lang=zh", headers={"Accept": "text/html"})
    assert re.fullmatch(
        r"lang=zh; Expires=[^;]*; Max-Age=31536000; Path=/; SameSite=Lax", asked.headers["Set-Cookie"]
    )
    assert "Set-Cookie" not in client.get("/", headers={"Accept": "text/html"}).headers
    assert "Set-Cookie" not in client.get("/?lang=zh").headers


def test_json_keeps_its_keys_and_values_and_translates_its_texts(client, record):
    english = client.get("/probability", query_string=record)
    chinese = client.get("/probability", query_string=record, headers=CHINESE)
    assert chinese.json == english.json
    unlike = client.get("/probability", query_string=record | {"age": 85, "hours_per_week": 99}, headers=CHINESE)
    assert unlike.json["warnings"] == ["训练数据的 32,561 个人中没有一个与此相像，因此模型只是在外推。"]
    wrong = client.get("/probability", query_string=record | {"age": "x", "sex": "mael"}, headers=CHINESE).json
    assert list(wrong) == ["type", "title", "status", "detail", "errors"]
    assert [error["field"] for error in wrong["errors"]] == ["age", "sex"]
    assert [error["message"] for error in wrong["errors"]] == [
        "x 不是用普通数字书写的整数",
        "mael 不是已知的性别；您是指 Male 吗？",
    ]


def test_the_etag_tells_languages_apart(client, record):
    page = {"Accept": "text/html"}
    english = client.get("/probability", query_string=record, headers=page)
    chinese = client.get("/probability", query_string=record, headers=page | CHINESE)
    assert english.headers["ETag"] != chinese.headers["ETag"]
    known = page | CHINESE | {"If-None-Match": english.headers["ETag"]}
    assert client.get("/probability", query_string=record, headers=known).status_code == 200


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_the_switch_is_visible_keeps_the_page_and_lasts(visit, record, script):
    page = visit(f"/probability?{urlencode(record)}", script=script)
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("12.7%")
    expect(page.get_by_role("heading", level=1)).to_contain_text("年收入超过 5 万美元")
    expect(page.get_by_label("年龄", exact=True)).to_have_value("39")
    page.get_by_role("link", name="模型卡").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("模型卡")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card")


def test_the_page_of_a_posted_form_can_be_switched_too(client, record):
    page = client.post("/probability", data=record, headers={"Accept": "text/html"}).text
    assert 'href="/?lang=zh"' in page


def test_the_pages_of_an_account_show_no_untranslated_word(visit_as, record):
    page = visit_as("teacher", language="zh-CN")
    remember(page, record)
    named = [*re.findall("visitor[0-9]+", page.content())[:1], *map(str, record.values())]
    for path in (urlsplit(page.url).path, "/account", "/predictions", "/users"):
        page.goto(path)
        if path == "/users":  # other tests have users on this server
            named += page.locator("tbody th").all_inner_texts()
        left = words_left(page.locator("body").evaluate("body => body.outerHTML"))
        assert not left - {*WORD.findall(" ".join(named))}, path
