"""The user's own account: create, show, change, export, delete."""

import re
from types import MappingProxyType
from typing import Any

from flask import request, url_for
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from typing_extensions import TypedDict
from werkzeug.exceptions import Forbidden

from glassform.accounts.database import db, writing
from glassform.accounts.history import count_of
from glassform.accounts.rates import settings
from glassform.accounts.signing_in import hash_password, signed_in
from glassform.accounts.signing_in import user_with as user_with_password
from glassform.accounts.tables import Prediction, User, new_name
from glassform.accounts.tokens import begin_visit, end_visit
from glassform.languages import gettext
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.resources.account_resource import FromForms, Remembering
from glassform.resources.people.keys import KeyAnswer, keys_of
from glassform.resources.people.predictions import PredictionAnswer, as_answer
from glassform.resources.people.sessions import credentials, wrong_password
from glassform.web.forms import FORM_TYPES, refuse_foreign_form
from glassform.web.openapi import TEXT
from glassform.web.reading import read_members
from glassform.web.resource import Answer

NAME = re.compile(r"[\w.@-]{3,60}")
SHORTEST, LONGEST = 8, 200  # characters of a password


class AccountAnswer(TypedDict):
    """An account."""

    name: str
    role: str
    created: str
    predictions: int
    keys: list[KeyAnswer]


class ExportAnswer(TypedDict):
    """All data of an account."""

    account: AccountAnswer
    predictions: list[PredictionAnswer]


class AccountsAnswer(TypedDict):
    """Whether registration is open, and its fields."""

    open: bool
    fields: list[str]


class Accounts(Remembering):
    """Registration."""

    is_open = True

    successes = MappingProxyType({"post": 201})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return name and password."""
        name = TEXT | {"pattern": "^[A-Za-z0-9_.@-]{3,60}$"}
        password = TEXT | {"format": "password", "minLength": SHORTEST, "maxLength": LONGEST}
        return {
            "application/json": credentials(name, password),
            FORM_TYPES[0]: credentials(name, password, csrf_token=TEXT),
        }

    def get(self) -> AccountsAnswer:
        """Return whether registration is open; to a browser, the form."""
        return {"open": settings().registration, "fields": ["name", "password"]}

    def post(self) -> tuple[AccountAnswer, int, dict[str, str]]:
        """Create an account and sign a browser in."""
        if not settings().registration:
            raise Forbidden(gettext("No accounts are made here."))
        if request.mimetype in FORM_TYPES:
            refuse_foreign_form()
        given = read_members(["name", "password"], template="people/accounts.html")
        name = given["name"]
        errors = [] if NAME.fullmatch(name) else [FieldError("name", shown(name), say("name", value=shown(name)))]
        errors += password_errors(given["password"], name)
        if errors:
            raise InvalidQuery(errors, {"name": name}, "people/accounts.html")
        user = User(name=name, folded=name.casefold(), password=hash_password(given["password"]))
        try:
            with writing() as session:
                session.add(user)
        except IntegrityError as error:
            taken = FieldError("name", name, say("taken_name", value=name))
            raise InvalidQuery([taken], {"name": name}, "people/accounts.html", status=409) from error
        if request.mimetype in FORM_TYPES:
            begin_visit(user)
        return account_of(user), 201, {"Location": url_for("account")}


class Account(FromForms):
    """The user's own account."""

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the password and, for a change, the new one."""
        if method == "post":
            return {FORM_TYPES[0]: {"anyOf": [passwords(each, csrf_token=TEXT) for each in cls.from_forms]}}
        return {"application/json": passwords(method)}

    def get(self) -> AccountAnswer:
        """Return the account and its keys."""
        return account_of(signed_in("read"))

    def patch(self) -> tuple[AccountAnswer, int, dict[str, str]]:
        """Change the password; this signs out all other devices."""
        user = signed_in()
        given = read_members(["password", "new_password"], template="people/account.html")
        if user_with_password(user.name, given["password"]) is None:
            raise wrong_password("people/account.html")
        errors = password_errors(given["new_password"], user.name, "new_password")
        if errors:
            raise InvalidQuery(errors, {}, "people/account.html")
        with writing() as session:
            changed = session.get_one(User, user.id)
            changed.password, changed.stamp = hash_password(given["new_password"]), new_name()
        if request.mimetype in FORM_TYPES:
            begin_visit(changed)
        return account_of(changed), 200, {"Location": url_for("account")}

    def delete(self) -> Answer:
        """Delete the account and all its data, given its password."""
        user = signed_in()
        given = read_members(["password"], template="people/account.html")
        if user_with_password(user.name, given["password"]) is None:
            raise wrong_password("people/account.html")
        with writing() as session:
            session.execute(delete(User).where(User.id == user.id))
        end_visit()
        return {}, 204, {"Location": url_for("form")}


class Export(Remembering):
    """All data of an account."""

    formats = ("json",)

    def get(self) -> ExportAnswer:
        """Return the account and every prediction."""
        user = signed_in("read")
        mine = select(Prediction).where(Prediction.user_id == user.id).order_by(Prediction.created)
        return {"account": account_of(user), "predictions": [as_answer(each) for each in db.session.scalars(mine)]}


def passwords(method: str, **more: Any) -> dict[str, Any]:
    """Return the JSON Schema of the passwords a method needs; in a form, with the method's name."""
    password = TEXT | {"format": "password", "minLength": SHORTEST, "maxLength": LONGEST}
    names = ["password", "new_password"] if method == "patch" else ["password"]
    members = dict.fromkeys(names, password) | ({"method": {"const": method}, **more} if more else {})
    needed = [*names, "method"] if more else names
    return {"type": "object", "properties": members, "required": needed, "additionalProperties": False}


def account_of(user: User) -> AccountAnswer:
    """Return an account as an answer."""
    return {
        "name": user.name,
        "role": user.role,
        "created": user.created.isoformat(),
        "predictions": count_of(user),
        "keys": keys_of(user),
    }


def password_errors(password: str, name: str, field: str = "password") -> list[FieldError]:
    """Return what is wrong with a new password."""
    if SHORTEST <= len(password) <= LONGEST and password.casefold() != name.casefold():
        return []
    return [FieldError(field, None, say("password", shortest=SHORTEST, longest=LONGEST))]
