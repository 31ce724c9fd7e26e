"""`python server.py --class`: its options, the address that phones are told, and what it prints and opens."""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from benchmarks.measuring import free_port
from glassform.hosting import class_mode, command, network, startup
from glassform.hosting.class_mode import Room
from glassform.hosting.network import Interface, reachable
from glassform.settings import Settings
from tests.conftest import ROOT, serving
from tests.test_docs import steps

LOOPBACK = Interface("lo", ["127.0.0.1", "::1"])
LINUX = [
    LOOPBACK,
    Interface("enp0s31f6", [], is_up=False),
    Interface("wlp2s0", ["192.168.1.5", "2001:db9::5", "2001:db9::7:1", "fe80::1"]),
    Interface("docker0", ["172.17.0.1"]),
    Interface("br-1f2e3d4c5b6a", ["172.18.0.1"]),
    Interface("veth12ab", ["fe80::2"]),
    Interface("virbr0", ["192.168.122.1"]),
]
VPN = [
    *LINUX,
    Interface("tun0", ["10.8.0.6"]),
    Interface("tailscale0", ["100.101.1.2"]),
    Interface("wg0", ["10.9.0.2"]),
]
SEVERAL = [
    LOOPBACK,
    Interface("usb0", ["192.168.42.129"]),
    Interface("eth0", ["10.0.0.3"]),
    Interface("wlan0", ["192.168.1.5"]),
    Interface("wwan0", ["10.120.4.7"]),
]
MACOS = [
    Interface("lo0", ["127.0.0.1", "::1", "fe80::1"]),
    Interface("en0", ["192.168.1.5", "fe80::4"]),
    Interface("bridge100", ["192.168.2.1"]),
    Interface("awdl0", ["fe80::5"]),
    Interface("utun3", ["10.8.0.6"]),
    Interface("vmenet0", ["192.168.64.1"]),
]
WINDOWS = [
    Interface("Ethernet", ["169.254.10.11"], is_up=False),
    Interface("Ethernet 2", ["192.168.56.1"]),  # VirtualBox calls its own so
    Interface("Wi-Fi", ["192.168.1.5"]),
    Interface("Local Area Connection* 2", ["192.168.137.1"]),
    Interface("vEthernet (WSL (Hyper-V firewall))", ["172.29.0.1"]),
    Interface("VMware Network Adapter VMnet8", ["192.168.80.1"]),
    Interface("OpenVPN TAP-Windows6", ["10.8.0.6"]),
    Interface("Bluetooth Network Connection", ["169.254.3.4"]),
    Interface("Loopback Pseudo-Interface 1", ["127.0.0.1", "::1"]),
]
CHINESE = [Interface("以太网 2", ["10.1.1.1"]), Interface("WLAN", ["10.2.2.2"])]
LISTINGS = {
    "linux": (LINUX, ["192.168.1.5", "2001:db9::7:1"], ["192.168.1.5", "2001:db9::7:1"]),
    "all traffic by a VPN": (VPN, ["10.8.0.6"], ["192.168.1.5", "2001:db9::5"]),
    "several cards": (SEVERAL, ["10.0.0.3"], ["10.0.0.3", "192.168.1.5", "192.168.42.129"]),
    "no way to the internet": (SEVERAL, [], ["192.168.1.5", "10.0.0.3", "192.168.42.129"]),
    "macOS": (MACOS, ["192.168.1.5"], ["192.168.1.5", "192.168.2.1"]),
    "macOS, its own hotspot": (MACOS[2:], [], ["192.168.2.1"]),
    "Windows": (WINDOWS, ["192.168.1.5"], ["192.168.1.5", "192.168.137.1", "192.168.56.1"]),
    "Windows, its own hotspot": (WINDOWS[3:], [], ["192.168.137.1"]),
    "Windows in Chinese": (CHINESE, [], ["10.2.2.2", "10.1.1.1"]),
    "a card behind a virtual switch": ([Interface("vEthernet (Outer)", ["10.1.1.1"])], ["10.1.1.1"], ["10.1.1.1"]),
    "one card by two names": ([Interface("br0", ["10.1.1.1"]), Interface("eth0", ["10.1.1.1"])], [], ["10.1.1.1"]),
    "IPv6 only": ([LOOPBACK, Interface("wlan0", ["fd00::2", "fe80::1"])], [], ["fd00::2"]),
    "aeroplane": ([LOOPBACK, Interface("wlan0", ["192.168.1.5"], is_up=False)], [], []),
    "none at all": ([], [], []),
}  # fmt: skip


