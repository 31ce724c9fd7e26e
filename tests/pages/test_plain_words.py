"""What pages say: plain titles, what to do about an error, what was saved, and the same without blanks in Chinese."""

import html
import re

import pytest

from glassform.describing.wording import WORDS, nouns, worded
from glassform.languages import LANGUAGES
from glassform.records.field import Field
from glassform.records.validation import needed
from glassform.web.joints import marked, without_blanks
from tests.test_pages import PAGES, addresses

PAGE = {"Accept": "text/html"}
CHINESE = PAGE | {"Accept-Language": "zh-CN"}
# A wide sign with a blank behind it, and something on the same line.
BLANK = re.compile(r"[。，、：；？！]\s+(?:<(?:a|b|code|em|span|strong|time)\b|[^<\s])")


@pytest.mark.parametrize(
    ("address", "heading", "title"),
    [
        ("/nowhere", "Page not found", "Not Found"),
        ("/?lang=xx", "The request cannot be read", "Bad Request"),
        ("/model?threshold=2", "Please correct your input", "Unprocessable Entity"),
    ],
)
def test_a_page_of_an_error_has_a_plain_title_and_the_problem_the_standard_one(client, address, heading, title):
    page = client.get(address, headers=PAGE)
    assert (
        f"<h1>{heading}</h1>" in page.text or heading in re.findall("<title>(.*?)</title>", page.text, re.DOTALL)[0]
    )
    assert client.get(address).json["title"] == title
    assert client.get(address).status_code == page.status_code


@pytest.mark.parametrize("path", ["/probability", "/iris/probability", "/probability?format=html&utm_source=x"])
def test_a_browser_that_gives_no_field_gets_the_form_without_errors(client, path):
    page = client.get(path, headers=PAGE)
    assert page.status_code == 200
    assert 'class="error"' not in page.text and 'class="summary"' not in page.text
    assert '<form class="fields"' in page.text


def test_a_program_that_gives_no_field_gets_every_error(client, schema):
    answer = client.get("/probability")
    assert answer.status_code == 422 and len(answer.json["errors"]) == len(schema.fields)
    assert 'class="error"' in client.get("/probability?age=", headers=PAGE).text


def test_a_missing_field_is_told_as_what_to_do(client, record):
    without = {name: value for name, value in record.items() if name not in ("age", "education")}
    messages = {each["field"]: each for each in client.get("/probability", query_string=without).json["errors"]}
    assert messages["age"]["message"] == "Enter age, a whole number from 17 to 90."
    assert messages["education"] == {"field": "education", "value": None, "message": "Choose an education."}
    page = html.unescape(client.get("/probability", query_string=without, headers=PAGE).text)
    assert "Education Choose" not in page and "Choose an education." in page
    chinese = client.get("/probability", query_string=without, headers=CHINESE).text
    assert "请选择教育程度。" in chinese and "年龄 请" not in chinese


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Education", "Choose an education."),
        ("BMI class", "Choose a BMI class."),
        ("University", "Choose a university."),
    ],
)
def test_a_title_stands_in_a_sentence_as_people_write_it(title, said):
    descriptor = {"name": "x", "type": "string", "title": title, "constraints": {"enum": ["a", "b"]}}
    assert needed(Field.from_descriptor(descriptor)) == said


def test_the_list_of_models_names_no_source_of_one_of_them(client):
    page = client.get("/tables", headers=PAGE).text
    assert "<h1>Models to try</h1>" in page
    assert "Becker" not in page.partition("<footer>")[2]


def test_the_question_of_an_added_table_names_its_noun_in_english_and_has_a_chinese_one():
    public, own = worded("classes", "flower", rows=120, columns=4, target="species", positive="")
    assert own["question"] == "Which species is this flower?"
    assert own["noun"] == {"one": "flower", "many": "flowers"}
    assert own["translations"]["zh"]["question"] == "species 是哪一种？"
    assert own["translations"]["zh"]["noun"] == {"one": "样本", "many": "样本"}
    assert "120" in public["description"] and "120" in own["translations"]["zh"]["description"]
    assert "flowers" not in str(own["translations"])


@pytest.mark.parametrize("task", ["binary", "classes", "number"])
@pytest.mark.parametrize("noun", ["", "house"])
def test_every_language_has_every_sentence_of_a_description(task, noun):
    assert {*WORDS} == {*LANGUAGES}
    _, own = worded(task, noun, rows=99, columns=1, target="price", positive="high")
    for each in (own, *own["translations"].values()):
        assert all(each[name] and "{" not in each[name] for name in ("question", "note", "outcome"))
    assert "described" not in own["note"]


@pytest.mark.parametrize(
    ("noun", "many"),
    [("flower", "flowers"), ("box", "boxes"), ("city", "cities"), ("day", "days"), ("mouse/mice", "mice")],
)
def test_a_noun_has_its_plural(noun, many):
    assert nouns(noun) == {"one": noun.partition("/")[0], "many": many}


@pytest.mark.parametrize("name", PAGES)
def test_no_chinese_page_has_a_blank_behind_a_wide_sign(client, record, name):
    page = client.get(addresses(record)[name], headers=CHINESE).text
    main = re.sub(r"<(script|pre|textarea|title)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not BLANK.findall(main)


def test_typed_text_keeps_its_blanks():
    page = f"{marked('一。')} {marked('二：')}</strong> <a>三</a> <input value='四。 五'>"
    assert without_blanks(page) == "一。二：</strong><a>三</a> <input value='四。 五'>"
