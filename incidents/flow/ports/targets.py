"""The systems that a run changes, and the templates of a runbook, as the flow needs them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from incidents.core.answer import Answered, NotReached, Unclear
from incidents.core.runbook import Outline
from incidents.core.step import Question, Request, Step


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
