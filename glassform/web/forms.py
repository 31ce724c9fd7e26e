"""Forms that only our own pages may send: a signed token in the page and in a cookie."""

import hmac
import secrets

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import Forbidden

from glassform.languages import gettext

UPLOAD = "multipart/form-data"  # the media type of a form that holds a file
FORM_TYPES = ("application/x-www-form-urlencoded", UPLOAD)
FORM_FIELD, FORM_COOKIE, FORM_AGE = "csrf_token", "form", 8 * 60 * 60


def form_token() -> str:
    """Return the CSRF token for a form on the page being made."""
    kept = request.cookies.get(FORM_COOKIE, "")
    token = kept if is_word(kept) else serializer().dumps(secrets.token_hex(16))

    @after_this_request
    def keep(response: Response) -> Response:
        secure = current_app.config["JWT_COOKIE_SECURE"]
        response.set_cookie(FORM_COOKIE, token, max_age=FORM_AGE, httponly=True, samesite="Strict", secure=secure)
        return response

    return token


def refuse_foreign_form() -> None:
    """Refuse a form that was not on our page.

    Raises
    ------
    Forbidden
        If its CSRF token is not the page's.
    """
    sent, kept = request.form.get(FORM_FIELD, ""), request.cookies.get(FORM_COOKIE, "")
    if not is_word(kept) or not hmac.compare_digest(sent.encode(errors="replace"), kept.encode(errors="replace")):
        raise Forbidden(gettext("The form is too old, or was not on our page; load the page again."))


def is_word(token: str) -> bool:
    """Tell whether a CSRF token is ours and not expired."""
    try:
        serializer().loads(token, max_age=FORM_AGE)
    except BadSignature:
        return False
    return True


def serializer() -> URLSafeTimedSerializer:
    """Return the signer of CSRF tokens."""
    return URLSafeTimedSerializer(current_app.config["JWT_SECRET_KEY"], salt="form")
