"""Many records at once: whole files through every door, and every way a file can be wrong."""

import csv
import io
import json

import orjson
import pandas as pd
import pytest

from glassform.limits import MOST_ARRAY_BYTES, MOST_BATCH_ERRORS
from glassform.records.parsing import is_plain, parse
from glassform.settings import PACKAGE

COLUMNS = ["age", "workclass", "education", "marital_status", "race", "sex", "hours_per_week"]
GOOD = "39,State-gov,Bachelors,Never-married,White,Male,40"
HEADER = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def people(splits):
    return [dict(row.items()) for row in splits["adult_test"].X.head(1000).to_dict("records")]


def as_csv(rows, columns=None, **options) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(rows[0]), **options)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def send(client, body, kind="text/csv", query="", **headers):
    return client.post(f"/probabilities{query}", data=body, content_type=kind, headers=headers, buffered=True)


def read_csv(response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    assert response.mimetype == "text/csv"
    return [*csv.DictReader(io.StringIO(response.text))]


def test_every_door_gives_the_numbers_of_the_single_one_in_the_order_sent(client, scorecard, people):
    expected = [scorecard.probability(person) for person in people]
    array = send(client, json.dumps(people), "application/json")
    assert [answer["probability"] for answer in array.json] == expected
    assert [{name: answer[name] for name in COLUMNS} for answer in array.json] == people
    lines = send(client, "\n".join(map(json.dumps, people)), "application/x-ndjson")
    assert lines.mimetype == "application/x-ndjson"
    assert [json.loads(line)["probability"] for line in lines.text.splitlines()] == expected
    table = read_csv(send(client, as_csv(people)))
    assert [float(row["probability"]) for row in table] == expected
    upload = {"file": (io.BytesIO(as_csv(people).encode()), "people.csv")}
    uploaded = client.post("/probabilities", data=upload, content_type="multipart/form-data", buffered=True)
    assert [float(row["probability"]) for row in read_csv(uploaded)] == expected


def test_the_answer_is_of_the_kind_sent_unless_another_is_asked_for(client, people):
    body = as_csv(people[:2])
    assert send(client, body).mimetype == "text/csv"
    assert send(client, body, Accept="*/*").mimetype == "text/csv"
    assert send(client, body, Accept="application/json").is_json
    assert send(client, body, query=".json").is_json
    assert send(client, body, query="?format=jsonl").mimetype == "application/x-ndjson"
    assert send(client, body, Accept="text/html").mimetype == "text/html"
    assert read_csv(send(client, json.dumps(people[:2]), "application/json", Accept="text/csv"))[1]["age"] == str(
        people[1]["age"]
    )


def test_further_columns_pass_through_and_keep_their_place(client, people):
    rows = [
        {"name": f"Person, {number}", **person, "note": 'says "hi"\nthere'} for number, person in enumerate(people)
    ]
    answered = read_csv(send(client, as_csv(rows)))
    assert list(answered[0]) == ["name", *COLUMNS, "note", "probability"]
    assert [(row["name"], row["note"]) for row in answered] == [(row["name"], row["note"]) for row in rows]


def test_the_tables_own_header_is_understood(client, scorecard, record):
    header = "age,workclass,fnlwgt,education,marital.status,race,sex,hours.per.week"
    answered = read_csv(send(client, f"{header}\n39,State-gov,77516,Bachelors,Never-married,White,Male,40\n"))
    assert answered[0]["fnlwgt"] == "77516"
    assert float(answered[0]["probability"]) == scorecard.probability(record)


def test_explain_adds_a_column_for_every_field(client, scorecard, record):
    (row,) = read_csv(send(client, f"{HEADER}\n{GOOD}\n", query="?explain=1"))
    explanation = scorecard.explain(record)
    assert float(row["log_odds"]) == explanation["log_odds"]
    assert float(row["intercept"]) == explanation["intercept"]
    for term in explanation["contributions"]:
        assert float(row[f"log_odds_{term['feature']}"]) == term["log_odds"]
    (answer,) = send(client, json.dumps([record]), "application/json", "?explain=1").json
    assert answer["contributions"] == explanation["contributions"]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + f"{HEADER}\n{GOOD}\n".encode(),
        f"{HEADER}\n{GOOD}\n".encode("utf-16"),
        b"\xfe\xff" + f"{HEADER}\n{GOOD}\n".encode("utf-16-be"),
        f"{HEADER}\r\n{GOOD}\r\n".encode(),
        f"{HEADER}\n{GOOD}".encode(),
        f"{HEADER}\n\n{GOOD}\n\n".encode(),
        f"{HEADER}\n{GOOD}\n".replace(",", ";").encode(),
        f"{HEADER}\n{GOOD}\n".replace(",", "\t").encode(),
        "".join('"{}"\n'.format('";"'.join(line.split(","))) for line in (HEADER, GOOD)).encode(),
        f"{HEADER}\n{GOOD}\n".replace("State-gov", '"State-gov"').encode(),
        f"work,hours,status,{HEADER}\n".replace("workclass,", "")
        .replace("marital_status,", "")
        .encode()
        .replace(b",hours_per_week", b"")
        + b"State-gov,40,Never-married,39,Bachelors,White,Male\n",
    ],
)
def test_files_as_programs_write_them_are_read(client, scorecard, record, body):
    (row,) = read_csv(send(client, body))
    assert float(row["probability"]) == scorecard.probability(record)


