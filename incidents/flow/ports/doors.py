"""What people and messages come in by: an action on an incident, a dead letter dealt with, the answer to a delivery."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incidents.core.delivery import Delivery
from incidents.core.events import Kind
from incidents.core.explanation import Explanation
from incidents.core.fact import Actor
from incidents.core.incident import Incident
from incidents.core.refusal import Refusal
from incidents.core.response import Ask
from incidents.core.severity import Severity


class Respond(Protocol):
    """The one function behind Slack, web, API and CLI."""

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        """Do it, or raise NotAllowed, NotFound or StoreAway. `once`: a key with which a second click does no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An incident that a person opens by hand."""

    system: str
    environment: str
    title: str
    summary: str | None
    severity: Severity
    kind: Kind
    by: Actor
    once: str | None = None  # the same opening sent again opens nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one delivery. Only what HTTP refused is in `errors`; a bus's refusals are dead letters."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    errors: tuple[Refusal, ...] = ()
    refused: int = 0  # events of this delivery that were put aside as dead letters


class DeadLetters(Protocol):
    """What a person may do with a message that could not be read."""

    async def replay(self, letter: str, *, by: Actor) -> "Taken":
        """Send it through the front door again; NotAllowed when it was replayed or discarded already."""
        ...

    async def discard(self, letter: str, *, by: Actor, reason: str | None = None) -> None: ...


class Explain(Protocol):
    """What would become of a message, told without acting on it."""

    async def explain(self, delivery: Delivery, *, at: datetime | None = None) -> Explanation:
        """Each event of it, one after the other, as if it came now or at `at`; NotAllowed or StoreAway."""
        ...
