"""Wrong passwords: counted by kinds, slower and slower, and never for ever."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import text

from glassform.accounts import rates
from glassform.accounts.counters import MEMORY, InDatabase
from glassform.accounts.rates import Rates
from glassform.settings import ARTIFACTS, Settings
from tests.conftest import documented

PASSWORD = "correct horse"
ELSEWHERE = [f"192.0.2.{at}" for at in range(1, 100)]


@pytest.fixture
def make(scorecard, paths, empty_database, tmp_path, quick_passwords):
    """Make applications with these settings on one database."""
    file, made = tmp_path / "test.sqlite", []
    file.write_bytes(empty_database.read_bytes())

    def build(**settings):
        made.append(documented(paths, ARTIFACTS, Settings(database_url=f"sqlite:///{file}", **settings)))
        return made[-1].__enter__()

    yield build
    for each in made:
        each.__exit__(None, None, None)


@dataclass
class Guessing:
    """An application, and how to try a password there."""

    app: Flask
    guess: Callable[..., tuple[int, int]]

    def __call__(self, *arguments, **named):
        return self.guess(*arguments, **named)


@pytest.fixture
def guessing(make):
    """Sign in, right or wrong, from an address: the status and the seconds to wait."""
    app = make(login_limit="3 per minute")
    client = app.test_client()
    assert client.post("/accounts", json={"name": "ann", "password": PASSWORD}).status_code == 201

    def guess(name="ann", password="wrong", address="127.0.0.1"):
        who = {"name": name, "password": password}
        answer = client.post("/tokens", json=who, environ_overrides={"REMOTE_ADDR": address})
        return answer.status_code, int(answer.headers.get("Retry-After", 0))

    return Guessing(app, guess)


def later(app, seconds):
    """Let time pass for all counters."""
    with app.app_context():
        counts = rates.rates().shared
    assert isinstance(counts, InDatabase)
    with counts.engine.connect() as connection:
        connection.execute(text("UPDATE counters SET expires = expires - :seconds"), {"seconds": seconds})


def test_guesses_at_a_name_from_anywhere_take_longer_and_longer_but_never_more_than_a_quarter_of_an_hour(guessing):
    addresses, waits = iter(ELSEWHERE), []
    for _ in range(5):
        told = [guessing(address=next(addresses)) for _ in range(4)]
        assert [status for status, _ in told] == [401, 401, 401, 429]
        waits.append(told[-1][1])
        later(guessing.app, waits[-1])
    assert waits[0] <= 60 < waits[1] < waits[2] <= rates.LONGEST_DELAY
    assert max(waits) <= rates.LONGEST_DELAY
    assert guessing(password=PASSWORD, address=next(addresses))[0] == 200


def test_who_waits_as_long_as_told_may_try_again(guessing):
    told = [guessing(address=address) for address in ELSEWHERE[:4]]
    later(guessing.app, told[-1][1])
    assert guessing(password=PASSWORD, address=ELSEWHERE[9])[0] == 200


def test_a_refused_guess_does_not_count(guessing):
    for address in ELSEWHERE[:50]:
        status, wait = guessing(address=address)
    assert status == 429 and wait <= 60


def test_a_right_password_costs_nothing(guessing):
    assert [guessing(password=PASSWORD, address=ELSEWHERE[0])[0] for _ in range(10)] == [200] * 10
    assert guessing(address=ELSEWHERE[0])[0] == 401


def test_the_name_of_an_address_is_no_address_and_the_name_of_an_account_no_account(guessing, make):
    address = ELSEWHERE[0]
    for _ in range(4):
        status, _ = guessing(name=address, address=ELSEWHERE[1])
    assert status == 429
    assert guessing(password=PASSWORD, address=address)[0] == 200, "nobody guessed from there"


def test_where_an_account_was_signed_in_strangers_elsewhere_do_not_stop_its_owner(guessing):
    assert guessing(password=PASSWORD, address=ELSEWHERE[0])[0] == 200
    assert [guessing(address=address)[0] for address in ELSEWHERE[1:6]][-1] == 429
    assert guessing(password=PASSWORD, address=ELSEWHERE[0])[0] == 200
    assert [guessing(address=ELSEWHERE[0])[0] for _ in range(4)] == [401, 401, 401, 429], (
        "but guesses count there, too"
    )


def test_the_owner_who_is_signed_in_goes_on_whatever_strangers_guess(guessing):
    client = guessing.app.test_client()
    pair = client.post("/tokens", json={"name": "ann", "password": PASSWORD}).json
    header = {"Authorization": f"Bearer {pair['access_token']}"}
    for address in ELSEWHERE[:40]:
        guessing(address=address)
    change = {"password": PASSWORD, "new_password": "battery staple"}
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": ELSEWHERE[50]}}
    assert client.get("/account", headers=header, **elsewhere).status_code == 200
    assert client.patch("/account", json=change, headers=header, **elsewhere).status_code == 200


def test_whoever_holds_a_session_cannot_guess_the_password_either(guessing):
    client = guessing.app.test_client()
    pair = client.post("/tokens", json={"name": "ann", "password": PASSWORD}).json
    header, wrong = {"Authorization": f"Bearer {pair['access_token']}"}, {"password": "wrong"}
    told = [client.delete("/account", json=wrong, headers=header).status_code for _ in range(4)]
    assert told == [403, 403, 403, 429]


@pytest.mark.parametrize(
    ("addresses", "is_one"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3:4:5:6", "2001:DB8:1:2::"], True),
        (["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2:2::1", "2001:db9:1:2::1"], False),
        (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.1"], True),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3", "::ffff:192.0.2.4"], False),
        (["fe80::1%eth0", "fe80::2%eth1", "fe80::3", "fe80::4"], True),
        (["no address", "no address", "no address", "no address"], True),
    ],
)
def test_a_client_is_an_address_or_the_network_that_one_customer_has(guessing, addresses, is_one):
    told = [guessing(name=f"nobody{at}", address=address)[0] for at, address in enumerate(addresses)]
    assert told == [401, 401, 401, 429 if is_one else 401]


def test_two_processes_count_together_by_default(make):
    one, other = (make(rate_limit="3 per minute").test_client() for _ in range(2))
    assert [client.get("/session").status_code for client in (one, other, one, other)] == [200, 200, 200, 429]


def test_counts_in_memory_are_exact_and_given_back_in_their_own_window_only():
    counts, limit = Rates(MEMORY), parse("2 per minute")
    assert isinstance(counts.shared, InDatabase)
    taken = [counts.take("test", limit, "name", "x") for _ in range(3)]
    assert [each.granted for each in taken] == [True, True, False]
    assert [each.left for each in taken] == [1, 0, 0]
    counts.give_back(taken[0])
    assert counts.take("test", limit, "name", "x").granted
    with counts.shared.engine.connect() as connection:
        connection.execute(text("UPDATE counters SET expires = 1"))
    again = counts.take("test", limit, "name", "x")
    assert (again.granted, again.left) == (True, 1)
    counts.give_back(taken[1])
    assert counts.take("test", limit, "name", "x").left == 0


def test_expired_counts_are_deleted():
    counts = Rates(MEMORY)
    assert isinstance(counts.shared, InDatabase)
    for at in range(100):
        counts.take("test", parse("2 per minute"), "name", str(at))
    with counts.shared.engine.connect() as connection:
        connection.execute(text("UPDATE counters SET expires = 1"))
    counts.shared.clean_at = 0
    counts.take("test", parse("2 per minute"), "name", "x")
    with counts.shared.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM counters")) == 1


def test_a_storage_that_fails_is_replaced_by_counts_of_this_process(make):
    app = make(rate_limit="2 per minute")
    with app.app_context():
        counts = rates.rates().shared
    assert isinstance(counts, InDatabase)
    with counts.engine.connect() as connection:
        connection.execute(text("DROP TABLE counters"))
    assert [app.test_client().get("/session").status_code for _ in range(3)] == [200, 200, 429]
