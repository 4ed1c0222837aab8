"""The fenced parts of a Markdown text: where each begins, how it is marked, and what it holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OPENS = re.compile(r"( *)(`{3,}|~{3,})([^`]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    marks: tuple[str, ...]  # the words after the opening signs
    line: int  # of the opening, counted from 1
    lines: tuple[str, ...]  # what is inside, without the indentation of the opening
    closed: bool


def fences(lines: Sequence[str], first_line: int) -> Iterator[Fence]:
    """Every fence in `lines`, the first of which is line `first_line` of its file."""
    position = 0
    while position < len(lines):
        opened = _OPENS.fullmatch(lines[position].rstrip())
        if opened is None:
            position += 1
            continue
        indent, signs, marks = opened.groups()
        end = next((at for at in range(position + 1, len(lines)) if _closes(lines[at], signs)), len(lines))
        yield Fence(
            marks=tuple(marks.split()),
            line=first_line + position,
            lines=tuple(_outdented(line, len(indent)) for line in lines[position + 1 : end]),
            closed=end < len(lines),
        )
        position = end + 1


def _closes(line: str, signs: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(signs) and set(bare) == {signs[0]}


def _outdented(line: str, width: int) -> str:
    return line[min(width, len(line) - len(line.lstrip(" "))) :]
