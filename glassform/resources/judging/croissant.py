"""The table as Croissant describes data for machine learning: its files, its columns, its limits.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
"""

import re
from pathlib import PurePosixPath
from typing import Any

from glassform.fitted.base import Fitted
from glassform.languages import gettext
from glassform.records.field import NOT_KNOWN, Field
from glassform.records.schema import Schema
from glassform.web.asked import fitted, schema
from glassform.web.linked import facts, language
from glassform.web.resource import Resource

CONFORMS_TO = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
# The standard's own context, word for word: readers warn of any other.
CONTEXT: dict[str, Any] = {
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
            "transform",
        )
    },
}
TYPES = {"integer": "sc:Integer", "number": "sc:Float", "string": "sc:Text"}
MEDIA_TYPES = {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".parquet": "application/x-parquet"}
SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){0,2}", re.ASCII)
NOT_IN_IDS, NOT_IN_VERSIONS = re.compile(r"[^\w.-]"), re.compile(r"[^0-9A-Za-z-]+")


class Croissant(Resource):
    """The table for programs that look for data: its files with their hashes, every column with its type."""

    formats = ("jsonld", "json")

    def get(self) -> dict[str, Any]:
        """Return the table as Croissant 1.0 (JSON-LD) describes it."""
        return described(fitted(), schema())


def described(card: Fitted, dictionary: Schema) -> dict[str, Any]:
    """Return the description of a table. Its files are named, not served: they are the owner's."""
    package, known = dictionary.package, facts(dictionary)
    citation, stated = known.pop("citation", []), known.pop("version", "")
    files = [file_of(each, card) for each in package["resources"]]
    version = version_of(stated, files)
    is_live = any("sha256" not in each for each in files)  # counted in an engine, where it may change
    limits = dictionary.own.get("card", {}).get("limits")
    return {
        "@context": {"@language": language(), **CONTEXT},
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **known,
        "license": known.get("license") or gettext("No licence is stated."),
        "version": version,
        "citeAs": " ".join(citation) or f"{known['name']}, {version}",
        **({"isLiveDataset": True} if is_live else {}),
        **({"rai:dataLimitations": limits} if limits else {}),
        "distribution": files,
        "recordSet": [records_of(each["name"], dictionary) for each in package["resources"]],
    }


def version_of(stated: str, files: list[dict[str, Any]]) -> str:
    """Return the table's version as Croissant writes versions: what nobody has numbered goes by its file's hash."""
    if VERSION.fullmatch(stated):
        return stated
    named = NOT_IN_VERSIONS.sub("-", stated).strip("-") or files[0].get("sha256", "")[:12]
    return f"0.0.0+{named}" if named else "0.0.0"


def file_of(resource: dict[str, Any], card: Fitted) -> dict[str, Any]:
    """Return a file of the table: its name, which is where a program looks for it, its size and its hash."""
    path, found = PurePosixPath(resource["path"]), SHA256.fullmatch(resource.get("hash", ""))
    known = {
        "@type": "cr:FileObject",
        "@id": safe(resource["name"]),
        "name": path.name,
        "description": resource.get("description") or resource.get("title"),
        "contentUrl": path.name,
        "contentSize": f"{resource['bytes']} B" if "bytes" in resource else None,
        "encodingFormat": resource.get("mediatype") or MEDIA_TYPES.get(path.suffix.lower(), "text/csv"),
        "sha256": found[1] if found else hash_in_training(resource["name"], card),
    }
    return {name: value for name, value in known.items() if value}


def hash_in_training(name: str, card: Fitted) -> str | None:
    """Return the hash of a file as it was read to train the model; an engine counts rows and reads no file whole."""
    own, training = card.schema.own, card.training
    part = next((part for part in ("train", "test") if own[part] == name), "")
    return training["sha256"].get(part) if training["duplicates"] is not None else None


def records_of(file: str, dictionary: Schema) -> dict[str, Any]:
    """Return the rows of a file: every column that the data package describes."""
    table = dictionary.package["resources"][0]["schema"]
    fields = [Field.from_descriptor(each, table.get("missingValues", ())) for each in table["fields"]]
    return {
        "@type": "cr:RecordSet",
        "@id": f"{safe(file)}/rows",
        "name": file,
        "field": [column_of(field, safe(file)) for field in fields],
    }


def column_of(field: Field, file: str) -> dict[str, Any]:
    """Return a column: its header, its meaning, its type, and the file it is in."""
    return {
        "@type": "cr:Field",
        "@id": f"{file}/{safe(field.column)}",
        "name": field.column,
        "description": meaning(field),
        "dataType": type_of(field),
        "source": {"fileObject": {"@id": file}, "extract": {"column": field.column}},
    }


def meaning(field: Field) -> str:
    """Return what a column means, in a line."""
    unit = f" ({field.unit})" if field.unit else ""
    gaps = gettext("%(sign)s where it is not known.", sign=NOT_KNOWN) if field.has_gaps else ""
    return " ".join(filter(None, [f"{field.title}{unit}.", field.description, gaps]))


def type_of(field: Field) -> str:
    """Return the type of a column's cells: text, where a number is not written as programs write it or may be a gap.

    Croissant has no word for a gap, so a reader would fail at the first one.
    """
    is_plain = field.decimal_sign == "." and not (field.group_sign or field.has_gaps or field.is_year)
    return TYPES[field.type] if is_plain else TYPES["string"]


def safe(name: str) -> str:
    """Return a name as it may stand in an identifier: letters, digits and . - _ stay, others are encoded."""
    return NOT_IN_IDS.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode(errors="replace")), name)
