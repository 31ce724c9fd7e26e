"""The baseline: a Flask-RESTful resource that only returns a constant."""

from flask import Flask
from flask_restful import Api, Resource


class Constant(Resource):
    """A probability that never changes."""

    def get(self) -> dict[str, float]:
        """Return the constant."""
        return {"probability": 0.1519757233074703}


app = Flask(__name__)
Api(app).add_resource(Constant, "/probability")
