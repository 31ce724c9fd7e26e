"""Signing in and out: in a browser by a form, in a program by tokens."""

from types import MappingProxyType
from typing import Any

import flask_jwt_extended as jwt
from flask import request, url_for
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from glassform.accounts.holding import unauthorized
from glassform.accounts.signing_in import signed_in_by_token, user_with
from glassform.accounts.tokens import begin_visit, end_visit, renewed_pair, revoke, token_pair
from glassform.languages import gettext
from glassform.records.messages import FieldError, InvalidQuery, say
from glassform.records.schema import Schema
from glassform.resources.account_resource import FromForms, Remembering
from glassform.web.addresses import own_path
from glassform.web.asked import asked
from glassform.web.forms import FORM_TYPES, refuse_foreign_form
from glassform.web.openapi import TEXT, in_query
from glassform.web.reading import read_members, read_options
from glassform.web.resource import Answer

NEXT = "next"  # where to go after signing in
SOME = TEXT | {"minLength": 1, "pattern": r"^[ -~]*$"}  # loose: the reader checks the rest


class SessionAnswer(TypedDict):
    """How to sign in."""

    tokens: str
    fields: list[str]


class TokensAnswer(TypedDict):
    """A new pair of tokens; the access token expires, the refresh token gets a new pair."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Session(FromForms):
    """A browser's session."""

    is_open = True
    reads_query = True

    successes = MappingProxyType({"post": 303, "delete": 204})

    @classmethod
    def parameters(cls, method: str, schema: Schema) -> list[dict[str, Any]]:
        """Return where a browser goes after signing in."""
        return [in_query(NEXT, TEXT, "Where to go after signing in.")] if method == "get" else []

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the form."""
        if method != "post":
            return {}
        return {FORM_TYPES[0]: credentials(SOME, SOME, csrf_token=SOME, next=SOME)}

    def get(self) -> SessionAnswer:
        """Return how to sign in; to a browser, the form."""
        read_options({NEXT: str})
        return {"tokens": url_for("tokens"), "fields": ["name", "password"]}

    def shown_with(self, answer: Any) -> dict[str, Any]:
        """Return where to go after signing in."""
        return {"values": {NEXT: own_path(request.args.get(NEXT), asked().root)}}

    def post(self, **named: Any) -> Answer:
        """Sign a browser in by a form and redirect it; programs use tokens."""
        if request.mimetype not in FORM_TYPES:
            raise UnsupportedMediaType(gettext("Send one of %(kinds)s.", kinds=", ".join(FORM_TYPES)))
        if request.form.get("method"):
            return super().post(**named)
        refuse_foreign_form()
        given = read_members(["name", "password"], [NEXT], "people/session.html")
        user = user_with(given["name"], given["password"])
        if user is None:
            error = FieldError("password", None, gettext("name or password is wrong"))
            raise InvalidQuery(
                [error], {"name": given["name"], NEXT: given.get(NEXT)}, "people/session.html", status=401
            )
        begin_visit(user)
        return {}, 303, {"Location": own_path(given.get(NEXT), asked().root) or url_for("predictions")}

    def delete(self) -> Answer:
        """Sign a browser out and end its token."""
        signed_in_by_token()
        revoke(jwt.get_jwt())
        end_visit()
        return {}, 204, {"Location": url_for("form")}


class Tokens(Remembering):
    """A program's tokens."""

    is_open = True

    successes = MappingProxyType({"delete": 204})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return name and password."""
        return {"application/json": credentials(SOME, SOME)} if method == "post" else {}

    formats = ("json",)

    def post(self) -> TokensAnswer:
        """Return an access token and a refresh token for a name and a password."""
        given = read_members(["name", "password"])
        user = user_with(given["name"], given["password"])
        if user is None:
            raise unauthorized(gettext("Name or password is wrong."))
        return token_pair(user)  # type: ignore[return-value]

    def delete(self) -> Answer:
        """End the token that was sent, of either kind, and with it all others of its sign-in."""
        signed_in_by_token(verify_type=False, locations=["headers"])
        revoke(jwt.get_jwt())
        return {}, 204


class Refresh(Remembering):
    """New tokens for a refresh token."""

    formats = ("json",)

    def post(self) -> TokensAnswer:
        """Return a new pair of tokens for a refresh token; used again, it ends all tokens of its sign-in."""
        user = signed_in_by_token(refresh=True, locations=["headers"])
        return renewed_pair(user, jwt.get_jwt())  # type: ignore[return-value]


def credentials(name: dict[str, Any], password: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the JSON Schema of a name with its password."""
    return {
        "type": "object",
        "properties": {"name": name, "password": password, **more},
        "required": ["name", "password"],
        "additionalProperties": False,
    }


def wrong_password(template: str) -> InvalidQuery:
    """Return the error for a wrong password."""
    return InvalidQuery([FieldError("password", None, say("wrong_password"))], {}, template, status=403)
