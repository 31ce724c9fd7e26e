"""Forty phones at once, real browsers among them: what is acknowledged is kept, and what is deleted is gone."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.starting import tree
from tests.phones import Phone, Teacher, class_server

PHONES, BROWSERS = 40, 4
GUESSES = 3  # of each plain phone, of the ten people
Running = tuple[int, int]


@pytest.fixture
def running(request, scorecard, tmp_path) -> Iterator[Running]:
    """A server in class mode with its own folder for what it keeps: its port and its process."""
    if not Path("/proc/self/task").exists():
        pytest.skip("this system has no /proc")
    with class_server(tmp_path / "instance", "--workers", str(getattr(request, "param", 2))) as found:
        yield found


@pytest.fixture
def pages(browser: Browser) -> Iterator[list[Page]]:
    """Some phones with a browser of their own."""
    contexts = [browser.new_context(viewport={"width": 390, "height": 844}) for _ in range(BROWSERS)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def guess_by_hand(page: Page, guess: int) -> None:
    """Type a guess and leave the field, and wait until it is acknowledged."""
    page.locator("#guess").fill(str(guess))
    page.locator("#guess").blur()
    expect(page.locator("[data-saved]")).to_have_text("Saved")


@pytest.mark.parametrize("running", [1, 2], indirect=True, ids=["one worker", "two workers"])
def test_forty_phones_guess_while_a_worker_is_killed_and_no_acknowledged_guess_is_lost(running, pages):
    port, server = running
    teacher = Teacher(port, table="adult", size=PHONES)
    url = f"http://127.0.0.1:{port}"
    with ThreadPoolExecutor(PHONES) as threads:
        joining = [threads.submit(Phone, port, teacher.code) for _ in range(PHONES - BROWSERS)]
        for page in pages:
            page.goto(f"{url}/j/{teacher.code}")
            page.get_by_role("button", name="Join").click()
            page.wait_for_url("**/me")
        phones = [each.result() for each in joining]
        assert teacher.board()["joined"] == PHONES
        assert len({phone.joined["nickname"] for phone in phones}) == PHONES - BROWSERS
        assert teacher.ask("POST", f"/j/{teacher.code}")[0] == 409, "one more than there is room for"

        teacher.act("next")
        guessed = [threads.submit(phone.say, person=1, guess=place) for place, phone in enumerate(phones)]
        for place, page in enumerate(pages):
            guess_by_hand(page, 90 + place)
        assert [each.result()["guess"] for each in guessed] == [*range(PHONES - BROWSERS)]
        board = teacher.board()
        assert (board["answered"], board["guesses"]) == (PHONES, PHONES)

        teacher.act("reveal")
        for place, page in enumerate(pages):
            expect(page.locator(".own tbody tr")).to_contain_text(f"{90 + place}%")
        assert all(mine["is_revealed"] for mine in threads.map(Phone.me, phones))

        teacher.act("next")
        for page in pages:
            expect(page.locator("#person-title")).to_have_text("Person 2")
        numbers = range(2, 2 + GUESSES)
        guessed = [threads.submit(phone.say, person=number, guess=number) for number in numbers for phone in phones]
        for place, each in enumerate(guessed):
            each.result()
            if place == len(phones):
                os.kill(tree(server)[-1], signal.SIGKILL)
        for place, page in enumerate(pages):
            guess_by_hand(page, 40 + place)
        assert teacher.board()["guesses"] == PHONES + len(phones) * GUESSES + BROWSERS

        teacher.act("reveal")
        for place, mine in enumerate(threads.map(Phone.me, phones)):
            told = {each["number"]: each["guess"] for each in mine["people"]}
            assert told == dict.fromkeys(range(1, 11)) | {1: place} | {number: number for number in numbers}
        for place, page in enumerate(pages):
            expect(page.locator(".own tbody tr").nth(1)).to_contain_text(f"{40 + place}%")


def kept_bytes(instance: Path) -> bytes:
    """Return all that is in the files of a folder."""
    return b"\n".join(file.read_bytes() for file in sorted(instance.rglob("*")) if file.is_file())


def test_after_the_end_no_file_holds_a_phone_although_others_go_on_asking(running, tmp_path):
    port, _ = running
    teacher, stays = Teacher(port, table="adult"), Teacher(port, table="adult")
    with ThreadPoolExecutor(8) as threads:
        phones = [*threads.map(lambda _: Phone(port, teacher.code), range(8))]
        teacher.act("next")
        [*threads.map(lambda phone: phone.say(person=1, guess=37), phones)]
    other = Phone(port, stays.code)
    digests = [sha256(phone.token.encode()).hexdigest() for phone in phones]
    before = kept_bytes(tmp_path / "instance")
    assert all(digest.encode() in before for digest in digests), "or the rest of this test says nothing"
    rows = [(teacher.code + digest).encode() for digest in digests]

    ended = Event()
    asking = [Thread(target=go_on_asking, args=(phone, ended)) for phone in (*phones, other)]
    for each in asking:
        each.start()
    try:
        assert teacher.end() == {"code": teacher.code, "rows_left": 0}
        after = kept_bytes(tmp_path / "instance")
    finally:
        ended.set()
        for each in asking:
            each.join()
    for kept in (after, kept_bytes(tmp_path / "instance")):
        for phone, digest, row in zip(phones, digests, rows, strict=True):
            assert digest.encode() not in kept and phone.token.encode() not in kept and row not in kept
        assert teacher.key.encode() not in kept
        assert sha256(other.token.encode()).hexdigest().encode() in kept, "another class goes on"
    assert phones[0].ask("GET", f"/classes/{teacher.code}/me")[0] == 404
    assert other.me()["nickname"] == other.joined["nickname"]


def go_on_asking(phone: Phone, ended: Event) -> None:
    """Ask as a phone does, and more often."""
    while not ended.wait(0.005):
        with suppress(OSError, HTTPException):
            phone.asked_once("GET", f"/classes/{phone.code}/me")
