"""Fills in one template: as text, as a value that keeps its type, or as a part of an address, encoded as that wants."""

import json
from collections.abc import Callable, Mapping
from math import isfinite
from urllib.parse import quote, unquote

from jinja2 import TemplateError

from incidents.adapters.templates.filters import LONGEST
from incidents.adapters.templates.language import Expression, Template, Wrong, is_known, read
from incidents.core.errors import NotAllowed

Known = Mapping[str, object]
_BEFORE_PRINT, _DELETE = 0x20, 0x7F
_AROUND = (".", "..")  # parts of a path that lead elsewhere


def text(template: str, known: Known) -> str:
    """All of it as text; lists and mappings in it are written as JSON."""
    return _joined(template, known, _said)


def line(template: str, known: Known) -> str:
    """All of it as one line of text."""
    return " ".join(text(template, known).split())


def plain(template: str, known: Known) -> str:
    """Text of plain values, as a query has it: no list, no mapping."""
    return _joined(template, known, _scalar)


def header(template: str, known: Known) -> str:
    """The value of a header: no value can end its line."""
    filled = plain(template, known)
    if not filled.isascii() or any(ord(sign) < _BEFORE_PRINT or ord(sign) == _DELETE for sign in filled):
        raise Wrong("a header holds plain ASCII in one line", "use another value")
    return filled


def path(template: str, known: Known) -> str:
    """A path below a connection's address; a value stays one part of it, whatever signs it holds."""
    filled = _joined(template, known, _segment)
    if any(unquote(part) in _AROUND for part in filled.split("/")):
        raise Wrong("a part of the path is . or ..", "use another value")
    return filled


def pointer(template: str, known: Known) -> str:
    """A JSON pointer; a value stays one part of it."""
    return _joined(template, known, lambda value: _scalar(value).replace("~", "~0").replace("/", "~1"))


def value(template: object, known: Known) -> object:
    """A JSON tree with every text in it filled in; one that is a single expression keeps the type of its value."""
    if isinstance(template, str):
        written = read(template)
        alone = written.alone
        if alone is None:
            return text(template, known)
        return _bounded(_json(_worked_out(alone, written, known)))
    if isinstance(template, Mapping):
        return {str(key): value(inner, known) for key, inner in template.items()}
    if isinstance(template, list | tuple):
        return [value(inner, known) for inner in template]
    return template


def _joined(template: str, known: Known, written_as: Callable[[object], str]) -> str:
    written = read(template)
    parts, length = list[str](), 0
    for piece in written.pieces:
        part = piece if isinstance(piece, str) else written_as(_json(_worked_out(piece, written, known)))
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            raise Wrong(f"it comes to more than {LONGEST} characters", "use a shorter value")
    return "".join(parts)


def _worked_out(piece: Expression, written: Template, known: Known) -> object:
    """What an expression comes to; NotAllowed (`no_rollback`) where it wants a rollback and none is known."""
    try:
        found = piece({name: each for name, each in known.items() if each is not None})
        if is_known(found):
            return found
        why = f"{_names(written)} is not known"
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        why = f"{_names(written) or 'it'} cannot be worked out: {error}"[:LONGEST]
    if known.get("rollback") is None and any(name[0] == "rollback" for name in written.names):
        raise NotAllowed("no_rollback", "it needs a rollback, and none is known for this incident")
    raise Wrong(why)


def _names(written: Template) -> str:
    return ", ".join(sorted(".".join(name) for name in written.names))


def _json(found: object) -> object:
    """Values as JSON has them, and nothing else."""
    if isinstance(found, Mapping):
        return {str(key): _json(inner) for key, inner in found.items()}
    if isinstance(found, list | tuple):
        return [_json(inner) for inner in found]
    if found is None or isinstance(found, str | int) or (isinstance(found, float) and isfinite(found)):
        return found
    raise Wrong(f"a {type(found).__name__} is no JSON value")


def _bounded(found: object) -> object:
    if len(json.dumps(found, ensure_ascii=False)) > LONGEST:
        raise Wrong(f"it comes to more than {LONGEST} characters", "use a shorter value")
    return found


def _said(found: object) -> str:
    if isinstance(found, Mapping | list):
        return json.dumps(found, ensure_ascii=False)
    return _scalar(found)


def _scalar(found: object) -> str:
    if found is None:
        raise Wrong("a value is null", "say what stands there instead: | default('')")
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str | int | float):
        return str(found)
    raise Wrong("a list or a mapping cannot stand here", "name one value in it")


def _segment(found: object) -> str:
    said = _scalar(found)
    if not said or said in _AROUND:
        raise Wrong(f'"{said}" cannot be a part of a path', "use another value")
    return quote(said, safe="")
