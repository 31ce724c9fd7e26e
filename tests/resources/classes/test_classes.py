"""Class mode over HTTP: joining, guessing, revealing, scoring, ending."""

import re
import sqlite3
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from glassform.classroom import store
from glassform.classroom.people import read_people
from glassform.versions.manifest import Beside, Paired
from server import ANY_FORMAT
from server import OF_CLASSES as TABLE

OF_CLASSES = [url.removesuffix(ANY_FORMAT) for url in TABLE]
HTML = {"Accept": "text/html"}


def test_without_class_mode_there_are_no_such_addresses(client):
    for url in OF_CLASSES:
        for method in ("get", "post"):
            assert getattr(client, method)(url.replace("<code>", "ABCD")).status_code == 404
    assert not [path for path in client.get("/openapi.json").json["paths"] if path.startswith(("/classes", "/j"))]


def test_the_menu_leads_to_the_classes_in_class_mode_only(teacher, app):
    assert 'href="/classes"' in teacher.get("/", headers=HTML).text
    assert 'href="/classes"' not in app.test_client().get("/", headers=HTML).text


def test_a_class_begins_with_what_was_asked(teacher, start):
    response = teacher.post("/classes", json={"table": "adult", "size": 30})
    begun = response.json
    assert response.status_code == 201 and {*begun} == {"code", "board", "join"}
    assert begun["join"] == f"/j/{begun['code']}" and response.headers["Location"] == begun["board"]
    board = teacher.get(begun["board"]).json
    assert (board["step"], board["joined"], board["answered"], board["size"]) == ("join", 0, 0, 30)
    assert teacher.post("/classes", json={}).status_code == 201
    assert teacher.get("/classes").json["size"] == 40


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"table": "iris"}, {"table"}),
        ({"table": "diabetes"}, {"table"}),
        ({"table": "nothing", "lesson": "none", "size": 0}, {"table", "lesson", "size"}),
        ({"size": 201}, {"size"}),
        ({"size": 3.5}, {"size"}),
        ({"size": "many"}, {"size"}),
        ({"size": True}, {"size"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
def test_what_no_class_can_be_started_with_is_named(teacher, given, fields):
    response = teacher.post("/classes", json=given)
    assert response.status_code == 422 and {each["field"] for each in response.json["errors"]} == fields
    assert not teacher.get("/classes").json["classes"]


def test_only_this_computer_starts_a_class_and_lists_those_that_run(class_app, start):
    start(0)
    elsewhere = class_app.test_client()
    far = {"environ_overrides": {"REMOTE_ADDR": "192.168.1.77"}}
    response = elsewhere.post("/classes", json={}, **far)
    assert response.status_code == 403 and "computer that serves it" in response.json["detail"]
    assert elsewhere.get("/classes", **far).json["classes"] == []


def test_a_form_starts_a_class_only_from_our_own_page(teacher):
    assert teacher.post("/classes", data={"size": "5"}).status_code == 403
    (word,) = re.findall(r'name="csrf_token" value="([^"]+)"', teacher.get("/classes", headers=HTML).text)
    response = teacher.post("/classes", data={"csrf_token": word, "size": "5", "table": "adult"}, headers=HTML)
    assert response.status_code == 303 and "/board?key=" in response.headers["Location"]
    wrong = teacher.post("/classes", data={"csrf_token": word, "size": "none"}, headers=HTML)
    assert wrong.status_code == 422 and "none is not a whole number from 1 to 200" in wrong.text
    assert 'value="none"' in wrong.text


def test_a_phone_is_known_by_its_token_or_its_cookie(class_app, start):
    class_ = start(0)
    phone = class_app.test_client()
    joined = phone.post(f"/j/{class_.code}")
    assert joined.status_code == 201 and {*joined.json} == {"code", "nickname", "token"}
    by_cookie = phone.get(f"/classes/{class_.code}/me").json
    bearer = {"Authorization": f"Bearer {joined.json['token']}"}
    by_token = class_app.test_client(use_cookies=False).get(f"/classes/{class_.code}/me", headers=bearer).json
    assert by_cookie == by_token and by_cookie["nickname"] == joined.json["nickname"]
    again = phone.post(f"/j/{class_.code}")
    assert again.status_code == 200 and again.json == joined.json
    assert class_.board()["joined"] == 1
    assert phone.get(f"/j/{class_.code}", headers=HTML).headers["Location"].endswith(f"/classes/{class_.code}/me")


def test_the_code_is_read_in_any_letters_and_the_page_to_join_leads_on(class_app, start):
    class_ = start(0)
    client = class_app.test_client()
    response = client.get("/join", query_string={"code": f" {class_.code.lower()} "}, headers=HTML)
    assert (response.status_code, response.headers["Location"]) == (303, f"/j/{class_.code}")
    assert client.get(f"/j/{class_.code.lower()}").json["code"] == class_.code


def test_a_nickname_is_in_the_phone_s_language(class_app, start):
    class_ = start(0)
    told = class_app.test_client().post(f"/j/{class_.code}", headers={"Accept-Language": "zh-CN"}).json
    assert not told["nickname"].isascii()


@pytest.mark.parametrize("path", ["me", "results", "notes", "board", "end"])
def test_a_lost_code_is_told_so(teacher, path):
    for headers in ({}, HTML):
        response = teacher.get(f"/classes/XXXX/{path}", headers=headers)
        assert response.status_code == 404 and "There is no class XXXX here" in response.text
    assert teacher.post("/j/XXXX").status_code == 404


def test_a_wrong_token_and_a_wrong_key_lead_nowhere(class_app, start):
    class_ = start(1)
    stranger = class_app.test_client()
    response = stranger.get(f"/classes/{class_.code}/me", headers={"Authorization": "Bearer nobody"})
    assert response.status_code == 401 and response.json["detail"] == "This phone has not joined the class."
    page = stranger.get(f"/classes/{class_.code}/me", headers=HTML)
    assert page.status_code == 401 and f'action="/j/{class_.code}"' in page.text
    path, right = class_.begun["board"].split("key=")
    for key in ("", "x" * 32, right[:-1], right.upper()):
        for method in ("get", "post", "delete"):
            response = getattr(stranger, method)(f"{path}key={key}", json={"action": "next"})
            assert response.status_code == 403, (method, key)
    other = start(0)
    assert stranger.get(f"/classes/{class_.code}/board?key={other.begun['board'][-32:]}").status_code == 403
    assert class_.board()["step"] == "join"


def test_a_full_class_says_so(class_app, start):
    class_ = start(2, size=2)
    for headers in ({}, HTML):
        response = class_app.test_client().post(f"/j/{class_.code}", headers=headers)
        assert response.status_code == 409 and "All 2 places of this class are taken." in response.text
    assert class_.board()["joined"] == 2


def test_guesses_are_saved_changed_and_counted(start):
    class_ = start(3)
    phone = class_.phones[0]
    assert phone.me().json["person"] is None
    class_.act("next")
    mine = phone.me().json
    assert mine["step"] == "one" and mine["person"]["number"] == 1 and mine["guess"] is None
    assert phone.say(person=1, guess=35).json["guess"] == 35
    assert phone.say(person=1, guess="40").json["guess"] == 40
    assert phone.say(person=1, guess=40).json["guess"] == phone.me().json["guess"] == 40
    board = class_.board()
    assert (board["joined"], board["answered"], board["guesses"]) == (3, 1, 1)


@pytest.mark.parametrize(
    ("said", "status", "fields"),
    [
        ({"person": 1, "guess": -1}, 422, {"guess"}),
        ({"person": 1, "guess": 101}, 422, {"guess"}),
        ({"person": 1, "guess": 35.5}, 422, {"guess"}),
        ({"person": 1, "guess": None}, 422, {"guess"}),
        ({"person": 1, "guess": True}, 422, {"guess"}),
        ({"person": 1, "guess": "1e1"}, 422, {"guess"}),
        ({"person": 1, "guess": "٣"}, 422, {"guess"}),
        ({"person": 0, "guess": 5}, 422, {"person"}),
        ({"person": 11, "guess": 5}, 422, {"person"}),
        ({"guess": 5}, 422, {"person"}),
        ({}, 422, {"person", "guess"}),
        ({"person": 1, "guess": 5, "name": "me"}, 422, {"name"}),
        ({"person": 2, "guess": 5}, 409, None),
        ({"vote": "yes"}, 409, None),
    ],
)
def test_a_guess_that_is_none_is_refused_and_the_next_works(start, said, status, fields):
    class_ = start(1)
    class_.act("next")
    phone = class_.phones[0]
    phone.say(person=1, guess=20)
    response = phone.say(**said)
    assert response.status_code == status, response.json
    if fields:
        assert {each["field"] for each in response.json["errors"]} == fields
    assert phone.me().json["guess"] == 20
    assert phone.say(person=1, guess=21).status_code == 200


def test_a_whole_number_may_be_written_with_a_point(start):
    class_ = start(1)
    class_.act("next")
    assert class_.phones[0].say(person=1, guess=35.0).json["guess"] == 35


def test_after_reveal_nothing_can_be_changed_until_it_is_taken_back(start):
    class_ = start(1)
    class_.act("next")
    phone = class_.phones[0]
    phone.say(person=1, guess=20)
    class_.act("reveal")
    response = phone.say(person=1, guess=99)
    assert response.status_code == 409 and "was revealed" in response.json["detail"]
    assert phone.me().json["people"][0]["guess"] == 20
    class_.act("undo")
    assert phone.say(person=1, guess=99).status_code == 200
    assert phone.me().json["people"] == []


def test_the_teacher_goes_back_a_step_and_what_was_revealed_stays(start):
    class_ = start(1)
    class_.act("next", "reveal", "next", "back")
    mine = class_.phones[0].me().json
    assert mine["step"] == "one" and mine["is_revealed"]
    class_.act("next")
    assert class_.phones[0].me().json["person"]["number"] == 2


def test_a_phone_is_shown_the_next_person_or_the_one_it_wants(start):
    class_ = start(1)
    class_.act("next", "next")
    phone = class_.phones[0]
    phone.say(person=1, guess=1)
    assert phone.me().json["person"]["number"] == 2
    assert phone.me(person=1).json["guess"] == 1
    assert phone.me(person=7).json["person"]["number"] == 7
    assert phone.me(person=0).status_code == 422
    assert phone.me().json["progress"] == {"answered": 1, "of": 10}


def test_votes_are_taken_hidden_and_shown(start):
    class_ = start(5)
    for phone, choice in zip(class_.phones, ["yes", "no", "no", "no", "if-open"], strict=True):
        assert phone.say(vote=choice).json["vote"] == choice
    class_.phones[0].say(vote="no")
    assert class_.board()["answered"] == 5
    wrong = class_.phones[0].say(vote="perhaps")
    assert wrong.status_code == 422 and wrong.json["errors"][0]["field"] == "vote"
    while class_.act("next")["step"] != "again":
        pass
    assert class_.phones[0].say(vote="yes").status_code == 200
    board = class_.act("reveal")
    assert board["before"]["choices"] == {"yes": 0, "if-open": 1, "no": 4}
    assert board["vote"]["votes"] == 1 and board["vote"]["choices"] is None  # of fewer than five
    assert class_.phones[0].say(vote="no").status_code == 409


def test_scores_equal_those_of_scikit_learn_on_the_same_guesses(start, scorecard):
    class_ = start(12)
    class_.play()
    results = class_.results().json
    people = read_people(scorecard)
    guesses, truths, answers, phones = [], [], [], []
    for place, phone in enumerate(class_.phones):
        for person in phone.me().json["people"]:
            assert person["guess"] == class_.guesses[place, person["number"]]
            assert person["model"] == scorecard.probability(person["record"])
            assert (person["model"], person["truth"]) in zip(people.answers, people.truths, strict=True)
            if person["number"] > 5:
                guesses.append(person["guess"] / 100)
                truths.append(person["truth"])
                answers.append(person["model"])
                phones.append(place)
    brier = {name: each["score"] for name, each in results["brier"].items()}
    assert brier["class"] == pytest.approx(brier_score_loss(truths, guesses), abs=1e-12)
    assert brier["model"] == pytest.approx(brier_score_loss(truths, answers), abs=1e-12)
    share = scorecard.training["positives"] / scorecard.training["rows"]
    assert brier["always"] == pytest.approx(brier_score_loss(truths, [share] * len(truths)), abs=1e-12)
    assert results["brier"]["class"]["count"] == 60
    for name, said in (("class", guesses), ("model", answers)):
        actual, predicted = calibration_curve(truths, said, n_bins=5)
        found = {each["low"]: each for each in results["calibration"][name]}
        places = np.searchsorted(np.linspace(0, 1, 6)[1:-1], said)
        behind = [{*np.array(phones if name == "class" else range(60))[places == at]} for at in np.unique(places)]
        shown = zip(actual, predicted, behind, strict=True)
        enough = [(share_true, mean_said) for share_true, mean_said, people in shown if len(people) >= 5]
        for each, (share_true, mean_said) in zip(found.values(), enough, strict=True):
            assert each["actual"] == pytest.approx(share_true, abs=1e-12)
            assert each["predicted"] == pytest.approx(mean_said, abs=1e-12)
    crowd = [np.mean([class_.guesses[place, number] / 100 for place in range(12)]) for number in range(1, 6)]
    assert brier["crowd"] == pytest.approx(brier_score_loss([each["truth"] for each in results["people"]], crowd))
    assert brier["crowd"] <= brier["class_common"]
    assert [each["mean"] for each in results["people"]] == pytest.approx(crowd)


@pytest.mark.parametrize("phones", [1, 4])
def test_no_figure_is_shown_for_fewer_than_five(start, phones):
    class_ = start(phones)
    class_.play()
    results = class_.results().json
    assert results["is_revealed"] and results["brier"] is None and results["calibration"] is None
    assert {(each["mean"], each["histogram"]) for each in results["people"]} == {(None, None)}
    assert class_.act("next")["results"]["brier"] is None
    assert "Fewer than five" in class_.teacher.get(class_.begun["board"], headers=HTML).text
    assert "Fewer than five" in class_.results(headers=HTML).text
    assert class_.phones[0].me().json["brier"] is not None  # one's own is one's own


def test_before_reveal_nobody_but_the_teacher_is_told_anything(class_app, start, scorecard):
    """Over every address of the class, in every format: no other's guess, no truth, no answer of the model."""
    class_ = start(6)
    class_.act("next")
    class_.guess_all()
    secret = {number for (place, _), number in class_.guesses.items() if place}
    stranger, phone = class_app.test_client(), class_.phones[0]
    before = look(class_, stranger, phone)
    class_.guesses.clear()
    for other in class_.phones[1:]:  # whatever the others say, nothing changes for anybody else
        other.say(person=1, guess=73 if 73 not in secret else 74)
    assert look(class_, stranger, phone) == before
    answer = phone.me().json
    assert not answer["people"] and answer["brier"] is None and "model" not in answer and "truth" not in answer
    board = class_.board()
    assert "result" not in board and "results" not in board
    class_.act("reveal")
    assert look(class_, stranger, phone) != before  # so that the check above can fail
    assert phone.me().json["people"][0]["model"] == scorecard.probability(phone.me().json["people"][0]["record"])


def look(class_, stranger, phone):
    """Everything that somebody without the teacher's link is answered."""
    found = {}
    for url in OF_CLASSES:
        path = url.replace("<code>", class_.code)
        for headers in ({}, HTML, {"Accept": "text/csv"}):
            for who, client in (("stranger", stranger), ("phone", phone.client)):
                token = phone.headers if who == "phone" else {}
                told = client.get(path, headers=headers | token, environ_overrides={"REMOTE_ADDR": "192.168.1.9"})
                text = re.sub(r'value="[^"]{60,}"', "", told.text)  # the form's word is new each time
                found[path, who, str(headers)] = told.status_code, text
    return found


def test_polling_is_answered_by_304_until_something_changes(start):
    class_ = start(2)
    class_.act("next")
    for ask in (lambda **options: class_.phones[0].client.get(f"/classes/{class_.code}/me", **options),):
        first = ask(headers=class_.phones[0].headers)
        same = ask(headers=class_.phones[0].headers | {"If-None-Match": first.headers["ETag"]})
        assert same.status_code == 304 and not same.data
        class_.act("reveal")
        assert ask(headers=class_.phones[0].headers | {"If-None-Match": first.headers["ETag"]}).status_code == 200
    board = class_.teacher.get(class_.begun["board"])
    tag = {"If-None-Match": board.headers["ETag"]}
    assert class_.teacher.get(class_.begun["board"], headers=tag).status_code == 304
    class_.act("next")
    class_.phones[1].say(person=2, guess=3)
    assert class_.teacher.get(class_.begun["board"], headers=tag).json["guesses"] == 1


def test_a_lost_database_is_told_so_and_the_next_request_works(class_app, start, monkeypatch):
    class_ = start(1)
    class_.act("next")
    monkeypatch.setattr(store, "SECONDS_TO_WAIT", 0.1)
    kept = class_app.extensions["classes"]
    kept.close()
    other = sqlite3.connect(kept.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # as by a worker that hangs
    response = class_.phones[0].say(person=1, guess=5)
    assert response.status_code == 503 and "nothing was saved" in response.json["detail"]
    assert response.headers["Retry-After"]
    other.close()
    assert class_.phones[0].say(person=1, guess=5).json["guess"] == 5
    kept.close()  # the next test waits as long as usual


def test_an_action_that_is_none_is_refused(start):
    class_ = start(0)
    for body in ({"action": "jump"}, {}, {"action": "next", "x": 1}):
        assert class_.teacher.post(class_.begun["board"], json=body).status_code == 422
    assert class_.board()["step"] == "join"


def test_the_board_shows_the_smallest_change_and_the_person_the_class_got_wrong(start, scorecard):
    class_ = start(6)
    class_.play()
    class_.act("next")
    case = class_.act("next")
    assert case["step"] == "case"
    errors = [abs(each["mean"] - each["truth"]) for each in class_.results().json["people"]]
    assert abs(case["result"]["mean"] - case["result"]["truth"]) == max(errors)
    page = class_.teacher.get(class_.begun["board"], headers=HTML).text
    assert page.count("data-line") > 5
    changes = class_.act("next")
    assert changes["change"]["probability"] == pytest.approx(0.15, abs=0.01) and changes["change"]["changes"] is None
    shown = class_.act("reveal")["change"]
    assert shown["changed_probability"] >= 0.5 and shown["exact"] and shown["changes"]
    assert "/probability?" in class_.phones[0].me().json["try_it"]


@pytest.fixture
def with_siblings(class_app, monkeypatch):
    """The default table as if it had the two siblings that its description names."""
    served = class_app.extensions["tables"].default
    here = served.manifest.versions[served.current.version]
    means: dict[str, Any] = {
        "sex": {"Male": (10, 0.3, 0.28), "Female": (9, 0.1, 0.12)},
        "education": {"HS-grad": (5, 0.2, 0.2)},
    }
    measures = {"roc_auc": Paired(whole=0.88, sibling=0.87, interval=None)}
    beside = Beside(other=served.current.version, rows=19, measures=measures, means=means)
    siblings = {
        name: here.model_copy(update={"without": without, "beside": beside})
        for name, without in {"one": ["race", "sex"], "two": ["marital_status", "race", "sex"]}.items()
    }
    manifest = served.manifest.model_copy(update={"versions": served.manifest.versions | siblings})
    monkeypatch.setattr(served, "manifest", manifest)


def test_the_model_without_some_fields_is_shown_after_the_vote(with_siblings, start):
    class_ = start(6)
    while (board := class_.act("next"))["kind"] != "without":
        pass
    assert board["title"] == "If race and sex are left out, is the gap gone?" and "without" not in board
    for phone in class_.phones:
        assert phone.say(vote="stays").status_code == 200
    shown = class_.act("reveal")
    assert shown["vote"]["choices"] == {"gone": 0, "half": 0, "stays": 6}
    assert shown["without"]["left_out"] == ["Race", "Sex"]
    groups = [(each["title"], each["whole"], each["sibling"]) for each in shown["without"]["groups"]]
    assert groups == [("Male", 0.3, 0.28), ("Female", 0.1, 0.12)]  # those of no group field are left away
    assert shown["without"]["measures"]["roc_auc"]["difference"] == pytest.approx(-0.01)
    class_.act("next")
    assert len(class_.phones[0].me().json["question"]["choices"]) == 7  # the fields of the table
    assert class_.phones[0].say(vote="marital_status").status_code == 200
    assert class_.act("reveal")["without"]["left_out"] == ["Marital status", "Race", "Sex"]
    for language in ("en", "zh"):
        page = class_.teacher.get(class_.begun["board"], headers=HTML | {"Accept-Language": language})
        assert page.status_code == 200


def test_every_step_has_its_page_in_both_languages(start):
    class_ = start(6)
    seen = set()
    while True:
        class_.guess_all()
        board = class_.board()
        for language in ("en", "zh"):
            headers = HTML | {"Accept-Language": language}
            assert class_.teacher.get(class_.begun["board"], headers=headers).status_code == 200
            me = class_.phones[0].client.get(f"/classes/{class_.code}/me", headers=headers | class_.phones[0].headers)
            assert me.status_code == 200
        if board["step"] in seen:
            break
        seen.add(board["step"])
        class_.act("reveal", "next")
    assert len(seen) == board["steps"]


def test_the_paper_card_is_twice_on_a_sheet(start):
    class_ = start(0)
    card = class_.teacher.get(f"/classes/{class_.code}/card").json
    assert card == class_.teacher.get("/scorecard", query_string={"points": 5}).json
    page = class_.teacher.get(f"/classes/{class_.code}/card", headers=HTML).text
    assert page.count('class="paper-sheet') == 2 and "<script" not in page.partition("<body")[2]


def test_the_take_home_file_has_the_results_of_the_class(start):
    class_ = start(6)
    before = class_.teacher.get("/take-home.html", query_string={"class": class_.code})
    assert before.status_code == 200 and "Our class" in before.text
    class_.play()
    page = class_.teacher.get(class_.begun["board"].replace("/board", "/end"), headers=HTML).text
    (link,) = re.findall(r'href="([^"]*take-home[^"]*)"', page)
    file = class_.teacher.get(link.replace("&amp;", "&")).text
    results = class_.results().json
    assert "6 phones made 60 guesses." in file
    for name in ("class", "model", "always"):
        assert f"{results['brier'][name]['score']:.3f}" in file
    wrong = class_.teacher.get("/take-home.html?class=XXXX")
    assert wrong.status_code == 422 and wrong.json["errors"][0]["field"] == "class"
    class_.teacher.delete(class_.begun["board"])
    assert class_.teacher.get(link.replace("&amp;", "&")).status_code == 422


def test_the_results_as_csv_and_the_notes(start):
    class_ = start(6)
    class_.play()
    lines = class_.teacher.get(f"/classes/{class_.code}/results.csv").text.splitlines()
    assert lines[0] == "what,name,count,score,low,high,predicted,actual"
    assert any(line.startswith("brier,class,30,") for line in lines)
    notes = class_.teacher.get(f"/classes/{class_.code}/notes").json
    assert notes["steps"][0]["begin"] == 0 and all(step["notes"] for step in notes["steps"])


def test_the_end_leaves_no_row_and_no_way_back(class_app, start):
    class_ = start(6)
    class_.play()
    page = class_.teacher.get(class_.begun["board"].replace("/board", "/end"), headers=HTML)
    assert page.status_code == 200 and "results?format=csv" in page.text
    response = class_.teacher.delete(class_.begun["board"])
    assert response.status_code == 200 and response.json == {"code": class_.code, "rows_left": 0}
    for each in (class_.phones[0].me(), class_.phones[0].say(person=3, guess=5), class_.results()):
        assert each.status_code == 404
    assert class_.teacher.get(class_.begun["board"]).status_code == 404
    assert not class_.teacher.get("/classes").json["classes"]


def test_the_page_of_the_end_says_how_many_rows_are_left(start):
    class_ = start(1)
    response = class_.teacher.post(class_.begun["board"].replace("/board", "/end"), headers=HTML)
    assert response.status_code == 200 and "0 rows left" in response.text
    assert "0 rows left" not in class_.teacher.get("/classes", headers=HTML).text


def test_cookies_and_answers_are_private(class_app, start):
    class_ = start(0)
    joined = class_app.test_client().post(f"/j/{class_.code}")
    cookie = joined.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert joined.headers["Cache-Control"] == "no-store"


def test_the_test_of_the_network_tells_a_phone_that_it_works(class_app, teacher):
    here = teacher.get("/classes/reach", headers=HTML).text
    assert here.count("<svg") == 1 and "hotspot" in here and "take-home" in here
    far = teacher.get("/classes/reach", headers=HTML, environ_overrides={"REMOTE_ADDR": "192.168.1.77"}).text
    assert "Yes, it works" in far


def test_a_class_keeps_its_version(class_app, start):
    class_ = start(1)
    class_.act("next")
    answer = class_.phones[0].me().json
    assert urlsplit(class_.begun["board"]).path == f"/classes/{class_.code}/board"
    assert class_.teacher.get(f"/iris{class_.begun['board']}").json["table"] == "adult"
    phone = class_.phones[0]
    assert phone.client.get(f"/iris/classes/{class_.code}/me", headers=phone.headers).json == answer
