"""The systems that a run changes, and the templates of a runbook, as the flow needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from incidents.core.runbook import Outline
from incidents.core.step import Question, Request, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a target said; `body` is None where it was no JSON. Hostile."""

    status: int
    body: object
    text: str = ""  # the beginning of it, for people


@dataclass(frozen=True, slots=True)
class NotReached:
    """Surely nothing was done: refused before it was sent, or never accepted."""

    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may have been done: the answer broke off, never came, or says that the target failed."""

    why: str


class Targets(Protocol):
    """Sends requests to the connections of the settings; never raises for what the other end does."""

    async def send(
        self, request: Request, *, within: timedelta, key: str | None = None
    ) -> Answered | NotReached | Unclear:
        """One request; `key` is sent as its Idempotency-Key. No redirect is followed."""
        ...

    def connections(self) -> Mapping[str, str]:
        """The base address of each connection by its name, without what is secret."""
        ...


class Templates(Protocol):
    """Fills in the templates of a runbook, in a sandbox with limits on size and time; only runbooks hold templates."""

    def value(self, template: object, known: Mapping[str, object]) -> object:
        """A JSON tree with every template in it filled in; NotAllowed (`template`) where that cannot be done."""
        ...

    def question(self, outline: Outline, known: Mapping[str, object]) -> Question | None:
        """How the target is asked what is there before the step, if the step wants that."""
        ...

    def holds(self, outline: Outline, known: Mapping[str, object]) -> bool:
        """Whether the step is part of the plan (its `when`)."""
        ...

    def step(self, outline: Outline, known: Mapping[str, object], prior: Mapping[str, object]) -> Step:
        """The step with everything filled in; NotAllowed (`template`) naming the file's line."""
        ...


def point(body: object, pointer: str) -> object:
    """What stands at a JSON pointer (RFC 6901); KeyError where nothing does."""
    found = body
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, Sequence) and not isinstance(found, str) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise KeyError(pointer)
    return found
