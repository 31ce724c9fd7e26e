"""All accounts, for teachers: usage and roles."""

from typing import Any

from flask import url_for
from sqlalchemy import case, delete, func, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict
from werkzeug.exceptions import NotFound

from glassform.accounts.database import db, writing
from glassform.accounts.history import count_of
from glassform.accounts.holding import held
from glassform.accounts.signing_in import signed_in_teacher
from glassform.accounts.tables import ROLES, Prediction, User, new_name
from glassform.accounts.tokens import end_families
from glassform.records.messages import FieldError, InvalidQuery, say, shown
from glassform.records.schema import Schema
from glassform.resources.account_resource import FromForms, Remembering
from glassform.web.asked import schema, served
from glassform.web.openapi import TEXT
from glassform.web.reading import read_members
from glassform.web.resource import Answer

STATES = ("yes", "no")


class UserAnswer(TypedDict):
    """An account and the number of its saved predictions, but not the predictions."""

    id: str
    name: str
    role: str
    active: bool
    created: str
    predictions: int


class UsersAnswer(TypedDict):
    """All accounts, with totals of predictions and outcomes."""

    users: list[UserAnswer]
    predictions: int
    mean_probability: float | None
    outcomes_known: int
    outcomes_positive: int
    mean_probability_where_known: float | None


class Users(Remembering):
    """All accounts."""

    def get(self) -> UsersAnswer:
        """Return all accounts and totals."""
        signed_in_teacher()
        positive = schema().own.get("positive")
        known = Prediction.outcome.is_not(None)
        counts = select(  # of this table
            func.count(),
            func.avg(Prediction.probability),
            func.count(Prediction.outcome),
            func.coalesce(func.sum(case((Prediction.outcome == positive, 1), else_=0)), 0),
            func.avg(case((known, Prediction.probability))),
        ).where(Prediction.model == served().name)
        total, mean, outcomes, positives, mean_known = db.session.execute(counts).one()
        owned = select(Prediction.user_id, func.count().label("owned")).group_by(Prediction.user_id).subquery()
        rows = select(User, func.coalesce(owned.c.owned, 0)).outerjoin(owned, owned.c.user_id == User.id)
        return {
            "users": [user_answer(user, count) for user, count in db.session.execute(rows.order_by(User.folded))],
            "predictions": total,
            "mean_probability": mean,
            "outcomes_known": outcomes,
            "outcomes_positive": positives,
            "mean_probability_where_known": mean_known,
        }


class OneUser(FromForms):
    """One account, for teachers."""

    @classmethod
    def bodies(cls, method: str, schema: Schema) -> dict[str, Any]:
        """Return what can be changed."""
        if method != "patch":
            return super().bodies(method, schema)
        members = {"role": TEXT | {"enum": [*ROLES]}, "active": TEXT | {"enum": [*STATES]}}
        return {"application/json": {"type": "object", "properties": members, "additionalProperties": False}}

    def patch(self, id: str) -> tuple[UserAnswer, int, dict[str, str]]:
        """Change an account's role, disable or enable it; this ends its sessions."""
        teacher = signed_in_teacher()
        given = read_members([], ["role", "active"])
        known = {"role": ROLES, "active": STATES}
        errors = [
            FieldError(name, shown(value), say("option", value=shown(value), known=", ".join(known[name])))
            for name, value in given.items()
            if value not in known[name]
        ]
        with writing() as session:
            user = other(session, id, teacher, errors)
            end_families(session, user.id)
            user.role, user.stamp = given.get("role", user.role), new_name()
            user.active = given["active"] == STATES[0] if "active" in given else user.active
        return user_answer(user, count_of(user)), 200, {"Location": url_for("users")}

    def delete(self, id: str) -> Answer:
        """Delete an account and all its data."""
        teacher = signed_in_teacher()
        with writing() as session:
            session.execute(delete(User).where(User.id == other(session, id, teacher, []).id))
        return {}, 204, {"Location": url_for("users")}


def other(session: Session, id: str, teacher: User, errors: list[FieldError]) -> User:
    """Return an account that is not the teacher's own; hold both, so that two teachers cannot lock each other out.

    Raises
    ------
    Unauthorized
        If the teacher's own account changed meanwhile.
    NotFound
        If there is none.
    InvalidQuery
        With every error; the teacher's own account is one.
    """
    both = select(User).where(User.id.in_([teacher.id, id])).order_by(User.id).with_for_update()
    users = {user.id: user for user in session.scalars(both)}
    held(session, teacher)
    user = users.get(id)
    if user is None:
        raise NotFound
    if user.id == teacher.id:
        errors = [*errors, FieldError("id", None, say("self"))]
    if errors:
        raise InvalidQuery(errors, {})
    return user


def user_answer(user: User, count: int) -> UserAnswer:
    """Return an account as an answer to a teacher."""
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "active": user.active,
        "created": user.created.isoformat(),
        "predictions": count,
    }
