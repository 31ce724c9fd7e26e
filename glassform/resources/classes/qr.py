"""A code to scan, drawn as SVG."""

import segno
from markupsafe import Markup

QUIET = 4  # modules of white around it, as phones want them


def code_of(address: str) -> Markup:
    """Return the QR code of an address, black on white whatever the theme, as large as its place."""
    drawn = segno.make(address, error="m", micro=False)
    svg = drawn.svg_inline(border=QUIET, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg)
