import random
from typing import Any

import pytest

from glassform.fitted.neighbours import THIN, pack, places, unpack
from glassform.records.schema import Schema


def table(fields: list[dict[str, Any]]) -> Schema:
    target = {"name": "y", "type": "string", "constraints": {"enum": ["no", "yes"]}}
    own = {"target": "y", "positive": "yes", "features": [field["name"] for field in fields]}
    return Schema({"name": "t", "glassform": own, "resources": [{"schema": {"fields": [*fields, target]}}]})


def alike(schema, one, other) -> bool:
    return all(
        one[field.name] == other[field.name]
        if field.categories
        else abs(one[field.name] - other[field.name]) <= field.window
        for field in schema.fields
    )


def test_support_counts_the_people_with_the_same_categories_and_near_numbers(scorecard, schema, splits):
    people = splits["adult"].X.to_dict("records")
    for row in random.Random(1).sample(range(16_281), 40):
        record = splits["adult_test"].X.iloc[row].to_dict()
        like = [index for index, other in enumerate(people) if alike(schema, record, other)]
        support = scorecard.crowd.support(record)
        assert support["count"] == len(like)
        assert support["share"] == (pytest.approx(splits["adult"].y[like].mean()) if like else None)


def test_the_window_is_what_the_data_package_says(schema):
    assert {field.name: field.window for field in schema.fields if not field.categories} == {
        "age": 5,
        "hours_per_week": 5,
    }


def test_the_window_is_a_twentieth_of_the_range_unless_stated():
    schema = table([{"name": "x", "type": "number", "constraints": {"minimum": 10, "maximum": 30}}])
    assert schema.fields[0].window == 1


def test_numbers_with_too_many_values_are_counted_by_bins():
    schema = table(
        [
            {
                "name": "x",
                "type": "number",
                "constraints": {"minimum": 0, "maximum": 255},
                "glassform": {"window": 3},
            },
            {"name": "n", "type": "integer", "constraints": {"minimum": 0, "maximum": 5100}},
            {"name": "only", "type": "string", "constraints": {"enum": ["a"]}},
        ]
    )
    assert [places(field) for field in schema.fields] == [256, 256, 1]
    columns: dict[str, list[Any]] = {"x": [10.0, 12.4, 13.6, 200.0], "n": [100, 300, 355, 5100], "only": ["a"] * 4}
    crowd = unpack(schema, pack(schema, columns, [1, 0, 1, 1]))
    assert crowd.support({"x": 10.0, "n": 100, "only": "a"}) == {"count": 2, "share": 0.5}
    assert crowd.support({"x": 255.0, "n": 5100, "only": "a"})["count"] == 0
    assert crowd.support({"x": 200.0, "n": 5000, "only": "a"}) == {"count": 1, "share": 1.0}


def test_a_value_nobody_has_is_supported_by_nobody():
    schema = table([{"name": "c", "type": "string", "constraints": {"enum": ["a", "b", "c"]}}])
    crowd = unpack(schema, pack(schema, {"c": ["a", "a", "c"]}, [0, 1, 1]))
    assert [crowd.support({"c": value})["count"] for value in "abc"] == [2, 0, 1]
    assert crowd.support({"c": "b"}) == {"count": 0, "share": None}


def test_near_a_number_outside_of_what_was_seen_are_those_within_its_window():
    seen = {"observed": {"minimum": 10, "maximum": 20}, "window": 2}
    schema = table([{"name": "n", "type": "integer", "glassform": seen}])
    crowd = unpack(schema, pack(schema, {"n": [10, 11, 19, 20, 20]}, [0, 1, 1, 1, 0]))
    near = {7: 0, 8: 1, 9: 2, 10: 2, 20: 3, 21: 3, 22: 2, 23: 0, 10**18: 0, -(10**18): 0}
    assert {value: crowd.support({"n": value})["count"] for value in near} == near


def test_the_artifact_does_not_tell_the_order_of_the_people(schema, splits):
    X, y = splits["adult"].X.head(50), splits["adult"].y[:50]
    turned = X.iloc[::-1]
    columns, backwards = ({name: each[name].tolist() for name in schema.by_name} for each in (X, turned))
    assert pack(schema, columns, y.tolist()) == pack(schema, backwards, y[::-1].tolist())


def test_thin_support_is_warned_of(client, record, scorecard):
    answer = client.get("/probability", query_string=record).json
    assert answer["support"]["count"] >= THIN and answer["warnings"] == []
    unlike = record | {"age": 85, "hours_per_week": 99}
    answer = client.get("/probability", query_string=unlike).json
    assert answer["support"] == {"count": 0, "share": None}
    assert answer["warnings"] == [
        "None of the 32,561 people in the training data is like this one, so the model extrapolates."
    ]
    few = next(
        other for age in range(17, 91) if 0 < scorecard.crowd.support(other := record | {"age": age})["count"] < THIN
    )
    answer = client.get("/probability", query_string=few).json
    count = answer["support"]["count"]
    assert answer["warnings"] == [f"Only {count} of the 32,561 people in the training data are like this one."]


def test_a_person_may_stand_for_several(schema, splits):
    people = splits["adult"].X.head(600).assign(outcome=splits["adult"].y[:600])
    weights = [1 + number % 5 for number in range(len(people))]
    each = people.loc[people.index.repeat(weights)]
    single, several = (
        unpack(schema, pack(schema, table[list(schema.by_name)].to_dict("list"), table.outcome.tolist(), counts))
        for table, counts in ((each, ()), (people, weights))
    )
    found = [several.support(record) for record in people.head(200)[list(schema.by_name)].to_dict("records")]
    assert found == [single.support(record) for record in people.head(200)[list(schema.by_name)].to_dict("records")]
    assert max(each["count"] for each in found) > 5
