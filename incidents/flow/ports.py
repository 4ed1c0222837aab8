"""What the stations of the road need from the world, as protocols; adapters supply them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Protocol

from incidents.core.alert import Alert, AlertState, Sighting
from incidents.core.briefing import Briefing
from incidents.core.catalog import Person
from incidents.core.cloudevents import Refusal
from incidents.core.decision import Decision, Scene
from incidents.core.delivery import Delivery, Origin
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.fact import Actor, ChainedFact
from incidents.core.incident import Change, Incident, Status
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


# --- saving ----------------------------------------------------------------------------------------------------------


class Turn(IntEnum):
    """Who goes first where there is one writer."""

    PEOPLE = 0
    PAGES = 1
    INTAKE = 2


Place = tuple[str, str]  # (system, environment) where an incident gathers


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One event as it is remembered."""

    source: str
    event: str
    type: str
    system: str
    environment: str
    disposition: str  # alert, release, heartbeat
    fingerprint: str | None
    body_hash: str
    body: bytes  # redacted

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.event


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to be put aside, before it has an id."""

    delivery: Delivery
    reason: str
    field: str
    detail: str
    body: bytes | None
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """How a place, seen by its published name, stands: whether it is one of too many unknown names."""

    flooded: frozenset[Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRequest:
    """What must be loaded for one place: the alerts told of, and the systems it depends on."""

    place: Place
    fingerprints: frozenset[str]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTelling:
    """Tellings of one alert that decided nothing; guarded by the version of the alert that was read."""

    fingerprint: str
    version: int
    sighting: Sighting
    tellings: int


class Disposition(StrEnum):
    """What an event turned out to be when it was remembered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same id with the same body
    CONFLICT = "conflict"  # the same id with another body


class InboxUnit(Protocol):
    async def take(self, rows: Sequence[InboxRow]) -> list[Disposition]:
        """Remember events, once each; what each of `rows` turned out to be, in their order."""
        ...

    async def put_aside(self, letters: Sequence[Letter]) -> None:
        """Keep what could not be read."""
        ...

    async def forget_marker(self, worker: str, digests: Sequence[bytes]) -> None:
        """The batch is done: forget its marker, and any suspicion of these messages (empty where none was)."""
        ...


class BoardUnit(Protocol):
    channels: set[str]  # of the effects made in this transaction

    async def alerts(self, fingerprints: Iterable[str]) -> dict[str, tuple[Alert, Sighting]]: ...

    async def see(self, names: Mapping[Place, bool], *, limit: int) -> Sighted:
        """Remember the names seen (True: registered); unknown ones past `limit` new ones an hour are a flood."""
        ...

    async def scenes(self, requests: Sequence[SceneRequest]) -> dict[Place, Scene]:
        """Lock these places in key order, and load all that a decision about each needs."""
        ...

    async def new_ids(self, count: int) -> list[str]: ...

    async def count_quiet(self, tellings: Sequence[QuietTelling]) -> None:
        """Count tellings that decided nothing; Stale if one of the alerts has changed since it was read."""
        ...

    async def save(self, decisions: Sequence[Decision], tellings: Mapping[str, int]) -> None:
        """Everything decided, in bulk; each changed alert comes with its sighting, `tellings` is how often it was told.

        Stale when anything is not as it was read.
        """
        ...

    async def save_releases(self, place: Place, changes: Sequence[Change]) -> None: ...

    async def enqueue(self, made: Sequence[Effect]) -> None: ...

    async def incident(
        self, incident: str, *, alerts: bool = True
    ) -> tuple[Incident, dict[str, tuple[Alert, Sighting]]]:
        """Lock one incident and load it, with its alerts by fingerprint unless they are not wanted; NotFound."""
        ...

    async def unreachable(self) -> dict[str, str]: ...

    async def clicked(self, key: str, incident: str) -> bool:
        """Whether this click is new; a repeated one is not."""
        ...

    async def due_incidents(self, limit: int) -> list[str]: ...

    async def due_alerts(self, limit: int) -> list[tuple[Place, str]]:
        """(place of its incident, fingerprint) of alerts that time may change."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An effect leased to this worker; `lease` fences every later update."""

    id: int
    lease: str
    key: str
    kind: EffectKind
    channel: Channel
    incident: str
    target: str | None
    data: Mapping[str, object]
    due_at: datetime
    made_at: datetime
    attempts: int
    attempted_at: datetime | None
    asked: int
    possible_repeat: bool
    unknown: bool  # its fate must be asked about first


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a claimed effect."""

    claimed: Claimed
    state: str  # an EffectState
    why: str = ""
    ref: MessageRef | None = None
    due_at: datetime | None = None  # when to try or ask again
    possible_repeat: bool = False
    asked: int = 0  # how often its fate was asked about


class OutboxUnit(Protocol):
    async def claim(self, channel: Channel, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Lease due effects, and those whose lease ran out or whose fate is unknown; pages are re-checked here."""
        ...

    async def stuck_pages(self, older_than: timedelta) -> list[Claimed]:
        """Pages that Slack has not taken for so long, and that no fallback stands in for yet."""
        ...

    async def refs(self, incidents: Sequence[str]) -> dict[str, list[tuple[str, MessageRef]]]:
        """The messages of each incident that were sent: (effect key, where it lies); the card is first."""
        ...

    async def settle(self, results: Sequence[Result]) -> list[Result]:
        """Save results where the lease still holds; the ones that were saved."""
        ...

    async def skip(self, person: str, why: str, until: datetime) -> None:
        """Remember that a person cannot be reached."""
        ...

    async def reached(self, persons: Sequence[str]) -> None:
        """Forget that these could not be reached."""
        ...


class LedgerUnit(Protocol):
    async def seal(self) -> int:
        """Chain the heads of all incidents that were written to since the last seal; how many those were."""
        ...

    async def expire(self) -> None:
        """Drop raw bodies, clicks and answers whose time is over."""
        ...


class Unit(Protocol):
    """One transaction. `now` is the database's clock, read once."""

    now: datetime

    @property
    def inbox(self) -> InboxUnit: ...

    @property
    def board(self) -> BoardUnit: ...

    @property
    def outbox(self) -> OutboxUnit: ...

    @property
    def ledger(self) -> LedgerUnit: ...


class Store(Protocol):
    """The database, behind one door."""

    def unit(self, turn: Turn) -> AbstractAsyncContextManager[Unit]: ...

    async def mark(self, worker: str, digests: Sequence[bytes], *, solo: bool) -> dict[bytes, int]:
        """Leave a marker before a batch is looked at; which of its messages are suspects, with their solo crashes."""
        ...

    async def unmark(self, worker: str) -> None: ...
