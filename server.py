"""The application: settings, every URL and its resource; `python server.py` serves it."""

import argparse
import ctypes
import gc
import ipaddress
import logging
import os
import re
import secrets
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Flask, Response
from flask_babel import Babel
from flask_cors import CORS
from granian._granian import ListenerSpec
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from glassform import languages, metrics
from glassform.accounts import database
from glassform.accounts import signing_in as auth
from glassform.analysis.thresholds import Rate
from glassform.batches.batch import InvalidBatch, TooManyRows, UnreadableBatch
from glassform.batches.tensors import UnreadableTensors
from glassform.fitted.base import Fitted, UnreadableArtifact
from glassform.records.schema import InvalidQuery, InvalidRecord, UnreadableJSON
from glassform.resources.answers.changes import Changes
from glassform.resources.answers.curves import Curves
from glassform.resources.answers.examples import Examples
from glassform.resources.answers.form import Form
from glassform.resources.answers.probabilities import Probabilities
from glassform.resources.answers.probability import Probability
from glassform.resources.answers.twins import Twins
from glassform.resources.judging.card import Card
from glassform.resources.judging.scorecard import Scorecard, ScorecardSchema, table
from glassform.resources.judging.tables import Tables as AllTables
from glassform.resources.judging.versions import DriftReport, OneVersion, Promotion, Shadow, Versions
from glassform.resources.people.accounts import Account, Accounts, Export, Keys, OneKey
from glassform.resources.people.predictions import OnePrediction, Predictions
from glassform.resources.people.sessions import Refresh, Session, Tokens
from glassform.resources.people.users import OneUser, Users
from glassform.resources.protocols.docs import Docs, OpenAPI
from glassform.resources.protocols.health import Live, Ready
from glassform.resources.protocols.inference import (
    Inference,
    InferenceLive,
    InferenceModel,
    InferenceModelReady,
    InferenceReady,
    Inferred,
)
from glassform.resources.protocols.metrics import Metrics
from glassform.resources.protocols.predict import Predict
from glassform.settings import ARTIFACTS, HOME, SHORTEST_SECRET, InvalidSettings, Settings, read_secret, read_settings
from glassform.versions.registry import Registry
from glassform.web import charts
from glassform.web.asked import MODEL, Served, Tables, asked_version, choose, fitted, schema, served, tables
from glassform.web.resource import (
    SUFFIXES,
    Api,
    show_invalid_batch,
    show_invalid_query,
    show_invalid_record,
    show_lost_database,
    show_problem,
    show_too_many_rows,
    show_unreadable_body,
    show_unreadable_json,
    show_unservable,
)

SWAGGER = str(files("flask_swagger_ui") / "dist")  # Swagger UI as its makers built it
HOST, PORT = "127.0.0.1", 5000
PORTS_TRIED = 100
LARGEST_BODY = 64 * 1024  # bytes
EXPOSED = [
    "ETag",
    "Content-Disposition",
    "Location",
    "Retry-After",
    "Inference-Header-Content-Length",
    "X-Request-ID",
]  # to pages elsewhere
SECONDS_A_PREFLIGHT_HOLDS = 600
THREADS = 64  # a worker, at most, made when they are needed: a client that sends slowly keeps one waiting
SECONDS_TO_RESPAWN = 0.1
SECONDS_TO_DRAIN = 0.1
SECONDS_TO_STOP = 10  # for requests under way, after which a worker is ended

SO_ATTACH_FILTER, RETURN = 26, 6  # of Linux: sys/socket.h, linux/bpf_common.h

