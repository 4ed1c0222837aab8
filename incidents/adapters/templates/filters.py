"""The filters that a template may use: each takes what it is given as data and makes nothing large of it."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from jinja2 import Undefined

LONGEST = 20_000  # characters of what one template comes to
_MOST_DIGITS = 18
_MOST_PLACES = 15
_Scalar = str | int | float | bool


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("it is for text only")


def _int(value: object) -> int:
    if isinstance(value, str) and len(value.strip()) > _MOST_DIGITS:
        raise ValueError(f"a number of more than {_MOST_DIGITS} digits")
    if isinstance(value, _Scalar):
        return int(value)
    raise TypeError("it is for numbers and text only")


def _float(value: object) -> float:
    if not isinstance(value, _Scalar):
        raise TypeError("it is for numbers and text only")
    number = float(value)
    if not isfinite(number):
        raise ValueError("it is no finite number")
    return number


def _round(value: object, places: object = 0) -> float | int:
    if not (isinstance(places, int) and 0 <= places <= _MOST_PLACES):
        raise ValueError(f"between 0 and {_MOST_PLACES} places")
    return round(_float(value), places) if places else round(_float(value))


def _default(value: object, instead: object = "") -> object:
    """What is not known, and what is null, is `instead`."""
    return instead if value is None or isinstance(value, Undefined) else value


def _replace(value: object, old: object, new: object) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    if not before:
        raise ValueError("it needs something to replace")
    if len(text) + text.count(before) * (len(after) - len(before)) > LONGEST:
        raise ValueError(f"it comes to more than {LONGEST} characters")
    return text.replace(before, after)


def _length(value: object) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise TypeError("it is for text and lists only")


FILTERS: dict[str, Callable[..., Any]] = {
    "default": _default,
    "float": _float,
    "int": _int,
    "length": _length,
    "lower": lambda value: _text(value).lower(),
    "replace": _replace,
    "round": _round,
    "trim": lambda value: _text(value).strip(),
    "upper": lambda value: _text(value).upper(),
}
