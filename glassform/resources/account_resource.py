"""What the resources about people share."""

from collections.abc import Callable
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import NotFound

from glassform.accounts.rates import counted
from glassform.records.messages import InvalidQuery
from glassform.records.schema import Schema
from glassform.web.forms import FORM_TYPES
from glassform.web.openapi import TEXT
from glassform.web.problems import lost_database
from glassform.web.reading import can_be_kept, not_one_of
from glassform.web.resource import Answer, Resource, limit_body, represented


def storable(method: Callable[..., Any]) -> Callable[..., Any]:
    """Know of nothing whose id no database can store, before a database is asked."""

    @wraps(method)
    def asking(*arguments: Any, **named: Any) -> Any:
        if not all(can_be_kept(each) for each in named.values() if isinstance(each, str)):
            raise NotFound
        return method(*arguments, **named)

    return asking


class Remembering(Resource):
    """A resource about accounts: its requests are counted, its answers private; the database may be unavailable."""

    lane = "people"
    method_decorators = [represented, storable, counted]  # noqa: RUF012 - Flask-RESTful's own way
    problems = frozenset({401, 403, 404, 409, 429, 503})

    def dispatch_request(self, *arguments: Any, **named: Any) -> Any:
        """Read the whole body, then answer: a slow client must not hold a connection to the database."""
        limit_body(self.largest_body)
        request.get_data()
        try:
            return super().dispatch_request(*arguments, **named)
        except (DBAPIError, PoolTimeout) as error:
            raise lost_database(error) from error


class FromForms(Remembering):
    """Lets HTML forms send PATCH, PUT and DELETE through a `method` field."""

    from_forms: tuple[str, ...] = ("patch", "delete")  # methods that a form may name
    successes = MappingProxyType({"delete": 204})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the form with its `method` field."""
        fields = {
            "method": TEXT | {"enum": [each for each in cls.from_forms if hasattr(cls, each)]},
            "csrf_token": TEXT,
        }
        form = {"type": "object", "properties": fields, "required": ["method"]}
        return {FORM_TYPES[0]: form} if method == "post" else {}

    def post(self, **named: Any) -> Answer:
        """Run the method that the form names."""
        asked = request.form.get("method", "")
        known = [method for method in self.from_forms if hasattr(self, method)]
        if asked not in known:
            raise InvalidQuery([not_one_of("method", asked, known)], {})
        return getattr(self, asked)(**named)
