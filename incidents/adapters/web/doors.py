"""What the web needs of the rest of the service, handed over by whoever builds it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Request
from prometheus_client import REGISTRY, CollectorRegistry

from incidents.core.delivery import Delivery
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import Actor
from incidents.core.incident import Incident
from incidents.core.severity import Severity
from incidents.flow.ports import DeadLetters, Reader, Respond, Taken


class Intake(Protocol):
    def submit(self, delivery: Delivery, /) -> "asyncio.Future[Taken]":
        """Take a delivery at once; the future resolves after its commit, or fails with StoreAway."""
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


class OpenIncident(Protocol):
    async def __call__(self, opening: Opening, /) -> Incident:
        """Open it and return it, or the incident that it joined; raises NotAllowed or StoreAway."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDoors:
    intake: Intake
    respond: Respond
    open_incident: OpenIncident
    reader: Reader
    dead_letters: DeadLetters
    answers: Answers
    estate: Callable[[], Estate]
    ready: Callable[[], Awaitable[Sequence[Health]]]
    alive: Callable[[], Health]
    token: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8080"
    metrics: CollectorRegistry = REGISTRY
    routers: tuple[APIRouter, ...] = ()  # of others; they guard themselves and live below /slack


def doors_of(request: Request) -> WebDoors:
    return cast("WebDoors", request.app.state.doors)


Doors = Annotated[WebDoors, Depends(doors_of)]
