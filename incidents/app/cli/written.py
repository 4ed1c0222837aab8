"""CloudEvents as they stand in a file: each as it was written, with its line, whichever way they are put together."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it was written, and the line on which it begins."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Flaw:
    line: int
    field: str
    detail: str


def events_in(text: str) -> tuple[list[Said], list[Flaw]]:
    """Every event as it is written, whichever way they are put together, and the lines that are no JSON."""
    decoder, lines = JSONDecoder(parse_int=_unread, parse_float=_unread), _Lines(text)
    events: list[Said] = []
    broken: list[Flaw] = []
    at = _next(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (JSONDecodeError, RecursionError) as error:
            where = error.pos if isinstance(error, JSONDecodeError) else at
            what = error.msg if isinstance(error, JSONDecodeError) else "too deep"
            broken.append(Flaw(lines.of(at), "body", f"is not JSON ({what} on line {lines.of(where)})"))
            sound = -1 if text[at] == "[" else text.find("\n{", at)  # of JSON lines the others may be sound
            at = len(text) if sound < 0 else sound + 1
            continue
        inside = _members(text, at, decoder) if isinstance(value, list) else [(at, end)]
        events += [Said(text[start:stop], lines.of(start)) for start, stop in inside]
        at = _next(text, end)
    return events, broken


def _unread(_: str) -> int:
    """Numbers are the service's to read, however long they are."""
    return 0


def _next(text: str, at: int) -> int:
    """The next position that holds something."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _members(text: str, at: int, decoder: JSONDecoder) -> Iterator[tuple[int, int]]:
    """Where each member of the array at `at` begins and ends."""
    at = _next(text, at + 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        yield at, end
        at = _next(text, end)
        at = _next(text, at + 1) if text[at] == "," else at


class _Lines:
    """The line of each position."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def of(self, at: int) -> int:
        return bisect_left(self._ends, at) + 1
