"""Where the texts of a page meet: a space between two sentences, or none, as the language has it."""

import re

MARK = "\ufdd0"  # stands around each translated text until the page is whole; no text has this character
FULL_WIDTH = "\u3002\uff0c\u3001\uff1a\uff1b\uff1f\uff01\uff09"  # wide signs, which bring their own space
# A blank behind a translated text that ends in such a sign, or between such a sign and a translated text.
BLANKS = re.compile(
    rf"(?<=[{FULL_WIDTH}]){MARK}(</[a-z]+>)?\s+|(?<=[{FULL_WIDTH}])\s+(?={MARK})|{MARK}|\\u{ord(MARK):04x}"
)


def marked(text: str) -> str:
    """Return a translated text with marks at its ends."""
    return f"{MARK}{text}{MARK}"


def without_blanks(page: str) -> str:
    """Return a page without its marks and the blanks that its language does not write; typed text stays as it is."""
    return BLANKS.sub(r"\1", page)
