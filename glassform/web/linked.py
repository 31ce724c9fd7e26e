"""A table and its model in the words of schema.org, for search engines and catalogues of data."""

import re
from collections.abc import Iterator
from typing import Any

from glassform import languages
from glassform.records.links import is_link
from glassform.records.schema import Schema
from glassform.web.addresses import whole_address
from glassform.web.asked import asked, fitted, schema, served

SCHEMA_ORG = "https://schema.org"
# How a source is cited: "Name, A. and Namesake, B. (2004). Title."
CITED = re.compile(r"(?P<authors>[^()]{3,300}?)\s*\((?P<year>[0-9]{4})\)")
BETWEEN_AUTHORS = re.compile(r"(?<=\.),? (?:and|&) |(?<=\.), ")
DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", re.ASCII)


def facts(dictionary: Schema) -> dict[str, Any]:
    """Return what is known of a table, by schema.org's names; what nobody has said is left out."""
    package = dictionary.package
    sources = package.get("sources", [])
    known = {
        "name": package["title"],
        "description": package["description"],
        "url": next(filter(is_link, places(package)), None) or whole_address("card"),
        "keywords": package.get("keywords"),
        "license": [called(each) for each in package.get("licenses", [])],
        "creator": [{"@type": "Person", "name": name} for name in creators(package)],
        "datePublished": published(package),
        "version": package.get("version"),
        "citation": [each["title"] for each in sources if each.get("title")],
    }
    return {name: value for name, value in known.items() if value}


def places(package: dict[str, Any]) -> Iterator[Any]:
    """Yield where a table may have a page of its own, the best place first."""
    yield package.get("homepage")
    yield package.get("id")
    yield from (source.get("path") for source in package.get("sources", []))


def called(licence: dict[str, str]) -> str:
    """Return the address of a licence, or else what it is called."""
    return licence.get("path") or licence.get("title") or licence.get("name", "")


def creators(package: dict[str, Any]) -> list[str]:
    """Return who made a table: its contributors or, where none are named, the authors of its first source."""
    named = [each.get("title", "") for each in package.get("contributors", [])]
    found = cited(package)
    return [*filter(None, named)] or (BETWEEN_AUTHORS.split(found["authors"]) if found else [])


def published(package: dict[str, Any]) -> str:
    """Return the day or year of a table: its own, that of its first source or that of its first model here."""
    found, versions = cited(package), [*served().manifest.versions.values()]
    here = f"{versions[0].created:%Y-%m-%d}" if versions else ""
    own = DATE.match(str(package.get("created", "")))
    return own[0] if own else found["year"] if found else here


def cited(package: dict[str, Any]) -> re.Match[str] | None:
    """Return the authors and the year of a table's first source, if it is cited so."""
    return next((CITED.match(source.get("title", "")) for source in package.get("sources", [])), None)


def table_as_linked_data() -> dict[str, Any]:
    """Return the table as a page about it tells search engines."""
    return {"@context": SCHEMA_ORG, "@type": "Dataset", "inLanguage": language(), **facts(schema())}


def page_as_linked_data() -> dict[str, Any]:
    """Return the form as an application: what it answers, by which version, and what it was learned from."""
    dictionary = schema()
    return {
        "@context": SCHEMA_ORG,
        "@type": "WebApplication",
        "name": f"Glassform: {dictionary.own['question']}",
        "description": dictionary.own["note"],
        "url": whole_address("form"),
        "applicationCategory": "EducationalApplication",
        "operatingSystem": "Any",
        "softwareVersion": fitted().version,
        "inLanguage": language(),
        "isBasedOn": {"@type": "Dataset", **facts(dictionary)},
    }


def language() -> str:
    """Return the tag of the answer's language."""
    return languages.TAGS[asked().language]
