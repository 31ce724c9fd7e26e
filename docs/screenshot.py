"""Take the README's picture: `python docs/screenshot.py` (needs Chromium and a trained model)."""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measuring import commands, free_port, serving

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Start a server, open the page of the README's person and save what it looks like."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    path, port = re.findall(r"curl 'http://127.0.0.1:5000(.*)'", readme)[0], free_port()
    command = commands(port)["Glassform"]
    with serving(command, f"http://127.0.0.1:{port}{path}"), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1130})
        page.goto(f"http://127.0.0.1:{port}{path}")
        page.screenshot(path=Path(__file__).parent / "screenshot.png")
        browser.close()


if __name__ == "__main__":
    main()
