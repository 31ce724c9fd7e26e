"""The pages tell search engines what they are about, in the words of schema.org."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.resources.judging.conftest import ODD, OPAQUE, TARGET

PAGE = {"Accept": "text/html"}


def linked(client: FlaskClient, path: str) -> Any:
    """The one block of linked data of a page."""
    page = client.get(path, headers=PAGE).text
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


@pytest.mark.parametrize("root", ["", "/iris", "/diabetes", "/census"])
def test_the_form_is_an_application_based_on_a_table_and_the_card_is_about_that_table(client, root):
    form, card = linked(client, f"{root}/"), linked(client, f"{root}/model")
    told = client.get(f"{root}/model").json
    assert (form["@context"], form["@type"]) == ("https://schema.org", "WebApplication")
    assert form["softwareVersion"] == told["model"]["version"] and told["question"] in form["name"]
    assert form["url"] == f"http://localhost{root}/"
    assert form["isBasedOn"] == {
        name: value for name, value in card.items() if name not in ("@context", "inLanguage")
    }
    assert (card["@type"], card["name"]) == ("Dataset", told["data"]["title"])
    assert card["license"] == [each["path"] for each in told["data"]["licenses"]]
    assert card["citation"] == [each["title"] for each in told["data"]["sources"]]


@pytest.mark.parametrize("name", [ODD, OPAQUE])
def test_no_text_of_a_table_ends_the_block(odd_client, name):
    form = linked(odd_client, f"/{name}/")
    assert TARGET in form["name"] and "license" not in linked(odd_client, f"/{name}/model")


def test_it_is_in_the_language_of_the_page(client):
    chinese = linked(client, "/?lang=zh")
    assert chinese["inLanguage"] == "zh-Hans" and client.get("/?lang=zh").json["title"] in chinese["name"]


def test_other_pages_and_those_with_errors_have_none(client):
    for path in ("/scorecard", "/docs", "/model?threshold=2", "/?age=x&nothing=1"):
        assert "ld+json" not in client.get(path, headers=PAGE).text


def test_the_card_leads_to_its_other_forms(client):
    page = client.get("/iris/model", headers=PAGE).text
    for address, media_type in (("/iris/croissant.json", "application/ld+json"), ("/iris/model.md", "text/markdown")):
        assert f'<link rel="alternate" href="{address}" type="{media_type}"' in page
        assert client.get(address).mimetype == media_type


def test_a_browser_takes_the_block_for_data(visit):
    page = visit("/model")
    kept = page.locator('script[type="application/ld+json"]').text_content()
    assert json.loads(kept)["@type"] == "Dataset"
