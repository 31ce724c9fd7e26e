"""The teacher and the phones of a class as plain clients of a real server; what is not answered they send again."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchmarks.measuring import free_port
from tests.conftest import serving, wait_for

PATIENCE = 20  # seconds


class Client:
    """Somebody who asks the server of a class, over a new connection each time: any worker may answer."""

    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the answer; if a worker dies before it has answered, ask again."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.asked_once(method, path, body)
            except (OSError, HTTPException):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def asked_once(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the answer."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def told(self, method: str, path: str, body: Any = None) -> Any:
        """Return what a request that succeeds is answered."""
        status, answer = self.ask(method, path, body)
        assert status in (200, 201), (method, path, status, answer)
        return answer


class Phone(Client):
    """A phone that has joined."""

    def __init__(self, port: int, code: str) -> None:
        super().__init__(port)
        self.code, self.joined = code, self.told("POST", f"/j/{code}")
        self.token = self.joined["token"]

    def me(self) -> Any:
        """Return what it is asked, and what it has said."""
        return self.told("GET", f"/classes/{self.code}/me")

    def say(self, **members: Any) -> Any:
        """Guess or vote; this returns once that is acknowledged."""
        return self.told("PUT", f"/classes/{self.code}/me", members)

    def guess_all(self, guess: int) -> None:
        """Guess everybody whom it is asked for."""
        while (mine := self.me())["person"] and mine["guess"] is None:
            self.say(person=mine["person"]["number"], guess=guess)


class Teacher(Client):
    """The teacher of a new class."""

    def __init__(self, port: int, **given: Any) -> None:
        super().__init__(port)
        self.begun = self.told("POST", "/classes", given)
        self.code, self.board_path = self.begun["code"], self.begun["board"]
        self.key = self.board_path.partition("key=")[2]

    def board(self) -> Any:
        """Return what the board shows."""
        return self.told("GET", self.board_path)

    def act(self, *actions: str) -> Any:
        """Move the class."""
        return [self.told("POST", self.board_path, {"action": action}) for action in actions][-1]

    def end(self) -> Any:
        """Delete the class."""
        return self.told("DELETE", self.board_path)


@contextmanager
def class_server(instance: Path, *options: str, **environment: str) -> Iterator[tuple[int, int]]:
    """Run `python server.py --class` on this computer alone; yield its port and its process id."""
    port = free_port()
    told = {"LOG_LEVEL": "CRITICAL", "GLASSFORM_INSTANCE": str(instance)} | environment
    command = ["--class", "--host", "127.0.0.1", "--no-browser", "--port", str(port), *options]
    with serving(*command, environment=told) as process:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield port, process.pid
