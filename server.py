"""The application: every address and its resource; `python server.py` serves it."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Request, Response
from flask_cors import CORS
from werkzeug.routing import MapAdapter
from werkzeug.utils import import_string

from glassform.accounts import database, signing_in
from glassform.hosting.command import run
from glassform.limits import LARGEST_BODY, RESERVED
from glassform.metrics import Metrics
from glassform.settings import ARTIFACTS, Settings, read_secret, read_settings
from glassform.versions.served import Tables
from glassform.web import observing, pages, problems, proxies
from glassform.web.compressing import compressed
from glassform.web.formats import SUFFIXES
from glassform.web.resource import Api, Light

# Every address, and the class that answers it, as a name in glassform.resources.
RESOURCES = {
    "/": "answers.form.Form",
    "/probability": "answers.probability.Probability",
    "/probabilities": "answers.probabilities.Probabilities",
    "/predict": "protocols.predict.Predict",
    "/curves": "answers.curves.Curves",
    "/twins": "answers.curves.Twins",
    "/changes": "answers.changes.Changes",
    "/take-home.html": "answers.take_home.TakeHome",
    "/model": "judging.card.Card",
    "/scorecard": "judging.scorecard.Scorecard",
    "/scorecard/schema": "judging.scorecard.ScorecardSchema",
    "/examples": "answers.form.Examples",
    "/predictions": "people.predictions.Predictions",
    "/predictions/<id>": "people.predictions.OnePrediction",
    "/session": "people.sessions.Session",
    "/accounts": "people.accounts.Accounts",
    "/account": "people.accounts.Account",
    "/account/export": "people.accounts.Export",
    "/keys": "people.keys.Keys",
    "/keys/<id>": "people.keys.OneKey",
    "/tokens": "people.sessions.Tokens",
    "/tokens/refresh": "people.sessions.Refresh",
    "/users": "people.users.Users",
    "/users/<id>": "people.users.OneUser",
    "/versions": "judging.versions.Versions",
    "/versions/<version>": "judging.versions.OneVersion",
    "/versions/<version>/promotion": "judging.versions.Promotion",
    "/versions/<version>/shadow": "judging.versions.Shadow",
    "/drift": "judging.drift.DriftReport",
    "/tables": "judging.tables.Tables",
    "/openapi.json": "protocols.docs.OpenAPI",
    "/docs": "protocols.docs.Docs",
    "/health/live": "protocols.health.Live",
    "/health/ready": "protocols.health.Ready",
    "/metrics": "protocols.health.Metrics",
    "/mcp": "assistants.mcp.MCP",
    "/v2": "protocols.inference.Inference",
    "/v2/health/live": "protocols.inference.InferenceLive",
    "/v2/health/ready": "protocols.inference.InferenceReady",
    "/v2/models/<name>": "protocols.inference.InferenceModel",
    "/v2/models/<name>/ready": "protocols.inference.InferenceModelReady",
    "/v2/models/<name>/infer": "protocols.inference.Inferred",
    "/v2/models/<name>/versions/<version>": "protocols.inference.InferenceModel",
    "/v2/models/<name>/versions/<version>/ready": "protocols.inference.InferenceModelReady",
    "/v2/models/<name>/versions/<version>/infer": "protocols.inference.Inferred",
}
# The same of class mode: there are no such addresses without it.
OF_CLASSES = {
    "/classes": "classes.opening.Classes",
    "/classes/reach": "classes.opening.Reach",
    "/join": "classes.opening.Join",
    "/j/<code>": "classes.opening.Joining",
    "/classes/<code>/board": "classes.board.Board",
    "/classes/<code>/end": "classes.board.End",
    "/classes/<code>/me": "classes.phone.Me",
    "/classes/<code>/results": "classes.results.ClassResults",
    "/classes/<code>/notes": "classes.results.Notes",
    "/classes/<code>/card": "classes.results.PaperCard",
}

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
    database.connect(app, settings.database_url)
    signing_in.configure(app, settings, read_secret(settings))
    let_others_ask(app, settings)
    observing.observe(app, tables, counts)
    if settings.trusted_proxies:
        proxies.believe(app, settings.trusted_proxies)
    return app


def add_resources(app: Flask, resources: Mapping[str, str]) -> None:
    """Give every resource its addresses, those that end in a format among them."""
    api = Api(app)
    for name in dict.fromkeys(resources.values()):
        resource = import_string(f"glassform.resources.{name}")
        urls = [url for url, each in resources.items() if each == name]
        suffixed = [f"{url}.<any({', '.join(SUFFIXES)}):suffix>" for url in urls if url != "/" and resource.suffixed]
        api.add_resource(resource, *urls, *suffixed)


def let_others_ask(app: Flask, settings: Settings) -> None:
    """Let pages of other origins ask, as far as the settings say so."""
    if settings.cors_origins:
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
