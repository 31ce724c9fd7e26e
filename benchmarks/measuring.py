"""Shared by the benchmarks: servers to start, records to send, the name of the machine."""

import csv
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from glassform.records.field import Record
from glassform.records.schema import Schema

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "data" / "datapackage.json"
SCRIPTS = Path(sys.executable).parent


def commands(port: int, workers: int = 1) -> dict[str, list[str]]:
    """Return the commands of the compared servers; ours is as it ships, with no option but several workers."""
    several = ["--workers", str(workers)] if workers > 1 else []
    ours = [sys.executable, "server.py", "--port", str(port), *several]
    granian = [
        str(SCRIPTS / "granian"),
        "--interface",
        "wsgi",
        "--blocking-threads",
        "1",
        "--no-log",
        "--port",
        str(port),
        *several,
    ]
    gunicorn = [
        str(SCRIPTS / "gunicorn"),
        "--workers",
        str(workers),
        "--log-level",
        "error",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    return {
        "Glassform": ours,
        "constant Flask-RESTful resource, granian": [*granian, "benchmarks.constant:app"],
        "Flask-RESTful + scikit-learn pipeline, gunicorn": [*gunicorn, "benchmarks.pipeline:app"],
    }


def people(count: int) -> list[Record]:
    """Return the first people of the test split."""
    schema = Schema.from_file(PACKAGE)
    resource = next(each for each in schema.package["resources"] if each["name"] == schema.own["test"])
    with (PACKAGE.parent / resource["path"]).open(newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    return [schema.read_fields([(field.name, row[field.column]) for field in schema.fields]) for row in rows]


def address(person: Record) -> str:
    """Return the URL of a person's probability."""
    return "/probability?" + urlencode(person)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: list[str], url: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Start a server and wait for its first answer to `url`; yield the process and the seconds until then."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        answered(url)
        yield process, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait(timeout=20)


def answered(url: str, seconds: float = 60) -> float:
    """Send requests until one is answered; return the seconds that took."""
    begin = time.perf_counter()
    while True:
        try:
            urlopen(url).close()
            return time.perf_counter() - begin
        except OSError:
            if time.perf_counter() - begin > seconds:
                raise
            time.sleep(0.005)


def proxy_settings(folder: Path, port: int, behind: int) -> Path:
    """Write nginx's settings of deploy/ with this machine's ports and paths; return the file."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in [
        ("server app:8000;", f"server 127.0.0.1:{behind};"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        (" /tmp/", f" {folder}/"),
        ("/dev/stdout", f"{folder}/access.log"),
        ("/dev/stderr", f"{folder}/error.log"),
    ]:
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    folder.chmod(0o777)
    for parent in folder.parents[:3]:  # nginx enters them as another user
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    return folder / "nginx.conf"


def machine() -> str:
    """Describe the machine in one line."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
