"""A small and strict part of YAML: mappings, lists and plain text, with the line of each.

Every scalar stays the text that was written (an empty one is None) and the shape decides what it means: `no` is a
country and `2026-11-1` a version, not a bool and not a date.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn
from unicodedata import normalize

import yaml

from incidents.adapters.files.problem import Path, Problem, dotted

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
_DEEPEST = 20
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_TEXT = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Place(NamedTuple):
    file: str
    line: int


@dataclass(slots=True, kw_only=True)
class Tree:
    """What one or more files say: nested dicts, lists, text and None, and where each value was written."""

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    whole: bool = True  # False where a file could not be read to its end
    bare: set[Path] = field(default_factory=set)  # where text stands without quotes, if that was asked for

    def place(self, path: Path) -> Place | None:
        """Where the value at `path` was written, or else the nearest value around it."""
        for length in range(len(path), -1, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return None

    def problem(self, path: Path, what: str, suggestion: str = "") -> Problem:
        """What is wrong at `path`, told with its file and line."""
        place = self.place(path)
        file = place.file if place else ", ".join(self.files)
        line = place.line if place else None
        return Problem(file=file, line=line, where=dotted(path), what=what, suggestion=suggestion)


@dataclass(slots=True)
class _Frame:
    """An open mapping or list while its events come in."""

    holder: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None  # of a mapping: the key that waits for its value
    line: int = 0  # of that key
    keyed: bool = field(init=False)

    def __post_init__(self) -> None:
        self.keyed = isinstance(self.holder, dict)

    @property
    def wants_key(self) -> bool:
        return self.keyed and self.key is None


class _GivenUp(Exception):
    """The rest of this file cannot be read."""


class _Builder:
    """Builds the tree from the parser's events; notes what is refused and goes on where that makes sense."""

    def __init__(self, file: str, first_line: int, *, bare: bool) -> None:
        self.tree = Tree(files=(file,))
        self._bare = bare
        self.problems: list[Problem] = []
        self._file, self._first_line = file, first_line
        self._place = Place(file, first_line)  # of the latest value: many share a line, and then its place
        self._open: list[_Frame] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = self._first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.ScalarEvent):
            self._decoration(event, line)
            self._scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._decoration(event, line)
            self._begin(line, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            self.refuse(line, f"the alias *{event.anchor} is not allowed", "write the value out")
            self._skip()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._give_up(line, "a second document begins here", "remove the --- or use a second file")

    def refuse(self, line: int, what: str, suggestion: str, *, where: str = "") -> None:
        self.problems.append(Problem(file=self._file, line=line, where=where, what=what, suggestion=suggestion))

    def _give_up(self, line: int, what: str, suggestion: str) -> NoReturn:
        self.refuse(line, what, suggestion)
        raise _GivenUp

    def _decoration(self, event: Any, line: int) -> None:  # noqa: ANN401 - three kinds of event carry it
        if event.anchor is not None:
            self.refuse(line, f"the anchor &{event.anchor} is not allowed", "write the value out where it is needed")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.refuse(line, f"the tag {tag} is not allowed", "remove it; quoted text is always text")

    def _begin(self, line: int, holder: dict[str, Any] | list[Any]) -> None:
        if len(self._open) >= _DEEPEST:
            self._give_up(line, f"nested more than {_DEEPEST} deep", "check the brackets and the indentation")
        if self._open:
            if self._open[-1].wants_key:
                self._give_up(line, "a key must be plain text", "remove the ? or the brackets")
            self._open.append(_Frame(holder, self._put(self._open[-1], line, holder)))
        elif isinstance(holder, dict):
            self.tree.value = holder
            self._open.append(_Frame(holder, ()))
        else:
            self._give_up(line, "the file holds a list", "begin with the line version: 1")

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        text = event.value if event.value.isascii() else normalize("NFC", event.value)
        frame = self._open[-1] if self._open else None
        if frame is not None and frame.keyed and frame.key is None:
            self._key(frame, line, text)
            return
        value = None if event.implicit[0] and text in _NULLS else text
        if frame is not None:
            path = self._put(frame, line, value)
            if self._bare and event.implicit[0]:
                self.tree.bare.add(path)
        elif value is not None:
            self._give_up(line, "the file holds no keys", "begin with the line version: 1")

    def _key(self, frame: _Frame, line: int, text: str) -> None:
        if text == "<<":
            self.refuse(line, "the merge key << is not allowed", "write the keys out")
        elif not text:
            self.refuse(line, "a key is empty", "write a name before the colon")
        elif text in frame.holder:
            first = self.tree.places[*frame.path, text].line
            where = dotted((*frame.path, text))
            self.refuse(line, f"given twice, first in line {first}", "keep one of the two", where=where)
        frame.key, frame.line = text, line

    def _put(self, frame: _Frame, line: int, value: Any) -> Path:  # noqa: ANN401 - a tree holds whatever was written
        if isinstance(frame.holder, list):
            path: Path = (*frame.path, len(frame.holder))
            frame.holder.append(value)
        else:
            key, frame.key, line = frame.key or "", None, frame.line
            path = (*frame.path, key)
            if key and key != "<<":  # these two are refused already
                frame.holder.setdefault(key, value)
        if line != self._place.line:
            self._place = Place(self._file, line)
        self.tree.places.setdefault(path, self._place)
        return path

    def _skip(self) -> None:
        """Leave out a value that was refused, or the value of a key that was."""
        if self._open:
            frame = self._open[-1]
            frame.key = "" if frame.wants_key else None


def read_tree(text: str, file: str, *, first_line: int = 1, bare: bool = False) -> tuple[Tree, list[Problem]]:
    """Read one document, whose first line is line `first_line` of `file`; what is refused comes back as problems.

    With `bare` the tree also knows where text stands without quotes.
    """
    builder = _Builder(file, first_line, bare=bare)
    for number, line in enumerate(text.split("\n"), start=first_line) if _NOT_TEXT.search(text) else ():
        if "\t" in line:
            builder.refuse(number, "a tab character", "use spaces")
        if found := _CONTROL.search(line):
            builder.refuse(number, f"the control character {found[0]!r}", "remove it")
    builder.tree.whole = not builder.problems and _built(builder, text, first_line)
    return builder.tree, builder.problems


def _built(builder: _Builder, text: str, first_line: int) -> bool:
    """Whether all of `text` could be read."""
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _GivenUp:
        return False
    except yaml.MarkedYAMLError as error:
        reason = " ".join(part for part in (error.context, error.problem) if part)
        builder.refuse(first_line + _line(error), f"not YAML: {reason}", _advice(error))
        return False
    except yaml.YAMLError as error:
        builder.refuse(first_line, f"not YAML: {error}", "save the file as plain UTF-8 text")
        return False
    return True


def _line(error: yaml.MarkedYAMLError) -> int:
    """Where to look: at the opening quote or bracket that was never closed, else where the parser stopped."""
    opened = any(word in (error.context or "") for word in ("quoted", "flow"))
    mark = (error.context_mark if opened else None) or error.problem_mark or error.context_mark
    return mark.line if mark else 0


def _advice(error: yaml.MarkedYAMLError) -> str:
    """What to do about the mistakes that are made most."""
    problem = error.problem or ""
    if "mapping values are not allowed" in problem:
        return "put text that holds a colon in quotes, and check the indentation"
    if "cannot start any token" in problem:
        return "put text that begins with @, ` or % in quotes"
    if "unexpected end of stream" in problem:
        return "close the quotes that were opened before"
    if "expected ',' or" in problem:
        return "close the bracket, or put a comma between the entries"
    return "check the indentation"
