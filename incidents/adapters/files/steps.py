"""The machine steps of a runbook, from its fences: read, checked, and made outlines of."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from incidents.adapters.files.fences import Fence, fences
from incidents.adapters.files.placeholders import wrong_names
from incidents.adapters.files.problem import Path, Problem
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.step_rules import Written, against_rules, lines_of
from incidents.adapters.files.step_shape import Json, StepEntry
from incidents.adapters.files.tree import Place, Tree, read_tree
from incidents.core.runbook import Outline
from incidents.core.step import Method, StepType

_YAML = ("yaml", "yml")
_MARK = "write ```yaml step"
_MOST = 40  # steps of a runbook
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_TRUTHS = {"true": True, "false": False}
_VERIFIED = "The metric that fired is watched until it is well again"


def read_steps(
    lines: Sequence[str], file: str, *, first_line: int, parameters: Iterable[str]
) -> tuple[tuple[Outline, ...], list[Problem]]:
    """The steps in the body of a runbook, and all that is wrong with them; what changes something is verified last."""
    problems, steps = list[Problem](), list[Written]()
    for fence in fences(lines, first_line):
        if (tree := _step_in(fence, file, problems)) is not None:
            steps.append(_checked(tree, problems))
    problems += against_rules(steps)
    problems += wrong_names(steps, frozenset(parameters))
    if len(steps) > _MOST:
        advice = "split it into two runbooks"
        problems.append(Problem(file=file, line=first_line, what=f"more than {_MOST} steps", suggestion=advice))
    return tuple(_verified([_outline(step, file) for step in steps])), problems


def _step_in(fence: Fence, file: str, problems: list[Problem]) -> Tree | None:
    """The tree of a fence that holds a step; a plain YAML fence does where it names an id and a type."""
    yaml = fence.marks[:1] and fence.marks[0].lower() in _YAML
    if not yaml or (len(fence.marks) > 1 and fence.marks[1:] != ("step",)):
        if "step" in fence.marks or "steps" in fence.marks:
            what = f"the fence is marked {' '.join(fence.marks)[:60]}"
            problems.append(Problem(file=file, line=fence.line, what=what, suggestion=_MARK))
        return None
    tree, found = read_tree("\n".join(fence.lines), file, first_line=fence.line + 1, bare=True)
    if len(fence.marks) == 1 and not {"id", "type"} <= tree.value.keys():
        return None
    if not fence.closed:
        found.append(Problem(file=file, line=fence.line, what="the fence does not end", suggestion="close it with ```"))
    tree.places[()] = Place(file, fence.line)
    problems += found
    return tree


def _checked(tree: Tree, problems: list[Problem]) -> Written:
    before = len(problems)
    if tree.whole:
        missing = (name for name in ("id", "title", "type") if tree.value.get(name) is None)
        problems += [tree.problem((), f"a step has no {name}", "add it") for name in missing]
    _pass_on(tree)
    entry, found = checked(tree, StepEntry)
    problems += found
    return Written(tree=tree, entry=entry, sound=tree.whole and len(problems) == before)


def _pass_on(tree: Tree) -> None:
    """Set aside what goes to a target as it stands: its texts without quotes may be numbers, true, false or null."""
    for around in ((), ("look",), ("status",), ("undo",)):
        for path in ((*around, "request", "body"), (*around, "expect", "fields")):
            if around == () and path[0] not in tree.value:
                continue
            holder = _inside(tree.value, path[:-1])
            if path[-1] not in holder:
                continue
            given = holder[path[-1]]
            if path[-1] == "body":
                holder["body"] = Json(_typed(given, path, tree))
            elif isinstance(given, dict):
                holder["fields"] = {key: Json(_typed(value, (*path, key), tree)) for key, value in given.items()}


def _inside(value: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401 - a tree holds whatever was written
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _typed(value: object, path: Path, tree: Tree) -> object:
    if isinstance(value, dict):
        return {key: _typed(inner, (*path, key), tree) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner, (*path, position), tree) for position, inner in enumerate(value)]
    if not isinstance(value, str) or path not in tree.bare:
        return value
    if value in _TRUTHS:
        return _TRUTHS[value]
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _NUMBER.fullmatch(value) else value


def _outline(step: Written, file: str) -> Outline:
    said = step.entry.model_dump(exclude_unset=True, exclude_none=True)
    source = {key: _plain(value) for key, value in said.items() if key not in ("id", "title", "type")}
    place = step.tree.place(())
    return Outline(
        id=step.entry.id,
        title=step.entry.title,
        type=step.entry.type or StepType.MANUAL,
        source=source,
        file=file,
        line=place.line if place else 0,
        lines=lines_of(step.tree),
    )


def _plain(value: object) -> object:
    """A value as JSON has it, lengths of time in seconds."""
    match value:
        case timedelta():
            return int(value.total_seconds())
        case Enum():
            return value.value
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _verified(outlines: list[Outline]) -> Iterator[Outline]:
    """Where something is changed and nothing says whether it helped, a last step does."""
    yield from outlines
    changing = any(each.source.get("request", {}).get("method", Method.GET) != Method.GET for each in outlines)
    if changing and all(each.type is not StepType.VERIFY for each in outlines):
        taken = {each.id for each in outlines}
        id_ = next(name for name in ("verify", "verify-metric", "verify-metric-again") if name not in taken)
        yield Outline(id=id_, title=_VERIFIED, type=StepType.VERIFY)