UNREADABLE = [
    ("nothing", b"", "header"),
    ("only blank", b"\n\n", "header"),
    ("not UTF-8", f"{HEADER}\n{GOOD}\n".encode() + b"\xff\n", "line 3: byte 115 is not UTF-8 text"),
    ("NUL", f"{HEADER}\n{GOOD}\n{GOOD}\0\n".encode(), "line 3"),
    ("unterminated quote", f'{HEADER}\n{GOOD}\n"39,State-gov\n'.encode(), "line 3: a quotation mark is never closed"),
    ("stray quote", f'{HEADER}\n"39"x,State-gov\n'.encode(), "line 2: text follows a closing quotation mark"),
    ("10 MB row", f"{HEADER}\n".encode() + b"x" * 10_000_000, "line 2: a line has over 65536 characters"),
    ("10 MB quoted row", f"{HEADER}\n".encode() + b'"' + b"xxxxxxxxx\n" * 1_000_000, "line 2: a quotation mark"),
    ("endless header", b"x," * 100_000, "header"),
]


@pytest.mark.parametrize(("body", "place"), [each[1:] for each in UNREADABLE], ids=[each[0] for each in UNREADABLE])
def test_what_cannot_be_told_apart_into_rows_is_refused_with_the_place(client, body, place):
    response = send(client, body)
    assert response.status_code == 400, response.text
    assert place in response.json["detail"]
    assert client.get("/health/ready").status_code == 200


INVALID = [
    ("header only", f"{HEADER}\n", [(0, "", None, "there are no rows")]),
    ("missing column", f"{HEADER[4:]}\n{GOOD[3:]}\n", [(0, "age", None, "column missing")]),
    (
        "repeated column",
        f"{HEADER},hours\n{GOOD},40\n",
        [(0, "hours_per_week", "hours", "is meant by column 8 too; column 7 is it already")],
    ),
    (
        "taken column",
        f"{HEADER},probability\n{GOOD},1\n",
        [(0, "probability", None, "the result adds a column of this name; rename yours")],
    ),
    ("short row", f"{HEADER}\n{GOOD}\n39\n", [(2, "", None, "line 3 has 1 cell, and the header has 7")]),
    (
        "long row",
        f"{HEADER}\n{GOOD},x\n",
        [
            (
                1,
                "",
                None,
                "line 2 has 8 cells, and the header has 7; if the first column holds row names, give it a name",
            )
        ],
    ),
    (
        "two wrong rows",
        f"{HEADER}\n{GOOD.replace('39', '200')}\n{GOOD}\n{GOOD.replace('Male', 'male')}\n",
        [
            (1, "age", "200", "200 is not between 17 and 90"),
            (3, "sex", "male", "male is not a known sex; did you mean Male?"),
        ],
    ),
]


