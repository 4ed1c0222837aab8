"""The form that asks for a plan: a field for each parameter of a runbook, read back as the values that it wants."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from incidents.adapters.web.problem import bad_field
from incidents.adapters.web.runs import RunSaid, Value
from incidents.core.runbook import Parameter, ParameterType, Runbook

PREFIX = "p."  # before the name of a parameter, in a form
_YES, _NO = "true", "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter as the form shows it; `usual` is what it is where nothing is typed."""

    name: str
    label: str
    about: str
    value: str
    usual: str
    choices: tuple[str, ...]


def fields(runbook: Runbook, typed: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(_field(each, typed.get(PREFIX + each.name, "")) for each in runbook.parameters)


def _field(parameter: Parameter, value: str) -> Field:
    choices: tuple[object, ...] = parameter.choices
    if parameter.type is ParameterType.BOOLEAN:
        choices = (_YES, _NO)
    return Field(
        name=PREFIX + parameter.name,
        label=parameter.name.replace("_", " "),
        about=parameter.description,
        value=value,
        usual=_usual(parameter.default),
        choices=tuple(_plain(choice) for choice in choices),
    )


def _usual(default: object) -> str:
    """A template is filled in by the plan: nobody reads one."""
    if default is None:
        return "must be given, here or in the catalog"
    return "from the incident" if isinstance(default, str) and "{{" in default else _plain(default)


def _plain(value: object) -> str:
    return (_YES if value else _NO) if isinstance(value, bool) else str(value)


def asked(runbook: Runbook, form: Mapping[str, str]) -> RunSaid:
    """What the form asks for; raises RequestValidationError or Problem, which name the field."""
    given = {each: form[PREFIX + each.name] for each in runbook.parameters if PREFIX + each.name in form}
    said: dict[str, object] = {
        "runbook": runbook.id,
        "parameters": {each.name: _value(each, text.strip()) for each, text in given.items()},
        "warned": "warned" in form,
    }
    said |= {name: form[name] for name in ("plan", "note") if name in form}
    try:
        return RunSaid.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _value(parameter: Parameter, text: str) -> Value:
    """A form knows only text."""
    try:
        match parameter.type:
            case ParameterType.INTEGER:
                return int(text)
            case ParameterType.NUMBER:
                return _finite(text)
            case ParameterType.BOOLEAN:
                return {_YES: True, _NO: False}[text.lower()]
            case ParameterType.STRING:
                return text
    except (KeyError, ValueError):
        raise bad_field(parameter.name, f"should be {_KINDS[parameter.type]}") from None


_KINDS = {
    ParameterType.INTEGER: "a whole number",
    ParameterType.NUMBER: "a number",
    ParameterType.BOOLEAN: "true or false",
}


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
