"""Names of columns: kept in every script, told apart, and compared in one form."""

import unicodedata

import pytest

from glassform.records.names import Names, identifier
from glassform.records.parsing import Pairs
from glassform.records.schema import Schema


@pytest.mark.parametrize(
    ("column", "name"),
    [
        *(("उम्र", "उम्र"), ("आयु", "आयु"), ("อายุ", "อายุ"), ("שם מלא", "שם_מלא"), ("温度 °C", "温度_c")),
        *(("🙂", "u1f642"), ("price 🙃", "price_u1f643"), ("👩‍💻", "u1f469_u1f4bb"), ("❤️", "u2764"), ("%", "u25")),
        *(("__proto__", "proto"), ("value (EUR)", "value_eur"), ("points...", "points"), ("class", "class")),
        *(("x" * 200, "x" * 200), ("می\N{ZERO WIDTH NON-JOINER}خواهم", "میخواهم"), ("_", "u5f"), (" ", "")),
    ],
)
def test_a_header_of_any_script_becomes_a_name(column, name):
    assert identifier(column) == name
    assert identifier(unicodedata.normalize("NFD", column)) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "columns",
    [
        ("उम्र", "उमर", "उम्", "उम"),
        ("อายุ", "อาย", "อายี"),
        ("🙂", "🙃", "👍🏻", "👍🏿", "👍"),
        ("а", "a", "ａ"),
        ("%", "#", "€"),
    ],
)
def test_no_two_names_fall_together(columns):
    assert len({*map(identifier, columns)}) == len(columns)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_field_is_found_however_its_letters_are_composed(form):
    field = {"name": unicodedata.normalize(form, "Größe été"), "type": "integer"}
    target = {"name": "y", "type": "string", "constraints": {"enum": ["a", "b"]}}
    limits = {"constraints": {"minimum": 0, "maximum": 9}}
    resources = [{"schema": {"fields": [field | limits, target]}}]
    schema = Schema({"name": "t", "resources": resources, "glassform": {"target": "y", "features": [field["name"]]}})
    for name in ("Größe été", "größe_été"):
        for written in ("NFC", "NFD"):
            given = unicodedata.normalize(written, name)
            assert schema.read_json(Pairs([(given, 5)])) == {"größe_été": 5}
            assert given in schema.names and schema.names[given] == schema.names.get(given) == "größe_été"


def test_a_name_that_means_nothing_is_none():
    names = Names([("a", "a")])
    assert names.get("b") is None and names.get("b", "") == "" and "b" not in names
    with pytest.raises(KeyError):
        names["e\N{COMBINING ACUTE ACCENT}"]