@pytest.mark.parametrize(("body", "errors"), [each[1:] for each in INVALID], ids=[each[0] for each in INVALID])
def test_what_is_wrong_is_named_by_row_and_field_and_nothing_is_scored(client, body, errors):
    response = send(client, body)
    assert response.status_code == 422
    assert [tuple(error.values()) for error in response.json["errors"]] == errors


BAD_OBJECTS = [
    ({"age": 39.5}, "age", "39.5 is not a whole number"),
    ({"age": True}, "age", "true is not a whole number"),
    ({"age": "39"}, "age", "39 is text; JSON writes a whole number without quotes"),
    ({"sex": None}, "sex", "null is not text"),
    ({"sex": {"a": "b"}}, "sex", None),
]


@pytest.mark.parametrize(("change", "field", "message"), BAD_OBJECTS, ids=[each[1] for each in BAD_OBJECTS])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_bad_objects_are_named_by_row_and_field(client, record, change, field, message, kind):
    rows = [record, record | change]
    body = json.dumps(rows) if kind == "application/json" else "\n".join(map(json.dumps, rows))
    (error,) = send(client, body, kind).json["errors"]
    assert (error["row"], error["field"]) == (2, field)
    assert message is None or error["message"].startswith(message[:40])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("[", 400),
        ("{}", 400),
        ("3", 400),
        ('"x"', 400),
        ("[]", 422),
        ("[1]", 422),
        ("[null, []]", 422),
        ("[[]]", 422),
        ("[" * 100_000, 400),
        (b'["\xff"]', 400),
        ("[NaN]", 422),
    ],
)
def test_arrays_of_something_else_are_refused(client, body, status):
    assert send(client, body, "application/json").status_code == status


MORE = {"id": 7, "": None, "colour": "red", "at": [1, {"a": 2}], "温度": 1e300, "probability": 0.5, "error": "x"}


@pytest.mark.parametrize(
    "more", [MORE, {"id": 7}, {"note": 'says "hi"'}, {"fnlwgt": 77516, "income": "<=50K"}], ids=str
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_further_members_of_objects_are_passed_over_as_further_columns_are(client, record, more, kind):
    def answers(rows):
        body = json.dumps(rows) if kind == "application/json" else "\n".join(map(json.dumps, rows))
        return send(client, body, kind, Accept="application/json").json

    rows = [record, record | {"age": 50}]
    assert answers([more | row for row in rows]) == answers([row | more for row in rows]) == answers(rows)
    assert answers([rows[0] | more, rows[1]]) == answers(rows)


def test_the_tables_own_columns_are_read_as_a_data_frame_writes_them(client, splits, people):
    frame = pd.read_csv(PACKAGE.parent / "adult_test.csv", nrows=200)
    answered = send(client, frame.to_json(orient="records"), "application/json").json
    assert answered == send(client, json.dumps(people[:200]), "application/json").json


def test_a_misspelt_member_is_hinted_at_where_its_field_is_missing(client, record):
    wrong = {("agee" if name == "age" else name): value for name, value in record.items()}
    missing, hint = send(client, json.dumps([wrong | {"id": 7}]), "application/json").json["errors"]
    assert (missing["field"], hint["field"]) == ("age", "agee")
    assert hint["message"] == "is not a field; did you mean age?"


@pytest.mark.parametrize(
    ("more", "field"),
    [('"id": 1, "id": 2', "id"), ('"work": "Private"', "workclass"), ('"age": 39', "age")],
)
def test_a_further_member_must_not_come_twice_nor_mean_a_field_again(client, record, more, field):
    body = f"[{json.dumps(record)[:-1]}, {more}}}]"
    (error,) = send(client, body, "application/json").json["errors"]
    assert (error["field"], error["message"]) == (field, "is given more than once")


def test_a_single_record_still_has_no_further_members(client, record):
    assert client.post("/probability", json=record | {"id": 7}).status_code == 422


def test_a_name_given_twice_in_an_object_is_found(client, record):
    twice = json.dumps(record)[:-1] + ', "age": 39}'
    for body, kind in ((f"[{twice}]", "application/json"), (twice, "application/x-ndjson")):
        (error,) = send(client, body, kind).json["errors"]
        assert (error["row"], error["field"], error["message"]) == (1, "age", "is given more than once")


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b'{"a": 1, "b": "x"}', True),
        (b'{"a": 1, "a": 2}', False),
        (b'{"a": "\\"", "b": 1}', False),
        (b'{"a": {"b": 1}}', False),
        (b'[{"a": "x"}, {"a": "y"}]', True),
        (b'[{"a": "x"}, {"a": "y", "a": "z"}]', False),
        (b'["a"]', False),
    ],
)
def test_only_plain_json_is_taken_as_dictionaries(body, plain):
    assert is_plain(body, orjson.loads(body)) == plain
    assert isinstance(parse(body), list) or type(parse(body)) is (dict if plain else type(parse(body)))


