"""What the stations of the road need from the world, as protocols; adapters supply them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.briefing import Briefing
from incidents.core.catalog import Person
from incidents.core.cloudevents import Refusal
from incidents.core.delivery import Origin
from incidents.core.effect import Channel, EffectKind
from incidents.core.fact import Actor, ChainedFact
from incidents.core.incident import Incident, Status
from incidents.core.response import Ask
from incidents.core.severity import Severity


# --- carrying effects ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """Where a message lies at its channel: for Slack the channel id and the message's ts."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One effect, ready to be carried. `key` is written into the message, so that it can be found again."""

    key: str
    kind: EffectKind
    incident: str
    briefing: Briefing
    person: Person | None = None  # of a page
    place: str | None = None  # of a card or a post: a channel's name or id
    text: str = ""  # of a post: its line; of a page: why this person is asked
    thread: MessageRef | None = None  # of a post: the card it stands under
    refs: tuple[MessageRef, ...] = ()  # of a refresh: the messages to bring up to date
    possible_repeat: bool = False
    attempted_at: datetime | None = None  # when the attempt began that is now asked about


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted at the other end."""

    ref: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not accepted, for now: try again."""

    why: str
    after: timedelta | None = None  # the other end asks for this much patience


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never be accepted; `absent` where it is the person who cannot be reached."""

    why: str
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps accepted: ask before sending again."""

    why: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The other end has looked and does not have it."""


Outcome = Sent | NotSent | Refused | Unknown
Finding = Sent | NotThere | Unknown


class Carrier(Protocol):
    """Carries the effects of one channel; never raises for what the other end does."""

    channel: Channel

    async def carry(self, message: Message) -> Outcome: ...

    async def find(self, message: Message) -> Finding:
        """Whether a message whose fate is unknown did arrive."""
        ...


# --- people's doors --------------------------------------------------------------------------------------------------


class Respond(Protocol):
    """The one function behind Slack, web, API and CLI."""

    async def act(self, ask: Ask, *, once: str | None = None) -> Incident:
        """Do it, or raise NotAllowed, NotFound or StoreAway. `once`: a key that makes a repeated click do nothing more."""
        ...


# --- reading ---------------------------------------------------------------------------------------------------------


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
    alert: Alert
    sighting: Sighting


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """A system as registered and as seen: one row per system and environment."""

    system: str
    environment: str
    title: str
    registered: bool
    criticality: str
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

    async def systems(self) -> Sequence[SystemView]: ...

    async def dead_letters(
        self, states: tuple[str, ...], *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[DeadLetter], str | None]: ...

    async def dead_letter(self, letter: str) -> DeadLetter: ...

    async def numbers(self) -> Numbers: ...


class DeadLetters(Protocol):
    """What a person may do with a message that could not be read."""

    async def replay(self, letter: str, *, by: Actor) -> "Taken":
        """Send it through the front door again; NotAllowed when it was replayed or discarded already."""
        ...

    async def discard(self, letter: str, *, by: Actor, reason: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one delivery. Only what HTTP refused is in `errors`; a bus's refusals are dead letters."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    errors: tuple[Refusal, ...] = ()
    refused: int = 0  # events of this delivery that were put aside as dead letters
