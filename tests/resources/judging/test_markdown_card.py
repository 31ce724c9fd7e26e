"""The card as Markdown: Hugging Face's own library reads its front matter, and no text of a table breaks it."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sklearn
import yaml
from huggingface_hub import ModelCard, ModelCardData
from markdown_it import MarkdownIt

from glassform.learning.saving import load_pipeline
from glassform.resources.judging import markdown_card
from glassform.settings import ARTIFACTS
from tests.resources.judging.conftest import HEADERS, ODD, OPAQUE

MARKDOWN = MarkdownIt("commonmark").enable("table")
TASKS = {"": "classification", "/census": "classification", "/iris": "classification", "/diabetes": "regression"}


def rendered(text: str) -> str:
    """The body of a card as HTML."""
    return str(MARKDOWN.render(text.partition("\n---\n")[2]))


def config(text: str) -> Any:
    """What skops wants to know, as the card has it."""
    (found,) = re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)
    return json.loads(found)["sklearn"]


def front_of(answer: Any) -> ModelCardData:
    """What the Hub's library reads of a card; it refuses what it cannot."""
    found = ModelCard(answer.text, ignore_metadata_errors=False).data
    assert isinstance(found, ModelCardData)
    return found


def assert_is_a_card(answer: Any, card: Any, task: str) -> None:
    """Check a card by the library of the Hub, and its figures by the same card as JSON."""
    assert answer.status_code == 200 and answer.content_type == "text/markdown; charset=utf-8"
    front = front_of(answer)
    assert (front.library_name, front.pipeline_tag) == ("sklearn", f"tabular-{task}")
    assert front.model_name == f"{card['model']['name']} {card['model']['version']}"
    ours = {markdown_card.SCORES[name]: card["evaluation"].get(name) for name in markdown_card.SCORES}
    assert {each.metric_type: each.metric_value for each in front.eval_results or []} == {
        name: value for name, value in ours.items() if value is not None
    }
    assert {each.task_type for each in front.eval_results or []} == {front.pipeline_tag}
    assert front.datasets is None  # no table here is on the Hub
    assert {each.dataset_type for each in front.eval_results or []} == {"unknown"}
    assert front.metrics == [each.metric_type for each in front.eval_results or []]
    assert front.to_dict()["widget"][0]["structuredData"] == config(answer.text)["example_input"]


def assert_runs(text: str, artifacts: Path) -> None:
    """Check that the pipeline answers the example of its description."""
    found, pipeline = config(text), load_pipeline(artifacts)
    X = pd.DataFrame(found["example_input"])
    assert [*X] == found["columns"] and len(pipeline.predict(X)) == len(X) > 0
    assert found["environment"] == [f"scikit-learn={sklearn.__version__}"]


@pytest.mark.parametrize("root", TASKS)
def test_the_hub_reads_the_card_of_every_table_that_ships(client, root):
    answer, card = client.get(f"{root}/model.md"), client.get(f"{root}/model").json
    assert_is_a_card(answer, card, TASKS[root])
    assert_runs(answer.text, ARTIFACTS / root.strip("/"))
    for text in (card["question"], card["purpose"], card["misuse"], *card["limits"]):
        assert text in unescaped(rendered(answer.text))


def unescaped(page: str) -> str:
    return page.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("name", [ODD, OPAQUE])
def test_no_text_of_a_table_breaks_the_card(odd_client, odd_tables, name):
    answer, card = odd_client.get(f"/{name}/model.md"), odd_client.get(f"/{name}/model").json
    assert_is_a_card(answer, card, "classification")
    assert_runs(answer.text, odd_tables / "artifacts" / name)
    page = rendered(answer.text)
    assert "<script" not in page and "<b>" not in page and "<code>" not in page.replace('<code class="', "")
    (fields,) = [each for each in re.findall(r"<table>.*?</table>", page, re.DOTALL) if "Name for programs" in each]
    lines = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in re.findall(r"<tr>.*?</tr>", fields, re.DOTALL)[1:]]
    assert [unescaped(line[0]) for line in lines] == [each["title"] for each in card["features"]]
    assert len(lines) == len(HEADERS) - 1 and {len(line) for line in lines} == {4}
    assert front_of(answer).license == "unknown"


