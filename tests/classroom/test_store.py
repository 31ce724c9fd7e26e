"""What is kept of a class, and that nothing is left of it."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from glassform.classroom import store as kept
from glassform.classroom.course import Standing, blank, go_on
from glassform.classroom.lessons import read_lessons
from glassform.classroom.refused import ClassFull, Ended, NotAsked, TooManyClasses
from glassform.classroom.store import Store, digest_of, key_of

ALLOWED = lambda standing: None  # noqa: E731
STEPS = read_lessons()["guess-first"].steps


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "instance" / "classes.sqlite")
    yield opened
    opened.close()


def begin(store, size=40):
    return store.begin("adult", "v1", "guess-first", size, Standing("join"))


def test_a_class_is_found_by_its_code_in_any_letters(store):
    code = begin(store)
    assert store.find(code.lower()) == store.find(code)
    assert store.find(code).standing == Standing("join")
    with pytest.raises(Ended):
        store.find("XXXX1")


def test_nothing_else_than_promised_is_kept(store):
    begin(store)
    tables = {
        table: {column for _, column, *_ in store.asked(f"PRAGMA table_info({table})")}
        for (table,) in store.asked("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    assert tables == {
        "classes": {"code", "table", "version", "lesson", "size", "seed", "standing", "hour"},
        "phones": {"code", "place", "digest", "nickname"},
        "guesses": {"code", "place", "person", "guess"},
        "votes": {"code", "place", "question", "choice"},
    }


def test_the_file_is_for_its_owner_alone(store):
    begin(store)
    for file in store.file.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_phones_that_join_at_once_get_places_and_nicknames_of_their_own(tmp_path):
    """Forty-five at once by two workers, each with its own connection: forty get in."""
    workers = [Store(tmp_path / "classes.sqlite") for _ in range(2)]
    code = begin(workers[0])

    def join(number):
        try:
            return workers[number % 2].join(code)
        except ClassFull:
            return None

    with ThreadPoolExecutor(16) as threads:
        joined = [each for each in threads.map(join, range(45)) if each]
    assert sorted(phone.place for phone, _, _ in joined) == list(range(40))
    assert len({phone.nickname for phone, _, _ in joined}) == len({token for _, token, _ in joined}) == 40


def test_a_phone_that_joins_again_stays_who_it_is(store):
    code = begin(store, size=1)
    phone, token, is_new = store.join(code)
    assert is_new and store.join(code, token) == (phone, token, False)
    assert len(store.nicknames(code)) == 1
    with pytest.raises(ClassFull):
        store.join(code, "another")


def test_a_guess_sent_twice_counts_once_and_a_new_one_replaces_it(store):
    code = begin(store)
    phone, *_ = store.join(code)
    for guess in (35, 35, 40):
        store.guess(code, phone.place, 3, guess, ALLOWED)
    assert store.guesses(code) == [(0, 3, 40)]


def test_a_refused_guess_leaves_nothing_and_the_next_works(store):
    code = begin(store)

    def refuse(standing):
        raise NotAsked("no")

    with pytest.raises(NotAsked):
        store.guess(code, 0, 3, 35, refuse)
    assert not store.guesses(code)
    store.guess(code, 0, 3, 35, ALLOWED)
    assert store.guesses(code) == [(0, 3, 35)]


def test_moves_at_once_are_made_one_after_the_other(tmp_path):
    workers = [Store(tmp_path / "classes.sqlite") for _ in range(2)]
    code = begin(workers[0])
    with ThreadPoolExecutor(8) as threads:
        moves = range(len(STEPS) - 1)
        list(threads.map(lambda number: workers[number % 2].move(code, lambda it: go_on(it, STEPS)), moves))
    assert workers[1].find(code).standing.step == STEPS[-1].id
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: workers[number % 2].move(code, lambda it: blank(it, STEPS)), range(21)))
    assert workers[0].find(code).standing.blank


def test_after_the_end_no_byte_of_a_class_is_left(store):
    """Neither in the table nor in the journal, while another worker has the file open and reads."""
    other = Store(store.file)
    code, another = begin(store), begin(store)
    tokens = [store.join(code)[1] for _ in range(30)]
    for place in range(30):
        for person in range(1, 11):
            store.guess(code, place, person, 50, ALLOWED)
        other.vote(code, place, "join", "the-choice-of-somebody", ALLOWED)
    kept_bytes = b"".join(file.read_bytes() for file in store.file.parent.iterdir())
    signs = [digest_of(token).encode() for token in tokens] + [b"the-choice-of-somebody", code.encode()]
    assert all(sign in kept_bytes for sign in signs)  # so that the check below can fail
    assert store.end(code) == 0
    left = b"".join(file.read_bytes() for file in store.file.parent.iterdir())
    assert not [sign for sign in signs if sign in left]
    assert not [token for token in tokens if token.encode() in left]
    with pytest.raises(Ended):
        other.find(code)
    assert other.find(another).code == another
    other.close()


def test_the_end_waits_for_a_reader(store):
    code = begin(store)
    store.join(code)
    reader = sqlite3.connect(store.file, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM phones").fetchall()
    threading.Timer(0.2, reader.rollback).start()
    assert store.end(code) == 0
    assert (store.file.parent / "classes.sqlite-wal").stat().st_size == 0
    reader.close()


def test_a_class_is_forgotten_after_a_day(store, monkeypatch):
    code = begin(store)
    store.join(code)
    begun = kept.this_hour()
    monkeypatch.setattr(kept, "this_hour", lambda: begun + 23)
    assert store.running() == [code]
    monkeypatch.setattr(kept, "this_hour", lambda: begun + 24)
    with pytest.raises(Ended):
        store.find(code)
    store.forget()
    assert all(store.asked(f"SELECT count(*) FROM {table}") == [(0,)] for table in kept.TABLES)


def test_there_are_not_too_many_classes(store):
    codes = {begin(store) for _ in range(kept.MOST_CLASSES)}
    assert len(codes) == kept.MOST_CLASSES
    with pytest.raises(TooManyClasses):
        begin(store)


def test_the_key_follows_from_secret_and_code():
    assert key_of("s" * 32, "ABCD") == key_of("s" * 32, "ABCD")
    assert len({key_of("s" * 32, "ABCD"), key_of("s" * 32, "ABCE"), key_of("t" * 32, "ABCD")}) == 3
