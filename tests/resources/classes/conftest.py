"""An application in class mode, and a class with some phones in it."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from glassform.settings import ARTIFACTS, read_settings
from tests.conftest import documented


@pytest.fixture(scope="session")
def class_app(scorecard) -> Iterator[Flask]:
    with documented({}, ARTIFACTS, read_settings({"CLASSROOM": "1"})) as app:
        plain: Any = FlaskClient(app, app.response_class).get("/openapi.json").json
        app.extensions["paths"] = plain["paths"]
        yield app
        app.extensions["classes"].close()


@pytest.fixture
def teacher(class_app, monkeypatch):
    monkeypatch.setattr(class_app.test_client_class, "paths", class_app.extensions["paths"])
    client = class_app.test_client()
    yield client
    for each in client.get("/classes").json["classes"]:
        client.delete(each["board"])


class Phone:
    """A phone that identifies itself by its token alone."""

    def __init__(self, app: Any, code: str) -> None:
        self.client, self.code = app.test_client(use_cookies=False), code
        self.joined: Any = self.client.post(f"/j/{code}").json
        self.headers = {"Authorization": f"Bearer {self.joined['token']}"}

    def me(self, **query: Any) -> Any:
        return self.client.get(f"/classes/{self.code}/me", headers=self.headers, query_string=query)

    def say(self, **members: Any) -> Any:
        return self.client.put(f"/classes/{self.code}/me", headers=self.headers, json=members)


class Class:
    """A class as its teacher and its phones drive it."""

    def __init__(self, app: Flask, teacher: Any, phones: int, **given: Any) -> None:
        begun = teacher.post("/classes", json={"table": "adult", "size": 30} | given)
        assert begun.status_code == 201, begun.json
        self.app, self.teacher, self.begun, self.code = app, teacher, begun.json, begun.json["code"]
        self.phones = [Phone(app, self.code) for _ in range(phones)]
        self.chance, self.guesses = random.Random(phones), dict[tuple[int, int], int]()

    def act(self, *actions: str) -> Any:
        for action in actions:
            response = self.teacher.post(self.begun["board"], json={"action": action})
            assert response.status_code == 200, response.json
        return response.json

    def board(self) -> Any:
        return self.teacher.get(self.begun["board"]).json

    def results(self, **options: Any) -> Any:
        return self.teacher.get(f"/classes/{self.code}/results", **options)

    def guess_all(self) -> None:
        """Let every phone guess everybody whom it is asked for."""
        for place, phone in enumerate(self.phones):
            while (mine := phone.me().json)["person"] and mine["guess"] is None:
                number, guess = mine["person"]["number"], self.chance.randint(0, 100)
                assert phone.say(person=number, guess=guess).status_code == 200
                self.guesses[place, number] = guess

    def play(self) -> None:
        """Guess one person, then all ten, and reveal both."""
        self.act("next")
        self.guess_all()
        self.act("reveal", "next")
        self.guess_all()
        self.act("reveal")


@pytest.fixture
def start(class_app, teacher):
    return lambda phones=6, **given: Class(class_app, teacher, phones, **given)