@pytest.mark.parametrize(
    "value",
    [
        *(
            1e-05,
            1e22,
            -2.5,
            3.0,
            7,
            None,
            True,
            "",
            "1e-05",
            "null",
            "yes",
            "no: maybe",
            "- a",
            "# b",
            "'",
            '"',
            "\\",
        ),
        *(
            "a\nb\r\n\tc",
            "\x00\x1b\x7f\x85\u2028\u2029",
            "\ufeff",
            "日期 😀",
            "---",
            "...",
            "{}",
            "[a]",
            "%",
            "@",
            "*&!",
        ),
        *({"a: b": ["c, d", {"e": []}]}, {}, [], {"long " * 400: 1}, {"": 1, "?": 2, "\n": 3}),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_whatever_a_text_is_yaml_reads_the_same(value):
    assert yaml.safe_load(f"a: {markdown_card.as_yaml(value)}\nb: 1\n") == {"a": value, "b": 1}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "- a",
            "+ a",
            "* a",
            "# a",
            "> a",
            "1. a",
            "12) a",
            "0.5 a",
            "a_b_c *d* **e**",
            "`code`",
            "[a](b)",
            "![a](b)",
        ),
        *(
            "<b>",
            "<!-- a -->",
            "&lt;",
            "&amp;",
            "a | b",
            "~~a~~",
            "\\*",
            "=====",
            "-----",
            "~~~",
            "```",
            "    a",
            "$x$",
        ),
        *("https://example.org", "<https://example.org>", "[a]: b", "a\n\n# b", "日期"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text):
    shown = " ".join(text.split())
    assert unescaped(MARKDOWN.render(markdown_card.plain(text))) == f"<p>{shown}</p>\n"
    assert unescaped(MARKDOWN.render(f"a {markdown_card.in_line(text)}")) == f"<p>a {shown}</p>\n"


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        ([], {"license": "unknown"}),
        ([{"name": "CC-BY-4.0"}], {"license": "cc-by-4.0"}),
        ([{"name": "Own-1.0", "title": "Our own"}], {"license": "other", "license_name": "Our own"}),
        (
            [{"name": "MIT"}, {"name": "ODbL", "path": "https://example.org/odbl"}],
            {"license": "other", "license_name": "MIT, ODbL", "license_link": "https://example.org/odbl"},
        ),
    ],
)
def test_a_licence_is_named_as_the_hub_names_it(licenses, expected):
    assert markdown_card.licence({"licenses": licenses}) == expected


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([], []),
        ([{"title": "iris"}, {"title": "a", "path": "https://example.org/datasets/some/one"}], []),
        (
            [{"title": "b", "path": "https://huggingface.co/datasets/some/one?x=1"}, {"path": "iris.csv"}],
            ["some/one"],
        ),
    ],
)
def test_no_dataset_is_named_unless_the_sources_lead_to_it_on_the_hub(sources, expected):
    assert markdown_card.datasets({"name": "iris", "sources": sources}) == expected


def test_a_browser_gets_the_page_and_a_program_json_unless_they_ask_for_markdown(client):
    assert client.get("/model").mimetype == "application/json"
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert client.get("/model", headers=browser).mimetype == "text/html"
    for answer in (client.get("/model?format=md"), client.get("/model", headers={"Accept": "text/markdown"})):
        assert answer.mimetype == "text/markdown" and answer.text.startswith("---\nlanguage: ")
    assert client.get("/examples.md").status_code == 406
    assert client.get("/model.md?threshold=2").status_code == 422


def test_the_curl_command_of_the_card_is_answered(client):
    (body,) = re.findall(r"-d '(\{.*\})'\n", client.get("/model.md").text)
    assert client.post("/probability", json=json.loads(body)).status_code == 200