RESOURCES = {
    "/": Form,
    "/probability": Probability,
    "/probabilities": Probabilities,
    "/predict": Predict,
    "/curves": Curves,
    "/twins": Twins,
    "/changes": Changes,
    "/model": Card,
    "/scorecard": Scorecard,
    "/scorecard/schema": ScorecardSchema,
    "/examples": Examples,
    "/predictions": Predictions,
    "/predictions/<id>": OnePrediction,
    "/session": Session,
    "/accounts": Accounts,
    "/account": Account,
    "/account/export": Export,
    "/keys": Keys,
    "/keys/<id>": OneKey,
    "/tokens": Tokens,
    "/tokens/refresh": Refresh,
    "/users": Users,
    "/users/<id>": OneUser,
    "/versions": Versions,
    "/versions/<version>": OneVersion,
    "/versions/<version>/promotion": Promotion,
    "/versions/<version>/shadow": Shadow,
    "/drift": DriftReport,
    "/tables": AllTables,
    "/openapi.json": OpenAPI,
    "/docs": Docs,
    "/health/live": Live,
    "/health/ready": Ready,
    "/metrics": Metrics,
    "/v2": Inference,
    "/v2/health/live": InferenceLive,
    "/v2/health/ready": InferenceReady,
    "/v2/models/<name>": InferenceModel,
    "/v2/models/<name>/ready": InferenceModelReady,
    "/v2/models/<name>/infer": Inferred,
    "/v2/models/<name>/versions/<version>": InferenceModel,
    "/v2/models/<name>/versions/<version>/ready": InferenceModelReady,
    "/v2/models/<name>/versions/<version>/infer": Inferred,
}

# What addresses begin with, so that no table can be called so.
RESERVED = frozenset(url.split("/")[1].partition(".")[0] for url in RESOURCES) | {"static"}

HANDLERS: dict[type[Exception], Callable[..., Response]] = {
    HTTPException: show_problem,
    InvalidQuery: show_invalid_query,
    InvalidRecord: show_invalid_record,
    InvalidBatch: show_invalid_batch,
    UnreadableBatch: show_unreadable_body,
    UnreadableTensors: show_unreadable_body,
    UnreadableJSON: show_unreadable_json,
    TooManyRows: show_too_many_rows,
    DBAPIError: show_lost_database,
    PoolTimeout: show_lost_database,
    UnreadableArtifact: show_unservable,
}

SECURITY_HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
]

REQUEST_ID, PLAIN_ID = "X-Request-ID", re.compile(r"[\w.-]{1,64}", re.ASCII)
WSGI = Callable[..., Iterable[bytes]]

log = logging.getLogger("glassform.requests")


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
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions["tables"] = Tables(artifacts, RESERVED)
    app.extensions["metrics"] = counts = metrics.Metrics()
    app.url_defaults(keep_version)
    app.jinja_env.globals.update(table=table, charts=charts, languages=languages, Rate=Rate, auth=auth)
    app.context_processor(shown_on_every_page)
    Babel(
        app,
        default_translation_directories=str(HOME / "glassform" / "translations"),
        locale_selector=languages.language,
    )
    app.jinja_env.globals["gettext"] = worded
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(Blueprint("swagger", "swagger", static_folder=SWAGGER, static_url_path="/docs/assets"))
    api = Api(app)
    for resource in dict.fromkeys(RESOURCES.values()):
        urls = [url for url, each in RESOURCES.items() if each is resource]
        suffixed = [f"{url}.<any({', '.join(SUFFIXES)}):suffix>" for url in urls if url != "/" and resource.suffixed]
        api.add_resource(resource, *urls, *suffixed)
    for error, show in HANDLERS.items():
        app.register_error_handler(error, show)
    database.connect(app, settings.database_url)
    auth.configure(app, settings, read_secret(settings))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    if settings.cors_origins:
        CORS(app, origins=settings.cors_origins, expose_headers=EXPOSED, max_age=SECONDS_A_PREFLIGHT_HOLDS)
        app.after_request(vary_by_origin)
    app.wsgi_app = observed(app.wsgi_app, app.extensions["tables"], counts)  # type: ignore[method-assign]
    return app


def vary_by_origin(response: Response) -> Response:
    """Say that an answer depends on who asks; Flask-Cors leaves that out where a single origin is allowed."""
    response.vary.add("Origin")
    return response


def shown_on_every_page() -> dict[str, Any]:
    """Return what every page needs: the model that answers, what a record is, and the language."""
    return {
        "card": fitted(),
        "schema": schema(),
        "lang": languages.language(),
        "pinned": asked_version(),
        "served": served(),
        "tables": tables(),
    }


@pass_context
def worded(context: Context, text: str, /, **values: Any) -> Markup:
    """Return a text of a page in the language of the answer, its values and what a row is called in place."""
    return Markup(languages.gettext(text)) % {**context["schema"].words, **values}


def keep_version(endpoint: str, values: dict[str, Any]) -> None:
    """Let the links of a page lead to the version that was asked for."""
    if not endpoint.endswith("static"):
        values.update({**asked_version(), **values})