def test_a_row_that_is_no_json_is_named(client, record):
    response = send(client, f"{json.dumps(record)}\n{{\n", "application/x-ndjson")
    assert response.status_code == 400 and "row 2" in response.json["detail"]


def test_on_error_report_scores_the_good_and_keeps_the_bad_with_their_errors(client, scorecard, record):
    body = f"{HEADER}\n{GOOD}\n{GOOD.replace('39', 'x')}\n7\n"
    good, bad, short = send(client, body, query="?on_error=report", Accept="application/json").json
    assert good["probability"] == scorecard.probability(record)
    assert bad["probability"] is None and (bad["row"], bad["errors"][0]["field"]) == (2, "age")
    assert short["errors"][0]["message"] == "line 4 has 1 cell, and the header has 7"
    rows = [*csv.reader(io.StringIO(send(client, body, query="?on_error=report").text))]
    assert rows[0][-2:] == ["probability", "error"]
    assert rows[1][-1] == "" and float(rows[1][-2]) == good["probability"]
    assert rows[2][-2:] == ["", "age x is not a whole number in plain digits"]


def test_errors_are_reported_up_to_the_stated_number_and_counted(client):
    response = send(client, f"{HEADER}\n" + "x,x,x,x,x,x,x\n" * 1000)
    assert response.status_code == 422
    assert len(response.json["errors"]) == MOST_BATCH_ERRORS
    assert response.json["detail"] == "The first 100 errors are listed, and no more were looked for."


def test_formulas_in_a_file_come_back_harmless(client):
    (row,) = read_csv(send(client, f"{HEADER},note\n{GOOD},=HYPERLINK()\n"))
    assert row["note"] == "'=HYPERLINK()"


def test_limits_are_stated_and_kept(client, monkeypatch):
    limits = client.get("/probabilities").json["limits"]
    assert limits["rows"] == 1_000_000 and limits["bytes"] == 256 * 1024 * 1024
    too_long = send(client, b"[" + b" " * MOST_ARRAY_BYTES + b"]", "application/json")
    assert too_long.status_code == 413
    monkeypatch.setattr("glassform.batches.batch.MOST_ROWS", 2)
    response = send(client, f"{HEADER}\n" + f"{GOOD}\n" * 3)
    assert response.status_code == 413 and response.json["detail"] == "At most 2 rows are read."


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?explain=yes", "explain"),
        ("?on_error=ignore", "on_error"),
        ("?on_eror=report", "on_eror"),
        ("?age=3", "age"),
    ],
)
def test_options_that_cannot_be_are_refused(client, query, field):
    response = send(client, f"{HEADER}\n{GOOD}\n", query=query)
    assert response.status_code == 422 and response.json["errors"][0]["field"] == field


