"""API keys."""

from types import MappingProxyType
from typing import Any

from flask import url_for
from sqlalchemy import delete, func, select
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound

from glassform.accounts.database import db, writing
from glassform.accounts.holding import held
from glassform.accounts.signing_in import MANAGE, SCOPES, new_key, signed_in
from glassform.accounts.tables import Key, User
from glassform.limits import MOST_KEYS
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.resources.account_resource import FromForms, Remembering
from glassform.web.openapi import TEXT
from glassform.web.reading import not_one_of, read_members
from glassform.web.resource import Answer

LONGEST_TITLE = 60


class KeyAnswer(TypedDict):
    """An API key, without its secret."""

    id: str
    title: str
    scope: str
    created: str


class KeysAnswer(TypedDict):
    """The user's keys."""

    keys: list[KeyAnswer]


class NewKeyAnswer(KeyAnswer):
    """A new key, shown this once."""

    key: str


class Keys(Remembering):
    """The user's API keys."""

    tag = "accounts"

    formats = ("json", "html")
    successes = MappingProxyType({"post": 201})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return title and scope."""
        members = {"title": TEXT | {"minLength": 1, "maxLength": LONGEST_TITLE}, "scope": TEXT | {"enum": [*SCOPES]}}
        key = {"type": "object", "properties": members, "required": ["title", "scope"], "additionalProperties": False}
        return {"application/json": key}

    def get(self) -> KeysAnswer:
        """Return the user's keys, without their secrets."""
        return {"keys": keys_of(signed_in("read"))}

    def post(self) -> tuple[NewKeyAnswer, int]:
        """Create a key; it is shown this once and stored hashed. A key may do so only if its scope is `manage`."""
        user = signed_in(MANAGE)
        given = read_members(["title", "scope"], template="people/account.html")
        errors = [] if given["scope"] in SCOPES else [not_one_of("scope", given["scope"], SCOPES)]
        if len(given["title"]) > LONGEST_TITLE:
            message = say("too_long", length=len(given["title"]), longest=LONGEST_TITLE)
            errors.append(FieldError("title", shown(given["title"]), message))
        if errors:
            raise InvalidQuery(errors, given, "people/account.html")
        secret, digest = new_key()
        key = Key(user_id=user.id, title=given["title"], scope=given["scope"], digest=digest)
        with writing() as session:
            mine = Key.user_id == held(session, user).id
            if (session.scalar(select(func.count()).select_from(Key).where(mine)) or 0) >= MOST_KEYS:
                full = FieldError("title", None, say("too_many", count=MOST_KEYS + 1, most=MOST_KEYS))
                raise InvalidQuery([full], given, "people/account.html")
            session.add(key)
        return {**key_answer(key), "key": secret}, 201


class OneKey(FromForms):
    """One API key."""

    tag = "accounts"

    def delete(self, id: str) -> Answer:
        """Revoke a key."""
        user = signed_in(MANAGE)
        with writing() as session:
            mine = delete(Key).where(Key.id == id, Key.user_id == user.id)
            if session.scalar(mine.returning(Key.id)) is None:
                raise NotFound
        return {}, 204, {"Location": url_for("account")}


def keys_of(user: User) -> list[KeyAnswer]:
    """Return a user's keys, the oldest first."""
    mine = select(Key).where(Key.user_id == user.id).order_by(Key.created)
    return [key_answer(key) for key in db.session.scalars(mine)]


def key_answer(key: Key) -> KeyAnswer:
    """Return a key as an answer."""
    return {"id": key.id, "title": key.title, "scope": key.scope, "created": key.created.isoformat()}