@pytest.mark.parametrize(("found", "routed", "best_first"), LISTINGS.values(), ids=LISTINGS)
def test_phones_are_told_what_they_can_reach_and_the_likeliest_first(found, routed, best_first):
    assert reachable(found, routed) == best_first
    assert reachable(found[::-1], routed) == best_first, "the order of the cards says nothing"


@pytest.fixture
def here(monkeypatch):
    """A machine with one card, which has IPv4 and IPv6."""
    monkeypatch.setattr(network, "interfaces", lambda: [LOOPBACK, Interface("eth0", ["10.0.0.3", "fd00::2"])])
    monkeypatch.setattr(network, "routed", lambda: iter(["10.0.0.3", "fd00::2"]))


@pytest.mark.parametrize(
    ("host", "told", "expected"),
    [
        ("0.0.0.0", None, ["10.0.0.3"]),
        ("::", None, ["fd00::2"]),
        ("0.0.0.0", "laptop.local", ["laptop.local", "10.0.0.3"]),
        ("0.0.0.0", "10.0.0.3", ["10.0.0.3"]),
        ("127.0.0.1", None, ["127.0.0.1"]),
        ("192.168.1.5", None, ["192.168.1.5"]),
        ("localhost", "laptop.local", ["laptop.local", "localhost"]),
    ],
)
@pytest.mark.usefixtures("here")
def test_only_what_is_listened_on_is_told_and_what_somebody_chose_comes_first(host, told, expected):
    assert network.addresses(host, told) == expected


def test_the_cards_of_this_very_machine_can_be_listed():
    found = network.interfaces()
    assert "127.0.0.1" in {address for each in found for address in each.addresses}
    assert not {"127.0.0.1", "::1"} & {*reachable(found, set(network.routed()))}


def test_hints_say_what_else_can_be_done(monkeypatch):
    monkeypatch.setattr(network, "interfaces", lambda: [Interface("eth0", ["fd00::2"])])
    assert "start again with --host ::" in " ".join(network.hints("0.0.0.0", [], "6.1.0"))
    assert "(WSL)" in " ".join(network.hints("0.0.0.0", ["172.29.0.2"], "5.15.90.1-microsoft-standard-WSL2"))
    assert not [*network.hints("0.0.0.0", ["10.0.0.3"], "6.1.0")]


def options(monkeypatch, *arguments: str) -> argparse.Namespace:
    """Read a command line."""
    monkeypatch.setattr(sys, "argv", ["server.py", *arguments])
    return command.parse_options()


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        ([], "127.0.0.1"),
        (["--class"], "0.0.0.0"),
        (["--class", "--host", "127.0.0.1"], "127.0.0.1"),
        (["--host", "::"], "::"),
    ],
)
def test_a_class_is_open_to_the_room_unless_the_host_says_otherwise(monkeypatch, arguments, host):
    assert options(monkeypatch, *arguments).host == host


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--address", "10.0.0.3"], "--address needs --class"),
        (["--size", "30"], "--size needs --class"),
        (["--table", "iris"], "--table needs --class"),
        (["--lesson", "one"], "--lesson needs --class"),
        (["--no-browser"], "--no-browser needs --class"),
        (["--class", "--size", "0"], "0 is not a whole number of at least 1"),
        (["--class", "--address", "http://10.0.0.3"], "http://10.0.0.3 is neither a name such as laptop.local nor"),
    ],
)
def test_options_of_a_class_are_refused_in_a_sentence(monkeypatch, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as refused:
        options(monkeypatch, *arguments)
    assert refused.value.code == 2 and sentence in capsys.readouterr().err


def test_the_port_may_come_from_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "8123")
    assert options(monkeypatch, "--class").port == 8123
    assert options(monkeypatch, "--port", "8124").port == 8124
    monkeypatch.setenv("PORT", "web")
    with pytest.raises(SystemExit):
        options(monkeypatch)
    assert "web is not a port between 1 and 65535" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5"])
def test_a_kept_secret_is_enough_to_be_reached_by_others(monkeypatch, tmp_path, host):
    monkeypatch.setattr(startup, "read_secret", lambda settings: (tmp_path / "secret").read_text())
    (tmp_path / "secret").write_text("s" * 64)
    startup.ensure_secret(Settings(), host)
    (tmp_path / "secret").write_text("")
    with pytest.raises(SystemExit, match="is too short"):
        startup.ensure_secret(Settings(), host)


def test_a_port_is_free_only_if_this_machine_reaches_the_server_there(monkeypatch):
    monkeypatch.setattr(startup, "is_free", lambda host, port: host == "0.0.0.0" or port >= 5003)
    assert startup.choose_port("0.0.0.0", None) == 5003
    with pytest.raises(SystemExit, match=r"Cannot listen on 0\.0\.0\.0, port 5001"):
        startup.choose_port("0.0.0.0", 5001)


