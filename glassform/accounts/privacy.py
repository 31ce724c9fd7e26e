"""Answers that have to do with an account: no cache may keep them."""

from flask import Response, after_this_request

KEY_HEADER = "X-API-Key"
SIGNS_IN = ("Cookie", "Authorization", KEY_HEADER)  # the headers that say who asks


def keep_private() -> None:
    """Have no cache keep this request's answer, whatever it will be."""
    after_this_request(as_private)


def as_private(response: Response) -> Response:
    """Say that an answer is for one person, and what it depends on."""
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.update(SIGNS_IN)
    return response
