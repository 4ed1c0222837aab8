"""Decides the values of a runbook's parameters: those given, those of the system, those of the runbook, each judged."""

import re
from collections.abc import Callable, Mapping
from math import isfinite

from incidents.core.errors import NotAllowed
from incidents.core.runbook import Parameter, ParameterType, Runbook

_LONGEST = 1_000  # characters of a text
_LONGEST_MATCHED = 200  # of one that has a pattern
_MOST_VARIABLE = 3  # signs in a pattern that match more or less: each multiplies how long a text takes
_LARGEST = 2**53  # beyond it JSON readers round
_REPEATED = re.compile(r"\)[*+{]")
_BACKWARDS = re.compile(r"\\[1-9]|\(\?(?!:)")
_VARIABLE = re.compile(r"[*+]|\{[0-9]*,[0-9]*\}")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_TRUTHS = {"true": True, "false": False}

Fill = Callable[[object], object]  # fills in a default, which may be a template; nothing else is one


def values(
    runbook: Runbook, given: Mapping[str, object], of_system: Mapping[str, object], fill: Fill
) -> dict[str, object]:
    """The value of every parameter: as it is given, else as the system has it, else by default.

    NotAllowed (`parameter`) where one is unknown, missing or not as its runbook wants it.
    """
    names = {each.name for each in runbook.parameters}
    if strange := sorted(given.keys() - names):
        known = ", ".join(sorted(names)) or "it has none"
        raise NotAllowed("parameter", f"no parameter {strange[0][:80]} in runbook {runbook.id}: {known}")
    found = {}
    for parameter in runbook.parameters:
        name = parameter.name
        if name in given:
            value = given[name]
        elif name in of_system:
            value = of_system[name]
        elif parameter.default is not None:
            value = fill(parameter.default)
        else:
            raise NotAllowed("parameter", f"the parameter {name} must be given{_about(parameter)}")
        found[name] = judged(parameter, value)
    return found


def _about(parameter: Parameter) -> str:
    return f": {parameter.description}" if parameter.description else ""


def judged(parameter: Parameter, value: object) -> object:
    """`value` in the type of `parameter`, or NotAllowed (`parameter`); numbers may come as text."""
    found = _typed(parameter, value)
    if parameter.choices and found not in parameter.choices:
        raise _refused(parameter, f"must be one of {', '.join(map(_shown, parameter.choices))}")
    if parameter.pattern and isinstance(found, str):
        if len(found) > _LONGEST_MATCHED:
            raise _refused(parameter, f"is longer than {_LONGEST_MATCHED} characters")
        if not re.fullmatch(parameter.pattern, found):
            raise _refused(parameter, f"must look like {parameter.pattern}")
    return found


def _typed(parameter: Parameter, value: object) -> object:
    match parameter.type:
        case ParameterType.STRING:
            return _text(parameter, value)
        case ParameterType.BOOLEAN:
            found = _TRUTHS.get(value) if isinstance(value, str) else value
            if not isinstance(found, bool):
                raise _refused(parameter, "must be true or false")
            return found
        case ParameterType.INTEGER:
            number = _number(parameter, value)
            if not number.is_integer():
                raise _refused(parameter, "must be a whole number")
            return int(number)
        case ParameterType.NUMBER:
            number = _number(parameter, value)
            return int(number) if number.is_integer() else number


def _text(parameter: Parameter, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _refused(parameter, "must be text")
    text = str(value)
    if not text or len(text) > _LONGEST:
        raise _refused(parameter, f"must be text of 1 to {_LONGEST} characters")
    if _CONTROL.search(text):
        raise _refused(parameter, "must be in one line, without control characters")
    return text


def _number(parameter: Parameter, value: object) -> float:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    try:
        number = float(str(value)) if plain and len(str(value)) <= _LONGEST_MATCHED else None
    except ValueError:
        number = None
    if number is None:
        raise _refused(parameter, "must be a number")
    if not isfinite(number) or abs(number) > _LARGEST:
        raise _refused(parameter, "is too large a number")
    return number


def _shown(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _refused(parameter: Parameter, why: str) -> NotAllowed:
    return NotAllowed("parameter", f"the parameter {parameter.name} {why}")


def slow(pattern: str) -> str:
    """Why `pattern` might take long on a text made for it, or cannot be read; empty where it is fine."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no pattern: {error}"
    if _REPEATED.search(pattern):
        return "repeats a group"
    if _BACKWARDS.search(pattern):
        return "looks back or ahead"
    if len(_VARIABLE.findall(pattern)) > _MOST_VARIABLE:
        return f"holds more than {_MOST_VARIABLE} of * + {{m,n}}"
    return ""
