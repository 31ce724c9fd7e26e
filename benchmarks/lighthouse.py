"""Ask Lighthouse about our pages: speed, accessibility, best practices and search; less than 98 is a failure.

Needs Node.js with npm, and Chromium (CHROME_PATH, or one on the PATH). `python -m benchmarks.lighthouse [PATH ...]`
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.measuring import free_port
from glassform.settings import HOME
from glassform.versions.registry import Registry
from tests.conftest import serving, wait_for

LIGHTHOUSE = "lighthouse@12.8.2"  # the last that runs on Node.js 20
FOLDER = HOME / "instance" / "lighthouse"  # where npm puts it; git ignores it
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = 98
TRIES = 3  # Chromium sometimes fails to record a page on a busy machine
ADDED = "measured"  # the name of a table that is added for this
CHROME = ("chromium", "chromium-browser", "google-chrome")
FLAGS = "--headless=new --no-sandbox --disable-gpu"

Report = dict[str, Any]


def installed() -> Path:
    """Return Lighthouse's program; npm installs it first if it is not there."""
    program = FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(["npm", "install", *options, "--prefix", str(FOLDER), LIGHTHOUSE], check=True)
    return program


def environment() -> dict[str, str]:
    """Return the environment with the path of Chromium, which Lighthouse starts itself."""
    found = os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, CHROME)), None)
    if not found or not shutil.which("npm"):
        sys.exit("Lighthouse needs Node.js with npm, and Chromium.")
    return {**os.environ, "CHROME_PATH": found}


def asked(program: Path, url: str, folder: Path, variables: dict[str, str]) -> Report:
    """Return Lighthouse's report on a page."""
    report = folder / "report.json"
    only = f"--only-categories={','.join(CATEGORIES)}"
    how = ["--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={FLAGS}", only]
    for left in reversed(range(TRIES)):
        if not subprocess.run([str(program), url, *how], check=not left, env=variables).returncode:
            break
    read: Report = json.loads(report.read_text())
    return read


def scores(report: Report) -> list[int]:
    """Return a report's scores, 0 to 100, by category; a category without one has 0."""
    return [round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES]


def lacks(report: Report) -> list[str]:
    """Return what keeps a page from 100, as Lighthouse says it."""
    references = [each for name in CATEGORIES for each in report["categories"][name]["auditRefs"]]
    audits = [report["audits"][name] for name in sorted({each["id"] for each in references if each["weight"]})]
    return [
        f"{each['title']} ({each['score']})" for each in audits if each["score"] is not None and each["score"] < 0.9
    ]


def train_all(artifacts: Path) -> str:
    """Train what ships and add a table; return the address of the typical record's answer."""
    command = [sys.executable, str(HOME / "model.py"), "--artifacts", str(artifacts)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    add = ["--add", str(HOME / "data" / "iris" / "iris.csv"), "--target", "species", "--name", ADDED]
    subprocess.run([*command, *add, "--data", str(artifacts / "data")], check=True, stdout=subprocess.DEVNULL)
    return f"/probability?{urlencode(Registry(artifacts).load().typical)}"


def main(paths: list[str]) -> int:
    """Print a table of scores; return how many pages are below the least one."""
    program, variables, failed = installed(), environment(), 0
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        answer = train_all(folder)
        paths = paths or ["/", answer, "/model", "/scorecard", "/docs", "/iris/", f"/{ADDED}/"]
        print(f"{'page':24}{''.join(f'{category:>16}' for category in CATEGORIES)}", flush=True)
        with serving("--port", str(port), environment={"GLASSFORM_ARTIFACTS": name, "LOG_LEVEL": "CRITICAL"}):
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            for path in paths:
                report = asked(program, f"http://127.0.0.1:{port}{path}", folder, variables)
                found = scores(report)
                failed += min(found) < LEAST
                print(f"{path[:22]:24}{''.join(f'{score:16}' for score in found)}", flush=True)
                for lack in lacks(report):
                    print(f"    {lack}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
