"""Two accounts, and all that they and their tokens, keys and browsers may do, in any order: nobody gains a right."""

import os
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from glassform.settings import ARTIFACTS, Settings
from tests.conftest import documented
from tests.people import PERSON

RUNS = int(os.environ.get("STATE_MACHINE_RUNS", "50"))  # of the default, always the same
PASSWORDS = ("correct horse", "battery staple", "a third secret")
KEY_RIGHTS = {"read": {"read"}, "write": {"read", "write"}, "manage": {"read", "write", "manage"}}
who, which = st.sampled_from([0, 1]), st.integers(0, 10**6)
runs = count()


@dataclass
class Person:
    """An account as it should be."""

    name: str
    password: str = ""  # empty if there is no such account
    predictions: list[str] = field(default_factory=list)


@dataclass
class Pass:
    """A token, a key or a browser's cookies: whose it is, what it may do, and whether it still may."""

    kind: str
    owner: Person
    sent: dict[str, Any]
    rights: set[str]
    family: int = -1
    good: bool = True
    current: bool = False  # of a refresh token: whether it is the family's last one
    id: str = ""  # of a key


@pytest.fixture
def small_app(scorecard, paths, empty_database, tmp_path, quick_passwords):
    """An application with a database of its own."""
    file = tmp_path / "test.sqlite"
    file.write_bytes(empty_database.read_bytes())
    with documented(
        paths, ARTIFACTS, Settings(database_url=f"sqlite:///{file}", login_limit="1000 per second")
    ) as app:
        yield app


def test_whatever_two_accounts_do_nobody_gains_a_right(small_app):
    class Ours(Machine):
        application = small_app

    always = settings(
        max_examples=RUNS,
        stateful_step_count=15,
        deadline=None,
        database=None,
        derandomize=RUNS == 50,
        suppress_health_check=[*HealthCheck],
    )
    run_state_machine_as_test(Ours, settings=always)


