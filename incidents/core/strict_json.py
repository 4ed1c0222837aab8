"""Reads JSON that can be trusted to mean one thing, and writes it in one canonical form."""

import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from pydantic_core import to_json

MAX_DEPTH = 64
MAX_DIGITS = 300
TOO_DEEP = f"is nested more than {MAX_DEPTH} deep; send it flatter"

Pairs = list[tuple[str, object]]


class NotJson(ValueError):
    """The text as a whole is no JSON; says why."""


class _Flawed(ValueError):
    """Something inside is wrong: the text is read again, and the flaw is marked where it stands."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands in a read value where the text held something that has no one meaning."""

    detail: str


def read(text: str) -> tuple[object, bool]:
    """The value, every object's keys in order, every string NFC; True when it may hold a `Flaw`.

    Only what makes the whole text unreadable is raised, so that one bad event of a batch does not cost its neighbours.
    """
    try:
        try:
            value, flawed = _strict.decode(text), False
        except json.JSONDecodeError as error:
            raise NotJson(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
        except ValueError:
            value, flawed = _tolerant.decode(text), True
        if not _is_plain(text):
            value, flawed = _normal(value, 0), True
    except RecursionError:
        raise NotJson(TOO_DEEP) from None
    return value, flawed


def canonical(value: object) -> bytes:
    """Compact UTF-8 JSON in the order of the keys as they stand; what `read` returned has them sorted."""
    return to_json(value, inf_nan_mode="constants")


def members(text: str) -> Iterator[str]:
    """The text of each member of a JSON array that `read` has read."""
    at = _past_space(text, 0) + 1
    while True:
        at = _past_space(text, at)
        _, end = _tolerant.raw_decode(text, at)
        yield text[at:end]
        at = _past_space(text, end)
        if text[at] != ",":
            return
        at += 1


def first_flaw(value: object, path: str, depth: int = 0) -> tuple[str, str] | None:
    """Where a value cannot be kept, and why; None when all of it can."""
    if isinstance(value, str):
        why = _bad_text(value)
        return (path, why) if why else None
    if isinstance(value, Flaw):
        return path, value.detail
    if isinstance(value, float) and not math.isfinite(value):
        return path, "is too large a number"
    if not isinstance(value, dict | list):
        return None
    if depth >= MAX_DEPTH:
        return path, TOO_DEEP
    return _first_flaw_inside(value, path, depth + 1)


def _first_flaw_inside(value: dict[str, object] | list[object], path: str, depth: int) -> tuple[str, str] | None:
    if isinstance(value, list):
        inside = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        if any(_bad_text(key) for key in value):
            return path, "has a field whose name holds a control character or half a character"
        inside = ((f"{path}.{key}" if path else key, item) for key, item in value.items())
    return next(filter(None, (first_flaw(item, at, depth) for at, item in inside)), None)


def _bad_text(text: str) -> str | None:
    """Why a text cannot be kept: control characters other than tab and line ends, and halves of characters."""
    if text.isprintable():
        return None
    kinds = {unicodedata.category(char) for char in text if char not in "\t\n\r"}
    if "Cs" in kinds:
        return "holds a lone surrogate, which is half a character"
    return "holds a control character; remove it" if "Cc" in kinds else None


def _sorted(pairs: Pairs) -> dict[str, object]:
    pairs.sort(key=_name)
    read_object = dict(pairs)
    if len(read_object) != len(pairs):
        raise _Flawed
    return read_object


def _marked(pairs: Pairs) -> dict[str, object]:
    """The object, with a flaw in place of each field that was given more than once."""
    pairs.sort(key=_name)
    read_object: dict[str, object] = {}
    for name, value in pairs:
        read_object[name] = Flaw("is given more than once in one object") if name in read_object else value
    return read_object


def _refuse_constant(_: str) -> object:
    raise _Flawed


def _marked_constant(name: str) -> object:
    return Flaw(f"is {name}, which is not JSON; leave the field out where there is no number")


def _marked_integer(digits: str) -> object:
    return int(digits) if len(digits) <= MAX_DIGITS else Flaw(f"is a number of more than {MAX_DIGITS} digits")


def _is_plain(text: str) -> bool:
    """Whether no string in the text can need normalising; escapes may hide anything."""
    if "\\u" in text:
        return False
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def _normal(value: object, depth: int) -> object:
    """The value with every string in NFC."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if not isinstance(value, dict | list):
        return value
    if depth >= MAX_DEPTH:
        return Flaw(TOO_DEEP)
    if isinstance(value, list):
        return [_normal(item, depth + 1) for item in value]
    return _marked([(unicodedata.normalize("NFC", key), _normal(item, depth + 1)) for key, item in value.items()])


def _past_space(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


_name = itemgetter(0)
_strict = json.JSONDecoder(object_pairs_hook=_sorted, parse_constant=_refuse_constant)
_tolerant = json.JSONDecoder(object_pairs_hook=_marked, parse_constant=_marked_constant, parse_int=_marked_integer)
