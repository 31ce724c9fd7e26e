import json
from urllib.parse import urlencode

import pytest

from glassform.limits import LONGEST_VALUE, MOST_ERRORS
from glassform.records.field import Field
from glassform.records.messages import InvalidRecord, did_you_mean, shown
from glassform.records.names import identifier
from glassform.records.parsing import Pairs, UnreadableJSON, parse_json
from glassform.records.schema import Schema
from glassform.records.values import year_of_moment
from glassform.settings import PACKAGE


def text(record):
    return {name: str(value) for name, value in record.items()}


def errors_of(read, *arguments):
    with pytest.raises(InvalidRecord) as caught:
        read(*arguments)
    return {error.field: error.message for error in caught.value.errors}


def test_fields_come_in_the_order_of_the_contract(schema, record):
    assert [field.name for field in schema.fields] == list(record)


def test_a_form_and_json_make_the_same_record(schema, record):
    assert schema.read_fields(text(record).items()) == record
    assert schema.read_json(Pairs(record.items())) == record


def test_the_tables_own_headers_and_the_older_names_are_read(schema, record):
    renamed = {"marital.status": "marital_status", "hours.per.week": "hours_per_week"}
    older = {"work": "workclass", "status": "marital_status", "hours": "hours_per_week"}
    for aliases in (renamed, older):
        names = {name: alias for alias, name in aliases.items()}
        pairs = [(names.get(name, name), value) for name, value in text(record).items()]
        assert schema.read_fields(pairs) == record


def test_what_was_accepted_once_is_accepted_again_and_nothing_else(record):
    schema = Schema.from_file(PACKAGE)
    parts = urlencode(record).split("&")
    for _ in range(2):
        assert schema.read_query("&".join(parts)) == schema.read_query("&".join(reversed(parts))) == record
        assert list(schema.read_query("&".join(reversed(parts)))) == list(record)
    assert {*schema.accepted} == {*parts}
    for bad in (
        parts[1:],
        [*parts, parts[0]],
        [*parts, "hours=40"],
        [*parts[1:], parts[1]],
        [*parts[1:], "age=x"],
        [*parts, "lang=zh"],
    ):
        errors = {*errors_of(schema.read_query, "&".join(bad))}
        assert errors and errors == {*errors_of(Schema.from_file(PACKAGE).read_query, "&".join(bad))}
    assert {*schema.accepted} == {*parts}


def test_names_of_somebody_else_are_passed_over(schema, record):
    query = urlencode(record) + "&lang=zh&lock=age&lock=sex&"
    assert schema.read_query(query, {"lang", "lock"}) == record
    assert {*errors_of(schema.read_query, query)} == {"lang", "lock"}


def test_no_more_is_remembered_than_is_stated(record, monkeypatch):
    monkeypatch.setattr("glassform.records.schema.MOST_QUERY_PARTS", 10)
    schema = Schema.from_file(PACKAGE)
    for age in range(17, 90):
        assert schema.read_query(urlencode(record | {"age": age}))["age"] == age
    assert len(schema.accepted) == 10


def test_a_record_keeps_the_order_of_the_schema(schema, record):
    assert list(schema.read_fields(reversed(text(record).items()))) == list(record)


def test_all_errors_are_reported_at_once(schema, record):
    bad = text(record) | {"age": "200", "sex": "male", "colour": "red"}
    del bad["race"]
    assert errors_of(schema.read_fields, bad.items()) == {
        "age": "200 is not between 17 and 90",
        "race": "Choose a race.",
        "sex": "male is not a known sex; did you mean Male?",
        "colour": "is not a field; known are " + ", ".join(record),
    }


def test_an_invalid_record_keeps_what_was_given(schema):
    with pytest.raises(InvalidRecord) as caught:
        schema.read_fields([("age", "abc"), ("work", "Private")])
    assert caught.value.fields == {"age": "abc", "workclass": "Private"}


