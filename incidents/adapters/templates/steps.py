"""The steps of a runbook with their templates filled in: the port that plans are made through."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from incidents.adapters.templates import fill
from incidents.adapters.templates.language import Wrong
from incidents.core.errors import NotAllowed
from incidents.core.runbook import Outline
from incidents.core.step import Approval, Choice, Expectation, Method, Question, Request, Step, StepType, Undo
from incidents.core.system import Role

Known = Mapping[str, object]
Tree = Mapping[str, Any]
Filled = TypeVar("Filled")
PATIENCE = timedelta(minutes=15)  # until a person is asked again about what waits for them


class RunbookTemplates:
    """Fills in what a runbook's file says; what it is given to fill in is data and never a template."""

    def value(self, template: object, known: Known) -> object:
        try:
            return fill.value(template, known)
        except Wrong as wrong:
            raise NotAllowed("template", str(wrong)) from wrong

    def question(self, outline: Outline, known: Known) -> Question | None:
        look = outline.source.get("look")
        return _Filling(outline, known).question("look", look) if look is not None else None

    def holds(self, outline: Outline, known: Known) -> bool:
        when = outline.source.get("when")
        if when is None:
            return True
        filling = _Filling(outline, known)
        found = filling.at("when", lambda: fill.value(when, known))
        if isinstance(found, bool):
            return found
        raise filling.refused("when", Wrong("it must come to true or false", "compare it with something"))

    def step(self, outline: Outline, known: Known, prior: Known) -> Step:
        source, filling = outline.source, _Filling(outline, {**known, "prior": prior})
        request, undo, status = (source.get(name) for name in ("request", "undo", "status"))
        looked = self.question(outline, known)
        return Step(
            id=outline.id,
            title=filling.at("title", lambda: fill.line(outline.title, filling.known)),
            type=outline.type,
            text=filling.at("text", lambda: fill.text(source.get("text", ""), filling.known)),
            request=filling.request("request", request) if request is not None else None,
            expect=filling.expectation("expect", source.get("expect", {})),
            prior=dict(prior),
            look=looked,
            status=filling.question("status", status) if status is not None else None,
            undo=filling.undo(undo) if undo is not None else None,
            **_settled(outline.type, source),
        )


class _Filling:
    """Fills in one step; every refusal names the line of what is refused."""

    def __init__(self, outline: Outline, known: Known) -> None:
        self.known = known
        self._outline = outline

    def refused(self, where: str, wrong: Wrong) -> NotAllowed:
        outline = self._outline
        return NotAllowed("template", f"{outline.file}:{outline.line_of(where)}: step {outline.id}: {where}: {wrong}")

    def at(self, where: str, filled: Callable[[], Filled]) -> Filled:
        with self._told(where):
            return filled()

    @contextmanager
    def _told(self, where: str) -> Iterator[None]:
        try:
            yield
        except Wrong as wrong:
            raise self.refused(where, wrong) from wrong
        except NotAllowed as refused:
            where = f"{self._outline.file}:{self._outline.line_of(where)}: step {self._outline.id}: {where}"
            raise NotAllowed(refused.code, f"{where}: {refused.why}") from refused

    def request(self, where: str, source: Tree) -> Request:
        known = self.known
        return Request(
            connection=source["connection"],
            method=Method(source.get("method", Method.GET)),
            path=self.at(f"{where}.path", lambda: fill.path(source.get("path", "/"), known)),
            query=self._pairs(f"{where}.query", source.get("query", {}), fill.plain),
            headers=self._pairs(f"{where}.headers", source.get("headers", {}), fill.header),
            body=self.at(f"{where}.body", lambda: fill.value(source.get("body"), known)),
        )

    def _pairs(self, where: str, source: Tree, filled: Callable[[str, Known], str]) -> tuple[tuple[str, str], ...]:
        found = []
        for name, template in source.items():
            with self._told(f"{where}.{name}"):
                found.append((name, filled(template, self.known)))
        return tuple(found)

    def expectation(self, where: str, source: Tree) -> Expectation:
        fields = []
        for pointer, template in source.get("fields", {}).items():
            with self._told(f"{where}.fields.{pointer}"):
                fields.append((fill.pointer(pointer, self.known), fill.value(template, self.known)))
        return Expectation(status=tuple(source.get("status", ())), fields=tuple(fields))

    def question(self, where: str, source: Tree) -> Question:
        keep = []
        for name, pointer in source.get("keep", {}).items():
            with self._told(f"{where}.keep.{name}"):
                keep.append((name, fill.pointer(pointer, self.known)))
        return Question(
            request=self.request(f"{where}.request", source["request"]),
            expect=self.expectation(f"{where}.expect", source.get("expect", {})),
            keep=tuple(keep),
        )

    def undo(self, source: Tree) -> Undo:
        return Undo(
            request=self.request("undo.request", source["request"]),
            expect=self.expectation("undo.expect", source.get("expect", {})),
            idempotent=source.get("idempotent", True),
        )


def _settled(type_: StepType, source: Tree) -> dict[str, Any]:
    """What a step says without templates; what it does not say is left to the step's own defaults."""
    said = {name: source[name] for name in ("irreversible", "idempotent", "retries", "on_failure") if name in source}
    said |= {name: timedelta(seconds=source[name]) for name in ("delay", "timeout", "wait") if name in source}
    if type_ in (StepType.MANUAL, StepType.DECISION):
        said.setdefault("timeout", PATIENCE)
    if "role" in source:
        said["role"] = Role(source["role"])
    if "choices" in source:
        said["choices"] = tuple(Choice(**choice) for choice in source["choices"])
    if type_ is StepType.APPROVE:
        said["approval"] = _approval(source.get("approval", {}))
    return said


def _approval(source: Tree) -> Approval:
    said = dict(source)
    if "within" in said:
        said["within"] = timedelta(seconds=said["within"])
    return Approval(**{**said, "roles": tuple(map(Role, said.get("roles", ())))})
