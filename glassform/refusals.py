"""What a request is refused for: each refusal knows its status, its words and its errors."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from werkzeug.exceptions import HTTPException

from glassform.languages import lazy_gettext
from glassform.limits import SECONDS_TO_RETRY


class Refusal(ValueError):
    """A request that is not answered; one handler shows them all.

    Attributes
    ----------
    status
        The HTTP status.
    template
        The page that people get, to set it right on if there is one.
    fields
        What was given, for that page.
    """

    status: int = HTTPStatus.UNPROCESSABLE_ENTITY
    template: str = "problem.html"
    fields: Mapping[str, Any] = {}

    @property
    def detail(self) -> str | None:
        """What is wrong, in a sentence; None, if the status says it all."""
        return str(self)

    @property
    def listed(self) -> list[dict[str, Any]] | None:
        """Every error, as a problem carries it; None, if there is but the one."""
        return None


class InsufficientStorage(HTTPException):
    """A disk that has no room for what a request brings or asks for."""

    code = HTTPStatus.INSUFFICIENT_STORAGE
    description = "There is no room on the disk."

    def get_headers(self, *arguments: Any) -> list[tuple[str, str]]:
        """Return the headers, with the time to try again."""
        return [*super().get_headers(*arguments), ("Retry-After", str(SECONDS_TO_RETRY))]


class Unreadable(Refusal):
    """A body that cannot be read."""

    status = HTTPStatus.BAD_REQUEST
    sentence: ClassVar[Any] = lazy_gettext("The body cannot be read: %(reason)s.")

    @property
    def detail(self) -> str:
        """Why it cannot be read."""
        return str(self.sentence) % {"reason": self}


class TooLarge(Refusal):
    """A body with more in it than is read."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotInstalled(Refusal):
    """A body of a kind that nothing here reads."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