@pytest.mark.parametrize(
    "number", ["1_7", "39.5", "1e2", "0x27", "٣٩", "３９", "3 9", "", "-", ".", "NaN", "Infinity", "1e999"]
)
def test_only_plain_digits_are_a_number_in_a_form(schema, record, number):
    assert set(errors_of(schema.read_fields, (text(record) | {"age": number}).items())) == {"age"}


@pytest.mark.parametrize("number", ["039", "39.0", "39.", "+39", " 39", "39 ", "3.9e1", "390e-1"])
def test_a_number_whose_fraction_is_zero_is_whole_however_it_is_written(schema, record, number):
    assert schema.read_fields((text(record) | {"age": number}).items())["age"] == 39


@pytest.mark.parametrize("number", ["39", 39.5, True, None, [39], Pairs(), float("nan"), float("inf")])
def test_json_numbers_are_strict(schema, record, number):
    assert set(errors_of(schema.read_json, Pairs((record | {"age": number}).items()))) == {"age"}


def test_a_quoted_number_is_told_to_lose_its_quotes(schema, record):
    errors = errors_of(schema.read_json, Pairs((record | {"age": "39"}).items()))
    assert errors == {"age": "39 is text; JSON writes a whole number without quotes"}


def test_bounds_belong_to_the_range(schema, record):
    for age in ("17", "90"):
        assert schema.read_fields((text(record) | {"age": age}).items())["age"] == int(age)
    for age in ("16", "91", "-5", "9" * 50):
        errors = errors_of(schema.read_fields, (text(record) | {"age": age}).items())
        assert errors == {"age": f"{age} is not between 17 and 90"}


def test_a_field_given_twice_is_an_error_under_any_of_its_names(schema, record):
    pairs = [*text(record).items(), ("hours", "40")]
    assert errors_of(schema.read_fields, pairs) == {"hours_per_week": "is given more than once"}


def test_a_repeated_json_key_is_an_error(schema, record):
    body = json.dumps(record)[:-1] + ', "age": 40}'
    assert errors_of(schema.read_json, parse_json(body.encode())) == {"age": "is given more than once"}


def test_an_overlong_value_is_refused_and_not_repeated_whole(schema, record):
    with pytest.raises(InvalidRecord) as caught:
        schema.read_fields((text(record) | {"age": "9" * 10_000}).items())
    (error,) = caught.value.errors
    assert error.message == f"is 10000 characters long; at most {LONGEST_VALUE} are read"
    assert len(str(error.value)) < 100


def test_a_nul_is_refused_and_shown_escaped(schema, record):
    errors = errors_of(schema.read_fields, (text(record) | {"race": "White\0"}).items())
    assert errors == {"race": r"White\x00 holds a character that cannot be typed"}


def test_the_number_of_errors_reported_is_bounded(schema):
    with pytest.raises(InvalidRecord) as caught:
        schema.read_fields([(f"field{number}", "x") for number in range(1_000)])
    assert len(caught.value.errors) == MOST_ERRORS + 1
    assert caught.value.errors[-1].message == f"there are {1_000 + len(schema.fields) - MOST_ERRORS} further errors"


@pytest.mark.parametrize("value", [[], 3, "text", None, True])
def test_only_an_object_is_a_record(schema, value):
    assert next(iter(errors_of(schema.read_json, value).values())).startswith("a record is an object")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b'{"age": 39,}', "line 1"),
        (b"\xff\xfe\xfa", "UTF"),
        (b"[" * 100_000, "nested"),
        (b'{"age": ' + b"1" * 5_000 + b"}", "digits"),
    ],
)
def test_what_is_not_json_is_unreadable_with_the_reason(body, reason):
    with pytest.raises(UnreadableJSON, match=reason):
        parse_json(body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (200, "200"),
        (True, "true"),
        (None, "null"),
        (float("nan"), "NaN"),
        ([1], "a list"),
        (Pairs(), "an object"),
        (" 39", "' 39'"),
        ("a\nb", r"a\nb"),
        ("\ud800", r"\ud800"),
        ("é", "é"),
    ],
)
def test_a_value_is_shown_on_one_printable_line(value, expected):
    assert shown(value) == expected


