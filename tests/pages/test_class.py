"""Class mode in a real browser: a whole lesson, by keys and without script, and every page of it looked at."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

import model
from glassform.learning import base, siblings
from glassform.settings import ARTIFACTS
from tests.conftest import follow
from tests.phones import PATIENCE, Phone, Teacher, class_server
from tests.test_siblings import quickly, small_package

WITHOUT = (["sex", "race"], ["sex", "race", "marital.status"])  # as the lesson's steps have it
WALL = (Path(__file__).parent / "wall.js").read_text(encoding="utf-8")
COLOURS_AND_LANGUAGE = ["color-contrast", "html-has-lang", "valid-lang", "button-name", "link-name", "label"]
# A page asks every second; in a test it may ask ten times as often.
IN_A_HURRY = "{ const later = setTimeout; window.setTimeout = (act, ms, ...more) => later(act, ms / 10, ...more); }"


@pytest.fixture(scope="module")
def artifacts(scorecard, tmp_path_factory) -> Path:
    """The tables, the default one learned from a few rows, with its siblings."""
    folder: Path = tmp_path_factory.mktemp("class") / "artifacts"
    for table in ("census", "diabetes", "iris"):
        shutil.copytree(ARTIFACTS / table, folder / table)
    package = small_package(folder.parent / "few")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "chosen", quickly)
        patch.setattr(model, "cross_validated", lambda *_: None)
        for module in (base, siblings):
            patch.setattr(module, "RESAMPLES", 20)
        for without in ((), *WITHOUT):
            model.train(package, folder, without=without)
    return folder


@pytest.fixture(scope="module")
def server(artifacts, tmp_path_factory) -> Iterator[str]:
    """The address of a server in class mode."""
    with class_server(tmp_path_factory.mktemp("instance"), GLASSFORM_ARTIFACTS=str(artifacts)) as (port, _):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def port(server) -> int:
    return int(server.rpartition(":")[2])


@pytest.fixture
def pocket(browser: Browser, server) -> Iterator[BrowserContext]:
    """The browser of a phone, which may lose its network."""
    context = browser.new_context(base_url=server, viewport={"width": 390, "height": 844}, locale="en-GB")
    context.add_init_script(IN_A_HURRY)
    yield context
    context.close()


def eventually(claim: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < until
        time.sleep(0.05)


def start_by_form(board: Page) -> str:
    """Start a class as its teacher does; return its code."""
    board.get_by_label("Table").select_option("adult")
    board.get_by_label("Phones, at most").fill("12")
    follow(board, board.get_by_role("button", name="Start the class"))
    return board.locator(".code").first.inner_text()


def join_by_code(phone: Page, code: str) -> None:
    """Join a class as somebody does who cannot scan."""
    phone.goto("/join")
    phone.get_by_label("The code on the board").fill(code.lower())
    follow(phone, phone.get_by_role("button", name="Go on"))
    follow(phone, phone.get_by_role("button", name="Join"))


def vote(phone: Page, choice: str, others: list[Phone]) -> None:
    """Vote on the phone that is looked at, and on the others."""
    button = phone.get_by_role("button", name=choice, exact=True)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    for other in others:
        other.say(vote=other.me()["question"]["choices"][-1]["id"])


def test_a_whole_lesson_from_the_form_to_no_row_left(visit, pocket, port):
    board = visit("/classes", width=1280, height=800)
    board.context.add_init_script(IN_A_HURRY)
    code = start_by_form(board)
    title, count = board.locator("h1"), board.locator(".count")

    # Everybody joins, one by the browser, and votes on the first question.
    others = [Phone(port, code) for _ in range(6)]
    phone = pocket.new_page()
    join_by_code(phone, code)
    expect(count).to_have_text("7 of 12 phones in")
    expect(board.locator(".nicknames")).to_contain_text(phone.locator(".who strong").inner_text())
    vote(phone, "Yes", others)

    # One person: by the slider, by the number, after a reload, without network for a while.
    me = lambda: phone.request.get(f"/classes/{code}/me", headers={"Accept": "application/json"}).json()  # noqa: E731
    board.keyboard.press("PageDown")
    expect(title).to_have_text("One person")
    expect(phone.locator("h1")).to_have_text("One person")
    phone.locator("[data-slider]").focus()
    phone.keyboard.press("ArrowRight")
    expect(phone.locator("#guess")).to_have_value("51")
    eventually(lambda: me()["guess"] == 51)
    guess(phone, 20)
    eventually(lambda: me()["guess"] == 20)
    phone.reload()
    expect(phone.locator("#guess")).to_have_value("20")
    pocket.set_offline(True)
    guess(phone, 30)
    expect(phone.locator("[data-saved]")).to_have_text("Not saved yet. Trying again.")
    phone.get_by_role("button", name="Save").click()
    assert "chrome-error" not in phone.url, "no page is left that the network cannot bring back"
    pocket.set_offline(False)
    expect(phone.locator("[data-saved]")).to_have_text("Saved")
    assert me()["guess"] == 30
    for other in others:
        other.guess_all(80)
    expect(count).to_have_text("7 of 7 in")

    # Reveal, too early, and again; blank; back and on.
    board.keyboard.press("PageDown")
    expect(board.locator("svg.drawn")).to_be_visible()
    expect(phone.locator(".own")).to_contain_text("30%")
    board.keyboard.press("u")
    expect(count).to_have_text("7 of 7 in")
    expect(phone.locator("#guess")).to_have_value("30")
    board.keyboard.press("b")
    expect(title).to_have_text("The board is blank")
    board.keyboard.press("b")
    expect(title).to_have_text("One person")
    board.keyboard.press("PageUp")
    expect(title).to_have_text("Join with your phone")
    board.keyboard.press("PageDown")
    expect(title).to_have_text("One person")
    board.evaluate("window.isSame = true")
    board.get_by_role("button", name="Reveal").focus()
    board.keyboard.press("Enter")
    expect(board.locator(".told")).to_be_visible()
    board.get_by_role("button", name="Undo").click()
    expect(count).to_have_text("7 of 7 in")
    board.get_by_role("button", name="Reveal").click()
    board.keyboard.press("PageDown")  # at once: the board is revealed first, and the key moves it on
    expect(board.locator(".steps")).to_contain_text("3/")
    assert board.evaluate("window.isSame"), "the buttons leave the page where it is"

    # Ten people each: to and fro, then all.
    expect(phone.locator("#person-title")).to_have_text("Person 2")
    phone.get_by_role("link", name="7", exact=True).click()
    expect(phone.locator("#person-title")).to_have_text("Person 7")
    for number in (7, *range(2, 7), *range(8, 11)):
        expect(phone.locator("#person-title")).to_have_text(f"Person {number}")
        phone.locator("#guess").fill(str(number))
        phone.get_by_role("button", name="Save, next person").click()
    expect(phone.locator(".note")).to_have_text("You have guessed all. You can still change a guess.")
    for other in others:
        other.guess_all(40)
    expect(count).to_have_text("7 of 7 in")
    expect(board.get_by_text("70 guesses so far")).to_be_visible()
    assert {**{each["number"]: each["guess"] for each in others[0].me()["people"]}} == {1: 80}, "the rest is hidden"

    # The scores, and the person the class got wrong, line by line.
    board.keyboard.press("PageDown")
    board.keyboard.press("PageDown")
    expect(title).to_have_text("Who guessed better?")
    expect(board.locator(".scores tbody tr")).to_have_count(6)
    expect(phone.get_by_text("Your Brier score")).to_be_visible()
    expect(phone.locator(".own tbody tr").nth(6)).to_contain_text("7%")
    board.keyboard.press("PageDown")
    expect(title).to_have_text("The person we got wrong")
    covered = board.locator("[data-line].covered")
    lines = board.locator("[data-line]").count()
    expect(covered).to_have_count(lines)
    for left in range(lines - 1, -1, -1):
        board.keyboard.press(" ")
        expect(covered).to_have_count(left)
    board.keyboard.press(" ")
    expect(title).to_have_text("What would have to change?")

    # The changes, the models without some fields, and the first question again.
    expect(phone.get_by_role("link", name="Try other answers")).to_be_visible()
    assert phone.request.get(phone.get_by_role("link", name="Try other answers").get_attribute("href") or "").ok
    vote(phone, "Two", others)
    expect(count).to_have_text("7 of 7 in")
    board.keyboard.press("r")
    expect(board.locator(".found li").first).to_be_visible()
    for choice in ("No, it stays", "Marital status"):
        board.keyboard.press("PageDown")
        vote(phone, choice, others)
        expect(count).to_have_text("7 of 7 in")
        board.keyboard.press("PageDown")
        expect(board.locator(".beside tbody tr")).to_have_count(6)
        expect(board.locator(".tally").last.get_by_role("row", name=choice)).to_be_visible()
    board.keyboard.press("PageDown")
    expect(title).to_have_text("Where may it decide?")
    vote(phone, "Nothing", others)
    board.keyboard.press("PageDown")
    board.keyboard.press("PageDown")
    expect(title).to_have_text("The first question again")
    vote(phone, "Only if it shows its reasons", others)
    board.keyboard.press("PageDown")
    expect(board.get_by_role("row", name="Only if it shows its reasons")).to_contain_text("0 → 1")
    expect(board.get_by_role("row", name="Yes")).to_contain_text("1 → 0")

    # The end.
    board.get_by_role("link", name="End").click()
    saved = board.request.get(board.get_by_role("link", name="Save the results as CSV").get_attribute("href") or "")
    assert saved.headers["content-type"].startswith("text/csv")
    assert 0 < saved.text().index("join yes") < saved.text().index("again if-open"), "in the order of the lesson"
    follow(board, board.get_by_role("button", name="Delete everything and end the class"))
    expect(board.locator(".lead")).to_have_text("0 rows left.")
    expect(phone.get_by_role("link", name="Join a class")).to_be_visible()
    assert others[0].ask("GET", f"/classes/{code}/me")[0] == 404


def guess(phone: Page, number: int) -> None:
    """Type a guess and leave the field."""
    phone.locator("#guess").fill(str(number))
    phone.locator("#guess").blur()


def test_without_script_forms_and_plain_reloads_are_enough(visit, port):
    board = visit("/classes", script=False, width=1280, height=800)
    code = start_by_form(board)
    others = [Phone(port, code) for _ in range(4)]
    phone = visit("/join", script=False, width=390, height=844)
    join_by_code(phone, code)
    refresh = "meta[http-equiv='refresh']"
    for page in (board, phone):
        expect(page.locator(refresh)).to_have_count(1)
    follow(phone, phone.get_by_role("button", name="No", exact=True))
    expect(phone.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-pressed", "true")

    follow(board, board.get_by_role("button", name="Next"))
    phone.reload()
    expect(phone.locator(refresh)).to_have_count(0)  # it would take away what is being typed
    expect(phone.locator("[data-slider]")).to_be_hidden()
    phone.locator("#guess").fill("35")
    follow(phone, phone.get_by_role("button", name="Save"))
    expect(phone.locator("#guess")).to_have_value("35")
    expect(phone.locator(".saved")).to_have_text("Saved")
    for other in others:
        other.guess_all(60)
    board.reload()
    expect(board.locator(".count")).to_have_text("5 of 5 in")
    follow(board, board.get_by_role("button", name="Reveal"))
    expect(board.locator("svg.drawn")).to_be_visible()
    follow(phone, phone.get_by_role("button", name="Save"))
    expect(phone.get_by_text("The answer for person 1 was revealed.")).to_be_visible()
    follow(phone, phone.get_by_role("link", name="Back to the class"))
    expect(phone.locator(".own")).to_contain_text("35%")

    follow(board, board.get_by_role("button", name="Next"))
    phone.reload()
    for number in range(2, 11):
        expect(phone.locator("#person-title")).to_have_text(f"Person {number}")
        phone.locator("#guess").fill("50")
        follow(phone, phone.get_by_role("button", name="Save, next person"))
    expect(phone.get_by_text("You have guessed all.")).to_be_visible()
    for name in ("Reveal", "Undo", "Reveal", "Next", "Next"):
        follow(board, board.get_by_role("button", name=name))
    expect(board.locator("[data-line]").last).to_be_visible()
    follow(board, board.get_by_role("link", name="End"))
    follow(board, board.get_by_role("button", name="Delete everything and end the class"))
    expect(board.locator(".lead")).to_have_text("0 rows left.")
    phone.reload()
    expect(phone.get_by_role("link", name="Join a class")).to_be_visible()


def audit(name: str, page: Page) -> list[str]:
    """Return what axe finds on a page; of a dark one in another language, only what these two may change."""
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    rules: dict[str, Any] = {"runOnly": COLOURS_AND_LANGUAGE} if is_dark else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [f"{name}: {each['id']} {each['nodes'][0]['html'][:120]}" for each in found]


def too_wide(name: str, page: Page) -> list[str]:
    """Say so if a page is wider than its screen."""
    return [f"{name}: wide"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []


class Looks:
    """Pages of a class, each looked at as it comes: axe finds nothing, and a wall can be read from the back."""

    def __init__(self, visit, teacher: Teacher, **options: Any) -> None:
        self.teacher, self.faults = teacher, list[str]()
        self.wide = visit(teacher.board_path, width=1920, height=1080, **options)
        self.narrow = visit(teacher.board_path, width=1024, height=768, **options)
        self.phone = visit(f"/j/{teacher.code}", width=390, height=844, **options)

    def at(self, name: str, page: Page, path: str = "") -> None:
        """Look at a page, at another address if one is given."""
        page.goto(path) if path else page.reload()
        self.faults += audit(name, page) + too_wide(name, page)

    def at_step(self, name: str, phone: bool = True) -> None:
        """Look at the board, and at the phone."""
        if phone:
            self.at(f"{name} on the phone", self.phone, f"/classes/{self.teacher.code}/me")
        self.at(f"{name} on the board", self.narrow)
        self.wide.reload()
        for page in (self.narrow, self.wide):
            for _ in range(page.locator("[data-line].covered").count()):
                page.keyboard.press(" ")
            faults = page.evaluate(WALL)
            self.faults += [f"{name} at {(page.viewport_size or {})['width']}: {fault}" for fault in faults]


@pytest.mark.parametrize(
    ("table", "language", "scheme"),
    [("adult", "en-GB", "light"), ("census", "zh-CN", "dark")],
)
def test_every_page_can_be_read_by_all_and_the_board_from_the_back(visit, port, table, language, scheme):
    teacher = Teacher(port, table=table, size=8, lesson="guess-first")
    looks = Looks(visit, teacher, language=language, scheme=scheme)
    looks.at("joining", looks.phone)
    looks.at("not joined", looks.phone, f"/classes/{teacher.code}/me")
    follow(looks.phone, looks.phone.locator("main form button"))
    phones = [Phone(port, teacher.code) for _ in range(7)]
    kinds = {"join"}
    looks.at_step("join")
    while (board := teacher.act("next"))["place"] < board["steps"] or board["is_open"]:
        for place, phone in enumerate(phones):
            phone.guess_all(13 * place)
            if question := phone.me()["question"]:
                phone.say(vote=question["choices"][place % 2]["id"])
        kinds.add(board["kind"])
        looks.at_step(board["step"])
        if board["is_open"]:
            teacher.act("reveal")
            looks.at_step(f"{board['step']}, revealed", phone=board["kind"] in ("one", "vote"))
        if board["place"] == board["steps"]:
            break
    assert kinds >= {"one", "deck", "scores", "case", "changes", "vote"}
    assert ("without" in kinds) == (table == "adult")
    look_around(looks)
    assert not looks.faults, "\n".join(looks.faults)


def look_around(looks: Looks) -> None:
    """Look at the pages beside the lesson, those of refusals too, and end the class."""
    teacher, phone = looks.teacher, looks.phone
    end = f"/classes/{teacher.code}/end?key={teacher.key}"
    own = [f"/classes/{teacher.code}/{name}" for name in ("results", "notes")]
    for path in ("/classes", "/classes/reach", end, *own):
        looks.at(path, looks.narrow, path)
        phone.goto(path)
        looks.faults += too_wide(f"{path} on the phone", phone)
    looks.at("join", phone, "/join")
    looks.at("not the teacher", phone, f"/classes/{teacher.code}/board?key=x")
    looks.at("not asked", phone, f"/classes/{teacher.code}/me?person=99")
    phone.context.clear_cookies()
    looks.at("lost", phone, f"/classes/{teacher.code}/me")
    follow(phone, phone.locator("main form button"))
    looks.faults += audit("full", phone)
    looks.narrow.goto(end)
    follow(looks.narrow, looks.narrow.locator("button.danger"))
    looks.faults += audit("ended", looks.narrow)
    looks.at("no such class", phone, f"/classes/{teacher.code}/me")
