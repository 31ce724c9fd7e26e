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
    def resource(self) -> Resource:
        """What answers: one for all requests, since none keeps anything of them."""
        return self.view_class()

    @property
    def imported(self) -> type[Resource] | None:
        """The resource, if there is nothing left to import."""
        return vars(self).get("view_class")

    def __call__(self, **named: Any) -> Response:
        """Answer a request."""
        answer: Response = self.resource.dispatch_request(**named)
        return answer
