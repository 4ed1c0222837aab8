"""Runbooks from Markdown files; a bad one is reported, and the others still load."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from incidents.adapters.files.parameters import read_parameters
from incidents.adapters.files.places import shipped
from incidents.adapters.files.problem import FilesRefused, Problem
from incidents.adapters.files.refusal import checked
from incidents.adapters.files.runbook_shape import AppliesToEntry, RunbookFront
from incidents.adapters.files.source import bytes_of, files_at, text_of
from incidents.adapters.files.steps import read_steps
from incidents.adapters.files.tree import read_tree
from incidents.core.runbook import AppliesTo, Runbook

_RULE = "---"
_STEP = re.compile(r"[0-9]{1,3}[.)] +(\S.*)")
_MARKED = re.compile(r"(?<![\w*`])(\*\*|\*|`)(?=\S)([^*`]+)(?<=\S)\1(?![\w*`])")  # **so**, *so* or `so`
_FENCE = re.compile(r" {0,3}(```|~~~)")
_FRONT = "begin with ---, then id: and title:, then ---"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookShelf:
    """The runbooks that could be read, and what is wrong with the others."""

    runbooks: tuple[Runbook, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_runbooks(path: Path | None) -> RunbookShelf:
    """The runbooks in the file or folder `path`, or the shipped ones."""
    runbooks: dict[str, Runbook] = {}
    problems: list[Problem] = []
    try:
        files = files_at(path or shipped("runbooks"), ".md")
    except FilesRefused as refused:
        return RunbookShelf(problems=refused.problems)
    for file in files:
        if path and path.is_dir() and file.name.lower() == "readme.md":
            continue  # it speaks about the folder
        try:
            runbook = _runbook(file)
        except FilesRefused as refused:
            problems += refused.problems
            continue
        if first := runbooks.get(runbook.id):
            what = f'the id "{runbook.id}" is taken by {first.file}'
            problems.append(Problem(file=str(file), line=1, where="id", what=what, suggestion="rename one of them"))
        else:
            runbooks[runbook.id] = runbook
    return RunbookShelf(runbooks=tuple(runbooks.values()), problems=tuple(problems))


def _runbook(file: Path) -> Runbook:
    """The runbook in `file`; FilesRefused with all that is wrong."""
    data = bytes_of(file)
    lines = text_of(data, file).split("\n")
    end = _end_of_front(lines, file)
    tree, problems = read_tree("\n".join(lines[1:end]), str(file), first_line=2)
    for name in ("id", "title"):
        if tree.whole and tree.value.get(name) is None:
            problems.append(Problem(file=str(file), line=1, where=name, what="is missing", suggestion="add it"))
    written = tree.value.get("parameters")
    named = tuple(written) if isinstance(written, dict) else ()  # those that are wrong too: one mistake is told once
    front, found = checked(tree, RunbookFront)
    parameters, refused = read_parameters(tree, front)
    steps = tuple(_steps(lines[end + 1 :]))
    outlines, wrong = read_steps(lines[end + 1 :], str(file), first_line=end + 2, parameters=named)
    problems += [*refused, *wrong]
    if not (steps or outlines or wrong):
        advice = "write what to do as 1., 2., 3. at the start of a line"
        problems.append(Problem(file=str(file), line=end + 2, what="no numbered steps", suggestion=advice))
    if problems or found:
        raise FilesRefused([*problems, *found])
    return Runbook(
        id=front.id,
        title=front.title,
        applies_to=_applies_to(front.applies_to),
        owner=front.owner,
        last_reviewed=front.last_reviewed,
        steps=steps,
        parameters=parameters,
        outlines=outlines,
        body="\n".join(lines[end + 1 :]).strip() + "\n",
        hash=sha256(data).hexdigest(),
        file=str(file),
    )


def _end_of_front(lines: list[str], file: Path) -> int:
    """The position of the line that ends the front matter."""
    if lines[0].rstrip() != _RULE:
        raise FilesRefused([Problem(file=str(file), line=1, what="no front matter", suggestion=_FRONT)])
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _RULE:
            return position
    raise FilesRefused([Problem(file=str(file), line=1, what="the front matter does not end", suggestion=_FRONT)])


def _applies_to(entry: AppliesToEntry) -> AppliesTo:
    return AppliesTo(
        kind=entry.kind,
        drift_kind=entry.drift_kind,
        system=entry.system,
        severity_at_least=entry.severity_at_least,
        cause=entry.cause,
        labels=entry.labels,
    )


def _steps(lines: list[str]) -> Iterator[str]:
    """The numbered steps that begin at the left edge, each with its indented lines as one line; code is passed over."""
    step: list[str] = []
    fenced = False
    for line in lines:
        if _FENCE.match(line.lstrip()):
            fenced = not fenced
        elif fenced:
            continue
        elif begun := _STEP.fullmatch(line.rstrip()):
            if step:
                yield _plain(step)
            step = [begun[1]]
        elif step and line.startswith("  ") and line.strip():
            step.append(line.strip())
        elif step and line.strip():
            yield _plain(step)
            step = []
    if step:
        yield _plain(step)


def _plain(lines: list[str]) -> str:
    """A step in one line, without the marks of emphasis and code: pages, chats and terminals show it as text."""
    return _MARKED.sub(r"\2", " ".join(lines))