def observed(application: WSGI, served_tables: Tables, counts: metrics.Metrics) -> WSGI:
    """Choose who answers a request; add security headers and an id to the answer, count it, log it if need be.

    One JSON line a request: good answers at INFO, refused requests at WARNING, our own failures at ERROR. The
    query is left out, for it holds the record.
    """

    def observing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begin = time.perf_counter()
        choose(environ, served_tables)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            level, seconds = LEVELS.get(status[0], logging.INFO), time.perf_counter() - begin
            # Werkzeug leaves its request here, which knows what resource answers
            resource = getattr(environ.get("werkzeug.request"), "endpoint", None) or "none"
            counts.count(resource, environ["REQUEST_METHOD"], status[:3], seconds)
            name = request_id(environ)
            if log.isEnabledFor(level):
                known = {"request_id": name, "resource": resource, "model": environ[MODEL].version}
                log.log(level, request_line(environ, status, seconds, known))
            return start_response(status, [*headers, *SECURITY_HEADERS, (REQUEST_ID, name)], *rest)

        return application(environ, start)

    return observing


LEVELS = {"4": logging.WARNING, "5": logging.ERROR}


def request_id(environ: dict[str, Any]) -> str:
    """Return what a request is called: the name it came with, if a log can hold that, or a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    return given if PLAIN_ID.fullmatch(given) else secrets.token_hex(8)


def request_line(environ: dict[str, Any], status: str, seconds: float, known: dict[str, str]) -> str:
    """Return one request as a line of JSON."""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "method": environ["REQUEST_METHOD"],
        "path": environ["SCRIPT_NAME"] + environ["PATH_INFO"],
        "status": int(status[:3]),
        "milliseconds": round(seconds * 1000, 2),
        **known,
    }
    return orjson.dumps(line).decode()


def ensure_models() -> str:
    """See that there is a model to load; if not, train every table that has none first; return what it is.

    A further table that cannot be trained is told of, and the others are served.
    """
    try:
        return name_of(Served(Registry()).current)
    except FileNotFoundError:
        print("There is no model yet; training it first.", flush=True)
    except UnreadableArtifact as error:
        print(f"{error}; training it anew.", flush=True)
    train()
    packages = sorted((HOME / "data").glob("*/datapackage.json"))
    further = [
        name for name in (package.parent.name for package in packages) if not Registry(ARTIFACTS / name).served()
    ]
    if further:
        print(f"Training the further tables, {', '.join(further)}, too.", flush=True)
        train("--table", *further)
    return name_of(Registry().load())


def train(*options: str) -> None:
    """Train in another process, so that scikit-learn and pandas never enter the one that serves."""
    command = [sys.executable, str(HOME / "model.py"), "--artifacts", str(ARTIFACTS), *options]
    if subprocess.run(command, check=False).returncode and not options:
        sys.exit("Training failed; the reason stands above.")


def name_of(card: Fitted) -> str:
    """Return a model's title and version."""
    return f"{card.package['title']}, model {card.version}"


