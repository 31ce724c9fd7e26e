"""What every request needs to know of accounts: whom a page is for. It needs no database.

Everything else in this room comes with the first request that is about accounts.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import RLock
from typing import Any, cast

import flask_jwt_extended as tokens
from flask import Flask, current_app, request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError
from werkzeug.utils import import_string

from glassform.accounts.privacy import KEY_HEADER, keep_private
from glassform.settings import Settings

ISSUER = "glassform"
ALGORITHM = "HS256"
ACCESS, REFRESH, VISIT = timedelta(minutes=15), timedelta(days=30), timedelta(hours=8)  # a visit is a browser's
NEEDED = ("exp", "jti", "family")  # claims that every token of ours has
MAKING = RLock()  # for one part may need another


def configure(app: Flask, settings: Settings, secret: str) -> None:
    """Set up sign-in for an application (RFC 8725: one algorithm, issuer and audience checked, short lives)."""
    app.config |= {
        "JWT_SECRET_KEY": secret,  # no SECRET_KEY, or Flask would open a session for every request
        "JWT_ALGORITHM": ALGORITHM,
        "JWT_DECODE_ALGORITHMS": [ALGORITHM],
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": ISSUER,
        "JWT_DECODE_AUDIENCE": ISSUER,
        "JWT_ACCESS_TOKEN_EXPIRES": ACCESS,
        "JWT_REFRESH_TOKEN_EXPIRES": REFRESH,
        "JWT_TOKEN_LOCATION": ["headers", "cookies"],
        "JWT_COOKIE_SECURE": settings.secure_cookies,
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_CSRF_CHECK_FORM": True,
    }
    manager = tokens.JWTManager(app)
    manager.user_lookup_loader(lambda *token: import_string("glassform.accounts.tokens.owner")(*token))
    manager.token_in_blocklist_loader(lambda *token: import_string("glassform.accounts.tokens.is_revoked")(*token))
    app.extensions["settings"] = settings
    app.jinja_env.globals.update(USED_BY_PAGES)


def settings() -> Settings:
    """Return the settings of the application."""
    return cast(Settings, current_app.extensions["settings"])


def made_once(name: str, make: Callable[[], Any]) -> Any:
    """Return a part of the application, which the first request that needs it makes."""
    if name not in current_app.extensions:
        with MAKING:
            if name not in current_app.extensions:
                current_app.extensions[name] = make()
    return current_app.extensions[name]


def visitor() -> dict[str, Any]:
    """Return the claims of the browser's cookie, or an empty dict, without asking the database."""
    token = request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"])
    if not token:
        return {}
    keep_private()  # what asks this shows the name
    try:
        claims = cast(dict[str, Any], tokens.decode_token(token))
    except (PyJWTError, JWTExtendedException):
        return {}
    return claims if all(claims.get(name) for name in NEEDED) else {}


def visit_token() -> str:
    """Return the CSRF token for a signed-in user's form."""
    return request.cookies.get(current_app.config["JWT_ACCESS_CSRF_COOKIE_NAME"], "")


USED_BY_PAGES = {"visitor": visitor, "visit_word": visit_token, "settings": settings, "key_header": KEY_HEADER}
