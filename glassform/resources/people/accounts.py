"""The user's own account: create, show, change, export, delete."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, Any

from flask import Response, request, stream_with_context, url_for
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from typing_extensions import TypedDict
from werkzeug.exceptions import Forbidden

from glassform.accounts.database import writing
from glassform.accounts.history import count_of, every_prediction
from glassform.accounts.holding import held
from glassform.accounts.names import composed, folded, is_name
from glassform.accounts.passwords import hash_password, weakness
from glassform.accounts.signing_in import MANAGE, owner_knows, signed_in
from glassform.accounts.tables import Key, User, new_name
from glassform.accounts.tokens import begin_visit, end_families, end_visit
from glassform.accounts.visits import settings
from glassform.languages import gettext
from glassform.limits import LONGEST_PASSWORD, SHORTEST_PASSWORD
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.resources.account_resource import FromForms, Remembering
from glassform.resources.people.keys import KeyAnswer, keys_of
from glassform.resources.people.predictions import PredictionAnswer, as_answer
from glassform.resources.people.sessions import credentials, wrong_password
from glassform.web.formats import FORMATS, as_json
from glassform.web.forms import FORM_TYPES, refuse_foreign_form
from glassform.web.openapi import TEXT
from glassform.web.reading import not_one_of, read_members
from glassform.web.resource import Answer

END, KEEP = KEYS = ("end", "keep")  # what a change of the password does to the account's keys
PASSWORD = TEXT | {"format": "password", "minLength": SHORTEST_PASSWORD, "maxLength": LONGEST_PASSWORD}


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
        return {
            "application/json": credentials(name, PASSWORD),
            FORM_TYPES[0]: credentials(name, PASSWORD, csrf_token=TEXT),
        }

    def get(self) -> AccountsAnswer:
        """Return whether registration is open; to a browser, the form."""
        return {"open": settings().registration, "fields": ["name", "password"]}

    def post(self) -> tuple[AccountAnswer, int, dict[str, str]]:
        """Create an account and sign a browser in."""
        if not settings().registration:
            raise Forbidden(gettext("You cannot create an account here. Ask the person who runs this server."))
        if request.mimetype in FORM_TYPES:
            refuse_foreign_form()
        given = read_members(["name", "password"], template="people/accounts.html")
        name = composed(given["name"])
        errors = [] if is_name(name) else [FieldError("name", shown(name), say("name", value=shown(name)))]
        errors += password_errors(given["password"], name)
        if errors:
            raise InvalidQuery(errors, {"name": name}, "people/accounts.html")
        user = User(name=name, folded=folded(name), password=hash_password(given["password"]))
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
        """Return the password and, for a change, the new one and what happens to the keys."""
        if method == "post":
            return {FORM_TYPES[0]: {"anyOf": [passwords(each, csrf_token=TEXT) for each in cls.from_forms]}}
        return {"application/json": passwords(method)}

    def get(self) -> AccountAnswer:
        """Return the account and its keys."""
        return account_of(signed_in("read"))

    def patch(self) -> tuple[AccountAnswer, int, dict[str, str]]:
        """Change the password; this signs out all other devices, and ends the keys unless `keys` is `keep`."""
        user = signed_in(MANAGE)
        given = read_members(["password", "new_password"], ["keys"], template="people/account.html")
        if not owner_knows(user, given["password"]):
            raise wrong_password("people/account.html")
        keys = given.get("keys") or END
        errors = [] if keys in KEYS else [not_one_of("keys", keys, KEYS)]
        errors += password_errors(given["new_password"], user.name, "new_password")
        if errors:
            raise InvalidQuery(errors, {}, "people/account.html")
        kept = hash_password(given["new_password"])
        with writing() as session:
            changed = held(session, user)
            changed.password, changed.stamp = kept, new_name()
            end_families(session, user.id)
            if keys == END:
                session.execute(delete(Key).where(Key.user_id == user.id))
        if request.mimetype in FORM_TYPES:
            begin_visit(changed)
        return account_of(changed), 200, {"Location": url_for("account")}

    def delete(self) -> Answer:
        """Delete the account and all its data, given its password."""
        user = signed_in(MANAGE)
        given = read_members(["password"], template="people/account.html")
        if not owner_knows(user, given["password"]):
            raise wrong_password("people/account.html")
        with writing() as session:
            session.execute(delete(User).where(User.id == held(session, user).id))
        end_visit()
        return {}, 204, {"Location": url_for("form")}


class Export(Remembering):
    """All data of an account."""

    formats = ("json",)

    def get(self) -> Annotated[Response, ExportAnswer]:
        """Return the account and every prediction, some hundred at a time."""
        user = signed_in("read")
        parts = stream_with_context(exported(user, account_of(user)))
        return Response(parts, content_type=FORMATS["json"].media_type)


def exported(user: User, account: AccountAnswer) -> Iterator[bytes]:
    """Return all data of an account as one JSON object, in parts."""
    between = b'{"account":' + as_json(account).rstrip() + b',"predictions":['
    for several in every_prediction(user):
        yield between + as_json([as_answer(each) for each in several]).strip()[1:-1]
        between = b",\n"
    yield (b"" if between == b",\n" else between) + b"]}\n"


def passwords(method: str, **more: Any) -> dict[str, Any]:
    """Return the JSON Schema of the passwords a method needs; in a form, with the method's name."""
    names = ["password", "new_password"] if method == "patch" else ["password"]
    members = dict.fromkeys(names, PASSWORD) | ({"method": {"const": method}, **more} if more else {})
    members |= {"keys": TEXT | {"enum": [*KEYS]}} if method == "patch" else {}
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
    weak = weakness(password, name)
    return [FieldError(field, None, weak)] if weak else []