class Machine(RuleBasedStateMachine):
    application: Any

    def __init__(self):
        super().__init__()
        run = next(runs)
        self.people = [Person(f"ann{run}"), Person(f"bob{run}")]
        self.passes: list[Pass] = []
        self.families = count()

    def ask(self, method, path, given=None, client=None, **options):
        """Ask with a pass, or with none; no answer may be a failure of the server."""
        client = (given and given.sent.get("client")) or client or self.application.test_client()
        headers = {**(given.sent.get("headers", {}) if given else {}), **options.pop("headers", {})}
        answer = client.open(path, method=method, headers=headers, **options)
        assert answer.status_code < 500, answer.text
        assert "private" in answer.headers["Cache-Control"]
        return answer

    def one(self, number) -> Pass | None:
        return self.passes[number % len(self.passes)] if self.passes else None

    def end(self, those):
        for each in self.passes:
            if those(each):
                each.good = False

    def may(self, given: Pass, right: str) -> int:
        """What a pass is told that asks for what takes a right: 200 stands for any success."""
        if not given.good or given.kind == "refresh":
            return 401
        return 200 if right in given.rights else 403

    def add_pair(self, owner, answer, family):
        for each in self.passes:
            each.current = each.current and each.family != family
        for kind, rights in (("access", KEY_RIGHTS["manage"]), ("refresh", set())):
            header = {"headers": {"Authorization": f"Bearer {answer[f'{kind}_token']}"}}
            self.passes.append(Pass(kind, owner, header, rights, family, current=kind == "refresh"))

    @initialize()
    def begin(self):
        """Both have an account, are signed in, and have a key of each scope."""
        for at, person in enumerate(self.people):
            self.register(at, PASSWORDS[0])
            self.visit(at, PASSWORDS[0])
            self.sign_in(at, PASSWORDS[0])
            access = next(place for place, each in enumerate(self.passes) if each.owner is person)
            for scope in KEY_RIGHTS:
                self.make_key(access, scope)

    @rule(person=who, password=st.sampled_from(PASSWORDS))
    def register(self, person, password):
        person = self.people[person]
        answer = self.ask("POST", "/accounts", json={"name": person.name, "password": password})
        assert answer.status_code == (409 if person.password else 201)
        if not person.password:
            person.password, person.predictions = password, []

    @rule(person=who, password=st.sampled_from(PASSWORDS))
    def sign_in(self, person, password):
        person = self.people[person]
        answer = self.ask("POST", "/tokens", json={"name": person.name.upper(), "password": password})
        assert answer.status_code == (200 if password == person.password else 401)
        if answer.status_code == 200:
            self.add_pair(person, answer.json, next(self.families))

    @rule(person=who, password=st.sampled_from(PASSWORDS))
    def visit(self, person, password):
        person, client = self.people[person], self.application.test_client()
        page = self.ask("GET", "/session", client=client, headers={"Accept": "text/html"}).text
        (word,) = re.findall('name="csrf_token" value="([^"]+)"', page)
        sent = {"csrf_token": word, "name": person.name, "password": password}
        answer = self.ask("POST", "/session", client=client, data=sent)
        assert answer.status_code == (303 if password == person.password else 401)
        if answer.status_code == 303:
            word = {"X-CSRF-TOKEN": client.get_cookie("csrf_access_token").value}
            browser = Pass("browser", person, {"client": client, "headers": word}, KEY_RIGHTS["manage"])
            browser.family = next(self.families)
            self.passes.append(browser)

    @rule(number=st.integers(0, 3))
    def refresh(self, number):
        self.refresh_with([each for each in self.passes if each.kind == "refresh"], number)

    @rule(number=which)
    def refresh_with_another(self, number):
        self.refresh_with([each for each in self.passes if each.kind in ("access", "key")], number)

    def refresh_with(self, passes, number):
        if passes:
            given = passes[number % len(passes)]
            answer = self.ask("POST", "/tokens/refresh", given)
            works = given.kind == "refresh" and given.good and given.current
            is_key = given.kind == "key" and given.good
            assert answer.status_code == (200 if works else 403 if is_key else 401)
            if works:
                self.add_pair(given.owner, answer.json, given.family)
            elif given.kind == "refresh" and given.good:
                self.end(lambda each: each.family == given.family)

    @rule(number=which)
    def revoke(self, number):
        self.end_by("/tokens", self.one(number), unless="browser")

    @rule(number=which)
    def sign_out(self, number):
        self.end_by("/session", self.one(number), unless="refresh")

    def end_by(self, path, given, unless):
        if given and given.kind != unless:
            answer = self.ask("DELETE", path, given)
            assert answer.status_code == (401 if not given.good else 403 if given.kind == "key" else 204)
            if answer.status_code == 204:
                self.end(lambda each: each.family == given.family)

    @rule(number=which, scope=st.sampled_from([*KEY_RIGHTS]))
    def make_key(self, number, scope):
        given = self.one(number)
        if given:
            answer = self.ask("POST", "/keys", given, json={"title": "x", "scope": scope})
            told = self.may(given, "manage")
            assert answer.status_code in ((201, 422) if told == 200 else (told,))
            if answer.status_code == 201:
                header = {"headers": {"X-API-Key": answer.json["key"]}}
                self.passes.append(Pass("key", given.owner, header, KEY_RIGHTS[scope], id=answer.json["id"]))

    @rule(number=which, other=which)
    def end_key(self, number, other):
        given, keys = self.one(number), [each for each in self.passes if each.kind == "key"]
        if given and keys:
            key = keys[other % len(keys)]
            answer, told = self.ask("DELETE", f"/keys/{key.id}", given), self.may(given, "manage")
            mine = key.good and key.owner is given.owner
            assert answer.status_code == ((204 if mine else 404) if told == 200 else told)
            key.good = key.good and answer.status_code != 204

    @rule(number=which, old=st.sampled_from(PASSWORDS), new=st.sampled_from(PASSWORDS), keys=st.booleans())
    def change_password(self, number, old, new, keys):
        given = self.one(number)
        if given:
            sent = {"password": old, "new_password": new} | ({"keys": "keep"} if keys else {})
            answer, told = self.ask("PATCH", "/account", given, json=sent), self.may(given, "manage")
            right = old == given.owner.password
            assert answer.status_code == ((200 if right else 403) if told == 200 else told)
            if answer.status_code == 200:
                given.owner.password = new
                self.end(lambda each: each.owner is given.owner and (each.kind != "key" or not keys))

    @rule(number=which, password=st.sampled_from(PASSWORDS))
    def delete_account(self, number, password):
        given = self.one(number)
        if given:
            answer = self.ask("DELETE", "/account", given, json={"password": password})
            right, told = password == given.owner.password, self.may(given, "manage")
            assert answer.status_code == ((204 if right else 403) if told == 200 else told)
            if answer.status_code == 204:
                given.owner.password, given.owner.predictions = "", []
                self.end(lambda each: each.owner is given.owner)

    @rule(number=which)
    def save(self, number):
        given = self.one(number)
        if given:
            answer, told = self.ask("POST", "/predictions", given, json=PERSON), self.may(given, "write")
            assert answer.status_code == (201 if told == 200 else told)
            if answer.status_code == 201:
                given.owner.predictions.append(answer.json["url"])

    @rule(number=which, person=who, which_one=which)
    def read(self, number, person, which_one):
        given, urls = self.one(number), self.people[person].predictions
        if given and urls:
            told, mine = self.may(given, "read"), given.owner is self.people[person]
            answer = self.ask("GET", urls[which_one % len(urls)], given)
            assert answer.status_code == ((200 if mine else 404) if told == 200 else told)

    def teardown(self):
        """Whatever was handed out does now what it should, and no more."""
        for given in self.passes:
            answer = self.ask("GET", "/account", given)
            assert answer.status_code == self.may(given, "read"), given
            if answer.status_code == 200:
                assert answer.json["name"] == given.owner.name
                assert answer.json["predictions"] == len(given.owner.predictions)
