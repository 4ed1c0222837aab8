"""What a runbook's machine steps must keep to among themselves: types and their keys, order, and what is taken back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from incidents.adapters.files.problem import Path, Problem, dotted, meant
from incidents.adapters.files.step_shape import RequestEntry, StepEntry
from incidents.adapters.files.tree import Tree
from incidents.core.step import Method, StepType

_FOR_ALL = frozenset({"id", "title", "type", "when", "text", "on_failure"})
_FOR_HTTP = frozenset(
    {"look", "request", "expect", "status", "undo", "irreversible", "idempotent", "retries", "delay", "timeout"}
)
_FOR = {
    StepType.HTTP: _FOR_HTTP,
    StepType.MANUAL: frozenset({"role", "timeout"}),
    StepType.APPROVE: frozenset({"approval"}),
    StepType.WAIT: frozenset({"wait"}),
    StepType.VERIFY: frozenset({"timeout"}),
    StepType.NOTIFY: frozenset[str](),
    StepType.DECISION: frozenset({"choices", "role", "timeout"}),
}
_NEEDS = {StepType.HTTP: "request", StepType.WAIT: "wait", StepType.NOTIFY: "text", StepType.DECISION: "choices"}
_WAYS = ("abort", "continue")
_LONGEST_ANSWER = 300  # seconds for which one answer is waited for
_OPERATION = re.compile(r"[A-Za-z0-9_]+\.(Describe|Get|List)[A-Za-z0-9]*")  # AWS reads by POST under such a name
_OF_CONNECTION = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class Written:
    """One step as its fence says it."""

    tree: Tree
    entry: StepEntry
    sound: bool  # in itself

    def problem(self, path: Path, what: str, suggestion: str = "") -> Problem:
        return self.tree.problem(path, what, suggestion)


def against_rules(steps: Sequence[Written]) -> Iterator[Problem]:
    """Everything that a shape alone does not see."""
    for step in steps:
        if step.sound:  # else what seems to be missing may be what was refused
            yield from _keys(step)
            yield from _requests(step)
            yield from _taken_back(step)
    yield from _twice(steps)
    yield from _ways_on(steps)


def _keys(step: Written) -> Iterator[Problem]:
    type_ = step.entry.type
    if type_ is None:
        return
    for key in step.tree.value:
        if key not in _FOR_ALL and key not in _FOR[type_]:
            users = ", ".join(kind for kind, keys in _FOR.items() if key in keys)
            yield step.problem((key,), f"a step of type {type_} has none", f"it is for {users}")
    needed = _NEEDS.get(type_)
    if needed and getattr(step.entry, needed) is None:
        yield step.problem((), f"a step of type {type_} needs {needed}", "add it")


def requests_of(entry: StepEntry) -> Iterator[tuple[Path, RequestEntry]]:
    """Each request of a step with its place."""
    if entry.request is not None:
        yield ("request",), entry.request
    for name in ("look", "status", "undo"):
        if (part := getattr(entry, name)) is not None:
            yield (name, "request"), part.request


def _requests(step: Written) -> Iterator[Problem]:
    for path, request in requests_of(step.entry):
        if path[0] in ("look", "status") and not _reads(request):
            yield step.problem((*path, "method"), "a question must change nothing", "ask with GET")
        if request.method is Method.GET and request.body is not None:
            yield step.problem((*path, "body"), "a GET has no body", "name another method, or use query")
        for name in request.headers:
            if name.lower() in _OF_CONNECTION:
                what = "this header is set by the connection or the program"
                yield step.problem((*path, "headers", name), what, "remove it")
    limit = step.entry.timeout
    if step.entry.type is StepType.HTTP and limit is not None and limit.total_seconds() > _LONGEST_ANSWER:
        yield step.problem(("timeout",), "an answer is waited for at most 5m", "use status to ask what came of it")


def _reads(request: RequestEntry) -> bool:
    operation = next((value for name, value in request.headers.items() if name.lower() == "x-amz-target"), "")
    return request.method is Method.GET or (
        request.method is Method.POST and _OPERATION.fullmatch(operation) is not None
    )


def _taken_back(step: Written) -> Iterator[Problem]:
    entry = step.entry
    if entry.request is None:
        return
    if entry.request.method is Method.GET:
        for key in ("undo", "irreversible"):
            if getattr(entry, key):
                yield step.problem((key,), "a GET changes nothing, so nothing is taken back", "remove it")
    elif entry.undo is not None and entry.irreversible:
        yield step.problem(("irreversible",), "it has an undo, so it is not irreversible", "keep one of the two")
    elif entry.undo is None and not entry.irreversible:
        advice = "add undo, or irreversible: true"
        yield step.problem(("request",), f"{entry.request.method} changes something and nothing takes it back", advice)


def _twice(steps: Sequence[Written]) -> Iterator[Problem]:
    first = dict[str, Written]()
    for step in steps:
        id_ = step.entry.id
        if id_ in _WAYS:
            yield step.problem(("id",), f"{id_} means something else", "rename it")
        before = first.setdefault(id_, step)
        if id_ and before is not step:
            line = place.line if (place := before.tree.place(("id",))) else 1
            yield step.problem(("id",), f'the id "{id_}" is used twice, first in line {line}', "rename one of them")


def _ways_on(steps: Sequence[Written]) -> Iterator[Problem]:
    ids = [step.entry.id for step in steps]
    for position, step in enumerate(steps):
        later, here = ids[position + 1 :], step.entry.id
        for path, name in _named(step.entry):
            if name in later:
                continue
            if name == here or name in ids:
                what, advice = f'step "{name}" does not come later', "a run only goes forward: name a later step"
            else:
                what, advice = f'no step "{name}"', meant(name, later) or "name the id of a later step"
            yield step.problem(path, what, advice)


def _named(entry: StepEntry) -> Iterator[tuple[Path, str]]:
    """The steps that a step goes on with, each with its place."""
    if entry.on_failure not in _WAYS:
        yield ("on_failure",), entry.on_failure
    for position, choice in enumerate(entry.choices or ()):
        if choice.goto is not None:
            yield ("choices", position, "goto"), choice.goto


def lines_of(tree: Tree) -> Mapping[str, int]:
    """The line of each value by its dotted path."""
    return {dotted(path): place.line for path, place in tree.places.items()}


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - JSON
    """Every text in a JSON tree, with its place."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from leaves(inner, (*path, position))
    elif isinstance(value, str):
        yield path, value
