"""What people read: lists, views and numbers; it decides nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.briefing import Briefing
from incidents.core.delivery import Origin
from incidents.core.effect import Channel, EffectKind
from incidents.core.fact import ChainedFact
from incidents.core.incident import Incident, Status
from incidents.core.severity import Severity
from incidents.core.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Filters of the list; several values of one filter mean any of them."""

    status: tuple[Status, ...] = ()
    severity: tuple[Severity, ...] = ()
    system: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    q: str | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert as it was told: `copies` are events that came again, `conflicts` those that came with another body."""

    alert: Alert
    sighting: Sighting
    copies: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be read, with its raw bytes, where it came from and why."""

    id: str
    at: datetime
    origin: Origin
    position: str
    reason: str  # a RefusalKind, or "quarantined"
    field: str
    detail: str
    body: bytes | None
    headers: tuple[tuple[str, str], ...]  # as readable text, hostile
    content_type: str | None
    state: str  # open, replayed, discarded
    handled_by: str | None = None
    handled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectView:
    """An outbox row as people see it: what was sent to whom, when, and what became of it."""

    key: str
    kind: EffectKind
    channel: Channel
    target: str | None
    state: str
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    why: str  # the last answer, in words
    possible_repeat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    incident: Incident
    alerts: tuple[AlertView, ...]
    facts: tuple[ChainedFact, ...]
    effects: tuple[EffectView, ...] = ()
    quiets: tuple[AlertView, ...] = ()  # alerts elsewhere that are muted because of this incident
    beside: tuple[Incident, ...] = ()  # open incidents of other systems on the same model of the same vendor
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """A system as registered and as seen: one row per system and environment."""

    system: str
    environment: str
    title: str
    registered: bool
    criticality: str
    type: str | None = None
    lifecycle: str | None = None  # None: not in the catalog
    vendor: str | None = None
    model: str | None = None  # in use
    owners: dict[str, str] = field(default_factory=dict)
    first_seen_at: datetime | None = None
    open_incidents: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the top of every page tells."""

    by_status: dict[str, int]
    watching: int
    dead_letters: int
    ownerless: int  # unresolved incidents that nobody in the catalog can be asked about
    oldest_due: timedelta | None  # age of the oldest effect that is due
    now: datetime
    overdue_tasks: int = 0


class Reader(Protocol):
    """The read side; it decides nothing."""

    async def incidents(self, query: IncidentQuery) -> tuple[Sequence[Incident], str | None]:
        """Newest first, with the cursor of the next page; ValueError for a cursor that is none of ours."""
        ...

    async def incident(self, incident: str) -> IncidentView:
        """One incident whole, or NotFound."""
        ...

    async def briefing(self, incident: str) -> Briefing: ...

    async def alerts(
        self, states: tuple[AlertState, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[AlertView], str | None]: ...

    async def systems(self, names: Collection[str] | None = None) -> Sequence[SystemView]:
        """Every registered system, and every name that events came under; only those of `names`, if any are given."""
        ...

    async def dead_letters(
        self, states: tuple[str, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[DeadLetter], str | None]: ...

    async def dead_letter(self, letter: str) -> DeadLetter: ...

    async def numbers(self) -> Numbers: ...
