"""Every address is known from the start; the module behind it is imported by the first request that asks for it."""

from functools import cached_property
from typing import Any

from flask import Response
from werkzeug.utils import import_string

from glassform.web.resource import Resource


class Late:
    """The view of a resource that may not have been imported yet.

    Flask takes no address after the first request, so each has such a view from the start.

    Parameters
    ----------
    name
        The module and the class of the resource.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def endpoint(self) -> str:
        """What Flask calls the address."""
        return self.name.rpartition(".")[2].lower()

    @cached_property
    def view_class(self) -> type[Resource]:
        """The resource; its module is imported now, unless it was before."""
        found: type[Resource] = import_string(self.name)
        return found

    @cached_property
    def view(self) -> Any:
        """What answers, as Flask calls it."""
        return self.view_class.as_view(self.endpoint)

    @property
    def is_imported(self) -> bool:
        """Whether there is nothing left to import."""
        return "view_class" in vars(self)

    def __call__(self, **named: Any) -> Response:
        """Answer a request."""
        answer: Response = self.view(**named)
        return answer