def is_free(host: str, port: int) -> bool:
    """Tell whether a server can listen on a port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # so that a port just given up counts as free; Windows would count every port as free
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(host: str, asked: int | None) -> int:
    """Return the port asked for, or the first free one from 5000 on, saying so if that is another."""
    if asked is not None:
        if not is_free(host, asked):
            sys.exit(f"Cannot listen on {host}, port {asked}: it is taken, or not ours to use.")
        return asked
    port = next((port for port in range(PORT, PORT + PORTS_TRIED) if is_free(host, port)), None)
    if port is None:
        sys.exit(f"Cannot listen on {host}: no port from {PORT} to {PORT + PORTS_TRIED - 1} is free.")
    if port != PORT:
        print(f"Port {PORT} is taken; using {port}.", flush=True)
    return port


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Serve the model as a form and a REST API.")
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default {HOST}: this machine only)")
    parser.add_argument("--port", type=port_number, help=f"port to listen on (default {PORT}, or the next free one)")
    parser.add_argument("--workers", type=positive, default=1, help="worker processes (default 1)")
    parser.add_argument("--threads", type=positive, default=THREADS, help=f"in each, at most (default {THREADS})")
    parser.add_argument("--debug", action="store_true", help="Flask's own server: reloads, shows tracebacks")
    return parser.parse_args()


def port_number(text: str) -> int:
    """Read a port from the command line."""
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not a port between 1 and 65535")
    return int(text)


def positive(text: str) -> int:
    """Read a number of at least 1 from the command line."""
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def refuse_danger(options: argparse.Namespace, settings: Settings) -> None:
    """Refuse to serve others what only its owner should reach; warn of limits that do not hold."""
    here = is_loopback(options.host)
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        sys.exit(f"SECRET_KEY is too short to keep anything secret: it needs {SHORTEST_SECRET} characters.")
    if not here and not settings.secret_key:
        sys.exit(f"To listen on {options.host}, set SECRET_KEY to {SHORTEST_SECRET} or more characters of chance.")
    if not here and options.debug:
        sys.exit(f"--debug would let anyone who reaches {options.host} run code here; it is for this machine only.")
    if options.workers > 1 and settings.rate_limit_storage.startswith("memory"):
        print("Each worker counts requests for itself; set RATE_LIMIT_STORAGE to count them once.", file=sys.stderr)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Server(MPServer):
    """Granian, but one that goes on however often its workers are killed, and cuts nobody when it is stopped.

    Its own gives up when a worker dies twice, and closes a worker's queue with whoever waits there.
    """

    def serve(self, *arguments: Any) -> None:
        """Serve; granian's own method would only add a warning that there may be many threads."""
        super(MPServer, self).serve(*arguments)

    def _init_shared_socket(self) -> None:
        # one queue for all workers: who waits there when a worker dies is taken by another
        holder: Any = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._ssp, self._shd, self._sfd = None, holder, holder.get_fd()
        self._sso = self.listening = socket.socket(fileno=self._sfd)
        self.listening.set_inheritable(True)

    def _drop_shared_socket(self) -> None:
        take_no_more(self.listening)
        time.sleep(SECONDS_TO_DRAIN)  # for the workers to take who waits already
        super()._drop_shared_socket()

    def _respawn_workers(self, *arguments: Any, **named: Any) -> None:
        time.sleep(SECONDS_TO_RESPAWN)  # so that workers that die at once do not keep the machine busy
        super()._respawn_workers(*arguments, **named)
        self.respawned_wrks.clear()


def take_no_more(listening: socket.socket) -> None:
    """Let a socket's queue get no longer; Linux, where it lets us, then drops all packets that would join it."""
    listening.listen(0)  # one may still join
    if sys.platform == "linux":
        program = ctypes.create_string_buffer(struct.pack("HBBI", RETURN, 0, 0, 0))
        with suppress(PermissionError):
            listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def main() -> None:
    """Serve from the command line until told to stop."""
    options = parse_options()
    try:
        settings = read_settings()
    except InvalidSettings as error:
        sys.exit(f"A setting cannot be followed: {error}")
    refuse_danger(options, settings)
    logging.basicConfig(format="%(message)s", level=os.environ.get("LOG_LEVEL", "WARNING").upper())
    name = ensure_models()  # the workers load the model; here it would only take up room
    try:
        read_secret(settings)  # made now, if there is none, lest two workers make two
    except OSError:
        os.environ["SECRET_KEY"] = secrets.token_hex(SHORTEST_SECRET)  # for as long as this server runs
    lack = database.ensure_tables(settings.database_url)
    if lack:
        print(f"Nothing can be remembered: {lack}. All else is answered.", file=sys.stderr, flush=True)
    if "WERKZEUG_RUN_MAIN" in os.environ:
        # the reloader of --debug has started this program again, with the socket already open
        create_app().run(options.host, options.port or PORT, debug=True)
        return
    port = choose_port(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"{name}: http://{host}:{port} (Ctrl-C stops)", flush=True)
    if options.debug:
        create_app().run(options.host, port, debug=True)
        return
    # workers begin as copies of this process; what the collector leaves alone they go on sharing with it
    gc.collect()
    gc.freeze()
    with metrics.shared():
        serve(options.host, port, options.workers, options.threads)


def serve(host: str, port: int, workers: int, threads: int = THREADS) -> None:
    """Serve by worker processes until told to stop."""
    Server(
        "server:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_STOP,
        working_dir=HOME,
    ).serve()


if __name__ == "__main__":
    main()
