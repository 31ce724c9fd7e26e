"""One record, three doors, one number."""

import model


def test_json_form_and_python_give_identical_numbers_on_a_thousand_people(client, scorecard, splits):
    people = splits["adult_test"].X.sample(1_000, random_state=0).to_dict("records")
    for record in people:
        expected = model.predict_probability(**record)
        by_query = client.get("/probability", query_string=record).json["probability"]
        by_form = client.post("/probability", data=record).json["probability"]
        by_json = client.post("/probability", json=record).json["probability"]
        assert by_query == by_form == by_json == expected
