"""Long JSON arrays, read element by element, mean what short ones mean."""

import json
from typing import Any

import pytest

from glassform.batches import json_array
from glassform.batches.json_array import Elements, parse_array
from glassform.limits import LONGEST_LINE
from glassform.records.parsing import parse
from glassform.refusals import Unreadable

GOOD = [
    "[]",
    " [ ] ",
    "[{}]",
    '[{"a": 1}, {"a": 2.5}, {"b": "x,]}"}]',
    "[1,2,3]\n",
    '[ null , true,"é\\u00e9", [1, [2]], {"a": {"b": []}} ]',
    f"[{'1' * 5000}, 2]".replace("1" * 5000, "1" * 1024),
    f'["{"x" * 3000}", {json.dumps({f"n{number}": number for number in range(500)})}]',
]
BAD = ["[", "[1", "[1,", "[1,]", "[1 2]", "[,1]", "[1]]", "[1] x", '[{"a": }]', '["a]', "[nul]"]


@pytest.mark.parametrize("text", GOOD)
def test_elements_are_those_of_the_array(text):
    for _ in range(2):
        assert list(Elements(text.encode())) == json.loads(text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_json_is_refused_at_the_same_place(text):
    with pytest.raises(Unreadable) as whole:
        parse(text.encode())
    with pytest.raises(Unreadable) as parts:
        list(Elements(text.encode()))
    assert str(parts.value) == str(whole.value)


def test_an_element_is_no_longer_than_a_line_may_be():
    with pytest.raises(Unreadable, match="row 2: a record has over 65536 characters"):
        list(Elements(f'[1, "{"x" * LONGEST_LINE}"]'.encode()))


def test_bytes_that_are_no_text_and_deep_nesting_are_refused():
    for body in (b'["\xff"]', b"[" * 10_000):
        with pytest.raises(Unreadable):
            list(Elements(body))


def test_repeated_names_are_kept_apart_from_plain_objects():
    first, second = Elements(b'[{"a": 1, "a": 2}, {"a": 1}]')
    assert (first, second) == ([("a", 1), ("a", 2)], {"a": 1})


def test_a_long_array_is_read_in_parts(monkeypatch):
    body = b"[" + b"{}," * 1000 + b"{}]"
    assert isinstance(parse_array(body), list)
    monkeypatch.setattr(json_array, "MOST_AT_ONCE", 1000)
    assert isinstance(parse_array(body), Elements) and len([*parse_array(body)]) == 1001


def test_a_batch_of_empty_objects_says_of_some_why_and_marks_the_rest(client, monkeypatch):
    monkeypatch.setattr("glassform.batches.batch.MOST_ROWS_EXPLAINED", 2)
    answers: Any = client.post("/probabilities?on_error=report", json=[{}] * 4).json
    assert [len(answer["errors"]) for answer in answers] == [7, 7, 1, 1]
    assert answers[3]["row"] == 4 and "invalid" in answers[3]["errors"][0]["message"]
