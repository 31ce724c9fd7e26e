"""The application: every address and its resource; `python server.py` serves it."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Request, Response
from werkzeug.routing import MapAdapter
from werkzeug.utils import import_string

from glassform.accounts import visits
from glassform.hosting.command import run
from glassform.limits import LARGEST_BODY, RESERVED
from glassform.metrics import Metrics
from glassform.settings import ARTIFACTS, Settings, read_secret, read_settings
from glassform.versions.served import Tables
from glassform.web import observing, pages, problems, proxies
from glassform.web.compressing import compressed
from glassform.web.formats import SUFFIXES
from glassform.web.late import Late
from glassform.web.resource import Light

# Every address, its methods, and the class that answers it, as a name in glassform.resources. A class is imported by
# the first request for it. Where an address ends in [.format], it may end in .json or another format of that class.
RESOURCES = {
    "/": "GET answers.form.Form",
    "/probability[.format]": "GET POST answers.probability.Probability",
    "/probabilities[.format]": "GET POST answers.probabilities.Probabilities",
    "/predict[.format]": "POST protocols.predict.Predict",
    "/mcp": "POST assistants.mcp.MCP",
    "/curves[.format]": "GET answers.curves.Curves",
    "/twins[.format]": "GET answers.curves.Twins",
    "/changes[.format]": "GET answers.changes.Changes",
    "/take-home.html": "GET answers.take_home.TakeHome",
    "/model[.format]": "GET judging.card.Card",
    "/croissant.json": "GET judging.croissant.Croissant",
    "/scorecard[.format]": "GET judging.scorecard.Scorecard",
    "/scorecard/schema[.format]": "GET judging.scorecard.ScorecardSchema",
    "/examples[.format]": "GET answers.form.Examples",
    "/predictions[.format]": "GET POST people.predictions.Predictions",
    "/predictions/<id>": "GET POST PATCH DELETE people.predictions.OnePrediction",
    "/session": "GET POST DELETE people.sessions.Session",
    "/accounts": "GET POST people.accounts.Accounts",
    "/account": "GET POST PATCH DELETE people.accounts.Account",
    "/account/export": "GET people.accounts.Export",
    "/keys": "GET POST people.keys.Keys",
    "/keys/<id>": "POST DELETE people.keys.OneKey",
    "/tokens": "POST DELETE people.sessions.Tokens",
    "/tokens/refresh": "POST people.sessions.Refresh",
    "/users": "GET people.users.Users",
    "/users/<id>": "POST PATCH DELETE people.users.OneUser",
    "/versions": "GET judging.versions.Versions",
    "/versions/<version>": "GET POST DELETE judging.versions.OneVersion",
    "/versions/<version>/promotion": "POST PUT DELETE judging.versions.Promotion",
    "/versions/<version>/shadow": "GET judging.versions.Shadow",
    "/drift": "GET judging.drift.DriftReport",
    "/tables[.format]": "GET judging.tables.Tables",
    "/openapi.json": "GET protocols.docs.OpenAPI",
    "/docs": "GET protocols.docs.Docs",
    "/health/live[.format]": "GET protocols.health.Live",
    "/health/ready[.format]": "GET protocols.health.Ready",
    "/metrics": "GET protocols.health.Metrics",
    "/v2": "GET protocols.inference.Inference",
    "/v2/health/live": "GET protocols.inference.InferenceLive",
    "/v2/health/ready": "GET protocols.inference.InferenceReady",
    "/v2/models/<name>": "GET protocols.inference.InferenceModel",
    "/v2/models/<name>/ready": "GET protocols.inference.InferenceModelReady",
    "/v2/models/<name>/infer": "POST protocols.inference.Inferred",
    "/v2/models/<name>/versions/<version>": "GET protocols.inference.InferenceModel",
    "/v2/models/<name>/versions/<version>/ready": "GET protocols.inference.InferenceModelReady",
    "/v2/models/<name>/versions/<version>/infer": "POST protocols.inference.Inferred",
}
# The same of class mode: there are no such addresses without it.
OF_CLASSES = {
    "/classes": "GET POST classes.opening.Classes",
    "/classes/reach": "GET classes.opening.Reach",
    "/join": "GET classes.opening.Join",
    "/j/<code>": "GET POST classes.opening.Joining",
    "/classes/<code>/board": "GET POST DELETE classes.board.Board",
    "/classes/<code>/end": "GET POST classes.board.End",
    "/classes/<code>/me": "GET POST PUT classes.phone.Me",
    "/classes/<code>/results[.format]": "GET classes.results.ClassResults",
    "/classes/<code>/notes": "GET classes.results.Notes",
    "/classes/<code>/card": "GET classes.results.PaperCard",
}

ANY_FORMAT = "[.format]"
SWAGGER = str(files("flask_swagger_ui") / "dist")  # Swagger UI as its makers built it
SECONDS_A_PREFLIGHT_HOLDS = 600
EXPOSED = [  # headers that scripts of other origins may read
    "ETag",
    "Content-Disposition",
    "Location",
    "Retry-After",
    "Inference-Header-Content-Length",
    "X-Request-ID",
]


class Application(Flask):
    """Flask that compresses its answers, and has no coroutines as views."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is; for coroutines Flask would look through every function of every request."""
        return func

    def process_response(self, response: Response) -> Response:
        """Finish an answer, and compress it if its client accepts that."""
        finished = super().process_response(response)
        return finished if isinstance(finished, Light) else compressed(finished)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the addresses to a request; none depends on the host, which Flask would look into twice for that."""
        if request is None:
            return super().create_url_adapter(None)
        request.trusted_hosts = self.config["TRUSTED_HOSTS"] or request.trusted_hosts
        environ = request.environ
        path = environ["PATH_INFO"]
        return self.url_map.bind(
            request.host,
            environ["SCRIPT_NAME"],
            "",
            environ["wsgi.url_scheme"],
            environ["REQUEST_METHOD"],
            path if path.isascii() else path.encode("latin-1").decode(errors="replace"),
            query_args=environ["QUERY_STRING"],
        )


def create_app(artifacts: Path = ARTIFACTS, settings: Settings | None = None) -> Flask:
    """Build the application around a trained model; the settings are the environment's, unless given.

    Raises
    ------
    InvalidSettings
        If the environment sets what cannot be.
    FileNotFoundError
        If there is no model in the folder.
    UnreadableArtifact
        If the model is damaged.
    """
    settings = settings or read_settings()
    app = Application(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["TRUSTED_HOSTS"] = settings.trusted_hosts or None
    app.extensions["tables"] = tables = Tables(artifacts, RESERVED)
    app.extensions["metrics"] = counts = Metrics()
    pages.prepare(app)
    app.register_blueprint(Blueprint("swagger", "swagger", static_folder=SWAGGER, static_url_path="/docs/assets"))
    add_resources(app, RESOURCES | OF_CLASSES if settings.classroom else RESOURCES)
    if settings.classroom:
        app.extensions["class_results"] = import_string("glassform.resources.classes.taking_home.to_take_home")
    problems.prepare(app)
    visits.configure(app, settings, read_secret(settings))
    let_others_ask(app, settings)
    observing.observe(app, tables, counts)
    if settings.trusted_proxies:
        proxies.believe(app, settings.trusted_proxies)
    return app


def add_resources(app: Flask, resources: Mapping[str, str]) -> None:
    """Give every resource its addresses, those that end in a format among them."""
    views: dict[str, Late] = {}
    for address, answered in resources.items():
        *methods, name = answered.split()
        view = views.setdefault(name, Late(f"glassform.resources.{name}"))
        url = address.removesuffix(ANY_FORMAT)
        for each in [url] if url == address else [url, f"{url}.<any({', '.join(SUFFIXES)}):suffix>"]:
            app.add_url_rule(each, view.endpoint, view, methods=methods)


def let_others_ask(app: Flask, settings: Settings) -> None:
    """Let pages of other origins ask, as far as the settings say so."""
    if settings.cors_origins:
        from flask_cors import CORS

        CORS(app, origins=settings.cors_origins, expose_headers=EXPOSED, max_age=SECONDS_A_PREFLIGHT_HOLDS)
        app.after_request(vary_by_origin)


def vary_by_origin(response: Response) -> Response:
    """Say that an answer depends on who asks; Flask-Cors leaves that out where a single origin is allowed."""
    response.vary.add("Origin")
    return response


def main() -> None:
    """Serve from the command line."""
    run(create_app, forget_old_classes)


def forget_old_classes() -> None:
    """Delete what is kept of classes that are older than a day; class mode calls this now and then."""
    import_string("glassform.classroom.store.forget")()


if __name__ == "__main__":
    main()