def test_serving_without_a_class_lists_no_cards_and_draws_no_code(scorecard):
    code = (
        "import sys; from server import create_app; create_app()\n"
        "print({'psutil', 'segno', 'webbrowser'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


MADE = {"code": "K7QF", "join": "/j/K7QF", "board": "/classes/K7QF/board?key=abc"}
PHONES = ["http://192.168.1.5:5000", "http://10.0.0.3:5000"]


def test_make_class_installs_and_serves_a_class(tmp_path):
    made = steps("class", tmp_path)
    assert any("pip install" in step for step in made) and made[-1] == ".venv/bin/python server.py --class"


class Stub(ThreadingHTTPServer):
    """A server of classes, as far as the command asks it: what it answers, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.running: list[dict[str, str]] = []
        self.made: tuple[int, object] = 201, MADE
        self.looks, self.posted, self.opened = 0, None, list[str]()


class Handler(BaseHTTPRequestHandler):
    """Answers for the stub."""

    server: Stub

    def do_GET(self) -> None:
        """Answer that it is ready, or which classes there are."""
        self.server.looks += 1
        if self.path == "/health/ready":
            # the first look comes too early
            self.answer(200 if self.server.looks > 1 else 503, {})
        else:
            self.answer(200, {"classes": self.server.running})

    def do_POST(self) -> None:
        """Make a class."""
        self.server.posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(*self.server.made)

    def answer(self, status: int, body: object) -> None:
        """Answer JSON, if it was asked for."""
        assert self.path == "/health/ready" or self.headers["Accept"] == "application/json"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def stub(monkeypatch):
    """A server of classes on a port of its own; what is opened in a browser is noted."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(class_mode, "SECONDS_BETWEEN_LOOKS", 0.01)
    with Stub() as server:
        monkeypatch.setattr("webbrowser.open", server.opened.append)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def show(stub, monkeypatch, capsys, *arguments: str, phones=PHONES, tidy=None) -> str:
    """Show a class of the stub; return what was printed."""
    class_mode.show(Room(stub.url, phones), options(monkeypatch, "--class", *arguments), tidy)
    out, err = capsys.readouterr()
    return f"{out}{err}"


def test_a_class_is_started_printed_and_its_board_opened(stub, monkeypatch, capsys):
    printed = show(stub, monkeypatch, capsys)
    assert stub.posted == {}
    assert "Class K7QF: phones join at http://192.168.1.5:5000/j/K7QF\n" in printed
    assert "open http://192.168.1.5:5000/join and type K7QF" in printed
    assert "If a phone cannot reach it, try http://10.0.0.3:5000/j/K7QF." in printed
    assert f"What to do if no phone gets through: {stub.url}/classes/reach\n" in printed
    assert f"its link holds your key, do not pass it on): {stub.url}/classes/K7QF/board?key=abc\n" in printed
    assert "\n".join(class_mode.drawn("http://192.168.1.5:5000/j/K7QF")) in printed
    assert stub.opened == [f"{stub.url}/classes/K7QF/board?key=abc"]


def test_what_the_command_says_of_a_class_is_asked_for(stub, monkeypatch, capsys):
    show(stub, monkeypatch, capsys, "--size", "30", "--table", "iris", "--lesson", "short", "--no-browser")
    assert stub.posted == {"table": "iris", "size": 30, "lesson": "short"}
    assert stub.opened == []


def test_classes_that_are_running_go_on_and_no_other_is_started(stub, monkeypatch, capsys):
    stub.running = [MADE, {"code": "M2XP", "join": "/j/M2XP"}]
    printed = show(stub, monkeypatch, capsys)
    assert stub.posted is None and stub.opened == [f"{stub.url}/classes"]
    assert "Class K7QF" in printed and "/classes/K7QF/board?key=abc" in printed and "Class M2XP" in printed
    assert f"No new class was started. Go on, or start another: {stub.url}/classes" in printed


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (422, {"detail": "No class.", "errors": [{"message": "'irsi' is no table here"}]}, "'irsi' is no table here"),
        (507, {"detail": "There is no room on the disk."}, "There is no room on the disk"),
        (500, None, "500 Internal Server Error"),
    ],
)
def test_a_class_that_cannot_be_started_is_a_sentence(stub, monkeypatch, capsys, status, body, reason):
    stub.made = status, body
    printed = show(stub, monkeypatch, capsys)
    assert printed == f"No class was started: {reason}. Start one at {stub.url}/classes.\n"
    assert stub.opened == []