def test_a_title_or_another_case_leads_to_the_category(schema):
    education = schema.by_name["education"]
    assert did_you_mean("bachelor's degree", education.spellings) == "; did you mean Bachelors?"
    assert did_you_mean("MASTERS", education.spellings) == "; did you mean Masters?"


def test_every_category_has_a_title_and_education_its_natural_order(schema):
    education = list(schema.by_name["education"].categories)
    assert education[0] == "Preschool" and education[-1] == "Doctorate"
    assert education.index("HS-grad") < education.index("Bachelors") < education.index("Masters")
    assert schema.by_name["workclass"].title_of("?") == "Not known"


def test_the_json_schema_says_what_the_reader_enforces(schema, record):
    described = schema.json_schema()
    assert list(described["properties"]) == described["required"] == list(record)
    assert described["additionalProperties"] is False
    age = described["properties"]["age"]
    assert (age["type"], age["minimum"], age["maximum"], age["x-unit"]) == ("integer", 17, 90, "years")
    assert described["properties"]["sex"]["enum"] == ["Female", "Male"]


def test_real_numbers_are_read_with_a_point_and_with_an_exponent():
    field = {"name": "Weight kg", "type": "number", "constraints": {"minimum": 0, "maximum": 9.5}}
    target = {"name": "y", "type": "string", "constraints": {"enum": ["a", "b"]}}
    package = {
        "name": "weights",
        "resources": [{"schema": {"fields": [field, target]}}],
        "glassform": {"target": "y", "features": ["Weight kg"]},
    }
    schema = Schema(package)
    assert schema.read_fields([("weight_kg", "2.5")]) == {"weight_kg": 2.5}
    assert schema.read_fields([("weight_kg", "5.07906e-09")]) == {"weight_kg": 5.07906e-09}
    assert schema.read_json(Pairs([("weight_kg", 2)])) == {"weight_kg": 2.0}
    assert schema.read_fields([("weight_kg", ".5")]) == {"weight_kg": 0.5}
    assert schema.read_fields([("weight_kg", "5.")]) == {"weight_kg": 5.0}
    for number in ("1e", "e1", "1e400", "nan", "inf", ".", "1_0"):
        assert set(errors_of(schema.read_fields, [("Weight kg", number)])) == {"weight_kg"}


def test_a_number_without_bounds_is_refused_with_its_name():
    with pytest.raises(ValueError, match="gives size no minimum"):
        _ = Field.from_descriptor({"name": "size", "type": "integer"}).values


@pytest.mark.parametrize(("column", "name"), [("marital.status", "marital_status"), ("Hours (week)", "hours_week")])
def test_a_header_becomes_an_identifier(column, name):
    assert identifier(column) == name


def test_a_field_named_like_a_parameter_of_tracking_is_read_as_the_field(schema, record):
    package = json.loads(json.dumps(schema.package).replace('"age"', '"ref"'))
    renamed = Schema(package)
    query = urlencode({("ref" if name == "age" else name): value for name, value in record.items()})
    assert renamed.read_query(f"{query}&utm_source=x")["ref"] == record["age"]
    assert "200 is not between" in errors_of(renamed.read_query, query.replace("ref=39", "ref=200"))["ref"]


@pytest.mark.parametrize(
    ("written", "year"),
    [
        (0, 1970),
        (86_400_000, 1970),
        (-86_400_000, 1969),
        (1_577_836_800_000, 2020),
        (1_577_836_799_999, 2019),
        (1_577_836_800_000.0, 2020),
        (2020, 2020),
        (20200131, 20200131),
        (1_577_836_800_000.5, 1_577_836_800_000.5),
        (10**30, 10**30),
        (float("inf"), float("inf")),
    ],
)
def test_the_year_of_moment_milliseconds_is_told_from_a_year(written, year):
    assert year_of_moment(written) == year
