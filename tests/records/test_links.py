"""The links of a data package lead to pages and addresses of mail, and run nothing."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from glassform.records.datapackage import InvalidPackage, read_package
from glassform.records.links import is_link, links_of, without_wrong_links
from glassform.settings import PACKAGE, Settings
from glassform.versions.registry import Registry
from server import create_app
from tests.records.test_datapackage import SOUND, written

LINKS = ["https://example.org/a?b=c#d", "http://example.org", "HTTPS://EXAMPLE.ORG/", "mailto:data@example.org"]
NO_LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//example.org",
    "/account",
    "LICENSE.txt",
    "https:example.org",
    "https://",
    "https:/\\example.org",
    "https://example.org/\nx",
    "https://example.org\\@other.example",
    "mailto:",
]


@pytest.mark.parametrize("text", LINKS)
def test_pages_and_addresses_of_mail_are_links(text):
    assert is_link(text)


@pytest.mark.parametrize("text", [*NO_LINKS, None, 5, ["https://example.org"]])
def test_nothing_else_is_a_link(text):
    assert not is_link(text)


def with_link(place: str, link: Any) -> dict[str, Any]:
    """The sound package with a link somewhere."""
    package: Any = copy.deepcopy(SOUND)
    named = [{"title": "T", "path": link}]
    if place == "homepage":
        package["homepage"] = link
    elif place.startswith("glassform.card"):
        package["glassform"]["card"] = {"references": named}
    elif place.startswith("glassform.translations"):
        package["glassform"]["translations"] = {"zh": {"sources": named}}
    elif place.startswith("resources"):
        package["resources"][1]["licenses"] = named
    else:
        package[place.partition("[")[0]] = named
    return dict(package)


PLACES = [
    "homepage",
    "sources[0].path",
    "licenses[0].path",
    "contributors[0].path",
    "glassform.card.references[0].path",
    "glassform.translations.zh.sources[0].path",
    "resources[1].licenses[0].path",
]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_link_is_refused_with_its_place_value_and_rule(tmp_path, place):
    assert read_package(written(tmp_path, with_link(place, LINKS[0])))
    assert read_package(written(tmp_path, with_link(place, "")))
    for wrong in NO_LINKS:
        with pytest.raises(InvalidPackage) as mistake:
            read_package(written(tmp_path, with_link(place, wrong)))
        assert f"{place}: {wrong!r} is not a link that begins with http://, https:// or mailto:" in str(mistake.value)


def test_a_category_or_a_file_of_such_a_name_is_no_link(tmp_path):
    package: Any = copy.deepcopy(SOUND)
    field = package["resources"][0]["schema"]["fields"][1]
    field["constraints"]["enum"] = ["path", "url"]
    field["glassform"] = {"titles": {"path": "Path", "url": "Address"}}
    assert read_package(written(tmp_path, package)).by_name["kind"].categories == {"path": "Path", "url": "Address"}
    assert not [*links_of(package)]


def test_links_that_are_right_stay_as_they_are():
    package = json.loads(PACKAGE.read_text(encoding="utf-8"))
    assert len([*links_of(package)]) >= 4 and without_wrong_links(package) is package


def test_a_model_that_is_older_than_the_check_loads_and_shows_no_such_link(scorecard, tmp_path, empty_database):
    package = copy.deepcopy(scorecard.package)
    wrong = [{"title": "Where it is from", "path": "javascript:alert(1)"}]
    package["sources"] = package["licenses"] = package["glassform"]["card"]["references"] = wrong
    package["glassform"]["translations"]["zh"]["sources"] = wrong
    old = replace(scorecard, package=package)
    versions = Registry(tmp_path / "artifacts")
    with versions.new_folder() as folder:
        old.save(folder)
        versions.add(folder)
    versions.promote(old.version)
    (tmp_path / "own.sqlite").write_bytes(empty_database.read_bytes())
    client = create_app(
        tmp_path / "artifacts", Settings(database_url=f"sqlite:///{tmp_path / 'own.sqlite'}")
    ).test_client()
    for path in ("/", "/model", "/?lang=zh"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200 and "Where it is from" in page.text and "javascript:" not in page.text
    assert "javascript:" not in client.get("/model").text
    assert old.package["sources"] == wrong