UNTOLD = [
    "text/plain",
    "application/octet-stream",
    "application/vnd.ms-excel",
    "application/x-www-form-urlencoded",
    "",
]
OF_TABLES = [*UNTOLD, "application/csv", "text/x-csv", "text/csv; header=present", "text/tab-separated-values"]
OF_LINES = ["application/jsonl", "application/x-jsonl", "application/ndjson", "application/x-ndjson; charset=utf-8"]
OF_LINES += ["application/jsonlines", "application/x-jsonlines", "application/json-lines", "text/jsonl"]


@pytest.mark.parametrize("kind", OF_TABLES)
def test_a_table_is_read_whatever_its_sender_calls_it(client, people, kind):
    body = as_csv(people[:20])
    delimiter = "\t" if "tab" in kind else ","
    assert send(client, body.replace(",", delimiter), kind).text == send(client, body).text


@pytest.mark.parametrize("kind", [*UNTOLD, *OF_LINES])
def test_json_lines_are_read_whatever_their_sender_calls_them(client, people, kind):
    body = "\n".join(map(json.dumps, people[:20]))
    answer = send(client, body, kind)
    assert answer.mimetype == "application/x-ndjson"
    assert answer.text == send(client, body, "application/x-ndjson").text


@pytest.mark.parametrize("kind", [*UNTOLD, "text/json", "application/json; charset=utf-8"])
def test_an_array_is_read_whatever_its_sender_calls_it(client, people, kind):
    body = json.dumps(people[:20], indent=1)
    answer = send(client, body, kind)
    assert answer.is_json and answer.json == send(client, body, "application/json").json
    assert read_csv(send(client, body, kind, Accept="text/csv"))
    assert read_csv(send(client, body, kind, query=".csv"))
    assert "<html" in send(client, body, kind, Accept="text/html").text
    assert send(client, body.replace("\n", ""), kind).is_json, "as curl --data sends it"


@pytest.mark.parametrize("body", [b"", b"  \n", b"\0\1,\n"])
@pytest.mark.parametrize("kind", UNTOLD)
def test_what_is_no_table_is_refused_with_the_known_kinds(client, kind, body):
    response = send(client, body, kind)
    assert response.status_code == 415 and "text/csv" in response.json["detail"]


@pytest.mark.parametrize("kind", ["text/csv", *UNTOLD])
def test_a_file_of_another_kind_is_told_what_it_is(client, kind):
    for begin, what in {
        b"PK\3\4": "an Excel workbook",
        b"BZh9": "compressed by bzip2",
        b"PAR1": "whole Parquet",
    }.items():
        response = send(client, begin + b"\0" * 50, kind)
        assert response.status_code == 400 and what in response.json["detail"]


@pytest.mark.parametrize("kind", ["application/xml", "image/png", "text/html", "x", "application/json2"])
def test_other_kinds_are_refused_with_the_known_ones(client, kind):
    response = send(client, f"{HEADER}\n{GOOD}\n", kind)
    assert response.status_code == 415 and "text/csv" in response.json["detail"]


def test_a_form_is_no_table_and_a_table_in_one_line_is_explained(client):
    kind = "application/x-www-form-urlencoded"
    for form in ("age=39&sex=Male", "age=39,40&sex=Male", "age", "file=&on_error=fail"):
        assert "text/csv" in send(client, form, kind).json["detail"], form
    lost = send(client, f"{HEADER}{GOOD},<=50K", kind)
    assert lost.status_code == 415 and "--data-binary" in lost.json["detail"]


