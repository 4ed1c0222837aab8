"""What the web asks of the service beyond the ports of the flow: taking, opening, answering once, health."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from incidents.core.delivery import Delivery
from incidents.core.incident import Incident
from incidents.flow.ports import Opening, Taken


class Intake(Protocol):
    def submit(self, delivery: Delivery, /) -> "asyncio.Future[Taken]":
        """Take a delivery at once; the future resolves after its commit, or fails with StoreAway."""
        ...


class OpenIncident(Protocol):
    async def __call__(self, opened: Opening, /) -> Incident:
        """Open it and return it; raises NotAllowed where one gathers for the system already, or StoreAway."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose request an Idempotency-Key belongs to."""

    by: str
    method: str
    path: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it was given, to be given again."""

    status: int
    content_type: str
    body: bytes
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Go:
    """The key is new: do it, then call `finish`."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Done already: give this answer again."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Conflict:
    """The key came before with another body."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """The first request of this key has not been answered yet."""


Begun = Go | Replay | Conflict | InFlight


class Answers(Protocol):
    """Remembers what was answered to each Idempotency-Key for 24 h."""

    async def begin(self, claim: Claim, body_hash: str) -> Begun:
        """Take the key for this request, or say what became of it. A claim never finished lapses after a minute."""
        ...

    async def finish(self, claim: Claim, answer: Answer | None) -> None:
        """Keep the answer; None gives the key back, since nothing was done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One part that the service leans on, and how it is."""

    name: str
    ok: bool
    why: str
