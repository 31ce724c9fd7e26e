"""The common way: a Flask-RESTful resource that calls scikit-learn's pipeline with a one-row DataFrame."""

import pandas as pd
from flask import Flask, request
from flask_restful import Api, Resource

from glassform.learning.saving import load_pipeline

pipeline = load_pipeline()


class Pipeline(Resource):
    """The probability of one record, without checks or explanation."""

    def get(self) -> dict[str, float]:
        """Return the pipeline's output."""
        record = {name: int(value) if value.isdigit() else value for name, value in request.args.items()}
        return {"probability": float(pipeline.predict_proba(pd.DataFrame([record]))[0, 1])}


class Pipelines(Resource):
    """The probabilities of many records, without checks or explanation."""

    def post(self) -> list[float]:
        """Return the pipeline's output."""
        probabilities: list[float] = pipeline.predict_proba(pd.DataFrame(request.json))[:, 1].tolist()
        return probabilities


app = Flask(__name__)
api = Api(app)
api.add_resource(Pipeline, "/probability")
api.add_resource(Pipelines, "/probabilities")