def test_a_server_that_is_never_ready_is_not_waited_for_forever(stub, monkeypatch, capsys):
    monkeypatch.setattr(class_mode, "SECONDS_TO_BE_READY", 0.05)
    stub.looks = -1000
    assert f"Try {stub.url}/classes yourself." in show(stub, monkeypatch, capsys)
    assert stub.posted is None


def test_without_a_network_three_ways_out_are_named(stub, monkeypatch, capsys):
    printed = show(stub, monkeypatch, capsys, phones=[])
    assert "phones cannot join yet" in printed and "█" not in printed
    for way in ("hotspot", "by cable", f"{stub.url}/take-home.html"):
        assert way in printed
    assert "/classes/K7QF/board?key=abc" in printed and len(stub.opened) == 1


def test_a_class_on_this_machine_alone_says_so(stub, monkeypatch, capsys):
    printed = show(stub, monkeypatch, capsys, phones=[stub.url])
    assert "Only this computer can join" in printed and "/classes/reach" not in printed


class Console(io.TextIOWrapper):
    """A console of an encoding; it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("encoding", "is_drawn"), [("utf-8", True), ("cp437", True), ("ascii", False), ("gbk", False)]
)
def test_the_code_is_drawn_where_the_console_has_the_blocks(monkeypatch, encoding, is_drawn):
    monkeypatch.setattr(sys, "stdout", Console(io.BytesIO(), encoding=encoding))
    lines = class_mode.drawn("http://192.168.1.5:5000/j/K7QF")
    assert bool(lines) == is_drawn
    # light on dark, whatever the terminal's own colours are
    assert all(line.startswith("\x1b[38;5;231;48;5;16m█") or line.startswith("\x1b") for line in lines if line)


@pytest.mark.parametrize(
    ("environment", "platform", "is_shown"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_browser_opens_only_where_somebody_sees_it(environment, platform, is_shown):
    assert class_mode.has_display(environment, platform) == is_shown


def test_what_is_to_be_done_every_ten_minutes_is_done_again_even_if_it_fails(monkeypatch):
    waiting = []

    class Later:
        """A timer that is never due."""

        daemon = False

        def __init__(self, seconds, do, arguments):
            waiting.append((seconds, do, arguments))

        def start(self):
            assert self.daemon

    def tidy():
        raise OSError

    monkeypatch.setattr(class_mode, "Timer", Later)
    with pytest.raises(OSError):
        class_mode.repeat(tidy)
    assert waiting == [(600, class_mode.repeat, (tidy,))]


def test_tidying_begins_with_the_class(stub, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(class_mode, "repeat", lambda tidy: tidy())
    show(stub, monkeypatch, capsys, tidy=lambda: done.append(stub.looks))
    assert done and done[0] >= 2, "once the server is ready"


@pytest.mark.usefixtures("here")
def test_the_workers_are_told_that_there_is_a_class_and_where(monkeypatch):
    shown = []
    monkeypatch.setattr(class_mode, "show", lambda *arguments: shown.append(arguments))
    for name in ("CLASSROOM", "CLASS_ADDRESSES"):
        monkeypatch.setenv(name, "")  # so that it is as before in the end
    class_mode.open_room(options(monkeypatch, "--class", "--address", "laptop.local"), 5001, None)
    addresses = "http://laptop.local:5001,http://10.0.0.3:5001"
    assert (os.environ["CLASSROOM"], os.environ["CLASS_ADDRESSES"]) == ("1", addresses)
    ((room, _, _),) = shown
    assert room == Room("http://127.0.0.1:5001", addresses.split(","))


def test_one_command_reaches_the_board(scorecard, tmp_path):
    port, opened, noting = free_port(), tmp_path / "opened", tmp_path / "browser.py"
    noting.write_text(f"import sys; open({str(opened)!r}, 'a').write(sys.argv[1] + chr(10))")
    environment = {
        "GLASSFORM_INSTANCE": str(tmp_path / "instance"),
        "BROWSER": f"{sys.executable} {noting} %s",
        "DISPLAY": ":0",
        "CI": "",
        "SECRET_KEY": "",
        "PORT": str(port),
    }
    with serving(
        "--class", "--host", "127.0.0.1", "--size", "3", "--workers", "2", environment=environment
    ) as process:
        until = time.monotonic() + 60
        while not opened.exists() or not opened.read_text().endswith("\n"):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)
        board = opened.read_text().strip()
        with urlopen(Request(board, headers={"Accept": "text/html"})) as answer:
            assert answer.status == 200
        process.terminate()
        told = process.stdout.read() if process.stdout else ""
    (code,) = re.findall(rf"Class (\w+): phones join at http://127\.0\.0\.1:{port}/j/\1\n", told)
    assert board.startswith(f"http://127.0.0.1:{port}/classes/{code}/board?key=") and board in told