def test_an_array_of_untold_kind_is_limited_too(client):
    too_long = send(client, b"[" + b" " * MOST_ARRAY_BYTES + b"]", "application/octet-stream")
    assert too_long.status_code == 413


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("text/csv; charset=windows-1252", "cp1252"),
        ("text/csv; charset=latin1", "latin-1"),
        ('text/csv; charset="ISO-8859-1"', "latin-1"),
        ("application/octet-stream; charset=gb18030", "gb18030"),
        ("text/csv; charset=utf-16le", "utf-16-le"),
        ("text/csv; charset=utf-8", "utf-8"),
        ("text/csv; charset=UTF8", "utf-8-sig"),
    ],
)
def test_the_encoding_that_is_stated_is_read(client, kind, encoding):
    body = f"name,{HEADER}\nGrün é,{GOOD}\n".encode(encoding)
    assert read_csv(send(client, body, kind))[0]["name"] == "Grün é"
    upload = {"file": (io.BytesIO(body), "people.csv", kind)}
    sent = client.post("/probabilities", data=upload, content_type="multipart/form-data", buffered=True)
    assert read_csv(sent)[0]["name"] == "Grün é"


@pytest.mark.parametrize("charset", ["x", "base64", "punycode", "idna", "unicode_escape", "a\\0b"])
def test_an_encoding_that_is_not_known_is_named(client, charset):
    answer = send(client, f"{HEADER}\n{GOOD}\n", f"text/csv; charset={charset}")
    assert answer.status_code == 415 and answer.json["detail"].endswith("is not known.")


def test_a_body_in_another_encoding_than_stated_is_refused(client):
    answer = send(client, f"name,{HEADER}\né,{GOOD}\n".encode(), "text/csv; charset=ascii")
    assert answer.status_code == 400 and "byte 69 is not ASCII text" in answer.json["detail"]


def test_a_form_needs_one_file(client):
    for data in ({}, {"other": (io.BytesIO(b"x"), "x.csv")}, {"file": "text"}):
        assert (
            client.post("/probabilities", data=data, content_type="multipart/form-data", buffered=True).status_code
            == 422
        )


def test_the_sample_can_be_sent_back(client, scorecard):
    sample = client.get("/probabilities.csv").text
    answered = read_csv(send(client, sample))
    expected = [scorecard.probability(example["record"]) for example in scorecard.examples]
    assert [float(row["probability"]) for row in answered] == expected


@pytest.mark.parametrize("query", ["?explain=0&explain=1", "?on_error=fail&on_error=fail"])
def test_an_option_given_twice_is_refused(client, query):
    response = send(client, f"{HEADER}\n{GOOD}\n", query=query)
    assert response.status_code == 422 and response.json["errors"][0]["message"] == "is given more than once"


def test_a_file_without_a_name_is_read_like_one_with(client):
    part = f'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\n{HEADER},note\n{GOOD},%s\r\n--B--\r\n'
    kind = "multipart/form-data; boundary=B"
    good = send(client, (part % "fine").encode(), kind)
    assert read_csv(good)[0]["note"] == "fine"
    bad = send(client, (part % "caf\xe9").encode("latin-1"), kind)
    assert bad.status_code == 400 and "UTF-8" in bad.json["detail"]


@pytest.mark.parametrize("files", [0, 2])
def test_other_than_one_file_is_refused_with_their_number(client, files):
    data = {"file": [(io.BytesIO(b"x"), f"{number}.csv") for number in range(files)]} if files else {"explain": "1"}
    answer = client.post("/probabilities", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422 and f"{files} came" in answer.json["errors"][0]["message"]


def test_the_messages_of_many_bad_rows_get_short(client):
    rows = f"{HEADER}\n" + "39,Privat,Bachelors,Never-married,White,Male,40\n" * 1000
    answer = send(client, rows, query=".json?on_error=report").json
    assert answer[0]["errors"][0]["message"] == "Privat is not a known work class; did you mean Private?"
    assert answer[-1]["errors"][0]["message"] == "Privat is not a known work class"


@pytest.mark.parametrize(
    "accept", ["application/jsonl", "application/ndjson", "application/jsonlines, text/html;q=0.1"]
)
def test_json_lines_are_answered_under_any_of_their_names(client, record, accept):
    assert send(client, json.dumps([record]), "application/json", Accept=accept).mimetype == "application/x-ndjson"
