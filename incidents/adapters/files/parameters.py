"""The parameters that a runbook's front matter declares, each judged by its own rules."""

from collections.abc import Iterator

from incidents.adapters.files.placeholders import wrong_default
from incidents.adapters.files.problem import Path, Problem
from incidents.adapters.files.runbook_shape import ParameterEntry, RunbookFront
from incidents.adapters.files.tree import Tree
from incidents.adapters.templates import read
from incidents.core.errors import NotAllowed
from incidents.core.parameters import judged, slow
from incidents.core.runbook import Parameter, ParameterType


def read_parameters(tree: Tree, front: RunbookFront) -> tuple[tuple[Parameter, ...], list[Problem]]:
    """Every parameter, and all that contradicts itself in one."""
    parameters, problems = list[Parameter](), list[Problem]()
    for name, entry in front.parameters.items():
        path: Path = ("parameters", name)
        found = [tree.problem((*path, *where), what, advice) for where, what, advice in _wrong(name, entry)]
        if found:
            problems += found
        else:
            parameters.append(_parameter(name, entry))
    return tuple(parameters), problems


def _wrong(name: str, entry: ParameterEntry) -> Iterator[tuple[Path, str, str]]:
    """What is wrong: where in the entry, what, and what to do."""
    if entry.pattern is not None:
        if entry.type is not ParameterType.STRING:
            yield ("pattern",), f"a parameter of type {entry.type} has no pattern", "remove it"
        elif why := slow(entry.pattern):
            yield ("pattern",), f"it {why}", "write it like [a-z-]{1,60}"
    for position, choice in enumerate(entry.choices):
        try:
            judged(Parameter(name=name, type=entry.type), choice)
        except NotAllowed as refused:
            yield ("choices", position), refused.why, ""
    if entry.default is None or (entry.pattern is not None and slow(entry.pattern)):
        return
    if wrong := wrong_default(entry.default):
        yield ("default",), wrong.what, wrong.suggestion
    if wrong or read(entry.default).names:
        return
    try:
        judged(_parameter(name, entry), entry.default)
    except NotAllowed as refused:
        yield ("default",), refused.why, ""


def _parameter(name: str, entry: ParameterEntry) -> Parameter:
    bare = Parameter(name=name, type=entry.type)
    return Parameter(
        name=name,
        type=entry.type,
        description=entry.description or "",
        default=entry.default,
        choices=tuple(judged(bare, choice) for choice in entry.choices),
        pattern=entry.pattern or "",
    )
