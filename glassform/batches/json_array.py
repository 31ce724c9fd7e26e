"""JSON arrays of records: short ones at once, long ones element by element, so that few are in memory."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from glassform.batches.batch import refuse_too_many
from glassform.languages import gettext
from glassform.limits import LONGEST_LINE, MOST_AT_ONCE
from glassform.records.parsing import Pairs, is_array, memory_for, parse, refusing_other_text
from glassform.refusals import Unreadable

SPACE = re.compile(r"[ \t\n\r]*")
WINDOWS = (1024, LONGEST_LINE)  # characters that are looked at for an element


def parse_array(body: bytes) -> Iterable[Any]:
    """Return the elements of a JSON array.

    Raises
    ------
    UnreadableJSON
        If it is not JSON.
    Unreadable
        If it is no array.
    TooLarge
        If it has more rows than are read.
    """
    if body.lstrip()[:1] == b"[" and memory_for(body) > MOST_AT_ONCE:
        return Elements(body)
    array = parse(body)
    refuse_too_many(array)
    if not is_array(array):
        raise Unreadable(gettext("it is no array of records"))
    return array  # type: ignore[no-any-return]


class Elements:
    """The elements of a long JSON array, parsed one by one whenever they are read."""

    def __init__(self, body: bytes) -> None:
        with refusing_other_text():
            self.text = body.decode()

    def __iter__(self) -> Iterator[Any]:
        """Return the elements in order.

        Raises
        ------
        UnreadableJSON
            If the text is not JSON.
        Unreadable
            If an element is longer than a line of JSON lines may be.
        """
        text, number, at = self.text, 0, self.past_space(self.past_space(0) + 1)
        while number or text[at : at + 1] != "]":
            number += 1
            element, at = self.element(at, number)
            yield element
            at = self.past_space(at)
            if text[at : at + 1] == "]":
                break
            if text[at : at + 1] != ",":
                self.refuse("Expecting ',' delimiter", at)
            at = self.past_space(at + 1)
        if self.past_space(at + 1) != len(text):
            self.refuse("Extra data", self.past_space(at + 1))

    def past_space(self, at: int) -> int:
        """Return the next place that holds no white space."""
        found = SPACE.match(self.text, at)
        assert found is not None  # it matches nothing, too
        return found.end()

    def element(self, at: int, number: int) -> tuple[Any, int]:
        """Return the element that begins at a place, and the place behind it."""
        for window in WINDOWS:
            part = self.text[at : at + window]
            is_rest = len(part) < window
            try:
                with refusing_other_text():
                    element, length = DECODER.raw_decode(part)
            except Unreadable as error:
                cause = error.__cause__
                if is_rest and isinstance(cause, json.JSONDecodeError):
                    self.refuse(cause.msg, at + cause.pos)
                if is_rest or isinstance(cause, RecursionError):
                    raise
            else:
                if is_rest or length < window:  # a number may go on behind the window
                    return element, at + length
        reason = gettext("a record has over %(most)s characters, or is not JSON", most=LONGEST_LINE)
        raise Unreadable(f"{gettext('row %(number)s', number=number)}: {reason}")

    def refuse(self, message: str, at: int) -> None:
        """Say that the text is not JSON at a place."""
        with refusing_other_text():
            raise json.JSONDecodeError(message, self.text, at)


def members(pairs: list[tuple[str, Any]]) -> Any:
    """Return the members of an object as a dictionary, or as pairs if a name is repeated."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Pairs(pairs)


DECODER = json.JSONDecoder(object_pairs_hook=members)
