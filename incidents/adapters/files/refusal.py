"""Check a tree against its shape, and tell every refusal in words that help to mend the file."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from incidents.adapters.files.problem import Path, Problem, meant
from incidents.adapters.files.tree import Tree

Model = TypeVar("Model", bound=BaseModel)

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "no such key",
    "string_too_short": "is empty",
    "string_too_long": "longer than {max_length} characters",
    "string_type": "must be text",
    "int_parsing": 'must be a whole number, not "{input}"',
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": 'must be a number, not "{input}"',
    "float_type": "must be a number",
    "finite_number": 'must be a number, not "{input}"',
    "decimal_parsing": 'must be a number, not "{input}"',
    "decimal_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be keys with values",
    "model_type": "must be keys with values",
    "model_attributes_type": "must be keys with values",
    "too_short": "needs at least {min_length}",
    "time_delta_type": "must be a duration",
    "date_from_datetime_parsing": '"{input}" is not a date',
    "date_type": "must be a date",
}
_ADVICE = {
    "list_type": "write it as [a, b]",
    "tuple_type": "write it as [a, b]",
    "dict_type": "write it as {key: value}",
    "model_type": "write it as {key: value}",
    "date_from_datetime_parsing": "write it like 2026-11-21",
    "time_delta_type": "write it like 90s, 5m, 24h or 7d",
}


def checked(tree: Tree, shape: type[Model]) -> tuple[Model, list[Problem]]:
    """The tree in its shape, with everything that is wrong; what is wrong is left out, so that the rest can be checked."""
    value, problems = _filled(tree)
    while True:
        try:
            return shape.model_validate(value), problems
        except ValidationError as error:
            errors = [replace_location(detail) for detail in error.errors(include_url=False)]
            problems += [_told(tree, shape, detail) for detail in errors]
            _leave_out(value, [_culprit(detail) for detail in errors])


def _filled(tree: Tree) -> tuple[dict[str, Any], list[Problem]]:
    """A copy of the tree's value without the keys that have no value, which are problems below the top."""
    value = {name: deepcopy(section) for name, section in tree.value.items() if section is not None}
    empty = list(_empties(value, ()))
    problems = [tree.problem(path, "is empty", _how_to_fill(path)) for path in empty]
    _leave_out(value, empty)
    return value, problems
