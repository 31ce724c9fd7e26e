"""What is in deploy/: each file passes its own tool; the image's commands and the proxy are run for real."""

import gzip
import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest
import redis
import yaml
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import EnvironBuilder, run_wsgi_app

from benchmarks.measuring import free_port, proxy_settings
from glassform.accounts import migrating
from glassform.accounts.rates import LONGEST_PAUSE
from glassform.settings import ARTIFACTS
from server import OF_CLASSES, RESOURCES
from tests.conftest import ROOT, missing, serving, wait_for

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
BIN = Path(sys.executable).parent


def tool(name: str) -> str:
    """A program of the environment or of the machine."""
    found: str | None = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing(name)
    return found


def told(*command: object, **options) -> str:
    """What a command says; it must end well."""
    words = [str(word) for word in command]
    done: Any = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return f"{done.stdout}{done.stderr}"


# Each file's own tool.


def test_the_dockerfile_passes_hadolint():
    assert not told(tool("hadolint"), DEPLOY / "Dockerfile")


def test_the_compose_file_is_one():
    told(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_the_manifests_are_valid_for_kubernetes():
    assert told(tool("kubernetes-validate"), "--strict", DEPLOY / "kubernetes.yaml").count("passed for resource") == 7


def test_the_unit_is_valid_for_systemd_and_locked_up(tmp_path):
    text = (DEPLOY / "glassform.service").read_text().replace("/opt/glassform/.venv/bin/python", sys.executable)
    (tmp_path / "glassform.service").write_text(text)
    verified = told(tool("systemd-analyze"), "verify", tmp_path / "glassform.service")
    assert "glassform.service" not in verified
    safety = told(tool("systemd-analyze"), "security", "--offline=true", tmp_path / "glassform.service")
    assert float(re.findall(r"exposure level for glassform.service: ([\d.]+)", safety)[0]) < 2


def test_the_alerts_go_off_when_they_should(tmp_path):
    for path in (DEPLOY / "alerts.yaml", ROOT / "tests" / "alerts_test.yaml"):
        shutil.copy(path, tmp_path)
    told(tool("promtool"), "check", "rules", "alerts.yaml", cwd=tmp_path)
    told(tool("promtool"), "test", "rules", "alerts_test.yaml", cwd=tmp_path)


def expressions() -> list[str]:
    """Every expression of the alerts and of the dashboard, its variables filled in."""
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    drawn = [target["expr"] for panel in panels for target in panel["targets"]]
    filled = [each.replace("$__rate_interval", "5m").replace("$instance", ".*") for each in drawn]
    return [*(rule["expr"] for rule in rules), *filled]


def test_the_expressions_of_the_dashboard_are_promql(tmp_path):
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in told(tool("promtool"), "check", "rules", tmp_path / "rules.yaml")


def test_alerts_and_dashboard_speak_of_metrics_there_are(client, record):
    client.get("/probability", query_string=record)
    families = text_string_to_metric_families(client.get("/metrics").text)
    known = {sample.name for family in families for sample in family.samples}
    spoken = {name for each in expressions() for name in re.findall(r"glassform_\w+", each)}
    assert spoken and spoken <= known


def test_alerts_and_dashboard_speak_of_resources_there_are():
    labels = [label for each in expressions() for label in re.findall(r'resource=~?"([^"]*)"', each)]
    spoken = {name for label in labels for name in label.split("|")}
    classes = {path.rpartition(".")[2].lower() for path in OF_CLASSES.values()}
    assert classes <= spoken <= {path.rpartition(".")[2].lower() for path in (RESOURCES | OF_CLASSES).values()}


def test_who_is_turned_away_at_a_full_gate_is_counted_by_resource(app, client):
    environ = EnvironBuilder(path="/curves").get_environ()
    run_wsgi_app(app.extensions["refusing"](ServiceUnavailable(retry_after=5)), environ)
    assert re.search(r'http_requests_total{[^}]*resource="curves",status="503"', client.get("/metrics").text)


def test_no_two_panels_of_the_dashboard_overlap():
    panels = [each["gridPos"] for each in json.loads((DEPLOY / "dashboard.json").read_text())["panels"]]
    cells = [
        (x, y) for at in panels for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


# The image: its commands, run here.


def stage(name: str) -> list[tuple[str, str]]:
    """The instructions of a stage of the Dockerfile."""
    joined = DOCKERFILE.replace("\\\n", " ")
    (_, text), *_ = re.findall(rf"^FROM (\S+) AS {name}\n(.*?)(?=^FROM |\Z)", joined, re.MULTILINE | re.DOTALL)
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(instruction, rest) for instruction, rest in pairs]


def argument(name: str, instruction: str) -> str:
    """What the last instruction of a kind says."""
    found: list[str] = [rest for each, rest in stage(name) if each == instruction]
    return found[-1]


@pytest.fixture(scope="module")
def image(scorecard, tmp_path_factory) -> Iterator[Path]:
    """What the serving stage holds: an environment with what it installs, and models; nothing of it writable."""
    folder = tmp_path_factory.mktemp("image")
    build = argument("build", "RUN").replace("python", sys.executable, 1)
    told("sh", "-c", build.replace("/wheels", str(folder / "wheels")), cwd=ROOT)
    (app := folder / "app").mkdir()
    shutil.copy(ROOT / "requirements.txt", app)
    shutil.copytree(ARTIFACTS, folder / "artifacts")
    told(interpreter(), "-m", "venv", folder / "venv")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for install in [rest for each, rest in stage("serve") if each == "RUN" and "pip" in rest]:
        told("sh", "-c", install.replace("/wheels", str(folder / "wheels")), cwd=app, env=environment)
    told("chmod", "-R", "a+rX,a-w", folder)
    for parent in (folder, *folder.parents[:3]):  # so that somebody else can get there
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    yield folder
    told("chmod", "-R", "u+w", folder)


def interpreter() -> Path:
    """A Python that everybody may run; this one, if it lies where only its owner may look and there is no other."""
    own, debians = Path(sys.executable).resolve(), Path("/usr/bin/python3")
    has_venv = [str(debians), "-c", "import ensurepip, venv"]
    if is_for_all(own) or not debians.exists() or subprocess.run(has_venv, check=False).returncode:
        return own
    return debians


def is_for_all(path: Path) -> bool:
    """Whether everybody may get to a file."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def somebody_else() -> dict[str, Any]:
    """Whom the image runs as, where this process may become somebody else."""
    who = int(argument("serve", "USER").partition(":")[0])
    assert who > 0
    if os.geteuid() or not is_for_all(interpreter().resolve()):
        return {}
    return {"user": who, "group": who, "extra_groups": []}


def test_the_serving_stage_holds_nothing_that_trains(image):
    listed = told(image / "venv" / "bin" / "pip", "list", "--format=freeze", "--disable-pip-version-check").lower()
    assert "flask-restful==" in listed and "granian==" in listed
    for name in ("scikit-learn", "pandas", "numpy", "joblib", "pytest"):
        assert f"{name}==" not in listed
    assert {path.name for path in (image / "app").iterdir()} == {"requirements.txt", "serve.txt"}
    assert "glassform==" in listed


def test_the_image_holds_all_of_it_compiled(image):
    (package,) = (image / "venv").glob("lib/python3.*/site-packages/glassform")
    for path in package.rglob("*.py"):
        assert [*(path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")], path.name
    # the base image's own modules are compiled by an import, while the user may still write
    instructions = stage("serve")
    assert any("import glassform.server" in rest for each, rest in instructions[: instructions.index(user())])
    assert "PYTHONDONTWRITEBYTECODE" not in DOCKERFILE


def user() -> tuple[str, str]:
    """The instruction from which on the serving stage is somebody else."""
    return "USER", argument("serve", "USER")


def test_the_image_makes_the_tables_of_its_database(image, tmp_path):
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["migrate"]["command"]
    (job,) = [each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()) if each["kind"] == "Job"]
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == composed
    url = f"sqlite:///{tmp_path}/own.sqlite"
    environment = {"PATH": f"{image / 'venv' / 'bin'}:/usr/bin:/bin", "DATABASE_URL": url}
    assert "up to date" in told(*composed, cwd=image / "app", env=environment)
    assert migrating.is_current(url)


def test_the_image_serves_as_somebody_else_on_a_read_only_file_system(image, tmp_path, record, scorecard):
    port, scratch = free_port(), tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    environment = {
        "PATH": f"{image / 'venv' / 'bin'}:/usr/bin:/bin",
        "TMPDIR": str(scratch),
        "GLASSFORM_ARTIFACTS": str(image / "artifacts"),
        "GLASSFORM_INSTANCE": str(image / "instance"),
        "SECRET_KEY": "x" * 40,
    }
    command = json.loads(argument("serve", "CMD"))
    assert command[:4] == ["glassform", "serve", "--host", "0.0.0.0"]
    mapped = [{"0.0.0.0": "127.0.0.1", "8000": str(port)}.get(word, word) for word in command]
    options = {"cwd": image / "app", "env": environment, **somebody_else()}
    process = subprocess.Popen(mapped, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready", seconds=30)
        with urlopen(f"http://127.0.0.1:{port}/probability?{urlencode(record)}") as response:
            assert json.loads(response.read())["probability"] == scorecard.probability(record)
        check = argument("serve", "HEALTHCHECK").partition("CMD ")[2]
        healthy = [word.replace("8000", str(port)) for word in json.loads(check)]
        assert subprocess.run(healthy, check=False, **options).returncode == 0
        sick = [word.replace("8000", str(free_port())) for word in json.loads(check)]
        assert subprocess.run(sick, check=False, stderr=subprocess.DEVNULL, **options).returncode != 0
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0


def test_the_training_stage_trains(scorecard, tmp_path):
    """Its own command, on the files it would have; what it needs is installed here already."""
    assert int(argument("train", "USER").partition(":")[0]) > 0
    assert argument("train", "RUN").split() == json.loads(argument("train", "CMD")) == ["glassform", "train"]
    for path in ARTIFACTS.glob("*/registry.json"):  # the further tables are trained in other tests
        shutil.copytree(path.parent, tmp_path / path.parent.name)
    told(
        sys.executable, "-m", "glassform", "train", cwd=ROOT, env=os.environ | {"GLASSFORM_ARTIFACTS": str(tmp_path)}
    )
    assert (tmp_path / "registry.json").exists()


# Other servers, from a checkout.

OTHERS = {
    "flask": ["flask", "--app", "server", "run", "--port", "{port}"],
    "gunicorn": ["gunicorn", "server:create_app()", "--bind", "127.0.0.1:{port}"],
    "waitress": ["waitress-serve", "--listen=127.0.0.1:{port}", "--call", "server:create_app"],
}


@pytest.fixture(scope="module", params=OTHERS)
def served_otherwise(request, scorecard) -> Iterator[str]:
    """The address of our application in a server of others."""
    port = free_port()
    program, *words = [word.format(port=port) for word in OTHERS[request.param]]
    process = subprocess.Popen(
        [tool(program), *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_another_server_answers_exactly_with_a_page_and_with_what_is_wrong(served_otherwise, record, scorecard):
    answer = ask(f"{served_otherwise}/probability?{urlencode(record)}")
    assert json.loads(answer.body)["probability"] == scorecard.probability(record)
    page = ask(f"{served_otherwise}/probability?{urlencode(record)}", Accept="text/html")
    assert page.status == 200 and b"</html>" in page.body
    refused = ask(f"{served_otherwise}/probability?{urlencode(record | {'age': 200})}")
    assert refused.status == 422 and "200 is not between" in json.loads(refused.body)["errors"][0]["message"]
    assert ask(f"{served_otherwise}/probability", record).status == 200


def test_compose_and_kubernetes_set_only_what_there_is():
    settings = {"SECRET_KEY", "DATABASE_URL", "RATE_LIMIT_STORAGE", "TRUSTED_PROXIES", "SECURE_COOKIES", "LOG_LEVEL"}
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    manifests = [*yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())]
    assert compose["app"]["environment"].keys() | manifests[0]["data"].keys() <= settings
    paths = {probe["httpGet"]["path"] for probe in containers(manifests)[1].values() if "httpGet" in probe}
    assert paths == {"/health/ready", "/health/live"}


def containers(manifests: list[Any]) -> list[dict[str, Any]]:
    """The containers of all pods, those whose parts are probes among them."""
    pods = [each["spec"]["template"]["spec"] for each in manifests if "template" in each.get("spec", {})]
    found = [container for pod in pods for container in pod["containers"]]
    return [{name: part for name, part in each.items() if isinstance(part, dict)} for each in found]


# The proxy: nginx, two workers, PostgreSQL and Redis.


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory) -> Iterator[int]:
    """A real Redis server."""
    port = free_port()
    command = [tool("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path_factory.mktemp("redis"))
    until = time.monotonic() + 20
    while True:
        try:
            redis.Redis(port=port).ping()
            break
        except redis.ConnectionError:
            assert time.monotonic() < until
            time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def proxied(scorecard, postgresql, redis_port, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The whole of it: the proxy's address, the server's own, and both logs."""
    folder, port, behind = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    migrating.upgrade(postgresql)
    environment = {
        "DATABASE_URL": postgresql,
        "RATE_LIMIT_STORAGE": f"redis://127.0.0.1:{redis_port}",
        "SECRET_KEY": "s" * 40,
        "TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "INFO",
    }
    log = folder / "server.log"
    with log.open("w") as file:
        command = [sys.executable, str(ROOT / "server.py"), "--port", str(behind), "--workers", "2"]
        server = subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=subprocess.STDOUT)
        wait_for(f"http://127.0.0.1:{behind}/health/ready")
        conf = proxy_settings(folder, port, behind)
        nginx = subprocess.Popen([tool("nginx"), "-c", conf, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            yield SimpleNamespace(
                url=f"http://127.0.0.1:{port}",
                behind=f"http://127.0.0.1:{behind}",
                port=port,
                log=log,
                access=folder / "access.log",
                redis=redis_port,
            )
        finally:
            for process in (nginx, server):
                process.terminate()
                process.wait(timeout=20)


def test_the_proxys_settings_are_valid_with_and_without_tls(tmp_path):
    told(tool("nginx"), "-t", "-c", proxy_settings(tmp_path, free_port(), 1))
    subject = ["-subj", "/CN=localhost", "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"]
    told(tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    text, switched = re.subn(r"# (.*) +# TLS.*", r"\1", (tmp_path / "nginx.conf").read_text())
    assert switched == 5
    (tmp_path / "nginx.conf").write_text(
        text.replace("/etc/nginx/tls", str(tmp_path)).replace("8443", str(free_port()))
    )
    told(tool("nginx"), "-t", "-c", tmp_path / "nginx.conf")


@pytest.fixture(scope="module")
def mounted(scorecard, tmp_path_factory) -> Iterator[str]:
    """The address of a server behind a proxy that has it under /glass/, beside others."""
    folder, port, behind = tmp_path_factory.mktemp("mounted"), free_port(), free_port()
    conf = proxy_settings(folder, port, behind)
    text, switched = re.subn(r"# (.*) +# PREFIX", r"\1", conf.read_text())
    assert switched == 5
    conf.write_text(text)
    environment = {"DATABASE_URL": f"sqlite:///{folder}/own.sqlite", "TRUSTED_PROXIES": "1"}
    with serving("--port", str(behind), environment=environment | {"LOG_LEVEL": "CRITICAL"}):
        nginx = subprocess.Popen([tool("nginx"), "-c", conf, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/glass/health/ready")
            yield f"http://127.0.0.1:{port}/glass"
        finally:
            nginx.terminate()
            nginx.wait(timeout=20)


def ask(url: str, body: object = None, **headers: str) -> SimpleNamespace:
    """What a server answers, whatever the status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers=named | ({"Content-Type": "application/json"} if data else {}))
    try:
        with urlopen(request) as found:
            return SimpleNamespace(status=found.status, headers=found.headers, body=found.read())
    except HTTPError as error:
        with error:
            return SimpleNamespace(status=error.code, headers=error.headers, body=error.read())


def test_an_answer_comes_through_the_proxy_whole(proxied, record, scorecard):
    answer = ask(f"{proxied.url}/probability?{urlencode(record)}")
    assert json.loads(answer.body)["probability"] == scorecard.probability(record)
    assert answer.headers["Content-Security-Policy"] and answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_etag_saves_the_answer_through_the_proxy(proxied, record):
    url = f"{proxied.url}/probability?{urlencode(record)}"
    tag = ask(url).headers["ETag"]
    assert ask(url, If_None_Match=tag).status == 304


def test_the_proxy_keeps_an_answer_for_a_second_and_then_asks_for_its_etag(proxied, record):
    url = f"{proxied.url}/probability?{urlencode(record | {'age': 44})}"
    assert [ask(url).headers["X-Cache"] for _ in range(3)] == ["MISS", "HIT", "HIT"]
    time.sleep(2.2)  # nginx counts whole seconds
    assert ask(url).headers["X-Cache"] == "REVALIDATED"
    assert any('"status":304' in line and '"probability"' in line for line in proxied.log.read_text().splitlines())


def test_the_proxy_keeps_languages_formats_and_people_apart(proxied, record):
    url = f"{proxied.url}/probability?{urlencode(record | {'age': 45})}"
    kinds = [
        {},
        {"Accept": "text/html"},
        {"Accept": "text/html", "Accept_Language": "zh"},
        {"Accept": "text/csv"},
        {"Accept": "text/html", "Cookie": "lang=zh"},
    ]
    texts = [ask(url, **kind).body for kind in kinds for _ in range(2)]
    assert texts[::2] == texts[1::2] and len({*texts[::2]}) == 4
    for _ in range(2):
        refused = ask(f"{proxied.url}/probability?age=x")
        assert (refused.status, refused.headers["X-Cache"]) == (422, "MISS")


def test_what_is_somebodys_own_is_never_kept(proxied):
    for path in ("/", "/session", "/predictions", "/health/ready", "/versions"):
        answer = ask(f"{proxied.url}{path}", Accept="text/html, application/json;q=0.5")
        assert "X-Cache" not in answer.headers, path


def test_what_comes_through_the_proxy_is_compressed_but_for_secrets(proxied):
    page = ask(f"{proxied.url}/session", Accept="text/html", Accept_Encoding="gzip")
    assert b"csrf_token" in page.body and "Content-Encoding" not in page.headers
    answer = ask(f"{proxied.url}/scorecard", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < len(gzip.decompress(answer.body)) / 3
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_both_logs_name_a_request_alike(proxied, record):
    response = ask(f"{proxied.url}/twins?{urlencode(record)}")
    name = response.headers["X-Request-ID"]
    until = time.monotonic() + 10
    while name not in proxied.access.read_text():  # it is written when the answer has been sent
        assert time.monotonic() < until
    lines = [json.loads(line) for line in proxied.access.read_text().splitlines()]
    assert [line["path"] for line in lines if line["request_id"] == name] == ["/twins"]
    assert f'"request_id":"{name}"' in proxied.log.read_text()


def test_a_request_keeps_the_id_it_came_with_even_if_the_answer_was_kept(proxied, record):
    url = f"{proxied.url}/probability?{urlencode(record | {'age': 46})}"
    for name in ("first-1", "second_2"):
        answer = ask(url, X_Request_ID=name)
        assert answer.headers.get_all("X-Request-ID") == [name]
    assert answer.headers["X-Cache"] == "HIT"
    assert ask(url, X_Request_ID="no name").headers["X-Request-ID"] not in ("no name", "second_2")


def test_the_counts_are_not_for_the_world(proxied):
    assert ask(f"{proxied.url}/metrics").status == 404
    assert ask(f"{proxied.behind}/metrics", X_Forwarded_For="192.0.2.1").status == 404
    assert b"glassform_http_requests_total" in ask(f"{proxied.behind}/metrics").body


def test_accounts_live_in_postgresql_and_are_counted_in_redis(proxied, record):
    name = f"proxied{time.time_ns()}"
    ask(f"{proxied.url}/accounts", {"name": name, "password": "correct horse"})
    token = json.loads(ask(f"{proxied.url}/tokens", {"name": name, "password": "correct horse"}).body)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    for age in range(20, 30):
        assert ask(f"{proxied.url}/predictions", record | {"age": age}, **bearer).status == 201
    assert json.loads(ask(f"{proxied.url}/predictions", **bearer).body)["total"] == 10
    counts, until = redis.Redis(port=proxied.redis), time.monotonic() + 2 * LONGEST_PAUSE
    while not counts.keys("*127.0.0.1*"):  # a worker that once found Redis slow counts for itself, for a moment
        assert time.monotonic() < until
        assert ask(f"{proxied.url}/predictions", **bearer).status == 200
        time.sleep(0.5)


def test_links_lead_to_the_proxy(proxied):
    described = json.loads(ask(f"{proxied.url}/scorecard/schema").body)
    assert described["$id"] == f"{proxied.url}/scorecard/schema"


def test_one_address_gets_no_more_than_its_share(proxied):
    with socket.create_connection(("127.0.0.1", proxied.port)) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 1200)
        client.settimeout(5)
        received = b""
        while received.count(b"HTTP/1.1 ") < 900 and (more := client.recv(1 << 20)):
            received += more
    assert b"HTTP/1.1 429" in received and b"HTTP/1.1 200" in received
    time.sleep(2.5)
    assert ask(f"{proxied.url}/health/live").status == 200


# Beside other applications: under a path of the proxy's.


def test_every_link_leads_on_under_the_path_of_the_proxy(mounted):
    """Follow the links of all pages, and load what they need, as a browser would."""
    left, seen = [f"{mounted}/"], set[str]()
    while left:
        url = left.pop()
        answer = ask(url, Accept="text/html, */*;q=0.8")
        assert answer.status == (401 if url.endswith(SIGNED_IN) else 200), url
        is_page = answer.headers.get_content_type() == "text/html"
        found = re.findall(r'\b(?:href|src|action)="([^"#]+)', answer.body.decode()) if is_page else []
        addresses = {urljoin(url, html.unescape(each)) for each in found}
        ours = {each.partition("?")[0] for each in addresses if urlsplit(each).netloc == urlsplit(mounted).netloc}
        assert {each for each in ours if not each.startswith(f"{mounted}/")} == set(), url
        left += [each for each in ours - seen if not re.sub(r"[.](json|csv)$", "", each).endswith(QUERIED)]
        seen |= ours
    assert len(seen) > 30 and {f"{mounted}/static/style.css", f"{mounted}/iris/model"} <= seen


SIGNED_IN = ("/predictions", "/versions", "/drift", "/users")  # to anybody else the way to sign in
QUERIED = ("/probability", "/changes", "/curves", "/twins")  # need a record


def test_a_browser_signs_up_and_stays_signed_in_under_the_path(mounted):
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    browser.addheaders = [("Accept", "text/html")]
    page = browser.open(f"{mounted}/accounts?lang=zh").read().decode()
    word = re.findall('name="csrf_token" value="([^"]*)"', page)[0]
    form = urlencode({"name": f"mounted{time.time_ns()}", "password": "correct horse", "csrf_token": word})
    made = browser.open(f"{mounted}/accounts", form.encode())
    assert made.url == f"{mounted}/account" and b"zh-Hans" in made.read()
    assert browser.open(f"{mounted}/iris/predictions").status == 200
    assert len(jar) == 4 and {cookie.path for cookie in jar} == {"/glass"}


def test_programs_find_the_path_in_what_they_are_told(mounted):
    assert json.loads(ask(f"{mounted}/openapi.json").body)["servers"] == [{"url": "/glass"}]
    assert json.loads(ask(f"{mounted}/").body)["links"]["model"] == "/glass/model"
    assert ask(f"{mounted}/openapi.json").headers["X-Cache"] in ("HIT", "MISS", "EXPIRED", "REVALIDATED")
    assert ask(f"{mounted}/metrics").status == 404
    assert ask(mounted).status == 200, "the last slash is added"


def test_a_client_cannot_choose_the_path(mounted, record):
    root = mounted.removesuffix("/glass")
    for url, expected in ((mounted, "/glass/model"), (root, "/model")):
        for forged in ("/evil", "//evil.example", "/evil, /worse"):
            answer = ask(f"{url}/", X_Forwarded_Prefix=forged)
            assert json.loads(answer.body)["links"]["model"] == expected
