"""Passwords: what is too easy to guess is refused, with the reason; hashing is bounded."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.exceptions import ServiceUnavailable

from glassform.accounts import passwords
from glassform.gates import Gate
from glassform.languages import DEFAULT, speak
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password", "ten most common"), ("12345678", "ten most common"), (" " * 8, "repeats itself"),
        ("aaaaaaaa", "repeats itself"), ("abcabcabc", "repeats itself"), ("qwertyuiop", "hundred most common"),
        ("Password1!", "like a common password"), ("P@ssw0rd123", "like a common password"), ("abcdefgh", "sequence"),
        ("letmein123", "like a common"), ("anna1234", "common name"), ("00000000", ""),
        ("wonderland7", ""), ("10.10.2010", ""), ("a" * 200, "repeats itself"),
    ],
)  # fmt: skip
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(password, reason):
    weak = passwords.weakness(password, "wonderland")
    assert weak is not None and "easy to guess" in weak and reason in weak


@pytest.mark.parametrize("password", ["short", "x" * 201, "wonderland", "WONDERLAND"])
def test_a_password_has_its_length_and_is_not_the_name(password):
    weak = passwords.weakness(password, "wonderland")
    assert weak is not None


@pytest.mark.parametrize(
    "password", ["correct horse", "battery staple", "kC9!wq2Zp", "密码不容易被猜到", "x" * 20 + "correct horse" * 10]
)
def test_words_and_chance_make_a_password(password):
    assert passwords.weakness(password, "ann") is None


def test_the_reasons_are_told_in_the_language_of_the_answer(app, client):
    answer = client.post("/accounts?lang=zh", json={"name": "zhname", "password": "password"})
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert error["field"] == "password" and error["value"] is None
    assert "最常见的十个密码之一" in error["message"] and "password" not in error["message"]
    speak(DEFAULT)


def test_no_more_than_two_are_hashed_at_once_and_a_full_gate_says_when_to_come_back(monkeypatch):
    inside, most, lock, start = 0, 0, threading.Lock(), threading.Barrier(20)

    def slow(*arguments):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.02)
        with lock:
            inside -= 1
        return "hash"

    def register(_):
        start.wait()
        try:
            return passwords.hash_password("correct horse")
        except ServiceUnavailable as full:
            return full.retry_after

    monkeypatch.setattr(passwords, "HASHING", Gate(at_once=2, waiting=3, seconds=7))
    monkeypatch.setattr(passwords, "generate_password_hash", slow)
    with ThreadPoolExecutor(20) as threads:
        made = list(threads.map(register, range(20)))
    assert most == 2
    assert {*made} == {"hash", 7} and 5 <= made.count("hash") <= 10


def test_the_lists_of_words_are_loaded_with_the_first_password_that_is_chosen(scorecard):
    code = (
        "import sys; from server import create_app; client = create_app().test_client()\n"
        "client.post('/tokens', json={'name': 'nobody', 'password': 'x'}); print('zxcvbn' in sys.modules)\n"
        "client.post('/accounts', json={'name': 'someone', 'password': 'password'}); print('zxcvbn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
