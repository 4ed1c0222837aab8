"""The names in a runbook's templates: a step may speak of what is known when it is filled in, and of nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_letters, digits
from urllib.parse import unquote

from incidents.adapters.files.problem import Path, Problem, meant
from incidents.adapters.files.step_rules import Written, leaves, requests_of
from incidents.adapters.templates import Path as Name
from incidents.adapters.templates import Template, Wrong, read

Known = Mapping[str, frozenset[str] | None]  # the names under each root; None: any name under it, and under that

OF_INCIDENT: Known = {
    "incident": frozenset({"environment", "id", "kind", "opened_at", "severity", "system", "title", "url"}),
    "system": frozenset({"id", "model", "prompt", "title", "vendor"}),
    "rollback": frozenset({"kind", "name", "to", "version"}),
}
_IN_PATH = frozenset(ascii_letters + digits + "-._~!$&'()*+,;=:@/%")
_BEFORE_LOOK = ("when", "look")  # filled in before the target was asked


def wrong_names(steps: Sequence[Written], parameters: frozenset[str]) -> Iterator[Problem]:
    """Every template that is refused: for what it says, or for a name that nothing bears out."""
    earlier = dict[str, frozenset[str]]()
    for step in steps:
        kept = frozenset(step.entry.look.keep) if step.entry.look else frozenset[str]()
        known: dict[str, frozenset[str] | None] = {**OF_INCIDENT, "parameters": parameters}
        for path, text in _templates(step):
            here = known if path[0] in _BEFORE_LOOK else {**known, "prior": kept}
            try:
                _in_place(path, read(text))
                for name in sorted(read(text).names):
                    _known(name, here, earlier)
            except Wrong as wrong:
                yield step.problem(path, wrong.what, wrong.suggestion)
        if step.entry.when is not None and _unclear(step.entry.when):
            yield step.problem(("when",), "it must be one {{ }} and nothing else", "write {{ parameters.a == 'b' }}")
        yield from _paths(step)
        earlier[step.entry.id] = kept


def _templates(step: Written) -> Iterator[tuple[Path, str]]:
    """Every text of a step that is filled in, with its place; keys of `expect.fields` are texts too."""
    said = step.entry.model_dump(exclude_unset=True, exclude_none=True)
    for key in ("title", "text", "when", "look", "request", "expect", "status", "undo"):
        yield from leaves(said.get(key), (key,))
    for around in ((), ("look",), ("status",), ("undo",)):
        part = said
        for name in around:
            part = part.get(name) or {}
        for pointer in (part.get("expect") or {}).get("fields", {}):
            yield (*around, "expect", "fields", pointer), pointer


def _in_place(path: Path, template: Template) -> None:
    """What only stands in some places: a connection and a method are written out."""
    if template.names and path[-1] in ("connection", "method") and "body" not in path:
        raise Wrong("no template stands here", "write it out")


def _unclear(when: str) -> bool:
    try:
        return read(when).alone is None
    except Wrong:
        return False  # it was told already


def _known(name: Name, known: Known, earlier: Mapping[str, frozenset[str]]) -> None:
    """Refuse a name that nothing bears out."""
    root, said = name[0], ".".join(name)
    if root == "prior_of":
        _of_earlier(name, earlier)
        return
    if root not in known:
        raise Wrong(f"{said} is not known yet", "what the target said is known after look")
    under = known[root]
    if len(name) == 1:
        if root == "rollback":
            return  # as in: rollback is defined
        raise Wrong(f"{said} is no value", f"name one in it: {_listed(root, under)}")
    if under is not None and name[1] not in under:
        raise Wrong(f"no {root}.{name[1]}", meant(name[1], under) or _listed(root, under))
    if len(name) > 2 and root != "prior":  # noqa: PLR2004 - ROOT.NAME.MORE
        raise Wrong(f"{root}.{name[1]} holds nothing more", f"write {root}.{name[1]}")


def _of_earlier(name: Name, earlier: Mapping[str, frozenset[str]]) -> None:
    if len(name) < 3:  # noqa: PLR2004 - prior_of.STEP.NAME
        raise Wrong(f"{'.'.join(name)} is no value", "write prior_of.STEP.NAME")
    if name[1] not in earlier:
        hint = meant(name[1], earlier) or f"the earlier steps are {', '.join(earlier) or 'none'}"
        raise Wrong(f'no earlier step "{name[1]}"', hint + "; an id with a hyphen is named prior_of['the-id']")
    kept = earlier[name[1]]
    if name[2] not in kept:
        raise Wrong(f'step "{name[1]}" keeps no {name[2]}', meant(name[2], kept) or _listed("keep", kept))


def _listed(root: str, names: Iterable[str] | None) -> str:
    return f"{root} has {', '.join(sorted(names or ())) or 'nothing'}"


def _paths(step: Written) -> Iterator[Problem]:
    """What is wrong with the paths, as far as no value decides it."""
    for place, request in requests_of(step.entry):
        try:
            pieces = read(request.path).pieces
        except Wrong:
            continue
        where, begins = (*place, "path"), pieces[0] if pieces else ""
        if not isinstance(begins, str) or not begins.startswith("/") or begins.startswith("//"):
            yield step.problem(where, "a path begins with one /", "write it below the address of the connection")
        strange = {sign for piece in pieces if isinstance(piece, str) for sign in piece} - _IN_PATH
        if strange:
            advice = "put what follows a ? under query, and percent-encode other signs"
            yield step.problem(where, f"the sign {min(strange)!r} cannot stand in a path", advice)
        if any(isinstance(piece, str) and {".", ".."} & set(unquote(piece).split("/")) for piece in pieces):
            yield step.problem(where, "a part of the path is . or ..", "write the whole path")


def wrong_default(template: str) -> Wrong | None:
    """Why the default of a parameter is refused."""
    try:
        for name in sorted(read(template).names):
            _known(name, OF_INCIDENT, {})
    except Wrong as wrong:
        return wrong
    return None
