"""What the resources share that remember something, or somebody."""

from types import MappingProxyType
from typing import Any

from flask import request

from glassform.accounts.rates import counted
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.web.forms import FORM_TYPES
from glassform.web.openapi import TEXT
from glassform.web.resource import Answer, Resource, represented


class Remembering(Resource):
    """A resource that has to do with accounts: its requests are counted, and the database may be away."""

    suffixed = False
    method_decorators = [represented, counted]  # noqa: RUF012 - Flask-RESTful's own way
    problems = frozenset({401, 403, 404, 409, 429, 503})


class FromForms(Remembering):
    """One whose other methods a form can ask for by a field, since a form can only be posted."""

    from_forms: tuple[str, ...] = ("patch", "delete")  # those of them that it has
    successes = MappingProxyType({"delete": 204})

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return the form, which has further fields of its own."""
        fields = {
            "method": TEXT | {"enum": [each for each in cls.from_forms if hasattr(cls, each)]},
            "csrf_token": TEXT,
        }
        form = {"type": "object", "properties": fields, "required": ["method"]}
        return {FORM_TYPES[0]: form} if method == "post" else {}

    def post(self, **named: Any) -> Answer:
        """Do what the field `method` of a form says."""
        asked = request.form.get("method", "")
        known = [method for method in self.from_forms if hasattr(self, method)]
        if asked not in known:
            message = say("option", value=shown(asked) or "''", known=", ".join(known))
            raise InvalidQuery([FieldError("method", shown(asked), message)], {})
        return getattr(self, asked)(**named)
