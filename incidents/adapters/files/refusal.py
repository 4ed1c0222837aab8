"""Check a tree against its shape, and tell every refusal in words that help to mend the file."""

import re
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from incidents.adapters.files.problem import Path, Problem, meant
from incidents.adapters.files.shape import HIDDEN, PATTERNS
from incidents.adapters.files.tree import Tree

Model = TypeVar("Model", bound=BaseModel)

_AROUND = (Annotated, Union, UnionType)
_NUMBER, _WHOLE, _LIST, _KEYS = (
    "must be a number",
    "must be a whole number",
    "must be a list",
    "must be keys with values",
)
_WORDS = {  # pydantic's error types in our words
    "missing": ("is missing", ""),
    "string_too_short": ("is empty", "give it a value or remove the line"),
    "string_too_long": ("longer than {max_length} characters", ""),
    "string_type": ("must be text", ""),
    "int_parsing": (_WHOLE, ""),
    "int_type": (_WHOLE, ""),
    "int_from_float": (_WHOLE, ""),
    "float_parsing": (_NUMBER, ""),
    "float_type": (_NUMBER, ""),
    "finite_number": (_NUMBER, ""),
    "decimal_parsing": (_NUMBER, ""),
    "decimal_type": (_NUMBER, ""),
    "decimal_max_digits": ("more than {max_digits} digits", ""),
    "decimal_max_places": ("more than {decimal_places} decimal places", ""),
    "greater_than": ("must be more than {gt:g}", ""),
    "greater_than_equal": ("must be {ge:g} or more", ""),
    "less_than": ("must be less than {lt:g}", ""),
    "less_than_equal": ("must be {le:g} or less", ""),
    "list_type": (_LIST, "write it as [a, b]"),
    "tuple_type": (_LIST, "write it as [a, b]"),
    "dict_type": (_KEYS, "write it as {{key: value}}"),
    "model_type": (_KEYS, "write it as {{key: value}}"),
    "too_short": ("holds nothing", "name at least one, or remove the line"),
    "too_long": ("holds more than {max_length}", ""),
    "time_delta_type": ("must be a duration", "write it like 90s, 5m, 24h or 7d"),
    "date_from_datetime_parsing": ("is not a date", "write it like 2026-11-21"),
    "date_from_datetime_inexact": ("is not a date", "write it like 2026-11-21"),
    "date_type": ("is not a date", "write it like 2026-11-21"),
}


def checked(tree: Tree, shape: type[Model]) -> tuple[Model, list[Problem]]:
    """The tree in its shape, and all that is wrong with it.

    What is wrong is left out of the tree, so that the rest can still be checked. Nothing at the top of a shape is
    required: an empty tree always passes.
    """
    problems, told = [], set[Path]()
    for path in list(_empty(tree.value, ())):
        told |= {path, _outside_lists(path)}
        if len(path) > 1:
            problems.append(tree.problem(path, "is empty", _how_to_fill(path)))
    _leave_out(tree.value, told)
    while True:
        try:
            return shape.model_validate(tree.value), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        found = [(detail, _path(tree.value, detail["loc"])) for detail in details]
        inside = {path[:-1] for _, path in found}
        problems += [
            _told(tree, shape, detail, path)
            for detail, path in found
            if path not in told  # what was left out is not missing
            and not (detail["type"] == "too_short" and path in inside)  # nor is the list of it too short
        ]
        culprits = [path[:-1] if detail["type"] == "missing" else path for detail, path in found]
        told.update(culprits, map(_outside_lists, culprits))
        if not _leave_out(tree.value, culprits):  # a key reads like a part of pydantic's own: nothing else is sure
            tree.value.clear()


def _empty(value: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - a tree holds whatever was written
    """The places inside a mapping or a list at which nothing is written."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if inner is None:
            yield (*path, key)
        elif isinstance(inner, dict | list):
            yield from _empty(inner, (*path, key))


def _how_to_fill(path: Path) -> str:
    if path[-1] == "channel":
        return 'put the name in quotes, as in "#ai-incidents": an unquoted # begins a comment'
    if path[0] == "systems" and len(path) == 2:  # noqa: PLR2004 - systems.NAME
        return "write {} for a system without details"
    if path[0] == "schedules" and "people" in path:
        return "a gap in the rotation: name who has this turn"
    return "give it a value or remove the line"


def _leave_out(value: dict[str, Any], paths: Iterable[Path]) -> bool:
    """Remove what lies at each path; of a list that holds something wrong, the whole list. Whether any was there."""
    found = False
    for path in paths:
        keys = _outside_lists(path) or ("",)
        holder: Any = value
        for key in keys[:-1]:
            holder = holder.get(key, {}) if isinstance(holder, dict) else {}
        found |= isinstance(holder, dict) and holder.pop(keys[-1], None) is not None
    return found


def _outside_lists(path: Path) -> Path:
    first = next((position for position, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[:first]


def _path(value: Any, place: tuple[int | str, ...]) -> Path:  # noqa: ANN401 - a tree holds whatever was written
    """Where in the tree: pydantic marks an error in a key, and in one form of several, with one part more."""
    path = list[int | str]()
    for part in place:
        written = isinstance(value, dict) and part in value
        if part in HIDDEN and not written:
            continue
        path.append(part)
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        value = value[part] if written or in_list else None
    return tuple(path)


def _told(tree: Tree, shape: type[BaseModel], detail: ErrorDetails, path: Path) -> Problem:
    given, context = detail["input"], detail.get("ctx", {})
    shown = f', not "{given[:60]}"' if isinstance(given, str) and given else ""
    match detail["type"]:
        case "refused":
            return tree.problem(path, context["what"], context["suggestion"])
        case "extra_forbidden":
            keys = _keys_at(shape, path[:-1])
            return tree.problem(path, "no such key", meant(str(path[-1]), keys) or f"the keys are {', '.join(keys)}")
        case "enum" | "literal_error":
            choices = re.findall("'([^']*)'", context["expected"])
            what = f"must be one of {', '.join(choices)}{shown}"
            return tree.problem(path, what, meant(given, choices) if isinstance(given, str) else "")
        case "string_pattern_mismatch":
            return tree.problem(path, *PATTERNS[context["pattern"]])
        case kind if kind in _WORDS:
            what, suggestion = (words.format(**context) for words in _WORDS[kind])
            return tree.problem(path, what + shown if what.startswith("must be") else what, suggestion)
        case _:
            return tree.problem(path, detail["msg"])


def _keys_at(shape: type[BaseModel], path: Path) -> list[str]:
    """The keys that the mapping at `path` may have."""
    found: Any = shape
    for part in path:
        if keys := _by_key(found):
            found = _bare(keys[str(part)].annotation) if part in keys else found
        else:
            found = _bare(next((inner for inner in reversed(get_args(found)) if inner is not ...), None))
    return list(_by_key(found))


def _by_key(shape: Any) -> dict[str, FieldInfo]:  # noqa: ANN401 - an annotation is no type of its own
    return {field.alias or name: field for name, field in getattr(shape, "model_fields", {}).items()}


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - an annotation is no type of its own
    """An annotation without what decorates it; of several forms the one with keys."""
    while get_origin(annotation) in _AROUND:
        decorated = get_origin(annotation) is Annotated
        choices = [_bare(choice) for choice in get_args(annotation)[: 1 if decorated else None]]
        annotation = next(
            (each for each in choices if isinstance(each, type) and issubclass(each, BaseModel)), choices[0]
        )
    return annotation
