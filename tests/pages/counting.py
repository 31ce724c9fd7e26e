"""How many pages of paper a page of the site is."""

import re

from playwright.sync_api import Page

PAGE = re.compile(rb"/Type\s*/Page[^s]")


def pages_of(page: Page) -> int:
    """The pages of A4 that a browser prints."""
    return len(PAGE.findall(page.pdf(format="A4")))
